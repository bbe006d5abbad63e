# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation of a network once more, in torch and on integers only, as a witness of the reference.

Nothing here calls the reference or `numerics`: two implementations that share code cannot check each other. Each
module takes and gives an integer tensor [batch, ...]; its constructor takes the fields of the operation of the
same name in `lutforge.operations` (tensors or arrays).
"""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor, nn

from lutforge.multipliers import Approximate, DivideConquer, Multiplier
from lutforge.training.frozen_base import Bounds, Operation, integers, whole
from lutforge.training.frozen_tables import LutNeurons, TiledLutNeurons, TruthTables

__all__ = [
    "Add",
    "Affine",
    "ArgMax",
    "BinaryMac",
    "Bounds",
    "Concat",
    "Encode",
    "Input",
    "LutNeurons",
    "MaxPool",
    "Operation",
    "Rescale",
    "Reshape",
    "SumPool",
    "TableMac",
    "Threshold",
    "TiledLutNeurons",
    "TruthTables",
    "Window",
]

EXACT_FLOAT32 = 1 << 24
EXACT_FLOAT64 = 1 << 53


class Input(Operation):
    """Images [batch, *shape] or [batch, elements] as [batch, *shape]."""

    def __init__(self, shape: Tuple[int, ...], low: int = 0, high: int = 255):
        super().__init__(shape=whole(shape), low=int(low), high=int(high))

    def bounds(self, read: Optional[Bounds]) -> Optional[Bounds]:
        """Return its own bounds."""
        return self.low, self.high

    def forward(self, x: Tensor) -> Tensor:
        """Return x in the shape of the input."""
        return x.reshape(len(x), *self.shape)


class Encode(Operation):
    """Bits `x > threshold` of each feature, or the binary digits of their number, least significant first."""

    thresholds: Tensor

    def __init__(self, thresholds: Any, code: str = "thermometer"):
        super().__init__(thresholds=integers(thresholds), code=code)

    def bounds(self, read: Optional[Bounds]) -> Optional[Bounds]:
        """Return those of bits."""
        return 0, 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the bits, feature by feature: [..., features * bits]."""
        if self.code == "thermometer":
            return (x.unsqueeze(-1) > self.thresholds).flatten(-2).to(torch.uint8)
        digits = self.thresholds.shape[1].bit_length()
        count = _exceeded(x, self.thresholds)
        return torch.stack([(count >> digit) & 1 for digit in range(digits)], dim=-1).flatten(-2).to(torch.uint8)


class Window(Operation):
    """Sliding window, ordered kernel row, kernel column, channel."""

    def __init__(
        self,
        kernel: Tuple[int, int],
        stride: Tuple[int, int] = (1, 1),
        padding: Tuple[int, int, int, int] = (0, 0, 0, 0),
        pad_code: int = 0,
    ):
        super().__init__(kernel=whole(kernel), stride=whole(stride), padding=whole(padding), pad_code=int(pad_code))

    def bounds(self, read: Optional[Bounds]) -> Optional[Bounds]:
        """Return the same bounds: the padding lies within them."""
        return read

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, out_h, out_w, kernel_h * kernel_w * channels] of [batch, h, w, channels]."""
        top, bottom, left, right = self.padding
        padded = nn.functional.pad(x, (0, 0, left, right, top, bottom), value=self.pad_code)
        tiles = padded.unfold(1, self.kernel[0], self.stride[0]).unfold(2, self.kernel[1], self.stride[1])
        return tiles.permute(0, 1, 2, 4, 5, 3).flatten(3)


class TableMac(Operation):
    """x @ weights.T + bias, or what an approximate multiplier makes of each product.

    codes: bits of the activations and whether they are signed, which an approximate multiplier must know.
    """

    weights: Tensor
    bias: Tensor
    codes: Tuple[int, bool] = (8, False)

    def __init__(self, weights: Any, bias: Any, multiplier: Multiplier = DivideConquer()):  # noqa: B008  # immutable
        super().__init__(weights=integers(weights), bias=integers(bias), multiplier=multiplier)

    def forward(self, x: Tensor) -> Tensor:
        """Return the accumulators [..., outputs]."""
        if isinstance(self.multiplier, Approximate):
            return self._approximate(x.long(), self.multiplier) + self.bias
        return _matmul(x, self.weights) + self.bias

    def _approximate(self, x: Tensor, form: Approximate) -> Tensor:
        bits, signed = self.codes
        if form.truncate_bits:
            return self._truncated(x, form)
        lost = max(0, bits - form.round_bits) if form.round_bits else min(bits - 1, form.digit_bits * form.drop_digits)
        step = 2**lost
        if form.round_bits:
            most = 2 ** (bits - lost - signed) - 1
            kept = torch.div(x + step // 2, step, rounding_mode="floor").clamp(max=most)
        else:
            kept = torch.div(x, step, rounding_mode="floor")
        return _matmul(kept * step + form.constant, self.weights)

    def _truncated(self, x: Tensor, form: Approximate) -> Tensor:
        """Upper digits exactly, then the table of the lowest digit, one of its entries after the other."""
        bits, signed = self.codes
        alone = bits <= form.digit_bits
        entries = 2 ** min(bits, form.digit_bits)
        lowest = x if alone else x.remainder(entries)
        sums = _matmul(x - lowest, self.weights)
        first = -entries // 2 if alone and signed else 0
        for digit in range(first, first + entries):
            step = 2**form.truncate_bits
            sums += _matmul(
                (lowest == digit).long(), torch.div(self.weights * digit, step, rounding_mode="floor") * step
            )
        return sums


class BinaryMac(Operation):
    """value(x) @ weights.T with weights -1, 0, +1."""

    weights: Tensor

    def __init__(self, weights: Any, levels: Tuple[int, ...] = ()):
        super().__init__(weights=integers(weights), levels=whole(levels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the accumulators [..., outputs]."""
        return _matmul(_code_values(x, self.levels) if self.levels else x, self.weights)


