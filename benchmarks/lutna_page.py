# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""docs/results/lutna.md: the published figures, and a section for each kind of row in docs/results/lutna.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List, Tuple

from lutna_bits_page import bits_section, retrained_section
from lutna_hardware_page import agreement_section, area_section, array_section, speed_section
from lutna_mix_page import costs_section, mix_section, search_section, synthesis_section
from lutna_rows import Row, dates, paragraph, table
from lutna_tickets_page import tickets_section
from lutna_training_page import training_section

Section = Callable[[List[Row], Path], List[str]]
"""Makes the text of a section from its rows, and its figures in the page's folder."""

SECTIONS: Tuple[Tuple[str, Section], ...] = (
    ("training", training_section),
    ("bits", bits_section),
    ("retrained", retrained_section),
    ("ticket", tickets_section),
    ("mix", mix_section),
    ("search", search_section),
    ("costs", costs_section),
    ("synthesis", synthesis_section),
    ("array", array_section),
    ("array_area", area_section),
    ("agreement", agreement_section),
    ("speed", speed_section),
)
"""The kind of rows that a section is made from; without such rows it is left out."""

PUBLISHED = (
    ("exact LUT-NA against conventional tables", "29.54", "3.34"),
    ("exact LUT-NA against digital MACs", "1.23", "1.80"),
    ("mixed precision against conventional tables, about 1 % accuracy lost", "32.22 to 50.95", "3.68 to 6.25"),
    ("mixed precision against digital MACs, about 1 % accuracy lost", "1.35 to 2.14", "1.99 to 3.38"),
)


def write_page(rows: List[Row], folder: Path) -> None:
    """Write the page and its figures into a folder; nothing if there are no rows yet."""
    if not rows:
        return
    text = [_head(rows), _published()]
    for kind, section in SECTIONS:
        members = [row for row in rows if row["kind"] == kind]
        if members:
            text += section(members, folder)
    (folder / "lutna.md").write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


def _head(rows: List[Row]) -> str:
    return "\n".join(
        [
            "# LUT-NA: deep networks of table look-ups\n",
            paragraph(
                "VGG11, VGG19, ResNet18, ResNet34 and GoogLeNet with a width factor, on CIFAR-10 (its JPEG copy, "
                "quality 75). Epochs are chosen on 5,000 validation images; test accuracies are of all 10,000 test "
                "images where no other number is said. Unless something else is said, figures are measured, on one "
                f"hyperthread of a processor that did other work beside it, {dates(rows)}:"
            ),
            "    OMP_NUM_THREADS=1 python benchmarks/lutna.py --data DIR\n",
            "Every finished point is a line of [lutna.jsonl](lutna.jsonl), with its date and versions.\n",
        ]
    )


def _published() -> str:
    rows = [
        ["published: times less than", "area", "energy"],
        *([name, area, energy] for name, area, energy in PUBLISHED),
    ]
    return "\n".join(
        [
            "## What was published\n",
            paragraph(
                "Quoted from the abstract of LUT-NA (arXiv 2406.05282), whose networks are VGG11, VGG19, ResNet18, "
                "ResNet34 and GoogLeNet, lottery-ticket-pruned by up to 98 %, on CIFAR-10, without retraining. The "
                "accuracies of each network were not found."
            ),
            table(rows),
        ]
    )
