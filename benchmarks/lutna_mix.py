# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A multiplier for each layer of deep networks, at most one point of accuracy lost: the mix, and its test accuracy.

    OMP_NUM_THREADS=1 python benchmarks/lutna_mix.py build/deep/vgg11_half.npz --data DIR [--objective transistors]

The search measures on validation images and calibrates on training images; the test images are looked at once, for
the exact network and for the mix. Measured mixes are kept in build/deep/mix, from which a stopped search goes on. Rows
go to docs/results/lutna.jsonl, the network of the mix beside the given one.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import torch
from lutna_rows import BUILD, append_row

import lutforge
from lutforge.cost_models import cost_model
from lutforge.mix import described, layers_of, right, yardsticks
from lutforge.mixed import Search
from lutforge.training.calibration import calibration_images
from lutforge.training.data import load_dataset

CALIBRATION = 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--objective", default="transistors", help="transistors, lut6 or energy")
    parser.add_argument("--limit", type=int, default=1_000, help="validation images of the search")
    parser.add_argument("--loss", type=float, default=1.0, help="points of accuracy that may be lost")
    parser.add_argument("--exchanges", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_dataset("cifar10_jpeg", options.data)
    images, labels = data.validation_images[: options.limit], data.validation_labels[: options.limit]
    for path in options.networks:
        began = time.perf_counter()
        network = lutforge.load(path)
        calibration = calibration_images(data)[:CALIBRATION]
        layers = layers_of(network, cost_model(options.objective, network, calibration), calibration)
        log = BUILD / "mix" / f"{path.stem}_{options.objective}.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        search = Search(
            layers.prices,
            lambda mix, layers=layers: right(layers.network_of(mix), images, labels),
            len(images),
            options.seed,
            log,
            layers.key(images, labels),
        )
        found = search.within_loss(options.loss / 100, options.exchanges)
        exact, mixed = layers.network_of(search.exact), layers.network_of(found.mix)
        tests = [right(each, data.test_images, data.test_labels) / len(data.test_images) for each in (exact, mixed)]
        made = path.with_name(f"{path.stem}_mix_{options.objective}.npz")
        lutforge.save(mixed, made)
        rows = described(layers, found.mix)
        price = search.price(search.exact)
        row = {
            "kind": "mix",
            "name": f"{path.stem}, {options.objective}",
            "network": path.stem,
            "objective": options.objective,
            "validation_images": len(images),
            "loss_points": options.loss,
            "validation": [search.measured(search.exact).right / len(images), found.right / len(images)],
            "test": tests,
            "exact_price": round(price),
            "price": round(found.price),
            "yardsticks": {name: round(value) for name, value in yardsticks(layers).items()},
            "forms": dict(Counter(layer["multiplier"] for layer in rows)),
            "layers": rows,
            "measured_mixes": len(search.seen),
            "front": [[round(point.price), point.right / len(images)] for point in search.front()],
            "seconds": round(time.perf_counter() - began),
            "sha256": lutforge.digest(mixed),
        }
        append_row(row)
        ratios = {name: round(value / found.price, 2) for name, value in row["yardsticks"].items()}
        print(f"{row['name']}: test {tests[0]:.4f} -> {tests[1]:.4f}, {ratios}, {row['forms']}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
