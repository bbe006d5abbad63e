# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The equations of `cycles` against a machine that is stepped cycle by cycle, and by hand."""

from __future__ import annotations

from collections import deque
from typing import List

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge import cycles
from lutforge.cycles import count
from lutforge.errors import ScheduleError
from lutforge.pipeline import Stage, stages
from lutforge.schedule import Folded, Schedule, Unrolled

BEAT_BITS = 64


def stage(reads: str, writes: str, registers: int = 1, fifo=2) -> Stage:
    """A stage from texts such as '1000': which items read, and which write."""
    return Stage("s", np.array([c == "1" for c in reads]), np.array([c == "1" for c in writes]), registers, fifo, "s")


def stepped(chain: List[Stage], images: int) -> List[int]:
    """Cycle of every beat of the last stage: what `stream.v` does, one clock edge after the other."""
    pipes = [[None] * one.registers for one in chain]  # number of the item in each register
    entered = [0] * len(chain)
    fifos = [deque() for _ in chain]
    beats: List[int] = []
    for cycle in range(100_000):
        held = [len(fifo) for fifo in fifos]
        leaves, enters = [False] * len(chain), [False] * len(chain)
        for index in reversed(range(len(chain))):  # what is in front decides first where stages are coupled directly
            one, pipe = chain[index], pipes[index]
            last = pipe[-1]
            writes = last is not None and one.writes[last % len(one.writes)]
            if index == len(chain) - 1:
                room = True
            elif one.fifo is not None:
                room = held[index] < one.fifo
            else:
                room = wants(chain, entered, pipes, index + 1, leaves, images)
            leaves[index] = last is not None and (not writes or room)
        for index, one in enumerate(chain):
            if entered[index] == len(one.reads) * images or not has_room(pipes[index], leaves[index]):
                continue
            place = entered[index] % len(one.reads)
            behind_fifo = index > 0 and chain[index - 1].fifo is not None
            if index == 0 or not (one.reads[place] or (place == 0 and behind_fifo)):
                enters[index] = True
            elif behind_fifo:
                enters[index] = held[index - 1] > 0
            else:
                before = pipes[index - 1][-1]
                enters[index] = (
                    leaves[index - 1]
                    and before is not None
                    and bool(chain[index - 1].writes[before % len(chain[index - 1].writes)])
                )
        for index, one in enumerate(chain):
            if leaves[index] and one.writes[pipes[index][-1] % len(one.writes)]:
                if index == len(chain) - 1:
                    beats.append(cycle)
                elif one.fifo is not None:
                    fifos[index].append(cycle)
            reads = enters[index] and one.reads[entered[index] % len(one.reads)]
            if reads and index and chain[index - 1].fifo is not None:
                fifos[index - 1].popleft()
        for index in range(len(chain)):
            advance(pipes[index], leaves[index], entered[index] if enters[index] else None)
            entered[index] += enters[index]
        if len(beats) == images * int(chain[-1].writes.sum()):
            return beats
    raise AssertionError("it did not end")


def has_room(pipe, leaves) -> bool:
    return leaves or any(item is None for item in pipe)


def wants(chain, entered, pipes, index, leaves, images) -> bool:
    """Whether a directly coupled stage would take a beat now."""
    one = chain[index]
    if entered[index] == len(one.reads) * images or not has_room(pipes[index], leaves[index]):
        return False
    return bool(one.reads[entered[index] % len(one.reads)])


def advance(pipe, leaves, item) -> None:
    """Every register takes the item behind it if it, or one in front of it, is free."""
    if leaves:
        pipe[-1] = None
    for place in reversed(range(len(pipe))):
        if pipe[place] is None and place:
            pipe[place], pipe[place - 1] = pipe[place - 1], None
    if item is not None:
        pipe[0] = item


@st.composite
def chains(draw):
    """Chains whose beats match: each stage reads per image what the one before writes."""
    beats = draw(st.integers(1, 6))
    result = []
    length = draw(st.integers(1, 5))
    for place in range(length):
        items = draw(st.integers(beats, beats + 6))
        reads = np.zeros(items, dtype=bool)
        reads[draw(st.permutations(range(items)))[:beats]] = True
        if result and result[-1].fifo is None:  # directly coupled stages read at once
            reads[[0, np.flatnonzero(reads)[0]]] = reads[[np.flatnonzero(reads)[0], 0]]
        written = draw(st.integers(1, min(items, 6)))
        # a beat may depend on all that was read: the last is written last
        writes = np.zeros(items, dtype=bool)
        writes[draw(st.permutations(range(items)))[:written]] = True
        fifo = draw(st.sampled_from([None, 1, 2, 3, 5])) if place < length - 1 else None
        result.append(Stage(f"s{place}", reads, writes, draw(st.integers(1, 4)), fifo, f"s{place}"))
        beats = written
    return result


@settings(max_examples=300, deadline=None, print_blob=True)
@given(chains(), st.integers(1, 4))
def test_equations_and_machine_agree(chain, images):
    beats = stepped(chain, images)
    found = count(chain, images)
    per_image = int(chain[-1].writes.sum())
    assert list(found.ends) == beats[per_image - 1 :: per_image]


def test_one_register_by_hand():
    """Three beats through one register: in at 0, 1, 2, out one cycle later each."""
    found = count([stage("111", "111", fifo=None)], images=1)
    assert (found.first_in, found.ends, found.latency) == (0, (3,), 4)


@pytest.mark.parametrize(("depth", "interval"), [(1, 2), (2, 1), (5, 1)])
def test_a_fifo_of_depth_one_halves_the_rate(depth, interval):
    assert count([stage("1", "1", fifo=depth), stage("1", "1", fifo=None)], images=9).interval == interval


def test_a_deep_stream_lets_a_layer_work_while_the_next_vector_arrives():
    """The second layer reads 4 beats and then computes for 12 cycles; the first makes a beat every 4 cycles."""
    slow, fast = stage("1000" * 4, "0001" * 4), stage("1111" + "0" * 12, "0" * 15 + "1", fifo=None)
    shallow = count([slow, fast], images=6)
    deep = count([Stage("s", slow.reads, slow.writes, 1, 4, "s"), fast], images=6)
    assert deep.interval == 16 < shallow.interval
    assert count([slow, fast], images=6, deep=True, period=16).waits[0] <= 4


def test_sweeps_end_with_a_message(monkeypatch):
    monkeypatch.setattr(cycles, "MAX_SWEEPS", 1)
    with pytest.raises(ScheduleError, match=r"not found within 1 sweeps; deepen the streams"):
        count([stage("1", "1")] * 6, images=4)


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
    assert next(one.node for one in unrolled) == "x" and unrolled[-1].node == "answers"
    assert len(next(one for one in folded if one.node == "fc0" and one.stream == "fc0").reads) == (
        network.node("fc0").op.weights.size
    )
