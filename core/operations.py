# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The operations a network is made of: frozen dataclasses that check themselves.

Tensors are described without their batch dimension. Images are [height, width, channels]; a dense
layer works on the last axis, so a convolution is a `Window` followed by a dense operation.
Bit order, rounding and ties: `numerics`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Tuple, Union

import numpy as np

from lutforge.errors import NetworkError
from lutforge.lut_forms import as_lut_neurons
from lutforge.lut_operations import LutNeurons, TiledLutNeurons, TruthTables
from lutforge.multipliers import DivideConquer, Multiplier
from lutforge.record import Array, Record

__all__ = [
    "Add",
    "Affine",
    "ArgMax",
    "Array",
    "BinaryMac",
    "Concat",
    "Encode",
    "Input",
    "LutNeurons",
    "MaxPool",
    "Op",
    "Record",
    "Rescale",
    "Reshape",
    "SumPool",
    "TableMac",
    "Threshold",
    "TiledLutNeurons",
    "TruthTables",
    "Window",
    "as_lut_neurons",
]


LATER = {"later": True}
"""Marks a field that older files do not have: with its default value it is not part of a network's digest."""


def _check_32_bits(what: str, values: Array) -> None:
    low, high = int(values.min()), int(values.max())
    if low < -(1 << 31) or high >= 1 << 31:
        raise NetworkError(f"{what} {low}..{high} exceeds 32 bits; the limit is {-(1 << 31)}..{(1 << 31) - 1}")


@dataclass(frozen=True, eq=False)
class Input(Record):
    """What the host streams: images of `shape` with integer values low..high."""

    shape: Tuple[int, ...]
    low: int = 0
    high: int = 255

    def __post_init__(self) -> None:
        self._whole("shape")
        self._whole("low")
        self._whole("high")
        if not self.shape or any(extent < 1 for extent in self.shape):
            raise NetworkError(f"Input: shape {self.shape} given; every extent must be at least 1")
        if self.low > self.high:
            raise NetworkError(f"Input: low {self.low} lies above high {self.high}")


@dataclass(frozen=True, eq=False)
class Encode(Record):
    """Compare each input with constant thresholds.

    thresholds: int64 [features, steps], or [1, steps] shared by all features; a bit is `x > threshold`.
    code "thermometer": output [..., features * steps], one bit per threshold, feature by feature.
    code "bits": output [..., features * B], the binary digits (least significant first) of the number of
    thresholds exceeded, B = bits of `steps`.
    """

    thresholds: Array
    code: str = "thermometer"

    def __post_init__(self) -> None:
        self._freeze("thresholds", np.int64, 2)
        if self.code not in ("thermometer", "bits"):
            raise NetworkError(f"Encode: code {self.code!r} is unknown; use 'thermometer' or 'bits'")

    @property
    def bits_per_feature(self) -> int:
        """Output bits that one input feature becomes."""
        steps = int(self.thresholds.shape[1])
        return steps if self.code == "thermometer" else steps.bit_length()


@dataclass(frozen=True, eq=False)
class Window(Record):
    """Sliding window over [height, width, channels]: output [out_h, out_w, kernel_h * kernel_w * channels].

    The order inside a window is kernel row, kernel column, channel. padding: (top, bottom, left, right).
    pad_code: the code that stands outside the image; it must be a value the edge can carry, because
    bipolar codes have no zero.
    """

    kernel: Tuple[int, int]
    stride: Tuple[int, int] = (1, 1)
    padding: Tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_code: int = 0

    def __post_init__(self) -> None:
        self._whole("kernel", 2)
        self._whole("stride", 2)
        self._whole("padding", 4)
        self._whole("pad_code")
        if min(self.kernel) < 1 or min(self.stride) < 1 or min(self.padding) < 0:
            raise NetworkError(
                f"Window: kernel {self.kernel}, stride {self.stride} must be positive and padding "
                f"{self.padding} must not be negative"
            )

    def output_extent(self, height: int, width: int) -> Tuple[int, int]:
        """Return (rows, columns) of window positions on an image of height x width."""
        top, bottom, left, right = self.padding
        return (
            (height + top + bottom - self.kernel[0]) // self.stride[0] + 1,
            (width + left + right - self.kernel[1]) // self.stride[1] + 1,
        )


