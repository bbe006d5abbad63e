# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Sections of docs/results/lutna.md on hardware and speed: the programmable array, agreement, the reference's time."""

from __future__ import annotations

from pathlib import Path
from typing import List

from lutna_rows import Row, paragraph, table


def array_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the section on networks on the programmable array."""
    head = ["network", "images a run", "cycles an image", "images/s at 100 MHz", "multipliers used", "tiles"]
    head += ["zero tiles skipped", "waits for tables", "program, kB"]
    body = [
        [
            row["network"],
            str(row["images"]),
            f"{row['cycles_per_image']:,}",
            f"{row['fps']:,}",
            f"{row['used_percent']} %",
            f"{row['tiles']:,}",
            f"{row['skipped']:,}",
            f"{100 * row['waits'] / row['latency']:.1f} %",
            f"{row['weights_kb']:,}",
        ]
        for row in rows
    ]
    return [
        "## The programmable array\n",
        paragraph(
            "One overlay of 16 x 16 table multipliers, whose tables are grown in hardware from weights that come with"
            " the images, in the bank that is not used. Cycles are predicted by core/array_cycles.py, which equals "
            "Verilator's counts to the cycle in every test (tests/hls/test_array_rtl.py); images/s follow from them "
            "and are not timing-closed. The more images a run has, the more positions each tile passes over, and the "
            "less the exchange of weights costs: 'waits for tables' is the part of all cycles in which nothing but "
            "that is waited for. Multipliers used: multiplications by weights that are not zero, of those that the "
            "array could do in all cycles."
        ),
        "    python benchmarks/lutna_array.py NETWORK...\n",
        table([head, *body]),
    ]


def area_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the section on the area of the programmable array."""
    head = ["array", "LUT6 raw", "LUT6 packed (estimate)", "of the board", "flip-flops", "BRAM36", "DSP", "made by"]
    body = [
        [
            row["name"],
            f"{row['lut6_raw']:,}",
            f"{row['lut6_packed']:,}",
            f"{100 * row['lut6_packed'] / row['board_lut6']:.0f} %",
            f"{row['ff']:,}",
            f"{row['bram36']:g} of {row['board_bram36']:g}",
            f"{row['dsp']}",
            f"{row['made_by']}, {row['date']}",
        ]
        for row in rows
    ]
    return ["### Its area\n", "    python benchmarks/lutna_array.py --area\n", table([head, *body])]


def agreement_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the section on executors that were compared, image by image."""
    body = [
        [
            row["name"],
            ", ".join(f"{name} {count:,}" for name, count in row["images"].items()),
            ", ".join(f"{name} {value:,.0f}" for name, value in row["seconds"].items()),
            row["schedule"],
            row["date"],
        ]
        for row in rows
    ]
    return [
        "## Equal integers\n",
        paragraph("Every logit of every image is equal in these executors; a difference would be no row but an error."),
        "    OMP_NUM_THREADS=1 python benchmarks/lutna_agreement.py NETWORK --data DIR\n",
        table([["network", "test images", "seconds", "schedule", "date"], *body]),
    ]


def speed_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the section on the reference's time and memory."""
    body = [
        [
            row["network"],
            row["form"],
            f"{row['images']:,}",
            f"{row['seconds']:,} s",
            f"{row['memory_mb']:,} MB",
            f"{row['times_exact']:.2f}" if "times_exact" in row else "",
        ]
        for row in rows
    ]
    return [
        "## Time of the reference\n",
        paragraph("On one hyperthread; wall time, and the largest memory of the process."),
        "    OMP_NUM_THREADS=1 python benchmarks/lutna_speed.py build/deep/vgg11_half.npz --fewer 300\n",
        table([["network", "multipliers", "images", "time", "memory", "times the exact form's"], *body]),
    ]
