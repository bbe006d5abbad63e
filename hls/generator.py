# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Network, schedule and board in, the text of an overlay folder out: HLS C++, memory files, .hwh, manifest.

`generate` is pure: the same arguments give the same bytes. `write_overlay` puts them on disk.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from math import gcd
from pathlib import Path
from typing import Dict, List, Tuple

import lutforge
from lutforge import manifest as manifests
from lutforge import store
from lutforge.boards import Board
from lutforge.errors import GenerationError
from lutforge.hls import pragmas
from lutforge.hls.hwh import hwh_text
from lutforge.hls.layers import Layer, Site, emit, stream_type
from lutforge.hls.text import LICENCE, flag, header, pragma
from lutforge.network import Network, Node
from lutforge.operations import ArgMax
from lutforge.schedule import Lanes, Schedule, check, intervals, is_foldable, lanes, to_json
from lutforge.streams import output_stream

LIBRARY = "lutforge"


def generate(network: Network, schedule: Schedule, board: Board, output: str = "logits") -> Dict[str, str]:
    """Return every text file of an overlay folder by its path.

    output: what the design answers, 'logits', 'class' or 'both'.
    """
    check(network, schedule)
    output_stream(network, output, board.beat_bits)
    result = _sources(network, schedule, board, output)
    for path, text in result.items():
        if path.endswith((".cpp", ".hpp")):
            pragmas.check(path, text)
    result[manifests.SCHEDULE] = to_json(schedule)
    result[manifests.HWH] = hwh_text(
        processing_system=board.processing_system,
        clock_mhz=board.clock_mhz,
        beat_bits=board.beat_bits,
        dma_length_bits=board.dma_length_bits,
    )
    result[manifests.BIT] = _placeholder(network, result[manifests.HWH])
    result[manifests.MANIFEST] = manifests.to_json(_manifest(network, schedule, board, output))
    return dict(sorted(result.items()))


def write_overlay(folder: Path | str, network: Network, texts: Dict[str, str]) -> None:
    """Write what `generate` returned, and the network file, each aside and then renamed.

    A kernel compiled from an earlier generation is removed, so that it cannot be taken for this one.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    (root / manifests.KERNEL).unlink(missing_ok=True)
    for stale in [*root.glob("src/**/*.*pp"), *root.glob("mem/*.mem")]:
        if stale.relative_to(root).as_posix() not in texts:
            stale.unlink()
    for path, text in texts.items():
        store.write_atomically(root / path, text.encode())
    store.save(network, root / manifests.NETWORK)


def _placeholder(network: Network, hwh: str) -> str:
    """A stand-in for the bitstream; it names both hashes because pynq caches metadata by the .bit's hash."""
    return (
        "lutforge emulation: this is no bitstream\n"
        f"network sha256 {store.digest(network)}\nhwh sha256 {hashlib.sha256(hwh.encode()).hexdigest()}\n"
    )


def _manifest(network: Network, schedule: Schedule, board: Board, output: str) -> manifests.Manifest:
    traced = tuple(
        manifests.TracedNode(node.name, network.types[node.name].shape)
        for node in network.nodes
        if not isinstance(node.op, ArgMax)
    )
    return manifests.Manifest(
        name=network.name,
        network_sha256=store.digest(network),
        board=board.name,
        processing_system=board.processing_system,
        arch=board.arch,
        beat_bits=board.beat_bits,
        clock_mhz=board.clock_mhz,
        dma_length_bits=board.dma_length_bits,
        input=network.input,
        classes=network.classes,
        output=output,
        interval_cycles=max(intervals(network, schedule, board.beat_bits).values()),
        emulated=True,
        trace=traced,
        lutforge=lutforge.__version__,
    )


def _sources(network: Network, schedule: Schedule, board: Board, output: str) -> Dict[str, str]:
    widths = lanes(network, schedule, board.beat_bits)
    layers: List[Tuple[Node, Layer]] = []
    for node in network.nodes:
        source = network.input_type(node) if node.inputs else network.types[node.name]
        folding = schedule.of(node) if is_foldable(node) else None
        site = Site(node, source, network.types[node.name], widths[node.name], folding, board.beat_bits)
        layer = emit(site)
        if layer:
            layers.append((node, layer))
    texts = {f"src/{path}": text for path, text in library().items()}
    for node, layer in layers:
        if layer.params:
            path = f"params/{node.name}.hpp"
            texts[f"src/{path}"] = header(path, f"#include <{LIBRARY}/types.hpp>\n\n{layer.params}")
        for name, text in layer.mems.items():
            texts[f"mem/{name}"] = text
    texts["src/lutforge_top.hpp"] = _top_header(network, board)
    texts["src/lutforge_top.cpp"] = _top(network, schedule, board, output, layers, widths)
    texts["src/testbench.cpp"] = _testbench(network, board, output)
    return texts


