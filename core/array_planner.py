# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The steps of a network on the programmable array: which edges are stored, and what is computed between them.

An edge is stored where something reads it from memory, or where more than one node reads it; what the array cannot do
is refused by the name of its node.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, NoReturn, Tuple, Union

import numpy as np
import numpy.typing as npt

from lutforge.array_geometry import ACTIVATION_BITS
from lutforge.array_steps import Expression, Products, Scaled, Step, Sum, Tensor, View
from lutforge.errors import ScheduleError
from lutforge.mac_shape import shaped_mac
from lutforge.multipliers import Approximate, Conventional
from lutforge.network import Network, Node, TensorType
from lutforge.numerics import bits_for
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

Ints = npt.NDArray[Any]


@dataclass(frozen=True)
class _Pooled:
    """An expression behind a max pool: only a tensor can take it."""

    of: Expression
    pool: MaxPool


@dataclass(frozen=True)
class _Windowed:
    view: View
    window: Window


_Value = Union[View, Products, Scaled, Sum, _Pooled, _Windowed]
LAZY = (Rescale, Add, MaxPool, ArgMax)
"""Readers that take sums as they come, without their being stored."""


def steps_of(network: Network) -> Tuple[Tensor, List[Step]]:
    """Return the tensor of the images and the steps of a network; ScheduleError names what the array cannot do."""
    return _Planner(network).plan()


