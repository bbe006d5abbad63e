# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Logic made of gates (sums, comparisons, counts, the larger of two), evaluated in numpy, against plain Python."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge.engine.gates import (
    NO_LANE,
    XOR2,
    XOR3,
    Gates,
    argmax,
    constant,
    count_exceeded,
    exceeds,
    maximum,
    parity,
    weighted_sum,
    widened,
)
from lutforge.engine.numpy_backend import NumpyBackend
from lutforge.engine.program import BYTES, PLANES, RAW, Buffer, Expand, Export, Netlist, Program, Slice, placed


def evaluated(gates, outputs, images):
    """The bits [images, outputs] of lanes, for bits [images, inputs] of the lanes that are read."""
    images = np.asarray(images, dtype=np.uint8).reshape(len(images), gates.inputs)
    count = len(outputs)
    raw, read = Buffer(0, RAW, gates.inputs), Buffer(1, PLANES, gates.inputs)
    made, bits = Buffer(2, PLANES, count), Buffer(3, BYTES, count)
    buffers = [raw, read, made, bits]
    stages = [
        Slice(raw, read, np.zeros((gates.inputs, 1), dtype=np.int64)),
        Netlist(read, made, gates.inputs, *gates.arrays(), np.array(outputs, dtype=np.int32)),
        Expand(made, bits, np.ones(1, dtype=np.int64)),
        Export(bits, 0),
    ]
    offsets, total = placed(stages, buffers)
    shape = (("bits", (count,)),)
    program = Program(tuple(stages), tuple(buffers), shape, offsets, total, gates.inputs, 0, True)
    found = np.full((len(images), count), -1, dtype=np.int64)
    NumpyBackend(program).run(images, [found])
    return found


def numbers(gates, lanes, images):
    """The unsigned number that `lanes` hold, lowest bit first, for each image."""
    found = evaluated(gates, lanes, images)
    assert set(np.unique(found)) <= {0, 1}
    return [sum(int(bit) << place for place, bit in enumerate(row)) for row in found]


def every(width):
    """All combinations of `width` bits: image x holds the bits of x, lowest first."""
    return (np.arange(1 << width)[:, None] >> np.arange(width)) & 1


def bits_of(values, width):
    return [[value >> bit & 1 for bit in range(width)] for value in values]


def test_gates_keep_their_order_however_they_are_added():
    gates = Gates(3)
    first = gates.gate((0, 1), XOR2)
    both = gates.array(np.array([[0, 1, 2], [2, first, 0]]), np.array([[0, 1] * 4, [0, 0, 0, 0, 0, 0, 0, 1]], np.uint8))
    last = gates.gate((int(both[1]), 2, 0), XOR3)
    assert [first, *both.tolist(), last] == [3, 4, 5, 6]
    sources, tables = gates.arrays()
    assert sources.dtype == np.int32 and tables.dtype == np.uint64 and len(sources) == len(tables) == gates.count == 4
    assert tables.tolist() == [0x6666666666666666, 0xAAAAAAAAAAAAAAAA, 0x8080808080808080, 0x9696969696969696]
    assert sources[0].tolist() == [0, 1, *[NO_LANE] * 4]
    for a, b, c, *found in np.hstack([every(3), evaluated(gates, [3, 4, 5, 6], every(3))]).tolist():
        assert found == [a ^ b, a, c & (a ^ b) & a, (c & (a ^ b) & a) ^ c ^ a]


@pytest.mark.parametrize("inputs", range(7))
def test_a_widened_table_ignores_the_further_inputs(inputs):
    rng = np.random.default_rng(inputs)
    some = [0, (1 << (1 << inputs)) - 1, *(int(rng.integers(0, 2**63)) % (1 << (1 << inputs)) for _ in range(50))]
    for table, wide in zip(some, widened(np.array(some, dtype=np.uint64), inputs).tolist(), strict=True):
        assert all((wide >> address & 1) == (table >> address % (1 << inputs) & 1) for address in range(64))


