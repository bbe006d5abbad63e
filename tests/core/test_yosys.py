# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""yosys in its own process: which files it gets, what it makes of known designs, and how it fails."""

from __future__ import annotations

import importlib.util
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Dict

import pytest

from lutforge import yosys
from lutforge.errors import ToolError
from lutforge.yosys import synthesise

CHANCE = random.Random(7)

WORDS = "".join(f"{CHANCE.randrange(16):x}\n" for _ in range(16))
LUTS = 20
TABLES = "".join(
    f"  LUT6 #(.INIT(64'h{CHANCE.getrandbits(64):016x})) u{index} ("
    + ", ".join(f".I{pin}(d[{source}])" for pin, source in enumerate(CHANCE.sample(range(12), 6)))
    + f", .O(w[{index}]));\n"
    for index in range(LUTS)
)
ARRAY = f"""module array (input clk, input load, input [11:0] d, output reg [{LUTS - 1}:0] q);
  wire [{LUTS - 1}:0] w;
{TABLES}  always @(posedge clk) if (load) q <= w;
endmodule
"""
STACK = """// two units below a top module, and a module that nobody uses and that is no Verilog
module top (input clk, input [3:0] a, output [3:0] y);
  wire [3:0] t;
  rom #(.FILE("words.mem")) first (clk, a, t);
  flip second (clk, t, y);
endmodule
"""
ROM = """module rom #(parameter FILE = "none.mem") (input clk, input [3:0] a, output reg [3:0] q);
  (* rom_style = "distributed", ram_style = "distributed" *) reg [3:0] words[0:15];
  initial $readmemh(FILE, words);
  always @(posedge clk) q <= words[a];
endmodule
module flip (clk, d, q);
  input clk;
  input [3:0] d;
  output reg [3:0] q;
  always @(posedge clk) q <= {d[0], d[1], d[2], d[3]} ^ {d[3] & d[2], 3'b000};
endmodule
"""
BROKEN = "module strange (input a, output y);\n\n  assign y = a +;\nendmodule\n"
STACK_TEXTS = {"rtl/top.v": STACK, "rtl/parts.v": ROM, "rtl/strange.v": BROKEN, "mem/words.mem": WORDS}


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch):
    """yosys runs in each of these tests, whatever others have synthesised."""
    monkeypatch.delenv("LUTFORGE_CACHE", raising=False)


def cells(made: yosys.Synthesis) -> Counter[str]:
    return Counter(cell["type"] for cell in json.loads(made.json)["modules"][made.top]["cells"].values())


@pytest.mark.yosys
@pytest.mark.parametrize("family", ["xc7", "xcup"])
def test_instantiated_tables_come_out_one_for_one(family):
    made = synthesise({"rtl/array.v": ARRAY}, "array", family)
    assert cells(made) == {"LUT6": LUTS, "FDRE": LUTS}
    found = json.loads(made.json)["modules"]["array"]["cells"]
    wanted = [line.split("64'h")[1][:16] for line in TABLES.splitlines()]
    assert [f"{int(found[f'u{index}']['parameters']['INIT'], 2):016x}" for index in range(LUTS)] == wanted
    assert (made.family, made.version) == (family, yosys.yosys_version())
    assert 50e6 < made.peak_bytes < 2e9 and made.seconds > 0


@pytest.mark.yosys
def test_a_table_with_constant_inputs_becomes_a_small_one():
    text = """module small (input a, b, c, output y, z);
      LUT6 #(.INIT(64'h0000000000000096)) u (.I0(a), .I1(b), .I2(c), .I3(1'b0), .I4(1'b0), .I5(1'b0), .O(y));
      LUT6_2 #(.INIT(64'h8888888866666666)) v (.I0(a), .I1(b), .I2(1'b0), .I3(1'b0), .I4(1'b0), .I5(1'b1), .O6(z));
    endmodule
    """
    assert cells(synthesise({"small.v": text}, "small")) == {"LUT3": 1, "LUT6_2": 1}


@pytest.mark.yosys
def test_only_what_the_top_module_reaches_is_read(tmp_path):
    flat = synthesise(STACK_TEXTS, "top", cache=tmp_path)
    assert set(cells(flat)) <= {"LUT2", "LUT3", "LUT4", "FDRE"} and cells(flat)["FDRE"] == 8
    assert synthesise({**STACK_TEXTS, "rtl/strange.v": "other"}, "top", cache=tmp_path) == flat
    assert len(list(tmp_path.iterdir())) == 1, "the result was not taken from the cache"


