# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How a LUTNet is trained: binary network, gradual pruning, retraining, real-valued tables, binary tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, List, Optional, Tuple

import torch

from lutforge.training.data import Dataset
from lutforge.training.fit import Epoch, Fitted, fit
from lutforge.training.lutnet import LutNetMlp
from lutforge.training.pruning import cubic_schedule


@dataclass(frozen=True)
class Phase:
    """Epochs and first learning rate of one training phase (the cosine starts anew in each)."""

    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class LutNetPlan:
    """Sizes and phases of a LUTNet.

    hidden: widths; keep: part of the synapses that survives in each stage after the first; fan_in_bounds: least
    and largest fan-in of an output as multiples of the layer's mean; inputs: K of a table; levels, ratio: of the
    activations; wiring: see `wire`. dense: the binary network; prune: one such phase after each of `prune_steps`
    prunings; retrain: the pruned network; real, binary: the tables; settle: with frozen batch-norm statistics.
    shift: pixels by which training images are moved.
    """

    hidden: Tuple[int, ...]
    keep: Tuple[float, ...]
    dense: Phase
    prune: Phase
    retrain: Phase
    real: Phase
    binary: Phase
    settle: Phase
    prune_steps: int = 6
    fan_in_bounds: Tuple[float, float] = (0.4, 2.5)
    inputs: int = 4
    levels: int = 2
    ratio: str = "pow2"
    wiring: str = "recover"
    shift: int = 0
    batch_size: int = 256

    @property
    def epochs(self) -> int:
        """Epochs of all phases together."""
        phases = (self.dense, self.retrain, self.real, self.binary, self.settle)
        return sum(phase.epochs for phase in phases) + self.prune_steps * self.prune.epochs


MNIST = LutNetPlan(
    hidden=(256, 256, 256, 256),
    keep=(0.045, 0.045, 0.045, 0.2),
    dense=Phase(25, 0.01),
    prune=Phase(2, 0.005),
    retrain=Phase(10, 0.005),
    real=Phase(5, 0.01),
    binary=Phase(24, 0.01),
    settle=Phase(3, 0.0003),
    shift=1,
)
"""784-256-256-256-256-10: the LFC network of the LUTNet paper."""

DIGITS = LutNetPlan(
    hidden=(64, 64, 64),
    keep=(0.2, 0.2, 0.5),
    dense=Phase(20, 0.01),
    prune=Phase(2, 0.005),
    retrain=Phase(8, 0.005),
    real=Phase(5, 0.005),
    binary=Phase(15, 0.01),
    settle=Phase(3, 0.0005),
    prune_steps=4,
)
"""64-64-64-64-10: small enough for a demonstration."""


def lutnet_mlp(data: Dataset, plan: LutNetPlan) -> LutNetMlp:
    """Return an untrained network for a data set, still binary and dense."""
    return LutNetMlp(
        f"lutnet_{data.name}", data.shape, data.low, data.high, plan.hidden, data.classes, plan.levels, plan.ratio
    )


def train_lutnet(
    model: LutNetMlp,
    data: Dataset,
    plan: LutNetPlan,
    *,
    seed: int = 0,
    checkpoint: Optional[Path] = None,
    resume: bool = False,
    on_epoch: Optional[Callable[[Epoch], None]] = None,
) -> Fitted:
    """Take an untrained model through all phases of a plan and leave it in eval mode, ready to freeze.

    Each phase starts from the best validation epoch of the one before. checkpoint: file of the first phase; the
    others add their number to its name. resume: continue from these files, of which the first must exist.
    Result: all epochs, numbered through; the best one is the last phase's.
    """
    run = _Run(model, data, plan, seed, checkpoint, resume, on_epoch)
    run.phase(plan.dense)
    for keep in zip(*(cubic_schedule(part, plan.prune_steps) for part in plan.keep), strict=True):
        model.prune(keep, plan.fan_in_bounds)
        run.phase(plan.prune)
    run.phase(plan.retrain)
    model.expand(plan.inputs, plan.wiring, seed)
    run.phase(plan.real)
    model.binarise_tables()
    run.phase(plan.binary)
    recalibrate(model, data)
    model.freeze_statistics()
    run.phase(plan.settle)
    return run.fitted()


class _Run:
    """Counts the phases of a training and joins their results."""

    def __init__(
        self,
        model: LutNetMlp,
        data: Dataset,
        plan: LutNetPlan,
        seed: int,
        checkpoint: Optional[Path],
        resume: bool,
        on_epoch: Optional[Callable[[Epoch], None]],
    ):
        self.model, self.data, self.plan, self.seed = model, data, plan, seed
        self.checkpoint, self.resume, self.on_epoch = checkpoint, resume, on_epoch
        self.results: List[Fitted] = []
        if checkpoint is not None and not resume:
            for stale in checkpoint.parent.glob(f"{checkpoint.name}.[0-9]*"):
                stale.unlink()

    def phase(self, phase: Phase) -> None:
        """Train the model as it is now; a phase of no epochs is left out."""
        if not phase.epochs:
            return
        number, before = len(self.results), self._epochs()
        path = self.checkpoint
        if path is not None and number:
            path = path.with_name(f"{path.name}.{number}")

        def report(epoch: Epoch) -> None:
            if self.on_epoch is not None:
                self.on_epoch(replace(epoch, number=before + epoch.number))

        self.results.append(
            fit(
                self.model,
                self.data,
                epochs=phase.epochs,
                learning_rate=phase.learning_rate,
                batch_size=self.plan.batch_size,
                seed=self.seed * 100 + number,
                shift=self.plan.shift,
                checkpoint=path,
                # The first phase must have a checkpoint to resume; the run may have stopped before the others.
                resume=self.resume and (not number or (path is not None and path.is_file())),
                on_epoch=report,
            )
        )

    def fitted(self) -> Fitted:
        """Return the results as one; the accuracy is that of the last phase, whose weights the model has."""
        last = self.results[-1]
        epochs = [epoch for result in self.results for epoch in result.history]
        history = tuple(replace(epoch, number=number) for number, epoch in enumerate(epochs, start=1))
        best = len(epochs) - len(last.history) + last.best_epoch
        return Fitted(best, last.best_validation, sum(epoch.seconds for epoch in epochs), history)

    def _epochs(self) -> int:
        return sum(len(result.history) for result in self.results)


@torch.no_grad()
def recalibrate(model: LutNetMlp, data: Dataset, batch_size: int = 1000) -> None:
    """Replace the batch norms' running statistics by those of the training images under the present weights."""
    norms = [stage.norm for stage in model.stages]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    model.train()
    for batch in torch.from_numpy(data.train_images).split(batch_size):
        model(batch.to(norms[0].weight.device).float())
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
