# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The golden model: every operation in plain numpy integers, the meaning all executors are compared with."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np
import numpy.typing as npt

from lutforge.errors import unreachable
from lutforge.executors import check_images
from lutforge.multipliers import Approximate, shaped
from lutforge.network import Network, TensorType
from lutforge.numerics import argmax, code_bits, level_value_table, shift_round
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
    Op,
    Rescale,
    Reshape,
    SumPool,
    TableMac,
    Threshold,
    TiledLutNeurons,
    TruthTables,
    Window,
)

Ints = npt.NDArray[Any]
BLOCK_BYTES = 64 << 20


def run(network: Network, images: Ints) -> npt.NDArray[np.int64]:
    """Return the logits of images.

    images: integers [batch, *input shape] (or [batch, elements]) within the bounds of the input.
    Result: int64 [batch, ..., classes].
    """
    images = check_images(network, images)
    blocks = [_evaluate(network, block)[network.output.name] for block in _blocks(network, images)]
    return np.concatenate(blocks).astype(np.int64)


def trace(network: Network, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
    """Return what every edge carries, by node name: int64 [batch, *shape]."""
    images = check_images(network, images)
    blocks = [_evaluate(network, block) for block in _blocks(network, images)]
    return {
        node.name: np.concatenate([block[node.name] for block in blocks]).astype(np.int64) for node in network.nodes
    }


class ReferenceExecutor:
    """The reference behind the interface that all executors share."""

    name = "reference"

    def __init__(self, network: Network):
        self.network = network

    def run(self, images: Ints) -> npt.NDArray[np.int64]:
        """Return logits, int64 [batch, ..., classes]."""
        return run(self.network, images)

    def trace(self, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every edge carries, by node name."""
        return trace(self.network, images)


def _blocks(network: Network, images: Ints) -> List[Ints]:
    """Split a batch so that the widest intermediate of a block stays near BLOCK_BYTES."""
    widest = max(kind.elements for kind in network.types.values())
    tables = [node.op.wiring.shape[0] for node in network.nodes if isinstance(node.op, (LutNeurons, TruthTables))]
    tables += [node.op.wiring.size for node in network.nodes if isinstance(node.op, TiledLutNeurons)]
    size = max(1, BLOCK_BYTES // (8 * max([widest, *tables])))
    return [images[start : start + size] for start in range(0, len(images), size)] or [images]


def _evaluate(network: Network, images: Ints) -> Dict[str, Ints]:
    values: Dict[str, Ints] = {}
    for node in network.nodes:
        if isinstance(node.op, Input):
            values[node.name] = images
        else:
            x, *others = (values[source] for source in node.inputs)
            result, kind = apply(node.op, x, network.input_type(node), *others), network.types[node.name]
            values[node.name] = result.astype(_narrowest(kind), copy=False)  # an eighth of the memory to move
    return values


def _narrowest(kind: TensorType) -> npt.DTypeLike:
    """Return the narrowest integers that hold an edge."""
    return np.promote_types(np.min_scalar_type(kind.low), np.min_scalar_type(kind.high))


def apply(op: Op, x: Ints, kind: TensorType, *others: Ints) -> Ints:
    """Return one operation's output. x: integers [batch, *kind.shape]; others: of further edges that it reads."""
    match op:
        case Input():
            return x
        case Encode():
            exceeded = x[..., None] > op.thresholds
            if op.code == "thermometer":
                return exceeded.reshape(*x.shape[:-1], x.shape[-1] * op.bits_per_feature).astype(np.uint8)
            return code_bits(exceeded.sum(axis=-1), op.bits_per_feature)
        case Window():
            return _windows(op, x)
        case TableMac():
            return _table_mac(op, x, kind)
        case BinaryMac():
            return _exact_matmul(level_value_table(op.levels)[x] if op.levels else x, op.weights)
        case LutNeurons():
            return _lut_neurons(op, x)
        case TiledLutNeurons():
            return _tiled_lut_neurons(op, x)
        case TruthTables():
            address = _addresses(op, x)
            return np.asarray(op.tables[np.arange(op.neurons), address].reshape(*x.shape[:-1], op.neurons))
        case Threshold():
            return np.asarray((x[..., None] > op.thresholds).sum(axis=-1))
        case Rescale():
            return np.clip(shift_round(x, op.multiplier, op.shift), op.low, op.high)
        case MaxPool():
            return np.asarray(_taps(op.windows(kind.low), x).max(axis=-2))
        case SumPool():
            return np.asarray(_taps(Window(op.kernel, op.stride), x).sum(axis=-2, dtype=np.int64))
        case Add():
            return np.add(x, others[0], dtype=np.int64)
        case Concat():
            return np.concatenate([x, *others], axis=-1)
        case Reshape():
            return x.reshape(len(x), *op.shape)
        case Affine():
            return x.astype(np.int64) * op.scale + op.offset
        case ArgMax():
            return argmax(x)[..., None]
        case _:
            unreachable(op)


def _exact_matmul(x: Ints, weights: Ints) -> npt.NDArray[np.int64]:
    """x @ weights.T through floating point, which is exact: no partial sum reaches 2**24 in float32, or 2**53.

    The widest activation is looked for, since a narrow one needs half the time.
    """
    largest = max(abs(int(x.max(initial=0))), abs(int(x.min(initial=0))))
    reach = largest * int(np.abs(weights.astype(np.int64)).sum(axis=1).max())
    kind = np.float32 if reach < 1 << 24 else np.float64
    return np.asarray(x.astype(kind) @ weights.T.astype(kind), dtype=np.int64)


def _table_mac(op: TableMac, x: Ints, kind: TensorType) -> npt.NDArray[np.int64]:
    """Exact products of the activations that the tables read, then what truncated tables leave out, digit by digit."""
    form = op.multiplier
    read = shaped(form, x, kind.bits, kind.signed)
    if isinstance(form, Approximate) and form.constant:
        read = read.astype(np.int64) + form.constant
    sums: npt.NDArray[np.int64] = _exact_matmul(read, op.weights) + op.bias
    if isinstance(form, Approximate) and form.truncate_bits:
        width = min(form.digit_bits, kind.bits)
        weights = op.weights.astype(np.int64)
        for digit in range(1, 1 << width):
            value = digit - (1 << width) if kind.signed and kind.bits == width and digit >> (width - 1) else digit
            left_out = weights * value & ((1 << form.truncate_bits) - 1)
            sums -= _exact_matmul((x & ((1 << width) - 1)) == digit, left_out)
    return sums


def _taps(op: Window, x: Ints) -> Ints:
    """Return windows as [..., taps, channels]."""
    windows = _windows(op, x)
    return windows.reshape(*windows.shape[:-1], op.kernel[0] * op.kernel[1], x.shape[-1])


def _windows(op: Window, x: Ints) -> Ints:
    top, bottom, left, right = op.padding
    if any(op.padding):  # images may come in a dtype that cannot hold the code, for instance uint8 and -1
        x = x.astype(np.promote_types(x.dtype, np.min_scalar_type(op.pad_code)), copy=False)
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), mode="constant", constant_values=op.pad_code)
    height, width = op.output_extent(x.shape[1], x.shape[2])
    rows, columns = op.stride
    taps = [
        padded[:, i : i + rows * (height - 1) + 1 : rows, j : j + columns * (width - 1) + 1 : columns]
        for i in range(op.kernel[0])
        for j in range(op.kernel[1])
    ]
    return np.concatenate(taps, axis=-1)


