# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Seconds and memory that the synthesis of 10,000 look-up tables takes; limits: 180 s and 2 GB.

    python benchmarks/synthesis_time.py [--luts 10000]

Random LUT6 primitives with a register behind each, once as one layer (1,000 bits in, 10,000 out), once as ten
layers of 1,000. Every table must come out as it went in. The limit is for wall time, so run it where nothing else runs;
processor time is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
from collections import Counter
from typing import List

from lutforge.yosys import synthesise

INPUTS = 1000
LIMIT_S, LIMIT_BYTES = 180, 2e9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--luts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    good = True
    print("| design | family | LUT6 | FF | seconds | CPU seconds | peak memory | yosys |")
    print("|---|---|---|---|---|---|---|---|")
    for name, layers in (("one layer", 1), ("ten layers", 10)):
        for family in ("xc7", "xcup"):
            text = design(options.luts, layers, options.seed)
            before = processor_s()
            made = synthesise({"rtl/layer.v": text}, "layer", family)
            used_s = processor_s() - before
            cells = Counter(cell["type"] for cell in json.loads(made.json)["modules"]["layer"]["cells"].values())
            fine = made.seconds <= LIMIT_S and made.peak_bytes <= LIMIT_BYTES and cells["LUT6"] == options.luts
            good &= fine
            print(
                f"| {name} | {family} | {cells['LUT6']:,} | {cells['FDRE']:,} | {made.seconds:.0f} "
                f"| {used_s:.0f} | {made.peak_bytes / 1e9:.2f} GB | {made.version} |",
                "" if fine else "ABOVE THE LIMIT",
                flush=True,
            )
    return 0 if good else 1


def processor_s() -> float:
    """Return processor seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def design(luts: int, layers: int, seed: int) -> str:
    """Return the Verilog of `luts` random tables in `layers` layers; every table is read by somebody."""
    chance, width = random.Random(seed), luts // layers
    lines: List[str] = [f"wire [{INPUTS - 1}:0] q0 = d;"]
    sources = INPUTS
    for layer in range(layers):
        pool = [index % sources for index in range(max(sources, 6 * width))]
        chance.shuffle(pool)
        lines += [f"wire [{width - 1}:0] w{layer};", f"reg [{width - 1}:0] q{layer + 1};"]
        for index in range(width):
            pins = distinct(chance, pool[6 * index : 6 * index + 6], sources)
            wires = ", ".join(f".I{pin}(q{layer}[{source}])" for pin, source in enumerate(pins))
            init = f"64'h{chance.getrandbits(64):016x}"
            lines.append(f"LUT6 #(.INIT({init})) u{layer}_{index} ({wires}, .O(w{layer}[{index}]));")
        lines.append(f"always @(posedge clk) if (load) q{layer + 1} <= w{layer};")
        sources = width
    lines.append(f"assign q = q{layers};")
    ports = f"input clk, input load, input [{INPUTS - 1}:0] d, output [{width - 1}:0] q"
    return f"module layer ({ports});\n" + "\n".join(lines) + "\nendmodule\n"


def distinct(chance: random.Random, pins: List[int], sources: int) -> List[int]:
    """Return six different inputs, those given first."""
    chosen = list(dict.fromkeys(pins))
    while len(chosen) < 6:
        other = chance.randrange(sources)
        if other not in chosen:
            chosen.append(other)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
