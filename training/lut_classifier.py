# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The smallest whole network of tables: threshold bits, one wide layer of tables, ternary sums per class, argmax.

Wires, tables and weights are learned together. A bit `x > 127` of an 8-bit value is its top bit and costs no lut6.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Optional, Tuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training import frozen
from lutforge.training.classifier_plan import ClassifierPlan
from lutforge.training.data import Dataset
from lutforge.training.fit import Epoch, Fitted, fit
from lutforge.training.learned_tables import LearnedTables
from lutforge.training.table_logic import SummedTables, simplify
from lutforge.training.ternary_head import TernaryHead


class LutClassifier(nn.Module):
    """Classifier for images of `shape` (height, width, channels) with whole values low..high.

    thresholds: int64 [features, steps]; candidates: int64 [groups, choices], bits numbered feature * steps + step.
    """

    thresholds: Tensor

    def __init__(
        self,
        name: str,
        shape: Tuple[int, ...],
        low: int,
        high: int,
        classes: int,
        thresholds: Tensor,
        candidates: Tensor,
        plan: ClassifierPlan,
    ):
        super().__init__()
        self.name, self.shape, self.low, self.high, self.plan = name, tuple(shape), low, high, plan
        self.register_buffer("thresholds", thresholds.clone())
        self.tables = LearnedTables(candidates, plan.tables, plan.inputs)
        self.head = TernaryHead(classes, plan.tables, plan.slots)
        self.start_epoch(0.0)

    def start_epoch(self, fraction: float) -> None:
        """Set the slots for an epoch at whose start this part of the training is done, and hold the wires in time."""
        plan = self.plan
        left = max(0.0, 1.0 - fraction / plan.prune_until) if plan.prune_until else 0.0
        most = min(self.head.latent.numel(), round(plan.first_slots * plan.slots))
        self.head.slots = plan.slots + int((most - plan.slots) * left**3)  # as in `pruning.cubic_schedule`
        if fraction >= plan.hold_wiring_from:
            self.tables.hold_wiring()

    def is_complete(self) -> bool:
        """Whether the slots are down to their number and the wires are held: such an epoch may be kept."""
        return self.head.slots == self.plan.slots and not self.tables.scores.requires_grad

    def after_step(self) -> None:
        """Clamp the tables and follow the scores."""
        self.tables.after_step()

    def bits(self, images: Tensor) -> Tensor:
        """Return the threshold bits, uint8 [features * steps, batch], of images [batch, height, width, channels]."""
        exceeded = images.flatten(1)[:, :, None] > self.thresholds
        return exceeded.flatten(1).to(torch.uint8).T.contiguous()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float [batch, classes], of whole values, float [batch, height, width, channels]."""
        sums = self.head(self.tables(self.bits(images)))
        scale = self.plan.temperature / (self.head.slots / len(self.head.latent)) ** 0.5
        return (sums * scale).T

    def simplified(self) -> SummedTables:
        """Return tables and weights after exact logic."""
        outputs = (self.tables.latent.detach() > 0).to(torch.uint8)
        parts = (self.tables.wiring, outputs, self.head.weights().detach().to(torch.int64))
        wiring, tables, weights = (part.cpu().numpy() for part in parts)
        return simplify(wiring, tables, weights, self.thresholds.numel())

    def freeze(self) -> frozen.FrozenModel:
        """Return the network as integers on the CPU."""
        summed = self.simplified()
        features, steps = self.thresholds.shape
        return frozen.FrozenModel(
            self.name,
            [
                ("image", frozen.Input(self.shape, self.low, self.high)),
                ("flat", frozen.Reshape((features,))),
                ("bits", frozen.Encode(self._thresholds_read(summed))),
                ("tables", frozen.TruthTables(features * steps, 1, 1, summed.wiring, summed.tables)),
                ("sums", frozen.BinaryMac(summed.weights, levels=(1,))),
                ("answer", frozen.ArgMax()),
            ],
            {"tables": summed.live_tables, "slots": summed.slots},
        )

    def _thresholds_read(self, summed: SummedTables) -> Tensor:
        """Return thresholds, int64 [features or 1, steps], those that nothing reads never exceeded.

        Thresholds that are the same for all features stay so, read or not: a stream brings a few features at a time,
        and comparators whose thresholds do not change from beat to beat are constants.
        """
        thresholds = self.thresholds.cpu()
        read = torch.zeros_like(thresholds, dtype=torch.bool)
        read.view(-1)[torch.tensor(summed.bits_read, dtype=torch.int64)] = True
        if (thresholds == thresholds[:1]).all():
            thresholds, read = thresholds[:1], read.any(dim=0, keepdim=True)
        return torch.where(read, thresholds, self.high)


def lut_classifier(data: Dataset, plan: ClassifierPlan) -> LutClassifier:
    """Return an untrained classifier for a data set."""
    thresholds = _thresholds(data, plan)
    candidates = _candidates(data.shape, thresholds.shape[1], plan)
    name = f"lut_classifier_{data.name}"
    return LutClassifier(name, data.shape, data.low, data.high, data.classes, thresholds, candidates, plan)


def train_lut_classifier(
    model: LutClassifier,
    data: Dataset,
    *,
    seed: int = 0,
    checkpoint: Optional[Path] = None,
    resume: bool = False,
    on_epoch: Optional[Callable[[Epoch], None]] = None,
) -> Fitted:
    """Train by the model's plan; the arguments are those of `fit`."""
    plan = model.plan
    return fit(
        model,
        data,
        epochs=plan.epochs,
        learning_rate=plan.learning_rate,
        batch_size=plan.batch_size,
        seed=seed,
        shift=plan.shift,
        shift_until=plan.shift_until,
        checkpoint=checkpoint,
        resume=resume,
        on_epoch=on_epoch,
    )