def library() -> Dict[str, str]:
    """Return the static C++ library by path below `src/`."""
    folder = files("lutforge.hls") / "include" / LIBRARY
    entries = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".hpp"))
    if not entries:
        raise GenerationError("the C++ library is missing from the installed package; install lutforge again")
    return {f"{LIBRARY}/{name}": entry.read_text(encoding="utf-8") for name, entry in entries}


def _top_header(network: Network, board: Board) -> str:
    body = (
        f"#include <{LIBRARY}/stream.hpp>\n\n"
        f"// {network.name}: {network.input} -> {network.logits}\n"
        f'#define LUTFORGE_NETWORK_SHA256 "{store.digest(network)}"\n'
        f"#define LUTFORGE_BEAT_BITS {board.beat_bits}\n\n"
        f"typedef lutforge::axis<{board.beat_bits}>::type lutforge_axis;\n\n"
        "void lutforge_top(hls::stream<lutforge_axis>& images_in, hls::stream<lutforge_axis>& answers_out, "
        "unsigned images);\n"
    )
    return header("lutforge_top.hpp", body)


def _top(
    network: Network,
    schedule: Schedule,
    board: Board,
    output: str,
    layers: List[Tuple[Node, Layer]],
    widths: Dict[str, Lanes],
) -> str:
    includes = "".join(
        f"#include <{LIBRARY}/{name}>\n"
        for name in ("lut_neurons.hpp", "mac.hpp", "pointwise.hpp", "stream.hpp", "window.hpp")
    )
    params = "".join(f'#include "params/{node.name}.hpp"\n' for node, layer in layers if layer.params)
    functions = "".join(_function(network, node, layer, board, widths) for node, layer in layers)
    return (
        f'{LICENCE}#include "lutforge_top.hpp"\n\n{includes}{params}{PROBE}\n{functions}'
        f"{_answers(network, board, output, widths)}{_top_function(network, schedule, layers, widths)}"
    )


PROBE = """
// A trace build copies what streams carry; synthesis never sees it.
#ifdef LUTFORGE_TRACE
#include <trace.hpp>
#define LUTFORGE_PROBE(lanes, bits, is_signed, stream) lutforge::probe<lanes, bits, is_signed>(stream);
#else
#define LUTFORGE_PROBE(lanes, bits, is_signed, stream)
#endif
"""


def _function(network: Network, node: Node, layer: Layer, board: Board, widths: Dict[str, Lanes]) -> str:
    kind, width = network.types[node.name], widths[node.name]
    source = stream_type(width.inputs, network.input_type(node).bits) if node.inputs else "hls::stream<lutforge_axis>"
    separator = "\n" if layer.code else ""
    return (
        f"// {node.name}: {type(node.op).__name__} -> {kind}\n{layer.code}{separator}"
        f"static void layer_{node.name}({source}& in, {stream_type(width.outputs, kind.bits)}& out, unsigned images) {{\n"
        f"{layer.body}}}\n\n"
    )


def _answers(network: Network, board: Board, output: str, widths: Dict[str, Lanes]) -> str:
    kind, last = network.logits, widths[network.output.name].outputs
    arguments = [
        board.beat_bits,
        network.classes,
        last,
        kind.bits,
        flag(kind.signed),
        flag(output != "class"),
        flag(output != "logits"),
    ]
    return (
        f"static void answers({stream_type(last, kind.bits)}& in, hls::stream<lutforge_axis>& out, unsigned images) {{\n"
        f"    lutforge::write_answers<{', '.join(map(str, arguments))}>(in, out, images);\n}}\n\n"
    )


