# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A scheduled network as elastic pipelines joined by FIFOs: what `cycles` counts and the Verilog builds.

An item enters a stage per cycle at most. Some items read a beat of a stream in front, some write one behind;
the pattern of both repeats every image. A beat that several stages read goes into the FIFOs of all in one cycle.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from lutforge.branches import ANSWERS, Branch, branches, is_wiring
from lutforge.errors import unreachable
from lutforge.mac_shape import code_sums, folded_shape, neuron_sums, supports, tiled_shape, unrolled_registers
from lutforge.network import Network, Node, TensorType
from lutforge.operations import (
    Add,
    Affine,
    ArgMax,
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
    as_lut_neurons,
)
from lutforge.schedule import DEFAULT_DEPTH, Folded, Lanes, Schedule, is_foldable, lanes
from lutforge.streams import input_stream, output_stream

Flags = npt.NDArray[np.bool_]
Pointwise = Union[Encode, Threshold, Rescale, Affine]


HOST = -1
"""Source of what the first stage reads: the AXI input."""


@dataclass(frozen=True)
class Link:
    """The way from a stage to a reader. source: number of the stage that writes, or HOST.

    fifo: depth of the FIFO between, None where the two are coupled directly. stream: name under which a schedule
    gives that depth, empty within a node, where it is fixed.
    """

    source: int
    fifo: Optional[int] = None
    stream: str = ""


@dataclass(frozen=True)
class Segment:
    """What one elastic pipeline does. reads: of each input, and writes: bool [items of one image]. registers: its
    length. fifo: depth of the FIFO behind within a node, None where the next one is coupled directly."""

    reads: Tuple[Flags, ...]
    writes: Flags
    registers: int
    fifo: Optional[int] = None


@dataclass(frozen=True)
class Stage:
    """One elastic pipeline and where it reads, a link per input. node: whose it is."""

    node: str
    links: Tuple[Link, ...]
    segment: Segment

    @property
    def items(self) -> int:
        """Items of one image."""
        return len(self.segment.writes)


def stages(network: Network, schedule: Schedule, beat_bits: int, output: str = "logits") -> List[Stage]:
    """Return the stages from the AXI input to the AXI output, each behind those that it reads."""
    widths, ways = lanes(network, schedule, beat_bits), branches(network)
    result: List[Stage] = []
    ends: Dict[str, int] = {}

    def append(node: str, links: Sequence[Link], parts: Sequence[Segment]) -> int:
        """Add the stages of one node, the first behind `links`; return the number of the last."""
        for segment in parts:
            result.append(Stage(node, tuple(links), segment))
            links = [Link(len(result) - 1, segment.fifo)]
        return len(result) - 1

    def read(node: Node, branch: Branch) -> Link:
        """Return the link of one input, behind its width converters."""
        link = Link(ends[branch.source], schedule.depth(branch.stream), branch.stream)
        elements = network.types[node.inputs[branch.port]].elements
        converters = _converters(elements, widths[branch.source].outputs, widths[node.name].inputs)
        if not converters:
            return link
        return Link(append(node.name, [link], converters), schedule.depth(branch.converted), branch.converted)

    for node in network.nodes:
        if is_wiring(node):
            continue
        links = [read(node, branch) for branch in ways.read.get(node.name, ())] or [Link(HOST)]
        ends[node.name] = append(node.name, links, segments(network, schedule, node, widths[node.name], beat_bits))
    if network.logits.elements != network.classes:
        return result  # an image of logits has no answer
    (branch,) = ways.read[ANSWERS]
    last = widths[branch.source].outputs
    parts, beats = network.classes // last, output_stream(network, output, beat_bits).beats
    reading = np.arange(parts + beats) < parts
    link = Link(ends[branch.source], schedule.depth(branch.stream), branch.stream)
    append("answers", [link], [Segment((reading,), ~reading, answer_registers(last, output))])
    return result


def answer_registers(lanes_in: int, output: str) -> int:
    """Return the registers of the output stage: arrival, a round of the tournament per bit of a lane, the answer."""
    return 2 + ((lanes_in - 1).bit_length() if output != "logits" else 0)


