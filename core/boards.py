# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Facts of the boards, read from `board_configs/*.toml` on a desktop; a board itself reads its overlay's manifest."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from typing import Any, Dict, List, Tuple

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
    """One board. `source` names the data sheet of the counts.

    part, board_part: as Vivado spells them. beat_bits: width of the DMA's streams and of the port to memory.
    clock_mhz: the clock of the design, one of pl_clocks_mhz, which are what the processing system can make.
    """

    name: str
    title: str
    part: str
    board_part: str
    family: str
    processing_system: str
    arch: str
    beat_bits: int
    clock_mhz: float
    pl_clocks_mhz: Tuple[float, ...]
    dma_length_bits: int
    resources: Resources
    source: str


FAMILIES = ("zynq7000", "zynquplus")
PROCESSING_SYSTEMS = {"zynq7000": "processing_system7", "zynquplus": "zynq_ultra_ps_e"}
ARCHES = {"zynq7000": "armv7l", "zynquplus": "aarch64"}
IO_PLL_MHZ = {"zynq7000": 1000.0, "zynquplus": 1500.0}
"""What feeds the PL clocks, by two 6-bit divisors (UG585, clocks; UG1085, clocks)."""

MAX_DIVISOR = 63 * 63
CLOCK_TOLERANCE_MHZ = 0.001
"""A board file rounds its clocks to three decimals."""

_PART = re.compile(r"xc[a-z0-9]+-?[a-z]+[0-9]+-[0-9A-Za-z]+(-[a-z])?")
_BOARD_PART = re.compile(r"[\w.-]+:[\w.-]+:part0:[0-9]+\.[0-9]+")


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
    board: Board = _section(name, {**document, "name": name, "resources": counts}, Board)
    _check_system(board)
    _check_stream(board)
    _check_clocks(board)
    return board


def with_clock(board: Board, clock_mhz: float) -> Board:
    """Return a board whose design runs at another of its clocks; BoardError names those that it can make."""
    nearest = min(board.pl_clocks_mhz, key=lambda clock: abs(clock - clock_mhz))
    result = replace(board, clock_mhz=nearest if abs(nearest - clock_mhz) <= CLOCK_TOLERANCE_MHZ else clock_mhz)
    _check_clocks(result)
    return result


def _check_system(board: Board) -> None:
    name = board.name
    if board.family not in FAMILIES:
        raise BoardError(f"board {name}: family {board.family!r} is unknown; use one of {', '.join(FAMILIES)}")
    for key, wanted in (("processing_system", PROCESSING_SYSTEMS[board.family]), ("arch", ARCHES[board.family])):
        if getattr(board, key) != wanted:
            raise BoardError(
                f"board {name}: {key} {getattr(board, key)!r} does not belong to {board.family}; use {wanted}"
            )
    if not _PART.fullmatch(board.part) or board.part.startswith("xc7z") != (board.family == "zynq7000"):
        raise BoardError(
            f"board {name}: part {board.part!r} is no part of {board.family}; spell it as Vivado does, such as "
            f"{'xc7z020clg400-1' if board.family == 'zynq7000' else 'xczu7ev-ffvc1156-2-e'}"
        )
    if not _BOARD_PART.fullmatch(board.board_part):
        raise BoardError(
            f"board {name}: board_part {board.board_part!r} is not vendor:board:part0:version; "
            "`get_board_parts` in Vivado lists the installed ones"
        )
    for key in ("lut6", "ff", "bram36"):
        if not getattr(board.resources, key):
            raise BoardError(f"board {name}: {key} is 0; take the count from the data sheet")
    if not board.source.strip():
        raise BoardError(f"board {name}: source is empty; name the data sheet that the counts are from")


def _check_stream(board: Board) -> None:
    if board.beat_bits not in (32, 64, 128):
        raise BoardError(f"board {board.name}: beat_bits {board.beat_bits} is not a DMA width; use 32, 64 or 128")
    if not 8 <= board.dma_length_bits <= 26:
        raise BoardError(f"board {board.name}: dma_length_bits {board.dma_length_bits} is outside 8..26 (PG021)")


def _check_clocks(board: Board) -> None:
    """Raise BoardError unless the clocks are the IO PLL's divided by whole numbers, the design's among them."""
    source = IO_PLL_MHZ[board.family]
    for clock in board.pl_clocks_mhz:
        divisor = round(source / clock) if clock > 0 else 0
        if not 1 <= divisor <= MAX_DIVISOR or abs(source / divisor - clock) > CLOCK_TOLERANCE_MHZ:
            near = source / max(1, min(divisor, MAX_DIVISOR))
            raise BoardError(
                f"board {board.name}: pl_clocks_mhz has {clock:g}, which is not {source:g} MHz divided by a whole "
                f"number; the nearest is {near:.3f}"
            )
    if board.clock_mhz not in board.pl_clocks_mhz:
        raise BoardError(
            f"board {board.name}: clock_mhz {board.clock_mhz:g} is none of the clocks that its processing system "
            f"makes; use one of {', '.join(f'{clock:g}' for clock in board.pl_clocks_mhz)}"
        )


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
            "Tuple[float, ...]": isinstance(value, list)
            and bool(value)
            and all(type(n) in (int, float) for n in value),
        }
        if not good.get(kind_name, True):
            words = "list of numbers" if kind_name.startswith("Tuple") else kind_name
            raise BoardError(f"board {name}: {key} = {value!r} is not a {words}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
