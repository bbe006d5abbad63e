# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""From frozen model to network: field by field; and the report of what freezing changed."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from lutforge.errors import NetworkError, TrainingError
from lutforge.operations import Op
from lutforge.reference import trace
from lutforge.training import frozen
from lutforge.training.export import freeze_report, from_network, to_network


def test_every_operation_has_a_frozen_twin_with_the_same_fields():
    for kind in get_args(Op):
        twin = getattr(frozen, kind.__name__)
        code = twin.__init__.__code__
        names = code.co_varnames[1 : code.co_argcount] if kind.__name__ != "ArgMax" else ()
        assert list(names) == [item.name for item in fields(kind)], kind.__name__
    assert {kind.__name__ for kind in get_args(Op)} == {kind.__name__ for kind in frozen.KINDS}


def model(weights=((1, -1), (-2, 2))):
    steps = [
        ("image", frozen.Input((2,), 0, 9)),
        ("fc", frozen.TableMac(torch.tensor(weights), torch.tensor([0, 1]))),
        ("answer", frozen.ArgMax()),
    ]
    return frozen.FrozenModel("tiny", steps, {"dataset": "none", "seed": 4})


def test_network_of_a_frozen_model():
    network = to_network(model())
    assert network.name == "tiny" and dict(network.about) == {"dataset": "none", "seed": 4}
    assert [(node.name, node.inputs) for node in network.nodes] == [
        ("image", ()),
        ("fc", ("image",)),
        ("answer", ("fc",)),
    ]
    assert network.node("fc").op.weights.dtype == np.int16 and network.node("fc").op.weights.tolist() == [
        [1, -1],
        [-2, 2],
    ]
    assert (network.input.low, network.input.high) == (0, 9) and network.output.name == "fc"


def test_what_a_network_refuses_is_refused_at_export():
    with pytest.raises(NetworkError, match=r"weights -300\.\.2 need more than 9 bits"):
        to_network(model(((1, -1), (-300, 2))))


def test_unknown_module():
    strange = frozen.FrozenModel("x", [("image", frozen.Input((2,))), ("relu", nn.ReLU())], {})
    with pytest.raises(TrainingError, match=r"a ReLU is no operation of a network; known: Input, Encode"):
        to_network(strange)


class Unfrozen(nn.Module):
    def __init__(self, offset):
        super().__init__()
        self.offset = offset

    def forward(self, x):
        first, second = x[:, 0], x[:, 1]
        return torch.stack([first - second, 2 * second - 2 * first + 1 + self.offset], dim=1)


def test_freeze_report_counts_answers():
    images = DRAW_IMAGES
    same = freeze_report(Unfrozen(0.0), model(), images, np.zeros(len(images), np.int64))
    assert same.differing == 0 and same.check() is same
    assert same.unfrozen_accuracy == same.frozen_accuracy == float((model().run(images).argmax(1) == 0).mean())
    other = freeze_report(Unfrozen(2.5), model(), images, np.zeros(len(images), np.int64))
    expected = int(((images[:, 0].astype(int) - images[:, 1]) == 1).sum())  # 1 against -1: with the offset 1.5
    assert other.differing == expected > 10
    with pytest.raises(TrainingError, match=rf"on {expected} of 500 images; the limit is 0\.2%"):
        other.check()


DRAW_IMAGES = np.random.default_rng(2).integers(0, 10, (500, 2), dtype=np.uint8)


def test_a_network_file_back_in_torch(random_networks, network_kind):
    network = random_networks.make_random_network(np.random.default_rng(3), network_kind)
    twin = from_network(network)
    assert twin.name == "torch (network file)" and to_network(twin) == network
    images = np.random.default_rng(4).integers(network.input.low, network.input.high + 1, (7, *network.input.shape))
    wanted, found = trace(network, images), twin.trace(images)
    for name, values in wanted.items():
        assert np.array_equal(values, found[name]), name
