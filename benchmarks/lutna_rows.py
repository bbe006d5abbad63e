# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The results file of lutna.py, docs/results/lutna.jsonl: a JSON object a line, each with a kind and a name."""

from __future__ import annotations

import datetime
import json
import platform
import textwrap
from pathlib import Path
from typing import Any, Dict, List

import torch

Row = Dict[str, Any]
ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "lutna.jsonl"
BUILD = ROOT / "build" / "deep"


def read_rows() -> List[Row]:
    """Return the finished points, in the order in which they were made; of one made twice the last."""
    if not RESULTS.is_file():
        return []
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines() if line.strip()]
    return list({(row["kind"], row["name"]): row for row in rows}.values())


def append_row(row: Row, path: Path = RESULTS) -> None:
    """Append one finished point, with the date and what it was made with."""
    made = {"date": datetime.date.today().isoformat(), "torch": torch.__version__, "python": platform.python_version()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**made, **row}, sort_keys=True) + "\n")


def table(rows: List[List[str]]) -> str:
    """Return rows of cells, the first the head, as a Markdown table."""
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body]) + "\n"


def paragraph(text: str) -> str:
    """Return a text in lines of at most 120 characters, with an empty line behind it."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def percent(part: float | None) -> str:
    """Return a part of 1 as a percentage; nothing for None."""
    return "" if part is None else f"{100 * part:.2f} %"


def dates(rows: List[Row]) -> str:
    """Return when the rows were made."""
    first, last = min(row["date"] for row in rows), max(row["date"] for row in rows)
    return first if first == last else f"{first} to {last}"
