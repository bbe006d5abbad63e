# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of the top module: the chain of nodes with FIFOs and width converters, behind AXI.

The AXI interfaces and the register map are those of the HLS block, so that block design and driver are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Dict, List, Tuple

from lutforge.boards import Board
from lutforge.hls.rtl_layers import RtlLayer
from lutforge.hls.rtl_text import CLOCKED, LICENCE, instance, stream, stream_module, stream_wires
from lutforge.network import Network, Node
from lutforge.operations import ArgMax
from lutforge.pipeline import resize_widths
from lutforge.rtl import Probe
from lutforge.schedule import DEFAULT_DEPTH, Lanes, Schedule
from lutforge.streams import input_stream, output_stream

ANSWERS = "lutforge_node_answers"


@dataclass(frozen=True)
class RtlTop:
    """A network on a board: what is answered, the lanes and the module of each node."""

    network: Network
    schedule: Schedule
    board: Board
    output: str
    lanes: Dict[str, Lanes]
    layers: Dict[str, RtlLayer]

    def probes(self) -> Tuple[Probe, ...]:
        """Return the streams that a trace build exposes."""
        network = self.network
        return tuple(
            Probe(
                node.name,
                network.types[node.name].shape,
                self.lanes[node.name].outputs,
                network.types[node.name].bits,
                network.types[node.name].signed,
            )
            for node in network.nodes
            if not isinstance(node.op, ArgMax)
        )


def answers_text(top: RtlTop) -> str:
    """Return the module of the output stage."""
    network, beat_bits = top.network, top.board.beat_bits
    last, kind = top.lanes[network.output.name].outputs, network.logits
    out = output_stream(network, top.output, beat_bits)
    sizes: Dict[str, Any] = {
        "CLASSES": network.classes,
        "LANES": last,
        "BITS": kind.bits,
        "SIGNED": int(kind.signed),
        "LOGITS": int(top.output != "class"),
        "CLASS": int(top.output != "logits"),
        "BEAT": beat_bits,
        "BEATS": out.beats,
        "LEVELS": (last - 1).bit_length(),
    }
    ports = {**CLOCKED, "images": "images", **stream("in", "in"), **stream("out", "out"), "out_last": "out_last"}
    text = stream_module(
        ANSWERS,
        f"answers: {top.output} of {kind} in {out.beats} beats",
        last * kind.bits,
        beat_bits,
        instance("lutforge_answers", "stage", sizes, ports),
    )
    return text.replace("    input wire rst,\n", "    input wire rst,\n    input wire [31:0] images,\n", 1).replace(
        "    output wire out_valid,\n", "    output wire out_last,\n    output wire out_valid,\n", 1
    )


def core_text(top: RtlTop) -> str:
    """Return the module that joins all nodes: the AXI input's beats in, the AXI output's beats out."""
    network = top.network
    text: List[str] = []
    current, width = "in", top.board.beat_bits
    probes = {probe.node: probe for probe in top.probes()}
    assigned: List[str] = []
    for node in network.nodes:
        if isinstance(node.op, ArgMax):
            continue
        if node.inputs:
            part, current = _resize(top, node, current)
            text.append(part)
        if node.name in top.layers:
            part, current = _node(top, node, current)
            text.append(part)
        assigned.append(
            f"    assign probe_{node.name}_data = {current}_data;\n"
            f"    assign probe_{node.name}_fire = {current}_valid & {current}_ready;\n"
        )
    ports = {**CLOCKED, "images": "images", **stream(current, "in"), **stream("out", "out"), "out_last": "out_last"}
    text.append(instance(ANSWERS, "answers", {}, ports))
    text += ["`ifdef LUTFORGE_PROBE\n", *assigned, "`endif\n"]
    comment = f"{network.name}: {network.input} -> {network.logits}"
    module = stream_module("lutforge_core", comment, width, top.board.beat_bits, "".join(text))
    module = module.replace(
        "    input wire rst,\n", f"    input wire rst,\n{_probe_ports(probes)}    input wire [31:0] images,\n", 1
    )
    return module.replace("    output wire out_valid,\n", "    output wire out_last,\n    output wire out_valid,\n", 1)


def _probe_ports(probes: Dict[str, Probe]) -> str:
    ports = "".join(
        f"    output wire [{probe.lanes * probe.bits - 1}:0] probe_{name}_data,\n    output wire probe_{name}_fire,\n"
        for name, probe in probes.items()
    )
    return f"`ifdef LUTFORGE_PROBE\n{ports}`endif\n"


def _node(top: RtlTop, node: Node, current: str) -> Tuple[str, str]:
    """Return a node's module and the FIFO behind it."""
    bits = top.lanes[node.name].outputs * top.network.types[node.name].bits
    made, target = f"{node.name}_made", f"{node.name}_stream"
    ports = {**CLOCKED, **stream(current, "in"), **stream(made, "out")}
    text = stream_wires(made, bits) + instance(f"lutforge_node_{node.name}", f"{node.name}_layer", {}, ports)
    return text + _fifo(made, target, bits, top.schedule.depth(node)), target


def _fifo(source: str, target: str, bits: int, depth: int) -> str:
    sizes: Dict[str, Any] = {"WIDTH": bits, "DEPTH": depth}
    ports = {**CLOCKED, **stream(source, "in"), **stream(target, "out")}
    return stream_wires(target, bits) + instance("lutforge_fifo", f"{target}_fifo", sizes, ports)


