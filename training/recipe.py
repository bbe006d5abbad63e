# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Trainings by recipe: which network on which data set with which settings, from seed to frozen model.

Recipes are TOML files (`recipes/`). Their key `kind` says what is trained, the rest fills that kind's plan.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Protocol

import torch
from torch import nn

from lutforge.constants import simplified
from lutforge.errors import TrainingError
from lutforge.training.classifier_plan import ClassifierPlan
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.deep_plan import DeepPlan
from lutforge.training.deep_training import train_deep
from lutforge.training.export import FreezeReport, freeze_report, from_network, to_network
from lutforge.training.fit import Epoch, Fitted, fit
from lutforge.training.frozen import FrozenModel
from lutforge.training.lut_classifier import lut_classifier, train_lut_classifier
from lutforge.training.lutna import lutna_conv, lutna_mlp
from lutforge.training.lutnet_plan import LutNetPlan
from lutforge.training.pipeline import Measured, Pipeline
from lutforge.training.recipe_file import filled, parsed, recipe_text, shipped_recipes


@dataclass(frozen=True)
class Run:
    """How a training is carried out. seed: of everything random; folder: of its checkpoints, None: none are kept.

    resume: go on from what is there; begin: name of the step to begin from, those before it must be there.
    """

    seed: int = 0
    folder: Optional[Path] = None
    resume: bool = False
    begin: Optional[str] = None
    device: str = "cpu"
    on_epoch: Optional[Callable[[Epoch], None]] = None
    on_step: Optional[Callable[[Measured], None]] = None


class Plan(Protocol):
    """What a kind of recipe says; `model.freeze()` gives the frozen model."""

    @property
    def epochs(self) -> int:
        """How many epochs `on_epoch` is called for."""

    def build(self, data: Dataset) -> nn.Module:
        """Return an untrained module."""

    def train(self, model: nn.Module, data: Dataset, run: Run) -> Fitted:
        """Train a module in place."""


@dataclass(frozen=True)
class LutNetRecipe(LutNetPlan):
    """LUTNet, or its binarised baseline: see `lutnet_plan` and `lutnet_steps`."""

    def train(self, model: Any, data: Dataset, run: Run) -> Fitted:
        """Take a module through all steps."""
        return Pipeline(
            model,
            data,
            self,
            seed=run.seed,
            folder=run.folder and run.folder.parent / "steps",
            resume=run.resume,
            begin=run.begin,
            on_epoch=run.on_epoch,
            on_step=run.on_step,
        ).run()


@dataclass(frozen=True)
class _SingleStep:
    """A training of one step. learning_rate: the first one; shift: pixels by which training images are moved."""

    epochs: int
    learning_rate: float
    batch_size: int = 256
    shift: int = 0

    def train(self, model: nn.Module, data: Dataset, run: Run) -> Fitted:
        """Train a module in place."""
        _check_single_step(run)
        return fit(
            model,
            data,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            shift=self.shift,
            seed=run.seed,
            checkpoint=run.folder and run.folder / "training.pt",
            resume=run.resume,
            on_epoch=run.on_epoch,
        )


@dataclass(frozen=True)
class LutNaMlpRecipe(_SingleStep):
    """LUT-NA, dense, two hidden layers of 64."""

    def build(self, data: Dataset) -> nn.Module:
        """Return an untrained module."""
        return lutna_mlp(data)


@dataclass(frozen=True)
class LutNaConvRecipe(_SingleStep):
    """LUT-NA, two convolutions and a dense head."""

    def build(self, data: Dataset) -> nn.Module:
        """Return an untrained module."""
        return lutna_conv(data)


@dataclass(frozen=True)
class ClassifierRecipe(ClassifierPlan):
    """LUT classifier: one layer of tables on encoded values, and a ternary head."""

    def build(self, data: Dataset) -> nn.Module:
        """Return an untrained module."""
        return lut_classifier(data, self)

    def train(self, model: Any, data: Dataset, run: Run) -> Fitted:
        """Train a module in place."""
        _check_single_step(run)
        return train_lut_classifier(
            model,
            data,
            seed=run.seed,
            checkpoint=run.folder and run.folder / "training.pt",
            resume=run.resume,
            on_epoch=run.on_epoch,
        )


