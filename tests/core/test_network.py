# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What the description of a network refuses, in words, and that its bounds hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge import reference
from lutforge.errors import NetworkError
from lutforge.network import Network, Node, TensorType, accumulator_bounds, infer
from lutforge.operations import (
    Affine,
    ArgMax,
    BinaryMac,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    Reshape,
    TableMac,
    Threshold,
    TiledLutNeurons,
    TruthTables,
    Window,
)


def chain(*ops):
    """The network of an input and operations one behind the other, named n0, n1 and so on."""
    nodes = tuple(Node(f"n{i}", op, (f"n{i - 1}",) if i else ()) for i, op in enumerate(ops))
    return Network("chain", nodes)


def luts(**changes):
    fields = {
        "neurons": 2,
        "elements": 3,
        "bits": 1,
        "wiring": [[0, 1], [1, 2]],
        "neuron": [0, 1],
        "weight": [1, 1],
        "tables": [[0, 1, 1, 0], [1, 0, 0, 1]],
    }
    return LutNeurons(**{**fields, **changes})


def truth_tables(**changes):
    fields = {
        "elements": 3,
        "bits": 1,
        "code_bits": 2,
        "wiring": [[0, 1], [1, 2]],
        "tables": [[0, 1, 2, 3], [3, 0, 0, 1]],
    }
    return TruthTables(**{**fields, **changes})


def tiled(**changes):
    """4 outputs of 6 elements of 2 levels in 2 x 3 tiles; three tables of two activations and a weight bit."""
    fields = {
        "neurons": 4,
        "elements": 6,
        "levels": (2, 1),
        "wiring": [[0, 1], [1, 0], [0, 1]],
        "neuron": [0, 1, 1],
        "tables": [[0, 1, 1, 0, 1, 0, 0, 1]] * 3,
        "weights": np.zeros((2, 3, 3), int),
    }
    return TiledLutNeurons(**{**fields, **changes})


