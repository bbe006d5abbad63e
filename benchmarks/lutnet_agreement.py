# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""All executors on the whole test set, for one trained LUTNet of each kind: equal logits, image by image.

    OMP_NUM_THREADS=1 python benchmarks/lutnet_agreement.py --data DIR [--only TEXT]

torch runs the frozen operations, reference the numpy ones, fast the engine, csim the compiled C++, rtl the Verilog in
Verilator, device the driver on the emulated board. What is not trained yet is trained (build/lutnet). Networks found
equal are appended to docs/results/lutnet_agreement.jsonl.
"""

from __future__ import annotations

import argparse
import datetime
import json
from pathlib import Path
from typing import Any, Dict

import torch
from lutnet import BUILD, PE, ROOT, SIMD, file_of
from lutnet_points import Point, kinds

import lutforge
from lutforge.boards import load_board
from lutforge.cli_sources import make_executors
from lutforge.comparison import compare
from lutforge.training.data import load_dataset
from lutforge.training.export import to_network
from lutforge.training.recipe import Run, follow

RESULTS = ROOT / "docs" / "results" / "lutnet_agreement.jsonl"
BOARD = "zcu104"
"""The emulated board: only its sizes matter here, and none of these networks is too large for it."""
FEWER = {"cifar10_jpeg": (1_000, 100)}
"""Images of a data set for all executors, and for Verilator; else all of both."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--only", default="", help="networks whose name holds this text")
    parser.add_argument("--limit", type=int, default=10_000, help="at most so many images")
    options = parser.parse_args()
    torch.set_num_threads(1)
    good = True
    for point in kinds():
        if options.only in point.name:
            row = checked(point, options.data, options.limit)
            print(json.dumps(row), flush=True)
            good &= not row["differences"]
            if not row["differences"]:
                with RESULTS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row, sort_keys=True) + "\n")
    return 0 if good else 1


def checked(point: Point, data: Path | None, limit: int) -> Dict[str, Any]:
    """Return what was compared, and where executors differ."""
    recipe = point.built()
    path = file_of(point.name)
    if not path.is_file():
        run = Run(point.seed, BUILD / "run", resume=True)
        lutforge.save(to_network(follow(recipe, data, run).frozen), path)
    network, images = lutforge.load(path), load_dataset(recipe.dataset, data)
    most, simulated = FEWER.get(recipe.dataset, (limit, limit))
    seconds: Dict[str, float] = {}
    differences = []
    for names, count in ((["torch", "reference", "fast", "csim", "device"], most), (["fast", "rtl"], simulated)):
        executors = make_executors(names, network, None, None, load_board(BOARD), f"{PE}x{SIMD}+carry")
        comparison = compare(network, executors, images.test_images[: min(count, limit)])
        seconds |= {run.name: round(run.seconds, 1) for run in comparison.runs}
        differences += [str(difference) for difference in comparison.differences]
    return {
        "name": point.name,
        "dataset": images.label,
        "images": min(most, limit),
        "rtl_images": min(simulated, limit),
        "differences": differences,
        "seconds": seconds,
        "sha256": lutforge.digest(network),
        "date": datetime.date.today().isoformat(),
    }


if __name__ == "__main__":
    raise SystemExit(main())