@dataclass(frozen=True)
class DeepRecipe(DeepPlan):
    """Deep LUT-NA networks: see `deep_plan`."""

    def train(self, model: Any, data: Dataset, run: Run) -> Fitted:
        """Train a module in place."""
        _check_single_step(run)
        return train_deep(model, data, self, seed=run.seed, folder=run.folder, resume=run.resume, on_epoch=run.on_epoch)


def _check_single_step(run: Run) -> None:
    if run.begin is not None:
        raise TrainingError(f"step {run.begin!r}: this recipe has one step only; go on with --resume")


KINDS: Dict[str, Any] = {
    "lutnet": LutNetRecipe,
    "lut_classifier": ClassifierRecipe,
    "lutna_mlp": LutNaMlpRecipe,
    "lutna_conv": LutNaConvRecipe,
    "deep": DeepRecipe,
}


@dataclass(frozen=True)
class Recipe:
    """One training: its name, the data set, one sentence about it, the kind of network and its plan."""

    name: str
    dataset: str
    about: str
    kind: str
    plan: Plan

    @property
    def epochs(self) -> int:
        """How many epochs `on_epoch` is called for."""
        plan = self.plan
        return plan.all_epochs if isinstance(plan, DeepPlan) else plan.epochs


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
    """Return a shipped recipe by name, or the one in a file that ends with .toml; TrainingError names what is wrong."""
    return parse_recipe(Path(name).stem if name.endswith(".toml") else name, recipe_text(name))


def parse_recipe(name: str, text: str) -> Recipe:
    """Return the recipe of a TOML text."""
    values = parsed(name, text)
    head = {}
    for key in ("kind", "dataset", "about"):
        if not isinstance(values.get(key), str):
            raise TrainingError(f'recipe {name}: {key} = "..." must be given')
        head[key] = values.pop(key)
    if head["kind"] not in KINDS:
        raise TrainingError(f"recipe {name}: kind {head['kind']!r} is unknown; use one of {', '.join(KINDS)}")
    plan = filled(KINDS[head["kind"]], values, f"recipe {name}")
    return Recipe(name, head["dataset"], head["about"], head["kind"], plan)


def recipes() -> List[Recipe]:
    """Return all shipped recipes."""
    return [recipe_named(name) for name in shipped_recipes()]


def follow(recipe: Recipe, data: Optional[Path] = None, run: Run = Run()) -> Trained:  # immutable
    """Train by a recipe and freeze. data: folder of the data set's files, else LUTFORGE_DATA.

    TrainingError if the frozen model answers more than 0.2 % of the test images differently.
    """
    images = load_dataset(recipe.dataset, data)
    torch.manual_seed(run.seed)
    model = recipe.plan.build(images).to(run.device)
    fitted = recipe.plan.train(model, images, run)
    frozen = _simplified(model.freeze())
    report = freeze_report(model, frozen, images.test_images, images.test_labels).check()
    frozen.about.update(
        recipe=recipe.name,
        dataset=images.label,
        seed=run.seed,
        epochs=len(fitted.history),
        best_epoch=fitted.best_epoch,
        validation_accuracy=round(fitted.best_validation, 6),
        test_accuracy=round(report.frozen_accuracy, 6),
        test_images_answered_differently=report.differing,
    )
    return Trained(recipe, images, model, fitted, frozen, report)


def _simplified(frozen: FrozenModel) -> FrozenModel:
    """Return the model without what never changes, see `lutforge.constants`."""
    result = from_network(simplified(to_network(frozen)))
    result.name = FrozenModel.name  # it is the trained module's, not a file's
    return result


def checked_device(name: str) -> str:
    """Return the name of a device that torch has; TrainingError if it has not."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise TrainingError(f"device {name!r}: torch cannot use it here ({first}). Use --device cpu") from error
    return name


def measured_line(measured: Measured) -> str:
    """Return a step's measurements as one line of JSON."""
    return json.dumps(asdict(measured), sort_keys=True)
