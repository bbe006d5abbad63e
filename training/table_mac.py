# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Trainable LUT-NA layers: a dense or convolution product on quantised weights and activations.

Batch norm is trained in two phases. First it normalises by the statistics of the batch; from
`start_folding` on its running statistics are constants that are folded into weight and bias *before* these are
quantised. Evaluation always folds, so that what is validated is what is frozen.
"""

from __future__ import annotations

from typing import Callable, List, Optional, Tuple, Union

import torch
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training.frozen import MaxPool, Rescale, TableMac, Window
from lutforge.training.frozen_operations import Operation
from lutforge.training.quantisers import ActivationQuant, BiasQuant, PixelQuant, SharedScaleWeightQuant, WeightQuant

Value = Union[Tensor, IntQuantTensor]
Steps = List[Tuple[str, Operation]]
WEIGHT_BITS = (2, 9)
ACTIVATION_BITS = (2, 8)


class QuantisedRelu(nn.Module):
    """ReLU to unsigned activations of `bits` bits at one learned power-of-two scale; `floating`: ReLU alone.

    observe: called with what goes in while it is floating, for calibration.
    """

    def __init__(self, bits: int = 8):
        super().__init__()
        low, high = ACTIVATION_BITS
        if not low <= bits <= high:
            raise TrainingError(f"activation_bits {bits}: a table look-up reads activations of {low} to {high} bits")
        self.bits, self.floating = bits, False
        self.observe: Optional[Callable[[Tensor], None]] = None
        self.quantiser = QuantReLU(act_quant=ActivationQuant, bit_width=bits, return_quant_tensor=True)

    @property
    def scale(self) -> Tensor:
        """What an activation of 1 stands for."""
        scale: Tensor = self.quantiser.act_quant.scale()
        return scale

    @torch.no_grad()
    def set_range(self, exponent: int) -> None:
        """Let the codes 0..2**bits - 1 stand for 0..2**exponent; the parameter is log2 of it, rounded up."""
        self.quantiser.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value.fill_(exponent - 0.5)

    def forward(self, x: Tensor) -> Value:
        """Return the quantised activations, or float ones while `floating`."""
        if not self.floating:
            return self.quantiser(x)
        if self.observe is not None:
            self.observe(x)
        return torch.relu(x)


class TableMacLayer(nn.Module):
    """Product, batch norm, pooling, ReLU and quantisation; the last layer of a network has only the product.

    kernel: None for a dense layer, else the odd extent of a convolution that keeps the image's size but for `stride`.
    pool: extent and stride of the max pooling. relu: without it the output is the accumulator itself; activation: a
    quantiser that several layers share, else the layer has its own. head: logits, with one weight scale, no norm and
    no activation. floating: weights and bias are not quantised, and inputs are plain tensors.
    """

    ceiling: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: Optional[int] = None,
        stride: int = 1,
        pool: int = 1,
        weight_bits: int = 8,
        relu: bool = True,
        activation: Optional[QuantisedRelu] = None,
        head: bool = False,
    ):
        super().__init__()
        low, high = WEIGHT_BITS
        if not low <= weight_bits <= high:
            raise TrainingError(f"weight_bits {weight_bits}: a table look-up holds weights of {low} to {high} bits")
        quantisers = {
            "weight_quant": SharedScaleWeightQuant if head else WeightQuant,
            "weight_bit_width": weight_bits,
            "bias_quant": BiasQuant,
        }
        self.kernel, self.stride, self.pool, self.weight_bits, self.head = kernel, stride, pool, weight_bits, head
        self.mac: Union[QuantConv2d, QuantLinear]
        self.norm: Optional[nn.Module] = None
        if kernel is None:
            self.mac = QuantLinear(inputs, outputs, bias=True, **quantisers)
            norm: nn.Module = nn.BatchNorm1d(outputs)
        else:
            self.mac = QuantConv2d(inputs, outputs, kernel, padding=kernel // 2, bias=True, **quantisers)
            norm = nn.BatchNorm2d(outputs)
        self.norm = None if head else norm
        self.activation = None if head or not relu else activation or QuantisedRelu()
        self.register_buffer("ceiling", torch.full((outputs,), torch.inf))
        self.folding = self.floating = False

    def start_folding(self) -> None:
        """Train from now on with batch norm folded into the weights."""
        self.folding = True

    def forward(self, x: Value) -> Value:
        """Return the activations [batch, outputs(, h, w)] of x, the accumulator, or the logits of a head."""
        if self.floating:
            y = self._product(plain(x), self.mac.weight, self.mac.bias)
            y = y if self.norm is None else self.norm(y)
        elif self.norm is not None and self.training and not self.folding:
            y = self.norm(self._product(plain(x), self.mac.weight, self.mac.bias))
        else:
            weight, bias = self.quantised(x)
            y = self._product(plain(x), weight.value, bias.value)
        if self.pool > 1:  # before the quantiser: both are monotone, and this way is cheaper
            y = nn.functional.max_pool2d(y, self.pool)
        return y if self.activation is None else self.activation(y)

    @torch.no_grad()
    def freeze(self, name: str, x: IntQuantTensor) -> Steps:
        """Return the integer operations of this layer, in eval mode, for an input quantised as x."""
        weight, bias = self.quantised(x)
        steps: Steps = []
        if self.kernel is not None and (self.kernel, self.stride) != (1, 1):
            extent = (self.kernel, self.kernel)
            steps.append((f"{name}_window", Window(extent, (self.stride,) * 2, (self.kernel // 2,) * 4, 0)))
        steps.append((name, TableMac(_by_output(weight.int()), bias.int())))
        if self.activation is not None:
            scale = self.activation.scale / (x.scale * weight.scale.flatten())
            steps.append((f"{name}_rescale", rescale(scale, 0, 2**self.activation.bits - 1)))
        if self.pool > 1:
            steps.append((f"{name}_pool", MaxPool((self.pool, self.pool), (self.pool, self.pool))))
        return steps

    def _product(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if self.kernel is None:
            return nn.functional.linear(x, weight, bias)
        return nn.functional.conv2d(x, weight, bias, stride=self.stride, padding=self.kernel // 2)

    def quantised(self, x: IntQuantTensor) -> Tuple[IntQuantTensor, IntQuantTensor]:
        """Return weight and bias as the hardware has them, for an input quantised as x."""
        weight, bias = self.folded()
        ceiling = self.ceiling.reshape(-1, *[1] * (weight.ndim - 1))
        quantised = self.mac.weight_quant(weight.clamp(-ceiling, ceiling))
        return quantised, self.mac.bias_quant(bias, x, quantised)

    def folded(self) -> Tuple[Tensor, Tensor]:
        """Return float weight and bias with the batch norm's running statistics in them."""
        weight, bias, norm = self.mac.weight, self.mac.bias, self.norm
        if norm is None:
            return weight, bias
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        per_output = gain.reshape(-1, *[1] * (weight.ndim - 1))
        return weight * per_output, (bias - norm.running_mean) * gain + norm.bias


