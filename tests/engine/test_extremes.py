# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The fast engine against the reference where numbers are at their limits, and where wiring is unusual."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge import reference
from lutforge.engine.executor import FastExecutor
from lutforge.network import Network, Node
from lutforge.numerics import argmax
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
    Window,
)

LEAST, MOST = -(2**31), 2**31 - 1


def chain(*ops):
    nodes = [Node("x", ops[0])]
    for number, op in enumerate(ops[1:]):
        nodes.append(Node(f"n{number}", op, (nodes[-1].name,)))
    return Network("chain", tuple(nodes))


def whole(*values):
    return np.array(values, dtype=np.int64)


def luts(rng, neurons, tables, channels, bits, most=4):
    wiring = np.stack([rng.choice(channels * bits, 4, replace=False) for _ in range(tables)])
    neuron, weight = np.sort(rng.integers(0, neurons, tables)), rng.integers(1, most + 1, tables)
    return LutNeurons(neurons, channels, bits, wiring, neuron, weight, rng.integers(0, 2, (tables, 16)))


def steps(rng, count, low, high, rows=1):
    return np.sort(rng.integers(low, high + 1, (rows, count)), axis=1)


def signs(rng, outputs, inputs):
    return rng.choice([-1, 1], (outputs, inputs))


def networks():
    """Networks by name."""
    rng = np.random.default_rng(12)
    beyond = whole(-(2**40), LEAST - 1, LEAST, 0, MOST, 2**40)[None]
    low_sum = (Input((4,), -128, 127), Affine(whole(1 << 24), whole(0)))
    wide = Input((4,), LEAST, MOST)
    return {
        "thresholds beyond 32 bits": chain(*low_sum, Threshold(beyond)),
        "thresholds beyond 32 bits, to gates": chain(*low_sum, Threshold(beyond), luts(rng, 3, 9, 4, 3)),
        "encoder beyond 32 bits": chain(wide, Encode(beyond, "thermometer"), luts(rng, 2, 9, 24, 1)),
        "codes beyond 32 bits": chain(wide, Encode(beyond, "bits"), luts(rng, 2, 9, 12, 1)),
        "one threshold beyond 32 bits": chain(wide, Threshold(whole(LEAST - 1)[None]), luts(rng, 2, 9, 4, 1)),
        "largest logits": chain(wide, ArgMax()),
        "rescale by the largest shift": chain(Input((4,), 0, 255), Rescale(whole(1), whole(31), -128, 127)),
        "rescale of the largest by the largest": chain(wide, Rescale(whole(65535), whole(31), -128, 127)),
        "rescale by shifts of all kinds": chain(
            Input((32,), -128, 127), Rescale(whole(*rng.integers(1, 65536, 32)), np.arange(32), -1000, 1000)
        ),
        "rescale of small numbers by shifts of all kinds": chain(
            Input((32,), -3, 3), Rescale(whole(*rng.integers(1, 4, 32)), np.arange(32), -9, 9)
        ),
        "numbers far from the zeros that fill a block": chain(
            Input((2,), 2000, 2400), Affine(whole(1000), whole(-2_000_000)), Rescale(whole(5000), whole(4), 0, 255)
        ),
        "all 9 bits of weights": chain(
            Input((5,), -128, 127), TableMac(rng.integers(-256, 256, (7, 5)), rng.integers(-5, 5, 7))
        ),
        "signs of wide numbers": chain(Input((2,), -(2**29), 2**29 - 1), BinaryMac(signs(rng, 5, 2))),
        "signs of three digits": chain(Input((3,), 3 - 2**20, 2**24 - 1), BinaryMac(signs(rng, 5, 3))),
        "levels of two digits": chain(Input((12,), 0, 7), BinaryMac(signs(rng, 5, 12), (1000, 300, 7))),
        "levels of a byte": chain(Input((12,), 0, 7), BinaryMac(signs(rng, 5, 12), (150, 100, 5))),
        "weights of a hundred thousand": chain(Input((12,), 0, 1), luts(rng, 3, 60, 12, 1, 100_000)),
        "many thresholds of gates": chain(
            Input((12,), 0, 1), luts(rng, 5, 40, 12, 1), Threshold(steps(rng, 40, 0, 90)), luts(rng, 4, 9, 5, 6)
        ),
        "sixteen thresholds of gates": chain(
            Input((12,), 0, 1), luts(rng, 5, 40, 12, 1, 50), Threshold(steps(rng, 16, 0, 900)), luts(rng, 4, 9, 5, 5)
        ),
        "encoder of gates": chain(
            Input((12,), 0, 1),
            luts(rng, 5, 40, 12, 1),
            Encode(steps(rng, 5, -5, 60, 5), "bits"),
            luts(rng, 4, 9, 15, 1),
        ),
        "thermometer of gates": chain(
            Input((12,), 0, 1),
            luts(rng, 5, 40, 12, 1),
            Encode(steps(rng, 5, -5, 60, 5), "thermometer"),
            luts(rng, 4, 9, 25, 1),
        ),
        "codes of 8 bits": chain(Input((12,), 0, 255), Threshold(steps(rng, 200, 0, 255)), luts(rng, 4, 9, 12, 8)),
        "codes of 9 bits": chain(Input((5,), 0, 255), Threshold(steps(rng, 300, 0, 255)), BinaryMac(signs(rng, 5, 5))),
        "encoder with many steps": chain(
            Input((12,), -128, 127), Encode(steps(rng, 40, -140, 140, 12), "thermometer"), luts(rng, 4, 9, 480, 1)
        ),
        "encoder of wide numbers": chain(
            Input((40,), -1000, 1000), Encode(steps(rng, 3, -1000, 1000, 40), "thermometer"), luts(rng, 5, 20, 120, 1)
        ),
        "window of a window": chain(
            Input((5, 5, 2), 3, 12),
            Window((3, 3), (1, 1), (1, 0, 2, 1), 7),
            Window((2, 2), (2, 1), (1, 0, 0, 1), 5),
            TableMac(rng.integers(-256, 256, (7, 72)), rng.integers(-5, 5, 7)),
        ),
        "window of a window, to gates": chain(
            Input((5, 5, 2), 0, 3),
            Window((3, 3), (1, 1), (1, 0, 2, 1), 2),
            Window((2, 2), (2, 1), (1, 0, 0, 1), 1),
            luts(rng, 4, 9, 72, 2),
        ),
        "pools before and behind gates": chain(
            Input((7, 7, 2), 0, 3),
            MaxPool((2, 3), (1, 2)),
            Window((2, 2), (1, 1), (1, 0, 2, 1), 2),
            luts(rng, 4, 9, 8, 2),
            MaxPool((2, 2), (1, 1)),
            Reshape((80,)),
        ),
        "a single bit": chain(Input((1,), 0, 1)),
        "a single constant": chain(Input((2,), 5, 5), Threshold(whole(4, 5, 6)[None])),
        "minus one and zero": chain(Input((4,), -1, 0), Threshold(whole(-1)[None]), luts(rng, 2, 3, 4, 1)),
        "65 elements": chain(Input((65,), 0, 255), Threshold(whole(99)[None]), luts(rng, 2, 30, 65, 1)),
        "128 elements": chain(Input((128,), -128, 127), Threshold(whole(-9)[None]), luts(rng, 2, 30, 128, 1)),
    }


ALL = networks()


def images_of(network, count):
    kind = network.input
    rng = np.random.default_rng(13)
    images = rng.integers(kind.low, kind.high + 1, (count, *kind.shape))
    near = rng.integers(0, 3, images.shape)
    ends = rng.random(images.shape)
    images = np.where(ends < 0.1, np.minimum(kind.low + near, kind.high), images)
    images = np.where(ends > 0.9, np.maximum(kind.high - near, kind.low), images)
    images[:1], images[1:2] = kind.low, kind.high
    return images


def equal_everywhere(network, backend, count):
    images = images_of(network, count)
    engine = FastExecutor(network, backend=backend, threads=1)
    wanted = reference.trace(network, images)
    logits = wanted[network.output.name]
    assert np.array_equal(engine.run(images), logits)
    assert np.array_equal(engine.classes(images), argmax(logits))
    traced = engine.trace(images)
    assert set(traced) == set(wanted)
    for name, values in wanted.items():
        assert np.array_equal(traced[name], values), name


@pytest.mark.parametrize("backend", ["native", "interpreted", "numpy"])
@pytest.mark.parametrize("name", ALL)
def test_equals_the_reference_at_the_limits(name, backend):
    equal_everywhere(ALL[name], backend, 700)
