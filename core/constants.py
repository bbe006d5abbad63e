# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What never changes in a network is taken out: inputs of tables that are constant, and outputs that nothing reads.

Training leaves channels whose thresholds lie outside of what their sums can reach, and logic shrinkage leaves channels
that no table reads. The network answers the same without them and is smaller in every form of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

from lutforge.network import Network, Node
from lutforge.numerics import level_value_table
from lutforge.operations import (
    BinaryMac,
    Encode,
    LutNeurons,
    MaxPool,
    Reshape,
    Threshold,
    TruthTables,
    Window,
)

Ints = npt.NDArray[Any]
Bounds = Tuple[Ints, Ints]
"""Least and greatest value of each element of the last axis."""

Tables = Union[LutNeurons, TruthTables]


def simplified(network: Network) -> Network:
    """Return the network without constant inputs of tables, and without outputs that no dense layer behind them reads.

    Thresholds of sums that are all odd or all even are moved to where the lowest bit makes no difference. The logits
    are the same integers for all images within the bounds of the input.
    """
    return _without_lowest_bits(_without_unread(_with_constants(network)))


def _with_constants(network: Network) -> Network:
    bounds: Dict[str, Bounds] = {}
    nodes: List[Node] = []
    for node in network.nodes:
        if isinstance(node.op, (LutNeurons, TruthTables)):
            node = replace(node, op=_cofactored(node.op, bounds[node.inputs[0]]))
        bounds[node.name] = _bounds(network, node, bounds[node.inputs[0]] if node.inputs else None)
        nodes.append(node)
    return Network(network.name, tuple(nodes), network.about)


