# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Training with Brevitas quantisers, freezing to integers, and export to the description of a network."""
