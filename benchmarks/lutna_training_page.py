# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The trained networks on the page of lutna.py: floating, calibrated, settled, frozen; and their training curves."""

from __future__ import annotations

from pathlib import Path
from typing import List

from lutna_rows import Row, dates, paragraph, percent, table

FIGURE = "lutna_training.png"


def training_section(rows: List[Row], folder: Path) -> List[str]:
    """Return the table of trained networks; draws their curves."""
    head = ["network", "width", "weights", "multiplications", "epochs", "s", "floating: validation", "test"]
    lines = [[*head, "calibrated: test", "settled: test", "integers: test", "answered differently"]]
    for row in rows:
        stages = row["stages"]
        counts = [f"{row['weights']:,}", f"{row['multiplications']:,}", str(row["epochs"]), f"{row['seconds']:,}"]
        reached = [row["floating_validation"], *(stages.get(stage) for stage in ("floating", "calibrated", "settled"))]
        found = [*map(percent, reached), percent(row["test"]), f"{row['differing']} of 10,000"]
        lines.append([row["network"], f"{row['width']:g}", *counts, *found])
    _draw(rows, folder / FIGURE)
    return [
        "## Trained networks\n",
        paragraph(
            "Weights and multiplications (for an image) are those of the network as it is built. Floating: as trained, "
            "with products in bfloat16 on the way. Calibrated: 8-bit weights and activations, power-of-two ranges "
            "found on 2,000 training images, no training. Settled: the quantised network trained on for its last "
            "epochs. Integers: the frozen network, answered by the fast engine; differently from the module it came "
            "from. Epochs are what the time allowed, not what the networks can reach; curves fall where a "
            f"training starts again at a high learning rate. Measured, {dates(rows)}, torch {rows[-1]['torch']}."
        ),
        table(lines),
        f"![validation accuracy by epoch]({FIGURE})\n",
    ]


def _draw(rows: List[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        reached = [100 * validation for _, validation in row["curve"]]
        axes.plot(range(1, len(reached) + 1), reached, marker=".", label=f"{row['network']}, width {row['width']:g}")
    axes.set(xlabel="epoch", ylabel="validation accuracy, %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": None})
