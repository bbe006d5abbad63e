# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Table layers with exact, mixed and array multipliers, unrolled, in one run of the same yosys with the same passes.

    python benchmarks/lutna_synthesis.py NETWORK [--mix FILE] [--weights 1500] [--only LAYER]

Each layer is emitted alone, with hardware for every weight, as `lutforge synth` would see it, and its unit synthesised:
products and adder trees, no streams. Of a layer with more than --weights weights all outputs are kept, and some of its
inputs, drawn with --seed: array multipliers of equal weights on one input are one, so that leaving out outputs would
count too many of them. Adder trees are shorter by that. A whole network is its layers, each scaled by its weights that
are not 0. No place and route. Rows of kind "synthesis" are appended to docs/results/lutna.jsonl, one a layer when it is
done, and one of the whole.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
from lutna_rows import RESULTS, append_row

import lutforge
from lutforge.boards import load_board
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.multipliers import Digital, DivideConquer, said
from lutforge.netlist import read_netlist
from lutforge.network import Network, Node, TensorType
from lutforge.network_costs import table_layers
from lutforge.operations import Input, TableMac
from lutforge.overlays.synthesis import YOSYS_FAMILIES
from lutforge.overlays.synthesis_cells import count_cells
from lutforge.overlays.synthesis_packing import packed_sites
from lutforge.schedule import Schedule, Unrolled
from lutforge.unrolled_area import unrolled_parts
from lutforge.yosys import synthesise, yosys_version

BOARD = "pynq_z2"
EXACT, MIXED, DIGITAL = "exact", "mixed", "digital"
DEADLINE_S = 1800


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--mix", type=Path, help="the network with other multipliers, as `lutforge mix` writes it")
    parser.add_argument("--weights", type=int, default=1500)
    parser.add_argument("--only", default="", help="layers whose name holds this text")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("build/lutna/netlists"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    network = lutforge.load(options.network)
    mixed = table_layers(lutforge.load(options.mix)) if options.mix else {}
    rows: List[Dict[str, Any]] = []
    print("| layer | weights not 0 | of it synthesised | exact | mixed | array | array / exact | array / mixed |")
    print("|---" * 8 + "|")
    for name, op in table_layers(network).items():
        if options.only in name:
            forms = {EXACT: replace(op, multiplier=DivideConquer(4)), DIGITAL: replace(op, multiplier=Digital())}
            forms |= {MIXED: mixed[name]} if mixed else {}
            rows.append(measured(network, name, forms, options))
            append_row({"kind": "synthesis", "name": f"{network.name} {name}", **rows[-1]}, options.results)
            print(line(name, rows[-1]), flush=True)
    if not rows:
        parser.error(f"--only {options.only}: no table layer of {options.network} has that in its name")
    if not options.only:
        total = whole(network, rows)
        append_row({"kind": "synthesis", "name": f"{network.name} whole", **total}, options.results)
        print(line("whole, scaled", total))
    return 0


def measured(network: Network, name: str, forms: Dict[str, TableMac], options: argparse.Namespace) -> Dict[str, Any]:
    """Return the LUT6 of a layer, or of the sample of it, with each form."""
    weights = forms[EXACT].weights
    rng = np.random.default_rng(options.seed)
    count = max(1, min(weights.shape[1], options.weights // len(weights)))
    elements = np.sort(rng.choice(weights.shape[1], count, replace=False))
    source, found, began = network.input_type(network.node(name)), {}, time.perf_counter()
    for title, op in forms.items():
        found[title] = synthesised(name, replace(op, weights=op.weights[:, elements]), source, options.cache)
    return {
        "network": network.name,
        "sha256": lutforge.digest(network),
        "layer": name,
        "yosys": yosys_version(),
        "board": BOARD,
        "weights_not_0": int(np.count_nonzero(weights)),
        "synthesised": int(np.count_nonzero(weights[:, elements])),
        "inputs": int(weights.shape[1]),
        "inputs_synthesised": count,
        "forms": found,
        "ratios": ratios({title: float(one["raw"]) for title, one in found.items()}),
        "seconds": round(time.perf_counter() - began),
    }


def synthesised(name: str, op: TableMac, source: TensorType, cache: Path) -> Dict[str, Any]:
    """Return what yosys makes of a layer alone, unrolled, and what the cost model says of it."""
    shown = Input((op.weights.shape[1],), source.low, source.high)
    alone = Network(name, (Node("x", shown), Node(name, op, ("x",))))
    board = load_board(BOARD)
    design = generate_rtl(alone, Schedule({name: Unrolled()}), board)
    module = next(unit.module for unit in design.units if unit.node == name)
    made = synthesise(design.texts, module, YOSYS_FAMILIES[board.family], deadline_s=DEADLINE_S, cache=cache)
    netlist = read_netlist(made.json, module)
    packed = packed_sites(netlist)
    counts = count_cells(netlist, packed)
    array, _ = unrolled_parts(op, alone.types["x"], alone.types[name], 2, "luts")
    return {
        "multiplier": said(op.multiplier),
        "raw": counts.raw,
        "packed": packed,
        "ff": counts.ff,
        "estimated": round(array.area().lut6),
        "seconds": made.seconds,
    }


def whole(network: Network, rows: List[Dict[str, Any]]) -> Dict[str, Any]:
    """Return the sum of layers, each scaled from what was synthesised of it to all its weights."""
    scaled = {
        title: sum(row["forms"][title]["raw"] * row["weights_not_0"] / row["synthesised"] for row in rows)
        for title in rows[0]["forms"]
    }
    return {
        "network": network.name,
        "sha256": rows[0]["sha256"],
        "layer": "whole",
        "layers": [row["layer"] for row in rows],
        "yosys": rows[0]["yosys"],
        "board": BOARD,
        "weights_not_0": sum(row["weights_not_0"] for row in rows),
        "synthesised": sum(row["synthesised"] for row in rows),
        "forms": {title: {"raw": round(luts)} for title, luts in scaled.items()},
        "ratios": ratios(scaled),
        "seconds": sum(row["seconds"] for row in rows),
    }


def ratios(luts: Dict[str, float]) -> Dict[str, float]:
    """Return how many times less than array multipliers each other form takes."""
    return {title: round(luts[DIGITAL] / count, 3) for title, count in luts.items() if title != DIGITAL}


def line(name: str, row: Dict[str, Any]) -> str:
    """Return a row of the printed table."""
    counts = [f"{row['forms'][title]['raw']:,}" if title in row["forms"] else "" for title in (EXACT, MIXED, DIGITAL)]
    ratio = [f"{row['ratios'][title]:.2f}" if title in row["ratios"] else "" for title in (EXACT, MIXED)]
    weights = [f"{row[what]:,}" for what in ("weights_not_0", "synthesised")]
    return f"| {' | '.join([name, *weights, *counts, *ratio])} |"


if __name__ == "__main__":
    raise SystemExit(main())
