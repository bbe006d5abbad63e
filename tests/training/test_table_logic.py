# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Exact logic on summed tables: equal sums on every input, and what is merged, dropped and turned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutforge.errors import TrainingError
from lutforge.schedule import MAX_BEAT_BITS, widest
from lutforge.training.table_logic import canonical, simplify

BITS = 7
AND, OR, XOR, FIRST, NOT_FIRST = [0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]


def corners(bits=BITS):
    """All bit vectors, [2**bits, bits]."""
    return (np.arange(1 << bits)[:, None] >> np.arange(bits)) & 1


def sums(wiring, tables, weights, inputs):
    """Sums of outputs -1 and +1, [n, classes], table by table."""
    result = np.zeros((len(inputs), len(weights)), dtype=np.int64)
    for wires, table, column in zip(wiring, tables, weights.T, strict=True):
        address = sum(inputs[:, wire].astype(int) << pin for pin, wire in enumerate(wires))
        result += (2 * table[address].astype(int) - 1)[:, None] * column
    return result


def network(*rows):
    """Tables of two inputs: rows of (wires, table, weights)."""
    wiring, tables, weights = zip(*rows, strict=True)
    return np.array(wiring), np.array(tables, dtype=np.uint8), np.array(weights).T


def simplified(*rows):
    wiring, tables, weights = network(*rows)
    result = simplify(wiring, tables, weights, BITS)
    given_sums = sums(wiring, tables, weights, corners())
    assert np.array_equal(sums(result.wiring, result.tables, result.weights, corners()), given_sums)
    return result


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 12), st.integers(1, 4))
def test_sums_stay(seed, inputs, count, classes):
    draw = np.random.default_rng(seed)
    wiring = np.stack([draw.permutation(BITS)[:inputs] for _ in range(count)])
    # Few different tables, some that ignore inputs: merging and dropping must happen.
    kinds = draw.integers(0, 2, (3, 1 << inputs), dtype=np.uint8)
    kinds[1] = np.tile(kinds[1, : 1 << (inputs // 2)], 1 << (inputs - inputs // 2))
    tables = kinds[draw.integers(0, 3, count)] ^ draw.integers(0, 2, (count, 1), dtype=np.uint8)
    weights = draw.integers(-1, 2, (classes, count))
    before = sums(wiring, tables, weights, corners())
    try:
        result = simplify(wiring, tables, weights, BITS)
    except TrainingError:
        assert not before.any()
        return
    assert np.array_equal(sums(result.wiring, result.tables, result.weights, corners()), before)
    assert all(len(set(wires)) == len(wires) for wires in result.wiring.tolist())
    assert result.slots <= np.count_nonzero(weights) and (result.weights.sum(axis=0) >= 0).all()


@pytest.mark.parametrize("wires", [(0, 1, 2), (2, 0, 1), (5, 3, 4)])
def test_canonical_of_every_function_of_three_inputs(wires):
    inputs = corners()
    address = sum(inputs[:, wire].astype(int) << pin for pin, wire in enumerate(wires))
    for number in range(256):
        table = ((number >> np.arange(8)) & 1).astype(np.uint8)
        function, turned = canonical(np.array(wires), table)
        again = sum((inputs[:, wire].astype(int) << pin for pin, wire in enumerate(function.wires)), address * 0)
        assert np.array_equal(function.table[again] ^ turned, table[address]) and function.table[0] == 0
        matter = [w for p, w in enumerate(wires) if (table != table[np.arange(8) ^ (1 << p)]).any()]
        assert function.wires == tuple(sorted(matter))


def test_tables_nobody_reads_are_dropped():
    result = simplified(((0, 1), AND, (1, 0)), ((2, 3), OR, (0, 0)), ((2, 3), AND, (0, 1)))
    assert result.tables.shape == (2, 4) and result.live_tables == 2 and result.bits_read == [0, 1, 2, 3]


def test_equal_and_complementary_tables_are_merged_whatever_the_pins():
    nand = [1 - bit for bit in AND]
    result = simplified(((0, 1), AND, (1, 0)), ((1, 0), AND, (0, 1)), ((0, 1), nand, (0, 1)))
    assert result.weights.tolist() == [[1], [0]] and result.slots == 1  # +1 and the turned +1 cancel in class 1


def test_weights_that_add_up_need_a_copy():
    result = simplified(((0, 1), XOR, (1, 0, 1)), ((1, 0), XOR, (1, 1, 0)))
    assert result.weights.tolist() == [[1, 1], [1, 0], [1, 0]] and result.live_tables == 1
    assert np.array_equal(result.tables[0], result.tables[1])


def test_table_is_turned_where_most_weights_are_negative():
    result = simplified(((0, 1), AND, (-1, -1, 1)))
    assert result.weights.tolist() == [[1], [1], [-1]] and result.tables.tolist() == [[1, 1, 1, 0]]


def test_constants_and_wires_are_kept_exactly_but_are_no_tables():
    constant = [1, 1, 1, 1]
    result = simplified(((0, 1), constant, (1, 0)), ((2, 3), constant, (1, -1)), ((4, 1), NOT_FIRST, (1, 1)))
    assert result.live_tables == 0 and result.bits_read == [4]
    assert result.slots == 5 and result.tables.shape[1] == 2


def test_pins_that_do_not_matter_are_left_out_of_what_is_read():
    result = simplified(((6, 5), FIRST, (1, 0)), ((2, 3), AND, (0, 1)))
    assert result.bits_read == [2, 3, 6] and result.wiring.tolist() == [[6, 0], [2, 3]]


def test_nothing_left():
    with pytest.raises(TrainingError, match=r"sums are constant: no table has a weight\. Give the head more slots"):
        simplified(((0, 1), AND, (1, 0)), ((1, 0), AND, (-1, 0)))


def test_many_tables_leave_in_wide_beats():
    count, bits = 1_511, 60  # a prime
    pairs = [(first, second) for first in range(bits) for second in range(first)][:count]
    result = simplify(
        np.array(pairs), np.tile(np.array(AND, dtype=np.uint8), (count, 1)), np.ones((2, count), int), bits
    )
    assert result.weights.shape == (2, 1_512) and result.live_tables == count and result.slots == 2 * count
    assert widest(count, 1) == 1 and widest(1_512, 1) == 756 <= MAX_BEAT_BITS
