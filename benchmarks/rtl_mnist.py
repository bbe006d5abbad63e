# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The Verilog of the trained MNIST networks: equal answers, cycles, and area by synthesis.

    OMP_NUM_THREADS=1 python benchmarks/rtl_mnist.py --data DIR [--cache DIR] [network ...]

Each network of tests/golden is scheduled by `auto` for PYNQ-Z2. Its netlist (yosys, primitives) runs in the netlist
evaluator on all test images, its Verilog in Verilator on some; both are compared with the numpy reference, logits
included. Then yosys counts the same schedule for PYNQ-Z2, and what `auto` chooses for ZCU104. Cycles are measured by
simulation; images/s are predicted from them at the board's clock and not timing-closed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

import lutforge
from lutforge import reference
from lutforge.boards import Board, load_board
from lutforge.cost import estimate
from lutforge.cycles import count
from lutforge.folding import auto
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.hls.rtlsim import RtlExecutor, compile_rtl, write_rtl
from lutforge.overlays.synthesis import board_percent, synthesise_design, verdict
from lutforge.pipeline import stages
from lutforge.schedule import Schedule
from lutforge.training.data import load_dataset

ROOT = Path(__file__).parents[1]
NETWORKS = ("lutnet_mnist", "lutna_mlp_mnist", "lutna_conv_mnist")
VERILATOR_IMAGES = {"lutnet_mnist": 10_000}
STYLES = {"verilator": "generic", "netlist": "xilinx"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS, help=f"any of: {', '.join(NETWORKS)}")
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--cache", type=Path, help="folder that keeps netlists from run to run")
    parser.add_argument("--limit", type=int, default=10_000, help="at most so many images")
    parser.add_argument("--skip", default="", help="any of verilator,netlist,synthesis")
    options = parser.parse_args()
    if options.cache:
        os.environ["LUTFORGE_CACHE"] = str(options.cache)
    images = load_dataset("mnist", options.data).test_images[: options.limit]
    skipped = options.skip.split(",")
    good = True
    for name in options.networks:
        network = lutforge.load(ROOT / "tests" / "golden" / f"{name}.npz")
        board = load_board("pynq_z2")
        schedule = auto(network, board)
        for simulator in ("netlist", "verilator"):
            if simulator not in skipped:
                limit = VERILATOR_IMAGES.get(name, 1_000) if simulator == "verilator" else len(images)
                good &= _simulate(network, schedule, board, simulator, images[:limit])
        if "synthesis" not in skipped:
            zcu104 = load_board("zcu104")
            good &= _synthesise(network, schedule, board)
            good &= _synthesise(network, auto(network, zcu104), zcu104)
    return 0 if good else 1


def _simulate(network: lutforge.Network, schedule: Schedule, board: Board, simulator: str, images: Any) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / network.name
        write_overlay(folder, network, generate(network, schedule, board))
        write_rtl(folder, generate_rtl(network, schedule, board, luts=STYLES[simulator]), network)
        begun = time.perf_counter()
        compile_rtl(folder, simulator)
        compiled = time.perf_counter() - begun
        executor = RtlExecutor(folder, network, simulator)
        begun = time.perf_counter()
        answers = executor.run(images)
        seconds = time.perf_counter() - begun
        equal = np.array_equal(answers, reference.run(network, images))
        measured, wanted = executor.performance, count(stages(network, schedule, board.beat_bits))
        assert measured is not None
        exact = (measured.latency_cycles, measured.interval_cycles) == (wanted.latency, wanted.interval)
        print(
            f"{network.name}: {executor.name} {'=' if equal else 'DIFFERS FROM'} reference on {len(images)} images, "
            f"logits included; compiled in {compiled:.0f} s, ran {seconds:.0f} s; latency {measured.latency_cycles} "
            f"and {measured.interval_cycles:g} cycles/image, {'as' if exact else 'NOT AS'} predicted; "
            f"DMA limit {measured.dma_limit_fps:,.0f} images/s",
            flush=True,
        )
        return bool(equal) and exact


def _synthesise(network: lutforge.Network, schedule: Schedule, board: Board) -> bool:
    cost, begun = estimate(network, schedule, board.beat_bits).generated(), time.perf_counter()
    used = synthesise_design(generate_rtl(network, schedule, board), board)
    seconds = time.perf_counter() - begun
    total, percent = used.total, board_percent(used)
    cycles = count(stages(network, schedule, board.beat_bits))
    said = verdict(used, {})
    row: Dict[str, Any] = {
        "LUT6 raw": f"{total.raw:,}",
        "packed": f"{total.packed:,}",
        "FF": f"{total.ff:,}",
        "BRAM36": f"{total.bram36:g}",
        "DSP": total.dsp,
        "depth": used.path.levels,
        "predicted LUT6": f"{cost.lut6:,}",
        "predicted FF": f"{cost.ff:,}",
        "cycles/image": cycles.interval,
        "images/s": f"{board.clock_mhz * 1e6 / cycles.interval:,.0f}",
        "DMA limit": f"{_dma_limit(network, board):,.0f}",
    }
    parts = ", ".join(f"{part} {counts.raw:,}" for part, counts in used.by_part().items())
    print(f"{network.name} on {board.title} ({used.label}; {seconds:.0f} s):")
    print("  " + "; ".join(f"{key} {value}" for key, value in row.items()))
    print(f"  LUT6 raw by part: {parts}; percent of the board: {_percents(percent)}")
    print("  " + " ".join(said), flush=True)
    return not any(value > 100 for value in percent.values())


def _percents(percent: Dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} %" for name, value in percent.items())


def _dma_limit(network: lutforge.Network, board: Board) -> float:
    """Images per second that the wider stream lets through at one beat a cycle."""
    from lutforge.streams import input_stream, output_stream

    beats: List[int] = [
        input_stream(network.input, board.beat_bits).beats,
        output_stream(network, "logits", board.beat_bits).beats,
    ]
    return board.clock_mhz * 1e6 / max(beats)


if __name__ == "__main__":
    raise SystemExit(main())
