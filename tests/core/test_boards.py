# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Board files: both load, and every mistake in one is named."""

from __future__ import annotations

import sys

import pytest

from lutforge import boards
from lutforge.boards import load_board, parse_board
from lutforge.errors import BoardError, ToolError

GOOD = """
title = "T"
part = "p"
board_part = "b"
family = "zynq7000"
processing_system = "processing_system7"
arch = "armv7l"
beat_bits = 64
clock_mhz = 100.0
dma_length_bits = 26
source = "a data sheet"

[resources]
lut6 = 10
ff = 20
bram36 = 3
dsp = 0
"""


def test_both_boards_load():
    assert boards.board_names() == ["pynq_z2", "zcu104"]
    z2, zcu = load_board("pynq_z2"), load_board("zcu104")
    assert (z2.resources.lut6, z2.resources.ff, z2.resources.bram36, z2.resources.dsp) == (53200, 106400, 140, 220)
    assert (z2.beat_bits, z2.family, z2.arch) == (64, "zynq7000", "armv7l")
    assert (zcu.resources.lut6, zcu.beat_bits, zcu.arch, zcu.name) == (230400, 128, "aarch64", "zcu104")


def test_an_unknown_board_names_the_known_ones():
    with pytest.raises(BoardError, match="board 'pynq_z1' is unknown; known: pynq_z2, zcu104"):
        load_board("pynq_z1")


def test_a_good_text_parses():
    board = parse_board("t", GOOD)
    assert (board.name, board.resources.ff, board.clock_mhz) == ("t", 20, 100.0)


ERRORS = [
    ("title =", "tilte =", r"board t: key 'tilte' is unknown; wanted: .*title"),
    ('part = "p"\n', "", r"board t: key 'part' is missing; wanted: .*part"),
    ("beat_bits = 64", "beat_bits = 48", r"board t: beat_bits 48 is not a DMA width; use 32, 64 or 128"),
    ("beat_bits = 64", 'beat_bits = "64"', r"board t: beat_bits = '64' is not a int"),
    ("lut6 = 10", "lut6 = -1", r"board t: lut6 = -1 is not a int"),
    ("lut6 = 10", "lut6 = true", r"board t: lut6 = True is not a int"),
    ("lut6 = 10\n", "", r"board t: key 'lut6' is missing"),
    ('title = "T"', "title = 3", r"board t: title = 3 is not a str"),
    ("clock_mhz = 100.0", 'clock_mhz = "fast"', r"board t: clock_mhz = 'fast' is not a float"),
    ("clock_mhz = 100.0", "clock_mhz = 5", r"board t: clock_mhz 5 is outside 10..500"),
    ("dma_length_bits = 26", "dma_length_bits = 27", r"board t: dma_length_bits 27 is outside 8..26"),
    ('family = "zynq7000"', 'family = "versal"', r"family 'versal' is unknown; use one of zynq7000, zynquplus"),
    ('"processing_system7"', '"zynq_ultra_ps_e"', r"'zynq_ultra_ps_e' does not belong to zynq7000; use processing_system7"),
    ("title =", "title", r"board t: the file is not TOML \(.*line 2"),
    ("[resources]", "[resource]", r"board t: section \[resources\] is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "text"), ERRORS, ids=[text for _, _, text in ERRORS])
def test_a_mistake_in_a_board_file_is_named(old, new, text):
    assert old in GOOD
    with pytest.raises(BoardError, match=text):
        parse_board("t", GOOD.replace(old, new))


def test_python_3_10_without_tomli_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tomllib", None)  # as on Python 3.10
    monkeypatch.setitem(sys.modules, "tomli", None)
    with pytest.raises(ToolError, match=r"Python 3.10 reads with tomli; `pip install tomli`"):
        parse_board("t", GOOD)
