# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import lutforge
from lutforge.errors import TrainingError
from lutforge.operations import LutNeurons as LutNeuronsOp
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.export import freeze_report, to_network
from lutforge.training.fit import Fitted
from lutforge.training.lutnet import LutNetMlp, expanded
from lutforge.training.lutnet_training import LutNetPlan, Phase, lutnet_mlp, recalibrate, train_lutnet
from lutforge.training.recipes import RECIPES, follow

SHORT = LutNetPlan(
    hidden=(12, 12),
    keep=(0.4, 0.5),
    dense=Phase(2, 0.01),
    prune=Phase(1, 0.01),
    retrain=Phase(1, 0.01),
    real=Phase(1, 0.01),
    binary=Phase(2, 0.01),
    settle=Phase(1, 0.001),
    prune_steps=2,
)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


def untrained(levels: int = 2, ratio: str = "pow2", inputs: int = 4, seed: int = 1) -> LutNetMlp:
    """Binary tables and batch norms of random statistics, a third of the slopes negative, one of them zero."""
    torch.manual_seed(seed)
    model = LutNetMlp("net", (3, 4, 1), 0, 9, (10, 9), 5, levels, ratio)
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


def float_codes(model: LutNetMlp, images: np.ndarray) -> tuple[list[Tensor], Tensor]:
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
    assert (np.concatenate([stage.turn() for stage in model.inner[:-1]]) < 0).any()
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
    model = LutNetMlp("net", (3, 4, 1), 0, 9, (10, 9), 5).eval()
    images = torch.from_numpy(images_of(50)).float()
    with torch.no_grad():
        before = model(images)
        model.expand(3, "random", 0)  # nothing is pruned, so nothing is recovered: tables are bare XNORs
        model.binarise_tables()
        assert torch.equal(model(images), before)


@pytest.mark.parametrize("wiring", ["recover", "random"])
def test_tables_start_as_the_sum_of_their_synapses_each_pruned_one_once(wiring: str) -> None:
    torch.manual_seed(5)
    model = LutNetMlp("net", (3, 4, 1), 0, 9, (10,), 7)
    model.prune((0.5,), (0.5, 1.5))
    binary = model.inner[0].binary
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
    model = lutnet_mlp(digits, SHORT)
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


def train(data: Dataset, plan: LutNetPlan, checkpoint: Path | None = None, resume: bool = False) -> tuple[str, Fitted]:
    torch.manual_seed(0)
    model = lutnet_mlp(data, plan)
    fitted = train_lutnet(model, data, plan, checkpoint=checkpoint, resume=resume)
    return lutforge.digest(to_network(model.freeze())), fitted


def test_same_seed_same_network_also_when_resumed(digits: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run"
    (tmp_path / "run.7").write_text("left by an older run that went further")
    digest, fitted = train(digits, SHORT, path)
    assert [epoch.number for epoch in fitted.history] == list(range(1, 10))
    assert fitted.best_epoch == 9
    assert train(digits, SHORT)[0] == digest
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run", *(f"run.{number}" for number in range(1, 7))]
    for number in (4, 5, 6):  # as if stopped before the tables were trained
        (tmp_path / f"run.{number}").unlink()
    assert train(digits, SHORT, path, resume=True)[0] == digest
    with pytest.raises(TrainingError, match="Resume with the same settings"):
        train(digits, replace(SHORT, dense=Phase(3, 0.01)), path, resume=True)


def test_resume_with_nothing_to_resume_is_named(digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"checkpoint .*run: no such file, nothing to resume\. Start without resume"
    ):
        train(digits, SHORT, tmp_path / "run", resume=True)
    with pytest.raises(TrainingError, match="checkpoint None: no such file, nothing to resume"):
        train(digits, SHORT, resume=True)
    assert not list(tmp_path.iterdir())


def test_helper_tensors_lie_where_the_network_does() -> None:
    torch.manual_seed(4)
    model = LutNetMlp("net", (3, 4, 1), 0, 9, (10, 9), 5)
    with torch.device("meta"):  # a tensor made without a device would lie there and mix with nothing
        model.prune((0.6, 0.7), (0.5, 1.5))
        layers = [expanded(stage.binary, 2, 4, "recover", 0) for stage in model.inner]
    assert {tensor.device.type for layer in layers for tensor in (layer.latent, layer.wiring)} == {"cpu"}
    assert model.to("meta")(torch.zeros(6, 3, 4, 1, device="meta")).device.type == "meta"


def test_steps_out_of_order_are_named() -> None:
    model = untrained()
    with pytest.raises(TrainingError, match="consists of tables already"):
        model.prune((0.5, 0.5), (0.5, 2.0))
    binary = LutNetMlp("net", (3, 4, 1), 0, 9, (10,), 5)
    with pytest.raises(TrainingError, match="has no tables yet; call expand"):
        binary.binarise_tables()
    binary.expand(2, "random", 0)
    with pytest.raises(TrainingError, match=r"the tables of stage 2 are real-valued; call binarise_tables\(\) first"):
        binary.freeze()


def test_digits_recipe_reaches_its_accuracy() -> None:
    trained = follow(RECIPES["lutnet_digits"])
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
