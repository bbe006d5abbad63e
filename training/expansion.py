# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Logic expansion: the surviving synapses of a pruned binary layer as truth tables."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.numerics import MAX_TABLE_INPUTS
from lutforge.training.binary import BinaryLinear
from lutforge.training.lut_neurons import LutNeurons
from lutforge.training.table_forms import saliency, without_inputs
from lutforge.training.wiring import Evidence, wire


def expanded(
    layer: BinaryLinear,
    levels: int,
    inputs: int,
    wiring: str,
    seed: int,
    *,
    form: str = "lagrange",
    shared: bool = False,
    evidence: Optional[Evidence] = None,
) -> LutNeurons:
    """Return the surviving synapses of a binary layer as LUT neurons, each level with a table of its own, or shared.

    A table starts as w_0 x_0, its own synapse, plus w_k x_k for each input k whose synapse was pruned from this
    output and which no table of the output has taken up before: what pruning lost is recovered, once. The rows
    of the layer are divided by the largest. wiring, evidence: see `wire`; form: see `table_forms`.
    """
    latent, mask = layer.latent.detach(), layer.mask
    wires, neuron = wire(wiring, latent, mask, inputs, seed, evidence)
    part = latent[neuron].gather(1, wires) * _recovers(wires, neuron, mask)
    rows = part @ corners(inputs, part)
    rows = rows / rows.abs().max().clamp(min=torch.finfo(rows.dtype).tiny)
    tables = rows[:, None, :].repeat(1, 1 if shared else levels, 1)
    return LutNeurons(mask.shape[1], mask.shape[0], wires, neuron, tables, form, levels)


@torch.no_grad()
def gathered(layer: BinaryLinear, levels: int, inputs: int, form: str = "lagrange") -> LutNeurons:
    """Return the surviving synapses of a binary layer as tables that each read several of them, all levels at once.

    The bits of an output's synapses, the largest weights first, level 0 of each first, are dealt out to tables of so
    many inputs; pruned inputs, the largest first, fill up the last. A table starts as the sum of what its inputs
    contribute, and adds one bit to its output, where a table per synapse and level adds one for each. The rows of the
    layer are divided by the largest.
    """
    latent, mask = layer.latent.detach(), layer.mask
    if not 2 <= inputs <= MAX_TABLE_INPUTS:
        raise TrainingError(f"gathered: {inputs} inputs per table; the limits are 2..{MAX_TABLE_INPUTS}")
    counts = mask.sum(dim=1)
    tables = -(-counts * levels // inputs)
    if int(tables.max()) * inputs > levels * mask.shape[1]:
        raise TrainingError(
            f"gathered: {int(tables.max())} tables of {inputs} inputs for an output of {mask.shape[1]} inputs on "
            f"{levels} levels; they cannot all read different bits. Prune more, or take a divisor of the bits"
        )
    order = (latent.abs() + mask * (latent.abs().max() + 1)).argsort(dim=1, descending=True, stable=True)
    level = torch.arange(levels, device=latent.device)
    bits = (level * mask.shape[1] + order[:, :, None]).flatten(1)  # [outputs, bits], the synapses' own first
    parts = (0.5**level * latent.gather(1, order)[:, :, None]).flatten(1)
    chosen = torch.arange(bits.shape[1], device=latent.device) < (tables * inputs)[:, None]
    part = parts[chosen].reshape(-1, inputs)
    rows = part @ corners(inputs, part)
    rows = rows / rows.abs().max().clamp(min=torch.finfo(rows.dtype).tiny)
    neuron = torch.arange(len(mask), device=latent.device).repeat_interleave(tables)
    wires = bits[chosen].reshape(-1, inputs)
    return LutNeurons(mask.shape[1], mask.shape[0], wires, neuron, rows[:, None, :], form, levels, gathered=True)


def corners(inputs: int, like: Tensor) -> Tensor:
    """Return the corners of the cube, float [inputs, 2**inputs] of -1 and +1. like: gives dtype and device."""
    row = torch.arange(1 << inputs, device=like.device)
    bits = (row >> torch.arange(inputs, device=like.device)[:, None]) & 1
    return (2 * bits - 1).to(like.dtype)


@torch.no_grad()
def rewired(layer: LutNeurons, part: float, evidence: Evidence) -> LutNeurons:
    """Return the layer with this part of the tables' further inputs exchanged, the least salient ones.

    A new input makes no difference at first. It is the one that `evidence` speaks for most, not yet of the table
    (after Evci et al., "Rigging the Lottery", ICML 2020, which regrows by gradient).
    """
    rows = layer.rows()
    scores = saliency(rows)[:, 1:]
    order = scores.flatten().argsort(stable=True)[: int(part * scores.numel())]
    kept = torch.ones_like(layer.kept)
    kept[order // scores.shape[1], order % scores.shape[1] + 1] = False
    wiring = layer.wiring.clone()
    for edge, position in (~kept).nonzero().tolist():
        gain = evidence.gain(int(layer.neuron[edge]), int(wiring[edge, 0]))
        gain[wiring[edge]] = -torch.inf
        wiring[edge, position] = int(gain.argmax())
    rows = without_inputs(rows, kept)
    return LutNeurons(layer.elements, layer.neurons, wiring, layer.neuron, rows, layer.form, layer.levels)


def _recovers(wires: Tensor, neuron: Tensor, mask: Tensor) -> Tensor:
    """Return bool like wires: the synapse's own input, and the first reading of each pruned input per output."""
    synapse = (neuron[:, None] * mask.shape[1] + wires).flatten()
    order = synapse.argsort(stable=True)
    first = torch.ones_like(synapse, dtype=torch.bool)
    first[order[1:]] = synapse[order[1:]] != synapse[order[:-1]]
    chosen = (first & ~mask.flatten()[synapse]).reshape(wires.shape)
    chosen[:, 0] = True
    return chosen
