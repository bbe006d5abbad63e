# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Small networks that fork and meet again, with random weights: residual blocks and a block of branches side by side."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np

from lutforge.network import Network, Node
from lutforge.operations import Add, ArgMax, Concat, Input, MaxPool, Op, Rescale, Reshape, SumPool, TableMac, Window

SIZE = 8


class Graph:
    """Nodes by name, with random weights of four bits."""

    def __init__(self, seed: int, channels: int = 3):
        self.rng = np.random.default_rng(seed)
        self.nodes: List[Node] = [Node("x", Input((SIZE, SIZE, channels)))]
        self.channels = {"x": channels}

    def add(self, name: str, op: Op, sources: Tuple[str, ...], channels: int) -> str:
        self.nodes.append(Node(name, op, sources))
        self.channels[name] = channels
        return name

    def layer(self, name: str, source: str, outputs: int, size: int = 3, stride: int = 1, low: int = 0) -> str:
        """Window, layer and rescaling to low..15; its last node has the name."""
        edge, channels, shift = size // 2, self.channels[source], 8 if source == "x" else 2 + size // 2
        if size > 1 or stride > 1:
            window = Window((size, size), (stride, stride), (edge,) * 4, 0)
            source = self.add(f"{name}_window", window, (source,), size * size * channels)
        weights = self.rng.integers(-8, 8, (outputs, size * size * channels))
        mac = TableMac(weights, self.rng.integers(-9, 9, outputs))
        self.add(f"{name}_mac", mac, (source,), outputs)
        return self.rescale(name, f"{name}_mac", shift, low)

    def rescale(self, name: str, source: str, shift: int, low: int = 0) -> str:
        return self.add(name, Rescale(np.array([1]), np.array([shift]), low, 15), (source,), self.channels[source])

    def finish(self, name: str, last: str, extent: int) -> Network:
        """A mean over the image, a layer, and the marked head."""
        channels = self.channels[last]
        self.add("total", SumPool((extent, extent), (extent, extent)), (last,), channels)
        self.rescale("mean", "total", 4)
        self.add("flat", Reshape((channels,)), ("mean",), channels)
        weights = self.rng.integers(-8, 8, (10, channels))
        self.add("logits", TableMac(weights, self.rng.integers(-9, 9, 10)), ("flat",), 10)
        self.add("answer", ArgMax(), ("logits",), 1)
        return Network(name, tuple(self.nodes))


def residual_blocks(width: int = 4) -> Network:
    """A stem and two blocks as ResNet18 has them: one with the edge itself beside it, one that halves the image."""
    graph = Graph(18)
    last = graph.layer("stem", "x", width)
    for block, stride in (("first", 1), ("second", 2)):
        outputs = width * stride
        graph.layer(f"{block}_1", last, outputs, stride=stride)
        long = graph.layer(f"{block}_2", f"{block}_1", outputs, low=-16)
        short = last if stride == 1 else graph.layer(f"{block}_short", last, outputs, size=1, stride=stride, low=-16)
        graph.add(f"{block}_sum", Add(), (long, short), outputs)
        last = graph.rescale(block, f"{block}_sum", 1)
    return graph.finish("residual_blocks", last, SIZE // 2)


def inception_block() -> Network:
    """Four branches: 1x1, 3x3 and 5x5 behind 1x1, and 1x1 behind a pool."""
    graph = Graph(22)
    stem = graph.layer("stem", "x", 4)
    ends = [graph.layer("one", stem, 4, 1)]
    for name, size, outputs in (("three", 3, 6), ("five", 5, 2)):
        graph.layer(f"{name}_less", stem, 2, 1)
        ends.append(graph.layer(name, f"{name}_less", outputs, size))
    graph.add("pool", MaxPool((3, 3), (1, 1), (1, 1, 1, 1)), (stem,), 4)
    ends.append(graph.layer("pooled", "pool", 2, 1, low=-16))
    graph.add("all", Concat(), tuple(ends), 14)
    graph.rescale("joined", "all", 0)
    return graph.finish("inception_block", "joined", SIZE)


def small_graph() -> Network:
    """A sum of an edge and what is made of it, and beside it both of them, one twice."""
    graph = Graph(4)
    graph.nodes[0] = Node("x", Input((2, 2, 4), -8, 7))
    graph.channels["x"] = 4
    graph.add("half", Rescale(np.array([3]), np.array([1]), -4, 3), ("x",), 4)
    graph.add("sum", Add(), ("half", "x"), 4)
    graph.add("all", Concat(), ("x", "sum", "half", "sum"), 16)
    graph.rescale("code", "all", 0)
    graph.add("flat", Reshape((64,)), ("code",), 64)
    graph.add("pixels", Reshape((4, 4, 4)), ("flat",), 4)
    graph.add("total", SumPool((4, 4), (4, 4)), ("pixels",), 4)
    graph.add("logits", Reshape((4,)), ("total",), 4)
    return Network("small_graph", tuple(graph.nodes))


def gathering_graph() -> Network:
    """Pixels, and beside them what a window makes of them, summed."""
    kernel = TableMac(np.arange(-4, 5)[None], np.array([20]))
    nodes = (
        Node("x", Input((5, 4, 1), 0, 15)),
        Node("pixel", Rescale(np.array([1]), np.array([1]), 0, 7), ("x",)),
        Node("window", Window((3, 3), (1, 1), (1, 1, 1, 1), 0), ("pixel",)),
        Node("mac", kernel, ("window",)),
        Node("sum", Add(), ("mac", "pixel")),
        Node("total", SumPool((5, 4), (5, 4)), ("sum",)),
        Node("logits", Reshape((1,)), ("total",)),
    )
    return Network("gathering_graph", nodes)
