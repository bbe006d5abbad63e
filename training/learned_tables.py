# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A layer of truth tables whose wires are learned: every pin chooses one bit among the candidates of its table.

Forward, everything is hard: a pin reads the candidate of its highest score, a table answers with the sign of the
addressed latent. Backward, a latent c counts as the soft value tanh(STEEPNESS / 2 * c): the gradient along a pin is
half the difference of the two rows that differ in its bit, and the score of each candidate of the pin, chosen or not,
gets that gradient times the candidate's value. Tensors are laid out [features, batch].
"""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.numerics import MAX_TABLE_INPUTS
from lutforge.training.lut_neurons import half_differences

STEEPNESS = 6.0
"""Slope of the soft tables, sigmoid(6 c): steep enough that a latent at its bound counts as nearly hard."""

SPREAD = 0.03
"""Part of an addressed row's gradient that each row one bit away gets too; more than this blurs the tables."""

FIRST_AMPLITUDE = 0.1
"""Standard deviation of latents and scores at the start: a few steps of the optimiser, so that little is settled."""


class LearnedTables(nn.Module):
    """Tables of K inputs over bits, one bit out, values -1 and +1.

    candidates: int64 [groups, choices], the bits that each table of a group may read, none twice; tables: their
    number, a multiple of the groups, table t in group t // (tables / groups); inputs: K of a table.
    """

    candidates: Tensor
    wiring: Tensor

    def __init__(self, candidates: Tensor, tables: int, inputs: int = MAX_TABLE_INPUTS):
        super().__init__()
        _check(candidates, tables, inputs)
        self.register_buffer("candidates", candidates.clone())
        self.latent = nn.Parameter(random_linear_functions(tables, inputs))
        self.scores = nn.Parameter(torch.randn(tables, inputs, candidates.shape[1]) * FIRST_AMPLITUDE)
        self.register_buffer("wiring", torch.zeros(tables, inputs, dtype=torch.int64))
        self.choose()

    @torch.no_grad()
    def choose(self) -> None:
        """Wire each pin to its best candidate that no earlier pin of its table has taken."""
        scores = self.scores.detach().clone()
        table = torch.arange(len(scores), device=scores.device)
        group = table // (len(scores) // len(self.candidates))
        for pin in range(scores.shape[1]):
            choice = scores[:, pin].argmax(dim=1)
            scores[table, pin:, choice] = -torch.inf
            self.wiring[:, pin] = self.candidates[group, choice]

    def hold_wiring(self) -> None:
        """Keep the wires as they are from now on."""
        self.scores.requires_grad_(False)

    @torch.no_grad()
    def after_step(self) -> None:
        """Hold the latents within -1..1, where their gradient lives, and follow the scores."""
        self.latent.clamp_(-1.0, 1.0)
        if self.scores.requires_grad:
            self.choose()

    def forward(self, bits: Tensor) -> Tensor:
        """Return float [tables, batch], values -1 and +1, of bits, uint8 [bits, batch]."""
        result: Tensor = _Tables.apply(bits, self.latent, self.scores, self.wiring, self.candidates)
        return result


def random_linear_functions(tables: int, inputs: int) -> Tensor:
    """Return latents, float [tables, 2**inputs]: each table a sum of its inputs (-1 and +1) with random weights."""
    row = torch.arange(1 << inputs)
    corners = 2.0 * ((row >> torch.arange(inputs)[:, None]) & 1) - 1.0
    return torch.randn(tables, inputs) @ corners * (FIRST_AMPLITUDE / inputs**0.5)


class _Tables(torch.autograd.Function):
    """`LearnedTables.forward` by gathering; kept for the backward are the bits and one uint8 address per output."""

    @staticmethod
    def forward(ctx: Any, bits: Tensor, latent: Tensor, scores: Tensor, wiring: Tensor, candidates: Tensor) -> Tensor:
        address = bits.index_select(0, wiring[:, 0])
        for pin in range(1, wiring.shape[1]):
            address |= bits.index_select(0, wiring[:, pin]) << pin
        ctx.save_for_backward(bits, address, latent, candidates)
        return torch.where(latent > 0, 1.0, -1.0).to(latent.dtype).gather(1, address.long())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Optional[Tensor], ...]:
        bits, saved, latent, candidates = ctx.saved_tensors
        flow, address = grads[0].contiguous(), saved.long()
        rows = torch.zeros_like(latent).scatter_add_(1, address, flow)
        soft = torch.tanh(STEEPNESS / 2 * latent)
        latent_grad = _spread(rows)
        score_grad = _score_grad(bits, address, soft, flow, candidates) if ctx.needs_input_grad[2] else None
        return None, latent_grad, score_grad, None, None


def _spread(rows: Tensor) -> Tensor:
    """Add to each row of [tables, 2**K] SPREAD times the sum of the K rows whose address differs in one bit."""
    count = rows.shape[1]
    row = torch.arange(count, device=rows.device)
    bit = 1 << torch.arange(count.bit_length() - 1, device=rows.device)
    mix = torch.eye(count, dtype=rows.dtype, device=rows.device)
    mix[row[:, None], row[:, None] ^ bit] = SPREAD
    return rows @ mix


def _score_grad(bits: Tensor, address: Tensor, soft: Tensor, flow: Tensor, candidates: Tensor) -> Tensor:
    """Return [tables, K, choices]: over the batch, the gradient at a pin times the value of each candidate.

    The tables of a group have the same candidates, so that one matrix product serves all of their pins.
    """
    slopes = half_differences(soft[:, None])[:, 0]
    tables, inputs, _ = slopes.shape
    groups, choices = candidates.shape
    pins = slopes.gather(2, address[:, None].expand(-1, inputs, -1)).mul_(flow[:, None])
    values = bits.to(flow.dtype).mul_(2).sub_(1).index_select(0, candidates.flatten()).reshape(groups, choices, -1)
    grad = torch.bmm(pins.reshape(groups, -1, flow.shape[1]), values.transpose(1, 2))
    return grad.reshape(tables, inputs, choices)


def _check(candidates: Tensor, tables: int, inputs: int) -> None:
    groups, choices = candidates.shape
    if not 1 <= inputs <= MAX_TABLE_INPUTS:
        raise TrainingError(f"LearnedTables: tables of {inputs} inputs; the limits are 1..{MAX_TABLE_INPUTS}")
    if choices < inputs:
        raise TrainingError(f"LearnedTables: {choices} candidates for {inputs} pins; give at least one for each pin")
    if tables < groups or tables % groups:
        raise TrainingError(
            f"LearnedTables: {tables} tables in {groups} groups; the tables must be a multiple of the groups"
        )
    ordered = candidates.sort(dim=1).values
    twice = (ordered.diff(dim=1) == 0).nonzero()
    if len(twice):
        group, place = twice[0].tolist()
        raise TrainingError(
            f"LearnedTables: group {group} has candidate {int(ordered[group, place])} twice; each bit may stand once"
        )
