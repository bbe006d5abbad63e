# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""LUTs of popcounts and of the largest of ten sums: planned for every width, and synthesised with yosys.

    python benchmarks/popcounts.py [--all] [--no-synthesis]

A popcount is planned with counters of tables and with counters on carry chains (`Schedule.counters`), for 3 to 200
bits; 'least' is what no network of such counters goes below, two bits per LUT. --all prints every width. Synthesised
are a popcount, ten of them as a layer, and the output stage that answers the class: with the primitives of `hls/rtl`,
and with the behavioural text in their place, which is what yosys makes by itself. Counts of a layer hold its handshake.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np

from lutforge.boards import load_board
from lutforge.carry_compressor import carry_tree
from lutforge.compressor import compressor_tree
from lutforge.cost import estimate
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.netlist import read_netlist
from lutforge.network import Network, Node
from lutforge.operations import ArgMax, Input, LutNeurons
from lutforge.overlays.synthesis_cells import Counts, count_cells
from lutforge.overlays.synthesis_depth import longest_path
from lutforge.overlays.synthesis_packing import packed_sites
from lutforge.schedule import COUNTERS, Schedule, Unrolled
from lutforge.yosys import synthesise, yosys_version

WIDTHS = range(3, 201)
SHOWN = (3, 6, 7, 8, 10, 12, 15, 16, 20, 24, 30, 31, 32, 45, 60, 63, 64, 90, 100, 120, 127, 128, 150, 180, 200)
CLASSES, BITS = 10, 90
BOARD = load_board("pynq_z2")


def planned(bits: int) -> Tuple[int, int, int, int, int]:
    """Return (LUTs, levels) with counters of tables, the same on carry chains, and the least LUTs of the latter."""
    width = bits.bit_length()
    tables, carry = compressor_tree((bits,), width), carry_tree((bits,), 0, width, True)
    luts = tables.luts + sum(height > 1 for height in tables.heights)
    return luts, len(tables.levels), carry.luts + carry.adder.luts, len(carry.levels), -(-(bits - width) // 2)


def plans(widths: Sequence[int]) -> List[str]:
    """Return the table of plans, and the sums over all widths."""
    rows = [f"{'bits':>5} {'tables':>7} {'levels':>7} {'carry':>6} {'levels':>7} {'least':>6}"]
    rows += ["{:>5} {:>7} {:>7} {:>6} {:>7} {:>6}".format(bits, *planned(bits)) for bits in widths]
    every = np.array([planned(bits) for bits in WIDTHS]).sum(axis=0)
    return [*rows, "{:>5} {:>7} {:>7} {:>6} {:>7} {:>6}".format("all", *every)]


def popcounts(neurons: int, bits: int) -> Network:
    """Return a network of popcounts: every sum reads all its bits, each through a wire, from twice as many inputs."""
    rng = np.random.default_rng(neurons)
    wiring = np.concatenate([rng.choice(2 * bits, bits, replace=False) for _ in range(neurons)])[:, None]
    contents = np.tile([[0, 1]], (neurons * bits, 1))
    neuron = np.repeat(np.arange(neurons), bits)
    op = LutNeurons(neurons, 2 * bits, 1, wiring, neuron, np.ones(neurons * bits, dtype=int), contents)
    nodes = [Node("x", Input((2 * bits,), 0, 1)), Node("sums", op, ("x",)), Node("top", ArgMax(), ("sums",))]
    return Network(f"popcounts_{neurons}_{bits}", tuple(nodes[: 2 if neurons == 1 else 3]))


@dataclass(frozen=True)
class Measured:
    """What yosys made of a module. told: raw LUTs as predicted; 0 where nothing was."""

    name: str
    counts: Counts
    levels: int
    told: float = 0.0

    def __str__(self) -> str:
        counts, told = self.counts, f"{self.told:>6.0f}" if self.told else f"{'':>6}"
        return f"{self.name:<44}{counts.raw:>6}{counts.packed:>8}{told}{counts.ff:>6}{counts.carry:>8}{self.levels:>8}"


def measured(name: str, texts: Dict[str, str], module: str, told: float = 0.0, *, primitives: bool = True) -> Measured:
    """Synthesise a module. primitives: else the behavioural text that stands in their place."""
    made = synthesise(texts, module, defines=("LUTFORGE_XILINX",) if primitives else ())
    netlist = read_netlist(made.json, module)
    return Measured(name, count_cells(netlist, packed_sites(netlist)), longest_path(netlist).levels, told)


def layers(neurons: int, bits: int) -> List[Measured]:
    """Return the layer of so many popcounts with either make of counters, and behind several the answer."""
    network, result = popcounts(neurons, bits), []
    for counters in COUNTERS:
        schedule = Schedule({"sums": Unrolled()}, counters=counters)
        texts = generate_rtl(network, schedule, BOARD, "class" if neurons > 1 else "logits").texts
        rows = estimate(network, schedule, BOARD.beat_bits, "class" if neurons > 1 else "logits").rows
        told = sum(row.lut6 for row in rows if row.node == "sums" and row.part != "stream")
        name = f"{neurons} x {bits} bits, counters {counters!r}"
        result.append(measured(name, texts, "lutforge_node_sums", told))
    if neurons > 1:
        told = sum(row.lut6 for row in rows if row.node == "answers")
        for primitives, what in ((False, "by yosys alone"), (True, "as primitives")):
            name = f"class of {neurons} x {bits.bit_length()} bits, {what}"
            result.append(measured(name, texts, "lutforge_node_answers", told * primitives, primitives=primitives))
    return result


def main() -> None:
    """Print the plans and what synthesis makes of some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="plans of every width")
    parser.add_argument("--no-synthesis", action="store_true", help="plans only")
    given = parser.parse_args()
    print("LUTs and levels of counters of a popcount, adder included, planned")
    print("\n".join(plans(WIDTHS if given.all else SHOWN)))
    if given.no_synthesis:
        return
    print(f"\nsynthesised with yosys {yosys_version()} for xc7: LUT cells, packed as estimated, as predicted")
    print(f"{'':<44}{'raw':>6}{'packed':>8}{'told':>6}{'FF':>6}{'CARRY4':>8}{'levels':>8}")
    for neurons, bits in ((1, 10), (1, 30), (1, BITS), (CLASSES, BITS)):
        for row in layers(neurons, bits):
            print(row, flush=True)


if __name__ == "__main__":
    main()
