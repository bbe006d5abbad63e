# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The search for a mix against all mixes of six layers of a trained network, stopped half-way, and begun again.

    OMP_NUM_THREADS=1 python benchmarks/lutna_search.py build/deep/resnet18_quarter.npz --data DIR

Six layers spread over the network have three forms each, the others stay exact: 729 mixes, all measured on validation
images (build/deep/mix keeps them, a stopped run goes on). The search then runs on the same measurements: once to its
end, once stopped after half of what it asks for and gone on from its log, and once with its seed again.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Tuple

import torch
from lutna_rows import BUILD, append_row

import lutforge
from lutforge.mix import Layers, layers_of, right
from lutforge.mixed import Mix, Search
from lutforge.training.calibration import calibration_images
from lutforge.training.data import load_dataset

LAYERS, OPTIONS = 6, (0, 2, 4)
"""Layers of the sub-problem, and which of the objective's forms they may have: exact, and rounded to 5 and 3 bits."""
LOSSES = (0.5, 1.0, 2.0)
CALIBRATION = 200


class Stopped(Exception):
    """What ends a search half-way."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--limit", type=int, default=200, help="validation images")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_dataset("cifar10_jpeg", options.data)
    images, labels = data.validation_images[: options.limit], data.validation_labels[: options.limit]
    network = lutforge.load(options.network)
    layers = part_of(layers_of(network, "transistors", calibration_images(data)[:CALIBRATION]))
    folder = BUILD / "mix"
    folder.mkdir(parents=True, exist_ok=True)
    key = layers.key(images, labels)
    every = Search(
        layers.prices,
        lambda mix: right(layers.network_of(mix), images, labels),
        len(images),
        log=folder / f"{options.network.stem}_all.jsonl",
        key=key,
    )
    mixes = list(itertools.product(*(range(len(row)) for row in layers.prices)))
    for number, mix in enumerate(mixes):
        every.measured(mix)
        if number % 50 == 0:
            print(f"{number} of {len(mixes)} mixes", flush=True)
    table = {mix: every.known[mix] for mix in mixes}
    for loss in LOSSES:
        row = compared(layers, table, len(images), loss, options.seed, folder / "stopped.jsonl", key)
        row |= {
            "kind": "search",
            "name": f"{options.network.stem}, {loss:g} points",
            "sha256": lutforge.digest(network),
        }
        append_row(row)
        print(json.dumps(row), flush=True)
    return 0


def part_of(layers: Layers) -> Layers:
    """Return six of the layers, evenly spread, with three forms each."""
    count = len(layers.names)
    places = sorted({round(number * (count - 1) / (LAYERS - 1)) for number in range(LAYERS)})
    return replace(
        layers,
        names=tuple(layers.names[place] for place in places),
        options=tuple(tuple(layers.options[place][option] for option in OPTIONS) for place in places),
        prices=tuple(tuple(layers.prices[place][option] for option in OPTIONS) for place in places),
    )


def compared(
    layers: Layers, table: Dict[Mix, int], images: int, loss: float, seed: int, log: Path, key: str
) -> Dict[str, object]:
    """Return the best of all mixes within a loss, what the search finds, and whether it does so after a stop."""
    floor = table[(0,) * len(layers.names)] - int(loss / 100 * images)
    price = {mix: sum(row[option] for row, option in zip(layers.prices, mix, strict=True)) for mix in table}
    best = min(price[mix] for mix, found in table.items() if found >= floor)
    search = Search(layers.prices, table.__getitem__, images, seed)
    found = search.within_loss(loss / 100)
    asked: List[Tuple[int, ...]] = []

    def half(mix: Mix) -> int:
        if len(asked) >= len(search.seen) // 2:
            raise Stopped
        asked.append(mix)
        return table[mix]

    log.unlink(missing_ok=True)
    with contextlib.suppress(Stopped):
        Search(layers.prices, half, images, seed, log, key).within_loss(loss / 100)
    resumed = Search(layers.prices, table.__getitem__, images, seed, log, key).within_loss(loss / 100)
    again = Search(layers.prices, table.__getitem__, images, seed).within_loss(loss / 100)
    return {
        "layers": len(layers.names),
        "layer_names": list(layers.names),
        "options": len(OPTIONS),
        "images": images,
        "mixes": len(table),
        "searched": len(search.seen),
        "loss_points": loss,
        "best_price": round(best),
        "found_price": round(found.price),
        "same_after_stop": resumed == found and again == found,
    }


if __name__ == "__main__":
    raise SystemExit(main())