OPERATION_ERRORS = [
    (lambda: Input(()), r"Input: shape \(\) given"),
    (lambda: Input((3, 0)), r"Input: shape \(3, 0\) given; every extent must be at least 1"),
    (lambda: Input((3,), 5, 4), r"Input: low 5 lies above high 4"),
    (lambda: Encode([[1, 2]], "gray"), r"Encode: code 'gray' is unknown; use 'thermometer' or 'bits'"),
    (lambda: Encode([1, 2]), r"Encode.thresholds: shape \(2,\) given, 2 non-empty"),
    (lambda: Encode(np.zeros((0, 2), int)), r"Encode.thresholds: shape \(0, 2\) given"),
    (lambda: Encode([[0.5]]), r"Encode.thresholds: dtype float64 given, integers wanted"),
    (lambda: Window((0, 1)), r"Window: kernel \(0, 1\), stride \(1, 1\) must be positive"),
    (lambda: Window((1, 1), padding=(0, 0, -1, 0)), r"padding \(0, 0, -1, 0\) must not be negative"),
    (lambda: TableMac([[256, 0]], [0]), r"weights 0..256 need more than 9 bits; the limit is -256..255"),
    (lambda: TableMac([[-257, 0]], [0]), r"weights -257..0 need more than 9 bits"),
    (lambda: TableMac([[1 << 20]], [0]), r"TableMac.weights: values 1048576..1048576 do not fit int16"),
    (lambda: TableMac([[1], [2]], [0]), r"TableMac: bias has 1 values for 2 outputs"),
    (lambda: BinaryMac([[1, 2]]), r"BinaryMac: weights 1..2; only -1, 0 and 1 are binary"),
    (lambda: BinaryMac([[1, -1]], (2, 0)), r"BinaryMac: levels \(2, 0\); at most 8 are wanted, each in 1\.\.65535"),
    (lambda: BinaryMac([[1, -1]], (1 << 62,)), r"levels \(4611686018427387904,\); at most 8 are wanted"),
    (lambda: Input((4.0,)), r"Input\.shape: \(4\.0,\) given, whole numbers wanted"),
    (lambda: Input((4,), 0, 3.5), r"Input\.high: 3\.5 given, whole numbers wanted"),
    (lambda: Window((2, 2, 2)), r"Window\.kernel: \(2, 2, 2\) given, 2 whole numbers wanted"),
    (lambda: Window((2, 2), padding=(1, 1)), r"Window\.padding: \(1, 1\) given, 4 whole numbers wanted"),
    (lambda: luts(wiring=[[0, 1, 2]] * 2), r"tables have 4 entries; 3 inputs need 2\*\*3 = 8"),
    (
        lambda: luts(elements=9, wiring=[list(range(7))] * 2),
        r"fan_in 7 gives 2\*\*7 table entries; the limit is 2\*\*6",
    ),
    (lambda: luts(wiring=[[0, 3], [1, 2]]), r"wiring 0..3 leaves the input bits 0..2"),
    (lambda: luts(wiring=[[0, -1], [1, 2]]), r"wiring -1..2 leaves the input bits 0..2"),
    (lambda: luts(wiring=[[0, 1], [2, 2]]), r"table 1 reads the same bit twice: \[2, 2\]"),
    (lambda: luts(tables=[[0, 1, 1, 0]]), r"tables has 1 rows, wiring has 2"),
    (lambda: luts(neuron=[0]), r"neuron has 1 rows, wiring has 2"),
    (lambda: luts(weight=[1, 1, 1]), r"weight has 3 rows, wiring has 2"),
    (lambda: luts(tables=[[0, 1, 2, 0], [1, 0, 0, 1]]), r"a table holds 2; entries are 0 or 1"),
    (lambda: luts(neuron=[1, 0]), r"neuron numbers 0..1 must rise from table to table and lie in 0..1"),
    (lambda: luts(neuron=[0, 2]), r"neuron numbers 0..2 must rise"),
    (lambda: luts(weight=[1, 0]), r"weight 0 of a table; the least is 1"),
    (lambda: truth_tables(wiring=[[0, 1, 2]] * 2), r"TruthTables: tables have 4 entries; 3 inputs need 2\*\*3 = 8"),
    (
        lambda: truth_tables(elements=9, wiring=[list(range(7))] * 2),
        r"TruthTables: fan_in 7 gives 2\*\*7 table entries",
    ),
    (lambda: truth_tables(wiring=[[0, 3], [1, 2]]), r"TruthTables: wiring 0..3 leaves the input bits 0..2"),
    (lambda: truth_tables(wiring=[[0, 1], [2, 2]]), r"TruthTables: table 1 reads the same bit twice: \[2, 2\]"),
    (lambda: truth_tables(tables=[[0, 1, 2, 3]]), r"TruthTables: tables has 1 rows, wiring has 2"),
    (lambda: truth_tables(code_bits=9), r"TruthTables: codes of 9 bits; the limits are 1..8"),
    (lambda: truth_tables(code_bits=1), r"TruthTables: a table holds 3; codes of 1 bits end at 1"),
    (lambda: tiled(levels=()), r"TiledLutNeurons: levels \(\); 1 to 8 are wanted, each in 1\.\.65535"),
    (lambda: tiled(levels=(1,) * 9), r"TiledLutNeurons: levels \(1, 1, .*\); 1 to 8 are wanted"),
    (lambda: tiled(levels=(1 << 16, 1)), r"TiledLutNeurons: levels \(65536, 1\); 1 to 8 are wanted"),
    (
        lambda: tiled(weights=np.zeros((3, 3, 3), int)),
        r"tiles that do not divide the layer: 3 for 4 neurons; use one of 1, 2, 4",
    ),
    (
        lambda: tiled(weights=np.zeros((2, 4, 3), int)),
        r"tiles that do not divide the layer: 4 for 6 elements; use one of 1, 2, 3, 6",
    ),
    (lambda: tiled(neurons=0), r"tiles that do not divide the layer: 2 for 0 neurons; use one of 1"),
    (lambda: tiled(weights=np.zeros((2, 3), int)), r"TiledLutNeurons.weights: shape \(2, 3\) given, 3 non-empty"),
    (
        lambda: tiled(tables=[[0, 1, 1]] * 3),
        r"TiledLutNeurons: tables have 3 entries; 2\*\*K are wanted, K from 2 to 6",
    ),
    (lambda: tiled(tables=[[0, 1]] * 3), r"tables have 2 entries; 2\*\*K are wanted, K from 2 to 6"),
    (lambda: tiled(tables=[[0, 1] * 64] * 3), r"tables have 128 entries; 2\*\*K are wanted, K from 2 to 6"),
    (
        lambda: tiled(tables=[[0, 1, 1, 0]] * 3),
        r"TiledLutNeurons: 2 activations for tables of 2 inputs leave no weight bit; wire 1\.\.1",
    ),
    (lambda: tiled(weights=np.zeros((2, 3, 2), int)), r"weights hold words of 2 tables, wiring has 3"),
    (lambda: tiled(weights=np.full((2, 3, 3), 2)), r"TiledLutNeurons: a weight word 2 exceeds 1 bits; the limit is 1"),
    (lambda: tiled(weights=np.full((2, 3, 3), -1)), r"TiledLutNeurons.weights: values -1..-1 do not fit uint8"),
    (lambda: tiled(wiring=[[0, 1], [1, 0], [0, 2]]), r"wiring 0..2 leaves the elements of a tile 0..1"),
    (lambda: tiled(wiring=[[0, 1], [1, 1], [0, 1]]), r"table 1 reads the same element twice: \[1, 1\]. Wire each"),
    (lambda: tiled(tables=[[0, 1, 1, 0, 1, 0, 0, 1]] * 2), r"TiledLutNeurons: tables has 2 rows, wiring has 3"),
    (lambda: tiled(neuron=[0, 1]), r"TiledLutNeurons: neuron has 2 rows, wiring has 3"),
    (lambda: tiled(tables=[[0, 1, 1, 0, 1, 0, 0, 2]] * 3), r"TiledLutNeurons: a table holds 2; entries are 0 or 1"),
    (lambda: tiled(neuron=[0, 1, 2]), r"neuron numbers 0..2 must rise from table to table and lie in 0..1"),
    (lambda: tiled(neuron=[1, 0, 1]), r"TiledLutNeurons: neuron numbers 0..1 must rise from table to table"),
    (lambda: Rescale([1, 1], [1], 0, 1), r"Rescale: 2 multipliers but 1 shifts"),
    (lambda: Rescale([0], [1], 0, 1), r"Rescale: multiplier 0..0 must lie in 1..65535"),
    (lambda: Rescale([1 << 16], [1], 0, 1), r"Rescale: multiplier 65536..65536 must lie"),
    (lambda: Rescale([1], [32], 0, 1), r"Rescale: shift 32..32 must lie in 0..31"),
    (lambda: Rescale([1], [1], 2, 1), r"Rescale: low 2 lies above high 1"),
    (lambda: MaxPool((2, 2), (0, 1)), r"MaxPool: kernel \(2, 2\), stride \(0, 1\) must be positive"),
    (lambda: Reshape((-2, -2)), r"Reshape: shape \(-2, -2\) given; every extent must be at least 1"),
    (lambda: Affine([1, 2], [1]), r"Affine: 2 scales but 1 offsets"),
    (lambda: Affine([1 << 31], [0]), r"Affine: scale 2147483648..2147483648 exceeds 32 bits"),
    (lambda: TableMac([[1]], [(1 << 63) - 1]), r"TableMac: bias 9223372036854775807.* exceeds 32 bits"),
    (lambda: Affine([1], [1 << 40]), r"Affine: offset 1099511627776.* exceeds 32 bits; the limit is -2147483648"),
    (lambda: Affine([-(1 << 63)], [0]), r"Affine: scale -9223372036854775808.* exceeds 32 bits"),
]


