# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy by bits on the page of lutna.py: heat maps without retraining, and a network retrained with fewer bits."""

from __future__ import annotations

from pathlib import Path
from typing import List

from lutna_rows import Row, dates, paragraph, percent, table

HEAT_MAP, CURVE = "lutna_bits.png", "lutna_retrained.png"


def bits_section(rows: List[Row], folder: Path) -> List[str]:
    """Return a table of accuracies for each network; draws all of them as heat maps."""
    _draw_maps(rows, folder / HEAT_MAP)
    text = [
        "## Accuracy by bits, without retraining\n",
        paragraph(
            f"The first {rows[0]['images']:,} test images; calibrated on 2,000 training images for every pair of bits. "
            "Pixels keep their 8 bits, batch norms are folded before weights are quantised, one power-of-two scale for "
            f"each output. Measured, {dates(rows)}. The statement of LUT-NA that 8 bits suffice (quoted) is what 8-bit "
            "weights and activations reach here beside the floating network."
        ),
        f"![accuracy by weight and activation bits]({HEAT_MAP})\n",
    ]
    for row in rows:
        head = [f"{row['network']}: weight bits", *(f"activations of {bits}" for bits in row["activation_bits"])]
        lines = [
            [str(bits), *map(percent, line)] for bits, line in zip(row["weight_bits"], row["accuracy"], strict=True)
        ]
        text += [f"{row['network']}, width {row['width']:g}: floating {percent(row['floating_test'])}.\n"]
        text.append(table([head, *lines]))
    return text


def retrained_section(rows: List[Row], folder: Path) -> List[str]:
    """Return what retraining with fewer bits brings back; draws it."""
    ordered = sorted(rows, key=lambda row: -row["bits"])
    first = ordered[0]
    lines = [["weight and activation bits", "floating", "calibrated", "retrained", "integers", "epochs", "s"]]
    for row in ordered:
        stages = row["stages"]
        found = [stages["floating"], stages["calibrated"], stages["settled"], row["test"]]
        lines.append([str(row["bits"]), *map(percent, found), str(row["epochs"]), f"{stages['settled_seconds']:,}"])
    _draw_curve(ordered, folder / CURVE)
    return [
        "## Retrained with fewer bits\n",
        paragraph(
            f"{first['network']} at width {first['width']:g}, from its floating weights: test accuracy after "
            f"calibration alone, and after {first['epochs']} epoch{'s' * (first['epochs'] > 1)} of quantised training "
            f"(SGD from {first['learning_rate']:g}). Measured, {dates(rows)}."
        ),
        table(lines),
        f"![accuracy by bits, calibrated and retrained]({CURVE})\n",
    ]


def _draw_maps(rows: List[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(rows), 3.9), layout="constrained")
    for axes, row in zip(figure.subplots(1, len(rows), squeeze=False)[0], rows, strict=True):
        values = [[100 * part for part in line] for line in row["accuracy"]]
        axes.imshow(values, origin="lower", vmin=10, vmax=95, cmap="viridis", aspect="auto")
        for y, line in enumerate(values):
            for x, value in enumerate(line):
                axes.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=7, color="w" if value < 70 else "k")
        axes.set_xticks(range(len(row["activation_bits"])), [str(bits) for bits in row["activation_bits"]])
        axes.set_yticks(range(len(row["weight_bits"])), row["weight_bits"])
        axes.set(xlabel="activation bits", ylabel="weight bits", title=f"{row['network']}, {row['width']:g}, %")
    figure.savefig(path, dpi=90, metadata={"Software": None})


def _draw_curve(rows: List[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    bits = [row["bits"] for row in rows]
    for stage, label in (("calibrated", "calibrated alone"), ("settled", "retrained")):
        axes.plot(bits, [100 * row["stages"][stage] for row in rows], marker="o", label=label)
    axes.axhline(100 * rows[0]["stages"]["floating"], color="0.5", linestyle="--", label="floating")
    axes.set(xlabel="bits of weights and activations", ylabel="test accuracy, %", xticks=bits)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=100, metadata={"Software": None})
