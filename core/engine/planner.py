# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""From a network to a program: which format each edge takes, and the stages that make it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Set, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.engine import lowering_gates, lowering_numbers
from lutforge.engine.program import (
    BYTES,
    PLANES,
    RAW,
    WORDS,
    ArgMax,
    Buffer,
    Count,
    Expand,
    Export,
    Gather,
    Import,
    Load,
    Pointwise,
    Program,
    Slice,
    Stage,
    placed,
)
from lutforge.errors import unreachable
from lutforge.network import Network, Node, TensorType
from lutforge.operations import (
    Add,
    Affine,
    BinaryMac,
    Concat,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    Reshape,
    SumPool,
    TableMac,
    Threshold,
    TiledLutNeurons,
    TruthTables,
    Window,
)
from lutforge.operations import ArgMax as ArgMaxOp

Ints = npt.NDArray[Any]


@dataclass
class View:
    """A window over another edge: element i is element index[i] of node `base`, or `pad` where the index says PAD."""

    base: str
    index: npt.NDArray[np.int32]
    pad: int


@dataclass
class Planner:
    """State of one planning. traced: every edge is exported, so no two nodes share a stage.

    formats: the buffers that hold an edge, by node and format. views: edges that are not stored unless asked for.
    """

    network: Network
    traced: bool
    packed: bool = False
    stages: List[Stage] = field(default_factory=list)
    buffers: List[Buffer] = field(default_factory=list)
    formats: Dict[str, Dict[str, Buffer]] = field(default_factory=dict)
    views: Dict[str, View] = field(default_factory=dict)
    readers: Dict[str, List[Node]] = field(default_factory=dict)

    def buffer(self, format: str, rows: int, low: int = 0, bits: int = 1) -> Buffer:
        """Return a new buffer."""
        made = Buffer(len(self.buffers), format, rows, low, bits)
        self.buffers.append(made)
        return made

    def new(self, node: str, format: str) -> Buffer:
        """Return a new buffer that holds a node's edge in a format."""
        kind = self.network.types[node]
        made = self.buffer(format, kind.elements, kind.low if format == BYTES else 0, kind.bits)
        self.formats.setdefault(node, {})[format] = made
        return made

    def kind(self, node: str) -> TensorType:
        """Type of a node's edge."""
        return self.network.types[node]

    def narrow(self, node: str) -> bool:
        """Whether a node's values fit a byte."""
        kind = self.kind(node)
        return kind.high - kind.low <= 255

    def wants_planes(self, node: str) -> bool:
        """Whether a reader of this edge evaluates truth tables on it, directly or through wiring and pools."""
        for reader in self.readers.get(node, []):
            if isinstance(reader.op, (LutNeurons, TiledLutNeurons, TruthTables)):
                return True
            if isinstance(reader.op, (Window, Reshape, MaxPool)) and self.wants_planes(reader.name):
                return True
        return False

    def held(self, node: str) -> List[str]:
        """Return the formats that an edge is stored in so far."""
        return list(self.formats.get(node, {}))

    def need(self, node: str, format: str) -> Buffer:
        """Return the buffer of an edge in a format, adding the conversion that makes it."""
        found = self.formats.get(node, {})
        if format in found:
            return found[format]
        if node in self.views and not found:
            return self._gathered(node, format)
        if RAW in found:
            return self._from_raw(node, format)
        if PLANES in found:  # to bytes or words
            source, dest = found[PLANES], self.new(node, format)
            self.stages.append(Expand(source, dest, 1 << np.arange(source.bits, dtype=np.int64)))
            return dest
        source = found.get(WORDS) or found[BYTES]
        dest = self.new(node, format)
        self.stages.append(Pointwise(source, dest, 1))
        return dest

    def _gathered(self, node: str, format: str) -> Buffer:
        view = self.views[node]
        source, dest = self.need(view.base, format), self.new(node, format)
        self.stages.append(Gather(source, dest, view.index, view.pad - dest.low))
        return dest

    def _from_raw(self, node: str, format: str) -> Buffer:
        source, loaded = self.formats[node][RAW], BYTES if self.narrow(node) else WORDS
        if format == loaded:
            self.stages.append(Load(source, self.new(node, format)))
            return self.formats[node][format]
        dest = self.new(node, format)
        if format == PLANES and dest.bits == 1 and loaded == BYTES:
            self.stages.append(Slice(source, dest, np.full((dest.rows, 1), -self.kind(node).low)))
            return dest
        self.stages.append(Pointwise(self.need(node, loaded), dest, 1))
        return dest

    def numbers(self, node: str) -> Buffer:
        """Return an edge as BYTES or WORDS, whichever it is stored in or fits."""
        found = self.formats.get(node, {})
        for format in (WORDS, BYTES):
            if format in found:
                return found[format]
        return self.need(node, BYTES if self.narrow(node) else WORDS)

    def only_reader(self, node: str) -> Optional[Node]:
        """Return the one node that reads an edge, if its stage may be joined with the node's own."""
        readers = self.readers.get(node, [])
        return readers[0] if len(readers) == 1 and not self.traced and node != self.network.output.name else None