def _by_output(weight: Tensor) -> Tensor:
    """Return weights [outputs, fan_in]; a kernel in the order of a window: row, column, channel."""
    return weight if weight.ndim == 2 else weight.permute(0, 2, 3, 1).flatten(1)


def plain(x: Value) -> Tensor:
    """Return a quantised tensor's values, or a plain tensor as it is."""
    value: Tensor = x.value if isinstance(x, IntQuantTensor) else x
    return value


def image_order(x: Value) -> Value:
    """Return an image [batch, channels, h, w] as [batch, h * w * channels], the order of the network."""
    result: Value = x.permute(0, 2, 3, 1).flatten(1)
    return result


def pixel_scale(high: int) -> float:
    """Return what a pixel of 1 stands for: pixels 0..high by the least power of two that is not below high."""
    return 2.0 ** -((high - 1).bit_length())


def pixel_quantiser(high: int) -> QuantIdentity:
    """Return the quantiser of pixels 0..high at `pixel_scale`, which changes none of them."""
    bits = high.bit_length()
    return QuantIdentity(
        act_quant=PixelQuant, bit_width=bits, scaling_init=pixel_scale(high) * 2**bits, return_quant_tensor=True
    )


def rescale(steps: Tensor, low: int, high: int) -> Rescale:
    """Return the division by `steps`, powers of two per output: the scale after over the scale before."""
    mantissa, exponent = torch.frexp(steps.double().flatten())
    assert bool((mantissa == 0.5).all()), "scales are powers of two"
    shift = exponent.long() - 1
    if bool((shift == shift[0]).all()):
        shift = shift[:1]
    return Rescale(1 << (-shift).clamp(min=0), shift.clamp(min=0), low, high)
