# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Each operation of the golden model against plain loops over Python integers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import lutforge
from lutforge import reference
from lutforge.network import Network, Node, TensorType
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
    as_lut_neurons,
)


def apply(op, x, low=None, high=None):
    kind = TensorType(x.shape[1:], int(x.min()) if low is None else low, int(x.max()) if high is None else high)
    return reference.apply(op, x, kind).tolist()


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.mark.parametrize("code", ["thermometer", "bits"])
@pytest.mark.parametrize("rows", [1, 3])
def test_encode(rng, code, rows):
    thresholds = rng.integers(-4, 5, (rows, 5))
    x = rng.integers(-5, 6, (7, 3))
    want = []
    for image in x:
        row = []
        for feature, value in enumerate(image):
            exceeded = [int(value > t) for t in thresholds[feature if rows > 1 else 0]]
            total = sum(exceeded)
            row += exceeded if code == "thermometer" else [(total >> b) & 1 for b in range(3)]
        want.append(row)
    assert apply(Encode(thresholds, code), x) == want


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [((1, 1), (1, 1), (0, 0, 0, 0)), ((3, 2), (1, 2), (1, 0, 2, 1)), ((2, 3), (2, 1), (0, 1, 0, 0)), ((3, 3), (3, 3), (1, 1, 1, 1))],
)  # fmt: skip
def test_window(rng, kernel, stride, padding):
    x = rng.integers(0, 9, (2, 4, 5, 2))
    top, bottom, left, right = padding
    want = []
    for image in x:
        rows = []
        for i in range(0, 4 + top + bottom - kernel[0] + 1, stride[0]):
            columns = []
            for j in range(0, 5 + left + right - kernel[1] + 1, stride[1]):
                taps = []
                for a, b, c in itertools.product(range(kernel[0]), range(kernel[1]), range(2)):
                    row, column = i + a - top, j + b - left
                    inside = 0 <= row < 4 and 0 <= column < 5
                    taps.append(int(image[row, column, c]) if inside else 7)
                columns.append(taps)
            rows.append(columns)
        want.append(rows)
    assert apply(Window(kernel, stride, padding, pad_code=7), x) == want


def test_window_pads_with_a_code_that_the_images_dtype_cannot_hold():
    network = Network(
        "w", (Node("x", Input((1, 1, 1), -5, 5)), Node("w", Window((1, 2), (1, 1), (0, 0, 1, 0), -3), ("x",)))
    )
    assert reference.run(network, np.array([[[[4]]]], dtype=np.uint8)).tolist() == [[[[-3, 4]]]]


def test_table_mac(rng):
    weights, bias = rng.integers(-256, 256, (3, 6)), rng.integers(-99, 99, 3)
    x = rng.integers(-128, 128, (4, 2, 6))
    want = [
        [[sum(int(w) * int(v) for w, v in zip(row, vector, strict=True)) + int(b) for row, b in zip(weights, bias, strict=True)] for vector in image]
        for image in x
    ]  # fmt: skip
    assert apply(TableMac(weights, bias), x) == want


@pytest.mark.parametrize("levels", [(), (1,), (2, 1), (5, 3, 1)])
def test_binary_mac(rng, levels):
    weights = rng.integers(-1, 2, (4, 6))
    x = rng.integers(0, 1 << len(levels), (5, 6)) if levels else rng.integers(-9, 10, (5, 6))

    def value(code):
        top = len(levels) - 1
        return sum(a if code >> (top - i) & 1 else -a for i, a in enumerate(levels)) if levels else code

    want = [[sum(int(w) * value(int(v)) for w, v in zip(row, image, strict=True)) for row in weights] for image in x]
    assert apply(BinaryMac(weights, levels), x) == want


