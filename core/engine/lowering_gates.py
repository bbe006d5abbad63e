# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The stages of operations on bits: truth tables and their sums, comparisons and pools, as gates over lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.engine.gates import Gates, argmax, count_exceeded, exceeds, maximum, weighted_sum
from lutforge.engine.program import BYTES, PAD, PLANES, Buffer, Expand, Gather, Netlist, Pool
from lutforge.mac_shape import supports
from lutforge.network import Node, TensorType
from lutforge.numerics import pack_init
from lutforge.operations import (
    Encode,
    LutNeurons,
    MaxPool,
    Threshold,
    TiledLutNeurons,
    TruthTables,
    Window,
    as_lut_neurons,
)

if TYPE_CHECKING:
    from lutforge.engine.planner import Planner

Ints = npt.NDArray[Any]
MAX_GATE_STEPS = 16
"""Thresholds per channel that are compared bit-sliced; more are compared as integers."""


def few_steps(op: Threshold | Encode) -> bool:
    """Whether comparing lanes takes fewer operations than turning them into numbers."""
    return op.thresholds.shape[1] <= MAX_GATE_STEPS


def tables(state: Planner, node: Node, op: LutNeurons | TiledLutNeurons | TruthTables) -> List[str]:
    """Add an array of truth tables with its sums, and the thresholds behind them if nothing else reads them."""
    luts = as_lut_neurons(op)
    source, positions, strides, lanes_of = _windows(state, node, luts.bits)
    wiring = lanes_of[luts.wiring]
    gates = Gates(int(wiring.max()) + 1)
    sums = neuron_sums(gates, luts, wiring, state.kind(node.name).bits)
    reader, last = state.only_reader(node.name), node
    if reader is not None and isinstance(reader.op, (Threshold, Encode)) and few_steps(reader.op):
        sums, last = _compared(gates, reader.op, sums, state.kind(reader.name).bits), reader
    dest = state.new(last.name, PLANES)
    outputs = np.array([lane for bits in sums for lane in bits], dtype=np.int32)
    state.stages.append(Netlist(source, dest, gates.inputs, *gates.arrays(), outputs, positions, strides))
    return [node.name] if last is node else [node.name, last.name]


def neuron_sums(gates: Gates, op: LutNeurons, wiring: Ints, width: int) -> List[List[int]]:
    """Return the lanes of each neuron's sum. wiring: int [tables, K], lanes of the source."""
    lanes = _distinct(gates, wiring, op.tables)
    support = supports(op.tables)
    wires = np.flatnonzero((support == 1) & (op.tables[:, 0] == 0))  # a table that hands an input on
    for table in wires.tolist():
        varies = [k for k in range(op.inputs) if op.tables[table, 1 << k]]
        lanes[table] = wiring[table, varies[0]]
    first = np.searchsorted(op.neuron, np.arange(op.neurons + 1))
    names, weights = lanes.tolist(), op.weight.tolist()
    return [
        weighted_sum(gates, names[first[neuron] : first[neuron + 1]], weights[first[neuron] : first[neuron + 1]], width)
        for neuron in range(op.neurons)
    ]


def _distinct(gates: Gates, wiring: Ints, tables: npt.NDArray[np.uint8]) -> Ints:
    """Add truth tables, equal ones once, and return the lane of each: tiles with equal weight words share them."""
    rows = np.concatenate([wiring.astype(np.int32), pack_init(tables)[:, None].view(np.int32)], axis=1)
    keys = np.ascontiguousarray(rows).view(f"V{4 * rows.shape[1]}").ravel()
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)  # as they come, which is near what reads them
    lanes = np.empty(len(first), dtype=np.int64)
    lanes[order] = gates.array(wiring[first[order]], tables[first[order]])
    return lanes[number]


def _windows(state: Planner, node: Node, bits: int) -> Tuple[Buffer, Tuple[int, int], Tuple[int, int], Ints]:
    """Return (planes, positions, strides in lanes, lane of each bit of a vector) of what a node reads.

    The vectors of a window lie in the image at constant strides, once padding is stored around it.
    """
    source = node.inputs[0]
    kind = state.kind(source)
    window = _window_of(state, source)
    if window is None:
        vectors = kind.elements // kind.channels
        lanes = np.arange(kind.channels * bits)
        return state.need(source, PLANES), (1, vectors), (0, kind.channels * bits), lanes
    op, image_node = window
    image = state.kind(image_node)
    height, width, channels = image.shape
    top, bottom, left, right = op.padding
    planes = state.need(image_node, PLANES)
    if any(op.padding):
        planes = _padded(state, planes, op, (height, width, channels))
        height, width = height + top + bottom, width + left + right
    row, column, channel = np.meshgrid(*map(np.arange, (*op.kernel, channels)), indexing="ij")
    element = ((row * width + column) * channels + channel).ravel()
    lanes = (element[:, None] * bits + np.arange(bits)).ravel()
    rows, columns = op.output_extent(*image.shape[:2])
    pixel = channels * bits
    return planes, (rows, columns), (op.stride[0] * width * pixel, op.stride[1] * pixel), lanes


def _window_of(state: Planner, source: str) -> Tuple[Window, str] | None:
    """Return the window that an edge is, if its base is stored as it is."""
    op = state.network.node(source).op
    if not isinstance(op, Window) or state.formats.get(source) or state.views[source].base in state.views:
        return None
    return op, state.views[source].base


