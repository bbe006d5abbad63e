# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""LUT neurons in torch: every surviving synapse is a K-input truth table over activation signs (LUTNet).

The function of a table is the multilinear one that takes the value of row p at corner p of the cube
{-1, +1}**K (Wang et al., "LUTNet", FCCM 2019). Inputs here are always corners, so the value is a look-up,
and the slope along input k is half the difference of the two rows that differ in bit k.
Tensors are laid out [features, batch]: gathering a feature copies one contiguous row.
"""

from __future__ import annotations

from typing import Any, Iterator, Optional, Tuple

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.numerics import MAX_TABLE_INPUTS
from lutforge.training.quantisers import sign
from lutforge.training.table_forms import FORMS, saliency, to_coefficients, to_rows, without_inputs

MIN_TABLE_INPUTS = 2
BLOCK_ELEMENTS = 1 << 16
"""Edges times batch handled at once, so that the temporaries stay in the cache of one core."""


class LutNeurons(nn.Module):
    """Sums of truth tables per neuron, in [features, batch] layout.

    wiring: int64 [edges, K], input elements of each edge, column 0 the synapse's own, no element twice in a row;
    neuron: int64 [edges], not decreasing, the output each edge feeds; tables: float [edges, levels, 2**K], the
    value of each row (input k is address bit k), a table of its own for each level, or [edges, 1, 2**K], shared by
    `levels`; elements, neurons: inputs and outputs of the layer; form: what is trained, see `table_forms`.
    gathered: a table reads bits of all levels and gives one output, of weight 1; wiring then numbers bits, level *
    elements + element, and tables are [edges, 1, 2**K].
    `binary`: whether rows count as their sign or as they are, within [-1, 1]; `kept`: bool [edges, K], inputs
    that make a difference.
    """

    wiring: Tensor
    neuron: Tensor
    binary: Tensor
    kept: Tensor

    def __init__(
        self,
        elements: int,
        neurons: int,
        wiring: Tensor,
        neuron: Tensor,
        tables: Tensor,
        form: str = "lagrange",
        levels: Optional[int] = None,
        gathered: bool = False,
    ):
        super().__init__()
        self.gathered, self.levels = gathered, levels or tables.shape[1]
        _check(elements * (self.levels if gathered else 1), neurons, wiring, neuron, tables)
        if form not in FORMS:
            raise TrainingError(f"LutNeurons: form {form!r} is unknown; use one of {', '.join(FORMS)}")
        self.elements, self.neurons, self.form = elements, neurons, form
        self.register_buffer("wiring", wiring.clone())
        self.register_buffer("neuron", neuron.clone())
        self.register_buffer("binary", torch.tensor(False))
        self.register_buffer("kept", torch.ones(wiring.shape, dtype=torch.bool, device=wiring.device))
        self.latent = nn.Parameter(tables.clone() if form == "lagrange" else to_coefficients(tables))

    @property
    def inputs(self) -> int:
        """Inputs K of a table."""
        return int(self.wiring.shape[1])

    @property
    def outputs(self) -> int:
        """Bits that an edge adds to its neuron: one for each level, or one in all."""
        return 1 if self.gathered else self.levels

    def rows(self) -> Tensor:
        """Return the real-valued rows, float [edges, levels or 1, 2**K], removed inputs making no difference."""
        rows = self.latent if self.form == "lagrange" else to_rows(self.latent)
        return rows if bool(self.kept.all()) else without_inputs(rows, self.kept)

    def tables(self) -> Tensor:
        """Return what the rows count as: float [edges, levels, 2**K], +-1 if binary, else within [-1, 1]."""
        clipped = nn.functional.hardtanh(self.rows())
        counted = sign(clipped) if self.binary else clipped
        return counted.expand(-1, self.outputs, -1)

    def binarise(self) -> None:
        """Count rows as their sign from now on."""
        self.binary.fill_(True)

    @torch.no_grad()
    def after_step(self) -> None:
        """Hold the rows inside the window in which the straight-through estimator lets gradients pass."""
        if self.form == "lagrange":
            self.latent.clamp_(-1.0, 1.0)
        else:
            self.latent.copy_(to_coefficients(to_rows(self.latent).clamp_(-1.0, 1.0)))

    @torch.no_grad()
    def shrink(self, removed: float) -> LutNeurons:
        """Return the layer with this part of all inputs removed, the least salient ones, and no constant tables.

        The choice is made among all inputs of the layer, removed ones included; ties keep the earlier input. Of each
        neuron at least one table stays.
        """
        if not 0 <= removed < 1:
            raise TrainingError(f"shrink: {removed} of the inputs to remove; it must be at least 0 and below 1")
        rows = self.latent if self.form == "lagrange" else to_rows(self.latent)
        scores = saliency(rows)
        best = torch.full((self.neurons,), -1.0, dtype=scores.dtype, device=scores.device)
        best.scatter_reduce_(0, self.neuron, scores.amax(dim=1), "amax")
        spared = scores == best[self.neuron][:, None]  # the most salient input of each neuron
        order = scores.masked_fill(spared, torch.inf).flatten().argsort(descending=True, stable=True)
        kept = torch.zeros(scores.numel(), dtype=torch.bool, device=scores.device)
        kept[order[: scores.numel() - int(removed * scores.numel())]] = True
        kept = kept.reshape(scores.shape)
        return self.selected(kept.any(dim=1), kept)

    @torch.no_grad()
    def selected(self, edges: Tensor, kept: Tensor) -> LutNeurons:
        """Return the layer with some of its edges, bool [edges], and the inputs that matter, bool [edges, K]."""
        rows = self.latent if self.form == "lagrange" else to_rows(self.latent)
        wiring, neuron = self.wiring[edges], self.neuron[edges]
        sizes = self.elements, self.neurons
        result = LutNeurons(*sizes, wiring, neuron, rows[edges], self.form, self.levels, self.gathered)
        result.kept.copy_(kept[edges])
        result.binary.copy_(self.binary)
        return result

    def forward(self, signs: Tensor, levels: Tensor) -> Tensor:
        """Return float [neurons, batch] from signs -1 and +1 [levels, elements, batch] and level weights [levels]."""
        if self.gathered:
            signs, levels = signs.flatten(0, 1)[None], torch.ones_like(levels[:1])
        sums = look_up(signs, self.tables(), self.wiring, self.neuron, self.neurons)
        return torch.tensordot(levels.to(sums.dtype), sums, dims=1)


def look_up(signs: Tensor, tables: Tensor, wiring: Tensor, neuron: Tensor, neurons: int) -> Tensor:
    """Return the sum of the addressed rows per neuron and level, float [levels, neurons, batch].

    signs: [levels, elements, batch], -1 and +1; the other arguments as in `LutNeurons`. Differentiable in
    signs (slope of the multilinear function) and tables (each addressed row once).
    """
    result: Tensor = _LookUp.apply(signs, tables, wiring, neuron, neurons)
    return result


def half_differences(tables: Tensor) -> Tensor:
    """Return the slope along each input at each row, [edges, levels, K, 2**K], from tables [edges, levels, 2**K]."""
    rows = tables.shape[-1]
    row = torch.arange(rows, device=tables.device)
    bit = 1 << torch.arange(rows.bit_length() - 1, device=tables.device)[:, None]
    # Column (k, p) takes row p with bit k set minus row p with bit k cleared: one small matrix product.
    pairs = tables.new_zeros(len(bit), rows, rows)
    pairs.scatter_(2, (row | bit)[..., None], 0.5)
    pairs.scatter_(2, (row & ~bit)[..., None], -0.5)
    return torch.tensordot(tables, pairs, dims=([2], [2]))


class _LookUp(torch.autograd.Function):
    """`look_up` by gathering, with its own backward: no [edges, batch] float is kept, only uint8 addresses."""

    @staticmethod
    def forward(ctx: Any, signs: Tensor, tables: Tensor, wiring: Tensor, neuron: Tensor, neurons: int) -> Tensor:
        levels, elements, batch = signs.shape
        sums = signs.new_zeros(levels, neurons, batch)
        addresses = signs.new_empty((levels, len(wiring), batch), dtype=torch.uint8)
        for level in range(levels):
            bits = (signs[level] > 0).to(torch.uint8)
            for rows in _blocks(len(wiring), batch):
                address = _address(bits, wiring[rows])
                addresses[level, rows] = address
                values = tables[rows, level].gather(1, address.long())
                sums[level].index_add_(0, neuron[rows], values)
        ctx.save_for_backward(addresses, tables, wiring, neuron)
        ctx.elements = elements
        return sums

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Optional[Tensor], ...]:
        addresses, tables, wiring, neuron = ctx.saved_tensors
        levels, edges, batch = addresses.shape
        grad = grads[0].contiguous()
        slopes = half_differences(tables)
        table_grad = torch.zeros_like(tables)
        sign_grad = grad.new_zeros(levels, ctx.elements, batch)
        for level in range(levels):
            for rows in _blocks(edges, batch):
                address = addresses[level, rows].long()
                flow = grad[level].index_select(0, neuron[rows])
                table_grad[rows, level].scatter_add_(1, address, flow)
                for position in range(wiring.shape[1]):
                    slope = slopes[rows, level, position].gather(1, address)
                    sign_grad[level].index_add_(0, wiring[rows, position], slope.mul_(flow))
        return sign_grad, table_grad, None, None, None


def _address(bits: Tensor, wiring: Tensor) -> Tensor:
    """Return uint8 [edges, batch]: sum over k of bits[wiring[:, k]] << k. bits: uint8 [elements, batch]."""
    address = bits.index_select(0, wiring[:, 0])
    for position in range(1, wiring.shape[1]):
        address |= bits.index_select(0, wiring[:, position]) << position
    return address


def _blocks(edges: int, batch: int) -> Iterator[slice]:
    size = max(1, BLOCK_ELEMENTS // max(1, batch))
    return (slice(start, start + size) for start in range(0, edges, size))


def _check(elements: int, neurons: int, wiring: Tensor, neuron: Tensor, tables: Tensor) -> None:
    edges, inputs = wiring.shape
    if not MIN_TABLE_INPUTS <= inputs <= MAX_TABLE_INPUTS:
        raise TrainingError(
            f"LutNeurons: tables of {inputs} inputs; the limits are {MIN_TABLE_INPUTS}..{MAX_TABLE_INPUTS}. "
            "Choose K within them"
        )
    if tables.ndim != 3 or tables.shape[0] != edges or tables.shape[2] != 1 << inputs:
        raise TrainingError(
            f"LutNeurons: tables of shape {tuple(tables.shape)}; {edges} edges of {inputs} inputs need "
            f"({edges}, levels, {1 << inputs})"
        )
    if int(wiring.min()) < 0 or int(wiring.max()) >= elements:
        raise TrainingError(
            f"LutNeurons: wiring {int(wiring.min())}..{int(wiring.max())} leaves the elements 0..{elements - 1}"
        )
    twice = (wiring.sort(dim=1).values.diff(dim=1) == 0).any(dim=1).nonzero()
    if len(twice):
        edge = int(twice[0])
        raise TrainingError(
            f"LutNeurons: edge {edge} reads an element twice: {wiring[edge].tolist()}. Wire each input to another one"
        )
    if len(neuron) != edges or (neuron.diff() < 0).any() or not 0 <= int(neuron[0]) <= int(neuron[-1]) < neurons:
        raise TrainingError(
            f"LutNeurons: {len(neuron)} neuron numbers for {edges} edges; they must rise from edge to edge "
            f"within 0..{neurons - 1}"
        )
