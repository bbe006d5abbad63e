# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""THE description of a network: a graph of operations with a type and value bounds on every edge.

What is folded is not said here but in `schedule`: one network, one meaning, many hardware shapes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Dict, List, Mapping, Tuple, Union

import numpy as np

from lutforge.errors import NetworkError, unreachable
from lutforge.multipliers import Approximate, shaped
from lutforge.numerics import ACCUMULATOR_BITS, bits_for, level_value_table
from lutforge.operations import (
    Add,
    Affine,
    ArgMax,
    Array,
    BinaryMac,
    Concat,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Op,
    Record,
    Rescale,
    Reshape,
    SumPool,
    TableMac,
    Threshold,
    TiledLutNeurons,
    TruthTables,
    Window,
)

Note = Union[str, int, float]


@dataclass(frozen=True)
class TensorType:
    """What one edge carries: its shape (no batch) and the bounds of its integers."""

    shape: Tuple[int, ...]
    low: int
    high: int

    @property
    def bits(self) -> int:
        """Bits of one element, two's complement if signed."""
        return bits_for(self.low, self.high)

    @property
    def signed(self) -> bool:
        """Whether a negative value can occur."""
        return self.low < 0

    @property
    def channels(self) -> int:
        """Extent of the last axis."""
        return self.shape[-1]

    @property
    def elements(self) -> int:
        """Values of one image on this edge."""
        return prod(self.shape)

    def __str__(self) -> str:
        kind = "int" if self.signed else "uint"
        return f"{kind}{self.bits}[{', '.join(map(str, self.shape))}] {self.low}..{self.high}"


@dataclass(frozen=True)
class Node:
    """One operation with a name and the names of the nodes it reads."""

    name: str
    op: Op
    inputs: Tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Network(Record):
    """Nodes in topological order, checked at construction; `types` holds every edge.

    The first node is the one `Input`. A last `ArgMax` is the marked head: the logits are its input.
    about: notes that travel with the file (data set, accuracy, command); they have no meaning for executors.
    """

    name: str
    nodes: Tuple[Node, ...]
    about: Mapping[str, Note] = field(default_factory=dict)
    types: Mapping[str, TensorType] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        types: Dict[str, TensorType] = {}
        _check_name(self.name)
        for index, node in enumerate(self.nodes):
            _check_name(node.name)
            if node.name in types:
                raise NetworkError(f"node {node.name}: the name is taken; every node needs its own")
            for source in node.inputs:
                if source not in types:
                    raise NetworkError(
                        f"node {node.name}: reads {source!r}, which is not an earlier node; known: {', '.join(types)}"
                    )
            if isinstance(node.op, Input) != (index == 0):
                raise NetworkError(f"node {node.name}: the first node, and only it, is an Input")
            _check_arity(node)
            types[node.name] = _infer_checked(node, [types[source] for source in node.inputs])
        if not self.nodes:
            raise NetworkError(f"network {self.name}: it has no nodes; the first must be an Input")
        _check_all_read(self.nodes)
        object.__setattr__(self, "types", types)

    @property
    def input(self) -> TensorType:
        """Type of what the host streams."""
        return self.types[self.nodes[0].name]

    @property
    def output(self) -> Node:
        """The node whose values are the logits."""
        last = self.nodes[-1]
        return self.node(last.inputs[0]) if isinstance(last.op, ArgMax) else last

    @property
    def logits(self) -> TensorType:
        """Type of the answers."""
        return self.types[self.output.name]

    @property
    def classes(self) -> int:
        """Number of logits."""
        return self.logits.channels

    def node(self, name: str) -> Node:
        """Return a node by name; NetworkError names the known ones."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise NetworkError(f"no node {name!r}; known: {', '.join(node.name for node in self.nodes)}")

    def input_type(self, node: Node) -> TensorType:
        """Type of the first edge that a node reads."""
        return self.types[node.inputs[0]]


def _check_name(name: str) -> None:
    if not name.isascii() or not name.isidentifier() or name.startswith("_") or len(name) > 48:
        raise NetworkError(
            f"name {name!r}: names go into C++ and file names; use at most 48 letters, digits and underscores, "
            "a letter first"
        )


def _check_arity(node: Node) -> None:
    if isinstance(node.op, Concat):
        wanted, fits = "2 or more inputs", len(node.inputs) >= 2
    else:
        arity = 0 if isinstance(node.op, Input) else 2 if isinstance(node.op, Add) else 1
        wanted, fits = f"{arity} input(s)", len(node.inputs) == arity
    if not fits:
        raise NetworkError(f"node {node.name}: {type(node.op).__name__} reads {wanted}, {len(node.inputs)} given")


def _check_all_read(nodes: Tuple[Node, ...]) -> None:
    read = {source for node in nodes for source in node.inputs}
    for node in nodes[:-1]:
        if node.name not in read:
            raise NetworkError(f"node {node.name}: nothing reads it; remove it or make it the last node")
        if isinstance(node.op, ArgMax):
            raise NetworkError(f"node {node.name}: ArgMax is the head; it must be the last node")


def _infer_checked(node: Node, inputs: List[TensorType]) -> TensorType:
    try:
        result = infer(node.op, inputs)
    except NetworkError as error:
        raise NetworkError(f"node {node.name}: {error}") from None
    low, high = accumulator_bounds(node.op, inputs[0]) if len(inputs) == 1 else (result.low, result.high)
    bits = bits_for(min(low, result.low, -1), max(high, result.high))
    if bits > ACCUMULATOR_BITS:
        raise NetworkError(
            f"node {node.name}: the accumulator reaches {low}..{high}, which needs {bits} bits; the limit is "
            f"{ACCUMULATOR_BITS}. Lower the fan-in, the bit widths or the bias"
        )
    return result


def infer(op: Op, inputs: List[TensorType]) -> TensorType:
    """Return the type of an operation's output; NetworkError if the operation does not fit its input."""
    if isinstance(op, Input):
        return TensorType(op.shape, op.low, op.high)
    x = inputs[0]
    match op:
        case Encode():
            _check_channels("thresholds", op.thresholds, x)
            return TensorType((*x.shape[:-1], x.channels * op.bits_per_feature), 0, 1)
        case Window():
            return _window(op, x)
        case TableMac() | BinaryMac():
            return _sums(op, x)
        case LutNeurons() | TiledLutNeurons() | TruthTables():
            return _neurons(op, x)
        case Add() | Concat():
            return _joined(op, inputs)
        case Threshold():
            _check_channels("thresholds", op.thresholds, x)
            return TensorType(x.shape, 0, int(op.thresholds.shape[1]))
        case Rescale():
            _check_channels("multiplier", op.multiplier, x)
            return TensorType(x.shape, op.low, op.high)
        case MaxPool():
            return _pooled(op.windows(x.low), "MaxPool", x)
        case SumPool():
            one, taps = _pooled(Window(op.kernel, op.stride), "SumPool", x), prod(op.kernel)
            return TensorType(one.shape, taps * x.low, taps * x.high)
        case Reshape():
            if int(np.prod(op.shape)) != x.elements:
                raise NetworkError(f"Reshape: {x.shape} has {x.elements} elements, {op.shape} has not")
            return TensorType(op.shape, x.low, x.high)
        case Affine():
            _check_channels("scale", op.scale, x)
            ends = np.stack([op.scale * x.low, op.scale * x.high]) + op.offset
            return TensorType(x.shape, int(ends.min()), int(ends.max()))
        case ArgMax():
            return TensorType((*x.shape[:-1], 1), 0, x.channels - 1)
        case _:
            unreachable(op)


