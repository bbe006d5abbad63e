# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How a deep network is trained by its plan: floating, perhaps once more, pruned, calibrated, settled."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Callable, List, Optional

from lutforge.errors import TrainingError
from lutforge.training.calibration import calibrate, calibration_images
from lutforge.training.data import Dataset
from lutforge.training.deep_net import DeepNet
from lutforge.training.deep_plan import DeepPlan
from lutforge.training.fit import Epoch, Fitted, accuracy, fit
from lutforge.training.lottery import Early, draw_tickets, prune_gradually
from lutforge.training.masks import Masks, nonzero


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

    on_stage: called with 'floating', 'restart', 'ticket1'.., 'gradual', 'calibrated' and 'settled' when the network is
    that.
    """
    stages = _Stages(model, data, plan, seed, folder, resume, on_epoch, on_stage)
    stages.train_floating()
    if plan.tickets.rounds:
        draw_tickets(model, plan.tickets, plan.learning_rate, stages.early, stages.train, stages.tell)
    if plan.gradual.epochs:
        steps = -(-len(data.train_images) // plan.batch_size)
        prune_gradually(model, plan.gradual, steps, stages.train, stages.tell)
    model.floating_validation = stages.done[-1].best_validation
    calibrate(model, calibration_images(data, seed))
    stages.tell("calibrated")
    if not plan.settle.epochs:
        return stages.joined(accuracy(model, data.validation_images, data.validation_labels))
    if plan.tickets.rounds or plan.gradual.epochs:
        model.pruning = Masks(model, nonzero(model))
    settled = stages.train("settled", plan.settle.epochs, plan.settle.learning_rate)
    stages.tell("settled")
    return stages.joined(settled.best_validation)


def floating_network(plan: DeepPlan, data: Dataset, folder: Path, seed: int = 0) -> DeepNet:
    """Return the floating network that `train_deep` left in a folder, before anything was pruned."""
    for name in ("floating", *plan.restart_names):
        if not (folder / f"{name}.pt").is_file():
            raise TrainingError(f"{folder / name}.pt: no such file. Train the recipe first, with this folder")
    model = plan.build(data)
    stages = _Stages(model, data, plan, seed, folder, resume=True)
    stages.train_floating()
    model.floating_validation = stages.done[-1].best_validation
    return model


@dataclass
class _Stages:
    """The trainings of one network, one behind the other. done: those that are finished; the rest as `train_deep`."""

    model: DeepNet
    data: Dataset
    plan: DeepPlan
    seed: int
    folder: Optional[Path]
    resume: bool
    on_epoch: Optional[Callable[[Epoch], None]] = None
    on_stage: Optional[Callable[[str, Fitted], None]] = None
    done: List[Fitted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.early = Early(self.model, self.plan.tickets.rewind, self.folder)

    def train_floating(self) -> None:
        """Train the floating network."""
        plan = self.plan
        self.train("floating", plan.epochs, plan.learning_rate)
        self.tell("floating")
        for name, restart in zip(plan.restart_names, plan.restarts, strict=True):
            self.train(name, **asdict(restart))
            self.tell(name)

    def train(
        self,
        name: str,
        epochs: int,
        learning_rate: float,
        aim: str = "",
        smoothing: float = 0.0,
        cutout: int = 0,
    ) -> Fitted:
        """Train on, with a checkpoint of this name."""
        before = sum(len(stage.history) for stage in self.done)
        path = self.folder and self.folder / f"{name}.pt"

        def ended(epoch: Epoch) -> None:
            if name == "floating":
                self.early.see(epoch)
            if self.on_epoch is not None:
                self.on_epoch(replace(epoch, number=epoch.number + before))

        fitted = fit(
            self.model,
            self.data,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=self.plan.batch_size,
            seed=self.seed,
            shift=self.plan.shift,
            flip=self.plan.flip,
            weight_decay=self.plan.weight_decay,
            optimiser="sgd",
            half=self.plan.half and self.model.floating,
            smoothing=smoothing,
            cutout=cutout,
            aim=aim,
            checkpoint=path,
            resume=self.resume and path is not None and path.is_file(),
            on_epoch=ended,
        )
        self.done.append(fitted)
        return fitted

    def tell(self, name: str) -> None:
        """Say what the network is by now."""
        if self.on_stage is not None:
            self.on_stage(name, self.done[-1])

    def joined(self, validation: float) -> Fitted:
        """Return all stages as one training whose best epoch is the last stage's, of this validation accuracy."""
        history: List[Epoch] = []
        best = 0
        for stage in self.done:
            before = len(history)
            best = before + stage.best_epoch
            history += [replace(epoch, number=epoch.number + before) for epoch in stage.history]
        return Fitted(best, validation, sum(epoch.seconds for epoch in history), tuple(history))
