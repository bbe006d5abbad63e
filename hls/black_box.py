# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A LUT array as the Verilog module that stands in for its C++ function in Vitis HLS (UG1399, RTL black boxes)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping

from lutforge.boards import Board
from lutforge.errors import GenerationError
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.hls.rtl_text import LICENCE, instance, stream
from lutforge.network import Network, Node
from lutforge.operations import LutNeurons, TruthTables
from lutforge.pipeline import segments
from lutforge.schedule import Schedule, lanes

LIBRARY = ("stream.v", "black_box.v")

PORTS = """\
    input wire ap_clk,
    input wire ap_rst,
    input wire ap_ce,
    input wire ap_start,
    output wire ap_ready,
    output wire ap_done,
    output wire ap_idle,
    input wire ap_continue,
    input wire [{inputs}:0] in_dout,
    input wire in_empty_n,
    output wire in_read,
    output wire [{outputs}:0] out_din,
    input wire out_full_n,
    output wire out_write
"""


@dataclass(frozen=True)
class BlackBoxModule:
    """The Verilog of `<node>_lut_array`: files by path, widths of its beats, cycles of one vector.

    latency: from the first beat read to the last beat written, both counted; interval: from vector to vector.
    """

    node: str
    verilog: Mapping[str, str]
    in_bits: int
    out_bits: int
    latency: int
    interval: int


def black_box(network: Network, schedule: Schedule, board: Board, name: str, luts: str = "xilinx") -> BlackBoxModule:
    """Return the module that stands in for the LUT array of node `name`; GenerationError if it has none."""
    node = network.node(name)
    if not isinstance(node.op, (LutNeurons, TruthTables)):
        raise GenerationError(
            f"node {name}: a {type(node.op).__name__} is no array of tables; black boxes are made of LutNeurons and "
            "TruthTables only"
        )
    width = lanes(network, schedule, board.beat_bits)[name]
    source, kind = network.input_type(node), network.types[name]
    in_bits, out_bits = width.inputs * source.bits, width.outputs * kind.bits
    inputs, outputs = source.channels // width.inputs, kind.channels // width.outputs
    texts = generate_rtl(network, schedule, board, luts=luts).texts
    files = {f"rtl/lutforge/{file}": texts[f"rtl/lutforge/{file}"] for file in LIBRARY}
    files[f"rtl/lutforge_node_{name}.v"] = texts[f"rtl/lutforge_node_{name}.v"]
    files[f"rtl/{name}_lut_array.v"] = _module(node, in_bits, out_bits, inputs, outputs)
    registers = sum(one.registers for one in segments(network, schedule, node, width, board.beat_bits))
    latency = registers + inputs - 1 + outputs - 1 + 1
    return BlackBoxModule(name, files, in_bits, out_bits, latency, max(inputs, outputs))


def _module(node: Node, in_bits: int, out_bits: int, inputs: int, outputs: int) -> str:
    sizes: Dict[str, Any] = {"INPUTS": inputs, "OUTPUTS": outputs}
    control = {
        "clk": "ap_clk",
        "rst": "ap_rst",
        "ce": "ap_ce",
        "start": "ap_start",
        "ready": "ap_ready",
        "done": "ap_done",
        "idle": "ap_idle",
        "proceed": "ap_continue",
        "fifo_valid": "in_empty_n",
        "fifo_read": "in_read",
        "fifo_room": "out_full_n",
        "fifo_write": "out_write",
        **{f"in_{part}": f"vector_{part}" for part in ("valid", "ready")},
        **{f"out_{part}": f"sums_{part}" for part in ("valid", "ready")},
    }
    layer = {"clk": "ap_clk", "rst": "ap_rst", **stream("vector", "in"), **stream("sums", "out")}
    layer["in_data"], layer["out_data"] = "in_dout", "out_din"
    return (
        f"{LICENCE}// {node.name}: the array of tables behind FIFO ports and block control\n"
        f"module {node.name}_lut_array (\n{PORTS.format(inputs=in_bits - 1, outputs=out_bits - 1)});\n"
        "    wire vector_valid, vector_ready, sums_valid, sums_ready;\n"
        + instance("lutforge_black_box", "control", sizes, control)
        + instance(f"lutforge_node_{node.name}", "layer", {}, layer)
        + "endmodule\n"
    )