def _sums(op: TableMac | BinaryMac, x: TensorType) -> TensorType:
    """Type of weighted sums, by the largest and smallest sum of each output."""
    _check_fan_in(op.weights, x)
    if isinstance(op, TableMac):
        if x.bits > 8:
            raise NetworkError(f"TableMac: activations have {x.bits} bits; the limit is 8. Rescale them first")
        low, high, bias, left_out = _shaped_bounds(op, x)
        lows, highs = _dot_bounds(op.weights, low, high)
        return _per_output(x, lows + bias - left_out, highs + bias)
    low, high = x.low, x.high
    if op.levels:
        _check_codes("BinaryMac", x, len(op.levels))
        high = int(level_value_table(op.levels).max())
        low = -high
    return _per_output(x, *_dot_bounds(op.weights, low, high))


def _neurons(op: LutNeurons | TiledLutNeurons | TruthTables, x: TensorType) -> TensorType:
    """Type of tables: their weighted counts of ones, or their codes."""
    _check_wires(op, x)
    if isinstance(op, LutNeurons):
        high = int(np.bincount(op.neuron, weights=op.weight, minlength=op.neurons).max())
    elif isinstance(op, TiledLutNeurons):
        high = op.tiles[1] * int(np.bincount(op.neuron).max()) * sum(op.levels)
    else:
        high = (1 << op.code_bits) - 1
    return TensorType((*x.shape[:-1], op.neurons), 0, high)


def _joined(op: Add | Concat, inputs: List[TensorType]) -> TensorType:
    """Type of a node of several inputs."""
    x = inputs[0]
    if isinstance(op, Add):
        other = inputs[1]
        if x.shape != other.shape:
            raise NetworkError(f"Add: edges of shapes {x.shape} and {other.shape}; both must have one shape")
        return TensorType(x.shape, x.low + other.low, x.high + other.high)
    if any(each.shape[:-1] != x.shape[:-1] for each in inputs):
        shapes = ", ".join(str(each.shape) for each in inputs)
        raise NetworkError(f"Concat: edges of shapes {shapes}; all but the last extent must be equal")
    channels = sum(each.channels for each in inputs)
    return TensorType((*x.shape[:-1], channels), min(each.low for each in inputs), max(each.high for each in inputs))


