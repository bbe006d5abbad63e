# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from brevitas.proxy import ActQuantProxyFromInjector

from lutforge.errors import TrainingError
from lutforge.training.quantisers import BinarySign, sign
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


@pytest.mark.parametrize(("levels", "ratio"), ALL)
def test_brevitas_quantiser_takes_every_sign(levels: int, ratio: str) -> None:
    chain = ResidualSign(levels, ratio)
    assert any(isinstance(module, ActQuantProxyFromInjector) and module.is_quant_enabled for module in chain.modules())
    (quantiser,) = (module for module in chain.modules() if isinstance(module, BinarySign))
    calls: list[torch.Tensor] = []
    quantiser.register_forward_hook(lambda module, inputs, outputs: calls.append(outputs[0].detach()))
    assert torch.equal(chain(torch.linspace(-2.0, 2.0, 41)).detach(), torch.stack(calls))
    assert len(calls) == levels and list(chain.state_dict()) == ["steepness"]


@pytest.mark.parametrize(("levels", "ratio"), ALL)
def test_values_and_gradients_are_those_of_the_formula(levels: int, ratio: str) -> None:
    chain = ResidualSign(levels, ratio)
    # Both ends of the window and 0 are among the values; the gradient is 0 at the ends.
    values = (torch.arange(-800, 801) / 400).requires_grad_()
    assert {-1.0, 0.0, 1.0} <= set(values.tolist())
    flow = torch.randn(levels, 1601, generator=torch.Generator().manual_seed(levels))
    signs, residual = [], values
    for alpha in chain.alphas():
        signs.append(sign(torch.nn.functional.hardtanh(residual)))
        residual = residual - alpha * signs[-1]
    ours, wanted = chain(values), torch.stack(signs)
    assert torch.equal(ours, wanted)
    leaves = (values, chain.steepness) if levels > 1 else (values,)
    pairs = zip(torch.autograd.grad(ours, leaves, flow), torch.autograd.grad(wanted, leaves, flow), strict=True)
    assert all(torch.equal(got, want) for got, want in pairs)


@pytest.mark.parametrize(("levels", "ratio"), ALL)
def test_helper_tensors_lie_where_the_inputs_do(levels: int, ratio: str) -> None:
    # "meta" stands for a GPU: a tensor left on the CPU mixes with none of its own.
    chain, values = ResidualSign(levels, ratio).to("meta"), torch.zeros(3, device="meta", requires_grad=True)
    chain(values).sum().backward()
    assert values.grad is not None
    assert {tensor.device.type for tensor in (values.grad, chain.codes(values), chain.level_weights())} == {"meta"}


def test_mistakes_are_named() -> None:
    with pytest.raises(TrainingError, match=r"4 levels; the limits are 1\.\.3"):
        ResidualSign(4)
    with pytest.raises(TrainingError, match="ratio 'golden' is unknown; use one of pow2, free"):
        ResidualSign(2, "golden")
