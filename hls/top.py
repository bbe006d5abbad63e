# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""C++ of the top function: one DATAFLOW process per layer, with width converters where lanes differ.

Names are always a node's name and a suffix, and no suffix ends another, so that two nodes cannot collide.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Dict, List, Tuple

from lutforge import store
from lutforge.boards import Board
from lutforge.branches import ANSWERS, Branch, Branches
from lutforge.hls.layers import Layer, stream_type
from lutforge.hls.text import LIBRARY, LICENCE, flag, header, pragma
from lutforge.network import Network, Node
from lutforge.operations import ArgMax
from lutforge.pipeline import resize_widths
from lutforge.schedule import DEFAULT_DEPTH, Lanes, Schedule
from lutforge.streams import output_stream

HEADERS = ("lut_neurons.hpp", "mac.hpp", "pointwise.hpp", "stream.hpp", "tiled.hpp", "window.hpp")
PROBE = """
// A trace build copies what streams carry; synthesis never sees it.
#ifdef LUTFORGE_TRACE
#include <trace.hpp>
#define LUTFORGE_PROBE(lanes, bits, is_signed, stream) lutforge::probe<lanes, bits, is_signed>(stream);
#else
#define LUTFORGE_PROBE(lanes, bits, is_signed, stream)
#endif
"""
SIGNATURE = (
    "void lutforge_top(hls::stream<lutforge_axis>& images_in, hls::stream<lutforge_axis>& answers_out, unsigned images)"
)


@dataclass(frozen=True)
class Design:
    """A network on a board: what is answered ('logits', 'class' or 'both'), the lanes and the layer of each node, and
    who reads whom."""

    network: Network
    schedule: Schedule
    board: Board
    output: str
    lanes: Dict[str, Lanes]
    layers: Dict[str, Layer]
    ways: Branches


def top_header(design: Design) -> str:
    """Return lutforge_top.hpp: the interface of the top function, and what a caller must know of its streams."""
    network, beat_bits = design.network, design.board.beat_bits
    answer_beats = output_stream(network, design.output, beat_bits).beats
    body = (
        f"#include <{LIBRARY}/stream.hpp>\n\n"
        f"// {network.name}: {network.input} -> {network.logits}\n"
        f'#define LUTFORGE_NETWORK_SHA256 "{store.digest(network)}"\n'
        f"#define LUTFORGE_BEAT_BITS {beat_bits}\n"
        f"#define LUTFORGE_ANSWER_BEATS {answer_beats}\n\n"
        f"typedef lutforge::axis<LUTFORGE_BEAT_BITS>::type lutforge_axis;\n\n{SIGNATURE};\n"
    )
    return header("lutforge_top.hpp", body)


def top_source(design: Design) -> str:
    """Return lutforge_top.cpp: a function per layer, and the top function that joins them by streams."""
    includes = "".join(f"#include <{LIBRARY}/{name}>\n" for name in HEADERS)
    params = "".join(f'#include "params/{name}.hpp"\n' for name, layer in design.layers.items() if layer.params)
    functions = "".join(_function(design, node) for node in design.network.nodes if node.name in design.layers)
    return (
        f'{LICENCE}#include "lutforge_top.hpp"\n\n{includes}{params}{PROBE}\n{functions}'
        f"{_answers(design)}{_top_function(design)}"
    )


def _function(design: Design, node: Node) -> str:
    network, layer, width = design.network, design.layers[node.name], design.lanes[node.name]
    kind = network.types[node.name]
    kinds = [stream_type(width.inputs, network.types[name].bits) for name in node.inputs]
    sources = "".join(f"{each}& in{port or ''}, " for port, each in enumerate(kinds or ["hls::stream<lutforge_axis>"]))
    separator = "\n" if layer.code else ""
    return (
        f"// {node.name}: {type(node.op).__name__} -> {kind}\n{layer.code}{separator}"
        f"static void {node.name}_run({sources}{stream_type(width.outputs, kind.bits)}& out, "
        f"unsigned images) {{\n{layer.body}}}\n\n"
    )


def _answers(design: Design) -> str:
    network, kind = design.network, design.network.logits
    last = design.lanes[network.output.name].outputs
    sent = [flag(design.output != "class"), flag(design.output != "logits")]
    arguments = [design.board.beat_bits, network.classes, last, kind.bits, flag(kind.signed), *sent]
    return (
        f"static void answers({stream_type(last, kind.bits)}& in, hls::stream<lutforge_axis>& out, "
        f"unsigned images) {{\n"
        f"    lutforge::write_answers<{', '.join(map(str, arguments))}>(in, out, images);\n}}\n\n"
    )


