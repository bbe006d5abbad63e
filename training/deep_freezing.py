# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A quantised deep network as frozen integers, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Tuple

import torch
from torch import Tensor, nn

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
from lutforge.training.table_mac import Steps, Value, image_order, rescale

if TYPE_CHECKING:
    from lutforge.training.deep_net import DeepNet

GUARD_BITS = 2
BRANCH_LIMIT = 1 << 13
"""Summands of a residual sum lie within -BRANCH_LIMIT..BRANCH_LIMIT - 1: eight times the range of activations."""
MEAN_SHIFT = 15
"""Bits behind the point of 1 / pixels where their number is no power of two."""


class DeepFreezer:
    """Makes the steps of a network part by part. last: of a part, the name of its last step.

    nonzero: of each layer, how many weights are not 0.
    """

    def __init__(self, model: DeepNet, values: Dict[str, Value]):
        self.model, self.values = model, values
        self.steps: Steps = [(IMAGE, frozen.Input(model.shape, 0, model.high))]
        self.sources: Dict[str, Tuple[str, ...]] = {}
        self.last = {IMAGE: IMAGE}
        self.accumulators: Dict[str, Tensor] = {}
        self.nonzero: Dict[str, int] = {}

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
        for step, operation in steps:
            if isinstance(operation, frozen.TableMac):
                self.nonzero[step] = int(operation.weights.count_nonzero())
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
