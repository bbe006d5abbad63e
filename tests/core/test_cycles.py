# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The equations of `cycles` against a machine that is stepped cycle by cycle, and by hand."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import List, Optional

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutforge import cycles
from lutforge.cycles import count
from lutforge.errors import ScheduleError
from lutforge.flow import needed
from lutforge.pipeline import HOST, Link, Segment, Stage, stages
from lutforge.schedule import Folded, Schedule, Unrolled

BEAT_BITS = 64


def stage(place: int, reads: str, writes: str, registers: int = 1, fifo: Optional[int] = 2) -> Stage:
    """A stage of a chain from texts such as '1000': which items read, and which write. fifo: in front of it."""
    link = Link(place - 1, fifo, f"s{place}") if place else Link(HOST)
    return Stage(f"s{place}", (link,), Segment((flags(reads),), flags(writes), registers))


def flags(text: str):
    return np.array([c == "1" for c in text])


class Machine:
    """What `stream.v` and `joins.v` do, one clock edge after the other."""

    def __init__(self, graph: List[Stage], images: int):
        self.graph, self.images = graph, images
        self.pipes = [[None] * one.segment.registers for one in graph]  # number of the item in each register
        self.entered, self.left = [0] * len(graph), [0] * len(graph)
        self.fifos = {(place, port): deque() for place, one in enumerate(graph) for port in range(len(one.links))}
        self.readers = {
            source: [
                (place, port)
                for place, one in enumerate(graph)
                for port, link in enumerate(one.links)
                if link.source == source
            ]
            for source in range(len(graph))
        }

    def run(self) -> Optional[List[int]]:
        """Return the cycle of every beat of the last stage, or None if nothing moves any more."""
        beats: List[int] = []
        for cycle in range(100_000):
            leaves, enters = self._decide()
            if self._clock(leaves, enters):
                beats.append(cycle)
            if all(left == one.items * self.images for left, one in zip(self.left, self.graph, strict=True)):
                return beats
            if not any(leaves) and not any(enters) and not self._bubbles:
                return None
        raise AssertionError("it did not end")

    def _decide(self):
        held = {key: len(fifo) for key, fifo in self.fifos.items()}
        leaves, enters = [False] * len(self.graph), [False] * len(self.graph)
        for index in reversed(range(len(self.graph))):  # a directly coupled reader decides first
            full = [
                held[pair] == self.link(pair).fifo
                if self.link(pair).fifo is not None
                else not self._takes(pair, leaves)
                for pair in self.readers[index]
            ]
            leaves[index] = self.pipes[index][-1] is not None and not (self._writes(index) and any(full))
        for index, one in enumerate(self.graph):
            enters[index] = self._has_room(index, leaves) and all(
                self._offered(index, port, held, leaves) for port in range(len(one.links))
            )
        return leaves, enters

    def link(self, pair) -> Link:
        return self.graph[pair[0]].links[pair[1]]

    def _writes(self, index: int) -> bool:
        last, writes = self.pipes[index][-1], self.graph[index].segment.writes
        return last is not None and bool(writes[last % len(writes)])

    def _reads(self, index: int, port: int) -> bool:
        reads = self.graph[index].segment.reads[port]
        return bool(reads[self.entered[index] % len(reads)])

    def _has_room(self, index: int, leaves) -> bool:
        ended = self.entered[index] == self.graph[index].items * self.images
        return not ended and (leaves[index] or any(item is None for item in self.pipes[index]))

    def _takes(self, pair, leaves) -> bool:
        """Whether a directly coupled stage would take a beat now."""
        return self._has_room(pair[0], leaves) and self._reads(*pair)

    def _offered(self, index: int, port: int, held, leaves) -> bool:
        """Whether what an item reads is there; behind a FIFO padding in front of an image waits for it too."""
        link = self.graph[index].links[port]
        begins = port == 0 and self.entered[index] % self.graph[index].items == 0
        if link.source == HOST:
            return True
        if link.fifo is None:
            return not self._reads(index, port) or (leaves[link.source] and self._writes(link.source))
        return not (self._reads(index, port) or begins) or held[index, port] > 0

    def _clock(self, leaves, enters) -> bool:
        """Move; return whether the last stage wrote."""
        written = [leaves[index] and self._writes(index) for index in range(len(self.graph))]
        for index, one in enumerate(self.graph):
            for port, link in enumerate(one.links):
                if link.fifo is not None and link.source != HOST:
                    if enters[index] and self._reads(index, port):
                        self.fifos[index, port].popleft()
                    if written[link.source]:
                        self.fifos[index, port].append(None)
        before = [list(pipe) for pipe in self.pipes]
        for index in range(len(self.graph)):
            self._advance(self.pipes[index], leaves[index], self.entered[index] if enters[index] else None)
            self.entered[index] += enters[index]
            self.left[index] += leaves[index]
        self._bubbles = before != self.pipes
        return written[-1]

    @staticmethod
    def _advance(pipe, leaves, item) -> None:
        """Every register takes the item behind it if it, or one in front of it, is free."""
        if leaves:
            pipe[-1] = None
        for place in reversed(range(len(pipe))):
            if pipe[place] is None and place:
                pipe[place], pipe[place - 1] = pipe[place - 1], None
        if item is not None:
            pipe[0] = item


