# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""One small network, a plan of it for each route and family, and the plans' committed text."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Tuple

import numpy as np

from lutforge.boards import Board, load_board
from lutforge.hls.generator import generate
from lutforge.hls.hwh import hwh_text
from lutforge.network import Network, Node
from lutforge.operations import Add, Encode, Input, LutNeurons
from lutforge.overlays.black_box import BlackBox
from lutforge.overlays.plan import plan
from lutforge.schedule import Schedule, Unrolled, lanes

FOLDER = Path(__file__).parents[1] / "golden" / "overlays"
ROUTES = ("hls", "rtl")
BOARDS = ("pynq_z2", "zcu104")


def small_design() -> Tuple[Network, Schedule]:
    """Eight pixels, one threshold each, a LUT array of four tables."""
    rng = np.random.default_rng(7)
    wiring = np.stack([rng.choice(8, 3, replace=False) for _ in range(4)])
    array = LutNeurons(2, 8, 1, wiring, np.array([0, 0, 1, 1]), np.array([1, 1, 1, 1]), rng.integers(0, 2, (4, 8)))
    nodes = (
        Node("image", Input((8,), 0, 15)),
        Node("encode", Encode(np.array([[7]])), ("image",)),
        Node("luts", array, ("encode",)),
    )
    return Network("small", nodes), Schedule({"luts": Unrolled()})


def box_verilog(in_bits: int, out_bits: int) -> str:
    """A module with the ports of a black box; what it computes plays no part here."""
    return f"""module luts_lut_array (
    input ap_clk, input ap_rst, input ap_ce,
    input ap_start, output ap_ready, output ap_done, output ap_idle, input ap_continue,
    input [{in_bits - 1}:0] in_dout, input in_empty_n, output in_read,
    output [{out_bits - 1}:0] out_din, input out_full_n, output out_write);
    assign in_read = in_empty_n & out_full_n & ap_start;
    assign out_write = in_read;
    assign out_din = {{{out_bits}{{^in_dout}}}};
    assign ap_ready = in_read;
    assign ap_done = in_read & ap_continue & ap_ce;
    assign ap_idle = ~ap_start;
endmodule
"""


def small_box(board: Board, verilog: str | None = None) -> BlackBox:
    network, schedule = small_design()
    width = lanes(network, schedule, board.beat_bits)["luts"]
    bits = (width.inputs * network.types["encode"].bits, width.outputs * network.types["luts"].bits)
    return BlackBox(
        "luts", *bits, {"rtl/luts_lut_array.v": verilog or box_verilog(*bits)}, latency=3, interval=1, lut=8, ff=12
    )


def rtl_texts() -> Dict[str, str]:
    """What an RTL generator would give: a top, a library module that knows primitives, a memory."""
    return {
        "rtl/lutforge_top.v": "module lutforge_top(input ap_clk);\nlutforge_stream s(ap_clk);\nendmodule\n",
        "rtl/lutforge/stream.v": "module lutforge_stream(input clk);\n`ifdef LUTFORGE_XILINX\n`endif\nendmodule\n",
        "mem/fc1.weights.mem": "// two words\n0a\n0b\n",
    }


def small_plan(route: str, board_name: str) -> Dict[str, str]:
    network, schedule = small_design()
    board = load_board(board_name)
    if route == "hls":
        texts = generate(network, schedule, board)
        return plan(network, schedule, board, texts, route="hls", black_boxes=[small_box(board)])
    hwh = hwh_text(
        processing_system=board.processing_system,
        clock_mhz=board.clock_mhz,
        beat_bits=board.beat_bits,
        dma_length_bits=board.dma_length_bits,
    )
    return plan(network, schedule, board, {**rtl_texts(), "overlay.hwh": hwh}, route="rtl")


def forked_design() -> Tuple[Network, Schedule]:
    """Pixels added to themselves."""
    nodes = (Node("image", Input((8,), 0, 15)), Node("sum", Add(), ("image", "image")))
    return Network("forked", nodes), Schedule({})


def golden_texts() -> Dict[str, str]:
    """Generated files of one plan per route by path; static scripts and C++ are committed elsewhere."""
    result = {}
    for route, board_name in zip(ROUTES, BOARDS, strict=True):
        for path, text in small_plan(route, board_name).items():
            scripts = path.endswith((".tcl", ".sh", ".xdc")) and path != "options.tcl"
            if not scripts and path not in ("expected.hwh", "digest.sha256") and not path.startswith("src/"):
                result[f"{route}/{path}"] = text
    return result
