# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Area of a multiplier in the standard cells of a Liberty file, synthesised by yosys and its abc; not placed.

abc maps to cells of one output, so that a library's full and half adders are not used. What a multiplier stores is a
chain of flip-flops (`lutforge.circuit_verilog`), whose clock is gated in front of all of them and not counted.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, FrozenSet, Mapping

from lutforge.cells import Circuit
from lutforge.circuit_verilog import PROGRAMMED, circuit_verilog
from lutforge.errors import LibraryError, ToolError
from lutforge.yosys import RESULT, run_passes, yosys_version

LIBRARY = "cells.lib"
COMMENT = re.compile(r"/\*.*?\*/", re.S)
CELL = re.compile(r'\bcell\s*\(\s*"?([^"()\s]+)"?\s*\)')
PASSES = (
    "read_verilog ../cells.v ../multiplier.v",
    f"synth -noabc -flatten -top {PROGRAMMED}multiplier",
    f"dfflibmap -liberty ../{LIBRARY}",
    f"abc -liberty ../{LIBRARY}",
    "opt_clean",
    "delete t:$scopeinfo",
    f"tee -o {RESULT} stat -json -liberty ../{LIBRARY}",
)


@dataclass(frozen=True)
class Library:
    """A Liberty file. with_area: its cells that have an area, in the library's unit, mostly square micrometres."""

    path: Path
    text: str
    with_area: FrozenSet[str]


@dataclass(frozen=True)
class StandardCellArea:
    """area: in the library's unit; stored: the part of it that is flip-flops; cells: how many of each."""

    area: float
    stored: float
    cells: Mapping[str, int]
    version: str


def read_library(path: Path) -> Library:
    """Return a Liberty file; LibraryError where it is missing, is none, or has no flip-flop."""
    if not path.is_file():
        raise LibraryError(f"{path}: no such file; --liberty wants the .lib file of a standard-cell library")
    try:
        text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise LibraryError(f"{path}: not text ({error}); unpack it first if it is compressed") from error
    first, *blocks = CELL.split(text)
    if not re.search(r"\blibrary\s*\(", first):
        raise LibraryError(f"{path}: no Liberty file: it does not begin with `library (name) {{`; name a .lib file")
    if not re.search(r"\bff\s*\(", text):
        raise LibraryError(
            f"{path}: none of its {len(blocks) // 2} cells has a flip-flop (`ff`), and what a multiplier stores needs "
            "them; join the library's sequential cells into one file with the others"
        )
    cells = zip(blocks[::2], blocks[1::2], strict=True)
    return Library(path, text, frozenset(name for name, body in cells if re.search(r"\barea\s*:", body)))


def synthesised_area(circuit: Circuit, library: Library, deadline_s: float = 900) -> StandardCellArea:
    """Return the area of a circuit whose stored bits are flip-flops."""
    version, sources = yosys_version(), {**circuit_verilog(circuit), LIBRARY: library.text}
    try:
        text, _ = run_passes(sources, PASSES, f"yosys with {library.path.name}", deadline_s)
    except ToolError as error:
        if "ABC" not in str(error):
            raise
        raise LibraryError(
            f"{library.path}: abc cannot map logic to its cells ({error}); an inverter, a buffer and a NAND or NOR "
            "gate are wanted, each with `area` and `function`"
        ) from error
    found = json.loads(text)["design"]
    cells: Dict[str, int] = found["num_cells_by_type"]
    unknown = sorted(set(cells) - library.with_area)
    if unknown:
        raise LibraryError(f"{library.path}: cell {unknown[0]} has no `area`; give it one, or leave the cell out")
    return StandardCellArea(float(found["area"]), float(found["sequential_area"]), cells, version)