def test_constants_read_nothing():
    gates = Gates(1)
    lanes = [constant(gates, False), constant(gates, True)]
    assert evaluated(gates, lanes, [[0], [1]]).tolist() == [[0, 1], [0, 1]]
    assert (gates.arrays()[0] == NO_LANE).all()


@pytest.mark.parametrize("count, top", [(0, 0), (1, 9), (2, 6), (3, 4), (4, 2), (5, 1)])
def test_weighted_sums_of_few_lanes(count, top):
    gates, wanted, lanes = Gates(max(count, 1)), [], []
    images = every(max(count, 1))
    for weights in product(range(top + 1), repeat=count):
        width = max(1, sum(weights).bit_length()) + sum(weights) % 2  # one more than is needed is no harm
        lanes.append(weighted_sum(gates, range(count), weights, width))
        assert len(lanes[-1]) == width
        wanted.append([sum(int(bit) * weight for bit, weight in zip(row, weights, strict=False)) for row in images])
    found = evaluated(gates, [lane for each in lanes for lane in each], images)
    place = 0
    for each, sums in zip(lanes, wanted, strict=True):
        part = found[:, place : place + len(each)]
        place += len(each)
        assert (part << np.arange(len(each))).sum(axis=1).tolist() == sums


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_weighted_sums_of_many_lanes_which_may_repeat(data):
    inputs = data.draw(st.integers(1, 9))
    lanes = data.draw(st.lists(st.integers(0, inputs - 1), max_size=30))
    weights = data.draw(st.lists(st.integers(0, 1000), min_size=len(lanes), max_size=len(lanes)))
    width = max(1, sum(weights).bit_length()) + data.draw(st.integers(0, 2))
    gates, images = Gates(inputs), every(inputs)
    found = numbers(gates, weighted_sum(gates, lanes, weights, width), images)
    wanted = [
        sum(int(row[lane]) * weight for lane, weight in zip(lanes, weights, strict=True)) for row in images.tolist()
    ]
    assert found == wanted


@pytest.mark.parametrize("count", [63, 64, 65, 127, 200])
def test_counts_of_many_lanes(count):
    rng = np.random.default_rng(count)
    images = (rng.random((70, count)) < rng.random((70, 1))).astype(int)
    images[0], images[1] = 0, 1
    gates = Gates(count)
    lanes = weighted_sum(gates, range(count), [1] * count, count.bit_length())
    assert numbers(gates, lanes, images) == images.sum(axis=1).tolist()


@pytest.mark.parametrize("width", range(9))
def test_exceeds_every_threshold(width):
    gates, images = Gates(max(width, 1)), every(max(width, 1))
    thresholds = range(-2, (1 << width) + 2)
    lanes = [exceeds(gates, range(width), threshold) for threshold in thresholds]
    found = evaluated(gates, lanes, images)
    for x in range(len(images)):
        assert found[x].tolist() == [int(x % (1 << width) > threshold) for threshold in thresholds], x


@settings(max_examples=80, deadline=None, derandomize=True)
@given(data=st.data())
def test_exceeds_of_wide_numbers(data):
    width = data.draw(st.integers(9, 24))
    threshold = data.draw(st.integers(0, (1 << width) - 1))
    order = data.draw(st.permutations(range(width)))
    near = [threshold + step for step in (-2, -1, 0, 1, 2)] + [threshold ^ 1 << bit for bit in range(width)]
    values = [x % (1 << width) for x in near + data.draw(st.lists(st.integers(0, (1 << width) - 1), max_size=40))]
    gates = Gates(width)
    lane = exceeds(gates, order, threshold)  # bit i of x is lane order[i]
    images = np.zeros((len(values), width), dtype=int)
    images[:, order] = bits_of(values, width)
    assert evaluated(gates, [lane], images)[:, 0].tolist() == [int(x > threshold) for x in values]


