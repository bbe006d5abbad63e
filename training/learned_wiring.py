# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""LUT neurons whose further inputs are chosen among candidates while the tables are trained.

Every input but a table's own synapse has a score for each of its candidates. The forward pass reads the candidate of
the largest score; the backward pass tells each score what its candidate would have given (a straight-through top-1,
as in Bacellar et al., "Differentiable Weightless Neural Networks", ICML 2024).
"""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training.lut_neurons import LutNeurons, half_differences, look_up

START = 0.1
"""Score that the present input has before its rivals."""


class LearnedLutNeurons(LutNeurons):
    """`LutNeurons` with candidates, int64 [edges, K - 1, R], and scores, float of the same shape."""

    candidates: Tensor

    def __init__(self, layer: LutNeurons, candidates: int, seed: int):
        super().__init__(
            layer.elements, layer.neurons, layer.wiring, layer.neuron, layer.rows().detach(), layer.form, layer.levels
        )
        least, most = layer.inputs, layer.elements - 1
        if not least <= candidates <= most:
            raise TrainingError(
                f"learned wiring: {candidates} candidates per input; the limits are {least} (the inputs of a table, so "
                f"that one is always free) and {most} (the other inputs of the layer)"
            )
        self.register_buffer("candidates", _drawn(layer, candidates, seed).to(layer.wiring.device))
        scores = torch.zeros(self.candidates.shape, device=layer.wiring.device)
        scores[:, :, 0] = START
        self.scores = nn.Parameter(scores)

    @torch.no_grad()
    def after_step(self) -> None:
        """Hold the rows inside their window, and read the candidates of the largest scores, no element twice."""
        super().after_step()
        for position in range(self.inputs - 1):
            scores, names = self.scores[:, position].clone(), self.candidates[:, position]
            for taken in range(position + 1):  # the host and what earlier positions chose
                scores[names == self.wiring[:, taken, None]] = -torch.inf
            self.wiring[:, position + 1] = names.gather(1, scores.argmax(dim=1, keepdim=True))[:, 0]

    def settled(self) -> LutNeurons:
        """Return plain LUT neurons with the wiring as it is."""
        rows = self.rows().detach()
        return LutNeurons(self.elements, self.neurons, self.wiring, self.neuron, rows, self.form, self.levels)

    def forward(self, signs: Tensor, levels: Tensor) -> Tensor:
        """Return float [neurons, batch]; gradients reach the scores."""
        tables = self.tables()
        sums = look_up(signs, tables, self.wiring, self.neuron, self.neurons)
        ghosts: Tensor = _Ghost.apply(sums, self.scores, signs.detach(), tables.detach(), self)
        return torch.tensordot(levels.to(sums.dtype), ghosts, dims=1)


class _Ghost(torch.autograd.Function):
    """Passes sums through; its backward gives each score the flow into its input times its candidate's sign."""

    @staticmethod
    def forward(ctx: Any, sums: Tensor, scores: Tensor, signs: Tensor, tables: Tensor, layer: LutNeurons) -> Tensor:
        ctx.save_for_backward(signs, tables)
        ctx.layer = layer
        return sums.view_as(sums)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Optional[Tensor], ...]:
        signs, tables = ctx.saved_tensors
        layer = ctx.layer
        slopes = half_differences(tables)
        result = torch.zeros(layer.candidates.shape, dtype=signs.dtype, device=signs.device)
        for level in range(len(signs)):
            bits = (signs[level] > 0).long()
            address = sum(bits[layer.wiring[:, k]] << k for k in range(layer.inputs))
            flow = grads[0][level].index_select(0, layer.neuron)
            for position in range(1, layer.inputs):
                into = slopes[:, level, position].gather(1, address) * flow
                every = into @ signs[level].T  # [edges, elements]
                result[:, position - 1] += every.gather(1, layer.candidates[:, position - 1])
        return grads[0], result, None, None, None


def _drawn(layer: LutNeurons, count: int, seed: int) -> Tensor:
    """Return candidates: the present input first, then others at random, neither the host nor one twice."""
    draw = torch.Generator().manual_seed(seed)
    wiring = layer.wiring.cpu()
    result = []
    for position in range(1, layer.inputs):
        order = torch.rand(len(wiring), layer.elements, generator=draw)
        order.scatter_(1, wiring[:, :1], -1.0)
        order.scatter_(1, wiring[:, position : position + 1], 2.0)
        result.append(order.topk(count, dim=1).indices)
    return torch.stack(result, dim=1)