@pytest.mark.parametrize(("make", "text"), OPERATION_ERRORS, ids=[text for _, text in OPERATION_ERRORS])
def test_an_operation_refuses(make, text):
    with pytest.raises(NetworkError, match=text):
        make()


V, IMAGE = Input((4,)), Input((3, 3, 2))
EDGE_ERRORS = [
    ((V, Encode([[1], [2]])), r"node n1: thresholds for 2 channels, the edge has 4"),
    ((V, Window((1, 1))), r"node n1: an image \[height, width, channels\] is wanted, the edge has shape \(4,\)"),
    ((IMAGE, Window((4, 1))), r"Window: kernel \(4, 1\) does not fit an image of 3 x 3"),
    ((IMAGE, Window((2, 2), padding=(1, 0, 0, 0), pad_code=-1)), r"pad_code -1 cannot be carried by an edge of 0..255"),
    ((V, TableMac([[1, 2]], [0])), r"node n1: weights have fan_in 2, the edge has 4 elements"),
    ((Input((1,), 0, 256), TableMac([[1]], [0])), r"activations have 9 bits; the limit is 8. Rescale them first"),
    ((V, BinaryMac([[1, 1]])), r"weights have fan_in 2, the edge has 4"),
    ((V, BinaryMac([[1, 1, 1, 1]], (2, 1))), r"BinaryMac: codes of 2 bits wanted, the edge carries uint8\[4\] 0..255"),
    ((V, luts()), r"LutNeurons: wired for 3 elements, the edge has 4"),
    ((Input((3,)), luts()), r"LutNeurons: codes of 1 bits wanted, the edge carries uint8"),
    ((Input((3,), -1, 0), luts()), r"LutNeurons: codes of 1 bits wanted, the edge carries int1"),
    ((V, truth_tables()), r"TruthTables: wired for 3 elements, the edge has 4"),
    ((Input((3,)), truth_tables()), r"TruthTables: codes of 1 bits wanted, the edge carries uint8"),
    ((V, tiled()), r"TiledLutNeurons: wired for 6 elements, the edge has 4"),
    ((Input((6,)), tiled()), r"TiledLutNeurons: codes of 2 bits wanted, the edge carries uint8"),
    ((Input((6,), -2, 1), tiled()), r"TiledLutNeurons: codes of 2 bits wanted, the edge carries int2"),
    ((V, Threshold([[1], [2], [3]])), r"thresholds for 3 channels, the edge has 4"),
    ((V, Rescale([1, 1], [0, 0], 0, 9)), r"multiplier for 2 channels, the edge has 4"),
    ((IMAGE, MaxPool((4, 4), (1, 1))), r"MaxPool: kernel \(4, 4\) does not fit an image of 3 x 3"),
    ((V, Reshape((5,))), r"Reshape: \(4,\) has 4 elements, \(5,\) has not"),
    ((V, Affine([1, 2], [0, 0])), r"scale for 2 channels, the edge has 4"),
    ((V, ArgMax(), Reshape((1,))), r"node n1: ArgMax is the head; it must be the last node"),
    ((V, V), r"node n1: the first node, and only it, is an Input"),
]


