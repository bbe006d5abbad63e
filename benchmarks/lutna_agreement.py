# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""All executors on a trained deep network: equal logits, image by image.

    OMP_NUM_THREADS=1 python benchmarks/lutna_agreement.py build/deep/vgg11_half.npz --data DIR \\
        [--compiled 200] [--simulated 2] [--schedule auto]

torch, reference and fast answer all test images; csim and device (the driver on the emulated board) `--compiled` of
them, rtl (Verilator) `--simulated`. The row goes to docs/results/lutna.jsonl if all are equal.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Dict, List, Sequence

import torch
from lutna_rows import append_row

import lutforge
from lutforge.boards import load_board
from lutforge.cli_sources import make_executors
from lutforge.comparison import compare
from lutforge.network import Network
from lutforge.training.data import load_dataset

BOARD = "zcu104"
"""The emulated board: only its sizes matter here."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--limit", type=int, default=10_000, help="images of torch, reference and fast")
    parser.add_argument("--compiled", type=int, default=200, help="images of csim and device; 0 for neither")
    parser.add_argument("--simulated", type=int, default=2, help="images of rtl; 0 for none")
    parser.add_argument("--schedule", default="16x16", help="as `lutforge generate` takes it")
    parser.add_argument("--array", type=int, default=0, help="images of the programmable array, C++ and Verilog")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network, data = lutforge.load(options.network), load_dataset("cifar10_jpeg", options.data)
    parts = [(["torch", "reference", "fast"], options.limit)]
    parts += [(["fast", "csim", "device-csim"], options.compiled), (["fast", "rtl"], options.simulated)]
    parts += [(["fast", "array", "array-csim", "array-rtl"], options.array)]
    seconds: Dict[str, float] = {}
    images: Dict[str, int] = {}
    differences: List[str] = []
    for names, count in parts:
        if count:
            differences += compared(network, data.test_images[:count], names, options.schedule, seconds, images)
    row = {
        "kind": "agreement",
        "name": options.network.stem,
        "images": images,
        "seconds": seconds,
        "schedule": options.schedule,
        "sha256": lutforge.digest(network),
    }
    print(row, *differences, sep="\n", flush=True)
    if not differences:
        append_row(row)
    return 1 if differences else 0


def compared(
    network: Network,
    images: object,
    names: Sequence[str],
    schedule: str,
    seconds: Dict[str, float],
    counts: Dict[str, int],
) -> List[str]:
    """Run executors over the same images; return where they differ, and note their times and images."""
    executors = make_executors(list(names), network, None, None, load_board(BOARD), schedule)
    comparison = compare(network, executors, images)
    for name, run in zip(names, comparison.runs, strict=True):
        if len(run.logits) >= counts.get(name, 0):
            seconds[name], counts[name] = round(run.seconds, 1), len(run.logits)
    return [str(difference) for difference in comparison.differences]


if __name__ == "__main__":
    raise SystemExit(main())
