# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Pruned deep networks: what is pruned stays 0 up to the frozen integers, and stopped runs go on as if they had not."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from lutforge.errors import TrainingError
from lutforge.operations import TableMac
from lutforge.reference import run
from lutforge.training.data import load_dataset
from lutforge.training.export import to_network
from lutforge.training.fit import Epoch, predict

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas warns about optional packages
    from lutforge.training.channels import narrow, prunable, strongest
    from lutforge.training.deep_net import DeepNet
    from lutforge.training.deep_networks import Convolution, Dense, Sum, deep_network
    from lutforge.training.deep_plan import DeepPlan, Restart, Settling
    from lutforge.training.deep_training import floating_network, train_deep
    from lutforge.training.lottery import Early, Gradual, Tickets, draw_tickets
    from lutforge.training.masks import GradualMasks, largest, nonzero
    from lutforge.training.recipe import follow, parse_recipe

PARTS = (
    Convolution("conv1", "image", 6, pool=2),
    Convolution("conv2", "conv1", 8),
    Convolution("conv3", "conv2", 8, relu=False),
    Sum("sum", ("conv3", "conv2")),
    Dense("logits", "sum"),
)
DATA = load_dataset("digits")
PLAN = DeepPlan("resnet18", 2, 1 / 16, batch_size=256, shift=0, flip=False, half=False)
"""The network's name says nothing here: the parts above are trained."""
BY_WEIGHT = replace(PLAN, tickets=Tickets(rounds=2, epochs=1, keep=0.1), settle=Settling(1, 0.001))
BY_CHANNEL = replace(PLAN, tickets=Tickets(rounds=2, epochs=1, keep=0.25, by="channel"))
GRADUAL = replace(PLAN, gradual=Gradual(epochs=2, keep=0.1))


def untrained():
    torch.manual_seed(3)
    return DeepNet("net", DATA.shape, DATA.high, DATA.classes, PARTS)


class Stopped(Exception):
    """A run that was killed."""


def trained(plan, folder=None, resume=False, stop=None):
    """Return the network, what it was at each stage, and its training."""
    model, stages, seen = untrained(), [], []

    def ended(epoch):
        seen.append(epoch.number)
        if epoch.number == stop:
            raise Stopped

    def told(name, fitted):
        kept = sum(int(mask.sum()) for mask in nonzero(model).values())
        stages.append((name, kept, sum(layer.mac.weight.numel() for layer in model.layers.values())))

    fitted = train_deep(model, DATA, plan, folder=folder, resume=resume, on_epoch=ended, on_stage=told)
    return model, stages, fitted


def test_restarts_go_on_from_the_floating_network(tmp_path):
    plan = replace(PLAN, restarts=(Restart(1, 0.01), Restart(1, 0.01, cutout=4)))
    model, stages, fitted = trained(plan, tmp_path / "a")
    assert [stage[0] for stage in stages] == ["floating", "restart", "restart2", "calibrated"]
    assert len(fitted.history) == plan.all_epochs == 4 and fitted.best_epoch > 2
    assert model.floating_validation == fitted.history[3].validation_accuracy
    for stop in (2, 3):
        with pytest.raises(Stopped):
            trained(plan, tmp_path / str(stop), stop=stop)
        found = to_network(trained(plan, tmp_path / str(stop), resume=True)[0].freeze())
        for name, weights in weights_of(to_network(model.freeze())).items():
            assert np.array_equal(weights, weights_of(found)[name]), (stop, name)


def test_the_floating_network_of_a_folder(tmp_path):
    plan = replace(DeepPlan("resnet18", 1, 1 / 16, shift=0, flip=False), restarts=(Restart(1),))
    model = plan.build(DATA)
    train_deep(model, DATA, plan, folder=tmp_path)
    found = floating_network(plan, DATA, tmp_path)
    assert found.floating and found.floating_validation == model.floating_validation
    assert all(torch.equal(found.layers[name].mac.weight, model.layers[name].mac.weight) for name in model.layers)
    (tmp_path / "restart.pt").unlink()
    with pytest.raises(TrainingError, match=r"restart\.pt: no such file\. Train the recipe first, with this folder"):
        floating_network(plan, DATA, tmp_path)


def weights_of(network):
    return {node.name: node.op.weights for node in network.nodes if isinstance(node.op, TableMac)}


