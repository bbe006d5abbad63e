# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import lutforge
from lutforge.errors import TrainingError
from lutforge.operations import LutNeurons as LutNeuronsOp
from lutforge.training.binary import BinaryLinear
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.expansion import expanded, gathered
from lutforge.training.export import freeze_report, to_network
from lutforge.training.lutnet import Layer, LutNet
from lutforge.training.lutnet_plan import LutNetPlan, NetworkPlan, Phase, PruningPlan, StepsPlan
from lutforge.training.lutnet_steps import recalibrate
from lutforge.training.recipe import follow, recipe_named

SHORT = LutNetPlan(
    NetworkPlan(hidden=(12, 12)),
    PruningPlan(keep=(0.4, 0.5), steps=2),
    StepsPlan(
        dense=Phase(2, 0.01),
        prune=Phase(1, 0.01),
        retrain=Phase(1, 0.01),
        real=Phase(1, 0.01),
        binary=Phase(2, 0.01),
        settle=Phase(1, 0.001),
    ),
)


def dense(hidden: tuple[int, ...], classes: int, **options: object) -> LutNet:
    """A dense network on images of 3 x 4 pixels 0..9."""
    return LutNet("net", (3, 4, 1), 0, 9, [*(Layer(each) for each in hidden), Layer(classes)], **options)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


def untrained(levels: int = 2, ratio: str = "pow2", inputs: int = 4, seed: int = 1) -> LutNet:
    """Binary tables and batch norms of random statistics, a third of the slopes negative, one of them zero."""
    torch.manual_seed(seed)
    model = dense((10, 9), 5, levels=levels, ratio=ratio)
    model.prune((0.6, 0.7), (0.5, 1.5))
    model.expand(inputs, "recover", seed)
    model.binarise_tables()
    with torch.no_grad():
        for stage in model.stages:
            stage.norm.weight.copy_(torch.randn_like(stage.norm.weight) + 0.5)
            stage.norm.weight[3] = 0.0
            stage.norm.bias.normal_(std=0.5)
            stage.norm.momentum = 1.0
        model(torch.from_numpy(images_of(200, seed)).float())  # batch norms take the statistics of these images
    return model.eval()


def images_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 10, size=(count, 3, 4, 1)).astype(np.uint8)


def float_codes(model: LutNet, images: np.ndarray) -> tuple[list[Tensor], Tensor]:
    """Codes of every stage and the logits, from the module's own float64 expression."""
    model = model.double()
    signs, levels = torch.from_numpy(images).double().flatten(1).T[None], torch.ones(1)
    codes = []
    for stage in list(model.stages)[:-1]:
        values = stage(signs, levels)
        codes.append(stage.activation.codes(values).T)
        signs, levels = stage.activation(values), stage.activation.level_weights()
    return codes, model.stages[-1](signs, levels).T


@pytest.mark.parametrize(("levels", "ratio"), [(1, "pow2"), (2, "pow2"), (3, "pow2"), (2, "free"), (3, "free")])
@pytest.mark.parametrize("inputs", [2, 6])
def test_frozen_codes_equal_the_modules_codes(levels: int, ratio: str, inputs: int) -> None:
    model = untrained(levels, ratio, inputs)
    frozen = model.freeze()
    assert (np.concatenate([stage.turn() for stage in model.chosen[:-1]]) < 0).any()
    images = images_of(400)
    trace = frozen.trace(images)
    with torch.no_grad():
        codes, logits = float_codes(model, images)
    for number, code in enumerate(codes, start=1):
        assert np.array_equal(trace[f"code{number}"], code.numpy())
        assert len(np.unique(code)) == 2**levels
    ours = trace["logits"]
    unit = np.abs(ours).max() / logits.abs().max().item()
    # Scale and offset are each rounded to whole numbers: half a unit per table sum, and half for the offset.
    total = trace["fc3"].max()
    assert np.abs(ours - logits.numpy() * unit).max() <= 0.5 * total + 0.5 + 1e-3 * np.abs(ours).max()


def test_network_answers_as_the_frozen_module_does() -> None:
    frozen = untrained(3, "free", 5).freeze()
    network = to_network(frozen)
    images = images_of(300)
    assert np.array_equal(lutforge.run(network, images), frozen.run(images))


def test_full_tables_start_as_the_binary_network() -> None:
    torch.manual_seed(3)
    model = dense((10, 9), 5).eval()
    images = torch.from_numpy(images_of(50)).float()
    with torch.no_grad():
        before = model(images)
        model.expand(3, "random", 0)  # nothing is pruned, so nothing is recovered: tables are bare XNORs
        model.binarise_tables()
        assert torch.equal(model(images), before)


def half_pruned() -> BinaryLinear:
    """The layer of a small network that will be tables, half of its synapses pruned."""
    torch.manual_seed(5)
    model = dense((10,), 7)
    model.prune((0.5,), (0.5, 1.5))
    return model.chosen[0].binary


