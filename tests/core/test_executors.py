# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What images may be, and that a difference between two executors is traced to its node and element."""

from __future__ import annotations

import numpy as np
import pytest

import lutforge
from lutforge.errors import InputError
from lutforge.executors import check_images, first_difference
from lutforge.network import Network, Node
from lutforge.operations import ArgMax, Input, LutNeurons, Reshape, Threshold
from lutforge.reference import ReferenceExecutor


def network(tables=((0, 1, 1, 0), (1, 0, 0, 1), (0, 0, 0, 1))):
    luts = LutNeurons(2, 4, 1, [[0, 1], [1, 2], [2, 3]], [0, 0, 1], [2, 1, 1], tables)
    last = LutNeurons(
        3, 2, 1, [[0, 1], [0, 1], [1, 0]], [0, 1, 2], [1, 1, 1], [[0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0]]
    )
    return Network(
        "n",
        (
            Node("x", Input((2, 2, 1), 0, 9)),
            Node("flat", Reshape((4,)), ("x",)),
            Node("code", Threshold([[4]]), ("flat",)),
            Node("luts", luts, ("code",)),
            Node("again", Threshold([[0], [0]]), ("luts",)),
            Node("last", last, ("again",)),
            Node("top", ArgMax(), ("last",)),
        ),
    )


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 10, (40, 2, 2, 1))


@pytest.mark.parametrize("shape", [(3, 2, 2, 1), (3, 2, 2), (3, 4), (0, 4)])
def test_images_may_come_flat_or_without_their_one_channel(shape):
    assert check_images(network(), np.zeros(shape, dtype=np.uint8)).shape == (shape[0], 2, 2, 1)


ERRORS = [
    (
        np.zeros((3, 2, 3), dtype=int),
        r"images have shape \(3, 2, 3\); \[batch, 2, 2, 1\] is wanted \(or \[batch, 4\]\)",
    ),
    (np.zeros((2, 2), dtype=int), r"images have shape \(2, 2\)"),
    (np.array(3), r"images have shape \(\)"),
    (np.zeros((3, 4)), r"images have dtype float64; integers 0..9 are wanted. Pixels enter as they are"),
    (np.zeros((3, 4), dtype=bool), r"images have dtype bool"),
    (np.full((3, 4), 10), r"images hold values 10..10; the network reads 0..9"),
    (np.full((3, 4), -1), r"images hold values -1..-1; the network reads 0..9"),
]


@pytest.mark.parametrize(("images", "text"), ERRORS, ids=[text for _, text in ERRORS])
def test_wrong_images_are_refused(images, text):
    with pytest.raises(InputError, match=text):
        check_images(network(), images)


def test_equal_executors_have_no_difference(images):
    assert first_difference(network(), ReferenceExecutor(network()), ReferenceExecutor(network()), images) is None


class Named(ReferenceExecutor):
    name = "other"


def test_a_flipped_table_bit_is_traced_to_its_node_and_element(images):
    right = network()
    wrong = network(((0, 1, 1, 0), (1, 0, 0, 1), (0, 0, 0, 0)))  # neuron 1, address 3
    found = first_difference(right, ReferenceExecutor(right), Named(wrong), images)
    bits = images.reshape(40, 4) > 4
    assert found is not None
    assert found.image == int(np.flatnonzero(bits[:, 2] & bits[:, 3])[0])
    assert (found.node, found.element, found.left_value, found.right_value) == ("luts", (1,), 1, 0)
    assert str(found) == f"image {found.image}, node luts, element [1]: reference says 1, other says 0"


def test_of_several_differences_the_first_is_named(images):
    right, wrong = network(), network(((0, 1, 1, 1), (1, 0, 0, 1), (0, 0, 0, 0)))
    ones = np.full((1, 2, 2, 1), 9)
    found = first_difference(right, ReferenceExecutor(right), Named(wrong), ones)
    assert found is not None
    assert (found.node, found.element, found.left_value, found.right_value) == ("luts", (0,), 1, 3)


def test_logits_that_differ_under_equal_traces_are_named(images):
    class Corrupt(Named):
        def run(self, images):
            logits = super().run(images)
            logits[:, 2] += 1
            return logits

    found = first_difference(network(), ReferenceExecutor(network()), Corrupt(network()), images)
    assert found is not None and (found.image, found.node, found.element) == (0, "last", (2,))


def test_an_image_that_differs_only_within_a_batch_is_said_so(images):
    class Forgetful(Named):
        def run(self, images):
            logits = super().run(images)
            if len(images) > 1:
                logits[1] -= 1
            return logits

    found = first_difference(network(), ReferenceExecutor(network()), Forgetful(network()), images)
    assert found is not None and found.image == 1 and "differs in a batch, not alone" in str(found)


def test_unsigned_64_bit_images_run(random_networks, network_kind):
    rng = np.random.default_rng(8)
    network = random_networks.make_random_network(rng, network_kind)
    images = np.abs(random_networks.make_random_images(rng, network, 4)).clip(
        max(network.input.low, 0), network.input.high
    )
    assert np.array_equal(lutforge.run(network, images.astype(np.uint64)), lutforge.run(network, images))
