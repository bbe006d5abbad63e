# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A deep LUT-NA network as a trainable module: floating first, quantised after calibration, frozen to integers.

What a residual sum adds is brought to one scale first, GUARD_BITS finer than the activations behind it; whatever is
rounded or clamped in hardware is rounded and clamped here in the same way.
"""

from __future__ import annotations

from typing import Dict, Optional, Protocol, Sequence, Tuple, Union

import torch
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training import frozen
from lutforge.training.deep_freezing import BRANCH_LIMIT, GUARD_BITS, DeepFreezer, mean_factor
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
    TableMacLayer,
    Value,
    image_order,
    pixel_quantiser,
    pixel_scale,
    plain,
)


class Pruning(Protocol):
    """What holds the pruned weights of a network at 0 while it is trained."""

    def start_epoch(self, fraction: float) -> None:
        """Take the part of the training that is done, 0..1."""

    def after_step(self) -> None:
        """Put pruned weights back to 0, and prune more when it is time."""

    def is_complete(self) -> bool:
        """Whether as much is pruned as should be."""


class DeepNet(nn.Module):
    """A network of `parts` for images of `shape` (height, width, channels) with pixels 0..high.

    floating: no quantisation at all, as built; calibration ends that. floating_validation: what was reached until then.
    pruning: None of a network that is not pruned. weights, multiplications: of the network as it was built, for an
    image. Images enter as `LutNa` has them.
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
        self.name, self.shape, self.high, self.classes = name, shape, high, classes
        self.weight_bits, self.activation_bits = weight_bits, activation_bits
        self.pixel_scale, self.pixels = pixel_scale(high), pixel_quantiser(high)
        self.floating_validation = 0.0
        self.pruning: Optional[Pruning] = None
        self.set_parts(parts)
        sizes = {key: layer.mac.weight.numel() for key, layer in self.layers.items()}
        self.weights = sum(sizes.values())
        self.multiplications = sum(size * self.positions[key] for key, size in sizes.items())

    def set_parts(self, parts: Sequence[Part]) -> None:
        """Make all modules anew, untrained and floating. positions: outputs of a layer for an image, per channel."""
        self.parts = tuple(parts)
        self.layers, self.activations = nn.ModuleDict(), nn.ModuleDict()
        self.extents: Dict[str, Tuple[int, int, int]] = {IMAGE: self.shape}
        self.positions: Dict[str, int] = {}
        for part in self.parts:
            self.extents[part.name] = self._add(part, self.classes)
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
                self.positions[part.name] = height * width
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
                self.positions[part.name] = 1
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

    def start_epoch(self, fraction: float) -> None:
        """Tell the pruning, if there is one, which part of the training is done, 0..1."""
        if self.pruning is not None:
            self.pruning.start_epoch(fraction)

    def after_step(self) -> None:
        """Keep pruned weights at 0."""
        if self.pruning is not None:
            self.pruning.after_step()

    def is_complete(self) -> bool:
        """Whether as much is pruned as should be."""
        return self.pruning is None or self.pruning.is_complete()

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
        freezer = DeepFreezer(self, values)
        for part in self.parts:
            freezer.add(part)
            values[part.name] = self._value(part, values)
        self.train(training)
        freezer.steps.append(("answer", frozen.ArgMax()))
        accuracy = round(self.floating_validation, 6)
        about = {"floating_validation_accuracy": accuracy, **self._work(freezer.nonzero)}
        return frozen.FrozenModel(self.name, freezer.steps, about, freezer.sources)

    def _work(self, nonzero: Dict[str, int]) -> Dict[str, Union[int, float]]:
        """Return how many weights and multiplications an image takes, and how many of them are by a weight of not 0."""
        return {
            "weights": self.weights,
            "nonzero_weights": sum(nonzero.values()),
            "multiplications": self.multiplications,
            "nonzero_multiplications": sum(count * self.positions[key] for key, count in nonzero.items()),
        }


def _like(value: Tensor, other: Value) -> Value:
    """Return a value quantised as another one is, if it is."""
    if not isinstance(other, IntQuantTensor):
        return value
    return IntQuantTensor(value, other.scale, other.zero_point, other.bit_width, other.signed_t, other.training_t)
