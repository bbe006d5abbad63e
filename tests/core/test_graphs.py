# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Networks that are no chain: sums, concatenations and pools against plain numpy, in file and
digest, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

import lutforge
from lutforge.engine.executor import FastExecutor
from lutforge.errors import NetworkError
from lutforge.multipliers import Approximate, DivideConquer
from lutforge.network import Network, Node, TensorType, accumulator_bounds
from lutforge.operations import (
    Add,
    ArgMax,
    Concat,
    Input,
    MaxPool,
    Rescale,
    Reshape,
    SumPool,
    TableMac,
    Window,
)
from lutforge.reference import run, trace

FORMS = [DivideConquer(4), Approximate(2, drop_digits=1, constant=2), Approximate(round_bits=5)]
FORMS += [Approximate(truncate_bits=4)]


def rescaled(shift, low=0, high=255):
    return Rescale(np.array([1]), np.array([shift]), low, high)


def residual(form, low=0, high=255):
    """Two branches summed, four edges side by side, a mean over the image."""
    rng = np.random.default_rng(7)

    def mac(outputs, fan_in):
        return TableMac(rng.integers(-256, 256, (outputs, fan_in)), rng.integers(-999, 999, outputs), form)

    nodes = [
        Node("x", Input((6, 5, 3), low, high)),
        Node("window", Window((3, 3), (1, 1), (1, 1, 1, 1), (low + high) // 3), ("x",)),
        Node("conv", mac(4, 27), ("window",)),
        Node("code", rescaled(9), ("conv",)),
        Node("pool", MaxPool((3, 3), (1, 1), (1, 1, 1, 1)), ("code",)),
        Node("one", mac(4, 4), ("pool",)),
        Node("left", rescaled(3, -2000, 2000), ("one",)),
        Node("right", Rescale(np.array([3]), np.array([1]), -2000, 2000), ("code",)),
        Node("sum", Add(), ("left", "right")),
        Node("relu", rescaled(2), ("sum",)),
        Node("all", Concat(), ("relu", "pool", "code", "pool")),
        Node("total", SumPool((6, 5), (6, 5)), ("all",)),
        Node("mean", Rescale(np.array([1092]), np.array([15]), 0, 255), ("total",)),
        Node("flat", Reshape((16,)), ("mean",)),
        Node("logits", mac(5, 16), ("flat",)),
        Node("answer", ArgMax(), ("logits",)),
    ]
    return Network("residual", tuple(nodes))


def images(network, number=70):
    kind = network.input
    return np.random.default_rng(8).integers(kind.low, kind.high + 1, (number, *kind.shape))


def test_sum_concatenation_and_mean_by_hand():
    values = trace(residual(FORMS[0]), images(residual(FORMS[0])))
    assert np.array_equal(values["sum"], values["left"] + values["right"])
    assert np.array_equal(values["all"][..., 4:8], values["pool"]) and values["all"].shape[-1] == 16
    assert np.array_equal(values["all"][..., 12:], values["pool"])
    assert np.array_equal(values["total"][:, 0, 0], values["all"].sum(axis=(1, 2)))
    padded = np.pad(values["code"], ((0, 0), (1, 1), (1, 1), (0, 0)))
    largest = np.max([padded[:, i : i + 6, j : j + 5] for i in range(3) for j in range(3)], axis=0)
    assert np.array_equal(values["pool"], largest)


def test_a_padded_pool_of_negative_values():
    network = Network(
        "p", (Node("x", Input((2, 2, 1), -9, -1)), Node("y", MaxPool((2, 2), (1, 1), (1, 1, 1, 1)), ("x",)))
    )
    values = np.array([[-3, -9], [-1, -2]]).reshape(1, 2, 2, 1)
    assert run(network, values)[0, :, :, 0].tolist() == [[-3, -3, -9], [-1, -1, -2], [-1, -1, -2]]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("ends", [(0, 255), (-128, 127), (0, 15)])
@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_the_engine_equals_the_reference(form, ends, backend):
    network = residual(form, *ends)
    wanted, engine = trace(network, images(network)), FastExecutor(network, backend=backend)
    for name, values in engine.trace(images(network)).items():
        assert np.array_equal(values, wanted[name].reshape(values.shape)), name
    assert np.array_equal(engine.run(images(network)), wanted["logits"])


def test_file_and_digest(tmp_path):
    network = residual(FORMS[1])
    lutforge.save(network, tmp_path / "n.npz")
    loaded = lutforge.load(tmp_path / "n.npz")
    assert lutforge.digest(loaded) == lutforge.digest(network)
    assert [node.inputs for node in loaded.nodes] == [node.inputs for node in network.nodes]
    assert loaded.node("pool").op.padding == (1, 1, 1, 1) and loaded.node("conv").op.multiplier == FORMS[1]


def test_bounds_of_sums():
    types = residual(FORMS[0]).types
    assert (types["sum"].low, types["sum"].high) == (-4000, 4000)
    assert (types["total"].low, types["total"].high) == (0, 30 * 255)


IMAGE = Node("x", Input((4, 4, 2), 0, 255))


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((Node("y", Add(), ("x",)),), r"node y: Add reads 2 input\(s\), 1 given"),
        ((Node("y", Concat(), ("x",)),), "node y: Concat reads 2 or more inputs, 1 given"),
        (
            (Node("p", MaxPool((2, 2), (2, 2)), ("x",)), Node("y", Add(), ("x", "p"))),
            r"node y: Add: edges of shapes \(4, 4, 2\) and \(2, 2, 2\)",
        ),
        (
            (Node("p", MaxPool((2, 2), (2, 2)), ("x",)), Node("y", Concat(), ("x", "p"))),
            r"node y: Concat: edges of shapes .*; all but the last extent must be equal",
        ),
        (
            (Node("y", SumPool((5, 5), (1, 1)), ("x",)),),
            r"node y: SumPool: kernel \(5, 5\) does not fit an image of 4 x 4",
        ),
    ],
)
def test_graphs_that_are_refused(nodes, message):
    with pytest.raises(NetworkError, match=message):
        Network("n", (IMAGE, *nodes))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SumPool((0, 1), (1, 1)), r"SumPool: kernel \(0, 1\) and stride \(1, 1\) must be positive"),
        (lambda: MaxPool((2, 2), (1, 1), (-1, 0, 0, 0)), r"padding \(-1, 0, 0, 0\) must not be negative"),
        (lambda: MaxPool((2, 2), (1, 1), (0, 2, 0, 0)), "a window would lie outside the image"),
    ],
)
def test_pools_that_are_refused(make, message):
    with pytest.raises(NetworkError, match=message):
        make()


def test_several_inputs_have_no_accumulator_of_one():
    with pytest.raises(NetworkError, match="Add: the bounds of a node of several inputs are those of its output"):
        accumulator_bounds(Add(), TensorType((4,), 0, 9))
