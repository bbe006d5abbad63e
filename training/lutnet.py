# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The LUTNet multi-layer perceptron: binary first layer on raw pixels, then LUT neurons on residual-binary codes.

It starts as a binary network, is pruned, and `expand` turns every surviving synapse into a table
(Wang et al., "LUTNet", FCCM 2019). Inside, tensors are laid out [features, batch].
"""

from __future__ import annotations

import copy
from itertools import pairwise
from math import prod
from typing import List, Sequence, Tuple

import torch
from torch import Tensor, nn

from lutforge.training import frozen
from lutforge.training.binary import BinaryLinear
from lutforge.training.lut_neurons import LutNeurons
from lutforge.training.pruning import keep_mask
from lutforge.training.residual import ResidualSign
from lutforge.training.stage import Stage, Steps, frozen_pixels, frozen_tables
from lutforge.training.wiring import wire


class LutNetMlp(nn.Module):
    """Dense network for images of `shape` (height, width, channels) with pixel values low..high.

    name: of the frozen network; hidden: widths; levels, ratio: of every `ResidualSign`.
    """

    def __init__(
        self,
        name: str,
        shape: Tuple[int, ...],
        low: int,
        high: int,
        hidden: Sequence[int],
        classes: int,
        levels: int = 2,
        ratio: str = "pow2",
    ):
        super().__init__()
        self.name, self.shape, self.low, self.high, self.levels = name, tuple(shape), low, high, levels
        widths = [prod(shape), *hidden, classes]
        self.stages = nn.ModuleList(
            Stage(before, after, ResidualSign(levels, ratio) if index < len(hidden) else None)
            for index, (before, after) in enumerate(pairwise(widths))
        )
        self.statistics_frozen = False

    @property
    def inner(self) -> List[Stage]:
        """The stages after the first one: those that become LUT neurons."""
        return list(self.stages)[1:]

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float [batch, classes], of raw pixels, float [batch, height, width, channels]."""
        signs, levels = images.flatten(1).T[None], torch.ones(1, device=images.device)
        for stage in list(self.stages)[:-1]:
            signs, levels = stage.activation(stage(signs, levels)), stage.activation.level_weights()
        logits: Tensor = self.stages[-1](signs, levels)
        return logits.T

    def train(self, mode: bool = True) -> LutNetMlp:
        """Set training mode, except for batch norms whose statistics are frozen."""
        super().train(mode)
        if self.statistics_frozen:
            for stage in self.stages:
                stage.norm.eval()
        return self

    def after_step(self) -> None:
        """Clamp the latent tables; binary weights clamp theirs themselves."""
        for stage in self.inner:
            if isinstance(stage.layer, LutNeurons):
                stage.layer.after_step()

    def prune(self, keep: Sequence[float], bounds: Tuple[float, float]) -> None:
        """Keep these parts of the synapses of the inner stages.

        bounds: least and largest fan-in of an output as multiples of the layer's mean.
        """
        for stage, part in zip(self.inner, keep, strict=True):
            latent = stage.binary.latent.detach()
            fan_in = latent.shape[1]
            mean = part * fan_in
            low = max(1, min(int(mean), round(bounds[0] * mean)))
            high = min(fan_in, max(int(mean) + 1, round(bounds[1] * mean)))
            stage.binary.mask.copy_(keep_mask(latent.abs(), part, low, high))

    def expand(self, inputs: int, wiring: str, seed: int) -> None:
        """Turn the surviving synapses of the inner stages into tables of this many inputs; see `expanded`."""
        for index, stage in enumerate(self.inner):
            stage.layer = expanded(stage.binary, self.levels, inputs, wiring, seed + index)

    def binarise_tables(self) -> None:
        """Count table rows as their sign from now on, and hold the residual steps still."""
        for stage in self.inner:
            stage.neurons.binarise()
        for stage in list(self.stages)[:-1]:
            stage.activation.requires_grad_(False)

    def freeze_statistics(self) -> None:
        """Hold the running statistics of the batch norms still, in training too."""
        self.statistics_frozen = True
        self.train(self.training)

    def freeze(self) -> frozen.FrozenModel:
        """Return the network as integers on the CPU, as this module computes it in eval mode."""
        model = copy.deepcopy(self).cpu().double().eval()
        steps: Steps = [("image", frozen.Input(self.shape, self.low, self.high))]
        steps.append(("flat", frozen.Reshape((prod(self.shape),))))
        steps += frozen_pixels(model.stages[0], self.low, self.high)
        for number, (before, stage) in enumerate(pairwise(model.stages), start=2):
            steps += frozen_tables(stage, number, before.activation.integer_weights())
        return frozen.FrozenModel(self.name, [*steps, ("answer", frozen.ArgMax())], {})


def expanded(layer: BinaryLinear, levels: int, inputs: int, wiring: str, seed: int) -> LutNeurons:
    """Return the surviving synapses of a binary layer as LUT neurons, each level with a table of its own.

    A table starts as w_0 x_0, its own synapse, plus w_k x_k for each input k whose synapse was pruned from this
    output and which no table of the output has taken up before: what pruning lost is recovered, once. The rows
    of the layer are divided by the largest.
    """
    latent, mask = layer.latent.detach(), layer.mask
    wires, neuron = wire(wiring, latent.abs(), mask, inputs, seed)
    part = latent[neuron].gather(1, wires) * _recovers(wires, neuron, mask)
    row = torch.arange(1 << inputs, device=part.device)
    corners = 2.0 * ((row >> torch.arange(inputs, device=part.device)[:, None]) & 1) - 1.0
    rows = part @ corners
    rows = rows / rows.abs().max().clamp(min=torch.finfo(rows.dtype).tiny)
    return LutNeurons(mask.shape[1], mask.shape[0], wires, neuron, rows[:, None, :].repeat(1, levels, 1))


def _recovers(wires: Tensor, neuron: Tensor, mask: Tensor) -> Tensor:
    """Return bool like wires: the synapse's own input, and the first reading of each pruned input per output."""
    synapse = (neuron[:, None] * mask.shape[1] + wires).flatten()
    order = synapse.argsort(stable=True)
    first = torch.ones_like(synapse, dtype=torch.bool)
    first[order[1:]] = synapse[order[1:]] != synapse[order[:-1]]
    chosen = (first & ~mask.flatten()[synapse]).reshape(wires.shape)
    chosen[:, 0] = True
    return chosen
