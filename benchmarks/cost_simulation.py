# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Cycles of a case of `cost_zoo`, counted by Verilator, beside those of the model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Tuple

import numpy as np
from cost_networks import Case

from lutforge.boards import load_board
from lutforge.cycles import count
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.hls.rtlsim import compile_rtl, write_rtl
from lutforge.pipeline import stages
from lutforge.rtl_kernel import RtlKernel

IMAGES = 5

Cycles = Tuple[int, float]
"""Latency of the first image, and cycles from answer to answer, on average over a batch."""


def simulated(case: Case) -> Cycles:
    """Return what Verilator counts on random images."""
    board, kind = load_board(case.board), case.network.input
    with tempfile.TemporaryDirectory(prefix="lutforge-cycles-") as name:
        folder = Path(name) / case.name
        write_overlay(folder, case.network, generate(case.network, case.schedule, board, case.output))
        design = generate_rtl(case.network, case.schedule, board, case.output, luts="generic")
        write_rtl(folder, design, case.network)
        compile_rtl(folder)
        kernel = RtlKernel(folder)
        images = np.random.default_rng(1).integers(kind.low, kind.high + 1, (IMAGES, *kind.shape))
        kernel.stream(kernel.manifest.input_stream.pack(images), IMAGES)
        measured = kernel.performance
        assert measured is not None and measured.interval_cycles is not None
        return measured.latency_cycles, measured.interval_cycles


def modelled(case: Case) -> Cycles:
    """Return what the model says of the same batch."""
    beat_bits = load_board(case.board).beat_bits
    told = count(stages(case.network, case.schedule, beat_bits, case.output), IMAGES)
    return told.latency, (told.ends[-1] - told.ends[0]) / (IMAGES - 1)