def _bounds(network: Network, node: Node, source: Optional[Bounds]) -> Bounds:
    """Return bounds of a node's elements; those of its type where nothing better is known."""
    kind, op = network.types[node.name], node.op
    plain = np.full(kind.channels, kind.low), np.full(kind.channels, kind.high)
    if source is None:
        return plain
    low, high = source
    if isinstance(op, Threshold):
        return _exceeded(low, op.thresholds), _exceeded(high, op.thresholds)
    if isinstance(op, Encode) and op.code == "thermometer":
        steps = np.broadcast_to(op.thresholds, (len(low), op.thresholds.shape[1]))
        return (low[:, None] > steps).ravel().astype(np.int64), (high[:, None] > steps).ravel().astype(np.int64)
    if isinstance(op, Window):
        if any(op.padding):
            low, high = np.minimum(low, op.pad_code), np.maximum(high, op.pad_code)
        return np.tile(low, op.kernel[0] * op.kernel[1]), np.tile(high, op.kernel[0] * op.kernel[1])
    if isinstance(op, MaxPool):
        return source
    if isinstance(op, Reshape) and kind.channels % len(low) == 0:
        return np.tile(low, kind.channels // len(low)), np.tile(high, kind.channels // len(low))
    if isinstance(op, LutNeurons):
        return _sums(op, op.tables.min(axis=1)), _sums(op, op.tables.max(axis=1))
    if isinstance(op, TruthTables):
        return op.tables.min(axis=1).astype(np.int64), op.tables.max(axis=1).astype(np.int64)
    if isinstance(op, BinaryMac):
        if op.levels:
            values = level_value_table(op.levels)
            low, high = values[low], values[high]  # levels are positive, but a code's value need not rise with it
            if not (np.diff(values) >= 0).all():
                return plain
        up, down = np.maximum(op.weights, 0).astype(np.int64), np.minimum(op.weights, 0).astype(np.int64)
        return up @ low + down @ high, up @ high + down @ low
    return plain


def _exceeded(values: Ints, thresholds: Ints) -> Ints:
    return np.asarray((values[:, None] > thresholds).sum(axis=1))


def _sums(op: LutNeurons, outputs: Ints) -> Ints:
    return np.bincount(op.neuron, weights=outputs * op.weight, minlength=op.neurons).astype(np.int64)


def _cofactored(op: Tables, source: Bounds) -> Tables:
    """Return tables that ignore the inputs whose bit is constant."""
    low, high = source
    shift = np.arange(op.bits)
    known = (low[:, None] >> shift == high[:, None] >> shift).ravel()
    value = ((low[:, None] >> shift) & 1).ravel()
    tables = op.tables
    for position in range(op.inputs):
        halves = tables.reshape(len(tables), -1, 2, 1 << position)
        bit = op.wiring[:, position]
        fixed = np.where(value[bit][:, None, None] == 1, halves[:, :, 1], halves[:, :, 0])[:, :, None]
        halves = np.where(known[bit][:, None, None, None], fixed, halves)
        tables = halves.reshape(tables.shape)
    return op if np.array_equal(tables, op.tables) else replace(op, tables=tables)


def _without_unread(network: Network) -> Network:
    """Drop outputs of dense layers whose codes nothing reads, from the last layer to the first."""
    nodes = list(network.nodes)
    reads = [source for node in nodes for source in node.inputs]
    for index in range(len(nodes) - 3, -1, -1):
        made, code, reader = nodes[index : index + 3]
        chain = code.inputs == (made.name,) and reader.inputs == (code.name,)
        chain = chain and reads.count(made.name) == reads.count(code.name) == 1
        if chain and isinstance(made.op, (LutNeurons, BinaryMac)) and isinstance(code.op, Threshold):
            read = _read(reader)
            if read is not None and not read.all() and _has_weights(made.op, read):
                nodes[index] = replace(made, op=_selected(made.op, read))
                rows = code.op.thresholds
                nodes[index + 1] = replace(code, op=Threshold(rows if len(rows) == 1 else rows[read]))
                nodes[index + 2] = replace(reader, op=_renumbered(reader.op, read))
    return Network(network.name, tuple(nodes), network.about)


def _without_lowest_bits(network: Network) -> Network:
    """Return the network with thresholds t for which t + 1 is even, where sums of signs are odd or even by output.

    x > t is x >= t + 1, and its lowest bit need not be compared. Of even x none lies between t and t + 1 if that is
    odd, of odd ones none between t - 1 and t.
    """
    odd: Dict[str, Ints] = {}
    nodes: List[Node] = []
    for node in network.nodes:
        op, known = node.op, odd.get(node.inputs[0]) if node.inputs else None
        if isinstance(op, BinaryMac) and op.levels:
            odd[node.name] = (op.weights != 0).sum(axis=1) * sum(op.levels) % 2
        elif isinstance(op, MaxPool) and known is not None:
            odd[node.name] = known
        elif isinstance(op, Threshold) and known is not None:
            steps = op.thresholds
            if len(steps) == len(known) or (known == known[0]).all():
                moved = 1 - 2 * known[: len(steps), None]
                node = replace(node, op=Threshold(steps + np.where(steps % 2 == 0, moved, 0)))
        nodes.append(node)
    return Network(network.name, tuple(nodes), network.about)


def _has_weights(op: Union[LutNeurons, BinaryMac], outputs: npt.NDArray[np.bool_]) -> bool:
    """Whether anything is left of a layer with these outputs alone; an operation cannot be empty."""
    return bool(outputs.any() if isinstance(op, BinaryMac) else outputs[op.neuron].any())


def _read(reader: Node) -> Optional[npt.NDArray[np.bool_]]:
    """Return which elements a dense layer reads, or None of other operations."""
    op = reader.op
    if isinstance(op, BinaryMac):
        return np.asarray((op.weights != 0).any(axis=0))
    if not isinstance(op, (LutNeurons, TruthTables)):
        return None
    read = np.zeros(op.elements, dtype=np.bool_)
    for position in range(op.inputs):
        halves = op.tables.reshape(len(op.tables), -1, 2, 1 << position)
        matters = (halves[:, :, 0] != halves[:, :, 1]).any(axis=(1, 2))
        read[op.wiring[matters, position] // op.bits] = True
    wanted = -(-op.inputs // op.bits)  # inputs that do not matter must find distinct bits too
    read[np.flatnonzero(~read)[: max(0, wanted - int(read.sum()))]] = True
    return read


def _selected(op: Union[LutNeurons, BinaryMac], outputs: npt.NDArray[np.bool_]) -> Union[LutNeurons, BinaryMac]:
    if isinstance(op, BinaryMac):
        return replace(op, weights=op.weights[outputs])
    kept = outputs[op.neuron]
    number = np.cumsum(outputs) - 1
    return LutNeurons(
        int(outputs.sum()),
        op.elements,
        op.bits,
        op.wiring[kept],
        number[op.neuron[kept]],
        op.weight[kept],
        op.tables[kept],
    )


def _renumbered(op: Any, read: npt.NDArray[np.bool_]) -> Any:
    """Return a reader for the elements that are left; inputs that do not matter go to bits not yet in the table."""
    if isinstance(op, BinaryMac):
        return replace(op, weights=op.weights[:, read])
    number = np.cumsum(read) - 1
    kept = read[op.wiring // op.bits]
    wiring = np.where(kept, number[op.wiring // op.bits] * op.bits + op.wiring % op.bits, -1)
    every = np.arange(int(read.sum()) * op.bits)
    for row in np.flatnonzero((wiring < 0).any(axis=1)):
        free = np.setdiff1d(every, wiring[row])
        places = np.flatnonzero(wiring[row] < 0)
        wiring[row, places] = free[: len(places)]
    return replace(op, elements=int(read.sum()), wiring=wiring)
