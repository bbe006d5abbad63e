# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Rounding, sign and scales of the quantisers against plain formulas; stock Brevitas differs at ties."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from lutforge import numerics

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas warns about optional packages
    from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
    from brevitas.quant import (
        SignedBinaryActPerTensorConst,
        SignedBinaryWeightPerTensorConst,
        Uint8ActPerTensorFixedPointMaxInit,
    )

    from lutforge.training.quantisers import (
        SMALLEST_WEIGHT_RANGE,
        ActivationQuant,
        BiasQuant,
        BinaryActivationQuant,
        BinaryWeightQuant,
        PixelQuant,
        SharedScaleWeightQuant,
        WeightQuant,
        round_half_up,
        sign,
    )

TIES = torch.arange(-9, 10) / 2


def test_round_half_up_at_ties_and_beside_them():
    assert round_half_up(TIES).tolist() == np.floor(TIES.double().numpy() + 0.5).tolist()
    assert round_half_up(torch.tensor([0.5, -0.5, 1.5, 2.5, 0.0])).tolist() == [1, 0, 2, 3, 0]
    beside = torch.tensor([0.49999997, -0.50000006, 8388609.0, 1e-9, -1e-9])  # float32 x + 0.5 would round up
    assert round_half_up(beside).tolist() == [0, -1, 8388609, 0, 0]
    assert np.array_equal(round_half_up(TIES).numpy(), numerics.round_half_up(TIES.numpy()))


def test_sign_of_zero_is_minus_one():
    values = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 3.0])
    assert sign(values).tolist() == [-1, -1, 1, -1, 1]
    assert np.array_equal(sign(values).numpy() > 0, numerics.sign_bit(values.numpy()) > 0)


@pytest.mark.parametrize("function", [round_half_up, sign])
def test_gradient_passes(function):
    x = torch.tensor([0.3, -1.7], requires_grad=True)
    (function(x) * torch.tensor([2.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [2.0, 5.0]


def quantised(quantiser, values, **settings):
    layer = QuantIdentity(act_quant=quantiser, return_quant_tensor=True, **settings).eval()
    return layer(values)


def test_activations_are_unsigned_half_up_and_saturate():
    values = torch.tensor([0.5, 1.5, 2.5, -0.5, 0.0, 254.5, 255.4, 300.0, -7.0]) / 32
    got = quantised(ActivationQuant, values)  # range 8, so one step is 8 / 256
    assert float(got.scale.detach()) == 1 / 32
    assert got.int().tolist() == [1, 2, 3, 0, 0, 255, 255, 255, 0]
    stock = quantised(Uint8ActPerTensorFixedPointMaxInit, values, max_val=8.0)
    assert stock.int().tolist() == [0, 2, 2, 0, 0, 254, 255, 255, 0], "stock Brevitas rounds half to even"


@pytest.mark.parametrize(("bits", "scale"), [(8, 1 / 256), (5, 1 / 16)])
def test_pixels_enter_as_they_are(bits, scale):
    pixels = torch.arange(1 << bits)
    got = quantised(PixelQuant, pixels * scale, bit_width=bits, scaling_init=scale * 2**bits)
    assert torch.equal(got.int().long(), pixels) and float(got.scale) == scale


@pytest.mark.parametrize("bits", [8, 9])
@pytest.mark.parametrize("kind", [WeightQuant, SharedScaleWeightQuant])
def test_weights_follow_the_formula(bits, kind):
    torch.manual_seed(bits)
    weight = torch.randn(6, 40) * torch.tensor([0.01, 0.1, 1.0, 3.0, 1e-6, 0.3])[:, None]
    weight[2, :4] = torch.tensor([0.5, -0.5, 1.5, 0.0]) * 2.0 ** (2 - (bits - 1))  # ties, if the range is 4
    layer = QuantLinear(40, 6, bias=False, weight_quant=kind, weight_bit_width=bits)
    got = layer.weight_quant(weight)
    largest = weight.abs().amax(dim=1, keepdim=True) if kind is WeightQuant else weight.abs().max()
    span = 2.0 ** torch.ceil(torch.log2(largest.clamp(min=SMALLEST_WEIGHT_RANGE)))
    scale = span / 2 ** (bits - 1)
    top = 2 ** (bits - 1) - 1
    expected = torch.floor(weight / scale + 0.5).clamp(-top, top)
    assert torch.equal(got.scale.expand(6, 1), scale.expand(6, 1))
    assert torch.equal(got.int().float(), expected) and int(got.int().min()) >= -top


def test_convolution_has_a_scale_per_channel():
    torch.manual_seed(0)
    layer = QuantConv2d(3, 4, 3, bias=False, weight_quant=WeightQuant)
    layer.weight.data *= torch.tensor([0.1, 1.0, 10.0, 0.5]).reshape(4, 1, 1, 1)
    assert (
        layer.quant_weight().scale.shape == (4, 1, 1, 1) and len(set(layer.quant_weight().scale.flatten().tolist())) > 1
    )


def test_bias_lies_at_the_scale_of_the_accumulator():
    layer = QuantLinear(2, 3, bias=True, weight_quant=WeightQuant, bias_quant=BiasQuant).eval()
    weight = layer.weight_quant(torch.tensor([[0.9, 0.1], [1.9, 0.3], [0.2, 0.1]]))
    pixels = quantised(PixelQuant, torch.tensor([[0.5, 0.25]]), bit_width=8, scaling_init=1.0)
    steps = weight.scale.flatten() / 256
    bias = torch.tensor([0.5, -0.5, 2.5]) * steps
    got = layer.bias_quant(bias, pixels, weight)
    assert torch.equal(got.scale.flatten(), steps)
    assert got.int().tolist() == [1, 0, 3]


def test_binary_quantisers_and_stock_brevitas_at_zero():
    values = torch.tensor([0.0, -0.0, 0.3, -0.3, 5.0])
    assert quantised(BinaryActivationQuant, values).value.tolist() == [-1, -1, 1, -1, 1]
    assert quantised(SignedBinaryActPerTensorConst, values).value.tolist()[:2] == [1, 1], "stock: sign(0) is +1"
    layers = [
        QuantLinear(5, 1, bias=False, weight_quant=kind)
        for kind in (BinaryWeightQuant, SignedBinaryWeightPerTensorConst)
    ]
    ours, stock = (layer.weight_quant(values[None].clone()).value[0] for layer in layers)
    assert ours.tolist() == [-1, -1, 1, -1, 1] and (stock[:2] > 0).all()