@pytest.mark.parametrize(("inputs", "bits"), [(1, 1), (2, 2), (4, 3), (6, 2)])
def test_lut_neurons(rng, inputs, bits):
    elements, neurons, tables = 5, 4, 9
    wiring = np.stack([rng.choice(elements * bits, inputs, replace=False) for _ in range(tables)])
    neuron = np.array([0, 0, 1, 1, 1, 3, 3, 3, 3])  # neuron 2 has none
    weight, contents = rng.integers(1, 4, tables), rng.integers(0, 2, (tables, 1 << inputs))
    x = rng.integers(0, 1 << bits, (6, elements))
    want = []
    for image in x:
        sums = [0] * neurons
        for t in range(tables):
            address = 0
            for k, position in enumerate(wiring[t]):
                element, bit = divmod(int(position), bits)
                address |= (int(image[element]) >> bit & 1) << k
            sums[neuron[t]] += int(weight[t]) * int(contents[t, address])
        want.append(sums)
    assert apply(LutNeurons(neurons, elements, bits, wiring, neuron, weight, contents), x, 0, (1 << bits) - 1) == want


@pytest.mark.parametrize(("inputs", "bits", "code_bits"), [(1, 1, 1), (2, 2, 3), (4, 3, 8), (6, 2, 2)])
def test_truth_tables(rng, inputs, bits, code_bits):
    elements, neurons = 5, 7
    wiring = np.stack([rng.choice(elements * bits, inputs, replace=False) for _ in range(neurons)])
    contents = rng.integers(0, 1 << code_bits, (neurons, 1 << inputs))
    x = rng.integers(0, 1 << bits, (6, elements))

    def bit(image, position):
        return int(image[position // bits]) >> (position % bits) & 1

    want = [
        [
            int(contents[j, sum(bit(image, position) << k for k, position in enumerate(wires))])
            for j, wires in enumerate(wiring.tolist())
        ]
        for image in x
    ]
    op = TruthTables(elements, bits, code_bits, wiring, contents)
    assert apply(op, x, 0, (1 << bits) - 1) == want
    assert apply(as_lut_neurons(op), x, 0, (1 << bits) - 1) == want


def every(elements, bits):
    """All vectors of so many codes: int [2**(elements * bits), elements]."""
    numbers = np.arange(1 << (elements * bits))
    return (numbers[:, None] >> (bits * np.arange(elements))) & ((1 << bits) - 1)


@pytest.mark.parametrize("levels", [(3,), (2, 1), (5, 3, 1)])
@pytest.mark.parametrize(("inputs", "weight_bits"), [(k, p) for k in range(2, 7) for p in range(1, k)])
def test_tiled_lut_neurons_of_every_input(rng, inputs, weight_bits, levels):
    """Every (K, P), every vector; of 2**15 vectors every seventh."""
    read, bits = inputs - weight_bits, len(levels)
    inner = 2 if 2 * read * bits <= 12 else 1
    tile = max(read, 12 // bits // inner) if inner * read * bits < 12 else read
    outer, outputs, tables = 3, 2, 5
    wiring = np.stack([rng.choice(tile, read, replace=False) for _ in range(tables)])
    neuron, contents = np.array([0, 0, 1, 1, 1]), rng.integers(0, 2, (tables, 1 << inputs))
    weights = rng.integers(0, 1 << weight_bits, (outer, inner, tables))
    op = TiledLutNeurons(outer * outputs, inner * tile, levels, wiring, neuron, contents, weights)
    x = every(inner * tile, bits)[:: 7 if inner * tile * bits > 12 else 1]
    want = np.zeros((len(x), outer * outputs), dtype=int)
    for row, image in zip(want, x.tolist(), strict=True):
        for to, ti, t in itertools.product(range(outer), range(inner), range(tables)):
            for index, level in enumerate(levels):
                address = int(weights[to, ti, t]) << read
                for k, element in enumerate(wiring[t].tolist()):
                    address |= (image[ti * tile + element] >> (bits - 1 - index) & 1) << k
                row[to * outputs + neuron[t]] += level * int(contents[t, address])
    assert apply(op, x, 0, (1 << bits) - 1) == want.tolist()
    assert apply(as_lut_neurons(op), x, 0, (1 << bits) - 1) == want.tolist()
    assert as_lut_neurons(op).inputs == read and (op.inputs, op.weight_bits) == (inputs, weight_bits)


@pytest.mark.parametrize("rows", [1, 3])
def test_threshold_is_strict(rng, rows):
    thresholds = np.sort(rng.integers(-3, 4, (rows, 3)), axis=1)
    x = rng.integers(-4, 5, (9, 3))
    want = [
        [sum(int(v) > int(t) for t in thresholds[c if rows > 1 else 0]) for c, v in enumerate(image)] for image in x
    ]
    assert apply(Threshold(thresholds), x) == want
    assert apply(Threshold([[5]]), np.array([[4, 5, 6]])) == [[0, 0, 1]]


def test_rescale_rounds_half_up_and_clamps():
    x = np.array([[-7, -6, -5, -2, 0, 1, 2, 3, 100]])
    assert apply(Rescale([1], [2], -1, 3), x) == [[-1, -1, -1, 0, 0, 0, 1, 1, 3]]
    assert apply(Rescale([3, 1], [1, 0], -99, 99), np.array([[-1, -1], [1, 1]])) == [[-1, -1], [2, 1]]


@pytest.mark.parametrize(("kernel", "stride"), [((2, 2), (2, 2)), ((3, 2), (1, 1)), ((1, 1), (2, 3)), ((4, 5), (1, 1))])
def test_max_pool(rng, kernel, stride):
    x = rng.integers(-9, 10, (2, 4, 5, 3))
    want = [
        [
            [
                [max(int(image[i + a, j + b, c]) for a in range(kernel[0]) for b in range(kernel[1])) for c in range(3)]
                for j in range(0, 5 - kernel[1] + 1, stride[1])
            ]
            for i in range(0, 4 - kernel[0] + 1, stride[0])
        ]
        for image in x
    ]
    assert apply(MaxPool(kernel, stride), x) == want


def test_reshape_affine_and_arg_max():
    x = np.arange(12).reshape(1, 2, 6)
    assert apply(Reshape((3, 4)), x) == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]]
    assert apply(Affine([2, -3], [1, 0]), np.array([[5, 5]], dtype=np.uint8)) == [[11, -15]]
    assert apply(Affine([2], [-1]), np.array([[5, 6]])) == [[9, 11]]
    assert apply(ArgMax(), np.array([[3, 9, 9, 1], [0, 0, 0, 0]])) == [[1], [0]]


def test_the_logits_are_those_of_the_node_before_the_head():
    network = Network(
        "n", (Node("x", Input((2,), 0, 9)), Node("a", Affine([2], [1]), ("x",)), Node("top", ArgMax(), ("a",)))
    )
    assert lutforge.run(network, np.array([[3, 4]])).tolist() == [[7, 9]]
    assert {name: values.tolist() for name, values in reference.trace(network, np.array([[3, 4]])).items()} == {
        "x": [[3, 4]],
        "a": [[7, 9]],
        "top": [[1]],
    }


def test_blocks_do_not_change_an_answer(random_networks, network_kind, monkeypatch):
    rng = np.random.default_rng(5)
    network = random_networks.make_random_network(rng, network_kind)
    images = random_networks.make_random_images(rng, network, 9)
    whole = reference.run(network, images)
    assert reference.run(network, images[:0]).shape == (0, *whole.shape[1:])
    monkeypatch.setattr(reference, "BLOCK_BYTES", 1)
    assert np.array_equal(reference.run(network, images), whole)
    assert np.array_equal(reference.ReferenceExecutor(network).run(images), whole)
    assert np.array_equal(reference.ReferenceExecutor(network).trace(images)[network.output.name], whole)
