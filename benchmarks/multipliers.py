# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""LUTs of every form of multiplier, 8 x 8 and 8 x 9 bits, counted by yosys, next to figures from elsewhere.

    python benchmarks/multipliers.py [--weights 35] [--seed 0]

All forms are modules of one design: one run of yosys per column, xc7, xcup (LUTRAM only) and xc7 without primitives.
raw: a table is a LUT site, a LUT6_2 is one, LUTs used as memory count; packed: an estimate of how many share a site.
No place and route. Constant weights: mean (least..most) of random ones. Figures are quoted with their sources:
calc, sim: counted, or built of primitives and simulated, by hand; [M]: from memory; the others name theirs. The
table of 256 products in ROM is counted for the first 6. A figure is compared with what stands behind the difference
(most: the largest of the sample); exit 1 if a difference of 15 % or more has no explanation.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Sequence, Tuple

import numpy as np
from multiplier_forms import APART, SHARED, Design, add_constants, add_variables, named, sample_of

from lutforge.hls.multipliers_rtl import Sizes
from lutforge.netlist import Netlist, read_netlists
from lutforge.overlays.synthesis_cells import TABLES, count_cells
from lutforge.overlays.synthesis_packing import packed_sites

SIZES = [Sizes(8, weight, signed) for weight in (8, 9) for signed in (False, True)]
RUNS = {"xc7": ("xc7", ["LUTFORGE_XILINX"]), "xcup": ("xcup", ["LUTFORGE_XILINX"]), "generic": ("xc7", [])}
PLENTY = 0.15
Figures = Mapping[int, Tuple[float, float]]
"""Weight bits -> range of LUT6 that somebody else counted."""


@dataclass(frozen=True)
class Row:
    """A form and one other's figure. stem: of its modules; run: which of RUNS; compared: raw, packed, mean or most."""

    title: str
    stem: str
    run: str = "xc7"
    figures: Figures = field(default_factory=dict)
    source: str = "no figure"
    compared: str = "packed"
    why: str = ""


def both(small: float, large: float) -> Figures:
    return {8: (small, small), 9: (large, large)}


ROM, RAM = "one table of 256 products, ROM", "one table of 256 products, LUTRAM"
TABLE, CFG, BANKS = "constant, 4-bit digits", "CFGLUT5, 4-bit digits", "LUTRAM, 4-bit digits, two banks"
DIGITS, ARRAY = "{0, W, 2W, 3W}, W and 3W in registers", "array multiplier a * w"
ROWS = [
    Row(
        ROM, "one_table", figures=both(64, 68), source="ROM 256 x 1 = 4 LUT [UG474], calc", compared="mean",
        why="4 LUTs a bit hold any contents; bit i of a product depends on i + 1 bits of a, so quarters are equal",
    ),
    Row(RAM, "one_lutram", figures={8: (64, 64)}, source="calc"),
    Row(
        RAM, "one_lutram", figures={8: (116, 116)}, source="yosys 0.23, dual port", compared="raw",
        why="one port here: who writes takes over the address (a multiplexer per activation, shared by all weights)",
    ),
    Row(TABLE, "tables", figures=both(18, 20), source="calc, sim", compared="most"),
    Row(
        TABLE + ", no primitives", "generic", "generic", {8: (27, 27)}, "yosys 0.23, mean of 35", "mean",
        why="written at the width of the odd part of W, 0 and powers of two are wires; then as yosys maps it",
    ),
    Row(
        "a * constant", "plain", figures={8: (22, 22)}, source="yosys 0.23, mean of 36 (0..46)", compared="mean",
        why="a newer yosys and other random weights; the figure depends on how many are small or near powers of two",
    ),
    Row(CFG, "cfglut", figures=both(18, 20), source="sim"),
    Row(
        BANKS, "lutram", figures={8: (24, 24)}, source="single port, calc",
        why="a second port and bank: a table is written while the other one is read; RAM32M spends 1 LUT in 4 on it",
    ),
    Row(BANKS, "lutram", figures={8: (26, 28)}, source="simple dual port, calc; yosys 0.23: 28"),
    Row(BANKS, "lutram", "xcup", {8: (26, 28)}, "simple dual port, calc; yosys 0.23: 28"),
    Row(DIGITS, "digits", figures=both(40, 44), source="sim, and 17 FF at 8 x 8"),
    Row(
        DIGITS + ", no primitives", "digits", "generic", both(85, 94), "yosys 0.23", "raw",
        why="a newer yosys on text that selects a row and adds it; both without LUT6_2, so upper bounds",
    ),
    Row(
        ARRAY, "digital", figures={8: (74, 74)}, source="EvoApprox exact mul8u_1JD3, ehw-fit/approx-fpgas README",
    ),
    Row(
        ARRAY, "digital", figures={8: (40, 60)}, source="Booth-array class [M]",
        why="yosys sums partial products in a tree of counters; Booth rows inside carry chains must be instantiated",
    ),
    Row(ARRAY, "digital", figures={8: (108, 165)}, source="yosys 0.23", compared="raw"),
    Row("its generator of tables (LUTRAM)", "lutram_generator", source="no figure; one accumulator per column"),
    Row("its generator of tables (CFGLUT5)", "cfglut_generator", source="no figure; one accumulator per column"),
]  # fmt: skip