def plan(
    network: Network, *, traced: bool = False, classes: bool = False, packed: bool = False, counting: bool = False
) -> Program:
    """Return the program of a network: its logits exported, or every edge (traced), or the class of each vector.

    counting: the flips of every edge's bits are counted instead, with the stages of a trace.

    packed: images enter as lanes, one per bit of the input, and logits that are bit-sliced leave as lanes.
    """
    state = Planner(network, traced or counting, packed)
    for node in network.nodes:
        for source in node.inputs:
            state.readers.setdefault(source, []).append(node)
    done: Set[str] = set()
    for node in network.nodes:
        head = isinstance(node.op, ArgMaxOp) and not state.traced
        if node.name not in done and not head:
            done.update(_lower(state, node))
    outputs = _count(state) if counting else _export(state, classes)
    offsets, total = placed(state.stages, state.buffers)
    first = network.nodes[0].name
    return Program(
        stages=tuple(state.stages),
        buffers=tuple(state.buffers),
        outputs=outputs,
        offsets=offsets,
        unit_bytes=total,
        raw_elements=network.input.elements,
        raw_low=network.input.low if state.narrow(first) else 0,
        raw_bytes=state.narrow(first),
        packed=packed,
        counting=counting,
    )


def _export(state: Planner, classes: bool) -> Tuple[Tuple[str, Tuple[int, ...]], ...]:
    """Add the stages that hand values to the caller; return (node, shape) of each."""
    network = state.network
    last = network.output.name
    if classes:
        if PLANES in state.held(last) and network.classes > 1:
            dest = lowering_gates.argmax_planes(state, last)
        else:
            source = state.numbers(last)
            dest = state.buffer(WORDS, source.rows // network.classes)
            state.stages.append(ArgMax(source, dest, network.classes))
        state.stages.append(Export(dest, 0))
        return (("class", (*network.logits.shape[:-1], 1)),)
    names = [node.name for node in network.nodes] if state.traced else [last]
    for number, name in enumerate(names):
        lanes = state.formats.get(name, {}).get(PLANES) if state.packed else None
        state.stages.append(Export(lanes or state.numbers(name), number))
    return tuple((name, network.types[name].shape) for name in names)


def _count(state: Planner) -> Tuple[Tuple[str, Tuple[int, ...]], ...]:
    """Add the stages that count flips; return (node, (elements, bits)) of each."""
    outputs = []
    for number, (name, kind) in enumerate(state.network.types.items()):
        lanes = state.formats.get(name, {}).get(PLANES)
        state.stages.append(Count(lanes or state.numbers(name), number, kind.bits))
        outputs.append((name, (kind.elements, kind.bits)))
    return tuple(outputs)


def _lower(state: Planner, node: Node) -> List[str]:
    """Add the stages of a node, and of its reader where both make one; return the names of those done."""
    match node.op:
        case Input():
            kind = state.kind(node.name)
            low = kind.low if state.narrow(node.name) else 0
            raw = state.buffer(RAW, kind.elements, low)
            if state.packed:
                state.stages.append(Import(raw, state.new(node.name, PLANES)))
            else:
                state.formats[node.name] = {RAW: raw}
            return [node.name]
        case Reshape():
            _alias(state, node)
            return [node.name]
        case Window() as op:
            source = node.inputs[0]
            state.views[node.name] = View(source, lowering_gates.window_index(op, state.kind(source)), op.pad_code)
            return [node.name]
        case TableMac() | BinaryMac() as op:
            return lowering_numbers.matmul(state, node, op)
        case LutNeurons() | TiledLutNeurons() | TruthTables() as op:
            return lowering_gates.tables(state, node, op)
        case Threshold() | Encode() as op:
            return _compare(state, node, op)
        case Rescale() | Affine() as op:
            state.stages.append(lowering_numbers.arithmetic(state, node, op, state.numbers(node.inputs[0])))
            return [node.name]
        case MaxPool() as op:
            return lowering_gates.max_pool(state, node, op)
        case SumPool() as op:
            state.stages.append(lowering_numbers.sum_pool(state, node, op))
            return [node.name]
        case Add() | Concat() as op:
            state.stages.append(lowering_numbers.combined(state, node, op))
            return [node.name]
        case ArgMaxOp():
            numbers = state.numbers(node.inputs[0])
            classes = state.kind(node.inputs[0]).channels
            state.stages.append(ArgMax(numbers, state.new(node.name, WORDS), classes))
            return [node.name]
        case _:
            unreachable(node.op)


def _alias(state: Planner, node: Node) -> None:
    """A `Reshape` moves nothing: its edge is the same buffers."""
    source = node.inputs[0]
    if source in state.views:
        state.views[node.name] = state.views[source]
    state.formats[node.name] = dict(state.formats.get(source, {}))


def _compare(state: Planner, node: Node, op: Threshold | Encode) -> List[str]:
    """Comparisons: of raw bytes or lanes where they are bit-sliced on both sides, else of numbers."""
    source, kind = node.inputs[0], state.kind(node.inputs[0])
    found = state.held(source)
    planes = state.wants_planes(node.name) or (isinstance(op, Encode))
    if PLANES in found and lowering_gates.few_steps(op):
        state.stages.append(lowering_gates.compare_planes(state, node, op))
    elif planes and RAW in found and state.narrow(source) and _single(op):
        steps = np.broadcast_to(op.thresholds, (kind.channels, op.thresholds.shape[1]))
        every = np.tile(steps, (kind.elements // kind.channels, 1))
        limits = np.clip(every - kind.low, -1, 255)
        state.stages.append(Slice(state.formats[source][RAW], state.new(node.name, PLANES), limits))
    else:
        state.stages.append(lowering_numbers.compare_numbers(state, node, op, state.numbers(source), planes))
    return [node.name]


def _single(op: Threshold | Encode) -> bool:
    """Whether each comparison is an output bit of its own."""
    return op.thresholds.shape[1] == 1 or (isinstance(op, Encode) and op.code == "thermometer")
