# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Deep LUT-NA networks: shapes, calibration, and frozen integers that are the module's own values."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from lutforge.errors import TrainingError
from lutforge.operations import Add, Concat, MaxPool, SumPool, TableMac
from lutforge.reference import run
from lutforge.training.data import load_dataset
from lutforge.training.export import to_network
from lutforge.training.fit import predict

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas warns about optional packages
    from lutforge.training.calibration import TRIED, best_range, calibrate, calibration_images
    from lutforge.training.deep_freezing import mean_factor
    from lutforge.training.deep_net import DeepNet
    from lutforge.training.deep_networks import NETWORKS, Convolution, deep_network
    from lutforge.training.deep_plan import DeepPlan
    from lutforge.training.deep_training import train_deep
    from lutforge.training.recipe import Run, follow, parse_recipe

WIDTH = 1 / 16
IMAGES = np.random.default_rng(5).integers(0, 256, (60, 4, 4, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
"""Coarse ones: a deep network of random weights makes nothing of fine noise."""


def quantised(name, shape=(32, 32, 3), high=255, **bits):
    """A network with random weights and some batch-norm statistics, calibrated."""
    torch.manual_seed(1)
    model = DeepNet(name, shape, high, 10, deep_network(name, WIDTH), **bits)
    images = IMAGES if shape == (32, 32, 3) else np.random.default_rng(6).integers(0, high + 1, (60, *shape), np.uint8)
    model.train()
    for _ in range(3):
        model(torch.from_numpy(images).float())
    calibrate(model, images)
    return model.eval(), images


def logit_scale(model, images):
    """What a logit of 1 stands for: it is one number, so that logits can be compared."""
    seen = {}
    model.layers["logits"].register_forward_pre_hook(lambda module, read: seen.update(x=read[0]))
    predict(model, images[:1])
    weight, _ = model.layers["logits"].quantised(seen["x"])
    return float((seen["x"].scale * weight.scale.flatten()[0]).detach())


@pytest.mark.parametrize("name", NETWORKS)
def test_frozen_equals_the_module(name):
    model, images = quantised(name)
    frozen = model.freeze()
    network = to_network(frozen)
    wanted = run(network, images[:12]).reshape(12, -1)
    assert np.array_equal(wanted * logit_scale(model, images), predict(model, images[:12]).numpy())
    assert np.array_equal(frozen.run(images[:4]).reshape(4, -1), wanted[:4])
    assert len(np.unique(wanted, axis=0)) > 1


@pytest.mark.parametrize(("activation_bits", "weight_bits"), [(2, 2), (4, 9), (8, 3), (5, 8)])
def test_bits(activation_bits, weight_bits):
    model, images = quantised("resnet18", activation_bits=activation_bits, weight_bits=weight_bits)
    network = to_network(model.freeze())
    for node in network.nodes:
        if isinstance(node.op, TableMac):
            assert np.abs(node.op.weights).max() < 1 << (weight_bits - 1)
            assert network.input_type(node).bits <= (8 if node.name == "conv1" else activation_bits)
    wanted = run(network, images[:9]).reshape(9, -1)
    assert np.array_equal(wanted * logit_scale(model, images), predict(model, images[:9]).numpy())


@pytest.mark.parametrize("shape", [(11, 9, 1), (8, 8, 1)])
def test_a_mean_over_any_number_of_pixels(shape):
    model, images = quantised("resnet18", shape, 16)
    wanted = run(to_network(model.freeze()), images).reshape(len(images), -1)
    assert np.array_equal(wanted * logit_scale(model, images), predict(model, images).numpy())


def test_mean_factor_is_near_the_quotient():
    for pixels in range(1, 1025):
        multiplier, shift = mean_factor(pixels)
        assert abs(multiplier / 2**shift * pixels - 1) <= pixels / 2**16 and 1 <= multiplier < 1 << 16


def count(name, kind):
    return sum(isinstance(node.op, kind) for node in to_network(quantised(name)[0].freeze()).nodes)


def test_networks_are_the_usual_ones():
    convolutions = {name: [part for part in deep_network(name) if isinstance(part, Convolution)] for name in NETWORKS}
    shortcuts = {name: sum("shortcut" in part.name for part in parts) for name, parts in convolutions.items()}
    # without shortcuts, and with the dense layer, the number in the name; GoogLeNet: 9 inceptions of 7, and the first
    assert {name: len(parts) - shortcuts[name] + 1 for name, parts in convolutions.items()} == {
        "vgg11": 9,  # one dense layer in place of three
        "vgg19": 17,
        "resnet18": 18,
        "resnet34": 34,
        "googlenet": 9 * 7 + 2,
    }
    assert shortcuts["resnet18"] == shortcuts["resnet34"] == 3
    assert count("resnet18", Add) == 8 and count("googlenet", Concat) == 9 and count("resnet18", SumPool) == 1
    assert count("vgg11", MaxPool) == 5 and count("googlenet", MaxPool) == 11


def test_full_width():
    sizes = {name: DeepNet(name, (32, 32, 3), 255, 10, deep_network(name)) for name in ("vgg11", "resnet18")}
    weights = {name: sum(layer.mac.weight.numel() for layer in model.layers.values()) for name, model in sizes.items()}
    assert weights == {"vgg11": 9_222_848, "resnet18": 11_164_352}


def test_best_range_is_the_best_of_all():
    values = torch.randn(5, 4000, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [[0.1], [1], [3], [9], [60]]
    )
    for bits in (2, 4, 8):
        for signed, rows in ((True, values), (False, values.abs())):
            found = best_range(rows, bits, signed)
            for row, exponent in zip(rows, found, strict=True):
                top = 2 ** (bits - 1) - 1 if signed else 2**bits - 1

                def loss(e, row=row, top=top, signed=signed, bits=bits):
                    unit = 2.0**e / 2 ** (bits - signed)
                    code = torch.floor(row / unit + 0.5).clamp(-top if signed else 0, top)
                    return float(((code * unit - row) ** 2).sum())

                first = int(np.ceil(np.log2(float(row.abs().max()))))
                assert loss(exponent) <= min(loss(first - step) for step in range(TRIED)) * 1.0001


def test_calibration_images_are_training_images_drawn_by_seed():
    data = load_dataset("digits")
    first, again, other = (calibration_images(data, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    rows = {image.tobytes() for image in data.train_images}
    assert all(image.tobytes() in rows for image in first)


RECIPE = """
kind = "deep"
about = "for tests"
dataset = "digits"
network = "resnet18"
width = 0.0625
epochs = 2
batch_size = 64
shift = 1
flip = false
settle = { epochs = 1, learning_rate = 0.001 }
"""


def test_a_recipe_trains_resumes_and_freezes(tmp_path):
    recipe = parse_recipe("r", RECIPE)
    told = []
    whole = follow(recipe, run=Run(folder=tmp_path / "a", on_epoch=told.append))
    assert [epoch.number for epoch in told] == [1, 2, 3] and recipe.epochs == 3
    assert whole.report.differing == 0 and whole.fitted.best_epoch == 3
    assert float(whole.frozen.about["floating_validation_accuracy"]) > 0.3
    again = follow(recipe, run=Run(folder=tmp_path / "a", resume=True))
    assert np.array_equal(again.frozen.run(whole.data.test_images[:9]), whole.frozen.run(whole.data.test_images[:9]))


def test_without_settling_the_validation_is_of_the_quantised_network():
    data = load_dataset("digits")
    plan = DeepPlan("resnet18", 1, width=WIDTH, batch_size=64, shift=0, flip=False)
    model = plan.build(data)
    fitted = train_deep(model, data, plan)
    predicted = predict(model, data.validation_images).argmax(dim=1).numpy()
    assert fitted.best_validation == pytest.approx(float((predicted == data.validation_labels).mean()))
    assert not model.floating and len(fitted.history) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: deep_network("vgg12"), "network 'vgg12' is unknown; use one of vgg11, vgg19"),
        (lambda: deep_network("vgg11", 0.0), r"network vgg11: width 0\.0; it must lie above 0 and be 4 at most"),
        (lambda: DeepPlan("vgg11", 0), "epochs: 0; at least one is wanted"),
        (lambda: DeepPlan("vgg11", 1).build(load_dataset("digits")), "cannot be pooled 2 x 2; .* too small"),
        (
            lambda: quantised("resnet18", activation_bits=9),
            "activation_bits 9: a table look-up reads activations of 2 to 8",
        ),
        (lambda: quantised("resnet18", weight_bits=10), "weight_bits 10: a table look-up holds weights of 2 to 9 bits"),
        (lambda: DeepNet("n", (8, 8, 1), 16, 4, deep_network("resnet18", WIDTH)).freeze(), "n is not quantised yet"),
        (
            lambda: DeepPlan("resnet18", 1).build(replace(load_dataset("digits"), low=-1)),
            "resnet18: pixels of .* begin at -1; 0 is wanted",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(TrainingError, match=message):
        make()


def test_a_recipe_with_a_wrong_network_is_refused():
    with pytest.raises(TrainingError, match="network 'vgg13' is unknown"):
        parse_recipe("r", RECIPE.replace("resnet18", "vgg13"))
    with pytest.raises(TrainingError, match="'widht' is no key of it; did you mean 'width'"):
        parse_recipe("r", RECIPE.replace("width", "widht"))
