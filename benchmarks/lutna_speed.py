# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Seconds and memory of the reference on a deep network, with exact and with approximate multipliers.

    OMP_NUM_THREADS=1 python benchmarks/lutna_speed.py build/deep/vgg11_half.npz [--images 10000] [--fewer 1000]

Images are random: the time does not depend on them. The exact form and the one that rounds answer all images, each in a
process of its own, whose largest memory is told; ratios are measured on fewer. Rows go to docs/results/lutna.jsonl.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from lutna_rows import append_row

import lutforge
from lutforge import reference
from lutforge.compensation import with_multipliers
from lutforge.multipliers import Approximate, DivideConquer, said
from lutforge.operations import TableMac

FORMS = (
    DivideConquer(2, optimised=True),
    Approximate(2, drop_digits=1),
    Approximate(2, round_bits=5),
    Approximate(4, truncate_bits=6),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--fewer", type=int, default=1_000)
    parser.add_argument("--form", type=int, help="measure this form here and print it; what the processes are told")
    options = parser.parse_args()
    if options.form is not None:
        print(json.dumps(measured(options.network, options.form, options.images)))
        return 0
    exact = None
    for form, images in [*((number, options.fewer) for number in range(len(FORMS))), (0, options.images)]:
        command = [sys.executable, __file__, str(options.network), "--form", str(form), "--images", str(images)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        exact = exact or found["seconds"]
        row = {**found, "kind": "speed", "images": images, "form": said(FORMS[form])}
        row["name"] = f"{row['network']}, {row['form']}, {images:,} images"
        if images == options.fewer:
            row["times_exact"] = round(found["seconds"] / exact, 2)
        append_row(row)
        print(f"{row['name']}: {found['seconds']} s, {found['memory_mb']} MB, {row.get('times_exact', '')}", flush=True)
    return 0


def measured(path: Path, number: int, images: int) -> dict[str, object]:
    """Return the seconds and the largest memory of a process that answers so many images."""
    network = lutforge.load(path)
    layers = {node.name: FORMS[number] for node in network.nodes if isinstance(node.op, TableMac)}
    network = with_multipliers(network, layers)
    kind = network.input
    pixels = np.random.default_rng(0).integers(kind.low, kind.high + 1, (images, *kind.shape), dtype=np.uint8)
    began = time.perf_counter()
    reference.run(network, pixels)
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"network": network.name, "seconds": round(seconds, 1), "memory_mb": memory}


if __name__ == "__main__":
    raise SystemExit(main())
