# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Build plans that turn a generated overlay folder into a bitstream."""
