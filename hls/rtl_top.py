# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of the top module: the nodes with forks, FIFOs and width converters between them, behind AXI.

The AXI interfaces and the register map are those of the HLS block, so that block design and driver are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Tuple

from lutforge.boards import Board
from lutforge.branches import ANSWERS as HEAD
from lutforge.branches import Branch, Branches
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
    """A network on a board: what is answered, the lanes and the module of each node, and who reads whom."""

    network: Network
    schedule: Schedule
    board: Board
    output: str
    lanes: Dict[str, Lanes]
    layers: Dict[str, RtlLayer]
    ways: Branches

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
    probes = {probe.node: probe for probe in top.probes()}
    assigned: List[str] = []
    for node in network.nodes:
        if node.name in top.layers:
            text += _node(top, node)
        if node.name in probes:
            seen = stream_name(top.ways.carrying[node.name])
            assigned.append(
                f"    assign probe_{node.name}_data = {seen}_data;\n"
                f"    assign probe_{node.name}_fire = {seen}_valid & {seen}_ready;\n"
            )
    answered = stream(stream_name(top.ways.read[HEAD][0]), "in")
    ports = {**CLOCKED, "images": "images", **answered, **stream("out", "out"), "out_last": "out_last"}
    text.append(instance(ANSWERS, "answers", {}, ports))
    text += ["`ifdef LUTFORGE_PROBE\n", *assigned, "`endif\n"]
    comment = f"{network.name}: {network.input} -> {network.logits}"
    module = stream_module("lutforge_core", comment, top.board.beat_bits, top.board.beat_bits, "".join(text))
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


def stream_name(branch: Branch) -> str:
    """Return the stem of the wires of a stream that a node writes."""
    return f"{branch.source}_stream{branch.place or ''}"


def _node(top: RtlTop, node: Node) -> List[str]:
    """Return the width converters in front of a node, its module, and the FIFOs behind it: one per reader."""
    bits = top.lanes[node.name].outputs * top.network.types[node.name].bits
    made, text = f"{node.name}_made", []
    ports = {**CLOCKED, **({} if node.inputs else stream("in", "in"))}
    for branch in top.ways.read.get(node.name, ()):
        converters, current = _resize(top, node, branch)
        text.append(converters)
        ports |= stream(current, f"in{branch.port or ''}")
    ports |= stream(made, "out")
    text += [stream_wires(made, bits), instance(f"lutforge_node_{node.name}", f"{node.name}_layer", {}, ports)]
    written = top.ways.written[node.name]
    if len(written) > 1:
        text.append(_fork(node.name, made, len(written)))
    for branch in written:
        ready = f"[{branch.place}]"
        ends = {f"in_{end}": f"{node.name}_fork_{end}{ready}" for end in ("valid", "ready")} if len(written) > 1 else {}
        text.append(_fifo(made, stream_name(branch), bits, top.schedule.depth(branch.stream), ends))
    return text


def _fork(name: str, made: str, readers: int) -> str:
    """Return what writes a beat into the FIFOs of all readers at once."""
    ports = {f"in_{end}": f"{made}_{end}" for end in ("valid", "ready")}
    ports |= {f"out_{end}": f"{name}_fork_{end}" for end in ("valid", "ready")}
    wires = f"    wire [{readers - 1}:0] {name}_fork_valid, {name}_fork_ready;\n"
    return wires + instance("lutforge_fork", f"{name}_fork", {"READERS": readers}, ports)


def _fifo(source: str, target: str, bits: int, depth: int, ends: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a FIFO and the wires behind it. ends: its handshake in front, where that is not the source's own."""
    sizes: Dict[str, Any] = {"WIDTH": bits, "DEPTH": depth}
    ports = {**CLOCKED, **stream(source, "in"), **ends, **stream(target, "out")}
    return stream_wires(target, bits) + instance("lutforge_fifo", f"{target}_fifo", sizes, ports)


def _resize(top: RtlTop, node: Node, branch: Branch) -> Tuple[str, str]:
    """Return the width converters of one input, each with its FIFO, and the stream that the node then reads."""
    source_bits, current = top.network.types[branch.source].bits, stream_name(branch)
    widths = resize_widths(top.lanes[branch.source].outputs, top.lanes[node.name].inputs)
    text, port = "", branch.port or ""
    for before, after in pairwise(widths):
        made, target = f"{node.name}_converted{port}_{after}", f"{node.name}_resized{port}_{after}"
        bits, sizes = after * source_bits, {"IN": before * source_bits}
        if before > after:
            module, parts = "lutforge_narrow", before // after
            sizes |= {"OUT": bits, "PARTS": parts, "TOTAL": parts}
        else:
            module = "lutforge_widen"
            sizes |= {"PARTS": after // before}
        ports = {**CLOCKED, **stream(current, "in"), **stream(made, "out")}
        text += stream_wires(made, bits) + instance(module, f"{made}_converter", {**sizes}, ports)
        depth = top.schedule.depth(branch.converted) if after == widths[-1] else DEFAULT_DEPTH
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