@pytest.mark.parametrize("count", range(4))
def test_count_exceeded_of_every_list_of_thresholds(count):
    gates, images = Gates(2), every(2)
    lists = list(product(range(-1, 5), repeat=count))  # duplicate, unsorted, below and above what x reaches
    lanes = [count_exceeded(gates, (0, 1), thresholds, 3) for thresholds in lists]
    found = evaluated(gates, [lane for each in lanes for lane in each], images).reshape(4, len(lists), 3)
    for x in range(4):
        values = (found[x] << np.arange(3)).sum(axis=1).tolist()
        assert values == [sum(x > step for step in thresholds) for thresholds in lists]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(data=st.data())
def test_count_exceeded_by_a_table_and_by_comparisons(data):
    width = data.draw(st.integers(1, 9))  # seven lanes and more are compared
    thresholds = data.draw(st.lists(st.integers(-2, (1 << width) + 1), max_size=24))
    if thresholds and data.draw(st.booleans()):
        thresholds += data.draw(st.lists(st.sampled_from(thresholds), max_size=8))
    bits = max(1, len(thresholds).bit_length()) + data.draw(st.integers(0, 1))
    gates = Gates(width)
    found = numbers(gates, count_exceeded(gates, range(width), thresholds, bits), every(width))
    assert found == [sum(x > step for step in thresholds) for x in range(1 << width)]


@pytest.mark.parametrize("width", range(11))
def test_parity(width):
    gates = Gates(max(width, 1))
    found = evaluated(gates, [parity(gates, range(width))], every(max(width, 1)))[:, 0]
    assert found.tolist() == [(x % (1 << width)).bit_count() & 1 for x in range(len(found))]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(lanes=st.lists(st.integers(0, 3), max_size=40))
def test_parity_of_lanes_that_repeat(lanes):
    gates = Gates(4)
    found = evaluated(gates, [parity(gates, lanes)], every(4))[:, 0]
    assert found.tolist() == [sum(x >> lane & 1 for lane in lanes) & 1 for x in range(16)]


@pytest.mark.parametrize("width", range(1, 6))
def test_maximum_of_every_pair(width):
    gates = Gates(2 * width)
    lanes = maximum(gates, range(width), range(width, 2 * width))
    found = numbers(gates, lanes, every(2 * width))
    assert found == [max(x % (1 << width), x >> width) for x in range(1 << (2 * width))]


def test_maximum_of_a_number_and_itself():
    for width in range(1, 5):
        gates = Gates(width)
        assert numbers(gates, maximum(gates, range(width), range(width)), every(width)) == list(range(1 << width))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_maximum_of_wide_numbers(data):
    width = data.draw(st.integers(6, 24))
    number = st.integers(0, (1 << width) - 1)
    pairs = data.draw(st.lists(st.tuples(number, number), min_size=1, max_size=30))
    pairs += [(x, x ^ 1 << bit) for x, _ in pairs[:2] for bit in range(width)] + [(x, x) for x, _ in pairs]
    gates = Gates(2 * width)
    lanes = maximum(gates, range(width), range(width, 2 * width))
    images = bits_of([left | right << width for left, right in pairs], 2 * width)
    assert numbers(gates, lanes, images) == [max(pair) for pair in pairs]


@pytest.mark.parametrize(("count", "width"), [(2, 1), (2, 4), (3, 3), (5, 2), (9, 1)])
def test_argmax_of_every_choice(count, width):
    gates = Gates(count * width)
    lanes = argmax(gates, np.arange(count * width).reshape(count, width).tolist())
    wanted = [
        int(np.argmax(values))
        for values in map(reversed, product(range(1 << width), repeat=count))
        for values in [list(values)]
    ]
    assert numbers(gates, lanes, every(count * width)) == wanted


@settings(deadline=None)
@given(st.data())
def test_argmax_of_many_numbers(data):
    count, width = data.draw(st.integers(2, 20)), data.draw(st.integers(1, 9))
    values = data.draw(st.lists(st.integers(0, (1 << width) - 1), min_size=count, max_size=count))
    gates = Gates(count * width)
    lanes = argmax(gates, np.arange(count * width).reshape(count, width).tolist())
    bits = [[value >> bit & 1 for value in values for bit in range(width)]]
    assert numbers(gates, lanes, bits) == [values.index(max(values))]
