# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of a deep network that are pruned: held at 0 through training, calibration and freezing.

A mask is not stored: it is where the weights are 0. So any checkpoint of a pruned network says what is pruned.
"""

from __future__ import annotations

import math
from typing import Dict, List

import torch
from torch import Tensor

from lutforge.training.deep_net import DeepNet
from lutforge.training.pruning import cubic_schedule, keep_mask

PRUNINGS_PER_EPOCH = 10
PER_OUTPUT = 3


def weights_of(model: DeepNet) -> Dict[str, Tensor]:
    """Return the weights of every layer, by name: float [outputs, inputs(, kernel, kernel)]."""
    return {name: layer.mac.weight for name, layer in model.layers.items()}


@torch.no_grad()
def largest(model: DeepNet, keep: float) -> Dict[str, Tensor]:
    """Return for each layer, bool as its weights, which are among the round(keep * all) largest of the network.

    Magnitudes of all layers are ranked together, over the root mean square of those that their layer has left. Frankle
    and Carbin rank them as they are, which spares the first layers, whose weights are large and of which each takes
    many multiplications. So that no layer is cut through, each keeps PER_OUTPUT weights per output in any case.
    """
    weights = weights_of(model)
    scores: List[Tensor] = []
    for weight in weights.values():
        score = weight.detach().abs().flatten().double()
        score /= (score.square().sum() / score.count_nonzero().clamp(min=1)).sqrt().clamp(min=1e-12)
        score[score.topk(min(PER_OUTPUT * len(weight), score.numel())).indices] += math.inf
        scores.append(score)
    mask = keep_mask(torch.cat(scores)[None], keep)[0]
    pieces = mask.split([weight.numel() for weight in weights.values()])
    return {name: piece.reshape(weights[name].shape) for piece, name in zip(pieces, weights, strict=True)}


class Masks:
    """Holds the weights of a network at 0 where `kept` says so, bool as the weights of each layer."""

    def __init__(self, model: DeepNet, kept: Dict[str, Tensor]):
        self.model, self.kept = model, kept

    def start_epoch(self, fraction: float) -> None:
        """Put the pruned weights to 0; nothing changes with time."""
        self.apply()

    def after_step(self) -> None:
        """Put the pruned weights to 0."""
        self.apply()

    @torch.no_grad()
    def apply(self) -> None:
        """Put the pruned weights to 0."""
        for name, weight in weights_of(self.model).items():
            weight.mul_(self.kept[name])

    def is_complete(self) -> bool:
        """Whether as much is pruned as should be."""
        return True


class GradualMasks(Masks):
    """Prunes to the part `keep` of all weights by the cubic schedule, PRUNINGS_PER_EPOCH times an epoch.

    epochs: in which pruning goes on, of `all_epochs` that are trained; steps: of an epoch.
    """

    def __init__(self, model: DeepNet, keep: float, epochs: float, all_epochs: int, steps: int):
        super().__init__(model, nonzero(model))
        self.all_epochs, self.steps, self.step = all_epochs, steps, 0
        self.schedule = cubic_schedule(keep, max(1, round(epochs * PRUNINGS_PER_EPOCH)))

    def start_epoch(self, fraction: float) -> None:
        """Take up the schedule where a run was stopped; what was pruned until then is 0."""
        self.step = round(fraction * self.all_epochs) * self.steps
        self.kept = nonzero(self.model)

    def after_step(self) -> None:
        """Put the pruned weights to 0, and prune more when it is time."""
        self.apply()
        before = self._prunings()
        self.step += 1
        if self._prunings() > before:
            self.kept = largest(self.model, self.schedule[before])
            self.apply()

    def is_complete(self) -> bool:
        """Whether the last pruning was made."""
        return self._prunings() == len(self.schedule)

    def _prunings(self) -> int:
        """Return how many prunings are made by now."""
        return min(len(self.schedule), self.step * PRUNINGS_PER_EPOCH // self.steps)


def nonzero(model: DeepNet) -> Dict[str, Tensor]:
    """Return for each layer, bool as its weights, which of them are not 0."""
    return {name: weight.detach() != 0 for name, weight in weights_of(model).items()}
