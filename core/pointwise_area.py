# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Area of the operations without weights, given the elements of one beat (lanes).

A constant that belongs to a channel is free where the channel has a lane of its own; where fewer lanes take
turns (`phases` of them), constants come from a memory and comparators become real ones, unless the whole
function of value and phase is cheaper as a table.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from lutforge.area import (
    Area,
    array_multiplier,
    comparator,
    constant_adders,
    constant_comparators,
    memory,
    popcount,
    table_lut6,
)
from lutforge.network import TensorType
from lutforge.numerics import bits_for
from lutforge.operations import Affine, ArgMax, Encode, MaxPool, Rescale, Threshold, Window
from lutforge.schedule import Lanes

Ints = npt.NDArray[Any]

WINDOW_CONTROL = Area(lut6=60, ff=60)
"""Row and column counters, padding and address logic of one sliding window: a guess."""


def threshold_area(op: Threshold | Encode, source: TensorType, lanes: int) -> Area:
    """Return the area of comparing `lanes` elements per beat with their thresholds.

    Per channel the cheaper of two forms: each output bit as a table of the value, or one comparator per
    threshold and a popcount. Thresholds outside the value's bounds cost nothing.
    """
    thresholds = op.thresholds
    counted = isinstance(op, Threshold) or op.code == "bits"
    live = (thresholds >= source.low) & (thresholds < source.high)
    steps = live.sum(axis=1)
    outputs = np.array([bits_for(0, int(n)) if n else 0 for n in steps]) if counted else steps
    registers = Area(ff=lanes * int(outputs.max()))
    shared = thresholds.shape[0] == 1
    if not shared and lanes < source.channels:
        return registers + _folded_thresholds(source, lanes, int(steps.max()), int(outputs.max()), counted)
    comparators = constant_comparators(np.where(live, thresholds, source.low), source.bits)
    compared = np.where(live, comparators, 0).sum(axis=1)
    if counted:
        compared += np.where(steps > 1, steps, 0)
    each = np.minimum(compared, outputs * table_lut6(source.bits))
    return registers + Area(float(each.sum()) * (lanes if shared else 1))


def _folded_thresholds(source: TensorType, lanes: int, steps: int, outputs: int, counted: bool) -> Area:
    """Channels take turns: tables of value and phase, or thresholds from memory and real comparators."""
    phases = source.channels // lanes
    as_tables = Area(lanes * outputs * table_lut6(source.bits + (phases - 1).bit_length()))
    each = steps * comparator(source.bits) + (popcount(steps) if counted else 0)
    as_memory = memory(phases, lanes * steps * source.bits) + Area(lanes * each)
    return as_tables if as_tables.lut6 <= as_memory.lut6 else as_memory


def rescale_area(op: Rescale, source: TensorType, kind: TensorType, lanes: int) -> Area:
    """Return the area of multiply, round, shift and clamp. A shift by a constant is wiring."""
    registers = Area(ff=lanes * kind.bits)
    parameters = list(zip(op.multiplier.tolist(), op.shift.tolist(), strict=True))
    if len(set(parameters)) == 1:
        return registers + Area(lanes * _rescale_lut6(*parameters[0], source, kind))
    if lanes == source.channels:
        return registers + Area(sum(_rescale_lut6(m, s, source, kind) for m, s in parameters))
    factor_bits = int(op.multiplier.max()).bit_length()
    multiply = array_multiplier(source.bits, factor_bits) if factor_bits > 1 else 0
    shifts = np.unique(op.shift)
    select = ceil((source.bits + factor_bits - 1) * (len(shifts) - 1).bit_length() / 2)
    rest = max(_rescale_lut6(1, int(shift), source, kind) for shift in shifts)
    stored = memory(source.channels // lanes, lanes * (factor_bits + 5))
    return registers + stored + Area(lanes * (multiply + select + rest))


def _rescale_lut6(multiplier: int, shift: int, source: TensorType, kind: TensorType) -> int:
    """LUT6 of one lane with constants: adders of the multiplication, rounding adder, clamp where it can act."""
    low, high = source.low * multiplier, source.high * multiplier
    half = 1 << (shift - 1) if shift else 0
    wide = bits_for(min(low, -1) if source.signed else low, high + half)
    lut6 = constant_adders(multiplier) * wide
    if shift:
        lut6 += wide - shift + 1
    acts = ((low + half) >> shift < kind.low) + ((high + half) >> shift > kind.high)
    if acts:
        lut6 += kind.bits + acts * max(1, ceil((wide - shift - kind.bits) / 6))
    return lut6


def affine_area(op: Affine, source: TensorType, kind: TensorType, lanes: int) -> Area:
    """Return the area of x * scale + offset: shifted adds where constants stay, else an array multiplier."""
    if len(op.scale) == 1 or source.channels == lanes:
        repeat = lanes if len(op.scale) == 1 else 1
        adders = sum(constant_adders(scale) for scale in op.scale.tolist()) + int((op.offset != 0).sum())
        return Area(repeat * adders * kind.bits, lanes * kind.bits)
    scale_bits = bits_for(int(op.scale.min()), int(op.scale.max()))
    offset_bits = bits_for(int(op.offset.min()), int(op.offset.max()))
    each = array_multiplier(source.bits, scale_bits) + kind.bits
    return memory(source.channels // lanes, lanes * (scale_bits + offset_bits)) + Area(lanes * each, lanes * kind.bits)


def argmax_area(op: ArgMax, source: TensorType, kind: TensorType, lanes: int) -> Area:
    """Return the area of one compare and select per lane and beat: about bits + 2 LUT6 for ten classes."""
    each = comparator(source.bits) + ceil((source.bits + kind.bits) / 2)
    return Area(lanes * each, lanes * (source.bits + kind.bits))


def window_area(op: Window, source: TensorType, width: Lanes) -> Area:
    """Return line buffers, window registers, and the multiplexers that put in a channel and take out a beat.

    One memory of a padded row per channel and kernel row but the last; a 4:1 multiplexer bit per LUT6 (UG474).
    """
    rows, columns = op.kernel
    channels, bits = source.channels, source.bits
    buffers = (rows - 1) * channels
    line = memory(source.shape[1] + op.padding[2] + op.padding[3], bits)
    lines = Area(buffers * line.lut6, 0, buffers * line.bram36)
    put = rows * width.inputs * bits * ceil((channels // width.inputs - 1) / 3)
    take = width.outputs * bits * ceil((rows * columns * channels // width.outputs - 1) / 3)
    padding = width.inputs * bits / 2 if any(op.padding) else 0
    return lines + Area(put + take + padding, rows * columns * channels * bits) + WINDOW_CONTROL


def max_pool_area(op: MaxPool, source: TensorType, lanes: int) -> Area:
    """Return a sliding window, one compare and select per lane, and the best so far of every channel."""
    window = window_area(Window(op.kernel, op.stride), source, Lanes(lanes, lanes))
    return window + Area(lanes * 2 * comparator(source.bits), source.channels * source.bits)
