# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Convolutions, encoded pixels and the binarised baseline: what is frozen is what the module computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import lutforge
from lutforge.errors import TrainingError
from lutforge.operations import BinaryMac, Encode, LutNeurons, MaxPool, Window
from lutforge.training.export import to_network
from lutforge.training.lutnet import Layer, LutNet

SHAPE = (9, 8, 2)
CONV = [Layer(5, kernel=3, pool=2), Layer(6, kernel=3), Layer(7), Layer(4)]
KINDS = {
    "conv, baseline": (CONV, {}, None),
    "conv, 1 level": (CONV, {"levels": 1}, None),
    "conv, free levels": (CONV, {"levels": 3, "ratio": "free"}, None),
    "conv, second as tables": (CONV, {"targets": (2,)}, 4),
    "conv, all but the first as tables": (CONV, {}, 3),
    "conv, first as tables of encoded pixels": (CONV, {"targets": (1,), "thresholds": (3, 9)}, 6),
    "dense, encoded, all as tables": ([Layer(9), Layer(4)], {"targets": "all", "thresholds": (7,), "levels": 1}, 5),
    "gathered, conv and dense": (CONV, {"targets": (2, 3)}, 5),
    "gathered, free levels": (CONV, {"levels": 2, "ratio": "free"}, 6),
    "gathered, all of 1 level": ([Layer(9), Layer(4)], {"targets": "all", "thresholds": (7,), "levels": 1}, 2),
    "dense, encoded, binary": ([Layer(9), Layer(4)], {"thresholds": (2, 5, 11)}, None),
}


TILED = {
    "conv and dense": (CONV, {"targets": (2, 3)}, 4, 1, [(5, 2), (2, 7)]),
    "all layers, 3 levels": (
        [Layer(6), Layer(4)],
        {"targets": "all", "thresholds": (7,), "levels": 3},
        5,
        3,
        [(12, 3), (3, 2)],
    ),
    "one activation": ([Layer(6), Layer(4)], {"levels": 1}, 2, 1, [(2, 2)]),
}


@pytest.mark.parametrize("kind", TILED)
def test_tiled_stages_freeze_as_they_compute(kind: str) -> None:
    layers, options, inputs, weights, tiles = TILED[kind]
    torch.manual_seed(2)
    model = with_statistics(LutNet("net", SHAPE, 0, 15, layers, **options))
    images = torch.from_numpy(images_of(60)).float()
    with torch.no_grad():
        before = model(images)
        for stage in model.chosen:
            stage.make_rising()
        # float32 sums of negated weights, and batch norms in another order
        torch.testing.assert_close(model(images), before)
    model.prune([0.6] * len(tiles), (0.5, 1.5), tiles)
    for stage, (inside, outside) in zip(model.chosen, tiles, strict=True):
        mask = stage.binary.mask
        rows, columns = mask.shape[0] // outside, mask.shape[1] // inside
        assert torch.equal(mask, mask[:rows, :columns].repeat(outside, inside))
    with torch.no_grad():
        pruned = model(images)
        model.expand_tiled(inputs, weights, tiles, "random", 3)
        model.binarise_tables()
        torch.testing.assert_close(model(images), pruned)  # each table starts as the XNOR of its synapse
        for stage in model.chosen:
            stage.layer.latent.uniform_(-1, 1)
            stage.after_step()
    frozen = model.freeze()
    found = images_of(300)
    trace = frozen.trace(found)
    codes, _ = float_codes(model, found)
    for number, (code, stage) in enumerate(zip(codes, model.stages, strict=False), start=1):
        assert np.array_equal(trace[f"pool{number}" if stage.pool else f"code{number}"], code.numpy())
    assert np.array_equal(lutforge.run(to_network(frozen), found), frozen.run(found))
    with torch.no_grad():
        model.chosen[0].norm.weight[1] = -1.0
    if model.chosen[0].activation is not None:
        with pytest.raises(TrainingError, match=r"a batch norm of tiled stage \d falls with the sum"):
            model.freeze()


def images_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 16, size=(count, *SHAPE)).astype(np.uint8)


