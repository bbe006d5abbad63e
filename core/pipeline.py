# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A scheduled network as a chain of elastic pipelines and FIFOs: what `cycles` counts and the Verilog builds.

An item enters a stage per cycle at most. Some items read a beat of the stream in front, some write one behind;
the pattern of both repeats every image.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

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
from lutforge.schedule import DEFAULT_DEPTH, INPUT, Folded, Lanes, Schedule, is_foldable, lanes, no_streams
from lutforge.streams import input_stream, output_stream

Flags = npt.NDArray[np.bool_]
Pointwise = Union[Encode, Threshold, Rescale, Affine]


@dataclass(frozen=True)
class Stage:
    """One elastic pipeline. reads, writes: bool [items of one image]. registers: its length.

    fifo: depth of the FIFO behind, None where the next stage is coupled directly. node: whose it is. stream: name
    under which a schedule gives that depth, empty within a node, where it is fixed.
    """

    node: str
    reads: Flags
    writes: Flags
    registers: int
    fifo: Optional[int]
    stream: str = ""


def stages(network: Network, schedule: Schedule, beat_bits: int, output: str = "logits") -> List[Stage]:
    """Return the chain from the AXI input to the AXI output; the source and the sink are not part of it."""
    widths = lanes(network, schedule, beat_bits)
    result: List[Stage] = []
    for node in network.nodes:
        if isinstance(node.op, ArgMax):
            continue  # part of the answers
        if node.inputs:
            result += _resize(network, schedule, node, widths)
        result += _node_stages(network, schedule, node, widths[node.name], beat_bits)
    if network.logits.elements != network.classes:
        return result  # an image of logits has no answer
    last = widths[network.output.name].outputs
    parts, beats = network.classes // last, output_stream(network, output, beat_bits).beats
    reading = np.arange(parts + beats) < parts
    result.append(Stage("answers", reading, ~reading, answer_registers(last, output), None))
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


def _resize(network: Network, schedule: Schedule, node: Node, widths: Dict[str, Lanes]) -> List[Stage]:
    elements = network.input_type(node).elements
    steps = resize_widths(widths[node.inputs[0]].outputs, widths[node.name].inputs)
    result = []
    for before, after in pairwise(steps):
        last = after == steps[-1]
        depth = schedule.input_depth(node) if last else DEFAULT_DEPTH
        result.append(_resizer(node.name, elements, before, after, depth, node.name + INPUT if last else ""))
    return result


def _resizer(name: str, elements: int, before: int, after: int, fifo: Optional[int], stream: str = "") -> Stage:
    items = elements // min(before, after)
    place = np.arange(items)
    return Stage(
        name,
        reads=place % max(1, before // after) == 0,
        writes=(place + 1) % max(1, after // before) == 0,
        registers=1,
        fifo=fifo,
        stream=stream,
    )


def _node_stages(network: Network, schedule: Schedule, node: Node, width: Lanes, beat_bits: int) -> List[Stage]:
    kind, depth = network.types[node.name], schedule.depth(node)
    source = network.input_type(node) if node.inputs else kind
    match node.op:
        case Input():
            groups = input_stream(kind, beat_bits).lanes // width.outputs
            place = np.arange(kind.elements // width.outputs)
            return [Stage(node.name, place % groups == 0, np.ones(len(place), dtype=bool), 1, depth, node.name)]
        case TableMac() | BinaryMac() | LutNeurons() | TiledLutNeurons() | TruthTables() as op:
            folding = schedule.of(node)
            if isinstance(folding, Folded):
                return [_folded_stage(schedule, node, source, kind, folding)]
            assert not isinstance(op, TiledLutNeurons)  # it is folded by its own definition
            return _unrolled_stages(schedule, node, op, source, kind, width)
        case Window() as op:
            return [_window_stage(node.name, op, source, width.inputs, width.outputs, depth, node.name)]
        case MaxPool() | SumPool() as op:
            window = op.windows(source.low)
            parts, taps = source.channels // width.inputs, op.kernel[0] * op.kernel[1]
            place = np.arange(kind.elements // kind.channels * taps * parts)
            return [
                _window_stage(node.name, window, source, width.inputs, width.inputs, DEFAULT_DEPTH),
                Stage(
                    node.name, np.ones(len(place), dtype=bool), place // parts % taps == taps - 1, 1, depth, node.name
                ),
            ]
        case Encode() | Threshold() | Rescale() | Affine() as op:
            every = np.ones(source.elements // width.inputs, dtype=bool)
            return [
                Stage(node.name, every, every, pointwise_form(op, source, width.inputs).registers, depth, node.name)
            ]
        case Reshape() | ArgMax():
            return []
        case Add() | Concat():
            raise no_streams(node)
        case _:
            unreachable(node.op)


def _folded_stage(schedule: Schedule, node: Node, source: TensorType, kind: TensorType, folding: Folded) -> Stage:
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
    depth = schedule.depth(node)
    return Stage(node.name, np.tile(reads, vectors), np.tile(writes, vectors), registers, depth, node.name)


def _unrolled_stages(
    schedule: Schedule,
    node: Node,
    op: TableMac | BinaryMac | LutNeurons | TruthTables,
    source: TensorType,
    kind: TensorType,
    width: Lanes,
) -> List[Stage]:
    depth, vectors = schedule.depth(node), source.elements // source.channels
    result: List[Stage] = []
    beats_in, beats_out = source.channels // width.inputs, kind.channels // width.outputs
    if beats_in > 1:
        result.append(_resizer(node.name, source.elements, width.inputs, source.channels, None))
    every = np.ones(vectors, dtype=bool)
    registers = mac_registers(op, source, kind, schedule.levels, schedule.counters)
    behind = (depth, node.name) if beats_out == 1 else (None, "")
    result.append(Stage(node.name, every, every, registers, *behind))
    if beats_out > 1:
        result.append(_resizer(node.name, kind.elements, kind.channels, width.outputs, depth, node.name))
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


def _window_stage(
    name: str, op: Window, source: TensorType, lanes_in: int, lanes_out: int, fifo: int, stream: str = ""
) -> Stage:
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
    return Stage(name, reads, np.repeat(due, repeats), 2, fifo, stream)


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
