# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe of kind 'deep' says, and how such a network is trained: floating, pruned, calibrated, settled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, List, Optional

from lutforge.errors import TrainingError
from lutforge.training.calibration import calibrate, calibration_images
from lutforge.training.data import Dataset
from lutforge.training.deep_net import DeepNet
from lutforge.training.deep_networks import deep_network
from lutforge.training.fit import Epoch, Fitted, accuracy, fit
from lutforge.training.lottery import Early, Gradual, Tickets, draw_tickets, prune_gradually
from lutforge.training.masks import Masks, nonzero


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
    tickets: Tickets = field(default_factory=Tickets)
    gradual: Gradual = field(default_factory=Gradual)
    settle: Settling = field(default_factory=Settling)

    def __post_init__(self) -> None:
        deep_network(self.network, self.width)
        if self.epochs < 1:
            raise TrainingError(f"epochs: {self.epochs}; at least one is wanted")
        if self.tickets.rounds and self.tickets.rewind > self.epochs:
            raise TrainingError(f"tickets: rewind {self.tickets.rewind}; there are {self.epochs} epochs to go back to")

    @property
    def all_epochs(self) -> int:
        """Epochs of all trainings."""
        tickets = self.tickets.rounds * self.tickets.epochs
        return self.epochs + tickets + self.gradual.epochs + self.settle.epochs

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
    on_stage: Optional[Callable[[str, Fitted], None]] = None,
) -> Fitted:
    """Train a network in place and leave it quantised. folder: of checkpoints; epochs are numbered throughout.

    on_stage: called with 'floating', 'ticket1'.., 'gradual', 'calibrated' and 'settled' when the network is that.
    """
    stages: List[Fitted] = []
    early = Early(model, plan.tickets.rewind, folder)

    def trained(name: str, epochs: int, learning_rate: float) -> Fitted:
        before = sum(len(stage.history) for stage in stages)

        def ended(epoch: Epoch) -> None:
            if name == "floating":
                early.see(epoch)
            if on_epoch is not None:
                on_epoch(replace(epoch, number=epoch.number + before))

        path = folder and folder / f"{name}.pt"
        again = resume and path is not None and path.is_file()
        stages.append(_fit(model, data, plan, epochs, learning_rate, seed, path, again, ended))
        return stages[-1]

    def told(name: str) -> None:
        if on_stage is not None:
            on_stage(name, stages[-1])

    trained("floating", plan.epochs, plan.learning_rate)
    told("floating")
    if plan.tickets.rounds:
        draw_tickets(model, plan.tickets, plan.learning_rate, early, trained, told)
    if plan.gradual.epochs:
        steps = -(-len(data.train_images) // plan.batch_size)
        prune_gradually(model, plan.gradual, steps, trained, told)
    model.floating_validation = stages[-1].best_validation
    calibrate(model, calibration_images(data, seed))
    told("calibrated")
    if plan.settle.epochs:
        if plan.tickets.rounds or plan.gradual.epochs:
            model.pruning = Masks(model, nonzero(model))
        trained("settled", plan.settle.epochs, plan.settle.learning_rate)
        told("settled")
        validation = stages[-1].best_validation
    else:
        validation = accuracy(model, data.validation_images, data.validation_labels)
    return _joined(stages, validation)


def floating_network(plan: DeepPlan, data: Dataset, folder: Path, seed: int = 0) -> DeepNet:
    """Return the floating network that `train_deep` left in a folder, before anything was pruned."""
    path = folder / "floating.pt"
    if not path.is_file():
        raise TrainingError(f"{path}: no such file. Train the recipe first, with this folder")
    model = plan.build(data)
    model.floating_validation = _fit(
        model, data, plan, plan.epochs, plan.learning_rate, seed, path, True, lambda epoch: None
    ).best_validation
    return model


def _fit(
    model: DeepNet,
    data: Dataset,
    plan: DeepPlan,
    epochs: int,
    learning_rate: float,
    seed: int,
    checkpoint: Optional[Path],
    resume: bool,
    on_epoch: Callable[[Epoch], None],
) -> Fitted:
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
        checkpoint=checkpoint,
        resume=resume,
        on_epoch=on_epoch,
    )


def _joined(stages: List[Fitted], validation: float) -> Fitted:
    """Return the stages as one training whose best epoch is the last stage's, of this validation accuracy."""
    history: List[Epoch] = []
    best = 0
    for stage in stages:
        best = len(history) + stage.best_epoch
        before = len(history)
        history += [replace(epoch, number=epoch.number + before) for epoch in stage.history]
    return Fitted(best, validation, sum(epoch.seconds for epoch in history), tuple(history))