@pytest.mark.parametrize("inputs", [2, 4, 5, 6])
def test_gathered_tables_start_as_the_pruned_network_and_the_largest_pruned_synapses(inputs: int) -> None:
    binary = half_pruned()
    latent, mask = binary.latent.detach(), binary.mask
    layer = gathered(binary, 2, inputs)
    signs = torch.randn(2, mask.shape[1], 40).sign()
    wanted, scale = torch.zeros(len(mask), 40), float(layer(signs, torch.tensor([2.0, 1.0])).detach().abs().max())
    for output in range(len(mask)):
        bits = layer.wiring[layer.neuron == output].flatten().tolist()
        assert len(set(bits)) == len(bits)
        own = {level * mask.shape[1] + element for element in mask[output].nonzero()[:, 0].tolist() for level in (0, 1)}
        extra = [bit % mask.shape[1] for bit in bits if bit not in own]
        assert own <= set(bits) and len(extra) < inputs
        left = (latent[output].abs() * ~mask[output]).sort(descending=True).values
        assert {float(latent[output, element].abs()) for element in extra} <= set(left[: -(-len(extra) // 2)].tolist())
        for bit in bits:
            level, element = divmod(bit, mask.shape[1])
            wanted[output] += 0.5**level * latent[output, element] * signs[level, element]
    found = layer(signs, torch.tensor([2.0, 1.0])).detach()
    torch.testing.assert_close(found, wanted * scale / wanted.abs().max(), rtol=0, atol=1e-5)


def test_gathered_tables_that_cannot_be_are_named() -> None:
    binary = dense((10,), 7).chosen[0].binary
    with pytest.raises(TrainingError, match=r"gathered: 7 inputs per table; the limits are 2\.\.6"):
        gathered(binary, 2, 7)
    with pytest.raises(TrainingError, match=r"gathered: 4 tables of 6 inputs for an output of 10 inputs on 2 levels"):
        gathered(binary, 2, 6)


@pytest.mark.parametrize("wiring", ["recover", "random"])
def test_tables_start_as_the_sum_of_their_synapses_each_pruned_one_once(wiring: str) -> None:
    binary = half_pruned()
    latent, mask = binary.latent.detach(), binary.mask
    layer = expanded(binary, 2, 4, wiring, seed=2)
    taken: set[tuple[int, int]] = set()
    wanted = torch.zeros(len(layer.neuron), 16)
    for edge, (output, wires) in enumerate(zip(layer.neuron.tolist(), layer.wiring.tolist(), strict=True)):
        for position, element in enumerate(wires):
            if position and (mask[output, element] or (output, element) in taken):
                continue
            if position:
                taken.add((output, element))
            for row in range(16):
                wanted[edge, row] += latent[output, element] * (1 if row >> position & 1 else -1)
    assert taken
    tables = layer.latent.detach()
    # The same sums of float32 in another order.
    torch.testing.assert_close(tables[:, 0], wanted / wanted.abs().max(), rtol=0, atol=1e-6)
    assert torch.equal(tables[:, 0], tables[:, 1])
    assert float(tables.abs().max()) == 1.0


def test_recalibration_measures_the_training_images(digits: Dataset) -> None:
    model = SHORT.build(digits)
    recalibrate(model, digits)
    images = torch.from_numpy(digits.train_images).float().flatten(1)
    sums = images @ model.stages[0].binary.weight().detach().T
    batches = [batch.mean(dim=0) for batch in sums.split(1000)]
    torch.testing.assert_close(model.stages[0].norm.running_mean, torch.stack(batches).mean(dim=0))
    assert model.stages[0].norm.momentum == 0.1
    model.freeze_statistics()
    before = model.stages[0].norm.running_mean.clone()
    model.train()
    model(torch.zeros(4, 8, 8, 1))
    assert torch.equal(model.stages[0].norm.running_mean, before)


def test_helper_tensors_lie_where_the_network_does() -> None:
    torch.manual_seed(4)
    model = dense((10, 9), 5)
    with torch.device("meta"):  # a tensor made without a device would lie there and mix with nothing
        model.prune((0.6, 0.7), (0.5, 1.5))
        layers = [expanded(stage.binary, 2, 4, "recover", 0) for stage in model.chosen]
    assert {tensor.device.type for layer in layers for tensor in (layer.latent, layer.wiring)} == {"cpu"}
    assert model.to("meta")(torch.zeros(6, 3, 4, 1, device="meta")).device.type == "meta"


def test_steps_out_of_order_are_named() -> None:
    model = untrained()
    with pytest.raises(TrainingError, match="consists of tables already"):
        model.prune((0.5, 0.5), (0.5, 2.0))
    binary = dense((10,), 5)
    with pytest.raises(TrainingError, match="has no tables yet; call expand"):
        binary.binarise_tables()
    binary.expand(2, "random", 0)
    with pytest.raises(TrainingError, match=r"the tables of stage 2 are real-valued; call binarise_tables\(\) first"):
        binary.freeze()


def test_digits_recipe_reaches_its_accuracy() -> None:
    trained = follow(recipe_named("lutnet_digits"))
    assert trained.report.frozen_accuracy >= 0.93
    images = trained.data.test_images
    network = to_network(trained.frozen)
    assert np.array_equal(lutforge.run(network, images), trained.frozen.run(images))
    report = freeze_report(trained.model, trained.frozen, images, trained.data.test_labels)
    assert report.differing <= 0.002 * report.images
    for node in network.nodes:
        if isinstance(node.op, LutNeuronsOp):
            assert len(np.unique(node.op.neuron)) == node.op.neurons  # no dead output
            assert node.op.inputs == 4
