# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Pruned networks on the page of lutna.py: accuracy against the weights and multiplications that are left."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Dict, List

from lutna_rows import Row, dates, paragraph, percent, table

FIGURE = "lutna_tickets.png"
WAYS = {
    "vgg11_tickets": "tickets by weight: rounds of magnitude pruning, back to the weights after the first epoch",
    "vgg11_channels": "tickets by channel: whole output channels are taken out, the network becomes narrower",
}
GRADUAL = "gradual pruning of the trained network by weight"


def tickets_section(rows: List[Row], folder: Path) -> List[str]:
    """Return a table of rounds for each network; draws accuracy against what is left."""
    _draw(rows, folder / FIGURE)
    text = [
        "## Pruned networks\n",
        paragraph(
            "Weights that are not 0 in the frozen network, and multiplications (for an image) by such weights. The "
            "network is calibrated to 8 bits in every round and answers all test images in the fast engine. Weights "
            "that are 0 cost nothing in unrolled layers. Pruned are the smallest weights, or the weakest channels, of "
            "the whole network, each measured by the root mean square of its layer. Round 'floating' is the network "
            f"before pruning: its weights of 0 are those that rounding makes. Measured, {dates(rows)}."
        ),
        f"![accuracy against what is left]({FIGURE})\n",
    ]
    for recipe, members in _groups(rows).items():
        first = members[0]
        text.append(
            paragraph(f"{first['network']}, width {first['width']:g} (`{recipe}`): {WAYS.get(recipe, GRADUAL)}.")
        )
        lines = [
            ["round", "weights left", "of all", "multiplications left", "of all", "floating: test", "integers: test"]
        ]
        lines[0] += ["epochs", "s"]
        for row in members:
            weights, work = row["nonzero_weights"], row["nonzero_multiplications"]
            left = [
                f"{weights:,}",
                percent(weights / row["weights"]),
                f"{work:,}",
                percent(work / row["multiplications"]),
            ]
            reached = [percent(row["floating_test"]), percent(row["test"])]
            lines.append([row["round"], *left, *reached, str(row["epochs"]), f"{row['seconds']:,}"])
        text.append(table(lines))
    return text


def _groups(rows: List[Row]) -> Dict[str, List[Row]]:
    groups: Dict[str, List[Row]] = defaultdict(list)
    for row in rows:
        groups[row["recipe"]].append(row)
    return groups


def _draw(rows: List[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for axes, what in zip(figure.subplots(1, 2, sharey=True), ("weights", "multiplications"), strict=True):
        for recipe, members in _groups(rows).items():
            left = [100 * row[f"nonzero_{what}"] / row[what] for row in members]
            axes.plot(left, [100 * row["test"] for row in members], marker="o", label=recipe)
        axes.set_xscale("log")
        axes.invert_xaxis()
        axes.set(xlabel=f"{what} left, %", ylabel="test accuracy of the integers, %")
        axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=90, metadata={"Software": None})
