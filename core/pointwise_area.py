# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of the operations on single elements, given the elements of one beat (lanes).

`pipeline.pointwise_form` says how each is built: as tables of value and group of channels, with constants, or with
constants from a memory that holds a word per group.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.area import (
    Parts,
    chunks,
    comparison_tables,
    constant_adders,
    count_ones,
    counter,
    elastic,
    parts,
    rom,
)
from lutforge.errors import unreachable
from lutforge.network import TensorType
from lutforge.numerics import bits_for
from lutforge.operations import Affine, Encode, Rescale, Threshold
from lutforge.pipeline import Pointwise, PointwiseForm, clamped_thresholds, pointwise_form

Ints = npt.NDArray[Any]


def pointwise_parts(op: Pointwise, source: TensorType, kind: TensorType, lanes: int) -> Parts:
    """Return the parts of an operation whose beats carry `lanes` elements."""
    form = pointwise_form(op, source, lanes)
    frame = parts(unit=1) + elastic(form.registers)
    if form.group_bits:
        frame += counter(form.groups)
    if form.form == "memory":
        frame += parts(ff=lanes * source.bits)
    match op:
        case Encode() | Threshold():
            return frame + _thresholds(op, source, lanes, form)
        case Rescale():
            return frame + _rescale(op, source, kind, lanes, form)
        case Affine():
            return frame + _affine(op, source, kind, lanes, form)
        case _:
            unreachable(op)


