# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""One stage of a LUTNet, a layer of integer sums with its batch norm and residual sign, and how it freezes.

The two after the layer become integer thresholds, found by bisection on their own float64 expression. A batch
norm of negative slope falls with the sum, but a code of thresholds only rises: such outputs are turned, their
weights negated or their tables complemented.
"""

from __future__ import annotations

from typing import Callable, List, Optional, Tuple, Union

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training import frozen
from lutforge.training.binary import BinaryLinear
from lutforge.training.bisection import bisect_thresholds
from lutforge.training.lut_neurons import LutNeurons
from lutforge.training.residual import ResidualSign

Steps = List[Tuple[str, nn.Module]]

SCALE_BITS = 12
"""Bits of the largest integer scale of the logits, sign not counted."""


class Stage(nn.Module):
    """One layer, its batch norm, and its residual sign; the last stage has none, its values are the logits."""

    def __init__(self, fan_in: int, outputs: int, activation: Optional[ResidualSign]):
        super().__init__()
        self.layer: Union[BinaryLinear, LutNeurons] = BinaryLinear(fan_in, outputs)
        self.norm = nn.BatchNorm1d(outputs)
        self.activation = activation

    def forward(self, signs: Tensor, levels: Tensor) -> Tensor:
        """Return the normalised sums, float [outputs, batch], of signs [levels, fan_in, batch]."""
        return self.normalised(self.layer(signs, levels))

    def normalised(self, sums: Tensor) -> Tensor:
        """Return the batch norm of sums [outputs, batch]."""
        result: Tensor = self.norm(sums[None])[0]  # one sample of `batch` positions: the layout stays as it is
        return result

    @property
    def binary(self) -> BinaryLinear:
        """The layer while it consists of binary weights."""
        if not isinstance(self.layer, BinaryLinear):
            raise TrainingError("the stage consists of tables already; prune and expand come before, once")
        return self.layer

    @property
    def neurons(self) -> LutNeurons:
        """The layer once it consists of tables."""
        if not isinstance(self.layer, LutNeurons):
            raise TrainingError("the stage has no tables yet; call expand() first")
        return self.layer

    def turn(self) -> Tensor:
        """Return -1 where the batch norm falls with the sum, else 1: float64 [outputs]."""
        return torch.where(self.norm.weight.detach() < 0, -1.0, 1.0).double()


def frozen_pixels(stage: Stage, low: int, high: int) -> Steps:
    """Return binary weights over raw pixels low..high, and thresholds. stage: float64, in eval mode."""
    turn = stage.turn()
    weights = (stage.binary.weight().detach() * turn[:, None]).to(torch.int64)
    up, down = weights.clamp(min=0).sum(1), weights.clamp(max=0).sum(1)
    bounds = int((up * low + down * high).min()), int((up * high + down * low).max())
    codes = _thresholds(stage, lambda sums: sums * turn, *bounds)
    return [("fc1", frozen.BinaryMac(weights, levels=())), ("code1", codes)]


def frozen_tables(stage: Stage, number: int, weights: Tuple[int, ...]) -> Steps:
    """Return tables and thresholds, or tables and logits for the last stage. stage: float64, in eval mode.

    A table's output o stands for 2 o - 1, so a sum A of weighted outputs stands for 2 A - total.
    number: of the stage; weights: of the levels that it reads.
    """
    layer, last = stage.neurons, stage.activation is None
    if not layer.binary:
        raise TrainingError(f"freeze: the tables of stage {number} are real-valued; call binarise_tables() first")
    turn = torch.ones(layer.neurons, dtype=torch.float64) if last else stage.turn()
    name, step = f"fc{number}", _lut_neurons(layer, weights, turn)
    total = torch.bincount(layer.neuron, minlength=layer.neurons) * sum(weights)
    if last:
        return [(name, step), ("logits", _logits(stage, total))]
    codes = _thresholds(stage, lambda sums: (2 * sums - total) * turn, 0, int(total.max()))
    return [(name, step), (f"code{number}", codes)]


def _lut_neurons(layer: LutNeurons, weights: Tuple[int, ...], turn: Tensor) -> frozen.LutNeurons:
    """One table per edge and level, complemented where turn is -1; level 0 reads the top bit of each code."""
    levels = len(weights)
    outputs = (layer.tables().detach() > 0) ^ (turn[layer.neuron] < 0)[:, None, None]
    bit = torch.arange(levels - 1, -1, -1)
    return frozen.LutNeurons(
        neurons=layer.neurons,
        elements=layer.elements,
        bits=levels,
        wiring=(layer.wiring[:, None, :] * levels + bit[:, None]).flatten(0, 1),
        neuron=layer.neuron.repeat_interleave(levels),
        weight=torch.tensor(weights).repeat(len(layer.neuron)),
        tables=outputs.flatten(0, 1).to(torch.uint8),
    )


def _thresholds(stage: Stage, value_of: Callable[[Tensor], Tensor], low: int, high: int) -> frozen.Threshold:
    """Thresholds for sums low..high; value_of: frozen sums [n, outputs] -> the module's sums."""
    activation = stage.activation
    assert activation is not None

    def code_of(sums: Tensor) -> Tensor:
        return activation.codes(stage.normalised(value_of(sums).T)).T

    steps = (1 << activation.levels) - 1
    return frozen.Threshold(bisect_thresholds(code_of, stage.norm.num_features, low, high, steps))


def _logits(stage: Stage, total: Tensor) -> frozen.Affine:
    """Scale and offset of the logits: the batch norm of 2 A - total, times one power of two, rounded."""
    norm = stage.norm
    with torch.no_grad():
        slope = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        scale, offset = 2 * slope, norm.bias - slope * (total + norm.running_mean)
    unit = 2.0 ** (SCALE_BITS - 1 - torch.floor(torch.log2(scale.abs().max())))
    return frozen.Affine(*(torch.floor(part * unit + 0.5).to(torch.int64) for part in (scale, offset)))
