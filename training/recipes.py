# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Named trainings: which network on which data set with which settings, from seed to frozen model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Optional

import torch
from torch import nn

from lutforge.errors import TrainingError
from lutforge.training import classifier_plan
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.export import FreezeReport, freeze_report
from lutforge.training.fit import Epoch, Fitted, fit
from lutforge.training.frozen import FrozenModel
from lutforge.training.lut_classifier import lut_classifier, train_lut_classifier
from lutforge.training.lutna import lutna_conv, lutna_mlp
from lutforge.training.lutnet_training import DIGITS, MNIST, lutnet_mlp, train_lutnet


@dataclass(frozen=True)
class Recipe:
    """One training.

    build: data set -> untrained module with `freeze()`. train: called as train(model, data, seed=, checkpoint=,
    resume=, on_epoch=), which are those of `fit`. epochs: how many it calls on_epoch for. about: one sentence.
    """

    name: str
    dataset: str
    build: Callable[[Dataset], nn.Module]
    train: Callable[..., Fitted]
    epochs: int
    about: str


@dataclass(frozen=True)
class Trained:
    """What a recipe made: the module in eval mode, the frozen model with its notes, and how they compare."""

    recipe: Recipe
    data: Dataset
    model: nn.Module
    fitted: Fitted
    frozen: FrozenModel
    report: FreezeReport


def recipe_named(name: str) -> Recipe:
    """Return a recipe; TrainingError names the known ones."""
    if name not in RECIPES:
        raise TrainingError(f"recipe {name!r} is unknown; use one of {', '.join(RECIPES)}")
    return RECIPES[name]


def follow(
    recipe: Recipe,
    data: Optional[Path] = None,
    *,
    seed: int = 0,
    checkpoint: Optional[Path] = None,
    resume: bool = False,
    on_epoch: Optional[Callable[[Epoch], None]] = None,
) -> Trained:
    """Train by a recipe and freeze. data: folder of the data set's files, else LUTFORGE_DATA.

    TrainingError if the frozen model answers more than 0.2 % of the test images differently.
    """
    images = load_dataset(recipe.dataset, data)
    torch.manual_seed(seed)
    model = recipe.build(images)
    fitted = recipe.train(model, images, seed=seed, checkpoint=checkpoint, resume=resume, on_epoch=on_epoch)
    frozen = model.freeze()
    report = freeze_report(model, frozen, images.test_images, images.test_labels).check()
    frozen.about.update(
        recipe=recipe.name,
        dataset=images.label,
        seed=seed,
        epochs=len(fitted.history),
        best_epoch=fitted.best_epoch,
        validation_accuracy=round(fitted.best_validation, 6),
        test_accuracy=round(report.frozen_accuracy, 6),
        test_images_answered_differently=report.differing,
    )
    return Trained(recipe, images, model, fitted, frozen, report)


RECIPES: Dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "lutna_mlp_mnist",
            "mnist",
            lutna_mlp,
            partial(fit, epochs=40, learning_rate=5e-3, batch_size=256, shift=1),
            40,
            "LUT-NA, dense 784-64-64-10, 8-bit weights and activations",
        ),
        Recipe(
            "lutna_conv_mnist",
            "mnist",
            lutna_conv,
            partial(fit, epochs=12, learning_rate=4e-3, batch_size=128, shift=1),
            12,
            "LUT-NA, two 3x3 convolutions of 16 and 32 channels and a dense head, 8-bit weights and activations",
        ),
        Recipe(
            "lutna_mlp_digits",
            "digits",
            lutna_mlp,
            partial(fit, epochs=24, learning_rate=1e-2, batch_size=64),
            24,
            "LUT-NA, dense 64-64-64-10, 8-bit weights and activations",
        ),
        Recipe(
            "lutnet_mnist",
            "mnist",
            partial(lutnet_mlp, plan=MNIST),
            partial(train_lutnet, plan=MNIST),
            MNIST.epochs,
            "LUTNet, 784-256-256-256-256-10, binary first layer, then tables of 4 inputs on 2 levels",
        ),
        Recipe(
            "lutnet_digits",
            "digits",
            partial(lutnet_mlp, plan=DIGITS),
            partial(train_lutnet, plan=DIGITS),
            DIGITS.epochs,
            "LUTNet, 64-64-64-64-10, binary first layer, then tables of 4 inputs on 2 levels",
        ),
        Recipe(
            "lut_classifier_mnist",
            "mnist",
            partial(lut_classifier, plan=classifier_plan.MNIST),
            train_lut_classifier,
            classifier_plan.MNIST.epochs,
            "LUT classifier, one layer of tables of 6 inputs on the top bits of pixels, 1,000 ternary weights",
        ),
        Recipe(
            "lut_classifier_digits",
            "digits",
            partial(lut_classifier, plan=classifier_plan.DIGITS),
            train_lut_classifier,
            classifier_plan.DIGITS.epochs,
            "LUT classifier, one layer of tables of 6 inputs on three thresholds per pixel, 240 ternary weights",
        ),
        Recipe(
            "lut_classifier_nslkdd",
            "nsl_kdd",
            partial(lut_classifier, plan=classifier_plan.NSL_KDD),
            train_lut_classifier,
            classifier_plan.NSL_KDD.epochs,
            "LUT classifier of network connections, one layer of tables of 6 inputs on ranks, 40 ternary weights",
        ),
    )
}
