# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Random networks for the programmable array: convolutions, residual sums, concatenations, pools, every multiplier."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np

from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer
from lutforge.network import Network, Node
from lutforge.operations import (
    Add,
    ArgMax,
    BinaryMac,
    Concat,
    Input,
    MaxPool,
    Rescale,
    Reshape,
    SumPool,
    TableMac,
    Window,
)

FORMS = (
    DivideConquer(4),
    DivideConquer(2, optimised=True),
    Conventional(),
    Digital(),
    Approximate(2, drop_digits=1, constant=2),
    Approximate(4, round_bits=5),
    Approximate(4, truncate_bits=5),
)
POOLS = ((2, 2, 0), (3, 1, 1), (3, 2, 1), (2, 1, 0))
"""Kernel, stride and padding on all sides."""


class Graph:
    """Nodes that grow; `shape` of the last edge added by `convolution`, `pool` or a block."""

    def __init__(self, rng: np.random.Generator, signed: bool, weight_bits: int, sparsity: float):
        self.rng, self.signed, self.sparsity = rng, signed, sparsity
        self.reach = 1 << (weight_bits - 1)
        self.nodes: List[Node] = []

    def add(self, op: object, *inputs: str) -> str:
        name = f"n{len(self.nodes)}_{type(op).__name__.lower()}"
        self.nodes.append(Node(name, op, inputs))
        return name

    def size(self, name: str) -> Tuple[int, ...]:
        return Network("part", tuple(self._alone(name))).types[name].shape

    def _alone(self, name: str) -> List[Node]:
        """The nodes that an edge needs, so that none is left unread."""
        wanted = {name}
        for node in reversed(self.nodes):
            if node.name in wanted:
                wanted.update(node.inputs)
        return [node for node in self.nodes if node.name in wanted]

    def mac(self, source: str, outputs: int, fan_in: int) -> str:
        weights = self.rng.integers(-self.reach, self.reach, (outputs, fan_in))
        weights[self.rng.random(weights.shape) < self.sparsity] = 0
        if self.rng.random() < 0.3:  # whole blocks of zeros, which are skipped
            weights[: max(1, outputs // 2)] = 0
        if self.rng.random() < 0.1:
            return self.add(BinaryMac(np.sign(weights).astype(np.int8)), source)
        form = FORMS[self.rng.integers(len(FORMS))]
        return self.add(TableMac(weights, self.rng.integers(-3000, 3000, outputs), form), source)

    def sums(self, source: str, outputs: int, kernel: int, stride: int) -> str:
        """Products of windows that keep the image's size but for the stride."""
        channels = self.size(source)[-1]
        if kernel > 1 or stride > 1:
            pads = (kernel // 2, (kernel - 1) // 2, kernel // 2, (kernel - 1) // 2)
            source = self.add(Window((kernel, kernel), (stride, stride), pads), source)
        return self.mac(source, outputs, kernel * kernel * channels)

    def code(self, source: str, shift: int, per_channel: bool = True) -> str:
        channels = self.size(source)[-1]
        shifts = shift + self.rng.integers(0, 3, channels if per_channel else 1)
        low, high = (-128, 127) if self.signed else (0, 255)
        return self.add(Rescale(np.ones(len(shifts), dtype=np.int64), shifts, low, high), source)

    def convolution(self, source: str, outputs: int, kernel: int, stride: int = 1) -> str:
        return self.code(self.sums(source, outputs, kernel, stride), int(self.rng.integers(4, 9)))

    def pool(self, source: str) -> str:
        height, width, _ = self.size(source)
        kernel, stride, pad = POOLS[self.rng.integers(len(POOLS))]
        if min(height, width) + 2 * pad < kernel:
            return source
        return self.add(MaxPool((kernel, kernel), (stride, stride), (pad,) * 4), source)

    def residual(self, source: str, outputs: int, stride: int) -> str:
        channels = self.size(source)[-1]
        first = self.convolution(source, outputs, 3, stride)
        left = self.branch(self.sums(first, outputs, 3, 1), 5)
        plain = stride == 1 and channels == outputs
        right = self.branch(source if plain else self.sums(source, outputs, 1, stride), 0 if plain else 5)
        return self.code(self.add(Add(), left, right), 2, False)

    def branch(self, source: str, shift: int) -> str:
        factors = 1 << self.rng.integers(0, 4, self.size(source)[-1])
        return self.add(Rescale(factors, np.full(len(factors), shift), -(1 << 13), (1 << 13) - 1), source)

    def inception(self, source: str) -> str:
        one, three = (self.convolution(source, int(self.rng.integers(1, 12)), kernel) for kernel in (1, 3))
        pooled = self.add(MaxPool((3, 3), (1, 1), (1, 1, 1, 1)), source)
        last = self.convolution(pooled, int(self.rng.integers(1, 6)), 1)
        return self.add(Concat(), one, three, last, *([source] if self.rng.random() < 0.3 else []))

    def head(self, source: str, classes: int) -> Network:
        height, width, channels = self.size(source)
        if self.rng.random() < 0.5 and height * width <= 64:
            low, high = (-128, 127) if self.signed else (0, 255)
            total = self.add(SumPool((height, width), (height, width)), source)
            source = self.add(Rescale(np.array([1]), np.array([5]), low, high), total)
            height = width = 1
        flat = self.add(Reshape((height * width * channels,)), source)
        self.add(ArgMax(), self.mac(flat, classes, height * width * channels))
        return Network("random", tuple(self.nodes))


def make_array_network(rng: np.random.Generator, weight_bits: int = 8) -> Network:
    """Return a random network that an array with weights of `weight_bits` runs."""
    signed = bool(rng.random() < 0.3)
    graph = Graph(rng, signed, weight_bits, float(rng.choice([0.0, 0.5, 0.97])))
    low, high = (-128, 127) if signed else (0, 255)
    shape = (int(rng.integers(4, 8)), int(rng.integers(4, 8)), int(rng.integers(1, 12)))
    edge = graph.add(Input(shape, low, high))
    for _ in range(int(rng.integers(1, 4))):
        outputs = int(rng.integers(1, 20))
        match int(rng.integers(4)):
            case 0:
                edge = graph.convolution(edge, outputs, int(rng.integers(1, 4)), int(rng.integers(1, 3)))
            case 1:
                edge = graph.pool(graph.convolution(edge, outputs, 3))
            case 2:
                edge = graph.residual(edge, outputs, int(rng.integers(1, 3)))
            case _:
                edge = graph.inception(graph.convolution(edge, outputs, 1))
    return graph.head(edge, int(rng.integers(2, 20)))
