# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Sections of docs/results/lutna.md on multipliers by layer: mixes, the search against all mixes, costs, synthesis."""

from __future__ import annotations

from pathlib import Path
from typing import List

from lutna_rows import Row, paragraph, percent, table
from matplotlib.figure import Figure

from lutforge.network_costs import PUBLISHED

QUOTED = {"transistors": "area", "energy": "energy"}
"""Of a cost model, the published figure that stands beside it."""


def mix_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the section on mixed precision, with the fronts drawn."""
    head = ["network", "objective", "allowed", "test, exact", "test, mix", "less than conventional tables"]
    head += ["less than array multipliers", "multipliers of the layers"]
    body = [
        [
            row["network"],
            row["objective"],
            f"{row['loss_points']:g} points on {row['validation_images']:,} images",
            percent(row["test"][0]),
            percent(row["test"][1]),
            f"{row['yardsticks']['conventional tables'] / row['price']:.1f} times",
            f"{row['yardsticks']['array multipliers'] / row['price']:.2f} times",
            ", ".join(f"{count} x {form}" for form, count in row["forms"].items()),
        ]
        for row in rows
    ]
    _draw(rows, folder / "lutna_mix.png")
    return [
        "## Mixed precision\n",
        paragraph(
            "For each layer a multiplier, exact or approximate, so that the network loses at most one point of "
            "accuracy. A search fits the validation images that it measures on: one that allowed ResNet18 0.7 points "
            "on 1,000 of them lost 1.7 on the test images, so that less is allowed there. Of the prices, transistors "
            "are counted from the circuits of the multipliers alone, as the published ratios are, and LUT6 estimated,"
            " adder trees included. Searches for LUT6 were run with --exchanges 6. "
            "Published for mixed precision, area: 32.22 to 50.95 times less than conventional "
            "tables, 1.35 to 2.14 times less than digital MACs."
        ),
        "    OMP_NUM_THREADS=1 python benchmarks/lutna_mix.py NETWORK --data DIR [--objective lut6] "
        "--loss POINTS --limit IMAGES\n",
        table([head, *body]),
        "![Measured mixes that no other one beats](lutna_mix.png)\n",
    ]


def _draw(rows: List[Row], path: Path) -> None:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        prices = [price / row["exact_price"] for price, _ in row["front"]]
        axes.step(prices, [100 * right for _, right in row["front"]], where="post", marker=".", label=row["name"])
    axes.set(xlabel="price of the multipliers, of the exact form's", ylabel="validation accuracy, %")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=100)


def search_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the section that compares the search with all mixes of a few layers."""
    body = [
        [
            row["name"],
            f"{row['layers']} layers, {row['options']} forms",
            f"{row['mixes']:,}",
            f"{row['searched']:,}",
            f"{row['loss_points']:g}",
            f"{row['best_price']:,}",
            f"{row['found_price']:,}",
            f"{100 * (row['found_price'] / row['best_price'] - 1):.2f} %",
            "yes" if row["same_after_stop"] else "NO",
        ]
        for row in rows
    ]
    head = ["sub-problem", "size", "mixes", "measured by the search", "points that may be lost", "cheapest of all"]
    head += ["found", "above it", "same after being stopped"]
    return [
        "### The search against all mixes\n",
        paragraph(
            "All mixes of six layers were measured, and the search was run on the same measurements: stopped half-way"
            " and gone on from its log, it takes the same way and ends in the same mix."
        ),
        "    OMP_NUM_THREADS=1 python benchmarks/lutna_search.py build/deep/resnet18_quarter.npz --data DIR\n",
        table([head, *body]),
    ]


def costs_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the section with all cost models side by side."""
    text = [
        "## Cost models side by side\n",
        paragraph(
            "Whole networks by every cost model: transistors counted from the multipliers' circuits, LUT6 estimated "
            "with adder trees, energy estimated as toggles weighted by transistors on real activations. A weight of 0"
            " costs nothing. In brackets: times less than with conventional tables / than with array multipliers; "
            "the published ones are quoted, of other networks."
        ),
        "    python benchmarks/lutna_costs.py NETWORK --mix FILE --dataset cifar10_jpeg --data DIR\n",
    ]
    for row in rows:
        names = [name for name in ("transistors", "liberty", "lut6", "energy") if name in row["forms"][0]["prices"]]
        cells = [["multipliers", *names]]
        for form in row["forms"]:
            ratios = [form["times_less_than"][than] for than in ("conventional tables", "array multipliers")]
            cells.append(
                [
                    form["form"],
                    *(
                        f"{form['prices'][name]:,} ({' / '.join(f'{each[name]:.2f}' for each in ratios)})"
                        for name in names
                    ),
                ]
            )
        for what, quoted in PUBLISHED.items():
            shown = {name: " / ".join(each[kind] for each in quoted.values()) for name, kind in QUOTED.items()}
            cells.append([f"published, {what}", *(f"({shown[name]})" if name in shown else "" for name in names)])
        text += [f"### {row['network']}: {row['weights_not_0']:,} weights that are not 0\n", table(cells)]
    return text


def synthesis_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the section on networks against array multipliers in the same synthesis."""
    whole = [row for row in rows if row["layer"] == "whole"]
    body = [
        [
            row["network"],
            f"{row['weights_not_0']:,}",
            f"{row['synthesised']:,}",
            *(
                f"{row['forms'][form]['raw']:,}" if form in row["forms"] else ""
                for form in ("exact", "mixed", "digital")
            ),
            *(f"{row['ratios'][form]:.2f}" if form in row["ratios"] else "" for form in ("exact", "mixed")),
            f"yosys {row['yosys']}, {row['date']}",
        ]
        for row in whole
    ]
    head = ["network", "weights not 0", "of them synthesised", "LUT6 exact", "LUT6 mixed", "LUT6 array multipliers"]
    head += ["array / exact", "array / mixed", "synthesised with"]
    return [
        "## LUT6 against array multipliers, in one synthesis\n",
        paragraph(
            "Layers unrolled, products and adder trees, in the same run of yosys for the same device. Of large layers"
            " a sample of the inputs was synthesised; a whole network is its layers, each scaled to all its weights. "
            "Not placed. Mixes are those for LUT6; N is 384 for the convolutions, 1500 for the MLP, 1000 for VGG11 and "
            "500 for ResNet18."
        ),
        "    python benchmarks/lutna_synthesis.py NETWORK --mix FILE --weights N\n",
        table([head, *body]),
    ]
