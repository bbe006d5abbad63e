# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe of kind 'deep' says, and how such a network is trained: floating, calibrated, settled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Optional

from lutforge.errors import TrainingError
from lutforge.training.calibration import calibrate, calibration_images
from lutforge.training.data import Dataset
from lutforge.training.deep_net import DeepNet
from lutforge.training.deep_networks import deep_network
from lutforge.training.fit import Epoch, Fitted, accuracy, fit


@dataclass(frozen=True)
class Settling:
    """Epochs of the quantised network behind its calibration, 0 for none, and their first learning rate (SGD)."""

    epochs: int = 0
    learning_rate: float = 0.001


@dataclass(frozen=True)
class DeepPlan:
    """A deep LUT-NA network. network: of `deep_networks`; width: factor of its channels; epochs: of the floating one.

    shift: pixels by which training images are moved; flip: whether they are mirrored; half: products in bfloat16.
    """

    network: str
    epochs: int
    width: float = 1.0
    weight_bits: int = 8
    activation_bits: int = 8
    learning_rate: float = 0.05
    weight_decay: float = 0.0005
    batch_size: int = 128
    shift: int = 4
    flip: bool = True
    half: bool = True
    settle: Settling = field(default_factory=Settling)

    def __post_init__(self) -> None:
        deep_network(self.network, self.width)
        if self.epochs < 1:
            raise TrainingError(f"epochs: {self.epochs}; at least one is wanted")

    @property
    def all_epochs(self) -> int:
        """Epochs of both trainings."""
        return self.epochs + self.settle.epochs

    def build(self, data: Dataset) -> DeepNet:
        """Return an untrained network for a data set."""
        if data.low < 0:
            raise TrainingError(f"{self.network}: pixels of {data.label} begin at {data.low}; 0 is wanted")
        return DeepNet(
            f"{self.network}_{data.name}",
            data.shape,
            data.high,
            data.classes,
            deep_network(self.network, self.width),
            self.weight_bits,
            self.activation_bits,
        )


def train_deep(
    model: DeepNet,
    data: Dataset,
    plan: DeepPlan,
    *,
    seed: int = 0,
    folder: Optional[Path] = None,
    resume: bool = False,
    on_epoch: Optional[Callable[[Epoch], None]] = None,
) -> Fitted:
    """Train a network in place and leave it quantised. folder: of checkpoints; epochs are numbered throughout."""

    def trained(name: str, epochs: int, learning_rate: float, before: int) -> Fitted:
        path = folder and folder / f"{name}.pt"
        told = on_epoch and (lambda epoch: on_epoch(replace(epoch, number=epoch.number + before)))
        return fit(
            model,
            data,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=plan.batch_size,
            seed=seed,
            shift=plan.shift,
            flip=plan.flip,
            weight_decay=plan.weight_decay,
            optimiser="sgd",
            half=plan.half and model.floating,
            checkpoint=path,
            resume=resume and path is not None and path.is_file(),
            on_epoch=told,
        )

    floating = trained("floating", plan.epochs, plan.learning_rate, 0)
    model.floating_validation = floating.best_validation
    calibrate(model, calibration_images(data, seed))
    if plan.settle.epochs:
        settled = trained("settled", plan.settle.epochs, plan.settle.learning_rate, plan.epochs)
        shifted = tuple(replace(epoch, number=epoch.number + plan.epochs) for epoch in settled.history)
        history, best, validation = (
            floating.history + shifted,
            settled.best_epoch + plan.epochs,
            settled.best_validation,
        )
    else:
        history, best = floating.history, floating.best_epoch
        validation = accuracy(model, data.validation_images, data.validation_labels)
    return Fitted(best, validation, sum(epoch.seconds for epoch in history), history)
