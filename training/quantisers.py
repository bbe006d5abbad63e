# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Brevitas quantisers with the project's rounding, sign and scales.

Stock Brevitas 0.13 rounds half to even and has sign(0) = +1; with power-of-two scales ties are common, so both
would show in the hardware's answers. Here rounding is half up and sign(0) is -1, as in `lutforge.numerics`.
Scales are powers of two, so that going from one layer's accumulator to the next layer's input is a shift.
"""

from __future__ import annotations

from typing import Any, Tuple

import torch
from brevitas.core.bit_width import BitWidthConst
from brevitas.core.utils import StatelessBuffer
from brevitas.inject import ExtendedInjector
from brevitas.inject.enum import BitWidthImplType, QuantType, RestrictValueType, ScalingImplType, ScalingPerOutputType
from brevitas.quant.base import (
    MaxStatsScaling,
    NarrowIntQuant,
    ParamMinMaxInitScaling,
    PerChannelPoTScaling8bit,
    PerTensorPoTScaling8bit,
    UintQuant,
)
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from brevitas.quant.scaled_int import Int32Bias
from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver
from torch import Tensor, nn

SMALLEST_WEIGHT_RANGE = 2.0**-8
"""Floor of a weight scale's range: a dead channel must not get a scale so small that its bias overflows."""


class _RoundHalfUp(torch.autograd.Function):
    """floor(x + 0.5), without the float addition that would lift 0.49999997 to 1; the gradient passes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        below = torch.floor(x)
        return below + (x - below >= 0.5).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class _Sign(torch.autograd.Function):
    """+1 where x > 0, else -1; the gradient passes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return (x > 0).to(x.dtype) * 2 - 1

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class _WindowedSign(torch.autograd.Function):
    """+1 where x > 0, else -1; the gradient passes where |x| < 1. One pass over the data each, for a processor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype).mul_(2).sub_(1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        passed: Tensor = torch.ops.aten.hardtanh_backward(gradients[0], x, -1.0, 1.0)
        return passed


def round_half_up(x: Tensor) -> Tensor:
    """Return floor(x + 0.5) with a straight-through gradient. x: float, any shape."""
    rounded: Tensor = _RoundHalfUp.apply(x)
    return rounded


def sign(x: Tensor) -> Tensor:
    """Return +1 where x > 0, else -1, with a straight-through gradient. x: float, any shape."""
    signs: Tensor = _Sign.apply(x)
    return signs


class RoundHalfUp(nn.Module):
    """`round_half_up` as the module that a Brevitas quantiser calls."""

    def __init__(self) -> None:  # the injector refuses the open argument list of nn.Module
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Return the rounded values."""
        return round_half_up(x)


class BinarySign(nn.Module):
    """Clamp to -scale..scale, then `sign(x) * scale`, in place of Brevitas' binary quantiser."""

    def __init__(self, scaling_impl: nn.Module, tensor_clamp_impl: nn.Module):
        super().__init__()
        self.scaling_impl = scaling_impl
        self.tensor_clamp_impl = tensor_clamp_impl
        self.bit_width = BitWidthConst(1)
        self.zero_point = StatelessBuffer(torch.tensor(0.0))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the signs times the scale, the scale, the zero point and the bit width."""
        scale = self.scaling_impl(x)
        return sign(self.tensor_clamp_impl(x, -scale, scale)) * scale, scale, self.zero_point(), self.bit_width()


class ActivationSign(BinarySign):
    """Signs of scale 1; the gradient is 0 at both ends of the window too, where a clamp still passes it."""

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the signs, the scale, the zero point and the bit width."""
        signs: Tensor = _WindowedSign.apply(x)
        return signs, self.scaling_impl(x), self.zero_point(), self.bit_width()


class WeightQuant(NarrowIntQuant, MaxStatsScaling, PerChannelPoTScaling8bit, WeightQuantSolver):
    """Signed weights, -(2**(bits-1)-1)..2**(bits-1)-1, one power-of-two scale per output; 8 bits by default."""

    float_to_int_impl = RoundHalfUp
    scaling_min_val = SMALLEST_WEIGHT_RANGE


class SharedScaleWeightQuant(NarrowIntQuant, MaxStatsScaling, PerTensorPoTScaling8bit, WeightQuantSolver):
    """As `WeightQuant`, with one scale for all outputs: logits must share a scale to be compared."""

    float_to_int_impl = RoundHalfUp
    scaling_min_val = SMALLEST_WEIGHT_RANGE


class ActivationQuant(UintQuant, ParamMinMaxInitScaling, PerTensorPoTScaling8bit, ActQuantSolver):
    """Unsigned activations after a ReLU, 0..2**bits-1, one learned power-of-two scale; 8 bits by default.

    The range starts at max_val.
    """

    float_to_int_impl = RoundHalfUp
    min_val = 0.0
    max_val = 8.0


class PixelQuant(UintQuant, ActQuantSolver):
    """Pixels as they are: the integer v stands for v * scaling_init / 2**bits. Give bit_width and scaling_init."""

    float_to_int_impl = RoundHalfUp
    scaling_impl_type = ScalingImplType.CONST
    scaling_init = 1.0
    restrict_scaling_type = RestrictValueType.POWER_OF_TWO
    scaling_per_output_type = ScalingPerOutputType.TENSOR
    bit_width = 8


class BiasQuant(Int32Bias):
    """Biases at the scale of the accumulator, input scale times weight scale."""

    float_to_int_impl = RoundHalfUp


class _OurSign(ExtendedInjector):
    quant_type = QuantType.BINARY
    bit_width_impl_type = BitWidthImplType.CONST
    tensor_quant = BinarySign


class BinaryWeightQuant(_OurSign, SignedBinaryWeightPerTensorConst):
    """Weights -1 and +1 (times scaling_const); a weight of 0 is -1."""

    scaling_const = 1.0


class BinaryActivationQuant(_OurSign, SignedBinaryActPerTensorConst):
    """Activations -1 and +1; an activation of 0 is -1. The gradient passes where |x| < 1."""

    tensor_quant = ActivationSign
    scaling_const = 1.0
