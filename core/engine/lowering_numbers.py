# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The stages of operations on integers: products, element-wise arithmetic, comparisons of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.engine.lowering_gates import window_index
from lutforge.engine.program import BYTES, PLANES, RAW, WORDS, Buffer, Combine, Expand, Matmul, Pass, Pointwise
from lutforge.multipliers import Approximate, shaped
from lutforge.network import Node, TensorType
from lutforge.operations import Add, Affine, BinaryMac, Concat, Encode, Rescale, SumPool, TableMac, Threshold, Window

if TYPE_CHECKING:
    from lutforge.engine.planner import Planner

Ints = npt.NDArray[Any]


def matmul(state: Planner, node: Node, op: TableMac | BinaryMac) -> List[str]:
    """Add a layer of integer products, and the element-wise operation behind it if nothing else reads it."""
    source = node.inputs[0]
    kind, outputs = state.kind(source), op.weights.shape[0]
    base, pad, index = source, 0, np.arange(kind.elements, dtype=np.int32)
    once = kind.elements == kind.channels  # every input of one vector: images can be read as they come
    if source in state.views:
        view = state.views[source]
        base, pad, index, once = view.base, view.pad, view.index, False
    weights = op.weights.astype(np.int64)
    form = op.multiplier if isinstance(op, TableMac) and isinstance(op.multiplier, Approximate) else None
    if isinstance(op, BinaryMac) and op.levels:
        operands, scale, offset = _level_operands(state, base, op.levels, pad)
    elif form is not None and form.dropped(kind.bits):
        operands, scale, offset = _shaped_operands(state, base, pad, form, kind)
    else:
        operands, scale, offset = _operands(state, base, pad, once and form is None)
    bias = offset * weights.sum(axis=1) + (op.bias if isinstance(op, TableMac) else 0)
    passes = _passes(operands, weights * scale)
    if form is not None and form.truncate_bits:
        passes += _left_out(state, base, pad, form, kind, weights)
    stage = Matmul(passes, index.reshape(-1, kind.channels), bias, _words(state, outputs))
    reader = state.only_reader(node.name)
    if reader is not None and isinstance(reader.op, (Rescale, Affine, Threshold, Encode)):
        if isinstance(reader.op, (Rescale, Affine)):
            then = arithmetic(state, reader, reader.op, stage.dest)
        else:
            planes = state.wants_planes(reader.name) or isinstance(reader.op, Encode)
            then = compare_numbers(state, reader, reader.op, stage.dest, planes)
        state.stages.append(Matmul(passes, stage.index, bias, then.dest, then))
        return [node.name, reader.name]
    dest = state.new(node.name, WORDS)
    state.stages.append(Matmul(passes, stage.index, bias, dest))
    return [node.name]


def _words(state: Planner, rows: int) -> Buffer:
    return Buffer(-1, WORDS, rows)  # sums of one position, which never leave the stage


Operand = Tuple[Buffer, int, int]
"""A digit of the activations: its buffer of BYTES, how far the digit below it lies, and its padding byte."""


