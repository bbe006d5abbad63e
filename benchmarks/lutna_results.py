# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of docs/results/lutna.jsonl, each with a kind and a name: one finished measurement a line, appended."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, Dict

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "lutna.jsonl"


def append(kind: str, name: str, row: Dict[str, Any], path: Path = RESULTS) -> None:
    """Append a row with its kind, name and today's date; of rows of one kind and name the last one counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"kind": kind, "name": name, "date": datetime.date.today().isoformat(), **row}, sort_keys=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
