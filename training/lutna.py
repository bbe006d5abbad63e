# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""LUT-NA networks (arXiv 2406.05282): 8-bit activations, 8- or 9-bit weights, every product a table look-up."""

from __future__ import annotations

from itertools import pairwise
from typing import List, Sequence, Tuple

import torch
from torch import Tensor, nn

from lutforge.training.data import Dataset
from lutforge.training.frozen import ArgMax, FrozenModel, Input, Reshape
from lutforge.training.table_mac import Steps, TableMacLayer, image_order, pixel_quantiser, pixel_scale

FOLD_FROM = 0.5
"""Part of the training after which batch norm is folded into the weights."""


class LutNa(nn.Module):
    """Convolutions 3x3 with 2x2 max pooling, then dense layers; either part may be empty.

    shape: height, width, channels of an image; 0..high: its pixel values. The pixel v enters as the integer v
    and stands for v divided by the least power of two that is not below high, so 2**-8 v for 0..255 and 2**-4 v
    for the 0..16 of digits: no mean and no standard deviation, which would give padding no code.
    """

    def __init__(
        self,
        name: str,
        shape: Tuple[int, int, int],
        high: int,
        classes: int,
        *,
        channels: Sequence[int] = (),
        hidden: Sequence[int] = (),
        weight_bits: int = 8,
    ):
        super().__init__()
        self.name, self.shape, self.high = name, shape, high
        self.pixel_scale, self.pixels = pixel_scale(high), pixel_quantiser(high)
        height, width, depth = shape
        convolutions: List[nn.Module] = []
        for count in channels:
            convolutions.append(TableMacLayer(depth, count, kernel=3, pool=2, weight_bits=weight_bits))
            height, width, depth = height // 2, width // 2, count
        sizes = [height * width * depth, *hidden, classes]
        pairs = list(pairwise(sizes))
        dense = [
            TableMacLayer(inputs, outputs, weight_bits=weight_bits, head=index == len(pairs) - 1)
            for index, (inputs, outputs) in enumerate(pairs)
        ]
        self.convolutions, self.dense = nn.ModuleList(convolutions), nn.ModuleList(dense)

    def start_epoch(self, fraction: float) -> None:
        """Fold batch norm once `fraction` of the training is done."""
        if fraction >= FOLD_FROM:
            for layer in [*self.convolutions, *self.dense]:
                layer.start_folding()

    def forward(self, images: Tensor) -> Tensor:
        """Return float logits [batch, classes] of raw pixel values, float32 [batch, height, width, channels]."""
        x = self.pixels(images.permute(0, 3, 1, 2) * self.pixel_scale)
        for layer in self.convolutions:
            x = layer(x)
        x = image_order(x)
        for layer in self.dense:
            x = layer(x)
        return x

    @torch.no_grad()
    def freeze(self) -> FrozenModel:
        """Return the network as integers, as this module computes it in eval mode; its mode is put back."""
        training = self.training
        self.eval()
        device = next(self.parameters()).device
        x = self.pixels(torch.zeros(1, self.shape[2], *self.shape[:2], device=device))
        steps: Steps = [("image", Input(self.shape, 0, self.high))]
        for index, layer in enumerate(self.convolutions, 1):
            steps += layer.freeze(f"conv{index}", x)
            x = layer(x)
        x = image_order(x)
        steps.append(("flat", Reshape((x.shape[1],))))
        for index, layer in enumerate(self.dense, 1):
            steps += layer.freeze(f"fc{index}", x)
            x = layer(x)
        self.train(training)
        return FrozenModel(self.name, [*steps, ("answer", ArgMax())], {})


def lutna_mlp(data: Dataset, hidden: Sequence[int] = (64, 64), weight_bits: int = 8) -> LutNa:
    """Return an untrained dense network for a data set: pixels, hidden layers, classes."""
    return LutNa(f"lutna_mlp_{data.name}", data.shape, data.high, data.classes, hidden=hidden, weight_bits=weight_bits)


def lutna_conv(data: Dataset, channels: Sequence[int] = (16, 32), weight_bits: int = 8) -> LutNa:
    """Return an untrained convolution network: 3x3 convolutions, each pooled 2x2, and a dense head."""
    return LutNa(
        f"lutna_conv_{data.name}", data.shape, data.high, data.classes, channels=channels, weight_bits=weight_bits
    )
