# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""C++ of the top function: one DATAFLOW process per layer, with width converters where lanes differ.

Names are always a node's name and a suffix, and no suffix ends another, so that two nodes cannot collide.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Dict, List, Tuple

from lutforge import store
from lutforge.boards import Board
from lutforge.hls.layers import Layer, stream_type
from lutforge.hls.text import LIBRARY, LICENCE, flag, header, pragma
from lutforge.network import Network, Node
from lutforge.operations import ArgMax
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
    """A network on a board: what is answered ('logits', 'class' or 'both'), the lanes and the layer of each node."""

    network: Network
    schedule: Schedule
    board: Board
    output: str
    lanes: Dict[str, Lanes]
    layers: Dict[str, Layer]


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
    source = stream_type(width.inputs, network.input_type(node).bits) if node.inputs else "hls::stream<lutforge_axis>"
    separator = "\n" if layer.code else ""
    return (
        f"// {node.name}: {type(node.op).__name__} -> {kind}\n{layer.code}{separator}"
        f"static void {node.name}_run({source}& in, {stream_type(width.outputs, kind.bits)}& out, "
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
    current = "images_in"
    for node in design.network.nodes:
        if isinstance(node.op, ArgMax):
            continue  # part of `answers`
        kind, width = design.network.types[node.name], design.lanes[node.name]
        if node.inputs:
            text, current = _resize(design, node, current)
            lines.append(text)
        if node.name in design.layers:
            target = f"{node.name}_stream"
            lines.append(_stream(target, stream_type(width.outputs, kind.bits), design.schedule.depth(node)))
            lines.append(f"    {node.name}_run({current}, {target}, images);\n")
            current = target
        lines.append(f"    LUTFORGE_PROBE({width.outputs}, {kind.bits}, {flag(kind.signed)}, {current})\n")
    lines.append(f"    answers({current}, answers_out, images);\n}}\n")
    return "".join(lines)


def _stream(name: str, kind: str, depth: int) -> str:
    return f'    {kind} {name}("{name}");\n{pragma("STREAM", f"variable={name}", f"depth={depth}")}'


def _resize(design: Design, node: Node, current: str) -> Tuple[str, str]:
    """Return the width converters in front of a node, and the stream that it then reads.

    Where neither width divides the other, beats go through their common divisor.
    """
    source = design.network.input_type(node)
    before, after = design.lanes[node.inputs[0]].outputs, design.lanes[node.name].inputs
    if before == after:
        return "", current
    middle = gcd(before, after)
    widths: List[int] = [before, after] if middle in (before, after) else [before, middle, after]
    text = ""
    for wide, target in pairwise(widths):
        name = f"{node.name}_resized_{target}"
        function = "narrow" if wide > target else "widen"
        arguments = [wide, target, source.bits, source.elements // max(wide, target)]
        depth = design.schedule.input_depth(node) if target == widths[-1] else DEFAULT_DEPTH
        text += _stream(name, stream_type(target, source.bits), depth)
        text += f"    lutforge::{function}<{', '.join(map(str, arguments))}>({current}, {name}, images);\n"
        current = name
    return text, current
