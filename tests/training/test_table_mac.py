# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""LUT-NA layers and networks: the frozen integers are the module's own values, to the last bit."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import lutforge
from lutforge.errors import TrainingError
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.export import freeze_report, to_network
from lutforge.training.fit import fit, predict

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas warns about optional packages
    from lutforge.training.lutna import FOLD_FROM, LutNa, lutna_conv, lutna_mlp
    from lutforge.training.recipe import follow, recipe_named
    from lutforge.training.table_mac import TableMacLayer, rescale


def noise(shape, high, count=40, classes=7):
    draw = np.random.default_rng(3)

    def part():
        return draw.integers(0, high + 1, (count, *shape), dtype=np.uint8), np.arange(count) % classes

    return Dataset("noise", "noise", *part(), *part(), *part(), low=0, high=high)


CASES = {
    "mlp": (lutna_mlp, (28, 28, 1), 255, 8),
    "mlp, 9-bit weights": (lutna_mlp, (28, 28, 1), 255, 9),
    "mlp, 2-bit weights": (lutna_mlp, (8, 8, 1), 16, 2),
    "conv": (lutna_conv, (28, 28, 1), 255, 8),
    "conv, small images": (lutna_conv, (8, 8, 1), 16, 8),
    "conv, odd image": (lutna_conv, (11, 9, 2), 255, 8),
    "conv, colour, 9-bit weights": (lutna_conv, (32, 32, 3), 255, 9),
}


@pytest.fixture(scope="module", params=CASES)
def trained(request):
    build, shape, high, bits = CASES[request.param]
    torch.manual_seed(0)
    data = noise(shape, high)
    model = build(data, (6, 5), weight_bits=bits)
    fit(model, data, epochs=4, learning_rate=0.02, batch_size=20)
    return model, data, bits


def logit_scale(model):
    """Scale of the logits: that of the last layer's weights times that of its input."""
    head = model.dense[-1]
    before = model.dense[-2] if len(model.dense) > 1 else model.convolutions[-1]
    return float((head.mac.quant_weight().scale * before.activation.scale).detach())


def test_frozen_logits_are_the_modules_own(trained):
    model, data, _ = trained
    frozen = model.freeze()
    expected = frozen.run(data.test_images)
    got = predict(model, data.test_images).double().numpy() / logit_scale(model)
    assert np.array_equal(got, expected)  # no tolerance: power-of-two scales, sums below 2**24
    assert freeze_report(model, frozen, data.test_images, data.test_labels).differing == 0


def test_reference_equals_torch(trained):
    model, data, bits = trained
    frozen = model.freeze()
    network = to_network(frozen)
    assert np.array_equal(lutforge.run(network, data.test_images), frozen.run(data.test_images))
    for node in network.nodes:
        if hasattr(node.op, "weights"):
            assert abs(node.op.weights.astype(int)).max() <= 2 ** (bits - 1) - 1  # narrow: negation is safe
            assert network.input_type(node).bits <= 8 and network.input_type(node).low == 0


def test_freezing_leaves_the_module_alone(trained):
    model, _, _ = trained
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    model.freeze()
    assert model.training
    model.eval()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_layout_of_a_convolution_network():
    network = to_network(lutna_conv(noise((28, 28, 1), 255)).freeze())
    assert [(node.name, type(node.op).__name__) for node in network.nodes] == [
        ("image", "Input"),
        ("conv1_window", "Window"),
        ("conv1", "TableMac"),
        ("conv1_rescale", "Rescale"),
        ("conv1_pool", "MaxPool"),
        ("conv2_window", "Window"),
        ("conv2", "TableMac"),
        ("conv2_rescale", "Rescale"),
        ("conv2_pool", "MaxPool"),
        ("flat", "Reshape"),
        ("fc1", "TableMac"),
        ("answer", "ArgMax"),
    ]
    assert network.types["conv1"].shape == (28, 28, 16) and network.types["conv2_pool"].shape == (7, 7, 32)
    assert network.node("conv1_rescale").op.multiplier.tolist() in ([1], [1] * 16)


def test_folded_batch_norm_is_batch_norm():
    """With the constants of the running statistics, folding changes nothing but the quantisation."""
    torch.manual_seed(1)
    layer = TableMacLayer(5, 4, kernel=3).eval()
    norm = layer.norm
    norm.running_mean.uniform_(-1, 1), norm.running_var.uniform_(0.1, 4)
    nn.init.uniform_(norm.weight, -2, 2), nn.init.uniform_(norm.bias, -1, 1)
    weight, bias = layer.folded()
    x = torch.randn(3, 5, 6, 6)
    direct = norm(nn.functional.conv2d(x, layer.mac.weight, layer.mac.bias, padding=1))
    folded = nn.functional.conv2d(x, weight, bias, padding=1)
    assert torch.allclose(direct, folded, atol=1e-5)  # two orders of float32 arithmetic


