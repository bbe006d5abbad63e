# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What the command line shows: progress and tables for people, one JSON document for machines.

Progress and messages go to the error stream, results to the output stream.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from lutforge.boards import Board
from lutforge.comparison import Comparison
from lutforge.cost import Cost, Fit

messages = Console(stderr=True, highlight=False)
results = Console(highlight=False)
OK, DIFFERENT, FAILED = 0, 1, 2


def say(text: str) -> None:
    """Write a message for a person."""
    messages.print(text, markup=False, soft_wrap=True)


def emit(document: Dict[str, Any], as_json: bool, table: Table | None = None) -> None:
    """Print a result: the document with --json, else the table (or the document, key by key)."""
    if as_json:
        print(json.dumps(document, indent=2, sort_keys=True))
    elif table is not None:
        results.print(table)
    else:
        for key, value in document.items():
            results.print(f"{key}: {value}", markup=False, soft_wrap=True)


@contextmanager
def progress(title: str, total: int | None, unit: str = "images") -> Iterator[Callable[[int], None]]:
    """Show a bar on the error stream; yields a function that is called with what was done."""
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bars:
        task = bars.add_task(title, total=total)
        yield lambda done: bars.advance(task, done)


def simple_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]], words: int = 1) -> Table:
    """Return a table whose first `words` columns are left-aligned, the others right-aligned."""
    table = Table(title=title, title_justify="left")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index < words else "right", no_wrap=index < words)
    for row in rows:
        table.add_row(*map(str, row))
    return table


def comparison_table(comparison: Comparison, labels: Any | None) -> Table:
    """Return one row per executor: images, images/s, accuracy, and whether it equals the first."""
    differing = {name for item in comparison.differences for name in (item.left, item.right)}
    rows: List[List[object]] = []
    for run in comparison.runs:
        accuracy = f"{run.accuracy(labels):.2f} %" if labels is not None else "-"
        rows.append(
            [
                run.name,
                len(run.logits),
                f"{run.throughput_fps:,.0f}",
                accuracy,
                "no" if run.name in differing else "yes",
            ]
        )
    return simple_table("executors", ["executor", "images", "images/s (this computer)", "accuracy", "equal"], rows)


def comparison_document(comparison: Comparison, labels: Any | None) -> Dict[str, Any]:
    """Return a comparison for machines."""
    return {
        "equal": comparison.equal,
        "executors": [
            {
                "name": run.name,
                "images": len(run.logits),
                "seconds": run.seconds,
                "accuracy_percent": run.accuracy(labels) if labels is not None else None,
            }
            for run in comparison.runs
        ],
        "differences": [str(difference) for difference in comparison.differences],
    }


def cost_table(cost: Cost, fit: Fit, board: str) -> Table:
    """Return the estimate per node, with totals and the percent of the board."""
    rows: List[List[object]] = [
        [
            row.node,
            row.op,
            row.part,
            row.lut6,
            row.ff,
            f"{row.bram36:g}",
            row.dsp,
            row.depth or "",
            row.interval_cycles or "",
        ]
        for row in cost.rows
        if row.lut6 or row.ff or row.bram36 or row.dsp
    ]
    rows.append(["total", "", "", cost.lut6, cost.ff, f"{cost.bram36:g}", cost.dsp, cost.depth, cost.interval_cycles])
    used = [f"{fit.utilisation[name]:.1f} %" for name in ("lut6", "ff", "bram36", "dsp")]
    rows.append([f"of {board}", "", "", *used, "", ""])
    title = f"{cost.label}; {'fits' if fit.ok else 'does not fit'} {board}"
    return simple_table(
        title, ["node", "operation", "part", "LUT6", "FF", "BRAM36", "DSP", "levels", "cycles"], rows, words=3
    )


def cost_document(cost: Cost, fit: Fit, board: Board) -> Dict[str, Any]:
    """Return the estimate for machines."""
    return {
        "label": cost.label,
        "board": board.name,
        "fits": fit.ok,
        "lut6": cost.lut6,
        "lut6_by_part": cost.lut6_by_part(),
        "ff": cost.ff,
        "bram36": cost.bram36,
        "dsp": cost.dsp,
        "depth": cost.depth,
        "utilisation_percent": dict(fit.utilisation),
        "interval_cycles": cost.interval_cycles,
        "latency_cycles": cost.latency_cycles,
        "clock_mhz": board.clock_mhz,
        "predicted_fps": cost.throughput_fps(board.clock_mhz),
    }
