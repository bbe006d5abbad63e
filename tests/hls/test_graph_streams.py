# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Residual and inception blocks as hardware: equal integers and cycles, and depths that are enough and no more than that.

Random graphs are in test_rtl_random, test_csim and test_rtl_units.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from lutforge.boards import load_board
from lutforge.cycles import count
from lutforge.errors import DeviceError, GenerationError, ScheduleError, ToolError
from lutforge.folding import flowing, folded, sized
from lutforge.hls import verilator
from lutforge.hls.csim import CsimExecutor
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.hls.rtl_layers import RtlSite, emit_layer
from lutforge.hls.rtlsim import RtlExecutor, compile_rtl, write_rtl
from lutforge.network import Node, TensorType
from lutforge.operations import Concat
from lutforge.pipeline import stages
from lutforge.reference import trace
from lutforge.rtl_kernel import Stalls
from lutforge.schedule import Lanes, Schedule, intervals

sys.path.insert(0, str(Path(__file__).parent))
from graph_networks import gathering_graph, inception_block, residual_blocks, small_graph

BOARD = load_board("pynq_z2")
NETWORKS = {"residual": residual_blocks(), "inception": inception_block()}


def images_of(network, number):
    kind = network.input
    return np.random.default_rng(5).integers(kind.low, kind.high + 1, (number, *kind.shape))


def simulation(root, network, schedule, depths=None):
    """Return an overlay folder with a compiled simulation. depths: written into the Verilog, wrong or not."""
    write_overlay(root / "overlay", network, generate(network, schedule, BOARD))
    design = generate_rtl(network, schedule, BOARD, luts="generic")
    for fifo, (right, wrong) in (depths or {}).items():
        core = design.texts["rtl/lutforge_core.v"]
        line = next(line for line in core.splitlines() if f" {fifo}_fifo (" in line)
        changed = line.replace(f".DEPTH({right})", f".DEPTH({wrong})")
        assert changed != line
        design = dataclasses.replace(design, texts={**design.texts, "rtl/lutforge_core.v": core.replace(line, changed)})
    write_rtl(root / "overlay", design, network)
    try:
        compile_rtl(root / "overlay", quick=True)
    except ToolError as error:
        pytest.skip(str(error))
    return root / "overlay"


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("residual", sized),
        ("inception", flowing),
        pytest.param("residual", flowing, marks=pytest.mark.slow),
        pytest.param("inception", sized, marks=pytest.mark.slow),
    ],
)
def test_blocks_are_equal_in_verilog_and_to_the_cycle(kind, made, tmp_path):
    """With the depths that the schedule needs for its interval, and with those that it needs at all."""
    network = NETWORKS[kind]
    images = images_of(network, 6)
    wanted = trace(network, images)
    schedule = made(network, folded(network, 2, 9), BOARD.beat_bits)
    predicted = count(stages(network, schedule, BOARD.beat_bits), len(images))
    if made is sized:
        assert predicted.interval == max(intervals(network, schedule, BOARD.beat_bits).values())
    folder = simulation(tmp_path, network, schedule)
    executor = RtlExecutor(folder, network, "verilator")
    assert np.array_equal(executor.run(images), wanted["logits"])
    ends = executor.kernel.last_stats.answer_cycles
    assert executor.performance.latency_cycles == predicted.latency
    assert [end - ends[0] for end in ends] == [end - predicted.ends[0] for end in predicted.ends]
    for seed in (1, 2):
        traced = RtlExecutor(folder, network, "verilator", Stalls(seed, 40, 40)).trace(images)
        assert list(traced) == [node.name for node in network.nodes[:-1]]
        assert all(np.array_equal(values, wanted[name]) for name, values in traced.items())


@pytest.mark.parametrize("kind", NETWORKS)
def test_blocks_are_equal_in_cpp(kind, compiled):
    network = NETWORKS[kind]
    images = images_of(network, 6)
    wanted = trace(network, images)
    executor = CsimExecutor(compiled(network, flowing(network, folded(network, 2, 9), BOARD.beat_bits)), network)
    traced = executor.trace(images)
    assert list(traced) == [node.name for node in network.nodes[:-1]]
    assert all(np.array_equal(values, wanted[name]) for name, values in traced.items())
    assert np.array_equal(executor.run(images), wanted["logits"])