def _top_function(
    network: Network, schedule: Schedule, layers: List[Tuple[Node, Layer]], widths: Dict[str, Lanes]
) -> str:
    emitted = {node.name for node, _ in layers}
    lines = [
        "void lutforge_top(hls::stream<lutforge_axis>& images_in, hls::stream<lutforge_axis>& answers_out, "
        "unsigned images) {\n",
        pragma("INTERFACE", {"port": "images_in"}, ("axis",)),
        pragma("INTERFACE", {"port": "answers_out"}, ("axis",)),
        pragma("INTERFACE", {"port": "images", "bundle": "control"}, ("s_axilite",)),
        pragma("INTERFACE", {"port": "return", "bundle": "control"}, ("s_axilite",)),
        pragma("DATAFLOW"),
    ]
    current = "images_in"
    for node in network.nodes:
        if isinstance(node.op, ArgMax):
            continue
        kind, width = network.types[node.name], widths[node.name]
        if node.inputs:
            source = network.input_type(node)
            text, current = _resize(
                node.name, current, widths[node.inputs[0]].outputs, width.inputs, source.bits, source.elements
            )
            lines.append(text)
        if node.name in emitted:
            target = f"s_{node.name}"
            lines.append(_stream(target, stream_type(width.outputs, kind.bits), schedule.depth(node)))
            lines.append(f"    layer_{node.name}({current}, {target}, images);\n")
            current = target
        lines.append(f"    LUTFORGE_PROBE({width.outputs}, {kind.bits}, {flag(kind.signed)}, {current})\n")
    lines.append(f"    answers({current}, answers_out, images);\n}}\n")
    return "".join(lines)


def _stream(name: str, kind: str, depth: int) -> str:
    return f'    {kind} {name}("{name}");\n{pragma("STREAM", {"variable": name, "depth": depth})}'


def _resize(node: str, current: str, before: int, after: int, bits: int, elements: int) -> Tuple[str, str]:
    """Width converters from `before` to `after` lanes; through their common divisor where neither divides the other."""
    if before == after:
        return "", current
    middle = gcd(before, after)
    hops = [(before, after)] if middle in (before, after) else [(before, middle), (middle, after)]
    text = ""
    for source, target in hops:
        name = f"s_{node}_by_{target}"
        function, beats = ("narrow", elements // source) if source > target else ("widen", elements // target)
        text += _stream(name, stream_type(target, bits), 2)
        text += f"    lutforge::{function}<{source}, {target}, {bits}, {beats}>({current}, {name}, images);\n"
        current = name
    return text, current


def _testbench(network: Network, board: Board, output: str) -> str:
    stream = output_stream(network, output, board.beat_bits)
    return f"""{LICENCE}// Reads images packed as the driver packs them, writes the answers: testbench IMAGES ANSWERS COUNT
#include "lutforge_top.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <vector>

static const int BEAT_BYTES = LUTFORGE_BEAT_BITS / 8;

static int run(const char* source, const char* target, unsigned images) {{
    hls::stream<lutforge_axis> images_in("images_in"), answers_out("answers_out");
    std::ifstream in(source, std::ios::binary);
    unsigned char bytes[BEAT_BYTES];
    while (in.read(reinterpret_cast<char*>(bytes), BEAT_BYTES)) {{
        lutforge_axis beat;
        beat.data = 0;
        for (int byte = 0; byte < BEAT_BYTES; ++byte) beat.data.range(byte * 8 + 7, byte * 8) = bytes[byte];
        beat.keep = -1;
        beat.strb = -1;
        beat.last = in.peek() == std::ifstream::traits_type::eof();
        images_in.write(beat);
    }}
    lutforge_top(images_in, answers_out, images);
    std::ofstream out(target, std::ios::binary);
    for (unsigned n = 0; n < images * {stream.beats}u; ++n) {{
        lutforge_axis beat = answers_out.read();
        for (int byte = 0; byte < BEAT_BYTES; ++byte) {{
            out.put(char(ap_uint<8>(beat.data.range(byte * 8 + 7, byte * 8)).to_uint()));
        }}
        if (n == images * {stream.beats}u - 1 && beat.last != 1) return 3;
    }}
    return out.good() ? 0 : 2;
}}

int main(int count, char** words) {{
    if (count != 4) {{
        std::fprintf(stderr, "usage: testbench IMAGES ANSWERS COUNT\\n");
        return 2;
    }}
    try {{
        return run(words[1], words[2], unsigned(std::atoi(words[3])));
    }} catch (const std::exception& error) {{
        std::fprintf(stderr, "%s\\n", error.what());
        return 1;
    }}
}}
"""