@st.composite
def some(draw, items: int, chosen: int, first: bool = False):
    """So many of the items, at random; with `first`, the first is one of them."""
    result = np.zeros(items, dtype=bool)
    result[draw(st.permutations(range(items)))[:chosen]] = True
    if first:
        result[[0, np.flatnonzero(result)[0]]] = result[[np.flatnonzero(result)[0], 0]]
    return result


@st.composite
def chains(draw):
    """Chains whose beats match: each stage reads per image what the one before writes."""
    beats = draw(st.integers(1, 6))
    result: List[Stage] = []
    for place in range(draw(st.integers(1, 5))):
        items = draw(st.integers(beats, beats + 6))
        fifo = draw(st.sampled_from([None, 1, 2, 3, 5])) if place else None
        reads = draw(some(items, beats, first=place > 0 and fifo is None))  # directly coupled stages read at once
        written = draw(st.integers(1, min(items, 6)))
        segment = Segment((reads,), draw(some(items, written)), draw(st.integers(1, 4)))
        result.append(Stage(f"s{place}", (Link(place - 1, fifo, f"s{place}"),), segment))
        beats = written
    return result


@st.composite
def graphs(draw):
    """Stages that read one, two or three others, each behind a FIFO; the last one reads all that nobody else does."""
    result: List[Stage] = []
    length = draw(st.integers(3, 7))
    for place in range(length):
        unread = [one for one in range(place) if all(link.source != one for other in result for link in other.links)]
        sources = [HOST]
        if place:
            sources = draw(st.lists(st.integers(0, place - 1), min_size=1, max_size=2))
        if place == length - 1:
            sources = [*sources, *(one for one in unread if one not in sources)]
        beats = [4 if source == HOST else int(result[source].segment.writes.sum()) for source in sources]
        items = draw(st.integers(max(beats), max(beats) + 6))
        links = tuple(
            Link(source, draw(st.sampled_from([1, 2, 3, 5])), f"s{place}.{port}") if source != HOST else Link(HOST)
            for port, source in enumerate(sources)
        )
        reads = tuple(draw(some(items, each)) for each in beats)
        writes = draw(some(items, draw(st.integers(1, min(items, 6)))))
        result.append(Stage(f"s{place}", links, Segment(reads, writes, draw(st.integers(1, 4)))))
    return result


def with_depths(graph: List[Stage], depths) -> List[Stage]:
    def deeper(link: Link) -> Link:
        return replace(link, fifo=depths.get(link.stream, link.fifo))

    return [replace(one, links=tuple(map(deeper, one.links))) for one in graph]


@pytest.fixture(params=["sweeps", "items"])
def solver(request, monkeypatch):
    """The equations solved by sweeps alone, and item by item alone."""
    monkeypatch.setattr(cycles, "MAX_SWEEPS", 10_000 if request.param == "sweeps" else 0)
    return request.param


SAME_FIXTURE = {"suppress_health_check": [HealthCheck.function_scoped_fixture]}  # it is the same for every example


@settings(max_examples=150, deadline=None, print_blob=True, **SAME_FIXTURE)
@given(chains(), st.integers(1, 4))
def test_equations_and_machine_agree(solver, chain, images):
    beats = Machine(chain, images).run()
    found = count(chain, images)
    per_image = int(chain[-1].segment.writes.sum())
    assert list(found.ends) == beats[per_image - 1 :: per_image]


@settings(max_examples=60, deadline=None, print_blob=True, **SAME_FIXTURE)
@given(graphs(), st.integers(1, 3))
def test_equations_and_machine_agree_on_graphs(solver, graph, images):
    flows = with_depths(graph, needed(graph))
    beats, found = Machine(flows, images).run(), count(flows, images)
    per_image = int(graph[-1].segment.writes.sum())
    assert list(found.ends) == beats[per_image - 1 :: per_image]
    deepest = with_depths(flows, found.waits)  # no FIFO ever held more
    assert count(deepest, images).ends == found.ends


