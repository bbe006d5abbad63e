# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge rtl`: the Verilog of an overlay folder, compiled, and what its simulation measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Dict, Optional

import numpy as np
import typer

from lutforge import cli_sources as sources
from lutforge import store
from lutforge.boards import load_board
from lutforge.cli_console import emit, progress, say
from lutforge.cycles import count
from lutforge.errors import LutforgeError
from lutforge.manifest import NETWORK, load_manifest
from lutforge.pipeline import stages

SIMULATORS = ("auto", "verilator", "netlist")
MEASURED_IMAGES = 100


def rtl(
    overlay: Annotated[Path, typer.Argument(help="An overlay folder, as `generate` writes it.", show_default=False)],
    simulator: Annotated[str, typer.Option("--simulator", help=f"One of: {', '.join(SIMULATORS)}.")] = "auto",
    images: Annotated[
        Optional[Path], typer.Option("--images", help="An .npz with `images`; default: random images.")
    ] = None,
    limit: Annotated[Optional[int], typer.Option("--limit", help="Only the first N images.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Write Verilog into an overlay folder, compile a simulation of it, and measure cycles per image."""
    from lutforge.hls.rtlsim import RtlExecutor

    if simulator not in SIMULATORS:
        raise LutforgeError(f"--simulator {simulator}: use one of {', '.join(SIMULATORS)}")
    made, network = load_manifest(overlay), store.load(overlay / NETWORK)
    chosen = sources.default_simulator() if simulator == "auto" else simulator
    with progress("compiling Verilog", None, ""):
        sources.build_simulation(overlay, network, chosen)
    executor = RtlExecutor(overlay, network, chosen)
    if images is not None:
        batch = sources.read_images(images, None, None, limit).images
    else:
        kind = network.input
        drawn = np.random.default_rng(0).integers(kind.low, kind.high + 1, (limit or MEASURED_IMAGES, *kind.shape))
        batch = np.asarray(drawn)
    with progress(f"running {executor.name}", len(batch)) as step:
        executor.run(batch, step)
    measured = executor.performance
    assert measured is not None
    board, schedule = sources.design_of(overlay, network, made.board, "")
    expected = count(stages(network, schedule, board.beat_bits, made.output))
    document: Dict[str, Any] = {
        "executor": executor.name,
        "images": measured.images,
        "latency_cycles_measured": measured.latency_cycles,
        "latency_cycles_predicted": expected.latency,
        "cycles_per_image_measured": measured.interval_cycles,
        "cycles_per_image_predicted": expected.interval,
        "clock_mhz": load_board(made.board).clock_mhz,
        "images_per_second_predicted": round(measured.predicted_fps) if measured.predicted_fps else None,
        "images_per_second_dma_limit": round(measured.dma_limit_fps),
    }
    emit(document, as_json)
    say("images per second are predicted from measured cycles; the design is not timing-closed")
