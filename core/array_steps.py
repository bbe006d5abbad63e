# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Steps of the programmable array: each computes one stored tensor of 8-bit activations, or the logits.

What happens between two stored tensors is an expression of sums: products of tiles, requantised, added, pooled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple, Union

import numpy.typing as npt

from lutforge.multipliers import Multiplier
from lutforge.network import TensorType
from lutforge.operations import MaxPool, Window

Ints = npt.NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """A stored edge: an image of height x width whose channels lie in segments, each padded to whole words.

    segments: channels of each; a concatenation has one per edge that it joins, others have one.
    """

    name: str
    height: int
    width: int
    segments: Tuple[int, ...]
    kind: TensorType

    @property
    def channels(self) -> int:
        """Channels, padding not counted."""
        return sum(self.segments)


@dataclass(frozen=True)
class View:
    """The segments first..last of a tensor, as an edge reads or writes them."""

    tensor: Tensor
    first: int
    last: int

    @property
    def segments(self) -> Tuple[int, ...]:
        """Channels of each segment."""
        return self.tensor.segments[self.first : self.last + 1]


@dataclass(frozen=True, eq=False)
class Products:
    """Sums of products of a view's windows. weights: int16 [outputs, taps, channels]; bias: int64 [outputs].

    weights None: every channel is summed over its windows by itself, as copies and sums of pools are. kind: of the edge
    that is read.
    """

    node: str
    source: View
    kind: TensorType
    window: Window
    weights: Optional[Ints]
    bias: Ints
    segments: Tuple[int, ...]
    multiplier: Multiplier

    @property
    def extent(self) -> Tuple[int, int]:
        """Rows and columns of positions."""
        return self.window.output_extent(self.source.tensor.height, self.source.tensor.width)


@dataclass(frozen=True, eq=False)
class Scaled:
    """Sums requantised: << left, or >> right rounded half up, clamped. left, right: int [channels]."""

    node: str
    of: Expression
    left: Ints
    right: Ints
    low: int
    high: int

    @property
    def extent(self) -> Tuple[int, int]:
        """Rows and columns of positions."""
        return self.of.extent

    @property
    def segments(self) -> Tuple[int, ...]:
        """Channels of each segment."""
        return self.of.segments


@dataclass(frozen=True, eq=False)
class Sum:
    """Two expressions added."""

    node: str
    left: Expression
    right: Expression

    @property
    def extent(self) -> Tuple[int, int]:
        """Rows and columns of positions."""
        return self.left.extent

    @property
    def segments(self) -> Tuple[int, ...]:
        """Channels of each segment."""
        return self.left.segments


Expression = Union[Products, Scaled, Sum]


def regions(expression: Expression) -> int:
    """Return how many sums per position are held at once while an expression is computed."""
    if isinstance(expression, Sum):
        return max(regions(expression.left), 1 + regions(expression.right))
    return regions(expression.of) if isinstance(expression, Scaled) else 1


def products_of(expression: Expression) -> List[Products]:
    """Return the products inside an expression, in the order in which they are computed."""
    if isinstance(expression, Products):
        return [expression]
    if isinstance(expression, Scaled):
        return products_of(expression.of)
    return [*products_of(expression.left), *products_of(expression.right)]


@dataclass(frozen=True, eq=False)
class Step:
    """Compute `of`, pooled if there is a pool, into `target`; None: these are the logits."""

    node: str
    of: Expression
    pool: Optional[MaxPool]
    target: Optional[View]

    @property
    def sources(self) -> List[View]:
        """Every view that the step reads."""
        return [products.source for products in products_of(self.of)]
