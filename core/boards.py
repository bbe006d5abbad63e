# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Facts of the boards, read from `board_configs/*.toml` on a desktop; a board itself reads its overlay's manifest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any, Dict, List

from lutforge.errors import BoardError, ToolError


@dataclass(frozen=True)
class Resources:
    """What the programmable logic of a board offers."""

    lut6: int
    ff: int
    bram36: int
    dsp: int


@dataclass(frozen=True)
class Board:
    """One board. `source` names the data sheet of the counts."""

    name: str
    title: str
    part: str
    board_part: str
    family: str
    processing_system: str
    arch: str
    beat_bits: int
    clock_mhz: float
    dma_length_bits: int
    resources: Resources
    source: str


FAMILIES = ("zynq7000", "zynquplus")
PROCESSING_SYSTEMS = {"zynq7000": "processing_system7", "zynquplus": "zynq_ultra_ps_e"}


def board_names() -> List[str]:
    """Return the names of the boards that have a file."""
    entries = files("lutforge.board_configs").iterdir()
    return sorted(entry.name[: -len(".toml")] for entry in entries if entry.name.endswith(".toml"))


def load_board(name: str) -> Board:
    """Return one board; BoardError names the known ones."""
    if name not in board_names():
        raise BoardError(f"board {name!r} is unknown; known: {', '.join(board_names())}")
    text = (files("lutforge.board_configs") / f"{name}.toml").read_text(encoding="utf-8")
    return parse_board(name, text)


def parse_board(name: str, text: str) -> Board:
    """Return the board that a TOML text describes, every value checked."""
    document = _toml(name, text)
    counts = _section(name, document.pop("resources", None), Resources)
    values = _section(name, {**document, "name": name, "resources": counts}, Board)
    board: Board = values
    if board.family not in FAMILIES:
        raise BoardError(f"board {name}: family {board.family!r} is unknown; use one of {', '.join(FAMILIES)}")
    if board.processing_system != PROCESSING_SYSTEMS[board.family]:
        raise BoardError(
            f"board {name}: processing_system {board.processing_system!r} does not belong to {board.family}; "
            f"use {PROCESSING_SYSTEMS[board.family]}"
        )
    if board.beat_bits not in (32, 64, 128):
        raise BoardError(f"board {name}: beat_bits {board.beat_bits} is not a DMA width; use 32, 64 or 128")
    if not 8 <= board.dma_length_bits <= 26:
        raise BoardError(f"board {name}: dma_length_bits {board.dma_length_bits} is outside 8..26 (PG021)")
    if not 10 <= board.clock_mhz <= 500:
        raise BoardError(f"board {name}: clock_mhz {board.clock_mhz} is outside 10..500")
    return board


def _toml(name: str, text: str) -> Dict[str, Any]:
    try:
        import tomllib
    except ImportError:  # Python 3.10 on a desktop; a board reads its overlay's manifest and no TOML
        try:
            import tomli as tomllib  # type: ignore[no-redef]  # mypy reads both branches
        except ImportError as error:
            raise ToolError(
                "board files are TOML, which Python 3.10 reads with tomli; `pip install tomli`, or use Python 3.11"
            ) from error
    try:
        return dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"board {name}: the file is not TOML ({error})") from error


def _section(name: str, values: Any, kind: Any) -> Any:
    """Build a dataclass from a TOML table; unknown, missing and mistyped keys are errors."""
    if not isinstance(values, dict):
        raise BoardError(f"board {name}: section [{kind.__name__.lower()}] is missing")
    wanted = {item.name: str(item.type) for item in fields(kind)}
    wrong = sorted(set(values) ^ set(wanted))
    if wrong:
        what = "is missing" if wrong[0] in wanted else "is unknown"
        raise BoardError(f"board {name}: key {wrong[0]!r} {what}; wanted: {', '.join(sorted(wanted))}")
    for key, kind_name in wanted.items():
        value = values[key]
        good = {
            "str": isinstance(value, str),
            "int": type(value) is int and value >= 0,
            "float": type(value) in (int, float),
        }
        if not good.get(kind_name, True):
            raise BoardError(f"board {name}: {key} = {value!r} is not a {kind_name}")
    return kind(**values)
