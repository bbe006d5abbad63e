# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# Nothing is constrained here: the design has one clock, which the processing system's own constraints define, no pins
# of its own, and its resets come from a proc_sys_reset, which brings its constraints along.
