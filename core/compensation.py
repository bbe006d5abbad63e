# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Multipliers exchanged layer by layer, and what approximate ones lose on average put into the biases.

An approximate product is off by an amount that depends on the weight and on which activations occur. Its mean over
data, summed over the fan-in, is a constant per output: added to the bias it costs no hardware.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lutforge.errors import NetworkError
from lutforge.executors import check_images
from lutforge.multipliers import Approximate, Multiplier, exact_form
from lutforge.network import Network, Node, TensorType
from lutforge.operations import Input, TableMac
from lutforge.reference import apply

Ints = npt.NDArray[Any]
BLOCK = 50
"""Images that are worked on at a time."""


def with_multipliers(network: Network, multipliers: Mapping[str, Multiplier]) -> Network:
    """Return the network with other multipliers in the `TableMac` layers named; NetworkError names what is none."""
    for name in multipliers:
        if not isinstance(network.node(name).op, TableMac):
            raise NetworkError(f"node {name}: {type(network.node(name).op).__name__} has no multiplier to exchange")
    nodes: List[Node] = []
    for node in network.nodes:
        if isinstance(node.op, TableMac) and node.name in multipliers:
            node = replace(node, op=replace(node.op, multiplier=multipliers[node.name]))
        nodes.append(node)
    return Network(network.name, tuple(nodes), network.about)


def compensated(network: Network, images: Ints) -> Network:
    """Return the network with each approximate layer's mean error over images added to its biases, rounded half up.

    A layer is measured behind the layers before it, already compensated. images: integers [batch, *input shape].
    """
    nodes: List[Node] = []

    def see(node: Node, x: Ints) -> Node:
        if isinstance(node.op, TableMac) and isinstance(node.op.multiplier, Approximate):
            node = replace(node, op=_compensated(node.op, x, network.input_type(node)))
        nodes.append(node)
        return node

    walk(network, images, see)
    return Network(network.name, tuple(nodes), network.about)


def alternatives(network: Network, multipliers: Sequence[Multiplier], images: Ints) -> Dict[str, List[TableMac]]:
    """Return each `TableMac` layer with each of the multipliers, compensated behind the network as it is, by name."""
    found: Dict[str, List[TableMac]] = {}

    def see(node: Node, x: Ints) -> Node:
        if isinstance(node.op, TableMac):
            kind, options = network.input_type(node), [replace(node.op, multiplier=each) for each in multipliers]
            found[node.name] = [
                _compensated(op, x, kind) if isinstance(op.multiplier, Approximate) else op for op in options
            ]
        return node

    walk(network, images, see)
    return found


def walk(network: Network, images: Ints, see: Callable[[Node, Ints], Node]) -> None:
    """Evaluate a network node by node over all images; `see` is shown each node and what it reads, and may change it.

    An edge is forgotten once nothing reads it any more.
    """
    images = check_images(network, images)
    last_read = {source: place for place, node in enumerate(network.nodes) for source in node.inputs}
    values: Dict[str, Ints] = {}
    for place, node in enumerate(network.nodes):
        shown = see(node, values[node.inputs[0]] if node.inputs else images)
        if isinstance(node.op, Input):
            values[node.name] = images
        elif node.name in last_read:
            starts = range(0, len(images), BLOCK)
            values[node.name] = np.concatenate([_applied(network, shown, values, start) for start in starts])
        for source in [name for name in values if last_read.get(name, place) <= place and name != node.name]:
            del values[source]


def _applied(network: Network, node: Node, values: Mapping[str, Ints], start: int) -> Ints:
    x, *others = (values[source][start : start + BLOCK] for source in node.inputs)
    result = apply(node.op, x, network.input_type(node), *others)
    kind = network.types[node.name]
    return result.astype(np.promote_types(np.min_scalar_type(kind.low), np.min_scalar_type(kind.high)))


def _compensated(op: TableMac, x: Ints, kind: TensorType) -> TableMac:
    exact = replace(op, multiplier=exact_form(op.multiplier))
    total, vectors = np.zeros(len(op.bias)), x[..., 0].size
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        lost = apply(exact, block, kind).astype(np.int64) - apply(op, block, kind)
        total += lost.reshape(-1, len(op.bias)).sum(axis=0)
    return replace(op, bias=op.bias + np.floor(total / vectors + 0.5).astype(np.int64))
