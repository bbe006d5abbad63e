# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A LUT-NA network by every cost model, with every form of multiplier and with mixes, beside the published ratios.

    python benchmarks/lutna_costs.py NETWORK [--mix FILE]... --dataset NAME --data DIR [--liberty FILE]

Transistors are counted, LUT6 and energy estimated, standard cells synthesised (`lutforge costs` says what each is); the
energy is of the first --limit test images. A row of kind "costs" is appended to docs/results/lutna.jsonl.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from lutna_rows import RESULTS, append_row

import lutforge
from lutforge.cli_sources import read_images
from lutforge.cost_models import ENERGY, LIBERTY, LUT6, TRANSISTORS, cost_model
from lutforge.network_costs import costs_document, network_costs
from lutforge.standard_cells import read_library


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--mix", type=Path, action="append", default=[], help="the network with other multipliers")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--dataset")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--liberty", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", help="of the row; default: the network's")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    network, mixes = lutforge.load(options.network), {f"mix {path.stem}": lutforge.load(path) for path in options.mix}
    given = read_images(options.images, options.dataset, options.data, options.limit)
    library = read_library(options.liberty) if options.liberty else None
    began = time.perf_counter()
    names = [TRANSISTORS, LUT6, ENERGY, *([LIBERTY] if library else [])]
    models = [cost_model(name, network, given.images, library, options.seed) for name in names]
    row = costs_document(network, models, network_costs(network, models, mixes))
    row |= {
        "sha256": lutforge.digest(network),
        "mixes": {title: lutforge.digest(mix) for title, mix in mixes.items()},
        "images": f"{len(given.images)} images of {given.label}",
        "seed": options.seed,
        "seconds": round(time.perf_counter() - began),
    }
    append_row({"kind": "costs", "name": options.name or network.name, **row}, options.results)
    print(f"{network.name}: {row['weights_not_0']:,} weights that are not 0, {row['seconds']} s")
    print(f"| multipliers | {' | '.join(names)} | times less than with conventional tables | with array multipliers |")
    print("|---" * (len(names) + 3) + "|")
    for form in row["forms"]:
        ratios = [", ".join(f"{values[name]:.2f}" for name in names) for values in form["times_less_than"].values()]
        prices = [f"{form['prices'][name]:,}" for name in names]
        print(f"| {' | '.join([form['form'], *prices, *ratios])} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
