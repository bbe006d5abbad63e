# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""From a network to HLS C++, look-up-table files and their C simulation."""