def _operands(state: Planner, base: str, pad: int, once: bool) -> Tuple[List[Operand], int, int]:
    """Return the bytes of an edge, highest first, with (scale, offset): x = scale * digits + offset.

    once: each byte is read by one vector, so that the images themselves will do.
    """
    kind = state.kind(base)
    if once and state.narrow(base) and state.held(base) == [RAW]:
        return [(state.formats[base][RAW], 0, 0)], 1, kind.low
    if state.narrow(base):
        return [(state.need(base, BYTES), 0, (pad - kind.low) & 255)], 1, kind.low
    words, result = state.numbers(base), []
    for digit in reversed(range(-(-(kind.high - kind.low).bit_length() // 8))):
        dest = state.buffer(BYTES, kind.elements)
        state.stages.append(Pointwise(words, dest, 1, "digit", low=digit, high=kind.low))
        result.append((dest, 8, ((pad - kind.low) >> (8 * digit)) & 255))
    return result, 1, kind.low


def _shaped_operands(
    state: Planner, base: str, pad: int, form: Approximate, kind: TensorType
) -> Tuple[List[Operand], int, int]:
    """As `_operands`, of activations of type `kind` without the bits that an approximate multiplier does not read."""
    shift = form.dropped(kind.bits)
    low, padded = (int(value) for value in shaped(form, np.array([kind.low, pad]), kind.bits, kind.signed))
    top = (1 << (kind.bits - shift - kind.signed)) - 1
    dest = state.buffer(BYTES, state.kind(base).elements, low)
    rounds, steps = np.array([[bool(form.round_bits)]]), np.array([[shift]])
    state.stages.append(Pointwise(state.numbers(base), dest, 1, "shape", rounds, steps, high=top))
    return [(dest, 0, (padded - low) & 255)], 1, low + form.constant


def _left_out(
    state: Planner, base: str, pad: int, form: Approximate, kind: TensorType, weights: Ints
) -> Tuple[Pass, ...]:
    """Return a pass for each value of the lowest digit, which takes off what its truncated table leaves out."""
    width = min(form.digit_bits, kind.bits)
    mask, result = (1 << width) - 1, []
    for digit in range(1, 1 << width):
        value = digit - (1 << width) if kind.signed and kind.bits == width and digit >> (width - 1) else digit
        dest = state.buffer(BYTES, state.kind(base).elements)
        state.stages.append(Pointwise(state.numbers(base), dest, 1, "equals", low=digit, high=mask))
        lost = (weights * value) & ((1 << form.truncate_bits) - 1)
        result.append(Pass(dest, (-lost).astype(np.int8), 0, int((pad & mask) == digit)))
    return tuple(result)


def combined(state: Planner, node: Node, op: Add | Concat) -> Combine:
    """Return the stage of an operation on several edges."""
    sources = tuple(state.numbers(source) for source in node.inputs)
    dest = state.new(node.name, BYTES if state.narrow(node.name) else WORDS)
    if isinstance(op, Add):
        return Combine(sources, dest)
    parts = []
    for number, source in enumerate(node.inputs):
        kind = state.kind(source)
        rows = np.arange(kind.elements, dtype=np.int32).reshape(-1, kind.channels)
        parts.append(np.stack([np.full_like(rows, number), rows], axis=-1))
    return Combine(sources, dest, np.concatenate(parts, axis=1).reshape(-1, 2))


def sum_pool(state: Planner, node: Node, op: SumPool) -> Matmul:
    """Return the stage of sums of windows: products with 1, channel by channel."""
    kind = state.kind(node.inputs[0])
    taps = op.kernel[0] * op.kernel[1]
    operands, scale, offset = _operands(state, node.inputs[0], 0, False)
    index = window_index(Window(op.kernel, op.stride), kind).reshape(-1, taps, kind.channels)
    passes = _passes(operands, np.full((1, taps), scale, dtype=np.int64))
    index = np.ascontiguousarray(index.transpose(0, 2, 1).reshape(-1, taps))
    return Matmul(passes, index, np.array([offset * taps]), state.new(node.name, WORDS))


def _level_operands(state: Planner, base: str, levels: Sequence[int], pad: int) -> Tuple[List[Operand], int, int]:
    """Return the bytes of sum of levels[l] * b_l: a code's value is twice that, less the sum of levels."""
    kind = state.kind(base)
    values = np.array(levels[::-1], dtype=np.int64)  # bit 0 is the last level
    total, held = int(values.sum()), state.formats.get(base, {})
    padded = sum(int(value) for bit, value in enumerate(values) if pad >> bit & 1)
    planes = held.get(PLANES) or state.need(base, PLANES)
    if total <= 255:
        dest = state.buffer(BYTES, kind.elements)
        state.stages.append(Expand(planes, dest, values))
        return [(dest, 0, padded)], 2, -total
    words = state.buffer(WORDS, kind.elements)
    state.stages.append(Expand(planes, words, values))
    result = []
    for digit in reversed(range(-(-total.bit_length() // 8))):
        dest = state.buffer(BYTES, kind.elements)
        state.stages.append(Pointwise(words, dest, 1, "digit", low=digit))
        result.append((dest, 8, (padded >> (8 * digit)) & 255))
    return result, 2, -total


def _passes(operands: List[Operand], weights: Ints) -> Tuple[Pass, ...]:
    """Split weights of more than 8 bits in their upper part and the lowest bit, per digit of the activations.

    Sums are built from the highest part down (Horner): each pass says how far the sum so far is shifted before it.
    """
    wide = bool(weights.min() < -128 or weights.max() > 127)
    result: List[Pass] = []
    for number, (source, step, pad) in enumerate(operands):
        shift = step if number else 0
        if not wide:
            result.append(Pass(source, weights.astype(np.int8), shift, pad))
            continue
        result.append(Pass(source, (weights >> 1).astype(np.int8), max(0, shift - 1), pad))
        result.append(Pass(source, (weights & 1).astype(np.int8), 1, pad))
    return tuple(result)


def arithmetic(state: Planner, node: Node, op: Rescale | Affine, source: Buffer) -> Pointwise:
    """Return the stage of a `Rescale` or `Affine`."""
    kind = state.kind(node.inputs[0])
    dest = state.new(node.name, BYTES if state.narrow(node.name) else WORDS)
    largest = max(abs(kind.low), abs(kind.high))
    if isinstance(op, Affine):
        return Pointwise(source, dest, kind.channels, "affine", op.scale[:, None], op.offset[:, None])
    half = int((1 << op.shift.max()) >> 1)
    wide = largest * int(op.multiplier.max()) + half >= 1 << 31
    parameters = op.multiplier[:, None], op.shift[:, None]
    return Pointwise(source, dest, kind.channels, "rescale", *parameters, op.low, op.high, wide)


def compare_numbers(state: Planner, node: Node, op: Threshold | Encode, source: Buffer, planes: bool) -> Pointwise:
    """Return the stage that compares numbers; its result is bit-sliced where `planes` asks for it."""
    kind = state.kind(node.inputs[0])
    limits = np.clip(op.thresholds, kind.low - 1, kind.high)
    if isinstance(op, Encode):
        bits = op.bits_per_feature
        dest = state.buffer(PLANES, kind.elements, bits=bits)
        state.formats[node.name] = {PLANES: Buffer(dest.number, PLANES, kind.elements * bits)}
        code = "thermometer" if op.code == "thermometer" else "threshold"
        return Pointwise(source, dest, kind.channels, code, limits)
    format = PLANES if planes else BYTES if state.narrow(node.name) else WORDS
    return Pointwise(source, state.new(node.name, format), kind.channels, "threshold", limits)