def _window(op: Window, x: TensorType) -> TensorType:
    height, width, channels = _image(x)
    extent = op.output_extent(height, width)
    if min(extent) < 1:
        raise NetworkError(f"Window: kernel {op.kernel} does not fit an image of {height} x {width}")
    if any(op.padding) and not x.low <= op.pad_code <= x.high:
        raise NetworkError(f"Window: pad_code {op.pad_code} cannot be carried by an edge of {x.low}..{x.high}")
    return TensorType((*extent, op.kernel[0] * op.kernel[1] * channels), x.low, x.high)


def _pooled(windows: Window, name: str, x: TensorType) -> TensorType:
    height, width, channels = _image(x)
    extent = windows.output_extent(height, width)
    if min(extent) < 1:
        raise NetworkError(f"{name}: kernel {windows.kernel} does not fit an image of {height} x {width}")
    return TensorType((*extent, channels), x.low, x.high)


def accumulator_bounds(op: Op, x: TensorType) -> Tuple[int, int]:
    """Return bounds of every value an operation holds on its way, in whatever order it adds."""
    match op:
        case TableMac():
            lowest, highest, bias, left_out = _shaped_bounds(op, x)
            low, high = _dot_bounds(op.weights, min(lowest, 0), max(highest, 0))
            low, high = np.minimum(bias, 0) + low - left_out, np.maximum(bias, 0) + high
            return int(low.min()), int(high.max())
        case BinaryMac():
            top = int(level_value_table(op.levels).max()) if op.levels else x.high
            bottom = -top if op.levels else x.low
            low, high = _dot_bounds(op.weights, min(bottom, 0), max(top, 0))
            return int(low.min()), int(high.max())
        case (
            Input()
            | Encode()
            | Window()
            | LutNeurons()
            | TiledLutNeurons()
            | TruthTables()
            | Threshold()
            | Rescale()
            | MaxPool()
            | SumPool()
            | Reshape()
            | Affine()
            | ArgMax()
        ):
            result = infer(op, [x])
            return result.low, result.high
        case Add() | Concat():
            raise NetworkError(f"{type(op).__name__}: the bounds of a node of several inputs are those of its output")
        case _:
            unreachable(op)


def _shaped_bounds(op: TableMac, x: TensorType) -> Tuple[int, int, Array, Array]:
    """Return the bounds of activations as the tables read them, the bias with what stands for dropped digits, and the
    most that truncated tables leave out of each sum.
    """
    form, bias = op.multiplier, op.bias
    left_out = np.zeros(len(bias), dtype=np.int64)
    if not isinstance(form, Approximate):
        return x.low, x.high, bias, left_out
    if form.constant >= 1 << form.dropped(x.bits):
        raise NetworkError(
            f"TableMac: constant {form.constant} stands for the dropped digits of activations of {x.bits} bits, of "
            f"which {form.dropped(x.bits)} are dropped; the limit is {(1 << form.dropped(x.bits)) - 1}"
        )
    low, high = (int(end) for end in shaped(form, np.array([x.low, x.high]), x.bits, x.signed))
    if form.constant:
        bias = bias + form.constant * op.weights.astype(np.int64).sum(axis=1)
    if form.truncate_bits:
        left_out = (op.weights != 0).sum(axis=1) * ((1 << form.truncate_bits) - 1)
    return low, high, bias, left_out


def _dot_bounds(weights: Array, low: int, high: int) -> Tuple[Array, Array]:
    """Bounds of sum(weights * x) per output for low <= x <= high."""
    wide = weights.astype(np.int64)
    positive, negative = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
    return positive * low + negative * high, positive * high + negative * low


def _per_output(x: TensorType, low: Array, high: Array) -> TensorType:
    return TensorType((*x.shape[:-1], len(low)), int(low.min()), int(high.max()))


def _image(x: TensorType) -> Tuple[int, int, int]:
    if len(x.shape) != 3:
        raise NetworkError(f"an image [height, width, channels] is wanted, the edge has shape {x.shape}")
    return x.shape[0], x.shape[1], x.shape[2]


def _check_fan_in(weights: Array, x: TensorType) -> None:
    if weights.shape[1] != x.channels:
        raise NetworkError(f"weights have fan_in {weights.shape[1]}, the edge has {x.channels} elements")


def _check_channels(name: str, values: Array, x: TensorType) -> None:
    if values.shape[0] not in (1, x.channels):
        raise NetworkError(f"{name} for {values.shape[0]} channels, the edge has {x.channels}")


def _check_wires(op: LutNeurons | TiledLutNeurons | TruthTables, x: TensorType) -> None:
    name = type(op).__name__
    if x.channels != op.elements:
        raise NetworkError(f"{name}: wired for {op.elements} elements, the edge has {x.channels}")
    _check_codes(name, x, len(op.levels) if isinstance(op, TiledLutNeurons) else op.bits)


def _check_codes(kind: str, x: TensorType, bits: int) -> None:
    if x.signed or x.bits != bits:
        raise NetworkError(f"{kind}: codes of {bits} bits wanted, the edge carries {x}")
