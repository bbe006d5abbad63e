# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Train named networks, freeze and export them, and compare torch and reference on every test image.

    OMP_NUM_THREADS=1 python benchmarks/train_mnist.py lutna_mlp_mnist lutna_conv_mnist --data DIR

One seed, the epoch chosen on the validation set. Writes <frozen>/<recipe>.pt and <golden>/<recipe>.npz, and prints
one table. On one thread the same command gives the same network.

Measured on 2026-11-20, one of two shared cores, torch 2.13.0, brevitas 0.13.4, seed 0:
lutnet_mnist 869 s, validation 98.28 %, test 98.32 %; lutna_mlp_mnist 101 s, validation 98.76 %, test 98.60 %;
lutna_conv_mnist 367 s, validation 99.18 %, test 99.37 %; all: no test
image answered differently by the frozen module, and all 10,000 logit vectors equal the reference's.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import lutforge
from lutforge.errors import LutforgeError, MismatchError
from lutforge.training.export import to_network
from lutforge.training.fit import Epoch
from lutforge.training.frozen import save_frozen
from lutforge.training.recipe import Run, Trained, follow, recipe_named

NAMES = ["lutna_mlp_mnist", "lutna_conv_mnist", "lutnet_mnist"]
HEADER = ("network", "epochs", "seconds", "validation", "torch", "frozen", "reference", "differ", "equal logits")


def main() -> int:
    warnings.simplefilter("ignore")  # brevitas warns about optional packages on import
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", metavar="recipe", help="recipes, else those of docs/results/mnist.md")
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--golden", type=Path, default=Path("tests/golden"), help="folder of network files")
    parser.add_argument("--frozen", type=Path, default=Path("build/frozen"), help="folder of frozen modules")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint of an interrupted run")
    options = parser.parse_args()
    try:
        names = options.recipes or NAMES
        rows = [_trained(name, options) for name in names]
    except LutforgeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _print_table([HEADER, *rows])
    return 0


def _trained(name: str, options: argparse.Namespace) -> tuple[str, ...]:
    def show(epoch: Epoch) -> None:
        print(
            f"{name} epoch {epoch.number:3d}: loss {epoch.loss:.4f}, validation {epoch.validation_accuracy:.2%}, "
            f"{epoch.seconds:.1f} s",
            file=sys.stderr,
            flush=True,
        )

    run = Run(options.seed, options.frozen / name, options.resume, on_epoch=show)
    run.folder.mkdir(parents=True, exist_ok=True)
    result = follow(recipe_named(name), options.data, run)
    result.frozen.about["command"] = f"python benchmarks/train_mnist.py {name} --seed {options.seed}"
    save_frozen(result.frozen, options.frozen / f"{name}.pt")
    network = to_network(result.frozen)
    lutforge.save(network, options.golden / f"{name}.npz")
    return _row(name, result, lutforge.load(options.golden / f"{name}.npz"))


def _row(name: str, result: Trained, network: lutforge.Network) -> tuple[str, ...]:
    """Run the reference on all test images; MismatchError unless its logits equal the frozen module's."""
    images, labels = result.data.test_images, result.data.test_labels
    ours, theirs = result.frozen.run(images), lutforge.run(network, images)
    unequal = int((ours != theirs).any(axis=1).sum())
    if unequal:
        raise MismatchError(f"{name}: torch and reference differ on {unequal} of {len(images)} images")
    report, fitted = result.report, result.fitted
    return (
        name,
        str(len(fitted.history)),
        f"{fitted.seconds:.0f}",
        f"{fitted.best_validation:.2%}",
        f"{report.unfrozen_accuracy:.2%}",
        f"{report.frozen_accuracy:.2%}",
        f"{float((theirs.argmax(axis=1) == labels).mean()):.2%}",
        f"{report.differing} of {report.images}",
        f"{len(images)} of {len(images)}",
    )


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