def test_tickets_by_weight_keep_the_largest_of_all_and_nothing_else_comes_back():
    model, stages, fitted = trained(BY_WEIGHT)
    every = stages[0][2]
    half, tenth = (int(part * every + 0.5) for part in (0.1**0.5, 0.1))
    assert [stage[0] for stage in stages] == ["floating", "ticket1", "ticket2", "calibrated", "settled"]
    assert [stage[1] for stage in stages] == [every, half, tenth, tenth, tenth]
    assert fitted.best_epoch == 5 and [epoch.number for epoch in fitted.history] == [1, 2, 3, 4, 5]
    frozen = model.freeze()
    network = to_network(frozen)
    kept = nonzero(model)
    for name, weights in weights_of(network).items():
        mask = kept[name] if kept[name].ndim == 2 else kept[name].permute(0, 2, 3, 1).flatten(1)
        assert not weights[~mask.numpy()].any() and weights.any()
    images = DATA.test_images[:50]
    assert np.array_equal(run(network, images).argmax(-1).ravel(), predict(model, images).argmax(1).numpy())
    assert network.about["weights"] == every and network.about["nonzero_weights"] <= tenth


def test_the_frozen_network_says_what_is_left():
    model, _, _ = trained(BY_CHANNEL)
    network = to_network(model.freeze())
    left = {name: int(np.count_nonzero(weights)) for name, weights in weights_of(network).items()}
    positions = {name: int(np.prod(network.types[name].shape[:-1])) for name in left}
    assert positions == {"conv1": 64, "conv2": 16, "conv3": 16, "logits": 1}
    assert network.about["nonzero_weights"] == sum(left.values())
    assert network.about["nonzero_multiplications"] == sum(left[name] * positions[name] for name in left)
    assert network.about["multiplications"] == 9 * 1 * 6 * 64 + 9 * 6 * 8 * 16 + 9 * 8 * 8 * 16 + 8 * 16 * 10


def test_each_round_goes_back_to_the_early_weights(tmp_path):
    model = untrained()
    early = Early(model, 1, tmp_path)
    early.see(Epoch(1, 0.0, 0.0, 0.0))
    with torch.no_grad():
        for layer in model.layers.values():
            layer.mac.weight.add_(torch.randn(layer.mac.weight.shape))
    kept, seen = largest(model, 0.5), []
    state = torch.load(tmp_path / "early.pt", weights_only=True)

    def train(name, epochs, learning_rate, aim):
        seen.append((name, epochs, learning_rate, aim))
        for name, layer in model.layers.items():
            assert torch.equal(layer.mac.weight, state[f"layers.{name}.mac.weight"] * kept[name])

    plan = Tickets(rounds=1, keep=0.5, epochs=7)
    draw_tickets(model, plan, 0.3, early, train, lambda name: None)
    assert seen == [("ticket1", 7, 0.3, str(plan))]


@pytest.mark.parametrize("plan", [BY_WEIGHT, BY_CHANNEL, GRADUAL], ids=["weight", "channel", "gradual"])
def test_what_was_pruned_otherwise_is_not_resumed(plan, tmp_path):
    trained(plan, tmp_path)
    kind = "gradual" if plan.gradual.epochs else "tickets"
    other = replace(plan, **{kind: replace(getattr(plan, kind), keep=0.05)})
    name, was = ("gradual", "0.1") if kind == "gradual" else ("ticket1", str(plan.tickets.keep))
    with pytest.raises(
        TrainingError, match=rf"{name}\.pt: made with .*keep={was}.*asked for .*keep=0\.05.*without resume"
    ):
        trained(other, tmp_path, resume=True)


@pytest.mark.parametrize("plan", [BY_WEIGHT, BY_CHANNEL, GRADUAL], ids=["weight", "channel", "gradual"])
def test_a_stopped_run_goes_on_as_if_it_had_not(plan, tmp_path):
    wanted = to_network(trained(plan, tmp_path / "whole")[0].freeze())
    for stop in (1, 3):
        folder = tmp_path / str(stop)
        with pytest.raises(Stopped):
            trained(plan, folder, stop=stop)
        found = to_network(trained(plan, folder, resume=True)[0].freeze())
        for name, weights in weights_of(wanted).items():
            assert np.array_equal(weights, weights_of(found)[name]), (stop, name)


def test_channels_leave_a_smaller_network_of_the_same_answers():
    model = untrained()
    model.train()
    model(torch.from_numpy(DATA.train_images[:64]).float())
    model.eval()
    kept = strongest(model, 0.5)
    assert list(kept) == prunable(model) == ["conv1"]  # the others are tied by the sum
    assert int(kept["conv1"].sum()) == 3
    with torch.no_grad():
        for parameter in (model.layers["conv1"].norm.weight, model.layers["conv1"].norm.bias):
            parameter.mul_(kept["conv1"])  # what is taken out gives 0, so that nothing is lost
    before = predict(model, DATA.test_images[:20])
    narrow(model, kept)
    assert model.layers["conv1"].mac.weight.shape == (3, 1, 3, 3)
    assert model.layers["conv2"].mac.weight.shape == (8, 3, 3, 3)
    assert torch.allclose(predict(model.eval(), DATA.test_images[:20]), before, atol=1e-5)  # sums in another order


