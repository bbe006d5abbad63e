# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The search for a mix against all mixes of six layers of a trained network, stopped half-way, and begun again.

    OMP_NUM_THREADS=1 python benchmarks/lutna_search.py build/deep/resnet18_quarter.npz --data DIR

Six layers spread over the network have three forms each, the others stay exact: 729 mixes, all measured on validation
images, what is in front of a layer once for all mixes that agree there. The search then runs on these measurements:
once to its end, once stopped after half of what it asks for and gone on from its log, and once with its seed again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt
import torch
from lutna_rows import BUILD, append_row

import lutforge
from lutforge.cost_models import Transistors
from lutforge.mix import Layers, layers_of
from lutforge.mixed import Mix, Search
from lutforge.numerics import argmax
from lutforge.operations import ArgMax
from lutforge.reference import apply
from lutforge.training.calibration import calibration_images
from lutforge.training.data import load_dataset

Ints = npt.NDArray[Any]
LAYERS, OPTIONS = 6, (0, 2, 4)
"""Layers of the sub-problem, and which of the objective's forms they may have: exact, and rounded to 5 and 3 bits."""
LOSSES = (0.5, 1.0, 2.0)
CALIBRATION, EXCHANGES = 200, 150


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
    layers = part_of(layers_of(network, Transistors(), calibration_images(data)[:CALIBRATION]))
    log = BUILD / "mix" / "stopped.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    table = all_mixes(layers, images, labels, log.with_name(f"{options.network.stem}_all.json"))
    for loss in LOSSES:
        row = compared(layers, table, len(images), loss, options.seed, log, layers.key(images, labels))
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


def all_mixes(layers: Layers, images: Ints, labels: Ints, path: Path) -> Dict[Mix, int]:
    """Return how many images every mix answers right, from a file if it holds them."""
    key = layers.key(images, labels)
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if held.get("key") != key:
        table: Dict[Mix, int] = {}
        measure_all(layers, {layers.network.nodes[0].name: images}, 1, (), labels, table)
        held = {"key": key, "mixes": [[list(mix), found] for mix, found in table.items()]}
        path.write_text(json.dumps(held), encoding="utf-8")
    return {tuple(mix): found for mix, found in held["mixes"]}


def measure_all(
    layers: Layers, values: Dict[str, Ints], place: int, mix: Mix, labels: Ints, table: Dict[Mix, int]
) -> None:
    """Evaluate the nodes from a place on with every form of the layers that come; note how many answers are right."""
    network, values = layers.network, dict(values)
    for number, node in enumerate(network.nodes[place:], place):
        if isinstance(node.op, ArgMax):
            continue
        forms = layers.options[layers.names.index(node.name)] if node.name in layers.names else (node.op,)
        x, *others = (values[source] for source in node.inputs)
        kind = network.types[node.name]
        narrow = np.promote_types(np.min_scalar_type(kind.low), np.min_scalar_type(kind.high))
        for option, form in enumerate(forms):
            result = apply(form, x, network.input_type(node), *others).astype(narrow, copy=False)
            if len(forms) == 1:
                values[node.name] = result
            else:
                measure_all(layers, {**values, node.name: result}, number + 1, (*mix, option), labels, table)
        if len(forms) > 1:
            return
    logits = values[network.output.name].reshape(len(labels), -1)
    table[mix] = int((argmax(logits) == labels).sum())
    if len(table) % 27 == 0:
        print(f"{len(table)} mixes", flush=True)


def compared(
    layers: Layers, table: Dict[Mix, int], images: int, loss: float, seed: int, log: Path, key: str
) -> Dict[str, object]:
    """Return the best of all mixes within a loss, what the search finds, and whether it does so after a stop."""
    floor = table[(0,) * len(layers.names)] - int(loss / 100 * images)
    price = {mix: sum(row[option] for row, option in zip(layers.prices, mix, strict=True)) for mix in table}
    best = min(price[mix] for mix, found in table.items() if found >= floor)
    search = Search(layers.prices, table.__getitem__, images, seed)
    found = search.within_loss(loss / 100, EXCHANGES)
    asked: List[Tuple[int, ...]] = []

    def half(mix: Mix) -> int:
        if len(asked) >= len(search.seen) // 2:
            raise Stopped
        asked.append(mix)
        return table[mix]

    log.unlink(missing_ok=True)
    with contextlib.suppress(Stopped):
        Search(layers.prices, half, images, seed, log, key).within_loss(loss / 100, EXCHANGES)
    resumed = Search(layers.prices, table.__getitem__, images, seed, log, key).within_loss(loss / 100, EXCHANGES)
    again = Search(layers.prices, table.__getitem__, images, seed).within_loss(loss / 100, EXCHANGES)
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
