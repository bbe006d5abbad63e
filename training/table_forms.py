# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How the rows of truth tables are parametrised, how much each input matters, and how an input is taken away.

A row is the value of a table's function at one corner of the cube {-1, +1}**K; input k is address bit k. The Walsh
coefficients of a table are the weights of the products of its inputs; coefficient s belongs to the product of the
inputs whose bits are set in s.
"""

from __future__ import annotations

import torch
from torch import Tensor

FORMS = ("lagrange", "walsh")
"""What is trained: the rows themselves, or their Walsh coefficients."""


def walsh_matrix(inputs: int, like: Tensor) -> Tensor:
    """Return H, float [2**inputs, 2**inputs]: row p, column s is the product of the inputs of s at corner p.

    H is symmetric up to signs and H.T @ H = 2**inputs. like: gives dtype and device.
    """
    row = torch.arange(1 << inputs, device=like.device)
    cleared = ~row[:, None] & row[None, :]  # inputs of s that are -1 at p
    signs = torch.ones(len(row), len(row), dtype=like.dtype, device=like.device)
    for position in range(inputs):
        signs = torch.where((cleared >> position & 1).bool(), -signs, signs)
    return signs


def to_rows(coefficients: Tensor) -> Tensor:
    """Return the rows of Walsh coefficients, float [..., 2**K] both."""
    return coefficients @ walsh_matrix(_inputs(coefficients), coefficients).T


def to_coefficients(rows: Tensor) -> Tensor:
    """Return the Walsh coefficients of rows, float [..., 2**K] both; the inverse of `to_rows`."""
    return rows @ walsh_matrix(_inputs(rows), rows) / rows.shape[-1]


def without_inputs(rows: Tensor, kept: Tensor) -> Tensor:
    """Return rows in which the inputs that are not kept make no difference: the mean over both their values.

    The same as zeroing every Walsh coefficient that holds such an input (Wang et al., "Logic Shrinkage", FPGA 2022).
    rows: float [edges, levels, 2**K]; kept: bool [edges, K]. Differentiable in rows.
    """
    for position in range(kept.shape[1]):
        shape = (*rows.shape[:-1], -1, 2, 1 << position)
        mean = (
            rows.reshape(shape).mean(dim=-2, keepdim=True).expand(*shape[:-3], rows.shape[-1] >> (position + 1), 2, -1)
        )
        rows = torch.where(kept[:, position, None, None], rows, mean.reshape(rows.shape))
    return rows


def saliency(rows: Tensor) -> Tensor:
    """Return how much each input matters, float [edges, K]: |difference| of each pair of rows, summed over levels.

    rows: float [edges, levels, 2**K] (Logic Shrinkage, section 3).
    """
    result = []
    for position in range(_inputs(rows)):
        pairs = rows.reshape(*rows.shape[:-1], -1, 2, 1 << position)
        result.append((pairs[..., 1, :] - pairs[..., 0, :]).abs().sum(dim=(-1, -2)).sum(dim=-1))
    return torch.stack(result, dim=-1)


def _inputs(rows: Tensor) -> int:
    return int(rows.shape[-1]).bit_length() - 1