def made(kind: str) -> LutNet:
    layers, options, inputs = KINDS[kind]
    torch.manual_seed(7)
    model = LutNet("net", SHAPE, 0, 15, layers, **options)
    model.prune([0.6] * len(model.targets), (0.5, 1.5))
    if inputs:
        if kind.startswith("gathered"):
            model.gather(inputs)
        else:
            model.expand(inputs, "recover", 1)
        model.binarise_tables()
    return with_statistics(model)


@torch.no_grad()
def with_statistics(model: LutNet) -> LutNet:
    """The model in eval mode, its batch norms random, some falling, with the statistics of random images."""
    for stage in model.stages:
        stage.norm.weight.copy_(torch.randn_like(stage.norm.weight) + 0.3)
        stage.norm.bias.normal_(std=0.5)
        stage.norm.momentum = 1.0
    model.train()
    model(torch.from_numpy(images_of(200, 5)).float())
    return model.eval()


def float_codes(model: LutNet, images: np.ndarray) -> tuple[list[Tensor], Tensor]:
    codes = []
    with torch.no_grad():
        for stage, _, values in model.double().walk(torch.from_numpy(images).double()):
            if stage.activation is not None:
                found = stage.activation.codes(values)
                codes.append(found if found.ndim == 4 else found.T)
    return codes, values.T


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_codes_equal_the_modules_codes(kind: str) -> None:
    model = made(kind)
    frozen = model.freeze()
    images = images_of(300)
    trace = frozen.trace(images)
    codes, logits = float_codes(model, images)
    assert any((stage.turn() < 0).any() for stage in list(model.stages)[:-1])
    for number, (code, stage) in enumerate(zip(codes, model.stages, strict=False), start=1):
        name = f"pool{number}" if stage.pool else f"code{number}"
        assert np.array_equal(trace[name], code.numpy()), name
        assert len(np.unique(code)) == 2**model.levels
    assert (trace["answer"][:, 0] == logits.numpy().argmax(axis=1)).mean() > 0.98  # scales of logits are rounded
    network = to_network(frozen)
    assert np.array_equal(lutforge.run(network, images), frozen.run(images))
    ops = [type(node.op) for node in network.nodes]
    tables = KINDS[kind][2]
    assert ops.count(LutNeurons) == (len(model.targets) if tables else 0)
    assert ops.count(BinaryMac) == len(model.stages) - ops.count(LutNeurons)
    assert (Encode in ops) == bool(model.thresholds)
    assert ops.count(Window) == sum(bool(stage.kernel) for stage in model.stages)
    assert ops.count(MaxPool) == sum(bool(stage.pool) for stage in model.stages)


def test_tables_start_as_the_binary_convolution() -> None:
    torch.manual_seed(3)
    model = LutNet("net", SHAPE, 0, 15, CONV).eval()
    images = torch.from_numpy(images_of(20)).float()
    with torch.no_grad():
        before = model(images)
        model.expand(3, "random", 0)  # nothing is pruned, so nothing is recovered: tables are bare XNORs
        model.binarise_tables()
        assert torch.equal(model(images), before)


@pytest.mark.parametrize(
    ("layers", "options", "message"),
    [
        ([Layer(4), Layer(4, kernel=3)], {}, "layer 2: a convolution behind a dense layer. Put the convolutions first"),
        (
            [Layer(4, 3, 2), Layer(4, 3, 2), Layer(4)],
            {},
            "layer 2: windows of 3 x 3 and a pool of 2 do not fit the 3 x 3",
        ),
        ([Layer(4), Layer(4)], {"targets": "all"}, "layer 1 reads pixels, and tables read bits: give thresholds"),
        ([Layer(4), Layer(4)], {"targets": "most"}, "layers 'most': use 'inner', 'all', or a list"),
        ([Layer(4), Layer(4)], {"targets": (3,)}, r"layers \(3,\): numbers of 1\.\.2 are wanted, rising"),
        ([Layer(4), Layer(4)], {"targets": (2, 2)}, r"layers \(2, 2\): numbers of 1\.\.2 are wanted, rising"),
    ],
)
def test_refusals(layers: list[Layer], options: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        LutNet("net", SHAPE, 0, 15, layers, **options)