def test_channels_of_a_dense_layer_behind_an_image():
    parts = (Convolution("conv1", "image", 5, pool=2), Dense("logits", "conv1"))
    torch.manual_seed(4)
    model = DeepNet("net", DATA.shape, DATA.high, DATA.classes, parts).eval()
    kept = {"conv1": torch.tensor([True, False, True, True, False])}
    with torch.no_grad():
        model.layers["conv1"].norm.weight.mul_(kept["conv1"])
    before = predict(model, DATA.test_images[:20])
    narrow(model, kept)
    assert model.layers["logits"].mac.weight.shape == (10, 3 * 16)
    assert torch.allclose(predict(model.eval(), DATA.test_images[:20]), before, atol=1e-5)


@pytest.mark.parametrize(("name", "count"), [("vgg11", 8), ("vgg19", 16), ("resnet18", 8), ("googlenet", 27)])
def test_which_channels_can_go(name, count):
    found = prunable(DeepNet(name, (32, 32, 3), 255, 10, deep_network(name, 1 / 16)))
    assert len(found) == count


def test_tickets_by_channel_shrink_the_network():
    _, stages, _ = trained(BY_CHANNEL)
    sizes = [size for _, _, size in stages]
    assert sizes[0] > sizes[1] > sizes[2] == sizes[3]


def test_gradual_pruning_only_prunes_and_ends_at_its_aim():
    model = untrained()
    masks = GradualMasks(model, 0.1, epochs=1.5, all_epochs=3, steps=7)
    model.pruning, counts, before = masks, [], nonzero(model)
    for epoch in range(3):
        model.start_epoch(epoch / 3)
        for _ in range(7):
            with torch.no_grad():
                for layer in model.layers.values():
                    layer.mac.weight.add_(0.01)  # what was pruned is put back to 0
            model.after_step()
            now = nonzero(model)
            assert all(bool((now[name] <= before[name]).all()) for name in now)
            before = now
            counts.append(sum(int(mask.sum()) for mask in now.values()))
            assert model.is_complete() == (len(counts) >= 11)  # 15 prunings, ten of them in 7 steps
    every = sum(layer.mac.weight.numel() for layer in model.layers.values())
    assert counts[-1] == int(0.1 * every + 0.5) and len(set(counts)) == 11


def test_layers_are_compared_by_their_own_size():
    model = untrained()
    before = largest(model, 0.3)
    with torch.no_grad():
        model.layers["conv2"].mac.weight.mul_(64)
    after = largest(model, 0.3)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_no_layer_is_cut_through():
    model = untrained()
    with torch.no_grad():
        model.layers["conv2"].mac.weight.flatten()[1:].mul_(1e-6)  # one is large, all others are nothing beside it
    kept = largest(model, 0.1)
    assert int(kept["conv2"].sum()) == 3 * 8
    every = sum(mask.numel() for mask in kept.values())
    assert sum(int(mask.sum()) for mask in kept.values()) == int(0.1 * every + 0.5)


RECIPE = """
kind = "deep"
about = "for tests"
dataset = "digits"
network = "resnet18"
width = 0.0625
epochs = 1
shift = 0
flip = false
tickets = { rounds = 1, epochs = 1, keep = 0.3 }
"""


def test_a_recipe_draws_tickets():
    recipe = parse_recipe("r", RECIPE)
    assert recipe.epochs == 2
    found = follow(recipe)
    assert found.report.differing == 0
    assert 0.1 < found.frozen.about["nonzero_weights"] / found.frozen.about["weights"] <= 0.3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tickets(by="row"), "tickets: by 'row'; use 'weight' or 'channel'"),
        (lambda: Tickets(keep=1.0), r"tickets: keep 1\.0; it is the part of weights that stays, between 0 and 1"),
        (lambda: Tickets(rewind=0), "tickets: rounds 0, epochs 8, rewind 0; rounds are not negative, the others at"),
        (lambda: Gradual(keep=0.0), r"gradual: keep 0\.0, pruning 0\.6; both are parts, above 0 and keep below 1"),
        (lambda: replace(PLAN, tickets=Tickets(1, rewind=3)), "tickets: rewind 3; there are 2 epochs to go back to"),
        (lambda: parse_recipe("r", RECIPE.replace("keep", "kept")), "tickets: 'kept' is no key of it; did you mean"),
        (
            lambda: strongest(DeepNet("n", (8, 8, 1), 16, 4, (Dense("logits", "image"),)), 0.5),
            "n: no layer's channels are read by layers alone; prune by weight",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(TrainingError, match=message):
        make()


def test_tickets_without_their_early_weights_are_refused(tmp_path):
    trained(replace(PLAN, epochs=2), tmp_path)
    (tmp_path / "early.pt").unlink()
    with pytest.raises(TrainingError, match=r"weights after epoch 1 are not there .*early\.pt.* without resume"):
        trained(BY_WEIGHT, tmp_path, resume=True)
