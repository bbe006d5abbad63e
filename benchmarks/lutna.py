# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The deep networks of LUT-NA: trained, with fewer bits, pruned.

    OMP_NUM_THREADS=1 python benchmarks/lutna.py --data DIR [--only TEXT] [--most N] [--page]

Points (lutna_points.py) that docs/results/lutna.jsonl does not hold yet are trained, one after the other, and appended
there when they are finished. A run may be stopped at any time: every training goes on from its checkpoints
(build/deep). --page writes docs/results/lutna.md and its figures from what is there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from lutna_page import write_page
from lutna_points import measure, points
from lutna_rows import RESULTS, append_row, read_rows

from lutforge.training.data import load_dataset


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--only", default="", help="points whose name holds this text")
    parser.add_argument("--most", type=int, default=10_000, help="make at most so many points")
    parser.add_argument("--page", action="store_true", help="write the page, train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.page:
        done = {(row["kind"], row["point"]) for row in read_rows() if "point" in row}
        open_ = [point for point in points() if (point.kind, point.name) not in done and options.only in point.name]
        data = load_dataset("cifar10_jpeg", options.data)
        for point in open_[: options.most]:
            began = time.perf_counter()
            for row in measure(point, data):
                append_row({**row, "measuring_s": round(time.perf_counter() - began)})
                print(f"{row['kind']} {row['name']}: test {row.get('test')}", flush=True)
    write_page(read_rows(), RESULTS.parent)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
