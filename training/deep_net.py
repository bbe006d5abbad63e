# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A deep LUT-NA network as a trainable module: floating first, quantised after calibration, frozen to integers.

What a residual sum adds is brought to one scale first, GUARD_BITS finer than the activations behind it; whatever is
rounded or clamped in hardware is rounded and clamped here in the same way.
"""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

import torch
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training import frozen
from lutforge.training.deep_networks import (
    IMAGE,
    Average,
    Concatenation,
    Convolution,
    Dense,
    Part,
    Pool,
    Sum,
)
from lutforge.training.quantisers import round_half_up
from lutforge.training.table_mac import (
    QuantisedRelu,
    Steps,
    TableMacLayer,
    Value,
    image_order,
    pixel_quantiser,
    pixel_scale,
    plain,
    rescale,
)

GUARD_BITS = 2
BRANCH_LIMIT = 1 << 13
"""Summands of a residual sum lie within -BRANCH_LIMIT..BRANCH_LIMIT - 1: eight times the range of activations."""
MEAN_SHIFT = 15
"""Bits behind the point of 1 / pixels where their number is no power of two."""


class DeepNet(nn.Module):
    """A network of `parts` for images of `shape` (height, width, channels) with pixels 0..high.

    floating: no quantisation at all, as built; calibration ends that. floating_validation: what was reached until then.
    Images enter as `LutNa` has them.
    """

    def __init__(
        self,
        name: str,
        shape: Tuple[int, int, int],
        high: int,
        classes: int,
        parts: Sequence[Part],
        weight_bits: int = 8,
        activation_bits: int = 8,
    ):
        super().__init__()
        self.name, self.shape, self.high, self.parts = name, shape, high, tuple(parts)
        self.weight_bits, self.activation_bits = weight_bits, activation_bits
        self.pixel_scale, self.pixels = pixel_scale(high), pixel_quantiser(high)
        self.layers, self.activations = nn.ModuleDict(), nn.ModuleDict()
        self.extents: Dict[str, Tuple[int, int, int]] = {IMAGE: shape}
        for part in self.parts:
            self.extents[part.name] = self._add(part, classes)
        self.floating_validation = 0.0
        self.set_floating(True)

    def _add(self, part: Part, classes: int) -> Tuple[int, int, int]:
        """Make the modules of a part; return height, width and channels of its edge."""
        match part:
            case Convolution():
                height, width, channels = self.extents[part.source]
                activation = self._activation(part.scale or part.name) if part.relu else None
                self.layers[part.name] = TableMacLayer(
                    channels,
                    part.outputs,
                    kernel=part.kernel,
                    stride=part.stride,
                    pool=part.pool,
                    weight_bits=self.weight_bits,
                    relu=part.relu,
                    activation=activation,
                )
                height, width = ((extent - 1) // part.stride + 1 for extent in (height, width))
                if min(height, width) < part.pool:
                    raise TrainingError(
                        f"{self.name}, {part.name}: an image of {height} x {width} cannot be pooled {part.pool} x "
                        f"{part.pool}; images of {self.shape[0]} x {self.shape[1]} are too small for this network"
                    )
                return height // part.pool, width // part.pool, part.outputs
            case Sum():
                self._activation(part.name)
                return self.extents[part.sources[0]]
            case Concatenation():
                height, width, _ = self.extents[part.sources[0]]
                return height, width, sum(self.extents[source][2] for source in part.sources)
            case Pool():
                height, width, channels = self.extents[part.source]
                after = ((extent + 2 * part.padding - part.kernel) // part.stride + 1 for extent in (height, width))
                return next(after), next(after), channels
            case Average():
                return 1, 1, self.extents[part.source][2]
            case Dense():
                height, width, channels = self.extents[part.source]
                self.layers[part.name] = TableMacLayer(
                    height * width * channels, classes, weight_bits=self.weight_bits, head=True
                )
                return 1, 1, classes

    def _activation(self, name: str) -> QuantisedRelu:
        if name not in self.activations:
            self.activations[name] = QuantisedRelu(self.activation_bits)
        found = self.activations[name]
        assert isinstance(found, QuantisedRelu)
        return found

    def set_floating(self, floating: bool) -> None:
        """Choose between no quantisation and the quantised network with its batch norms folded."""
        self.floating = floating
        for layer in self.layers.values():
            layer.floating, layer.folding = floating, not floating
        for activation in self.activations.values():
            activation.floating = floating

    def forward(self, images: Tensor) -> Tensor:
        """Return float logits [batch, classes] of raw pixel values, float32 [batch, height, width, channels]."""
        x = images.permute(0, 3, 1, 2) * self.pixel_scale
        values: Dict[str, Value] = {IMAGE: x if self.floating else self.pixels(x)}
        for part in self.parts:
            values[part.name] = self._value(part, values)
        logits = values[self.parts[-1].name]
        assert isinstance(logits, Tensor)
        return logits

    def _value(self, part: Part, values: Dict[str, Value]) -> Value:
        match part:
            case Convolution():
                result: Value = self.layers[part.name](values[part.source])
                return result
            case Dense():
                logits: Tensor = self.layers[part.name](image_order(values[part.source]))
                return logits
            case Sum():
                joined: Value = self.activations[part.name](self._sum(part, values))
                return joined
            case Concatenation():
                found = [values[source] for source in part.sources]
                return _like(torch.cat([plain(value) for value in found], dim=1), found[0])
            case Pool():
                value = values[part.source]
                pooled = nn.functional.max_pool2d(plain(value), part.kernel, part.stride, part.padding)
                return _like(pooled, value)
            case Average():
                return self._mean(values[part.source])

    def _sum(self, part: Sum, values: Dict[str, Value]) -> Tensor:
        left, right = (plain(values[source]) for source in part.sources)
        if self.floating:
            return left + right
        unit = self.activations[part.name].scale / 2**GUARD_BITS
        return unit * sum(round_half_up(side / unit).clamp(-BRANCH_LIMIT, BRANCH_LIMIT - 1) for side in (left, right))

    def _mean(self, value: Value) -> Value:
        total = plain(value).sum(dim=(2, 3), keepdim=True)
        pixels = plain(value).shape[2] * plain(value).shape[3]
        if isinstance(value, Tensor):
            return total / pixels
        multiplier, shift = mean_factor(pixels)
        return _like(round_half_up(total / value.scale * (multiplier / 2**shift)) * value.scale, value)

    @torch.no_grad()
    def freeze(self) -> frozen.FrozenModel:
        """Return the network as integers, as this module computes it in eval mode; its mode is put back."""
        if self.floating:
            raise TrainingError(f"freeze: {self.name} is not quantised yet; calibrate it first")
        training = self.training
        self.eval()
        x = torch.zeros(1, self.shape[2], *self.shape[:2], device=next(self.parameters()).device)
        values: Dict[str, Value] = {IMAGE: self.pixels(x)}
        freezer = _Freezer(self, values)
        for part in self.parts:
            freezer.add(part)
            values[part.name] = self._value(part, values)
        self.train(training)
        freezer.steps.append(("answer", frozen.ArgMax()))
        about = {"floating_validation_accuracy": round(self.floating_validation, 6)}
        return frozen.FrozenModel(self.name, freezer.steps, about, freezer.sources)


class _Freezer:
    """Makes the steps of a network part by part. last: of a part, the name of its last step."""

    def __init__(self, model: DeepNet, values: Dict[str, Value]):
        self.model, self.values = model, values
        self.steps: Steps = [(IMAGE, frozen.Input(model.shape, 0, model.high))]
        self.sources: Dict[str, Tuple[str, ...]] = {}
        self.last = {IMAGE: IMAGE}
        self.accumulators: Dict[str, Tensor] = {}

    def add(self, part: Part) -> None:
        """Add the steps of a part."""
        match part:
            case Convolution():
                layer, x = self.model.layers[part.name], self.values[part.source]
                if not part.relu:
                    self.accumulators[part.name] = (x.scale * layer.quantised(x)[0].scale).flatten()
                self._chain(part.name, layer.freeze(part.name, x), part.source)
            case Dense():
                value = image_order(self.values[part.source])
                steps: Steps = [("flat", frozen.Reshape((value.shape[1],)))]
                self._chain(part.name, steps + self.model.layers[part.name].freeze(part.name, value), part.source)
            case Sum():
                self._sum(part)
            case Concatenation():
                self._join(part.name, frozen.Concat(), [self.last[source] for source in part.sources])
            case Pool():
                pads = (part.padding,) * 4
                step = frozen.MaxPool((part.kernel,) * 2, (part.stride,) * 2, pads)
                self._chain(part.name, [(part.name, step)], part.source)
            case Average():
                height, width, _ = self.model.extents[part.source]
                multiplier, shift = mean_factor(height * width)
                high = 2**self.model.activation_bits - 1
                mean = frozen.Rescale(torch.tensor([multiplier]), torch.tensor([shift]), 0, high)
                total = frozen.SumPool((height, width), (height, width))
                self._chain(part.name, [(f"{part.name}_total", total), (part.name, mean)], part.source)

    def _sum(self, part: Sum) -> None:
        scale = self.model.activations[part.name].scale
        sides = []
        for side, source in zip(("left", "right"), part.sources, strict=True):
            before = self.accumulators.get(source)
            if before is None:
                before = self.values[source].scale.flatten()
            step = rescale(scale / 2**GUARD_BITS / before, -BRANCH_LIMIT, BRANCH_LIMIT - 1)
            self._chain(f"{part.name}_{side}", [(f"{part.name}_{side}", step)], source)
            sides.append(f"{part.name}_{side}")
        self._join(f"{part.name}_total", frozen.Add(), sides)
        high = 2**self.model.activation_bits - 1
        step = frozen.Rescale(torch.tensor([1]), torch.tensor([GUARD_BITS]), 0, high)
        self._chain(part.name, [(part.name, step)], f"{part.name}_total")

    def _chain(self, name: str, steps: Steps, source: str) -> None:
        """Add steps, each reading the one before and the first one the last step of `source`."""
        self.sources[steps[0][0]] = (self.last[source],)
        self.steps += steps
        self.last[name] = steps[-1][0]

    def _join(self, name: str, step: nn.Module, sources: List[str]) -> None:
        self.sources[name] = tuple(sources)
        self.steps.append((name, step))
        self.last[name] = name


def mean_factor(pixels: int) -> Tuple[int, int]:
    """Return (multiplier, shift), whose quotient multiplier / 2**shift is 1 / pixels or the nearest to it.

    >>> mean_factor(64), mean_factor(49)
    ((1, 6), (669, 15))
    """
    if pixels & (pixels - 1) == 0:
        return 1, pixels.bit_length() - 1
    return round(2**MEAN_SHIFT / pixels), MEAN_SHIFT


def _like(value: Tensor, other: Value) -> Value:
    """Return a value quantised as another one is, if it is."""
    if not isinstance(other, IntQuantTensor):
        return value
    return IntQuantTensor(value, other.scale, other.zero_point, other.bit_width, other.signed_t, other.training_t)
