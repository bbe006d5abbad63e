# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The LUT classifier: the exported network answers as the module does, plans, training, resuming."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

import numpy as np
import pytest
import torch

import lutforge
from lutforge.errors import TrainingError
from lutforge.schedule import MAX_BEAT_BITS
from lutforge.training.classifier_plan import DIGITS, ClassifierPlan
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.export import to_network
from lutforge.training.fit import Epoch
from lutforge.training.lut_classifier import LutClassifier, lut_classifier, quantile_thresholds, train_lut_classifier
from lutforge.training.recipes import follow, recipe_named

TINY = ClassifierPlan(
    tables=24, slots=20, epochs=5, thresholds=(40, 100), window=3, tables_per_group=4, batch_size=32, learning_rate=0.05
)


def blobs(seed: int = 0, shape: tuple[int, int, int] = (5, 4, 1)) -> Dataset:
    """Three classes, each a bright column of a small image, with noise."""
    draw = np.random.default_rng(seed)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = draw.integers(0, 3, count)
        images = draw.integers(0, 120, (count, *shape))
        images[np.arange(count), :, labels] += 60
        return images.astype(np.uint8), labels.astype(np.int64)

    return Dataset("blobs", "blobs", *part(150), *part(60), *part(60), low=0, high=255)


def untrained(plan: ClassifierPlan, data: Dataset, seed: int = 0) -> LutClassifier:
    torch.manual_seed(seed)
    model = lut_classifier(data, plan)
    model.start_epoch(1.0)
    return model.eval()


def integer_sums(model: LutClassifier, images: np.ndarray) -> np.ndarray:
    """Sums of the module before it scales them; whole numbers below 2**24, so float32 holds them exactly."""
    with torch.no_grad():
        sums = model.head(model.tables(model.bits(torch.from_numpy(images).float()))).T
    return sums.to(torch.int64).numpy()


@pytest.mark.parametrize("inputs", [1, 2, 6])
@pytest.mark.parametrize("thresholds", [(127,), (40, 100), (0, 60, 254)])
def test_network_gives_the_sums_of_the_module(inputs: int, thresholds: tuple[int, ...]) -> None:
    data = blobs()
    for seed in range(5):
        model = untrained(replace(TINY, inputs=inputs, thresholds=thresholds), data, seed)
        with torch.no_grad():  # one table a constant, one of a single input, one equal to another
            model.tables.latent[0] = 1.0
            model.tables.latent[1] = torch.arange(1 << inputs) % 2 - 0.5
            model.tables.latent[2], model.tables.wiring[2] = model.tables.latent[3], model.tables.wiring[3]
            model.head.latent[:, :4].mul_(100)  # all of these have weights
        network = to_network(model.freeze())
        images = np.random.default_rng(seed).integers(0, 256, (300, *data.shape), dtype=np.uint8)
        assert np.array_equal(lutforge.run(network, images), integer_sums(model, images))
        scale = model.plan.temperature / (model.plan.slots / 3) ** 0.5
        with torch.no_grad():
            logits = model(torch.from_numpy(images).float()).numpy()
        assert np.allclose(logits, integer_sums(model, images) * scale, rtol=1e-6)  # one float32 product


def test_a_flipped_row_is_seen() -> None:
    data = blobs()
    model = untrained(TINY, data)
    network = to_network(model.freeze())
    images = np.random.default_rng(0).integers(0, 256, (300, *data.shape), dtype=np.uint8)
    read = int((model.head.weights() != 0).any(dim=0).nonzero()[0])
    with torch.no_grad():
        model.tables.latent[read].mul_(-1)
    assert not np.array_equal(lutforge.run(network, images), integer_sums(model, images))


def test_thresholds_that_nothing_reads_are_never_exceeded() -> None:
    data = blobs()
    model = untrained(replace(TINY, thresholds=(), quantiles=2), data)
    thresholds = to_network(model.freeze()).node("bits").op.thresholds
    read = np.isin(np.arange(40), model.simplified().bits_read).reshape(20, 2)
    assert thresholds.shape == (20, 2) and read.any() and not read.all()
    assert np.array_equal(thresholds, np.where(read, model.thresholds.numpy(), 255))