@dataclass(frozen=True, eq=False)
class TableMac(Record):
    """bias[j] + sum over n of weights[j, n] * x[n], each product a table look-up (LUT-NA).

    weights: int16 [outputs, fan_in], 2 to 9 bits two's complement; bias: int64 [outputs].
    """

    weights: Array
    bias: Array
    multiplier: Multiplier = field(default_factory=DivideConquer)

    def __post_init__(self) -> None:
        self._freeze("weights", np.int16, 2)
        self._freeze("bias", np.int64, 1)
        low, high = int(self.weights.min()), int(self.weights.max())
        if low < -256 or high > 255:
            raise NetworkError(
                f"TableMac: weights {low}..{high} need more than 9 bits; the limit is -256..255. "
                "Quantise the weights to 9 bits or fewer"
            )
        if self.bias.shape[0] != self.weights.shape[0]:
            raise NetworkError(f"TableMac: bias has {self.bias.shape[0]} values for {self.weights.shape[0]} outputs")
        _check_32_bits("TableMac: bias", self.bias)


@dataclass(frozen=True, eq=False)
class BinaryMac(Record):
    """sum over n of weights[j, n] * value(x[n]) with weights -1, 0 (pruned) or +1.

    weights: int8 [outputs, fan_in]. levels: empty, and value(x) = x (add and subtract unsigned or signed
    integers); or integer level weights (level 0, the top bit, first), and x is a residual-binary code
    with value sum of levels[l] * (2*b_l - 1) (XNOR and popcount).
    """

    weights: Array
    levels: Tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._whole("levels")
        self._freeze("weights", np.int8, 2)
        if self.weights.min() < -1 or self.weights.max() > 1:
            raise NetworkError(
                f"BinaryMac: weights {self.weights.min()}..{self.weights.max()}; only -1, 0 and 1 are binary"
            )
        if len(self.levels) > 8 or any(not 1 <= level < 1 << 16 for level in self.levels):
            raise NetworkError(f"BinaryMac: levels {self.levels}; at most 8 are wanted, each in 1..65535")


@dataclass(frozen=True, eq=False)
class Threshold(Record):
    """Number of thresholds exceeded, strictly. thresholds: int64 [channels, steps] or [1, steps]."""

    thresholds: Array

    def __post_init__(self) -> None:
        self._freeze("thresholds", np.int64, 2)


@dataclass(frozen=True, eq=False)
class Rescale(Record):
    """`(x * multiplier + 2**(shift-1)) >> shift`, half up, clamped to low..high.

    multiplier: int64 [channels] or [1], >= 1; shift: int64 of the same length, 0..31.
    """

    multiplier: Array
    shift: Array
    low: int
    high: int

    def __post_init__(self) -> None:
        self._whole("low")
        self._whole("high")
        self._freeze("multiplier", np.int64, 1)
        self._freeze("shift", np.int64, 1)
        if self.multiplier.shape != self.shift.shape:
            raise NetworkError(f"Rescale: {self.multiplier.shape[0]} multipliers but {self.shift.shape[0]} shifts")
        if self.multiplier.min() < 1 or self.multiplier.max() >= 1 << 16:
            raise NetworkError(
                f"Rescale: multiplier {self.multiplier.min()}..{self.multiplier.max()} must lie in 1..65535"
            )
        if self.shift.min() < 0 or self.shift.max() > 31:
            raise NetworkError(f"Rescale: shift {self.shift.min()}..{self.shift.max()} must lie in 0..31")
        if self.low > self.high:
            raise NetworkError(f"Rescale: low {self.low} lies above high {self.high}")


