# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How a stage of a LUTNet becomes integers: weights or tables, and thresholds or logits.

Batch norm and residual sign become integer thresholds, found by bisection on their own float64 expression. A batch
norm of negative slope falls with the sum, but a code of thresholds only rises: such outputs are turned, their
weights negated or their tables complemented.
"""

from __future__ import annotations

from typing import Callable, List, Tuple

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training import frozen
from lutforge.training.bisection import bisect_thresholds
from lutforge.training.lut_neurons import LutNeurons
from lutforge.training.stage import Stage
from lutforge.training.tiled import TiledNeurons

Steps = List[Tuple[str, nn.Module]]

SCALE_BITS = 12
"""Bits of the largest integer scale of the logits, sign not counted."""


def frozen_stage(stage: Stage, number: int, weights: Tuple[int, ...], low: int, high: int) -> Steps:
    """Return a stage as operations. stage: float64, in eval mode; number: from 1, which their names end with.

    weights: of the levels that it reads, none for raw pixels low..high.
    """
    steps: Steps = []
    if stage.kernel:
        steps.append((f"window{number}", frozen.Window((stage.kernel, stage.kernel))))
    steps += (
        _frozen_tables(stage, number, weights) if stage.is_tables else _frozen_binary(stage, number, weights, low, high)
    )
    if stage.pool:
        steps.append((f"pool{number}", frozen.MaxPool((stage.pool, stage.pool), (stage.pool, stage.pool))))
    return steps


def _turned(stage: Stage) -> Tensor:
    """Which outputs are turned, as factors -1 and 1; logits are never."""
    return torch.ones_like(stage.turn()) if stage.activation is None else stage.turn()


def _frozen_binary(stage: Stage, number: int, levels: Tuple[int, ...], low: int, high: int) -> Steps:
    """Return +-1 weights over raw pixels or codes, and thresholds or logits."""
    turn = _turned(stage)
    weights = (stage.binary.weight().detach() * turn[:, None]).to(torch.int64)
    if levels:
        low, high = -sum(levels), sum(levels)
    up, down = weights.clamp(min=0).sum(1), weights.clamp(max=0).sum(1)
    bounds = int((up * low + down * high).min()), int((up * high + down * low).max())
    step = (f"fc{number}", frozen.BinaryMac(weights, levels=levels))
    if stage.activation is None:
        return [step, ("logits", _logits(stage, 1, torch.zeros(len(weights))))]
    return [step, (f"code{number}", _thresholds(stage, lambda sums: sums * turn, *bounds))]


def _frozen_tables(stage: Stage, number: int, weights: Tuple[int, ...]) -> Steps:
    """Return tables and thresholds, or tables and logits for the last stage.

    A table's output o stands for 2 o - 1, so a sum A of weighted outputs stands for 2 A - total.
    """
    if not stage.tables.binary:
        raise TrainingError(f"freeze: the tables of stage {number} are real-valued; call binarise_tables() first")
    if isinstance(stage.layer, TiledNeurons):
        return _frozen_tiled(stage, stage.layer, number, weights)
    layer, turn = stage.neurons, _turned(stage)
    step = (f"fc{number}", _lut_neurons(layer, weights, turn))
    total = torch.bincount(layer.neuron, minlength=layer.neurons) * (1 if layer.gathered else sum(weights))
    if stage.activation is None:
        return [step, ("logits", _logits(stage, 2, total))]
    codes = _thresholds(stage, lambda sums: (2 * sums - total) * turn, 0, int(total.max()))
    return [step, (f"code{number}", codes)]


def _frozen_tiled(stage: Stage, layer: TiledNeurons, number: int, weights: Tuple[int, ...]) -> Steps:
    """As `_frozen_tables`, of tables that tiles share; no output is turned, see `Stage.after_step`."""
    bits = (layer.weights.detach() > 0).long()
    words = (bits << torch.arange(bits.shape[-1])).sum(dim=-1)
    tables = (layer.tables().detach() > 0).to(torch.uint8)
    step = (
        f"fc{number}",
        frozen.TiledLutNeurons(layer.neurons, layer.elements, weights, layer.wiring, layer.neuron, tables, words),
    )
    inside, outside = layer.tiles
    each = torch.bincount(layer.neuron, minlength=layer.neurons // outside) * inside * sum(weights)
    total = each.repeat(outside)
    if stage.activation is None:
        return [step, ("logits", _logits(stage, 2, total))]
    if bool((stage.norm.weight < 0).any()):
        raise TrainingError(
            f"freeze: a batch norm of tiled stage {number} falls with the sum; call after_step() in training"
        )
    return [step, (f"code{number}", _thresholds(stage, lambda sums: 2 * sums - total, 0, int(total.max())))]


def _lut_neurons(layer: LutNeurons, weights: Tuple[int, ...], turn: Tensor) -> frozen.LutNeurons:
    """One table per edge and level, or per edge, complemented where turn is -1; level 0 is the top bit of a code."""
    levels = len(weights)
    outputs = (layer.tables().detach() > 0) ^ (turn[layer.neuron] < 0)[:, None, None]
    bit = torch.arange(levels - 1, -1, -1)
    if layer.gathered:
        wiring, weights = layer.wiring % layer.elements * levels + bit[layer.wiring // layer.elements], (1,)
    else:
        wiring = (layer.wiring[:, None, :] * levels + bit[:, None]).flatten(0, 1)
    return frozen.LutNeurons(
        neurons=layer.neurons,
        elements=layer.elements,
        bits=levels,
        wiring=wiring,
        neuron=layer.neuron.repeat_interleave(layer.outputs),
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


def _logits(stage: Stage, gain: int, total: Tensor) -> frozen.Affine:
    """Scale and offset of the logits: the batch norm of gain * A - total, times one power of two, rounded."""
    norm = stage.norm
    with torch.no_grad():
        slope = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        scale, offset = gain * slope, norm.bias - slope * (total + norm.running_mean)
    unit = 2.0 ** (SCALE_BITS - 1 - torch.floor(torch.log2(scale.abs().max())))
    return frozen.Affine(*(torch.floor(part * unit + 0.5).to(torch.int64) for part in (scale, offset)))