@settings(max_examples=80, deadline=None, print_blob=True)
@given(graphs(), st.integers(1, 3))
def test_a_graph_stops_where_depths_are_missing(graph, images):
    """The machine stops if and only if a depth is missing; of a single one, every place is needed."""
    deeper = needed(graph)
    assert (Machine(graph, images).run() is None) == bool(deeper)
    if not deeper:
        return
    with pytest.raises(
        ScheduleError, match=r"branches that meet again would stop for ever: stream s[0-9.]+ into s[0-9]"
    ):
        count(graph, images)
    assert Machine(with_depths(graph, deeper), images).run() is not None
    if len(deeper) == 1:
        ((name, depth),) = deeper.items()
        assert Machine(with_depths(graph, {name: depth - 1}), images).run() is None


def test_one_register_by_hand():
    """Three beats through one register: in at 0, 1, 2, out one cycle later each."""
    found = count([stage(0, "111", "111")], images=1)
    assert (found.first_in, found.ends, found.latency) == (0, (3,), 4)


@pytest.mark.parametrize(("depth", "interval"), [(1, 2), (2, 1), (5, 1)])
def test_a_fifo_of_depth_one_halves_the_rate(depth, interval):
    assert count([stage(0, "1", "1"), stage(1, "1", "1", fifo=depth)], images=9).interval == interval


def test_a_deep_stream_lets_a_layer_work_while_the_next_vector_arrives():
    """The second layer reads 4 beats and then computes for 12 cycles; the first makes a beat every 4 cycles."""
    slow, fast = stage(0, "1000" * 4, "0001" * 4), stage(1, "1111" + "0" * 12, "0" * 15 + "1")
    shallow = count([slow, fast], images=6)
    deep = count(with_depths([slow, fast], {"s1": 4}), images=6)
    assert deep.interval == 16 < shallow.interval
    assert count([slow, fast], images=6, deep=True, period=16).waits["s1"] <= 4


def test_a_branch_that_gathers_an_image_by_hand():
    """Four beats to two readers: one waits for all four before it sends the first, so the other's FIFO must hold four."""
    fork = stage(0, "1111", "1111")
    long = stage(1, "1111" + "0000", "0000" + "1111")
    links = (Link(1, 2, "long"), Link(0, 3, "short"))
    join = Stage("sum", links, Segment((flags("1111"), flags("1111")), flags("1111"), 1))
    with pytest.raises(ScheduleError, match=r"stream short into sum has depth 3 and needs 4\. Give the streams these"):
        count([fork, long, join])
    # in at 0..3 and 1..4; the gathering stage enters 2..9 and sends the first in cycle 7; sums enter 8..11
    assert count(with_depths([fork, long, join], {"short": 4}), images=1).ends == (12,)


def test_random_networks_are_no_faster_than_their_slowest_node(random_networks, network_kind):
    from lutforge.schedule import intervals

    for seed in range(6):
        rng = np.random.default_rng(seed)
        network = random_networks.make_random_network(rng, network_kind)
        schedule = random_networks.make_random_schedule(rng, network)
        found = count(stages(network, schedule, BEAT_BITS))
        assert found.interval >= max(intervals(network, schedule, BEAT_BITS).values()), seed


def test_sized_streams_reach_the_slowest_node(random_networks):
    from lutforge.folding import sized
    from lutforge.schedule import intervals

    reached = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        network = random_networks.make_random_network(rng, "conv_table")
        plain = Schedule(dict(random_networks.make_random_schedule(rng, network).foldings))
        deep = sized(network, plain, BEAT_BITS)
        slowest = max(intervals(network, deep, BEAT_BITS).values())
        before, after = (count(stages(network, one, BEAT_BITS), 6).interval for one in (plain, deep))
        assert slowest <= after <= before
        reached += after == slowest
    assert reached >= 10


def test_stages_of_an_unrolled_and_a_folded_layer(random_networks):
    network = random_networks.make_random_network(np.random.default_rng(1), "dense_table")
    names = [node.name for node in network.nodes if node.name in ("fc0", "fc1", "last")]
    unrolled = stages(network, Schedule(dict.fromkeys(names, Unrolled())), BEAT_BITS)
    folded = stages(network, Schedule(dict.fromkeys(names, Folded(1, 1))), BEAT_BITS)
    assert unrolled[0].node == "x" and unrolled[-1].node == "answers"
    assert [one.items for one in folded if one.node == "fc0"][-1] == network.node("fc0").op.weights.size