def _thresholds(op: Threshold | Encode, source: TensorType, lanes: int, form: PointwiseForm) -> Parts:
    """One table per output bit, or one comparison per threshold and what counts them."""
    thresholds = clamped_thresholds(op, source)
    rows, steps = thresholds.shape
    counted = (isinstance(op, Threshold) or op.code == "bits") and steps > 1
    bits = bits_for(0, steps) if counted else steps
    if form.form == "table":
        return _tables(thresholds, source, lanes, form, bits if counted else 0)
    count = count_ones(steps, bits) + parts(ff=bits) if counted else Parts()
    result = count.scaled(lanes)
    if form.form == "memory":
        stored = bits_for(min(int(thresholds.min()), -1), int(thresholds.max()))
        width = max(stored, source.bits + (0 if source.signed else 1))
        result += rom(form.groups, lanes * steps * stored, lanes * steps * stored)
        return result + parts(ff=lanes * steps, compare_bit=lanes * steps * width, depth=4)
    edge = np.unique(thresholds + 1 - (-(1 << (source.bits - 1)) if source.signed else 0), return_counts=True)
    share = lanes / rows
    tables = live = 0
    for value, times in zip(*(each.tolist() for each in edge), strict=True):
        if 0 < value < 1 << source.bits:
            tables += times * comparison_tables(source.bits - (value & -value).bit_length() + 1)
            live += times
    return result + parts(ff=share * live, table=share * tables, depth=1 + source.bits // 7)


def _tables(thresholds: Ints, source: TensorType, lanes: int, form: PointwiseForm, counted: int) -> Parts:
    """Tables of value and group: of those behind F7 and F8 the constant ones go. counted: bits of a count, or 0.

    A group has tables of its own where a value fills one; of narrower values several groups share one.
    """
    codes = np.arange(1 << source.bits)
    if source.signed:
        codes = np.where(codes >= 1 << (source.bits - 1), codes - (1 << source.bits), codes)
    codes = np.clip(codes, source.low, source.high)
    if counted:
        exceeded = np.zeros((len(thresholds), len(codes)), dtype=np.int16)
        for step in range(thresholds.shape[1]):
            exceeded += codes > thresholds[:, step : step + 1]
        planes = ((exceeded >> np.arange(counted, dtype=np.int16)[:, None, None]) & 1).astype(np.bool_)
    else:
        planes = codes > thresholds.T[:, :, None]
    outputs, rows, _ = planes.shape
    whole = len(codes) // 64
    if form.groups == 1 or whole:
        live = _changing(planes.reshape(outputs, rows, max(1, whole), -1))
        share = lanes * form.groups / rows
        return parts(ff=share * _changing(planes) / form.groups, table=share * live, depth=1)
    each = chunks(source.bits + form.group_bits)
    return parts(ff=lanes * outputs, table=lanes * outputs * each, depth=1)


def _changing(tables: npt.NDArray[np.bool_]) -> int:
    """Return how many tables, along the last axis, are not constant."""
    return int((tables.any(axis=-1) & ~tables.all(axis=-1)).sum())


def _rows(factor_bits: int, form: PointwiseForm) -> float:
    """Return the rows of an array multiplier whose bit is likely not 0 in all groups."""
    return factor_bits * (1 - 0.5**form.groups)


def _shared(values: Ints) -> bool:
    return bool((values == values[:1]).all())


def _factors(values: Ints, lanes: int) -> List[int]:
    """Return the constant of each lane where the groups do not take turns, else of as many as there are lanes."""
    return values.tolist()[:lanes] if len(values) >= lanes else [int(values[0])] * lanes


def _rescale(op: Rescale, source: TensorType, kind: TensorType, lanes: int, form: PointwiseForm) -> Parts:
    """Multiply, round, shift and clamp. Product bits below the one that rounds are not kept."""
    if form.form == "table":
        return parts(ff=lanes * kind.bits, table=lanes * kind.bits * chunks(source.bits + form.group_bits), depth=1)
    top, shifts = int(op.multiplier.max()), np.unique(op.shift).tolist()
    low, high = source.low * top, source.high * top
    width = bits_for(min(low, 0, -1), high + ((1 << shifts[-1]) >> 1))
    acts = (low >> shifts[0] < kind.low) + (high >> shifts[0] > kind.high)
    above = max(0, width - shifts[0] - kind.bits)
    clamp = acts * (kind.bits / 2 + comparison_tables(above)) if acts else 0
    result = parts(ff=lanes * kind.bits, clamp_bit=lanes * clamp, round=lanes * len(shifts), depth=4)
    turns, words = form.form == "memory", 0
    if turns and not _shared(op.multiplier):
        words += bits_for(-1, top)
        result += parts(multiplier_bit=lanes * source.bits * _rows(top.bit_length(), form), depth=7)
    else:
        result += parts(shift_add_bit=width * sum(constant_adders(factor) for factor in _factors(op.multiplier, lanes)))
    if turns and len(shifts) > 1:
        select = bits_for(-1, len(shifts) - 1)
        words += select
        kept = lanes * (width - max(0, shifts[0] - 1) + select)
        result += parts(select_bit=lanes * (len(shifts) - 1) * (width - shifts[0]))
    else:
        kept = sum(width - max(0, shift - 1) for shift in _factors(op.shift, lanes))
    result += parts(ff=kept)
    return result + (rom(form.groups, lanes * words, lanes * words) if words else Parts())


def _affine(op: Affine, source: TensorType, kind: TensorType, lanes: int, form: PointwiseForm) -> Parts:
    """Shifted adds where scales stay, else an array multiplier; then the offset, a constant or not."""
    if form.form == "table":
        return parts(ff=lanes * kind.bits, table=lanes * kind.bits * chunks(source.bits + form.group_bits), depth=1)
    result = parts(ff=lanes * kind.bits, depth=5)
    turns, words = form.form == "memory", 0
    if turns and not _shared(op.scale):
        scale = bits_for(min(int(op.scale.min()), -1), int(op.scale.max()))
        words += scale
        product = min(kind.bits, source.bits + scale)
        result += parts(ff=lanes * product, multiplier_bit=lanes * source.bits * _rows(scale, form), depth=7)
    else:
        products = [_product_bits(factor, source, kind.bits) for factor in _factors(op.scale, lanes)]
        result += parts(ff=sum(ff for ff, _ in products), shift_add_bit=sum(adders for _, adders in products))
    if turns and not _shared(op.offset):
        offset = bits_for(min(int(op.offset.min()), -1), int(op.offset.max()))
        words += offset
        result += parts(ff=lanes * offset, adder_bit=lanes * kind.bits)
    else:
        result += parts(offset_bit=kind.bits * sum(1 for value in _factors(op.offset, lanes) if value))
    return result + (rom(form.groups, lanes * words, lanes * words) if words else Parts())


def _product_bits(factor: int, source: TensorType, width: int) -> Tuple[int, int]:
    """Return (bits that are kept, bits of adders) of a constant product within `width` bits."""
    if not factor:
        return 0, 0
    zeros = (factor & -factor).bit_length() - 1
    ends = sorted((factor * source.low, factor * source.high))
    bits = min(width, bits_for(min(ends[0], -1 if factor < 0 else 0), max(ends[1], 0))) - zeros
    adders = constant_adders(factor) + (1 if factor < 0 and constant_adders(factor) == 0 else 0)
    return max(0, bits), adders * max(0, bits)
