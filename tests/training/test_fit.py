# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: same call, same weights; resuming changes nothing; the best validation epoch is kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from lutforge.errors import TrainingError
from lutforge.training.data import Dataset
from lutforge.training.fit import FINAL_RATE, _cut_out, _shifted, accuracy, cosine, fit, predict


def blobs(seed=0):
    """Three classes, each a bright column of a 4 x 4 image, with noise."""
    draw = np.random.default_rng(seed)

    def part(count):
        labels = draw.integers(0, 3, count)
        images = draw.integers(0, 120, (count, 4, 4, 1))
        images[np.arange(count), :, labels] += 60
        return images.astype(np.uint8), labels.astype(np.int64)

    return Dataset("blobs", "blobs", *part(150), *part(60), *part(60), low=0, high=255)


class Small(nn.Module):
    """Dropout makes the global random numbers matter."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(16, 12), nn.Dropout(0.2), nn.BatchNorm1d(12), nn.Linear(12, 3)
        )
        self.steps, self.fractions = 0, []

    def forward(self, x):
        return self.layers(x / 256)

    def after_step(self):
        self.steps += 1

    def start_epoch(self, fraction):
        self.fractions.append(fraction)


SETTINGS = {"epochs": 4, "learning_rate": 0.03, "batch_size": 32, "seed": 3, "shift": 1}


def equal_weights(left, right):
    return all(torch.equal(a, b) for a, b in zip(left.state_dict().values(), right.state_dict().values(), strict=True))


def test_same_call_same_weights():
    models = [Small(), Small(), Small()]
    for model, seed in zip(models, (3, 3, 4), strict=True):
        torch.rand(seed)  # what was drawn before does not matter
        fit(model, blobs(), **{**SETTINGS, "seed": seed})
    assert equal_weights(models[0], models[1]) and not equal_weights(models[0], models[2])


def test_learns_and_calls_the_hooks():
    model = Small()
    seen = []
    result = fit(model, blobs(), **{**SETTINGS, "epochs": 10, "shift": 0}, on_epoch=seen.append)
    assert result.best_validation > 0.8 and tuple(seen) == result.history
    assert [epoch.number for epoch in seen] == list(range(1, 11))
    assert model.steps == 10 * 5 and model.fractions == [number / 10 for number in range(10)]
    assert not model.training


def test_every_epoch_draws_its_own_order():
    class Watching(Small):
        def forward(self, x):
            if self.training and len(x) == 150:
                self.seen.append(x.flatten(1).sum(1))
            return super().forward(x)

    model = Watching()
    model.seen = []
    fit(model, blobs(), epochs=2, learning_rate=0.01, batch_size=150)
    assert torch.equal(model.seen[0].sort().values, model.seen[1].sort().values)
    assert not torch.equal(model.seen[0], model.seen[1])


def test_best_validation_epoch_is_kept():
    data = blobs()
    model = Small()
    result = fit(model, data, **{**SETTINGS, "epochs": 8, "learning_rate": 0.3})
    accuracies = [epoch.validation_accuracy for epoch in result.history]
    assert accuracies[-1] < max(accuracies), "the case is chosen so that the last epoch is not the best"
    assert result.best_validation == max(accuracies) == accuracies[result.best_epoch - 1]
    assert accuracy(model, data.validation_images, data.validation_labels) == result.best_validation


def test_only_complete_epochs_are_kept():
    class Growing(Small):
        def is_complete(self):
            return len(self.fractions) in (4, 5)

    result = fit(Growing(), blobs(), **{**SETTINGS, "epochs": 8, "learning_rate": 0.3})
    accuracies = [epoch.validation_accuracy for epoch in result.history]
    assert result.best_validation == max(accuracies[3:5]) < max(accuracies)
    assert result.best_epoch in (4, 5)


def test_images_are_shifted_until_a_part_is_done():
    class Watching(Small):
        def forward(self, x):
            if self.training:
                self.pixels.append(float(x.sum()))
            return super().forward(x)

    model = Watching()
    model.pixels = []
    fit(model, blobs(), epochs=4, learning_rate=0.01, batch_size=150, shift=1, shift_until=0.5)
    whole = float(blobs().train_images.sum())
    assert [pixels == whole for pixels in model.pixels] == [False, False, True, True]


def test_smoothed_labels(tmp_path):
    """The loss of a step is the cross entropy against labels of which a part is spread over all classes."""
    data, path = blobs(), tmp_path / "run.checkpoint"
    alone = {**SETTINGS, "epochs": 1, "batch_size": 150, "shift": 0}
    found = fit(Small(), data, **alone, smoothing=0.3, checkpoint=path).history[0].loss
    model = Small()
    model.train()
    torch.manual_seed(alone["seed"] * 100_003)
    order = torch.randperm(150, generator=torch.Generator().manual_seed(alone["seed"] * 100_003))
    logits = model(torch.from_numpy(data.train_images)[order].float())
    spread = 0.7 * nn.functional.one_hot(torch.from_numpy(data.train_labels)[order], 3) + 0.3 / 3
    wanted = -(spread * logits.log_softmax(dim=1)).sum(dim=1).mean()
    assert found == pytest.approx(float(wanted), rel=1e-5)  # sums in another order
    with pytest.raises(TrainingError, match=r"smoothing=0\.3, .*smoothing=0\.0, "):
        fit(Small(), data, **alone, checkpoint=path, resume=True)


def test_interrupted_and_resumed_run_equals_an_uninterrupted_one(tmp_path):
    path = tmp_path / "run.checkpoint"
    whole = Small()
    expected = fit(whole, blobs(), **SETTINGS)

    def interrupt(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Small(), blobs(), **SETTINGS, checkpoint=path, on_epoch=interrupt)
    resumed = Small()
    result = fit(resumed, blobs(), **SETTINGS, checkpoint=path, resume=True)
    assert equal_weights(whole, resumed) and len(resumed.fractions) == 2
    assert (result.best_epoch, result.best_validation) == (expected.best_epoch, expected.best_validation)
    assert [e.loss for e in result.history] == [e.loss for e in expected.history]


def test_checkpoint_that_is_missing_damaged_or_of_another_run(tmp_path):
    path = tmp_path / "run.checkpoint"
    with pytest.raises(TrainingError, match=r"run\.checkpoint: no such file, nothing to resume"):
        fit(Small(), blobs(), **SETTINGS, checkpoint=path, resume=True)
    fit(Small(), blobs(), **{**SETTINGS, "epochs": 1}, checkpoint=path)
    with pytest.raises(TrainingError, match=r"made with .*epochs=1.* asked for .*epochs=4.*same settings"):
        fit(Small(), blobs(), **SETTINGS, checkpoint=path, resume=True)
    with pytest.raises(TrainingError, match="belongs to another model"):
        fit(
            nn.Sequential(nn.Flatten(), nn.Linear(16, 3)),
            blobs(),
            **{**SETTINGS, "epochs": 1},
            checkpoint=path,
            resume=True,
        )
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(TrainingError, match=r"cannot be read .*Start without resume"):
        fit(Small(), blobs(), **{**SETTINGS, "epochs": 1}, checkpoint=path, resume=True)


def test_diverging_training_is_named():
    class Diverging(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(float("inf")))

        def forward(self, x):
            return x.flatten(1)[:, :3] * self.weight

    with pytest.raises(TrainingError, match=r"the loss is nan in epoch 1; lower the learning rate 0\.03"):
        fit(Diverging(), blobs(), **SETTINGS)


def test_learning_rate_schedule():
    assert cosine(0) == 1 and cosine(1) == pytest.approx(FINAL_RATE, rel=1e-12)  # a float cosine
    assert cosine(0.2) > cosine(0.5) > cosine(0.9)


def test_shift_moves_whole_images():
    images = torch.arange(1, 26, dtype=torch.uint8).reshape(1, 5, 5, 1).expand(200, 5, 5, 1)
    moved = _shifted(images, 2, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape and moved.dtype == torch.uint8
    found = set()
    for image in moved[..., 0]:
        for down in range(-2, 3):
            for right in range(-2, 3):
                expected = torch.zeros(9, 9, dtype=torch.uint8)
                expected[2 + down : 7 + down, 2 + right : 7 + right] = images[0, ..., 0]
                if torch.equal(expected[2:7, 2:7], image):
                    found.add((down, right))
    assert len(found) == 25


@pytest.mark.parametrize("side", [1, 2, 3])
def test_squares_are_cut_out_about_every_pixel(side):
    images = torch.ones(2000, 4, 5, 2)
    made = _cut_out(images, side, torch.Generator().manual_seed(0))
    assert bool((images == 1).all()) and torch.equal(made[..., 0], made[..., 1])
    expected = set()
    for row in range(4):
        for column in range(5):
            left = np.ones((4 + 2 * side, 5 + 2 * side))
            top, start = row - side // 2 + side, column - side // 2 + side
            left[top : top + side, start : start + side] = 0
            expected.add(left[side : side + 4, side : side + 5].tobytes())
    assert {image.tobytes() for image in made[..., 0].double().numpy()} == expected and len(expected) == 20


def test_training_cuts_out_and_says_so_in_its_checkpoint(tmp_path):
    data, path = blobs(), tmp_path / "run.checkpoint"
    alone = {**SETTINGS, "epochs": 1}
    plain = fit(Small(), data, **alone).history[0].loss
    assert fit(Small(), data, **alone, cutout=2, checkpoint=path).history[0].loss != plain
    with pytest.raises(TrainingError, match=r"cutout=2.*cutout=0"):
        fit(Small(), data, **alone, checkpoint=path, resume=True)


def test_predict_keeps_the_mode_and_the_order():
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16))
    images = blobs().test_images
    one, many = predict(model, images, batch_size=7), predict(model, images, batch_size=1000)
    assert model.training and torch.equal(one, many) and torch.equal(model[1].running_mean, torch.zeros(16))


def test_an_optimiser_that_is_none():
    with pytest.raises(TrainingError, match="optimiser 'rmsprop' is unknown; use 'adam' or 'sgd'"):
        fit(Small(), blobs(), epochs=1, learning_rate=0.1, optimiser="rmsprop")
