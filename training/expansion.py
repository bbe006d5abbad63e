# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Logic expansion: the surviving synapses of a pruned binary layer as truth tables."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

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
    row = torch.arange(1 << inputs, device=part.device)
    corners = 2.0 * ((row >> torch.arange(inputs, device=part.device)[:, None]) & 1) - 1.0
    rows = part @ corners
    rows = rows / rows.abs().max().clamp(min=torch.finfo(rows.dtype).tiny)
    tables = rows[:, None, :].repeat(1, 1 if shared else levels, 1)
    return LutNeurons(mask.shape[1], mask.shape[0], wires, neuron, tables, form, levels)


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