def test_folding_starts_half_way():
    model = lutna_mlp(noise((8, 8, 1), 16))
    model.start_epoch(FOLD_FROM - 0.01)
    assert not any(layer.folding for layer in model.dense)
    model.start_epoch(FOLD_FROM)
    assert all(layer.folding for layer in model.dense)


def test_training_resumes_across_the_folding(tmp_path):
    data, path = noise((8, 8, 1), 16), tmp_path / "x.checkpoint"
    results = []
    for stop in (None, 3):
        torch.manual_seed(0)
        model = lutna_mlp(data, (6,))

        def interrupt(epoch, stop=stop):
            if epoch.number == stop:
                raise KeyboardInterrupt

        settings = {"epochs": 5, "learning_rate": 0.02, "batch_size": 10, "checkpoint": path}
        try:
            fit(model, data, **settings, on_epoch=interrupt)
        except KeyboardInterrupt:
            model = lutna_mlp(data, (6,))
            fit(model, data, **settings, resume=True)
        results.append(to_network(model.freeze()))
    assert results[0] == results[1]


def test_rescale_of_scales():
    assert rescale(torch.tensor([8.0, 1.0, 0.25]), 0, 255).values()["shift"].tolist() == [3, 0, 0]
    assert rescale(torch.tensor([8.0, 1.0, 0.25]), 0, 255).multiplier.tolist() == [1, 1, 4]
    assert rescale(torch.tensor([8.0, 8.0]), 0, 255).shift.tolist() == [3]


@pytest.mark.parametrize(("high", "scale"), [(255, 2.0**-8), (16, 2.0**-4), (15, 2.0**-4), (17, 2.0**-5)])
def test_pixels_are_divided_by_the_least_power_of_two_not_below_the_highest(high, scale):
    model = LutNa("x", (1, high + 1, 1), high, 2, hidden=()).eval()
    got = model.pixels(torch.arange(high + 1.0).reshape(1, 1, 1, -1) * model.pixel_scale)
    assert float(got.scale) == model.pixel_scale == scale
    assert got.int().flatten().tolist() == list(range(high + 1))


def test_weight_bits_beyond_a_table():
    with pytest.raises(TrainingError, match="weight_bits 10: a table look-up holds weights of 2 to 9 bits"):
        LutNa("x", (8, 8, 1), 16, 10, hidden=(4,), weight_bits=10)


def test_unknown_recipe():
    with pytest.raises(TrainingError, match=r"'lutna' is unknown; use one of .*lutna_conv_mnist, lutna_mlp_digits"):
        recipe_named("lutna")


def test_recipe_of_the_demo():
    """The whole way on real images: train on digits, freeze, export, compare every logit."""
    result = follow(recipe_named("lutna_mlp_digits"))
    data = load_dataset("digits")
    assert result.report.frozen_accuracy >= 0.95 and result.report.images == len(data.test_images)
    network = to_network(result.frozen)
    assert np.array_equal(lutforge.run(network, data.test_images), result.frozen.run(data.test_images))
    assert network.about["dataset"] == "scikit-learn digits" and network.about["seed"] == 0


@pytest.mark.slow
def test_retraining_gives_the_committed_network():
    """The same network on the same type of processor; another one adds floats in another order, so the accuracy counts.

    With `-rA` the output says whether the digest is the committed one.
    """
    name = "lutna_mlp_mnist"
    folder = Path(os.environ.get("LUTFORGE_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
    if not (folder / "MNIST").is_dir():
        pytest.skip("no MNIST files: set LUTFORGE_DATA")
    torch.set_num_threads(1)
    result = follow(recipe_named(name), folder)
    committed = lutforge.load(Path(__file__).parents[1] / "golden" / f"{name}.npz")
    assert result.report.frozen_accuracy == pytest.approx(committed.about["test_accuracy"], abs=0.003)
    again = to_network(result.frozen)
    assert again.types.keys() == committed.types.keys()
    assert [again.types[key].shape for key in again.types] == [committed.types[key].shape for key in committed.types]
    print("digest equal:", lutforge.digest(again) == lutforge.digest(committed))