class Threshold(Operation):
    """Number of thresholds exceeded, strictly."""

    thresholds: Tensor

    def __init__(self, thresholds: Any):
        super().__init__(thresholds=integers(thresholds))

    def bounds(self, read: Optional[Bounds]) -> Optional[Bounds]:
        """Return 0 and the number of thresholds."""
        return 0, self.thresholds.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes, in the shape of x."""
        return _exceeded(x, self.thresholds)


class Rescale(Operation):
    """`(x * multiplier + 2**(shift-1)) >> shift`, clamped to low..high."""

    multiplier: Tensor
    shift: Tensor

    def __init__(self, multiplier: Any, shift: Any, low: int, high: int):
        super().__init__(multiplier=integers(multiplier), shift=integers(shift), low=int(low), high=int(high))

    def bounds(self, read: Optional[Bounds]) -> Optional[Bounds]:
        """Return its own bounds."""
        return self.low, self.high

    def forward(self, x: Tensor) -> Tensor:
        """Return the rounded values, in the shape of x."""
        half = (torch.ones_like(self.shift) << self.shift) >> 1  # shift 0 has no half to add
        return ((x.long() * self.multiplier + half) >> self.shift).clamp(self.low, self.high)


class MaxPool(Operation):
    """Largest value of each window."""

    def __init__(
        self, kernel: Tuple[int, int], stride: Tuple[int, int], padding: Tuple[int, int, int, int] = (0, 0, 0, 0)
    ):
        super().__init__(kernel=whole(kernel), stride=whole(stride), padding=whole(padding))

    def bounds(self, read: Optional[Bounds]) -> Optional[Bounds]:
        """Return the same bounds."""
        return read

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, out_h, out_w, channels] of [batch, h, w, channels]."""
        top, bottom, left, right = self.padding
        x = nn.functional.pad(x.long(), (0, 0, left, right, top, bottom), value=-(1 << 40))
        return _tiles(x, self.kernel, self.stride).amax(dim=(-2, -1))


class SumPool(Operation):
    """Sum of each window."""

    def __init__(self, kernel: Tuple[int, int], stride: Tuple[int, int]):
        super().__init__(kernel=whole(kernel), stride=whole(stride))

    def forward(self, x: Tensor) -> Tensor:
        """Return [batch, out_h, out_w, channels] of [batch, h, w, channels]."""
        return _tiles(x.long(), self.kernel, self.stride).sum(dim=(-2, -1))


class Add(Operation):
    """Sum of two tensors."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return x + y."""
        return x.long() + y.long()


class Concat(Operation):
    """Tensors side by side on the last axis."""

    def forward(self, *parts: Tensor) -> Tensor:
        """Return them as one."""
        return torch.cat([part.long() for part in parts], dim=-1)


class Reshape(Operation):
    """The same elements in another shape."""

    def __init__(self, shape: Tuple[int, ...]):
        super().__init__(shape=whole(shape))

    def bounds(self, read: Optional[Bounds]) -> Optional[Bounds]:
        """Return the same bounds."""
        return read

    def forward(self, x: Tensor) -> Tensor:
        """Return x as [batch, *shape]."""
        return x.reshape(len(x), *self.shape)


class Affine(Operation):
    """x * scale + offset."""

    scale: Tensor
    offset: Tensor

    def __init__(self, scale: Any, offset: Any):
        super().__init__(scale=integers(scale), offset=integers(offset))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled values, in the shape of x."""
        return x.long() * self.scale + self.offset


class ArgMax(Operation):
    """Index of the largest value, the lowest on a tie."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the index [..., 1]."""
        classes = torch.arange(x.shape[-1])
        return torch.where(x == x.amax(-1, keepdim=True), classes, x.shape[-1]).amin(-1, keepdim=True)


def _tiles(x: Tensor, kernel: Tuple[int, int], stride: Tuple[int, int]) -> Tensor:
    return x.unfold(1, kernel[0], stride[0]).unfold(2, kernel[1], stride[1])


def _matmul(x: Tensor, weights: Tensor) -> Tensor:
    """x @ weights.T as int64, through floating point where the bound proves that no sum is rounded."""
    largest = int(x.abs().max()) if x.numel() else 0
    bound = largest * int(weights.abs().sum(dim=1).max())
    assert bound < EXACT_FLOAT64, f"a sum may reach {bound}; float64 is exact below 2**53"
    kind = torch.float32 if bound < EXACT_FLOAT32 else torch.float64
    return (x.to(kind) @ weights.to(kind).T).to(torch.int64)


def _exceeded(x: Tensor, thresholds: Tensor) -> Tensor:
    """Number of thresholds [channels or 1, steps] below each element of x [..., channels]."""
    count = torch.zeros(x.shape, dtype=torch.int64)
    for step in range(thresholds.shape[1]):
        count += x > thresholds[:, step]
    return count


def _code_values(codes: Tensor, levels: Tuple[int, ...]) -> Tensor:
    """Sum of levels[l] * (2 * b_l - 1), b_0 the top bit."""
    total = torch.zeros(codes.shape, dtype=torch.int64)
    for index, level in enumerate(levels):
        total += level * (2 * ((codes.long() >> (len(levels) - 1 - index)) & 1) - 1)
    return total