@pytest.mark.parametrize(("ops", "text"), EDGE_ERRORS, ids=[text for _, text in EDGE_ERRORS])
def test_an_edge_refuses(ops, text):
    with pytest.raises(NetworkError, match=text):
        chain(*ops)


GRAPH_ERRORS = [
    ((), r"network g: it has no nodes; the first must be an Input"),
    ((Node("x", ArgMax()),), r"node x: the first node, and only it, is an Input"),
    ((Node("x", V), Node("y", Reshape((4,)), ("z",))), r"node y: reads 'z', which is not an earlier node; known: x"),
    ((Node("x", V), Node("x", Reshape((4,)), ("x",))), r"node x: the name is taken"),
    ((Node("x", V), Node("y", Reshape((4,)))), r"node y: Reshape reads 1 input\(s\), 0 given"),
    ((Node("x", V, ("x",)),), r"node x: reads 'x', which is not an earlier node"),
    (
        (Node("x", V), Node("a", Reshape((4,)), ("x",)), Node("b", Reshape((4,)), ("x",))),
        r"node a: nothing reads it; remove it or make it the last node",
    ),
    ((Node("1x", V),), r"name '1x': names go into C\+\+"),
    ((Node("_x", V),), r"name '_x'"),
    ((Node("x" * 49, V),), r"use at most 48 letters"),
    ((Node("ä", V),), r"name 'ä'"),
]


@pytest.mark.parametrize(("nodes", "text"), GRAPH_ERRORS, ids=[text for _, text in GRAPH_ERRORS])
def test_a_graph_refuses(nodes, text):
    with pytest.raises(NetworkError, match=text):
        Network("g", nodes)


def test_a_network_name_is_checked_too():
    with pytest.raises(NetworkError, match="name 'two words'"):
        Network("two words", (Node("x", V),))


def test_an_unknown_node_is_named_with_the_known_ones():
    with pytest.raises(NetworkError, match="no node 'fc9'; known: n0, n1"):
        chain(V, Reshape((2, 2))).node("fc9")


OVERFLOWS = [
    (Input((3,), 0, 1 << 31), Reshape((3,))),
    (V, TableMac([[1, 1, 1, 1]], [(1 << 31) - 1])),
    (V, Affine([1 << 24], [0])),
    (Input((2,), 0, (1 << 31) - 1), BinaryMac([[1, 1]])),
    (Input((2,), 0, (1 << 31) - 1), BinaryMac([[1, -1]]), Threshold([[0]])),
]