def _thresholds(data: Dataset, plan: ClassifierPlan) -> Tensor:
    """Return int64 [features, steps]."""
    values = data.train_images.reshape(len(data.train_images), -1)
    if plan.quantiles:
        return torch.from_numpy(quantile_thresholds(values, plan.quantiles, data.high))
    if min(plan.thresholds) < data.low or max(plan.thresholds) >= data.high:
        raise TrainingError(
            f"plan: thresholds {plan.thresholds}; the values of {data.label} are {data.low}..{data.high}, so that a "
            f"threshold tells something within {data.low}..{data.high - 1}"
        )
    return torch.tensor(plan.thresholds).repeat(values.shape[1], 1)


def quantile_thresholds(values: npt.NDArray[Any], steps: int, never: int) -> npt.NDArray[np.int64]:
    """Return thresholds, int64 [features, steps], at the (i + 1) / (steps + 1) quantiles of values [n, features].

    A threshold lies halfway between a value and the next one seen, so that what lies between goes to the nearer; a
    feature of few values has fewer thresholds than steps, and `never`, which no value exceeds, in the other places.
    """
    result = np.full((values.shape[1], steps), never, dtype=np.int64)
    ordered = np.sort(values, axis=0).astype(np.int64)
    places = (np.arange(1, steps + 1) * len(values)) // (steps + 1)
    for feature, column in enumerate(ordered.T):
        seen = np.unique(column)
        if len(seen) == 1:
            continue
        below = np.minimum(np.searchsorted(seen, column[places]), len(seen) - 2)
        found = np.unique((seen[below] + seen[below + 1] - 1) // 2)
        result[feature, : len(found)] = found
    return result


def _candidates(shape: Tuple[int, int, int], steps: int, plan: ClassifierPlan) -> Tensor:
    """Return int64 [groups, choices]: for each group the bits of a window of pixels, or random ones."""
    height, width, channels = shape
    groups, bits = plan.tables // plan.tables_per_group, height * width * channels * steps
    if not plan.window:
        if plan.candidates in (0, bits):
            return torch.arange(bits)[None]
        if plan.candidates > bits:
            raise TrainingError(f"plan: {plan.candidates} candidates; there are {bits} bits. Use 0 for all of them")
        return torch.stack([torch.randperm(bits)[: plan.candidates] for _ in range(groups)])
    if plan.window > min(height, width):
        raise TrainingError(
            f"plan: a window of {plan.window} x {plan.window} on images of {height} x {width}; lower it, or use 0 for "
            "any feature"
        )
    side = torch.arange(plan.window)
    top = torch.randint(height - plan.window + 1, (groups, 1, 1, 1))
    left = torch.randint(width - plan.window + 1, (groups, 1, 1, 1))
    pixel = (top + side[:, None, None]) * width + left + side[None, :, None]
    return (pixel * channels * steps + torch.arange(channels * steps)).flatten(1)