def test_one_place_less_stops_the_verilog(tmp_path):
    """The depth that `flow` asks for is the least: with one place less nothing moves any more."""
    network = gathering_graph()
    schedule = flowing(network, folded(network, 1, 1), BOARD.beat_bits)
    assert set(schedule.depths) == {"pixel.output1"}
    needed = schedule.depths["pixel.output1"]
    folder = simulation(tmp_path, network, schedule, {"pixel_stream1": (needed, needed - 1)})
    with pytest.raises(DeviceError, match=r"nothing has moved for \d+ cycles while waiting for answers"):
        RtlExecutor(folder, network, "verilator").run(images_of(network, 1))
    shallow = dataclasses.replace(schedule, depths={"pixel.output1": needed - 1})
    message = rf"would stop for ever: stream pixel.output1 into sum has depth {needed - 1} and needs {needed}\. Give"
    for make in (generate, generate_rtl):
        with pytest.raises(ScheduleError, match=message):
            make(network, shallow, BOARD)
    with pytest.raises(ScheduleError, match=message):
        count(stages(network, shallow, BOARD.beat_bits))


def test_each_reader_has_a_stream_of_the_depth_that_the_schedule_says():
    network = NETWORKS["inception"]
    schedule = flowing(network, folded(network, 1, 1), BOARD.beat_bits)
    depths = {**schedule.depths, "stem": 5, "stem.output3": 7}
    schedule = dataclasses.replace(schedule, depths=depths)
    top = generate(network, schedule, BOARD)["src/lutforge_top.cpp"]
    core = generate_rtl(network, schedule, BOARD).texts["rtl/lutforge_core.v"]
    for place, depth in (("", 5), ("3", 7)):
        assert f"#pragma HLS STREAM variable=stem_stream{place} depth={depth}\n" in top
        assert f".DEPTH({depth})) stem_stream{place}_fifo (" in core
    assert top.count("lutforge::duplicate<") == 3 and top.count("lutforge::concat<") == 3
    assert "lutforge_fork #(.READERS(4)) stem_fork (" in core


@pytest.mark.slow
def test_the_netlist_of_a_graph(tmp_path):
    """The cells that yosys makes of the Verilog, evaluated: equal, and as many cycles."""
    pytest.importorskip("pyosys", reason="pyosys is not installed: pip install 'lutforge[synth]'")
    network = small_graph()
    schedule = sized(network, Schedule({}), BOARD.beat_bits)
    write_overlay(tmp_path / "overlay", network, generate(network, schedule, BOARD))
    write_rtl(tmp_path / "overlay", generate_rtl(network, schedule, BOARD), network)
    compile_rtl(tmp_path / "overlay", "netlist")
    executor, images = RtlExecutor(tmp_path / "overlay", network, "netlist"), images_of(network, 300)
    wanted = trace(network, images)
    assert np.array_equal(executor.run(images), wanted["logits"])
    predicted = count(stages(network, schedule, BOARD.beat_bits), 2)
    assert executor.performance.latency_cycles == predicted.latency
    assert all(np.array_equal(values, wanted[name]) for name, values in executor.trace(images).items())


def test_a_position_of_too_many_beats():
    node, edge = Node("all", Concat(), ("left", "right")), TensorType((33000,), 0, 255)
    both = TensorType((66000,), 0, 255)
    site = RtlSite(node, edge, both, Lanes(1, 1), None, 64, "generic", 2, "luts", more=(edge,))
    with pytest.raises(
        GenerationError, match=r"node all: a concatenation of 66000 beats per position; the limit is 65536"
    ):
        emit_layer(site)


def test_verilog_without_faults():
    try:
        verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    for network in NETWORKS.values():
        design = generate_rtl(network, flowing(network, folded(network, 1, 1), BOARD.beat_bits), BOARD, luts="generic")
        verilator.lint(design.texts, design.top, ())