def _lut_neurons(op: LutNeurons, x: Ints) -> npt.NDArray[np.int64]:
    flat = op.tables.ravel()
    outputs = flat[_addresses(op, x) + (np.arange(len(op.wiring), dtype=np.int32) << op.inputs)]
    sums = _sum_by_neuron(outputs * op.weight.astype(np.int32), op.neuron, op.neurons)
    return sums.reshape(*x.shape[:-1], op.neurons)


def _tiled_lut_neurons(op: TiledLutNeurons, x: Ints) -> npt.NDArray[np.int64]:
    outer, inner = op.tiles
    codes = x.reshape(-1, inner, op.tile_elements).astype(np.int64)
    inputs, numbers = np.arange(op.wiring.shape[1]), np.arange(len(op.tables))
    sums = np.zeros((len(codes), outer, op.tile_neurons), dtype=np.int64)
    for ti in range(inner):
        read = codes[:, ti][:, op.wiring]
        for place, level in enumerate(reversed(op.levels)):  # the lowest bit belongs to the last level
            activations = (((read >> place) & 1) << inputs).sum(axis=-1)
            for to in range(outer):
                address = activations | (op.weights[to, ti].astype(np.int64) << len(inputs))
                outputs = op.tables[numbers, address].astype(np.int64)
                sums[:, to] += level * _sum_by_neuron(outputs, op.neuron, op.tile_neurons)
    return sums.reshape(*x.shape[:-1], op.neurons)


def _addresses(op: LutNeurons | TruthTables, x: Ints) -> npt.NDArray[np.uint8]:
    """Return the address of each table, uint8 [vectors, tables]."""
    bits = code_bits(x, op.bits).reshape(-1, op.elements * op.bits)
    address = np.zeros((len(bits), len(op.wiring)), dtype=np.uint8)
    for position in range(op.inputs):
        address |= bits[:, op.wiring[:, position]] << np.uint8(position)
    return address


def _sum_by_neuron(values: Ints, neuron: Ints, neurons: int) -> npt.NDArray[np.int64]:
    present, first = np.unique(neuron, return_index=True)
    sums = np.zeros((len(values), neurons), dtype=np.int64)
    sums[:, present] = np.add.reduceat(values, first, axis=1)
    return sums
