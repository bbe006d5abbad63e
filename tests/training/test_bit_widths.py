# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy by bits: each point is the network that a calibration with these bits gives, integers included."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from lutforge.errors import TrainingError
from lutforge.reference import run
from lutforge.training.data import load_dataset
from lutforge.training.export import to_network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas warns about optional packages
    from lutforge.training.bit_widths import ALL_ACTIVATION_BITS, ALL_WEIGHT_BITS, accuracies, with_bits
    from lutforge.training.calibration import calibrate
    from lutforge.training.deep_net import DeepNet
    from lutforge.training.deep_networks import Convolution, Dense
    from lutforge.training.fit import accuracy, fit

DATA = load_dataset("digits")
PARTS = (Convolution("conv1", "image", 8, pool=2), Convolution("conv2", "conv1", 12), Dense("logits", "conv2"))


@pytest.fixture(scope="module")
def model() -> DeepNet:
    torch.manual_seed(2)
    net = DeepNet("net", DATA.shape, DATA.high, DATA.classes, PARTS)
    fit(net, DATA, epochs=3, learning_rate=0.01, batch_size=64)
    return net


def test_points_are_what_the_integers_answer(model: DeepNet) -> None:
    images, labels = DATA.test_images, DATA.test_labels
    before = {name: value.clone() for name, value in model.state_dict().items()}
    told = []
    found = accuracies(
        model, DATA.train_images, images, labels, ((8, 8), (3, 2), (9, 5)), lambda *point: told.append(point)
    )
    assert told == [(*bits, part) for bits, part in found.items()]
    assert len(set(found.values())) > 1
    for (weight_bits, activation_bits), part in found.items():
        single = with_bits(model, weight_bits, activation_bits)
        calibrate(single, DATA.train_images)
        assert accuracy(single, images, labels) == part
        classes = run(to_network(single.freeze()), images).reshape(len(images), -1).argmax(axis=1)
        assert float((classes == labels).mean()) == pytest.approx(part, abs=1e-6)
    assert model.floating and all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_more_bits_are_nearer_to_the_floating_network(model: DeepNet) -> None:
    images, labels = DATA.test_images, DATA.test_labels
    found = accuracies(model, DATA.train_images, images, labels, [(bits, bits) for bits in (2, 4, 8)])
    floating = accuracy(model, images, labels)
    gaps = [abs(floating - found[bits, bits]) for bits in (2, 4, 8)]
    assert gaps[0] > gaps[1] > gaps[2] - 1e-9 and gaps[2] < 0.01
    assert gaps[0] > 0.5


def test_all_bits_are_tried_without_points(model: DeepNet) -> None:
    found = accuracies(model, DATA.train_images[:50], DATA.test_images[:20], DATA.test_labels[:20])
    assert set(found) == {(weight, activation) for weight in range(2, 10) for activation in range(2, 9)}
    assert len(found) == len(ALL_WEIGHT_BITS) * len(ALL_ACTIVATION_BITS) == 56
    assert np.ptp(list(found.values())) > 0


def test_bits_that_tables_cannot_have_are_refused(model: DeepNet) -> None:
    with pytest.raises(TrainingError, match="weight_bits 1: a table look-up holds weights of 2 to 9 bits"):
        accuracies(model, DATA.train_images[:20], DATA.test_images[:9], DATA.test_labels[:9], [(1, 8)])
