# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Who reads whose stream, by hand: places, ports, wiring, names in a schedule; lanes and intervals of nodes of several inputs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lutforge import schedule
from lutforge.boards import load_board
from lutforge.branches import ANSWERS, Branch, branches
from lutforge.errors import ScheduleError
from lutforge.flow import needed
from lutforge.folding import auto, flowing, folded, sized
from lutforge.network import Network, Node
from lutforge.operations import Add, ArgMax, Concat, Input, MaxPool, Rescale, Reshape, TableMac, Window
from lutforge.pipeline import HOST, Link, stages
from lutforge.schedule import Folded, Schedule, Unrolled

BEAT_BITS = 64


def rescale(low=0, high=15):
    return Rescale(np.array([1]), np.array([1]), low, high)


def network():
    """An edge to a layer, through wiring to a sum, and twice into a concatenation."""
    nodes = (
        Node("x", Input((2, 3, 4), 0, 15)),
        Node("code", rescale(), ("x",)),
        Node("mac", TableMac(np.ones((4, 4), dtype=int), np.zeros(4, dtype=int)), ("code",)),
        Node("flat", Reshape((24,)), ("code",)),
        Node("pixels", Reshape((2, 3, 4)), ("flat",)),
        Node("sum", Add(), ("mac", "pixels")),
        Node("all", Concat(), ("code", "sum", "code")),
        Node("row", Reshape((72,)), ("all",)),
        Node("last", TableMac(np.ones((3, 72), dtype=int), np.zeros(3, dtype=int)), ("row",)),
        Node("head", ArgMax(), ("last",)),
    )
    return Network("n", nodes)


def test_branches_by_hand():
    found = branches(network())
    assert found.forks
    assert found.written["code"] == (
        Branch("code", 0, "mac", 0),
        Branch("code", 1, "sum", 1),
        Branch("code", 2, "all", 0),
        Branch("code", 3, "all", 2),
    )
    assert [one.stream for one in found.written["code"]] == ["code", "code.output1", "code.output2", "code.output3"]
    assert [one.converted for one in found.read["all"]] == ["all.input", "all.input1", "all.input2"]
    assert found.read["last"] == (Branch("all", 0, "last", 0),)
    assert found.read[ANSWERS] == (Branch("last", 0, ANSWERS, 0),)
    assert "x" not in found.read and "flat" not in found.written
    # the edge behind wiring is on the stream of the node that reads it there
    assert found.carrying["code"].place == 0 and found.carrying["flat"].place == found.carrying["pixels"].place == 1
    assert not branches(Network("c", network().nodes[:3])).forks


def test_names_of_depths():
    plain = {"mac": Unrolled(), "last": Unrolled()}
    names = schedule.stream_names(network())
    assert {"code", "code.output3", "sum.input1", "all.input2", "x.input"} <= names
    assert "x.output1" not in names and "mac.input1" not in names
    good = schedule.check(network(), Schedule(plain, {"code.output3": 9, "all.input2": 1}))
    assert (good.depth("code.output3"), good.depth("all.input2"), good.depth("code.output1")) == (9, 1, 2)
    assert schedule.from_json(schedule.to_json(good)) == good
    with pytest.raises(ScheduleError, match=r"schedule names 'code.output4', whose depth it gives but which is no"):
        schedule.check(network(), Schedule(plain, {"code.output4": 9}))
    with pytest.raises(ScheduleError, match=r"node sum: stream depth 0; the least is 1"):
        schedule.check(network(), Schedule(plain, {"sum.input1": 0}))


def test_lanes_and_intervals_where_streams_meet():
    """PE 2 writes two lanes, the edge beside it brings four: sums of two, behind a converter for the wider one."""
    plan = Schedule({"mac": Folded(2, 4), "last": Folded(1, 2)})
    widths, cycles = schedule.lanes(network(), plan, BEAT_BITS), schedule.intervals(network(), plan, BEAT_BITS)
    assert (widths["code"].outputs, widths["mac"].outputs) == (4, 2)
    assert (widths["sum"].inputs, widths["sum"].outputs, widths["all"].inputs, widths["all"].outputs) == (2, 2, 2, 2)
    assert (cycles["sum"], cycles["all"]) == (2 * 3 * 4 // 2, 2 * 3 * 12 // 2)
    made = stages(network(), plan, BEAT_BITS)
    own = {name: [one for one in made if one.node == name] for name in ("sum", "all")}
    assert [len(own["sum"]), len(own["all"])] == [2, 3]  # converters: one, and one per reading of `code`
    narrowed, sums = own["sum"]  # 16 pixels arrive at once: stage 2 is `code`, behind its converter
    assert narrowed.links == (Link(2, 2, "code.output1"),) and narrowed.items == 12
    assert [link.stream for link in sums.links] == ["mac", "sum.input1"]
    joined = own["all"][-1]
    assert [link.stream for link in joined.links] == ["all.input", "sum", "all.input2"]
    turns = np.array([flags.astype(int) for flags in joined.segment.reads])
    assert turns[:, :6].tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]
    assert made[0].links == (Link(HOST),)


def test_a_window_of_several_readers_has_lanes_that_all_can_take():
    kernel = TableMac(np.ones((2, 18), dtype=int), np.zeros(2, dtype=int))
    nodes = (
        Node("x", Input((4, 4, 2), 0, 15)),
        Node("window", Window((3, 3), (1, 1), (0, 0, 0, 0), 0), ("x",)),
        Node("one", kernel, ("window",)),
        Node("two", kernel, ("window",)),
        Node("sum", Add(), ("one", "two")),
        Node("flat", Reshape((8,)), ("sum",)),
    )
    widths = schedule.lanes(Network("n", nodes), Schedule({"one": Folded(1, 6), "two": Folded(1, 9)}), BEAT_BITS)
    assert (widths["window"].outputs, widths["one"].inputs, widths["two"].inputs) == (3, 6, 9)


def test_schedules_made_by_rule_flow():
    """A pool on one branch: nothing comes out of it before two rows are in."""
    nodes = (
        Node("x", Input((6, 6, 1), 0, 15)),
        Node("code", rescale(), ("x",)),
        Node("pool", MaxPool((3, 3), (1, 1), (1, 1, 1, 1)), ("code",)),
        Node("sum", Add(), ("pool", "code")),
        Node("flat", Reshape((36,)), ("sum",)),
        Node("small", rescale(0, 7), ("flat",)),
        Node("last", TableMac(np.ones((3, 36), dtype=int), np.zeros(3, dtype=int)), ("small",)),
    )
    net, board = Network("n", nodes), load_board("pynq_z2")
    plain = folded(net, 1, 1)
    wanted = needed(stages(net, plain, board.beat_bits))
    assert set(wanted) == {"code.output1"} and 6 < wanted["code.output1"] <= 2 * 6
    assert flowing(net, plain, board.beat_bits).depths == wanted
    one_less = dataclasses.replace(plain, depths={"code.output1": wanted["code.output1"] - 1})
    assert needed(stages(net, one_less, board.beat_bits)) == wanted
    for made in (sized(net, plain, board.beat_bits), auto(net, board), sized(net, one_less, board.beat_bits)):
        assert made.depth("code.output1") >= wanted["code.output1"]
        assert not needed(stages(net, made, board.beat_bits))
