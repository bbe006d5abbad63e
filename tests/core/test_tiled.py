# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Tiled layers of tables: their two forms as plain tables, what a flipped bit does, and their items in hardware."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge import reference
from lutforge.cycles import count
from lutforge.engine.planner import plan
from lutforge.lut_forms import as_lut_neurons, tile_array
from lutforge.mac_shape import depends, tiled_shape
from lutforge.network import Network, Node, TensorType
from lutforge.operations import Input, TiledLutNeurons, Window
from lutforge.pipeline import stages
from lutforge.schedule import Schedule


def draw(seed, inputs=4, weight_bits=2, levels=(2, 1), tiles=(3, 2), tile=(2, 3), tables=6):
    """tiles: of outputs and inputs; tile: outputs and elements of one."""
    rng = np.random.default_rng(seed)
    (outer, inner), (outputs, elements) = tiles, tile
    return TiledLutNeurons(
        neurons=outer * outputs,
        elements=inner * elements,
        levels=levels,
        wiring=np.stack([rng.choice(elements, inputs - weight_bits, replace=False) for _ in range(tables)]),
        neuron=np.sort(rng.integers(0, outputs, tables)),
        tables=rng.integers(0, 2, (tables, 1 << inputs)),
        weights=rng.integers(0, 1 << weight_bits, (outer, inner, tables)),
    )


def changed(op, **fields):
    names = ("neurons", "elements", "levels", "wiring", "neuron", "tables", "weights")
    return TiledLutNeurons(**{name: fields.get(name, getattr(op, name)) for name in names})


def answers(op, x):
    bits = op.bits if hasattr(op, "bits") else len(op.levels)
    return reference.apply(op, x, TensorType(x.shape[1:], 0, (1 << bits) - 1))


def every_code(op):
    bits = len(op.levels)
    numbers = np.arange(1 << (op.elements * bits))
    return (numbers[:, None] >> (bits * np.arange(op.elements))) & ((1 << bits) - 1)


def bits_of(values, width):
    return (values[..., None] >> np.arange(width) & 1).reshape(*values.shape[:-1], -1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), inputs=st.integers(2, 6), levels=st.sampled_from([(1,), (2, 1), (5, 3, 1)]))
def test_the_tables_in_fabric_sum_a_tile_at_a_time(seed, inputs, levels):
    rng = np.random.default_rng(seed)
    tiles = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    op = draw(seed, inputs, int(rng.integers(1, inputs)), levels, tiles, (2, 5), 7)
    x = rng.integers(0, 1 << len(levels), (50, op.elements))
    array, sums = tile_array(op), np.zeros((50, op.neurons), dtype=np.int64)
    for to, ti in itertools.product(*map(range, tiles)):
        codes = bits_of(x[:, ti * 5 : ti * 5 + 5], len(levels))
        words = np.broadcast_to(bits_of(op.weights[to, ti].astype(int), op.weight_bits), (50, 7 * op.weight_bits))
        tile = answers(array, np.concatenate([codes, words], axis=1))
        assert tile.max() < 1 << tiled_shape(op).sums.width
        sums[:, to * 2 : to * 2 + 2] += tile
    assert np.array_equal(sums, answers(op, x))
    assert np.array_equal(sums, answers(as_lut_neurons(op), x))


def test_a_weight_bit_that_never_changes_is_in_the_table():
    op = draw(1, inputs=5, weight_bits=2)
    weights = op.weights.copy()
    weights[:, :, 0] &= 1  # the upper bit of table 0 is 0 everywhere, that of table 1 is 1
    weights[:, :, 1] |= 2
    settled = changed(op, weights=weights)
    free = depends(tile_array(settled).tables).reshape(-1, 2, 5)
    assert not free[:2, :, 4].any() and free[2:, :, 4].all()
    assert np.array_equal(answers(settled, every_code(op)), answers(as_lut_neurons(settled), every_code(op)))
    one = changed(draw(2, tiles=(1, 1)))
    assert not depends(tile_array(one).tables)[:, 2:].any()


