# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Descriptions of RTL black boxes against the Verilog modules that they describe."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lutforge.boards import load_board
from lutforge.errors import GenerationError, ToolError
from lutforge.hls.csim import find_compiler, find_headers
from lutforge.hls.generator import generate
from lutforge.overlays.black_box import check, description, module_ports

sys.path.insert(0, str(Path(__file__).parent))
from plan_examples import box_verilog, small_box, small_design

BOARD = load_board("pynq_z2")


@pytest.fixture
def verilog():
    pytest.importorskip("pyslang", reason="pyslang is not installed (pip install 'lutforge[synth]')")
    return box_verilog(8, 4)


def test_ports_and_json_agree(verilog):
    box = small_box(BOARD, verilog)
    text = description(box)
    check(box, text)
    document = json.loads(text)
    assert document["c_function_name"] == document["rtl_top_module_name"] == "luts_lut_array"
    assert document["rtl_performance"] == {"latency": "3", "II": "1"}
    assert [parameter["c_name"] for parameter in document["c_parameters"]] == ["in", "out"]
    assert module_ports(box.verilog, box.function) == box.ports


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("in_empty_n", "in_empty", r"the module has no port 'in_empty_n', which its JSON names"),
        ("input ap_ce,", "input ap_ce, input debug,", r"port 'debug' of the module is not in its JSON"),
        ("input [7:0] in_dout", "input [6:0] in_dout", r"port 'in_dout' is input of 7 bits, input of 8 bits is wanted"),
        (
            "output ap_ready",
            "output [1:0] ap_ready",
            r"port 'ap_ready' is output of 2 bits, output of 1 bits is wanted",
        ),
        ("ap_rst, input ap_ce", "ap_rst, inout ap_ce", r"port 'ap_ce' is inout of 1 bits, input of 1 bits is wanted"),
        ("module luts_lut_array", "module luts", r"no top module of that name in rtl/luts_lut_array.v"),
        ("endmodule", "missing m(); endmodule", r"its Verilog does not parse \(.*UnknownModule"),
    ],
)
def test_a_module_that_differs_is_named(verilog, old, new, words):
    box = small_box(BOARD, verilog.replace(old, new))
    with pytest.raises(GenerationError, match=words):
        check(box, description(box))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"in_read"', '"in_rd"', r"no port 'in_rd', which its JSON names"),
        ('"ap_ce"', '"ap_clk_en"', r"no port 'ap_clk_en', which its JSON names"),
        (
            '"rtl_top_module_name": "luts',
            '"rtl_top_module_name": "lutz',
            r"module 'lutz_.*' must be named as the function",
        ),
    ],
)
def test_a_description_that_differs_is_named(verilog, old, new, words):
    box = small_box(BOARD, verilog)
    with pytest.raises(GenerationError, match=words):
        check(box, description(box).replace(old, new))


def test_impossible_boxes():
    box = small_box(BOARD)
    with pytest.raises(GenerationError, match=r"stream in has 1025 bits; the limit is 1024"):
        dataclasses.replace(box, in_bits=1025)
    with pytest.raises(GenerationError, match=r"stream out has 0 bits"):
        dataclasses.replace(box, out_bits=0)
    with pytest.raises(GenerationError, match=r"latency 3 and interval 0 cannot be; take both from the RTL simulation"):
        dataclasses.replace(box, interval=0)


def test_without_pyslang_the_other_route_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyslang", None)
    box = small_box(BOARD)
    with pytest.raises(ToolError, match=r"checked with pyslang, .* pip install 'lutforge\[synth\]'. Plans of the RTL"):
        check(box, description(box))


def test_the_c_model_of_a_box_is_a_file_that_links_with_the_top(tmp_path):
    """As the vendor's C simulation builds it: the top declares the function, the model is compiled for itself."""
    try:
        compiler, headers = find_compiler(), find_headers()
    except ToolError as error:
        pytest.skip(str(error))
    network, schedule = small_design()
    for path, text in generate(network, schedule, BOARD).items():
        if path.startswith("src/"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    shims = Path(__file__).parents[2] / "hls" / "shims"
    flags = ["-std=c++14", "-Wno-unknown-pragmas", f"-I{shims}", f"-I{tmp_path / 'src'}", f"-I{headers}"]
    top = [compiler, *flags, "-DLUTFORGE_BLACK_BOXES", str(tmp_path / "src/lutforge_top.cpp")]
    model = str(tmp_path / "src/luts_lut_array.cpp")
    testbench = str(tmp_path / "src/testbench.cpp")
    alone = subprocess.run([*top, testbench, "-o", str(tmp_path / "a")], capture_output=True, text=True, check=False)
    assert alone.returncode != 0 and "luts_lut_array" in alone.stderr
    subprocess.run([*top, testbench, model, "-o", str(tmp_path / "b")], check=True)
