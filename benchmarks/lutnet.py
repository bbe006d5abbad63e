# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy against LUT6 of LUTNets and of the binarised baseline, trained, exported and synthesised by one flow.

    OMP_NUM_THREADS=1 python benchmarks/lutnet.py --data DIR [--only TEXT] [--most N] [--page]

Points (lutnet_points.py) that docs/results/lutnet.jsonl does not hold yet are trained, one after the other, and each is
appended there when it is finished, so that a run may be stopped at any time. Steps that points share are trained once
(build/lutnet/steps). --page writes docs/results/lutnet.md and its figures from what is there.

Target layers have hardware for every table or weight, their bits summed by counters on carry chains. The others are
folded to at most 16 outputs times 49 inputs a cycle: the first layer of MNIST, all but one of CIFAR-10. yosys counts
for PYNQ-Z2, without place and route.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Dict, List

import torch
from lutnet_page import write_page
from lutnet_points import Point, points

import lutforge
from lutforge.boards import load_board
from lutforge.cycles import count
from lutforge.folding import folded
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.mac_shape import supports
from lutforge.network import Network
from lutforge.operations import LutNeurons, TiledLutNeurons
from lutforge.overlays.synthesis import Utilisation, synthesise_design
from lutforge.pipeline import stages
from lutforge.schedule import CARRY, Schedule, Unrolled, check, is_foldable, is_layer
from lutforge.store import write_atomically
from lutforge.training.export import to_network
from lutforge.training.lutnet import Targets
from lutforge.training.pipeline import Measured
from lutforge.training.recipe import Run, follow

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "lutnet.jsonl"
BUILD = ROOT / "build" / "lutnet"
BOARD = "pynq_z2"
PE, SIMD = 16, 49


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--only", default="", help="points whose name holds this text")
    parser.add_argument("--most", type=int, default=10_000, help="train at most so many points")
    parser.add_argument("--page", action="store_true", help="write the page, train nothing")
    parser.add_argument("--again", action="store_true", help="synthesise all finished points anew, train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    done = {row["name"] for row in read_results()}
    if options.again:
        plans = {point.name: point.built().plan for point in points()}
        rows = [
            {**row, **synthesised(lutforge.load(file_of(row["name"])), plans[row["name"]].network.targets)}
            for row in read_results()
        ]
        write_atomically(RESULTS, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows).encode())
    elif not options.page:
        open_ = [point for point in points() if point.name not in done and options.only in point.name]
        for point in open_[: options.most]:
            row = measured(point, options.data)
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, sort_keys=True) + "\n")
            print(_line(row), flush=True)
    write_page(read_results(), ROOT / "docs" / "results")
    return 0


def read_results() -> List[Dict[str, Any]]:
    """Return the finished points, in the order in which they were made."""
    if not RESULTS.is_file():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def measured(point: Point, data: Path | None) -> Dict[str, Any]:
    """Train, export and synthesise one point."""
    steps: List[Measured] = []
    run = Run(point.seed, BUILD / "run", resume=True, on_step=steps.append)
    recipe = point.built()
    trained = follow(recipe, data, run)
    network = to_network(trained.frozen)
    lutforge.save(network, file_of(point.name))
    last = steps[-1]
    return {
        **asdict(point),
        "validation": round(trained.fitted.best_validation, 5),
        "test": round(trained.report.frozen_accuracy, 5),
        "differing": trained.report.differing,
        "synapses": last.synapses,
        "tables": last.tables,
        "table_inputs": last.inputs,
        "epochs": trained.fitted.history[-1].number,
        "steps": {step.key[:16]: [step.step, step.epochs, round(step.seconds)] for step in steps if step.epochs},
        "date": datetime.date.today().isoformat(),
        "sha256": lutforge.digest(network),
        **synthesised(network, recipe.plan.network.targets),
    }


def file_of(name: str) -> Path:
    """Return where the network of a point is kept."""
    return BUILD / "networks" / f"{name.replace(' ', '_').replace('%', '')}.npz"


def target_names(network: Network, targets: Targets) -> List[str]:
    """Return the names of the layers that are pruned and may be tables. targets: as a recipe has them."""
    names = [node.name for node in network.nodes if is_layer(node)]
    return names[targets == "inner" :] if isinstance(targets, str) else [names[number - 1] for number in targets]


def scheduled(network: Network, targets: Targets) -> Schedule:
    """Return the schedule of all points: target layers unrolled, the others folded."""
    names = [name for name in target_names(network, targets) if is_foldable(network.node(name))]  # not tiled ones
    foldings = {name: Unrolled() for name in names}
    plain = folded(network, PE, SIMD, counters=CARRY)
    return check(network, replace(plain, foldings={**plain.foldings, **foldings}))


def synthesised(network: Network, targets: Targets) -> Dict[str, Any]:
    """Return what yosys counts: of the whole design, of the target layers with and without thresholds."""
    board, schedule = load_board(BOARD), scheduled(network, targets)
    began = time.perf_counter()
    used = synthesise_design(generate_rtl(network, schedule, board, "class"), board, cache=BUILD / "netlists")
    cycles = count(stages(network, schedule, board.beat_bits, "class")).interval
    names = target_names(network, targets)
    return {
        "luts": used.total.raw,
        "packed": used.total.packed,
        "ff": used.total.ff,
        "bram36": used.total.bram36,
        "layers": _sum(used, names, "raw"),
        "layers_packed": _sum(used, names, "packed"),
        "tables_luts": _table_luts(network, names),
        "thresholds": _sum(used, [name.replace("fc", "code") for name in names], "raw"),
        "depth": used.path.levels,
        "cycles": cycles,
        "fps": round(board.clock_mhz * 1e6 / cycles),
        "yosys": used.version,
        "synthesis_s": round(time.perf_counter() - began),
    }


def _sum(used: Utilisation, names: List[str], what: str) -> int:
    return sum(int(getattr(row.counts, what)) for row in used.rows if row.node in names)


def _table_luts(network: Network, names: List[str]) -> int:
    """Return the LUTs of truth tables, those that are constants or wires left out; the rest of a layer is popcount."""
    total = 0
    for name in names:
        op = network.node(name).op
        if isinstance(op, (LutNeurons, TiledLutNeurons)):
            support = supports(op.tables)
            total += int(((support > 0) & ~((support == 1) & (op.tables[:, 0] == 0))).sum())
    return total


def _line(row: Dict[str, Any]) -> str:
    return (
        f"{row['name']}: validation {100 * row['validation']:.2f} %, test {100 * row['test']:.2f} %, "
        f"{row['differing']} answered differently when frozen, {row['synapses']:,} synapses, LUTs {row['luts']:,} raw "
        f"({row['packed']:,} packed), of it layers {row['layers']:,} ({row['tables_luts']:,} tables), "
        f"{row['epochs']} epochs"
    )


if __name__ == "__main__":
    raise SystemExit(main())