def test_a_flipped_weight_bit_shows_exactly_where_the_halves_of_the_table_differ():
    op = draw(3, levels=(1,), tables=3)
    x, seen = every_code(op), set()
    for to, ti, table, bit in itertools.product(range(3), range(2), range(3), range(2)):
        weights = op.weights.copy()
        weights[to, ti, table] ^= 1 << bit
        halves = op.tables[table].reshape(4, 4)[[op.weights[to, ti, table], weights[to, ti, table]]]
        differs = (answers(op, x) != answers(changed(op, weights=weights), x)).any(axis=0)
        wanted = np.arange(6) == to * 2 + op.neuron[table]
        assert np.array_equal(differs, wanted & bool((halves[0] != halves[1]).any()))
        seen.add(bool(differs.any()))
    assert True in seen


def test_a_flipped_table_bit_shows_exactly_where_its_weight_word_occurs():
    op = draw(4, levels=(2, 1), tables=4, tiles=(2, 1))
    x, seen = every_code(op), set()
    for table, address in itertools.product(range(4), range(16)):
        tables = op.tables.copy()
        tables[table, address] ^= 1
        differs = (answers(op, x) != answers(changed(op, tables=tables), x)).any(axis=0)
        occurs = (op.weights[:, :, table] == address >> 2).any(axis=1)
        wanted = np.zeros((2, 2), dtype=bool)
        wanted[:, op.neuron[table]] = occurs
        assert np.array_equal(differs, wanted.ravel())
        seen.add(bool(differs.any()))
    assert seen == {True, False}


def network(op):
    return Network("n", (Node("x", Input((op.elements,), 0, 3)), Node("tiles", op, ("x",))))


def test_items_of_a_tiled_layer():
    """A vector is read in the first pass over the input tiles; each pass writes a tile of outputs."""
    net = network(draw(5, tiles=(3, 2)))
    own = [one.segment for one in stages(net, Schedule({}), 64) if one.node == "tiles"][-1]
    assert own.reads[0].tolist() == [True, True, False, False, False, False]
    assert own.writes.tolist() == [False, True] * 3
    assert own.registers == tiled_shape(net.node("tiles").op).sums.registers(2) + 2
    assert count(stages(net, Schedule({}), 64, "class")).interval == 6


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_registers_follow_the_levels_of_luts(levels):
    """20 tables of one level per output: a table, then 20 bits are brought to two in three levels of counters."""
    op = draw(6, inputs=5, weight_bits=1, levels=(1,), tile=(1, 8), tables=20)
    shape = tiled_shape(op)
    assert shape.sums.lut_levels() == 4
    assert shape.registers(levels) == 2 + 1 + -(-4 // levels)


def test_windows_read_by_a_tiled_layer():
    op = draw(7, tiles=(2, 3), tile=(2, 6))
    nodes = (
        Node("x", Input((5, 4, 2), 0, 3)),
        Node("window", Window((3, 3), (2, 1), (0, 0, 1, 0), 2), ("x",)),
        Node("tiles", op, ("window",)),
    )
    net = Network("n", nodes)
    images = np.random.default_rng(8).integers(0, 4, (20, 5, 4, 2))
    traced = reference.trace(net, images)
    assert traced["tiles"].shape == (20, 2, 3, 4)
    assert np.array_equal(traced["tiles"], answers(as_lut_neurons(op), traced["window"]))
    own = [one.segment for one in stages(net, Schedule({}), 64) if one.node == "tiles"][-1]
    assert len(own.writes) == 2 * 3 * 6 and own.reads[0].sum() == 2 * 3 * 3 and own.writes.sum() == 2 * 3 * 2


def gates_of(op):
    return sum(len(stage.tables) for stage in plan(network(op)).stages if hasattr(stage, "tables"))


def test_tiles_with_equal_weight_words_share_gates():
    same = changed(draw(9, inputs=6, weight_bits=1, tiles=(6, 2), tile=(2, 6)), weights=np.ones((6, 2, 6), int))
    two = changed(same, weights=np.arange(6)[:, None, None] % 2 + np.zeros((6, 2, 6), int))
    one = changed(same, neurons=2, weights=np.ones((1, 2, 6), int))
    tables = 2 * 2 * 6  # levels, input tiles, tables
    adders = gates_of(one) - tables
    assert gates_of(same) == tables + 6 * adders
    assert gates_of(two) == 2 * tables + 6 * adders
