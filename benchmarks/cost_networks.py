# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Networks of every kind and of any size for `cost_zoo`, seeded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from lutforge.folding import folded
from lutforge.multipliers import DivideConquer, Multiplier
from lutforge.network import Network, Node, TensorType, infer
from lutforge.operations import (
    Affine,
    ArgMax,
    BinaryMac,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Op,
    Rescale,
    Reshape,
    TableMac,
    Threshold,
    Window,
)
from lutforge.schedule import Schedule, Unrolled, check, is_foldable

Rng = np.random.Generator
DC2, DC4, OPTIMISED = DivideConquer(2), DivideConquer(4), DivideConquer(2, optimised=True)


@dataclass(frozen=True)
class Case:
    """A network under a schedule on a board. output: what it answers."""

    name: str
    network: Network
    schedule: Schedule
    board: str = "pynq_z2"
    output: str = "logits"


@dataclass
class Chain:
    """Nodes one behind the other; operations are named by kind and place."""

    rng: Rng
    source: Input
    nodes: List[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kind: TensorType = infer(self.source, [])
        self.nodes.append(Node("x", self.source))

    def add(self, op: Op) -> None:
        """Put an operation behind the last one."""
        self.nodes.append(Node(f"{type(op).__name__.lower()}{len(self.nodes)}", op, (self.nodes[-1].name,)))
        self.kind = infer(op, [self.kind])

    def table(self, outputs: int, bits: int, multiplier: Multiplier = DC4, pruned: float = 0.1) -> None:
        """Normally distributed weights of so many bits, and biases."""
        top = (1 << (bits - 1)) - 1 or 1
        weights = np.clip(np.round(self.rng.normal(0, top / 2.5, (outputs, self.kind.channels))), -top, top)
        weights[self.rng.random(weights.shape) < pruned] = 0
        self.add(TableMac(weights.astype(int), self.rng.integers(-30 * top, 30 * top + 1, outputs), multiplier))

    def rescale(self, bits: int = 8, signed: bool = False, shared: bool = False) -> None:
        """Down to so many bits, one factor per channel or a shared shift."""
        rows = 1 if shared else self.kind.channels
        shift = max(1, self.kind.bits - bits)
        factor = np.ones(1, int) if shared else self.rng.integers(128, 256, rows)
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        self.add(Rescale(factor, np.full(rows, shift - 1 if shared else shift + 6), low, high))

    def code(self, bits: int, shared: bool = False) -> None:
        """Thresholds spread over the middle of the edge's bounds."""
        rows, steps = 1 if shared else self.kind.channels, (1 << bits) - 1
        middle, spread = (self.kind.low + self.kind.high) / 2, (self.kind.high - self.kind.low) / 6
        self.add(Threshold(np.sort(np.round(self.rng.normal(middle, spread + 1, (rows, steps))).astype(int), axis=1)))

    def binary(self, outputs: int, levels: Tuple[int, ...] = (), pruned: float = 0.0) -> None:
        """Signs, some of them pruned."""
        weights = self.rng.choice([-1, 1], (outputs, self.kind.channels))
        weights[self.rng.random(weights.shape) < pruned] = 0
        self.add(BinaryMac(weights, levels))

    def luts(self, neurons: int, tables: int, inputs: int, heaviest: int = 1) -> None:
        """So many tables per neuron, of random functions."""
        bits, count = self.kind.channels * self.kind.bits, neurons * tables
        wiring = np.stack([self.rng.choice(bits, min(inputs, bits), replace=False) for _ in range(count)])
        contents = self.rng.integers(0, 2, (count, 1 << wiring.shape[1]))
        weight = self.rng.integers(1, heaviest + 1, count)
        neuron = np.repeat(np.arange(neurons), tables)
        self.add(LutNeurons(neurons, self.kind.channels, self.kind.bits, wiring, neuron, weight, contents))

    def affine(self) -> None:
        """Scale and offset of each class."""
        rows = self.kind.channels
        self.add(Affine(self.rng.integers(-400, 401, rows), self.rng.integers(-9000, 9001, rows)))

    def window(self, padded: bool = True, kernel: int = 3) -> None:
        """A square window."""
        edge = int(padded)
        self.add(Window((kernel, kernel), (1, 1), (edge,) * 4, 0))

    def case(
        self,
        name: str,
        pe: int,
        simd: int,
        *,
        board: str = "pynq_z2",
        output: str = "logits",
        depth: int = 0,
        levels: int = 2,
        foldings: Optional[Dict[str, Any]] = None,
    ) -> Case:
        """The network, folded by PE and SIMD (0: unrolled). depth: of every stream; foldings: of some layers."""
        self.add(ArgMax())
        network = Network(name, tuple(self.nodes))
        if pe:
            plan = folded(network, pe, simd)
        else:
            plan = Schedule({node.name: Unrolled() for node in network.nodes if is_foldable(node)})
        depths = {node.name: depth for node in network.nodes} if depth else {}
        chosen = Schedule({**plan.foldings, **(foldings or {})}, depths, levels)
        return Case(name, network, check(network, chosen), board, output)


def _chain(seed: int, *shape: int, bits: int = 8, signed: bool = False) -> Chain:
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    return Chain(np.random.default_rng(seed), Input(shape, low, high))


def dense_table(
    seed: int,
    inputs: int,
    widths: Tuple[int, ...],
    weight: int,
    act: int = 8,
    multiplier: Multiplier = DC4,
    signed: bool = False,
    shared: bool = False,
) -> Chain:
    """TableMac and Rescale in turn."""
    chain = _chain(seed, inputs, bits=act, signed=signed)
    for outputs in widths[:-1]:
        chain.table(outputs, weight, multiplier)
        chain.rescale(act, signed, shared)
    chain.table(widths[-1], weight, multiplier)
    return chain


def dense_binary(
    seed: int, inputs: int, widths: Tuple[int, ...], levels: Tuple[int, ...], act: int = 8, pruned: float = 0.0
) -> Chain:
    """BinaryMac on integers, then on residual-binary codes."""
    chain = _chain(seed, inputs, bits=act)
    chain.binary(widths[0], (), pruned)
    for outputs in widths[1:]:
        chain.code(len(levels))
        chain.binary(outputs, levels, pruned)
    return chain


def lutnet(
    seed: int,
    inputs: int,
    first: int,
    widths: Tuple[int, ...],
    tables: int,
    arity: int,
    code: int = 2,
    heaviest: int = 1,
) -> Chain:
    """BinaryMac, then layers of tables, then scale and offset."""
    chain = _chain(seed, inputs)
    chain.binary(first)
    for neurons in widths:
        chain.code(code)
        chain.luts(neurons, tables, arity, heaviest)
    chain.affine()
    return chain


def conv_table(
    seed: int,
    extent: int,
    channels: int,
    first: int,
    second: int,
    weight: int = 8,
    act: int = 8,
    multiplier: Multiplier = DC4,
) -> Chain:
    """Two convolutions with pooling, then a dense layer."""
    chain = _chain(seed, extent, extent, channels, bits=act)
    chain.window()
    chain.table(first, weight, multiplier)
    chain.rescale(act)
    chain.add(MaxPool((2, 2), (2, 2)))
    if second:
        chain.window(padded=False)
        chain.table(second, weight, multiplier)
        chain.rescale(act)
    chain.add(Reshape((chain.kind.elements,)))
    chain.table(10, weight, multiplier)
    return chain


def conv_lut(seed: int, extent: int, code: int, first: int, tables: int, arity: int) -> Chain:
    """Windows of codes into tables, pooled, then tables again."""
    chain = _chain(seed, extent, extent, 1)
    chain.code(code, shared=True)
    chain.window(padded=False)
    chain.luts(first, tables, arity)
    chain.code(code)
    chain.add(MaxPool((2, 2), (2, 2)))
    chain.add(Reshape((chain.kind.elements,)))
    chain.luts(10, 3 * tables, arity)
    return chain


def encoded(seed: int, inputs: int, steps: int, style: str, neurons: int, tables: int, shared: bool = False) -> Chain:
    """Thermometer or counted inputs into tables."""
    chain = _chain(seed, inputs)
    rows = 1 if shared else inputs
    edges = np.sort(chain.rng.integers(5, 250, (rows, steps)), axis=1)
    chain.add(Encode(edges, style))
    chain.luts(neurons, tables, 6)
    chain.code(2)
    chain.luts(10, 2 * tables, 6)
    return chain


def signs_of(seed: int, inputs: int, widths: Tuple[int, ...], act: int, pruned: float) -> Chain:
    """BinaryMac on integers, rescaled, and again."""
    chain = _chain(seed, inputs, bits=act)
    for outputs in widths[:-1]:
        chain.binary(outputs, (), pruned)
        chain.rescale(act)
    chain.binary(widths[-1], (), pruned)
    return chain
