# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The fast engine: a network as a program of bit-sliced and integer stages, with the integers of the reference.

`planner` makes a `Program` of a network; `native` runs it in compiled code, `numpy_backend` without a compiler;
`executor` chooses, checks against the reference and spreads images over threads.
"""