@dataclass(frozen=True)
class Area:
    """LUT sites of a form, and its flip-flops; for each weight of the sample where it is a constant."""

    raw: List[int]
    packed: List[int]
    ff: int = 0


NONE = Area([], [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=int, default=35)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    samples = {bits: rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), options.weights).tolist() for bits in (8, 9)}
    areas = {run: measured(run, samples) for run in RUNS}
    print(
        "| form | bits | run | figure | its source | raw | packed | signed a, packed | FF | difference | explanation |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    explained, seen = True, set()
    for row in ROWS:
        for bits in (8, 9):
            if bits in row.figures or (row.stem, row.run, bits) not in seen:
                seen.add((row.stem, row.run, bits))
                explained &= shown(row, bits, areas[row.run])
    return 0 if explained else 1


def measured(run: str, samples: Mapping[int, List[int]]) -> Dict[str, Area]:
    """Run yosys once; returns the area of each form by the name of its module."""
    family, defines = RUNS[run]
    stems = [row.stem for row in ROWS if row.run == run]
    design = Design()
    for sizes in SIZES:
        add_constants(design, samples[sizes.weight_bits], sizes, stems)
        add_variables(design, sizes, stems)
    made = design.synthesised(family, defines)
    print(f"yosys {made.version} on {run}: {len(design.modules)} modules in {made.seconds:.0f} s", flush=True)
    netlists = read_netlists(made.json)
    result = {}
    for sizes in SIZES:
        for stem in stems:
            name, weights = named(stem, sizes), samples[sizes.weight_bits]
            if stem in SHARED:
                result[name] = by_weight(netlists[name], len(sample_of(stem, weights)))
            elif stem not in APART:
                result[name] = area(netlists[name])
            elif not sizes.signed:
                parts = [area(netlists[f"{name}_{index}"]) for index in range(len(weights))]
                result[name] = Area([part.raw[0] for part in parts], [part.packed[0] for part in parts])
    return result


def area(netlist: Netlist) -> Area:
    packed = packed_sites(netlist)
    counts = count_cells(netlist, packed)
    return Area([counts.raw], [packed], counts.ff)


def by_weight(netlist: Netlist, weights: int) -> Area:
    """Count the tables of each weight; their sum must be all there are."""
    counts = Counter(cell.name.partition("_mul.")[0] for cell in netlist.cells if cell.type in (*TABLES, "INV"))
    each = [counts[f"q{index}"] for index in range(weights)]
    if sum(each) != area(netlist).raw[0]:
        raise SystemExit(f"{netlist.name}: {area(netlist).raw[0]} tables, of which {sum(each)} have a weight's name")
    return Area(each, each)


def shown(row: Row, bits: int, areas: Mapping[str, Area]) -> bool:
    """Print a row; False if it differs and nothing says why."""
    own, signed = (areas.get(named(row.stem, Sizes(8, bits, sign)), NONE) for sign in (False, True))
    figure, difference, why, good = "", "", "", True
    if bits in row.figures:
        low, high = row.figures[bits]
        figure = f"{low:g}" if low == high else f"{low:g}-{high:g}"
        values = own.packed if row.compared == "packed" else own.raw
        value = max(values) if row.compared == "most" else float(np.mean(values))
        nearest = min(max(value, low), high)
        difference = f"{value / nearest - 1:+.0%} ({row.compared})"
        if round(abs(value / nearest - 1), 2) >= PLENTY:
            why, good = row.why or "NOT EXPLAINED", bool(row.why)
    columns = [row.title, f"8 x {bits}", row.run, figure, row.source if figure else "", text(own.raw)]
    columns += [text(own.packed), text(signed.packed), str(own.ff or ""), difference, why]
    print(f"| {' | '.join(columns)} |")
    return good


def text(values: Sequence[int]) -> str:
    if len(values) <= 1:
        return "".join(map(str, values))
    return f"{np.mean(values):.1f} ({min(values)}..{max(values)})"


if __name__ == "__main__":
    sys.exit(main())