def _top_function(design: Design) -> str:
    lines = [
        f"{SIGNATURE} {{\n",
        pragma("INTERFACE", "axis", "port=images_in"),
        pragma("INTERFACE", "axis", "port=answers_out"),
        pragma("INTERFACE", "s_axilite", "port=images", "bundle=control"),
        pragma("INTERFACE", "s_axilite", "port=return", "bundle=control"),
        pragma("INTERFACE", "ap_ctrl_hs", "port=return"),
        pragma("DATAFLOW"),
    ]
    for node in design.network.nodes:
        if isinstance(node.op, ArgMax):
            continue  # part of `answers`
        kind, width = design.network.types[node.name], design.lanes[node.name]
        if node.name in design.layers:
            lines += _run(design, node)
        seen = stream_name(design.ways.carrying[node.name])
        lines.append(f"    LUTFORGE_PROBE({width.outputs}, {kind.bits}, {flag(kind.signed)}, {seen})\n")
    lines.append(f"    answers({stream_name(design.ways.read[ANSWERS][0])}, answers_out, images);\n}}\n")
    return "".join(lines)


def stream_name(branch: Branch) -> str:
    """Return the variable of a stream that a node writes."""
    return f"{branch.source}_stream{branch.place or ''}"


def _run(design: Design, node: Node) -> List[str]:
    """Return the width converters in front of a node, the call of its layer, and the streams that it writes."""
    kind, width = design.network.types[node.name], design.lanes[node.name]
    written, beat = design.ways.written[node.name], stream_type(width.outputs, kind.bits)
    lines, inputs = [], []
    for branch in design.ways.read.get(node.name, ()):
        text, current = _resize(design, node, branch)
        lines.append(text)
        inputs.append(current)
    made = stream_name(written[0]) if len(written) == 1 else f"{node.name}_made"
    depth = design.schedule.depth(written[0].stream) if len(written) == 1 else DEFAULT_DEPTH
    lines.append(_stream(made, beat, depth))
    lines.append(f"    {node.name}_run({', '.join(inputs or ['images_in'])}, {made}, images);\n")
    if len(written) > 1:
        lines += _fork(design, node, written)
    return lines


def _fork(design: Design, node: Node, written: Tuple[Branch, ...]) -> List[str]:
    """Return the streams of several readers: one after the other is split off."""
    kind, lanes = design.network.types[node.name], design.lanes[node.name].outputs
    beat = stream_type(lanes, kind.bits)
    lines = [_stream(stream_name(each), beat, design.schedule.depth(each.stream)) for each in written]
    current = f"{node.name}_made"
    for branch in written[:-1]:
        rest = stream_name(written[-1])
        if branch is not written[-2]:
            rest = f"{node.name}_rest{branch.place}"
            lines.append(_stream(rest, beat, DEFAULT_DEPTH))
        ends = f"{current}, {stream_name(branch)}, {rest}"
        lines.append(f"    lutforge::duplicate<{lanes * kind.bits}, {kind.elements // lanes}>({ends}, images);\n")
        current = rest
    return lines


def _stream(name: str, kind: str, depth: int) -> str:
    return f'    {kind} {name}("{name}");\n{pragma("STREAM", f"variable={name}", f"depth={depth}")}'


def _resize(design: Design, node: Node, branch: Branch) -> Tuple[str, str]:
    """Return the width converters of one input, and the stream that the node then reads."""
    source, current = design.network.types[branch.source], stream_name(branch)
    widths = resize_widths(design.lanes[branch.source].outputs, design.lanes[node.name].inputs)
    text = ""
    for wide, target in pairwise(widths):
        name = f"{node.name}_resized{branch.port or ''}_{target}"
        function = "narrow" if wide > target else "widen"
        arguments = [wide, target, source.bits, source.elements // max(wide, target)]
        depth = design.schedule.depth(branch.converted) if target == widths[-1] else DEFAULT_DEPTH
        text += _stream(name, stream_type(target, source.bits), depth)
        text += f"    lutforge::{function}<{', '.join(map(str, arguments))}>({current}, {name}, images);\n"
        current = name
    return text, current