def _padded(state: Planner, planes: Buffer, op: Window, shape: Tuple[int, int, int]) -> Buffer:
    height, width, channels = shape
    top, bottom, left, right = op.padding
    index = np.arange(height * width * channels, dtype=np.int32).reshape(shape)
    index = np.pad(index, ((top, bottom), (left, right), (0, 0)), constant_values=PAD)
    dest = state.buffer(PLANES, index.size, bits=planes.bits)
    state.stages.append(Gather(planes, dest, index.ravel(), op.pad_code))
    return dest


def compare_planes(state: Planner, node: Node, op: Threshold | Encode) -> Netlist:
    """Return the comparisons of an edge that is bit-sliced, a position at a time."""
    kind = state.kind(node.inputs[0])
    source = state.need(node.inputs[0], PLANES)
    vector = kind.channels * kind.bits
    gates = Gates(vector)
    values = np.arange(vector).reshape(kind.channels, kind.bits).tolist()
    lanes = _compared(gates, op, values, state.kind(node.name).bits)
    outputs = np.array([lane for bits in lanes for lane in bits], dtype=np.int32)
    dest = state.new(node.name, PLANES)
    positions = (1, kind.elements // kind.channels)
    return Netlist(source, dest, vector, *gates.arrays(), outputs, positions, (0, vector))


def _compared(gates: Gates, op: Threshold | Encode, values: List[List[int]], bits: int) -> List[List[int]]:
    """Return lanes of codes, or of an encoder's bits. values: lanes of each channel, unsigned."""
    rows = np.broadcast_to(op.thresholds, (len(values), op.thresholds.shape[1])).tolist()
    if isinstance(op, Encode) and op.code == "thermometer":
        return [[exceeds(gates, lanes, step) for step in row] for lanes, row in zip(values, rows, strict=True)]
    width = op.bits_per_feature if isinstance(op, Encode) else bits
    return [count_exceeded(gates, lanes, row, width) for lanes, row in zip(values, rows, strict=True)]


def argmax_planes(state: Planner, last: str) -> Buffer:
    """Add the stages that find the class of each vector of an edge that is bit-sliced; return the BYTES they make."""
    kind, source = state.kind(last), state.need(last, PLANES)
    vector = kind.channels * kind.bits
    gates = Gates(vector)
    lanes = argmax(gates, np.arange(vector).reshape(kind.channels, kind.bits).tolist())
    vectors = kind.elements // kind.channels
    index = state.buffer(PLANES, vectors, bits=len(lanes))
    outputs = np.array(lanes, dtype=np.int32)
    state.stages.append(Netlist(source, index, vector, *gates.arrays(), outputs, (1, vectors), (0, vector)))
    number = state.buffer(BYTES, vectors)
    state.stages.append(Expand(index, number, 1 << np.arange(len(lanes), dtype=np.int64)))
    return number


def max_pool(state: Planner, node: Node, op: MaxPool) -> List[str]:
    """Add a pool: of codes bit-sliced where they already are, else of numbers."""
    source, kind = node.inputs[0], state.kind(node.inputs[0])
    taps, windows = op.kernel[0] * op.kernel[1], op.windows(kind.low)
    if PLANES not in state.held(source):
        values = state.numbers(source)
        index = window_index(windows, kind).reshape(-1, taps, kind.channels).transpose(0, 2, 1).reshape(-1, taps)
        index = np.where(index == PAD, index.max(axis=1, keepdims=True), index)  # a tap twice changes no maximum
        state.stages.append(Pool(values, state.new(node.name, values.format), np.ascontiguousarray(index)))
        return [node.name]
    planes = state.need(source, PLANES)
    _, width, channels = kind.shape
    if any(op.padding):
        planes = _padded(state, planes, windows, (kind.shape[0], width, channels))
        width += op.padding[2] + op.padding[3]
    pixel = channels * kind.bits
    gates = Gates(((op.kernel[0] - 1) * width + op.kernel[1]) * pixel)
    best: List[List[int]] = []
    for channel in range(channels):
        lanes = [
            [(row * width + column) * pixel + channel * kind.bits + bit for bit in range(kind.bits)]
            for row in range(op.kernel[0])
            for column in range(op.kernel[1])
        ]
        largest = lanes[0]
        for other in lanes[1:]:
            largest = maximum(gates, largest, other)
        best.append(largest)
    outputs = np.array([lane for bits in best for lane in bits], dtype=np.int32)
    positions = windows.output_extent(*kind.shape[:2])
    strides = op.stride[0] * width * pixel, op.stride[1] * pixel
    dest = state.new(node.name, PLANES)
    state.stages.append(Netlist(planes, dest, gates.inputs, *gates.arrays(), outputs, positions, strides))
    return [node.name]


def window_index(window: Window, kind: TensorType) -> npt.NDArray[np.int32]:
    """Return for each element of all windows the element of the image it is, PAD outside.

    The order is that of `Window`: position, kernel row, kernel column, channel.
    """
    height, width, channels = kind.shape
    top, _, left, _ = window.padding
    rows, columns = window.output_extent(height, width)
    row = np.arange(rows)[:, None] * window.stride[0] + np.arange(window.kernel[0]) - top  # [rows, kernel rows]
    column = np.arange(columns)[:, None] * window.stride[1] + np.arange(window.kernel[1]) - left
    inside = ((row >= 0) & (row < height))[:, None, :, None] & ((column >= 0) & (column < width))[None, :, None, :]
    pixel = row[:, None, :, None] * width + column[None, :, None, :]
    pixel = np.where(inside, pixel, PAD)
    element = pixel[..., None] * channels + np.arange(channels)
    return np.where(pixel[..., None] == PAD, PAD, element).astype(np.int32).ravel()