def resize_widths(before: int, after: int) -> List[int]:
    """Return the lanes a beat passes through from `before` to `after`, through their common divisor where needed."""
    if before == after:
        return [before]
    middle = gcd(before, after)
    return [before, after] if middle in (before, after) else [before, middle, after]


def _converters(elements: int, before: int, after: int) -> List[Segment]:
    return [_resizer(elements, one, other, DEFAULT_DEPTH) for one, other in pairwise(resize_widths(before, after))]


def _resizer(elements: int, before: int, after: int, fifo: Optional[int] = None) -> Segment:
    place = np.arange(elements // min(before, after))
    reads = place % max(1, before // after) == 0
    return Segment((reads,), (place + 1) % max(1, after // before) == 0, 1, fifo)


def segments(network: Network, schedule: Schedule, node: Node, width: Lanes, beat_bits: int) -> List[Segment]:
    """Return the elastic pipelines of a node, one behind the other."""
    kind = network.types[node.name]
    source = network.input_type(node) if node.inputs else kind
    match node.op:
        case Input():
            groups = input_stream(kind, beat_bits).lanes // width.outputs
            place = np.arange(kind.elements // width.outputs)
            return [Segment((place % groups == 0,), _every(len(place)), 1)]
        case TableMac() | BinaryMac() | LutNeurons() | TiledLutNeurons() | TruthTables() as op:
            folding = schedule.of(node)
            if isinstance(folding, Folded):
                return [_folded(schedule, node, source, kind, folding)]
            assert not isinstance(op, TiledLutNeurons)  # it is folded by its own definition
            return _unrolled(schedule, op, source, kind, width)
        case Window() as op:
            return [_window(op, source, width.inputs, width.outputs)]
        case MaxPool() | SumPool() as op:
            parts, taps = source.channels // width.inputs, op.kernel[0] * op.kernel[1]
            place = np.arange(kind.elements // kind.channels * taps * parts)
            folded = Segment((_every(len(place)),), place // parts % taps == taps - 1, 1)
            return [_window(op.windows(source.low), source, width.inputs, width.inputs, DEFAULT_DEPTH), folded]
        case Encode() | Threshold() | Rescale() | Affine() as op:
            every = _every(source.elements // width.inputs)
            return [Segment((every,), every, pointwise_form(op, source, width.inputs).registers)]
        case Add():
            every = _every(source.elements // width.inputs)
            return [Segment((every, every), every, 1)]
        case Concat():
            return [_concatenation([network.types[name] for name in node.inputs], width.inputs)]
        case Reshape() | ArgMax():
            return []
        case _:
            unreachable(node.op)


def _every(items: int) -> Flags:
    return np.ones(items, dtype=bool)


def _concatenation(sources: Sequence[TensorType], lanes_in: int) -> Segment:
    """Per position the beats of each input in turn."""
    parts = [source.channels // lanes_in for source in sources]
    turn = np.repeat(np.arange(len(parts)), parts)
    vectors = sources[0].elements // sources[0].channels
    return Segment(tuple(np.tile(turn == port, vectors) for port in range(len(parts))), _every(vectors * len(turn)), 1)


def _folded(schedule: Schedule, node: Node, source: TensorType, kind: TensorType, folding: Folded) -> Segment:
    """Items of a folded layer: a vector's beats are read once and passed over again for each group of outputs."""
    op, levels = node.op, schedule.levels
    beats, vectors = source.channels // folding.simd, source.elements // source.channels
    place = np.arange(kind.channels // folding.pe * beats)
    reads, writes = place < beats, (place + 1) % beats == 0
    if isinstance(op, TiledLutNeurons):
        registers = tiled_shape(op, schedule.counters).registers(levels)
    else:
        assert isinstance(op, (TableMac, BinaryMac))
        registers = folded_shape(op, source, folding, levels).registers
    return Segment((np.tile(reads, vectors),), np.tile(writes, vectors), registers)


def _unrolled(
    schedule: Schedule,
    op: TableMac | BinaryMac | LutNeurons | TruthTables,
    source: TensorType,
    kind: TensorType,
    width: Lanes,
) -> List[Segment]:
    """Whole vectors, gathered in front and sent in beats behind where they are wider than a beat."""
    result: List[Segment] = []
    if source.channels > width.inputs:
        result.append(_resizer(source.elements, width.inputs, source.channels))
    every = _every(source.elements // source.channels)
    result.append(Segment((every,), every, mac_registers(op, source, kind, schedule.levels, schedule.counters)))
    if kind.channels > width.outputs:
        result.append(_resizer(kind.elements, kind.channels, width.outputs))
    return result


def mac_registers(
    op: TableMac | BinaryMac | LutNeurons | TruthTables,
    source: TensorType,
    kind: TensorType,
    levels: int,
    counters: str,
) -> int:
    """Return the registers of an unrolled layer from a whole vector in to a whole vector out."""
    if isinstance(op, (LutNeurons, TruthTables)):
        luts = as_lut_neurons(op)
        return neuron_sums(luts, supports(luts.tables), kind.bits, counters).registers(levels)
    if isinstance(op, BinaryMac) and op.levels:
        return code_sums(op, kind.bits, counters).registers(levels)
    return unrolled_registers(op, source, levels)


def _window(op: Window, source: TensorType, lanes_in: int, lanes_out: int, fifo: Optional[int] = None) -> Segment:
    """Items of a sliding window: each beat of the padded image, and after the last of a window its further beats."""
    height, width, channels = source.shape
    top, bottom, left, right = op.padding
    parts, beats = channels // lanes_in, op.kernel[0] * op.kernel[1] * channels // lanes_out
    rows, slots = np.arange(top + height + bottom), np.arange((left + width + right) * parts)
    due_row = (rows >= op.kernel[0] - 1) & ((rows - op.kernel[0] + 1) % op.stride[0] == 0)
    edge = slots - op.kernel[1] * parts + 1
    due_slot = (edge >= 0) & (edge % (op.stride[1] * parts) == 0)
    inside_row = (rows >= top) & (rows < top + height)
    inside_slot = (slots >= left * parts) & (slots < (left + width) * parts)
    due = (due_row[:, None] & due_slot).ravel()
    inside = (inside_row[:, None] & inside_slot).ravel()
    repeats = np.where(due, beats, 1)
    first = np.cumsum(repeats) - repeats
    reads = np.zeros(int(repeats.sum()), dtype=bool)
    reads[first[inside]] = True
    return Segment((reads,), np.repeat(due, repeats), 2, fifo)


@dataclass(frozen=True)
class PointwiseForm:
    """How an operation on single elements is built.

    form: 'table' (each output bit a table of value and group), 'constant' (arithmetic with constants) or 'memory'
    (the constants of the group whose turn it is come from a memory). group_bits: address bits of the group.
    """

    form: str
    groups: int
    group_bits: int
    registers: int


def pointwise_form(op: Pointwise, source: TensorType, lanes_in: int) -> PointwiseForm:
    """Return the form of an operation whose beats carry `lanes_in` elements."""
    comparing = isinstance(op, (Encode, Threshold))
    groups = source.channels // lanes_in if _varies(op, source) else 1
    group_bits = (groups - 1).bit_length()
    if source.bits + group_bits <= (8 if comparing else 6):
        return PointwiseForm("table", groups, group_bits, 1)
    registers = 2
    if isinstance(op, (Encode, Threshold)):
        counts = isinstance(op, Threshold) or op.code == "bits"
        registers = 2 if counts and op.thresholds.shape[1] > 1 else 1
    if groups == 1:
        return PointwiseForm("constant", 1, 0, registers)
    return PointwiseForm("memory", groups, group_bits, registers + 1)


def clamped_thresholds(op: Encode | Threshold, source: TensorType) -> npt.NDArray[Any]:
    """Return thresholds clamped to the edge's bounds: beyond them the answer is the same, the constant narrower."""
    return np.clip(op.thresholds, source.low - 1, source.high)


def _varies(op: Pointwise, source: TensorType) -> bool:
    if isinstance(op, (Encode, Threshold)):
        values: Tuple[npt.NDArray[Any], ...] = (clamped_thresholds(op, source),)
    elif isinstance(op, Rescale):
        values = (op.multiplier, op.shift)
    else:
        values = (op.scale, op.offset)
    return any(bool((each != each[:1]).any()) for each in values)


def foldable_nodes(network: Network) -> List[Node]:
    """Return the nodes with weights or tables, in order."""
    return [node for node in network.nodes if is_foldable(node)]