@pytest.mark.parametrize("ops", OVERFLOWS[:-1], ids=str)
def test_an_accumulator_that_could_overflow_is_refused(ops):
    with pytest.raises(NetworkError, match=r"the accumulator reaches .* bits; the limit is 32. Lower the fan-in"):
        chain(*ops)


def test_an_accumulator_of_exactly_32_bits_is_accepted():
    widest = chain(*OVERFLOWS[-1]).types["n1"]
    assert (widest.low, widest.high, widest.bits) == (1 - (1 << 31), (1 << 31) - 1, 32)


def test_bounds_of_a_tiled_layer_are_those_of_its_busiest_neuron():
    assert infer(tiled(), [TensorType((5, 6), 0, 3)]) == TensorType((5, 4), 0, 3 * 2 * (2 + 1))
    with pytest.raises(NetworkError, match=r"the accumulator reaches 0\.\..* bits; the limit is 32"):
        wide = np.zeros((1, 1, 1 << 15), int)
        zeros, table = np.zeros((1 << 15, 1), int), [[0, 1, 1, 0]] * (1 << 15)
        levels = (65535, 65535)
        chain(Input((1,), 0, 3), TiledLutNeurons(1, 1, levels, zeros, zeros[:, 0], table, wide))


def test_accumulator_bounds_hold_for_every_partial_sum():
    op, x = TableMac([[5, -7, 3]], [-4]), TensorType((3,), 2, 9)
    assert infer(op, [x]).low == 2 * 5 - 9 * 7 + 2 * 3 - 4
    assert accumulator_bounds(op, x) == (-9 * 7 - 4, 9 * 5 + 9 * 3)
    binary = BinaryMac([[1, -1]], (2, 1))
    assert accumulator_bounds(binary, TensorType((2,), 0, 3)) == (-6, 6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), kind=st.integers(0, 7))
def test_values_never_leave_the_bounds_of_their_edge(random_networks, seed, kind):
    rng = np.random.default_rng(seed)
    network = random_networks.make_random_network(rng, random_networks.KINDS[kind])
    trace = reference.trace(network, random_networks.make_random_images(rng, network, 8))
    for name, kind_of_edge in network.types.items():
        values = trace[name]
        assert values.shape == (8, *kind_of_edge.shape), name
        assert kind_of_edge.low <= values.min() and values.max() <= kind_of_edge.high, name


def test_the_random_networks_hold_every_operation(random_networks):
    found = {
        type(node.op).__name__
        for kind in random_networks.KINDS
        for seed in range(6)
        for node in random_networks.make_random_network(np.random.default_rng(seed), kind).nodes
    }
    assert found == {
        "Input", "Encode", "Window", "TableMac", "BinaryMac", "LutNeurons", "TiledLutNeurons",
        "TruthTables", "Threshold", "Rescale", "MaxPool", "SumPool", "Reshape", "Affine", "ArgMax", "Add", "Concat",
    }  # fmt: skip


def test_the_head_is_marked_and_the_logits_are_its_input():
    network = chain(V, Affine([1, 2, 3, 4], [0, 0, 0, 0]), ArgMax())
    assert (network.output.name, network.classes, network.logits.high) == ("n1", 4, 4 * 255)
    assert network.types["n2"] == TensorType((1,), 0, 3)
    assert network.input_type(network.node("n2")) == network.logits


def test_arrays_are_read_only_and_equality_is_by_value():
    one, two = TableMac([[1, 2]], [3]), TableMac([[1, 2]], [3])
    assert one == two and one != TableMac([[1, 2]], [4]) and one != Reshape((1,))
    with pytest.raises(ValueError, match="read-only"):
        one.weights[0, 0] = 5


def test_a_tensor_type_reads_well():
    assert str(TensorType((2, 3), -128, 127)) == "int8[2, 3] -128..127"
    assert str(TensorType((4,), 0, 1)) == "uint1[4] 0..1"


def test_fields_are_normalised_to_plain_integers():
    given = Input([4, np.int64(2)], np.int8(-3), np.int64(3))
    assert given == Input((4, 2), -3, 3) and type(given.high) is int and type(given.shape) is tuple