@pytest.mark.yosys
def test_the_environment_names_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LUTFORGE_CACHE", str(tmp_path / "kept"))
    made = synthesise(STACK_TEXTS, "top")
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_text(kept.read_text().replace("LUT3", "LUT9"))
    assert "LUT9" in cells(synthesise(STACK_TEXTS, "top")), "the result was not taken from the cache"
    assert cells(synthesise(STACK_TEXTS, "top", cache=tmp_path / "other")) == cells(made), "cache= goes before it"


@pytest.mark.yosys
def test_black_boxes_stay_cells_and_their_bodies_are_not_read():
    broken = {**STACK_TEXTS, "rtl/parts.v": ROM.replace("q <= words[a]", "q <= words[a] +")}
    made = synthesise(broken, "top", black_boxes=["rom", "flip"])
    assert cells(made) == {"rom": 1, "flip": 1}
    found = json.loads(made.json)["modules"]["top"]["cells"]["second"]
    assert {name: len(bits) for name, bits in found["connections"].items()} == {"clk": 1, "d": 4, "q": 4}


@pytest.mark.yosys
def test_a_syntax_error_is_told_with_its_line():
    with pytest.raises(ToolError, match=r"yosys on strange failed: rtl/strange.v:3: ERROR: syntax error"):
        synthesise(STACK_TEXTS, "strange")


@pytest.mark.yosys
def test_a_missing_memory_file_is_an_error():
    texts: Dict[str, str] = {name: text for name, text in STACK_TEXTS.items() if not name.endswith(".mem")}
    with pytest.raises(ToolError, match=r"yosys on top failed: .*Can not open file `words.mem`"):
        synthesise(texts, "top")


@pytest.mark.yosys
def test_a_deadline_stops_yosys():
    with pytest.raises(ToolError, match=r"yosys on array was not done within 0.3 s; fold the network, split the layer"):
        synthesise({"rtl/array.v": ARRAY}, "array", deadline_s=0.3)


@pytest.mark.yosys
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_yosys_ends_with_the_program_that_waits_for_it(tmp_path):
    (tmp_path / "yosys").mkdir()
    (tmp_path / "mem").mkdir()
    (tmp_path / "yosys" / "script").write_text("exec -q -- sleep 9\n")
    start = (
        "import subprocess, sys, time\n"
        "one = subprocess.Popen([sys.executable, '-m', 'lutforge.yosys_worker', sys.argv[1]], stdout=2)\n"
        "print(one.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", start, str(tmp_path / "yosys")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    worker = int(parent.stdout.readline())
    while "exec -q" not in parent.stderr.readline():  # by now it has asked
        pass
    parent.kill()
    parent.wait()
    end = time.monotonic() + 4
    while Path(f"/proc/{worker}").exists() and " Z" not in Path(f"/proc/{worker}/stat").read_text()[:200]:
        assert time.monotonic() < end, "yosys runs on without its parent"
        time.sleep(0.05)


@pytest.mark.yosys
def test_what_is_asked_for_must_exist():
    with pytest.raises(ToolError, match="yosys family 'xc9' is unknown here; use one of xc7, xcup"):
        synthesise(STACK_TEXTS, "top", "xc9")
    with pytest.raises(ToolError, match="module 'topp' is in none of the 4 files; it has flip, rom, strange, top"):
        synthesise(STACK_TEXTS, "topp")
    with pytest.raises(ToolError, match="black box 'fc1' is in none of the 4 files; name modules of the design"):
        synthesise(STACK_TEXTS, "top", black_boxes=["fc1"])


def test_without_pyosys_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"pyosys .* is not installed; `pip install 'lutforge\[synth\]'`. .*without it"):
        synthesise(STACK_TEXTS, "top")


def test_a_crash_is_told_from_a_kill():
    killed = yosys._failure("yosys on top", -signal.SIGKILL, "1. Executing\n")
    assert killed == ("yosys on top was killed, most likely for want of memory; fold the network or split the layer")
    crashed = yosys._failure("yosys on top", -signal.SIGSEGV, "one\ntwo\nthree\nfour\n")
    assert crashed == "yosys on top ended with code -11 and no error line; its last words: two / three / four"


def test_a_part_that_is_not_read_leaves_the_lines_where_they_are():
    sources = yosys._sources(STACK_TEXTS, "flip", set())
    assert list(sources) == ["rtl/parts.v"]
    lines = sources["rtl/parts.v"].splitlines()
    assert lines[5].startswith("module flip") and not "".join(lines[:5])
