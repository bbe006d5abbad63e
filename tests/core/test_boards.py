# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Board files: all load, their facts are those of the data sheets, and every mistake in one is named."""

from __future__ import annotations

import sys
from importlib.resources import files

import pytest

from lutforge.boards import board_names, load_board, parse_board, with_clock
from lutforge.errors import BoardError, ToolError

GOOD = """
title = "T"
part = "xc7z020clg400-1"
board_part = "tul.com.tw:pynq-z2:part0:1.0"
family = "zynq7000"
processing_system = "processing_system7"
arch = "armv7l"
beat_bits = 64
clock_mhz = 100.0
pl_clocks_mhz = [100.0, 166.667]
dma_length_bits = 26
source = "a data sheet"

[resources]
lut6 = 10
ff = 20
bram36 = 3
dsp = 0
"""


FACTS = {
    "kv260": ("xck26-sfvc784-2LV-c", "zynq_ultra_ps_e", 128, (117120, 234240, 144, 1248)),
    "pynq_z1": ("xc7z020clg400-1", "processing_system7", 64, (53200, 106400, 140, 220)),
    "pynq_z2": ("xc7z020clg400-1", "processing_system7", 64, (53200, 106400, 140, 220)),
    "rfsoc4x2": ("xczu48dr-ffvg1517-2-e", "zynq_ultra_ps_e", 128, (425280, 850560, 1080, 4272)),
    "ultra96_v2": ("xczu3eg-sbva484-1-i", "zynq_ultra_ps_e", 128, (70560, 141120, 216, 360)),
    "zcu104": ("xczu7ev-ffvc1156-2-e", "zynq_ultra_ps_e", 128, (230400, 460800, 312, 1728)),
}


def test_every_file_in_the_folder_is_a_board():
    names = sorted(entry.name for entry in files("lutforge.board_configs").iterdir() if entry.name.endswith(".toml"))
    assert [f"{name}.toml" for name in board_names()] == names
    assert set(FACTS) <= set(board_names())


@pytest.mark.parametrize("name", board_names())
def test_a_board_loads(name):
    board = load_board(name)
    assert board.name == name and board.clock_mhz in board.pl_clocks_mhz


@pytest.mark.parametrize("name", FACTS)
def test_facts_are_those_of_the_data_sheets(name):
    board, (part, system, beat_bits, counts) = load_board(name), FACTS[name]
    assert (board.part, board.processing_system, board.beat_bits) == (part, system, beat_bits)
    resources = board.resources
    assert (resources.lut6, resources.ff, resources.bram36, resources.dsp) == counts


def test_an_unknown_board_names_the_known_ones():
    with pytest.raises(BoardError, match=r"board 'pynq_z3' is unknown; known: .*pynq_z2.*zcu104"):
        load_board("pynq_z3")


def test_another_clock_of_the_board_can_be_chosen():
    board = load_board("pynq_z2")
    assert with_clock(board, 166.667).clock_mhz == with_clock(board, 1000 / 6).clock_mhz == 166.667
    assert with_clock(board, 125).pl_clocks_mhz == board.pl_clocks_mhz
    with pytest.raises(BoardError, match=r"clock_mhz 120 is none of the clocks .*; use one of 50, 62.5, .*, 250"):
        with_clock(board, 120)


def test_a_good_text_parses():
    board = parse_board("t", GOOD)
    assert (board.name, board.resources.ff, board.clock_mhz) == ("t", 20, 100.0)


ERRORS = [
    ("title =", "tilte =", r"board t: key 'tilte' is unknown; wanted: .*title"),
    ('part = "xc7z020clg400-1"\n', "", r"board t: key 'part' is missing; wanted: .*part"),
    ("xc7z020clg400-1", "7z020", r"board t: part '7z020' is no part of zynq7000; .* such as xc7z020clg400-1"),
    ("xc7z020clg400-1", "xczu7ev-ffvc1156-2-e", r"part 'xczu7ev-ffvc1156-2-e' is no part of zynq7000"),
    ("tul.com.tw:pynq-z2:part0:1.0", "pynq-z2", r"board_part 'pynq-z2' is not vendor:board:part0:version"),
    ('arch = "armv7l"', 'arch = "aarch64"', r"board t: arch 'aarch64' does not belong to zynq7000; use armv7l"),
    ('source = "a data sheet"', 'source = " "', r"board t: source is empty; name the data sheet"),
    ("bram36 = 3", "bram36 = 0", r"board t: bram36 is 0; take the count from the data sheet"),
    ("[100.0, 166.667]", "[100.0, 120.0]", r"pl_clocks_mhz has 120, which is not 1000 MHz divided .*nearest is 125.000"),
    ("[100.0, 166.667]", "[100.0, 0]", r"pl_clocks_mhz has 0, which is not 1000 MHz"),
    ("[100.0, 166.667]", "[]", r"board t: pl_clocks_mhz = \[\] is not a list of numbers"),
    ("[100.0, 166.667]", "100.0", r"board t: pl_clocks_mhz = 100.0 is not a list of numbers"),
    ("pl_clocks_mhz = [100.0, 166.667]\n", "", r"board t: key 'pl_clocks_mhz' is missing"),
    ("beat_bits = 64", "beat_bits = 48", r"board t: beat_bits 48 is not a DMA width; use 32, 64 or 128"),
    ("beat_bits = 64", 'beat_bits = "64"', r"board t: beat_bits = '64' is not a int"),
    ("lut6 = 10", "lut6 = -1", r"board t: lut6 = -1 is not a int"),
    ("lut6 = 10", "lut6 = true", r"board t: lut6 = True is not a int"),
    ("lut6 = 10\n", "", r"board t: key 'lut6' is missing"),
    ('title = "T"', "title = 3", r"board t: title = 3 is not a str"),
    ("\nclock_mhz = 100.0", '\nclock_mhz = "fast"', r"board t: clock_mhz = 'fast' is not a float"),
    ("\nclock_mhz = 100.0", "\nclock_mhz = 5", r"board t: clock_mhz 5 is none of the clocks .*; use one of 100, 166.667"),
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
