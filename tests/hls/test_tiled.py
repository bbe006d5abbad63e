# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Tiled layers of tables as C++, as Verilog and as a synthesised netlist: every (K, P), and memories that matter."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from lutforge.boards import load_board
from lutforge.cycles import count
from lutforge.errors import ToolError
from lutforge.executors import first_difference
from lutforge.hls import verilator
from lutforge.hls.csim import CsimExecutor, compile_kernel
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.memories import parse_mem
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.hls.rtlsim import RtlExecutor, compile_rtl, write_rtl
from lutforge.network import Network, Node
from lutforge.numerics import pack_init
from lutforge.operations import Input, Reshape, Threshold, TiledLutNeurons, Window
from lutforge.pipeline import stages
from lutforge.reference import ReferenceExecutor, trace
from lutforge.rtl_kernel import FLOWING, Stalls
from lutforge.schedule import Schedule

BOARD = load_board("pynq_z2")
SPLITS = [(inputs, bits) for inputs in range(2, 7) for bits in range(1, inputs)]
TILES = [(1, 1), (1, 4), (4, 1), (2, 3), (6, 2), (3, 4), (12, 1), (1, 2)]
LEVELS = [(1,), (2, 1), (5, 3, 1), (300, 7), (6,)]


def tiled(rng, neurons, elements, levels, tiles, inputs, weight_bits, per_output=3):
    """per_output: tables per output of a tile."""
    outer, inner = tiles
    outputs, tile = neurons // outer, elements // inner
    tables = per_output * outputs
    wiring = np.stack([rng.choice(tile, inputs - weight_bits, replace=False) for _ in range(tables)])
    contents = rng.integers(0, 2, (tables, 1 << inputs))
    weights = rng.integers(0, 1 << weight_bits, (outer, inner, tables))
    return TiledLutNeurons(neurons, elements, levels, wiring, np.arange(tables) // per_output, contents, weights)


class Ladder:
    """Layers of codes and tables one behind the other, named t0, t1 and so on."""

    def __init__(self, source):
        self.nodes = [Node("x", source)]

    def add(self, name, op):
        self.nodes.append(Node(name, op, (self.nodes[-1].name,)))

    def codes(self, rng, channels, high, bits):
        steps = np.sort(rng.integers(high // 4, 3 * high // 4 + 1, (channels, (1 << bits) - 1)), axis=1)
        self.add(f"code{len(self.nodes)}", Threshold(steps))

    def network(self, name):
        return Network(name, tuple(self.nodes))


def every_split():
    """Each K and P, in changing tiles of 24 elements, with changing levels."""
    rng = np.random.default_rng(41)
    ladder = Ladder(Input((24,), 0, 15))
    for index, (inputs, bits) in enumerate(SPLITS):
        levels, tiles = LEVELS[index % len(LEVELS)], TILES[index % len(TILES)]
        ladder.codes(rng, 24, ladder.network("n").logits.high, len(levels))
        ladder.add(f"t{index}", tiled(rng, 24, 24, levels, tiles, inputs, bits))
    return ladder.network("every_split")


def convolution():
    """A padded convolution in tiles, then a dense layer whose tiles are the whole layer."""
    rng = np.random.default_rng(42)
    ladder = Ladder(Input((4, 5, 2), 0, 3))
    ladder.add("window", Window((3, 2), (1, 2), (1, 0, 0, 1), 2))
    ladder.add("conv", tiled(rng, 6, 12, (2, 1), (3, 2), 5, 1))
    ladder.add("code", Threshold([[7]]))
    ladder.add("flat", Reshape((3 * 3 * 6,)))
    ladder.add("dense", tiled(rng, 4, 54, (1,), (1, 1), 6, 2))
    return ladder.network("convolution")


NETWORKS = {"every_split": every_split, "convolution": convolution}


def images_of(network, number):
    kind = network.input
    images = np.random.default_rng(43).integers(kind.low, kind.high + 1, (number, *kind.shape))
    images[0], images[1] = kind.low, kind.high
    return images


def equal_everywhere(executor, network, number):
    images = images_of(network, number)
    wanted = trace(network, images)
    for name, values in executor.trace(images).items():
        assert np.array_equal(values, wanted[name]), name
        assert name == "x" or len(np.unique(values)) > 1  # equal for another reason than a constant
    assert np.array_equal(executor.run(images), wanted[network.output.name])


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


def test_the_compiled_cpp_equals_the_reference(compiled, network):
    equal_everywhere(CsimExecutor(compiled(network, Schedule({})), network), network, 60)


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """folder_of(network, simulator, style) -> an overlay folder with a compiled simulation."""
    made = {}

    def build(network, simulator, style):
        key = (network.name, simulator)
        if key not in made:
            folder = tmp_path_factory.mktemp("tiled") / "overlay"
            write_overlay(folder, network, generate(network, Schedule({}), BOARD))
            write_rtl(folder, generate_rtl(network, Schedule({}), BOARD, luts=style), network)
            compile_rtl(folder, simulator, quick=True)
            made[key] = folder
        return made[key]

    return build


@pytest.fixture(scope="module")
def simulator():
    try:
        return verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("stalls", [FLOWING, Stalls(5, 40, 40)])
def test_the_verilog_equals_the_reference(simulator, folder_of, network, stalls):
    executor = RtlExecutor(folder_of(network, "verilator", "generic"), network, "verilator", stalls)
    equal_everywhere(executor, network, 60)
    if stalls == FLOWING:
        predicted, ends = count(stages(network, Schedule({}), BOARD.beat_bits), 60), executor.kernel.last_stats
        assert executor.performance.latency_cycles == predicted.latency
        assert [end - ends.answer_cycles[0] for end in ends.answer_cycles] == [
            end - predicted.ends[0] for end in predicted.ends
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convolution", "every_split"])
def test_the_netlist_equals_the_reference(folder_of, name):
    """Synthesised from primitives, with all lanes of the evaluator busy."""
    pytest.importorskip("pyosys", reason="pyosys is not installed: pip install 'lutforge[synth]'")
    network = NETWORKS[name]()
    images = images_of(network, 300)
    wanted = trace(network, images)[network.output.name]
    for stalls in (FLOWING, Stalls(6, 40, 40)):
        executor = RtlExecutor(folder_of(network, "netlist", "xilinx"), network, "netlist", stalls)
        assert np.array_equal(executor.run(images), wanted)


def test_memory_files_hold_tables_and_weight_words():
    rng = np.random.default_rng(44)
    op = tiled(rng, 6, 12, (2, 1), (3, 2), 5, 2)
    net = Network("words", (Node("x", Input((12,), 0, 3)), Node("tiles", op, ("x",))))
    texts = generate(net, Schedule({}), BOARD)
    assert parse_mem("init", texts["mem/tiles.init.mem"], 6, 32) == pack_init(op.tables).tolist()
    words = parse_mem("words", texts["mem/tiles.weights.mem"], 6, 12)
    assert texts["mem/tiles.weights.mem"] == generate_rtl(net, Schedule({}), BOARD).texts["mem/tiles.words.mem"]
    for tile, word in enumerate(words):
        assert [word >> (2 * table) & 3 for table in range(6)] == op.weights[tile // 2, tile % 2].tolist()


def parity():
    """Every table is the exclusive or of its inputs, so that any weight bit matters; none is the same in all tiles."""
    table = np.array([bin(address).count("1") & 1 for address in range(8)])
    weights = [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]
    op = TiledLutNeurons(4, 4, (1,), [[0, 1], [1, 0]], [0, 1], [table, table], weights)
    return Network("parity", (Node("x", Input((4,), 0, 1)), Node("tiles", op, ("x",))))


def only_output_2_differs(network, executor):
    images = images_of(network, 40)
    found = first_difference(network, ReferenceExecutor(network), executor, images)
    assert found is not None and (found.node, found.element) == ("tiles", (2,))
    differs = executor.run(images) != trace(network, images)["tiles"]
    assert np.array_equal(differs.any(axis=0), [False, False, True, False])


def test_a_flipped_weight_bit_is_named_in_cpp(compiled, tmp_path):
    """In the last pair of tiles the weight bit of table 0, which is output 2."""
    network = parity()
    shutil.copytree(compiled(network, Schedule({})), tmp_path / "overlay")
    header = tmp_path / "overlay" / "src" / "params" / "tiles.hpp"
    text = header.read_text()
    assert text.count("{-1, 0}};") == 1
    header.write_text(text.replace("{-1, 0}};", "{0, 0}};"))
    compile_kernel(tmp_path / "overlay")
    only_output_2_differs(network, CsimExecutor(tmp_path / "overlay", network))


def test_a_flipped_weight_bit_is_named_in_verilog(simulator, tmp_path):
    """The same bit, the lowest of the last word."""
    network = parity()
    design = generate_rtl(network, Schedule({}), BOARD, luts="generic")
    words = design.texts["mem/tiles.words.mem"]
    assert words.endswith("\n1\n")
    texts = {**design.texts, "mem/tiles.words.mem": f"{words[:-3]}\n0\n"}
    write_overlay(tmp_path, network, generate(network, Schedule({}), BOARD))
    write_rtl(tmp_path, replace(design, texts=texts), network)
    compile_rtl(tmp_path, "verilator", quick=True)
    only_output_2_differs(network, RtlExecutor(tmp_path, network, "verilator"))