@dataclass(frozen=True, eq=False)
class MaxPool(Record):
    """Largest value of each kernel window over [height, width, channels].

    padding: (top, bottom, left, right); what lies outside the image is the lowest value that the edge can carry.
    """

    kernel: Tuple[int, int]
    stride: Tuple[int, int]
    padding: Tuple[int, int, int, int] = field(default=(0, 0, 0, 0), metadata=LATER)

    def __post_init__(self) -> None:
        self._whole("kernel", 2)
        self._whole("stride", 2)
        self._whole("padding", 4)
        if min(self.kernel) < 1 or min(self.stride) < 1 or min(self.padding) < 0:
            raise NetworkError(
                f"MaxPool: kernel {self.kernel}, stride {self.stride} must be positive and padding {self.padding} "
                "must not be negative"
            )
        if max(self.padding[:2]) >= self.kernel[0] or max(self.padding[2:]) >= self.kernel[1]:
            raise NetworkError(
                f"MaxPool: padding {self.padding} with kernel {self.kernel}; a window would lie outside the image. "
                "Padding must be smaller than the kernel"
            )

    def windows(self, low: int) -> Window:
        """Return the windows whose largest value is taken, of an edge whose lowest value is `low`."""
        return Window(self.kernel, self.stride, self.padding, low)


@dataclass(frozen=True, eq=False)
class SumPool(Record):
    """Sum of each kernel window, no padding, over [height, width, channels]; a `Rescale` behind it makes a mean."""

    kernel: Tuple[int, int]
    stride: Tuple[int, int]

    def __post_init__(self) -> None:
        self._whole("kernel", 2)
        self._whole("stride", 2)
        if min(self.kernel) < 1 or min(self.stride) < 1:
            raise NetworkError(f"SumPool: kernel {self.kernel} and stride {self.stride} must be positive")

    def windows(self, low: int = 0) -> Window:
        """Return the windows that are summed, as `MaxPool.windows`; they have no padding."""
        return Window(self.kernel, self.stride, (0, 0, 0, 0), low)


@dataclass(frozen=True, eq=False)
class Add(Record):
    """Sum of two edges of one shape, element by element; both stand for values at one scale."""


@dataclass(frozen=True, eq=False)
class Concat(Record):
    """Two edges or more side by side on the last axis, at one scale; the other axes are equal."""


@dataclass(frozen=True, eq=False)
class Reshape(Record):
    """The same elements, row-major, in another shape."""

    shape: Tuple[int, ...]

    def __post_init__(self) -> None:
        self._whole("shape")
        if not self.shape or any(extent < 1 for extent in self.shape):
            raise NetworkError(f"Reshape: shape {self.shape} given; every extent must be at least 1")


@dataclass(frozen=True, eq=False)
class Affine(Record):
    """x * scale + offset. scale, offset: int64 [channels]."""

    scale: Array
    offset: Array

    def __post_init__(self) -> None:
        self._freeze("scale", np.int64, 1)
        self._freeze("offset", np.int64, 1)
        if self.scale.shape != self.offset.shape:
            raise NetworkError(f"Affine: {self.scale.shape[0]} scales but {self.offset.shape[0]} offsets")
        _check_32_bits("Affine: scale", self.scale)
        _check_32_bits("Affine: offset", self.offset)


@dataclass(frozen=True, eq=False)
class ArgMax(Record):
    """Index of the largest value, the lowest index on a tie: the marked head of a classifier."""


Op = Union[
    Input,
    Encode,
    Window,
    TableMac,
    BinaryMac,
    LutNeurons,
    TiledLutNeurons,
    TruthTables,
    Threshold,
    Rescale,
    MaxPool,
    SumPool,
    Add,
    Concat,
    Reshape,
    Affine,
    ArgMax,
]