@dataclass
class _Planner:
    network: Network
    values: Dict[str, _Value] = field(default_factory=dict)
    steps: List[Step] = field(default_factory=list)
    joined: Dict[str, Tuple[str, int]] = field(default_factory=dict)
    """Of an edge that is stored inside a concatenation: its node's name and the segment."""
    tensors: Dict[str, Tensor] = field(default_factory=dict)

    def plan(self) -> Tuple[Tensor, List[Step]]:
        network = self.network
        self._reserve_concatenations()
        first = network.nodes[0]
        images = _tensor(first.name, network.input)
        _check_stored(first, network.input)
        self.values[first.name] = View(images, 0, 0)
        for node in network.nodes[1:]:
            if isinstance(node.op, ArgMax):
                continue
            value = self._value(node)
            if node.name == network.output.name:
                self.steps.append(self._logits(node, value))
            elif isinstance(value, (View, _Windowed)) or self._stays_lazy(node, value):
                self.values[node.name] = value
            else:
                self.values[node.name] = self._stored(node, value)
        return images, self.steps

    def _readers(self, name: str) -> List[Node]:
        return [node for node in self.network.nodes if name in node.inputs]

    def _stays_lazy(self, node: Node, value: _Value) -> bool:
        readers = self._readers(node.name)
        return len(readers) == 1 and isinstance(readers[0].op, LAZY) and not isinstance(value, _Pooled)

    def _reserve_concatenations(self) -> None:
        """Find the edges that can be written straight into a concatenation: those that no other one joins too."""
        for node in self.network.nodes:
            if not isinstance(node.op, Concat):
                continue
            _check_stored(node, self.network.types[node.name])
            kinds = [self.network.types[source] for source in node.inputs]
            segments = tuple(kind.channels for kind in kinds)
            self.tensors[node.name] = replace(_tensor(node.name, self.network.types[node.name]), segments=segments)
            for place, source in enumerate(node.inputs):
                stored = self.network.node(source).op
                if not isinstance(stored, (Input, Concat, Reshape)) and source not in self.joined:
                    self.joined[source] = (node.name, place)

    def _value(self, node: Node) -> _Value:
        inputs = [self.values[source] for source in node.inputs]
        match node.op:
            case Window() as op:
                return _Windowed(self._view(node, inputs[0]), _no_padding_code(node, op))
            case TableMac() | BinaryMac() as op:
                return self._products(node, op, inputs[0])
            case Rescale() as op:
                return self._scaled(node, op, self._lazy(node, inputs[0]))
            case Add():
                left, right = (self._lazy(node, value) for value in inputs)
                if left.segments != right.segments:
                    _refuse(node, "adds edges whose channels were joined differently")
                return Sum(node.name, left, right)
            case MaxPool() as op:
                if max(*op.kernel, *op.stride, *op.padding) > 15:
                    _refuse(node, f"pools windows of {op.kernel} at {op.stride}; the limit is 15")
                return _Pooled(self._lazy(node, inputs[0]), op)
            case SumPool() as op:
                return self._copy(node, self._view(node, inputs[0]), op.windows())
            case Concat():
                return self._concatenation(node, inputs)
            case Reshape():
                return self._reshaped(node, self._view(node, inputs[0]))
            case _:
                _refuse(node, "is none of the operations that the array has")

    def _view(self, node: Node, value: _Value) -> View:
        if not isinstance(value, View):
            _refuse(node, "reads what is not stored")
        return value

    def _lazy(self, node: Node, value: _Value) -> Expression:
        if isinstance(value, View):
            return self._copy(node, value, Window((1, 1)))
        if isinstance(value, (_Pooled, _Windowed)):
            _refuse(node, "reads windows that no multiplication reads")
        return value

    def _copy(self, node: Node, view: View, window: Window) -> Products:
        bias = np.zeros(sum(view.segments), dtype=np.int64)
        return Products(node.name, view, view.tensor.kind, window, None, bias, view.segments, Conventional())

    def _products(self, node: Node, op: TableMac | BinaryMac, value: _Value) -> Products:
        if isinstance(op, BinaryMac) and op.levels:
            _refuse(node, "multiplies binary codes, which is no table look-up")
        source = self.network.input_type(node)
        if isinstance(value, _Windowed):
            view, window = value.view, value.window
        else:
            view = self._view(node, value)
            flat = len(source.shape) == 1
            window = Window((view.tensor.height, view.tensor.width) if flat else (1, 1))
        outputs, fan_in = op.weights.shape
        channels = sum(view.segments)
        weights = op.weights.astype(np.int16).reshape(outputs, fan_in // channels, channels)
        multiplier = op.multiplier if isinstance(op, TableMac) else Conventional()
        bias = shaped_mac(op, source).bias if isinstance(op, TableMac) else np.zeros(outputs, dtype=np.int64)
        if isinstance(multiplier, Approximate) and multiplier.truncate_bits and source.signed and source.bits <= 4:
            _refuse(node, "truncates the table of a signed activation of 4 bits or fewer")
        return Products(node.name, view, source, window, weights, bias, (outputs,), multiplier)

    def _scaled(self, node: Node, op: Rescale, of: Expression) -> Scaled:
        channels = sum(of.segments)
        multiplier, shift = (np.broadcast_to(values, (channels,)) for values in (op.multiplier, op.shift))
        powers = np.array([int(value).bit_length() - 1 for value in multiplier])
        if bool((multiplier != 1 << powers).any()):
            odd = int(multiplier[multiplier != 1 << powers][0])
            _refuse(node, f"multiplies by {odd}; the array shifts, so that only powers of two are possible scales")
        if op.low < -(1 << 15) or op.high >= 1 << 15:
            _refuse(node, f"clamps to {op.low}..{op.high}; the array's clamp has 16 bits")
        left, right = np.maximum(powers - shift, 0), np.maximum(shift - powers, 0)
        kind = self.network.input_type(node)
        reach = bits_for(min(kind.low, -1), kind.high) + int(left.max())
        if reach > 32:
            _refuse(node, f"shifts {kind} left by {int(left.max())}, which is {reach} bits; the limit is 32")
        return Scaled(node.name, of, left, right, op.low, op.high)

    def _concatenation(self, node: Node, inputs: List[_Value]) -> View:
        tensor = self.tensors[node.name]
        for place, (source, value) in enumerate(zip(node.inputs, inputs, strict=True)):
            if self.joined.get(source) == (node.name, place):
                continue
            view = self._view(node, value)
            if len(view.segments) > 1:
                _refuse(node, f"joins {source}, which is joined already")
            kind = view.tensor.kind
            nothing = np.zeros(view.segments[0], dtype=np.int64)
            copied = Scaled(node.name, self._copy(node, view, Window((1, 1))), nothing, nothing, kind.low, kind.high)
            self.steps.append(Step(node.name, copied, None, View(tensor, place, place)))
        return View(tensor, 0, len(tensor.segments) - 1)

    def _reshaped(self, node: Node, view: View) -> View:
        """Return the same view: a vector is read as a window of the whole image, in the same order."""
        shape = self.network.types[node.name].shape
        whole = (view.tensor.height, view.tensor.width, sum(view.segments))
        if len(shape) > 1 and tuple(shape) != whole:
            _refuse(node, f"makes {shape} of {whole}; the array can only flatten")
        return view

    def _stored(self, node: Node, value: _Value) -> View:
        assert not isinstance(value, (View, _Windowed))
        kind = self.network.types[node.name]
        _check_stored(node, kind)
        of, pool = (value.of, value.pool) if isinstance(value, _Pooled) else (value, None)
        if not isinstance(of, Scaled):
            nothing = np.zeros(sum(of.segments), dtype=np.int64)
            of = Scaled(node.name, of, nothing, nothing, kind.low, kind.high)
        if node.name in self.joined:
            name, place = self.joined[node.name]
            if len(of.segments) > 1:
                _refuse(node, f"is joined by {name} and was joined before")
            view = View(self.tensors[name], place, place)
        else:
            tensor = replace(_tensor(node.name, kind), segments=of.segments)
            view = View(tensor, 0, len(of.segments) - 1)
        self.steps.append(Step(node.name, of, pool, view))
        return view

    def _logits(self, node: Node, value: _Value) -> Step:
        if isinstance(value, (View, _Windowed, _Pooled)) or value.extent != (1, 1):
            _refuse(node, "is no vector of sums, which is what the array answers")
        return Step(node.name, value, None, None)


def _refuse(node: Node, why: str) -> NoReturn:
    raise ScheduleError(
        f"node {node.name}: {type(node.op).__name__} {why}. The array runs TableMac, BinaryMac of integers, Rescale by "
        "powers of two, pools, Add and Concat of 8-bit activations; generate a stream design for other networks"
    )


def _tensor(name: str, kind: TensorType) -> Tensor:
    shape = kind.shape if len(kind.shape) == 3 else (1, 1, kind.elements)
    return Tensor(name, int(shape[0]), int(shape[1]), (int(shape[2]),), kind)


def _check_stored(node: Node, kind: TensorType) -> None:
    if kind.bits > ACTIVATION_BITS:
        raise ScheduleError(
            f"node {node.name}: activations {kind.low}..{kind.high} take {kind.bits} bits; the array stores "
            f"{ACTIVATION_BITS}. Quantise them to {ACTIVATION_BITS} bits"
        )


def _no_padding_code(node: Node, op: Window) -> Window:
    if op.pad_code and any(op.padding):
        _refuse(node, f"pads with code {op.pad_code}; the array pads with 0")
    return op
