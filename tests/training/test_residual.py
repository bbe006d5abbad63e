# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from lutforge.errors import TrainingError
from lutforge.training.residual import ResidualSign

ALL = [(levels, ratio) for levels in (1, 2, 3) for ratio in ("pow2", "free")]


@pytest.mark.parametrize(("levels", "ratio"), ALL)
def test_code_counts_the_sums_of_steps_that_are_exceeded(levels: int, ratio: str) -> None:
    sign = ResidualSign(levels, ratio).double()
    alphas = sign.alphas().detach()
    # The residual chain changes its mind at every signed sum of the steps before the last one.
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * max(1, levels)).reshape(-1, levels)
    borders = torch.unique(torch.cat([corners[:, :level] @ alphas[:level].float() for level in range(levels)]))
    assert len(borders) == 2**levels - 1
    values = torch.linspace(-2.0, 2.0, 1001, dtype=torch.float64) + 1e-4  # none of them on a border
    assert torch.equal(sign.codes(values), (values[:, None] > borders).sum(dim=1))


@pytest.mark.parametrize(("levels", "ratio"), ALL)
def test_level_zero_is_the_top_bit_and_zero_is_minus_one(levels: int, ratio: str) -> None:
    sign = ResidualSign(levels, ratio)
    values = torch.tensor([-5.0, 0.0, 5.0])
    signs = sign(values)
    assert signs.shape == (levels, 3)
    assert signs[0].tolist() == [-1.0, -1.0, 1.0]
    # After sign(0) = -1 the residual is positive: every further bit is 1.
    assert sign.codes(values).tolist() == [0, 2 ** (levels - 1) - 1, 2**levels - 1]


def test_steps_are_ordered_whatever_the_parameters() -> None:
    sign = ResidualSign(3, "free")
    with torch.no_grad():
        sign.steepness.copy_(torch.tensor([-9.0, 4.0, -2.0]))
    first, second, third = sign.alphas().tolist()
    assert first >= second >= third > 0


def test_power_of_two_levels_halve() -> None:
    sign = ResidualSign(3)
    alphas = sign.alphas()
    assert torch.equal(alphas[1:], alphas[:-1] / 2)
    assert float(alphas.detach().sum()) == pytest.approx(1.0)  # softplus of its inverse, in float32
    assert sign.integer_weights() == (4, 2, 1)
    assert ResidualSign(2, "free").integer_weights() == (256, 128)


def test_gradient_passes_inside_the_window_only() -> None:
    sign = ResidualSign(1)
    values = torch.tensor([-1.5, -0.5, 0.5, 1.5], requires_grad=True)
    sign(values).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0.0, 1.0, 1.0, 0.0]
    two = ResidualSign(2, "free")
    two(torch.linspace(0.1, 1, 50))[1].sum().backward()
    assert two.steepness.grad is not None
    assert two.steepness.grad.abs().sum() > 0  # the second sign depends on the first step


def test_mistakes_are_named() -> None:
    with pytest.raises(TrainingError, match=r"4 levels; the limits are 1\.\.3"):
        ResidualSign(4)
    with pytest.raises(TrainingError, match="ratio 'golden' is unknown; use one of pow2, free"):
        ResidualSign(2, "golden")