def _resize(top: RtlTop, node: Node, current: str) -> Tuple[str, str]:
    """Return the width converters in front of a node, each with its FIFO, and the stream that the node then reads."""
    source = top.network.input_type(node)
    widths = resize_widths(top.lanes[node.inputs[0]].outputs, top.lanes[node.name].inputs)
    text = ""
    for before, after in pairwise(widths):
        made, target = f"{node.name}_converted_{after}", f"{node.name}_resized_{after}"
        bits = after * source.bits
        sizes: Dict[str, Any]
        if before > after:
            module, sizes = (
                "lutforge_narrow",
                {
                    "IN": before * source.bits,
                    "OUT": bits,
                    "PARTS": before // after,
                    "TOTAL": before // after,
                },
            )
        else:
            module, sizes = "lutforge_widen", {"IN": before * source.bits, "PARTS": after // before}
        ports = {**CLOCKED, **stream(current, "in"), **stream(made, "out")}
        text += stream_wires(made, bits) + instance(module, f"{made}_converter", sizes, ports)
        depth = top.schedule.input_depth(node) if after == widths[-1] else DEFAULT_DEPTH
        text += _fifo(made, target, bits, depth)
        current = target
    return text, current


AXI_PORTS = """\
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [5:0] s_axi_control_AWADDR,
    input wire s_axi_control_AWVALID,
    output wire s_axi_control_AWREADY,
    input wire [31:0] s_axi_control_WDATA,
    input wire [3:0] s_axi_control_WSTRB,
    input wire s_axi_control_WVALID,
    output wire s_axi_control_WREADY,
    output wire [1:0] s_axi_control_BRESP,
    output wire s_axi_control_BVALID,
    input wire s_axi_control_BREADY,
    input wire [5:0] s_axi_control_ARADDR,
    input wire s_axi_control_ARVALID,
    output wire s_axi_control_ARREADY,
    output wire [31:0] s_axi_control_RDATA,
    output wire [1:0] s_axi_control_RRESP,
    output wire s_axi_control_RVALID,
    input wire s_axi_control_RREADY,
    input wire [{beat}:0] images_in_TDATA,
    input wire [{bytes}:0] images_in_TKEEP,
    input wire [{bytes}:0] images_in_TSTRB,
    input wire images_in_TLAST,
    input wire images_in_TVALID,
    output wire images_in_TREADY,
    output wire [{beat}:0] answers_out_TDATA,
    output wire [{bytes}:0] answers_out_TKEEP,
    output wire [{bytes}:0] answers_out_TSTRB,
    output wire answers_out_TLAST,
    output wire answers_out_TVALID,
    input wire answers_out_TREADY,
    output wire interrupt
"""


def control_ports() -> Dict[str, str]:
    """Return how `lutforge_control` is wired in a top module."""
    axi = [line.split()[-1].rstrip(",") for line in AXI_PORTS.splitlines() if "s_axi_control" in line]
    return {
        **CLOCKED,
        **{name.removeprefix("s_axi_control_").lower(): name for name in axi},
        "interrupt": "interrupt",
        "images": "images",
        "in_valid": "images_in_TVALID",
        "in_ready": "images_in_TREADY",
        "gated_valid": "in_valid",
        "gated_ready": "in_ready",
        "answer_end": "answers_out_TVALID & answers_out_TREADY & answers_out_TLAST",
    }


def top_text(top: RtlTop) -> str:
    """Return lutforge_top: the control registers, the gate behind the AXI input, and the core."""
    beat_bits = top.board.beat_bits
    probes = {probe.node: probe for probe in top.probes()}
    core = {
        **CLOCKED,
        "images": "images",
        "in_data": "images_in_TDATA",
        "in_valid": "in_valid",
        "in_ready": "in_ready",
        "out_data": "answers_out_TDATA",
        "out_last": "answers_out_TLAST",
        "out_valid": "answers_out_TVALID",
        "out_ready": "answers_out_TREADY",
    }
    beats = {"BEATS": input_stream(top.network.input, beat_bits).beats}
    wired = ", ".join(f".{port}({signal})" for port, signal in core.items())
    traced = "".join(
        f"        .probe_{name}_data(probe_{name}_data), .probe_{name}_fire(probe_{name}_fire),\n" for name in probes
    )
    ports = AXI_PORTS.format(beat=beat_bits - 1, bytes=beat_bits // 8 - 1)
    return (
        f"{LICENCE}// {top.network.name} behind AXI: control registers, images in, answers out\n"
        f"module lutforge_top (\n{_probe_ports(probes)}{ports});\n"
        "    wire clk = ap_clk;\n    reg rst;\n    always @(posedge ap_clk) rst <= ~ap_rst_n;\n"
        "    wire [31:0] images;\n    wire in_valid, in_ready;\n"
        + instance("lutforge_control", "control", dict(beats), control_ports())
        + f"    lutforge_core core (\n`ifdef LUTFORGE_PROBE\n{traced}`endif\n        {wired}\n    );\n"
        f"    assign answers_out_TKEEP = {{{beat_bits // 8}{{1'b1}}}};\n"
        f"    assign answers_out_TSTRB = {{{beat_bits // 8}{{1'b1}}}};\n"
        "    wire unused = &{1'b0, images_in_TKEEP, images_in_TSTRB, images_in_TLAST};\nendmodule\n"
    )
