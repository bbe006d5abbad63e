# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Deep networks on one programmable array: cycles, what the exchange of weights costs, and the array's area.

    OMP_NUM_THREADS=1 python benchmarks/lutna_array.py build/deep/vgg11_half.npz ... [--area]

Cycles are those of `core/array_cycles.py`, which are Verilator's to the cycle (tests/hls/test_array_rtl.py). --area
lets yosys count the array for a PYNQ-Z2, which takes some minutes. Rows go to docs/results/lutna.jsonl.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict

from lutna_rows import append_row

import lutforge
from lutforge.array_cycles import cycles_of, totals
from lutforge.array_geometry import Geometry
from lutforge.array_program import Program, compile_program
from lutforge.boards import load_board
from lutforge.hls.array_rtl import generate_array_rtl
from lutforge.overlays.synthesis import synthesise_design

GEOMETRY = Geometry(pe=16, simd=16, generators=8, activation_words=16384, sum_words=2048)
BOARD = "pynq_z2"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", type=Path, nargs="*")
    parser.add_argument("--area", action="store_true", help="count the array with yosys")
    options = parser.parse_args()
    for path in options.networks:
        network = lutforge.load(path)
        for images in (1, None):
            row = measured(compile_program(network, GEOMETRY, images), path.stem)
            append_row(row)
            print(f"{row['name']}: {row['cycles_per_image']:,} cycles an image, {row['fps']:,} images/s", flush=True)
    if options.area:
        row = area()
        append_row(row)
        print(row)
    return 0


def measured(program: Program, name: str) -> Dict[str, Any]:
    """Return what a run of a program takes, and what of it is not multiplication."""
    cycles = cycles_of(program)
    clock_mhz = load_board(BOARD).clock_mhz
    sums = {key: sum(getattr(step, key) for step in program.steps) for key in ("tiles", "skipped", "kept")}
    multiplications = sum(step.multiplications for step in program.steps)
    every = GEOMETRY.pe * GEOMETRY.simd * cycles.latency
    return {
        "kind": "array",
        "name": f"{name}, {program.images} images",
        "network": name,
        "images": program.images,
        **totals(cycles),
        **sums,
        "cycles_per_image": round(cycles.latency / program.images),
        "fps": round(clock_mhz * 1e6 * program.images / cycles.latency),
        "clock_mhz": clock_mhz,
        "multiplications": multiplications,
        "used_percent": round(100 * multiplications * program.images / every, 1),
        "weights_kb": round(len(program.words) * 8 / 1024),
        "sha256": lutforge.digest(program.network),
    }


def area() -> Dict[str, Any]:
    """Return what yosys counts for the array."""
    board = load_board(BOARD)
    used = synthesise_design(generate_array_rtl(GEOMETRY), board, deadline_s=1800)
    total = used.total
    return {
        "kind": "array_area",
        "name": f"{GEOMETRY.pe} x {GEOMETRY.simd} on {board.title}",
        "geometry": GEOMETRY.to_document(),
        "lut6_raw": total.raw,
        "lut6_packed": total.packed,
        "ff": total.ff,
        "bram36": total.bram36,
        "dsp": total.dsp,
        "board_lut6": board.resources.lut6,
        "board_bram36": board.resources.bram36,
        "made_by": used.label,
    }


if __name__ == "__main__":
    raise SystemExit(main())
