# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A simplified network answers the same and holds nothing that never changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge import reference
from lutforge.constants import simplified
from lutforge.mac_shape import supports
from lutforge.network import Network, Node
from lutforge.operations import ArgMax, BinaryMac, Encode, Input, LutNeurons, MaxPool, Op, Reshape, Threshold, Window


def chain(*ops: Op) -> Network:
    nodes = [Node("n0", ops[0])]
    for number, op in enumerate(ops[1:], start=1):
        nodes.append(Node(f"n{number}", op, (nodes[-1].name,)))
    return Network("net", tuple(nodes))


def luts(rng: np.random.Generator, elements: int, bits: int, neurons: int, tables: int, inputs: int = 3) -> LutNeurons:
    wiring = np.stack([rng.choice(elements * bits, inputs, replace=False) for _ in range(tables)])
    neuron = np.sort(np.concatenate([np.arange(neurons), rng.integers(0, neurons, tables - neurons)]))
    rows = rng.integers(0, 2, (tables, 1 << inputs))
    return LutNeurons(neurons, elements, bits, wiring, neuron, rng.integers(1, 4, tables), rows)


def equal(network: Network, smaller: Network, count: int = 300) -> bool:
    kind = network.input
    images = np.random.default_rng(0).integers(kind.low, kind.high + 1, (count, *kind.shape))
    images[0], images[1] = kind.low, kind.high
    return bool(np.array_equal(reference.run(network, images), reference.run(smaller, images)))


@settings(deadline=None, max_examples=60, print_blob=True)
@given(seed=st.integers(0, 2**32 - 1), convolution=st.booleans(), binary=st.booleans())
def test_the_same_logits_with_dead_and_constant_channels(seed: int, convolution: bool, binary: bool) -> None:
    rng = np.random.default_rng(seed)
    ops: list[Op] = [Input((4, 4, 2)), Encode(rng.choice([-1, 255, 60, 128], (2, 2)))]
    if convolution:
        ops += [Window((2, 2), (1, 1), (1, 0, 1, 0), int(rng.integers(0, 2))), luts(rng, 16, 1, 5, 14)]
        ops += [
            Threshold(np.sort(rng.choice([-1, 0, 1, 2, 99], (5, 3)), axis=1)),
            MaxPool((2, 2), (2, 2)),
            Reshape((20,)),
        ]
        elements = 20
    else:
        ops += [
            Reshape((64,)),
            luts(rng, 64, 1, 9, 20),
            Threshold(np.sort(rng.choice([-1, 0, 1, 2, 99], (9, 3)), axis=1)),
        ]
        elements = 9
    if binary:
        ops.append(BinaryMac(rng.choice([-1, 0, 0, 1], (7, elements)), (2, 1)))
    else:
        ops.append(luts(rng, elements, 2, 7, 12))
    ops += [Threshold(rng.choice([-99, 0, 1, 99], (7, 1))), luts(rng, 7, 1, 3, 5, 2), ArgMax()]
    network = chain(*ops)
    smaller = simplified(network)
    assert equal(network, smaller)
    assert simplified(smaller) == smaller
    for node in smaller.nodes:  # nothing is left that a table could do without
        if isinstance(node.op, LutNeurons):
            before = network.node(node.name).op
            assert supports(node.op.tables).sum() <= supports(before.tables).sum()


def test_any_random_network(random_networks, network_kind) -> None:
    for seed in range(8):
        network = random_networks.make_random_network(np.random.default_rng(seed), network_kind)
        assert equal(network, simplified(network), 50)


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_a_constant_code_fixes_its_bits(code: int) -> None:
    steps = np.array([[0, 1, 2]] * 2)
    steps[0] = [-1] * code + [99] * (3 - code)  # channel 0 always has this code
    xor = [0, 1, 1, 0, 1, 0, 0, 1]
    head = LutNeurons(1, 2, 2, [[0, 1, 2]], [0], [1], [xor])
    network = chain(Input((2,), 0, 3), Threshold(steps), head)
    smaller = simplified(network)
    found = smaller.node("n2").op
    assert supports(found.tables).tolist() == [1]
    wanted = [xor[code | (bit << 2)] for bit in (0, 1)]
    assert [found.tables[0, 0], found.tables[0, 4]] == wanted
    assert equal(network, smaller)


@settings(deadline=None, max_examples=40, print_blob=True)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([(1,), (2, 1), (4, 2, 1), (256, 128)]))
def test_thresholds_of_odd_or_even_sums_do_not_need_the_lowest_bit(seed: int, levels: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    mac = BinaryMac(rng.choice([-1, 0, 1], (6, 9)), levels)
    rows = 6 if seed % 2 else 1
    steps = Threshold(np.sort(rng.integers(-12, 13, (rows, 3)), axis=1))
    network = chain(Input((2, 2, 9), 0, 2 ** len(levels) - 1), mac, MaxPool((2, 2), (2, 2)), Reshape((6,)), steps)
    pooled = chain(Input((2, 2, 9), 0, 2 ** len(levels) - 1), mac, MaxPool((2, 2), (2, 2)), steps)
    for given_, moved in ((network, False), (pooled, True)):
        smaller = simplified(given_)
        assert equal(given_, smaller)
        found = smaller.nodes[-1].op.thresholds
        odd = (mac.weights != 0).sum(axis=1) * sum(levels) % 2
        if moved and (rows == 6 or len(set(odd)) == 1):
            assert (found % 2 == 1).all()
            wanted = np.where(steps.thresholds % 2 == 1, 0, np.where(odd, -1, 1)[:rows, None])
            assert np.array_equal(found - steps.thresholds, wanted)
        else:
            assert np.array_equal(found, steps.thresholds)


def test_unread_channels_are_dropped() -> None:
    first = BinaryMac([[1, 1], [1, -1], [-1, 1], [1, 0]])
    codes = Threshold([[0], [1], [2], [3]])
    second = LutNeurons(2, 4, 1, [[1, 3], [3, 0]], [0, 1], [1, 1], [[0, 1, 1, 0], [0, 1, 0, 1]])  # reads 1 and 3; 3
    smaller = simplified(chain(Input((2,), 0, 7), first, codes, second))
    assert smaller.node("n1").op == BinaryMac([[1, -1], [1, 0]])
    assert smaller.node("n2").op == Threshold([[1], [3]])
    kept = smaller.node("n3").op
    assert (kept.elements, kept.wiring.tolist()) == (2, [[0, 1], [1, 0]])
    assert equal(chain(Input((2,), 0, 7), first, codes, second), smaller)
