# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every layer of random networks as the module that the emitter writes, alone, under random stalls on both sides.

Each is given what the reference says that the layer before it sends, and must deliver what its own edge carries.
Together with test_rtl_parts this reaches every module of the library that has to do with streams.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from lutforge.boards import load_board
from lutforge.errors import ToolError
from lutforge.hls import verilator
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.reference import trace
from lutforge.schedule import lanes
from lutforge.streams import input_stream

sys.path.insert(0, str(Path(__file__).parent))
from stream_bench import Bench, Part, Wire, modules_of, pack, reached

LIBRARY = Path(__file__).parents[2] / "hls" / "rtl"
CYCLES = 11_000
PROVED_ELSEWHERE = {"black_box.v", "multipliers.v", "programmable.v", "carry.v", "counters.v", "digit_add.v"}
PROVED_ELSEWHERE |= {"shape.v", *(path.name for path in LIBRARY.glob("array*.v"))}
"""Proved exhaustively in test_multipliers_rtl, test_counters_rtl, test_approximate; the black box in test_black_box_rtl, the
programmable array in test_array_rtl."""


def renamed(text, prefix, memories):
    """Node and memory names of different networks are the same: give each network's a prefix."""
    text = re.sub(r"\blutforge_node_", f"lutforge_node_{prefix}_", text)
    for name in memories:
        text = text.replace(f'"{name}"', f'"{prefix}_{name}"')
    return text


def parts_of(random_networks, kind, seed):
    """Return the parts of one network, their Verilog, and their memory files."""
    rng = np.random.default_rng([seed, len(kind)])
    network = random_networks.make_random_network(rng, kind)
    while network.logits.elements != network.classes:
        network = random_networks.make_random_network(rng, kind)
    schedule = random_networks.make_random_schedule(rng, network)
    board = load_board(("pynq_z2", "zcu104")[seed % 2])
    design = generate_rtl(network, schedule, board, luts="generic")
    memories = {path.rpartition("/")[2]: text for path, text in design.texts.items() if path.endswith(".mem")}
    texts = {f"{kind}/{path}": renamed(text, kind, memories) for path, text in design.texts.items() if "_node_" in path}
    widths = lanes(network, schedule, board.beat_bits)
    parts = []
    for unit in design.units:
        if unit.node == "answers":
            continue  # test_rtl_parts has it
        node = network.node(unit.node)
        width, kind_out = widths[node.name], network.types[node.name]
        sources = {f"in{port or ''}": name for port, name in enumerate(node.inputs)}
        beats_in = [network.types[name].elements // width.inputs for name in sources.values()]
        images = CYCLES // max([*beats_in, kind_out.elements // width.outputs]) + 2
        values = trace(network, rng.integers(network.input.low, network.input.high + 1, (images, *network.input.shape)))
        beats = {
            port: pack(network.types[name].bits, values[name].reshape(-1, width.inputs))
            for port, name in sources.items()
        } or {"in": host_beats(network, board, values[node.name])}
        wanted = pack(kind_out.bits, values[node.name].reshape(-1, width.outputs))
        module = unit.module.replace("lutforge_node_", f"lutforge_node_{kind}_")
        parts.append(Part(f"{kind}_{node.name}", module, {}, beats, {"out": wanted}))
    return parts, texts, {f"{kind}_{name}": text for name, text in memories.items()}


def host_beats(network, board, images):
    """What the host sends: beats with padding."""
    layout = input_stream(network.input, board.beat_bits)
    return Wire(board.beat_bits, layout.pack(images).reshape(-1, board.beat_bits // 8))


@pytest.fixture(scope="module")
def units(random_networks):
    """Parts of networks of every kind, the Verilog of all, and what their memories hold."""
    parts, texts, memories = [], {path.name: path.read_text() for path in LIBRARY.glob("*.v")}, {}
    for seed, kind in enumerate(random_networks.KINDS, 20):
        more, own_texts, own_memories = parts_of(random_networks, kind, seed)
        parts += more
        texts |= own_texts
        memories |= own_memories
    return parts, texts, memories


@pytest.fixture(scope="module")
def bench(units, tmp_path_factory):
    try:
        verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    return Bench(tmp_path_factory.mktemp("units"), *units)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_layer_under_random_stalls(bench, seed):
    outcome = bench.run(seed)
    assert not outcome.errors and not outcome.stuck and not outcome.left
    assert len(bench.parts) > 30
    for part in bench.parts:
        wire, found = part.sinks["out"], outcome.beats[part.name, "out"]
        assert np.array_equal(found, wire.beats), part.name
        assert outcome.cycles[part.name] > 10_000, f"{part.name} ran {outcome.cycles[part.name]} cycles only"


def test_no_module_of_the_library_is_left_out(units):
    parts, texts, _ = units
    here = Path(__file__)
    texts = texts | {"wrappers": here.with_name("rtl_wrappers.v").read_text()}
    used = set(re.findall(r"\b(?:lutforge|bench)_\w+", here.with_name("test_rtl_parts.py").read_text()))
    found = reached(texts, sorted(used | {part.module for part in parts}))
    wanted = {
        name
        for path in LIBRARY.glob("*.v")
        if path.name not in PROVED_ELSEWHERE
        for name in modules_of({path.name: path.read_text()})
    }
    assert wanted and wanted <= found
