# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""LUT classifiers on MNIST: accuracy, live tables and slots of each seed, and area by synthesis.

    OMP_NUM_THREADS=1 python benchmarks/lut_classifier.py --data DIR [--seeds 0,1,2] [--synthesise 0] [size ...]

A size names the test accuracy that it is meant for, and was set with that in view; settings were compared on validation
images, and each run keeps its best validation epoch. Networks are written to the folder OUT. Area is counted by yosys
with all layers unrolled, counters on carry chains and a class number as the answer, for PYNQ-Z2; images/s are predicted
from the cycles of the schedule at the board's clock, not timing-closed.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Dict, List, Optional, Tuple

import torch

import lutforge
from lutforge.boards import load_board
from lutforge.cycles import count
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.overlays.synthesis import synthesise_design
from lutforge.pipeline import stages
from lutforge.schedule import CARRY, Schedule, Unrolled, is_foldable
from lutforge.training.classifier_plan import ClassifierPlan
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.export import freeze_report, to_network
from lutforge.training.lut_classifier import lut_classifier, train_lut_classifier
from lutforge.training.recipe import recipe_named

MNIST = recipe_named("lut_classifier_mnist").plan
SIZES: Dict[str, ClassifierPlan] = {
    "97.5": replace(MNIST, tables=848, slots=624),
    "98.0": MNIST,
    "98.5": replace(MNIST, tables=2800, slots=2400),
}
OUTPUT = "class"
DEPTHS = {"tables.input": 1, "tables": 1, "sums": 1}
"""Streams of one or two wide beats per image: a second register for each bit would be a third of the area, and the
98 beats of pixels set the interval all the same."""
HEADER = ("size", "seed", "seconds", "validation", "test", "differ", "live tables", "slots")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=list(SIZES), help=f"any of: {', '.join(SIZES)}")
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--seeds", default="0,1,2", help="numbers, with commas")
    parser.add_argument("--synthesise", default="0", help="seeds whose network yosys counts; empty: none")
    parser.add_argument("--out", type=Path, default=Path("build/lut_classifier"), help="folder of network files")
    parser.add_argument("--cache", type=Path, help="folder that keeps netlists from run to run")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data = load_dataset("mnist", options.data)
    seeds, counted = ([int(seed) for seed in text.split(",") if seed] for text in (options.seeds, options.synthesise))
    _print_row(HEADER)
    for size in options.sizes:
        networks = {seed: _trained(size, seed, data, options.out) for seed in seeds}
        accuracies = [(float(made.about["validation"]), float(made.about["test"])) for made in networks.values()]
        validation, test = (mean(column) for column in zip(*accuracies, strict=True))
        _print_row((size, "mean", "", f"{validation:.2%}", f"{test:.2%}", "", "", ""))
        for seed in counted:
            if seed in networks:
                _synthesise(size, seed, networks[seed], options.cache)


def _trained(size: str, seed: int, data: Dataset, out: Path) -> lutforge.Network:
    """Train, freeze, export and print a row."""
    torch.manual_seed(seed)
    model = lut_classifier(data, SIZES[size])
    fitted = train_lut_classifier(model, data, seed=seed)
    frozen = model.freeze()
    report = freeze_report(model, frozen, data.test_images, data.test_labels).check()
    frozen.about.update(seed=seed, validation=fitted.best_validation, test=report.frozen_accuracy)
    network = to_network(frozen)
    lutforge.save(network, out / f"{size}_{seed}.npz")
    _print_row(
        (
            size,
            str(seed),
            f"{fitted.seconds:.0f}",
            f"{fitted.best_validation:.2%}",
            f"{report.frozen_accuracy:.2%}",
            f"{report.differing} of {report.images}",
            str(frozen.about["tables"]),
            str(frozen.about["slots"]),
        )
    )
    return network


def _synthesise(size: str, seed: int, network: lutforge.Network, cache: Optional[Path]) -> None:
    """Print area by part and by node, and predicted speed."""
    board = load_board("pynq_z2")
    schedule = Schedule({node.name: Unrolled() for node in network.nodes if is_foldable(node)}, DEPTHS, counters=CARRY)
    used = synthesise_design(generate_rtl(network, schedule, board, OUTPUT), board, cache=cache)
    parts: List[Tuple[str, int]] = [(part, counts.raw) for part, counts in used.by_part().items()]
    nodes = [(row.node, row.counts.raw) for row in used.rows]
    interval = count(stages(network, schedule, board.beat_bits, OUTPUT)).interval
    print(
        f"  {size} seed {seed}, {used.label}: {used.total.raw:,} LUT raw ({_joined(parts)}; by node {_joined(nodes)}), "
        f"{used.total.packed:,} packed (estimate), {used.total.ff:,} FF, {used.path.levels} levels; {interval} "
        f"cycles/image, {board.clock_mhz * 1e6 / interval:,.0f} images/s predicted",
        flush=True,
    )


def _joined(counts: List[Tuple[str, int]]) -> str:
    return ", ".join(f"{name} {luts:,}" for name, luts in counts)


def _print_row(row: Tuple[str, ...]) -> None:
    print("  ".join(cell.ljust(len(title)) for cell, title in zip(row, HEADER, strict=True)).rstrip(), flush=True)


if __name__ == "__main__":
    main()