def test_thresholds_that_features_share_are_stored_once() -> None:
    model = untrained(replace(TINY, thresholds=(40, 100, 120)), blobs())
    with torch.no_grad():  # pin k of every table reads step 0 or 2 of feature k
        model.tables.wiring.copy_(torch.arange(6) * 3 + torch.tensor([0, 2, 0, 2, 0, 2]))
    assert to_network(model.freeze()).node("bits").op.thresholds.tolist() == [[40, 255, 120]]


def test_tables_without_slots_are_dropped() -> None:
    model = untrained(replace(TINY, slots=3), blobs())
    with torch.no_grad():
        model.tables.latent.copy_(torch.tensor([bin(row).count("1") % 2 - 0.5 for row in range(64)]))
    frozen = model.freeze()
    live = int((model.head.weights() != 0).any(dim=0).sum())
    assert to_network(frozen).node("tables").op.neurons == live <= 3
    assert frozen.about["slots"] == 3 and frozen.about["tables"] == live


def test_wide_networks_leave_in_wide_beats() -> None:
    model = untrained(replace(TINY, tables=1_240, slots=3_000), blobs())
    neurons = to_network(model.freeze()).node("tables").op.neurons
    assert neurons > MAX_BEAT_BITS and neurons % 2 == 0


@pytest.mark.parametrize("channels", [1, 2])
def test_windows_are_squares_of_pixels_with_all_their_bits(channels: int) -> None:
    model = untrained(TINY, blobs(shape=(5, 4, channels)))
    places = set()
    for row in model.tables.candidates.tolist():
        pixels = sorted({bit // (2 * channels) for bit in row})
        top, left = divmod(pixels[0], 4)
        assert pixels == [y * 4 + x for y in range(top, top + 3) for x in range(left, left + 3)]
        assert left + 3 <= 4 and top + 3 <= 5 and len(row) == 9 * 2 * channels
        places.add((top, left))
    assert len(places) > 1


def test_rows_draw_candidates_from_all_bits() -> None:
    data = blobs(shape=(1, 12, 1))
    everything = lut_classifier(data, replace(TINY, window=0))
    assert everything.tables.candidates.tolist() == [list(range(24))]
    some = lut_classifier(data, replace(TINY, window=0, candidates=10)).tables.candidates
    assert some.shape == (6, 10) and len(set(some.flatten().tolist())) > 12


def test_slots_fall_and_wires_stay_in_time() -> None:
    model = lut_classifier(blobs(), replace(TINY, first_slots=3.0, prune_until=0.5, hold_wiring_from=0.6))
    seen = []
    for fraction in (0.0, 0.1, 0.4, 0.5, 0.6, 0.8):
        model.start_epoch(fraction)
        seen.append((model.head.slots, model.tables.scores.requires_grad, model.is_complete()))
    assert [slots for slots, _, _ in seen] == [60, 40, 20, 20, 20, 20]
    assert [learns for _, learns, _ in seen] == [True, True, True, True, False, False]
    assert [complete for _, _, complete in seen] == [False, False, False, False, True, True]


def test_learns_and_keeps_a_finished_epoch() -> None:
    data = blobs()
    torch.manual_seed(0)
    model = lut_classifier(data, replace(TINY, epochs=10))
    fitted = train_lut_classifier(model, data)
    assert fitted.best_validation > 0.8 and fitted.best_epoch > 6
    assert to_network(model.freeze()).about["slots"] <= TINY.slots


def test_resumed_run_equals_an_uninterrupted_one(tmp_path) -> None:
    data, path = blobs(), tmp_path / "run.checkpoint"

    def made() -> LutClassifier:
        torch.manual_seed(1)
        return lut_classifier(data, replace(TINY, shift=1))

    def interrupt(stop: int) -> Callable[[Epoch], None]:
        def on_epoch(epoch: Epoch) -> None:
            if epoch.number == stop:
                raise KeyboardInterrupt

        return on_epoch

    whole = made()
    expected = train_lut_classifier(whole, data, seed=2)
    for stop in (2, 4):  # while wires are learned, and when they are held
        with pytest.raises(KeyboardInterrupt):
            train_lut_classifier(made(), data, seed=2, checkpoint=path, on_epoch=interrupt(stop))
        torch.manual_seed(99)  # the weights before restoring do not matter, the candidates come from the checkpoint
        resumed = lut_classifier(data, replace(TINY, shift=1))
        result = train_lut_classifier(resumed, data, seed=2, checkpoint=path, resume=True)
        pairs = zip(whole.state_dict().items(), resumed.state_dict().items(), strict=True)
        assert all(torch.equal(mine, theirs) for (_, mine), (_, theirs) in pairs)
        assert [epoch.loss for epoch in result.history] == [epoch.loss for epoch in expected.history]
        assert (result.best_epoch, result.best_validation) == (expected.best_epoch, expected.best_validation)


def test_digits_recipe() -> None:
    trained = follow(recipe_named("lut_classifier_digits"))
    assert trained.fitted.best_validation > 0.9 and trained.report.frozen_accuracy > 0.9
    assert trained.report.differing == 0
    about = trained.frozen.about
    assert 100 < about["tables"] < DIGITS.tables and about["slots"] == DIGITS.slots
    images = trained.data.test_images
    assert np.array_equal(lutforge.run(to_network(trained.frozen), images), trained.frozen.run(images))


def test_recipes_name_data_sets_and_plans() -> None:
    for name, dataset in (("mnist", "mnist"), ("digits", "digits"), ("nslkdd", "nsl_kdd")):
        recipe = recipe_named(f"lut_classifier_{name}")
        assert recipe.dataset == dataset and recipe.epochs >= 10


def test_quantile_thresholds_lie_between_values() -> None:
    values = np.array([[0, 5, 0, 7], [0, 5, 0, 9], [1, 5, 0, 11], [1, 5, 255, 20]], dtype=np.uint8)
    assert quantile_thresholds(values, 1, 255).T.tolist() == [[0, 255, 127, 15]]
    assert quantile_thresholds(values, 3, 255).tolist() == [
        [0, 255, 255],
        [255, 255, 255],
        [127, 255, 255],
        [9, 15, 255],
    ]


def test_quantile_thresholds_split_evenly() -> None:
    values = np.random.default_rng(0).permutation(256)[:, None].repeat(3, axis=1).astype(np.uint8)
    assert quantile_thresholds(values, 3, 255).tolist() == [[64, 128, 192]] * 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tables": 22}, r"22 tables in groups of 4; use a multiple, for example 24"),
        ({"quantiles": 3}, r"thresholds \(40, 100\) and quantiles 3; give one of the two"),
        ({"thresholds": ()}, r"thresholds \(\) and quantiles 0; give one of the two"),
        ({"first_slots": 0.5}, r"first_slots 0\.5; slots only fall, the least is 1"),
        ({"epochs": 2}, r"2 epochs, and wires or slots change until 0\.6 of the training; no epoch begins after that"),
    ],
)
def test_plans_that_make_no_sense(change, text) -> None:
    with pytest.raises(TrainingError, match=text):
        replace(TINY, **change)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"thresholds": (40, 255)}, r"thresholds \(40, 255\); the values of blobs are 0\.\.255.* within 0\.\.254"),
        ({"window": 5}, r"a window of 5 x 5 on images of 5 x 4; lower it, or use 0"),
        ({"window": 0, "candidates": 41}, r"41 candidates; there are 40 bits\. Use 0 for all of them"),
        ({"slots": 2}, r"2 slots for 3 classes of 24 inputs; the limits are 3\.\.72"),
    ],
)
def test_plans_that_do_not_fit_the_data(change, text) -> None:
    with pytest.raises(TrainingError, match=text):
        lut_classifier(blobs(), replace(TINY, **change))


def test_digits_plan_wants_no_files(monkeypatch) -> None:
    monkeypatch.delenv("LUTFORGE_DATA", raising=False)
    data = load_dataset("digits")
    assert lut_classifier(data, DIGITS).thresholds.shape == (64, 3)
