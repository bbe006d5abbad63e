# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of the operations on single elements: thresholds, rescaling, scale and offset.

`pipeline.pointwise_form` says how each is built: as tables, with constants, or with constants from a memory that
holds a word per group of channels.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

import numpy as np
import numpy.typing as npt

from lutforge import reference
from lutforge.errors import unreachable
from lutforge.hls.memories import mem_text
from lutforge.hls.rtl_arithmetic import affine, rescale
from lutforge.hls.rtl_comparators import comparisons
from lutforge.hls.rtl_lanes import element_bits, output_register
from lutforge.hls.rtl_layers import RtlLayer, RtlSite, by_phase, memory_style, wrapped
from lutforge.hls.rtl_text import (
    elastic,
    instance,
    lookup,
    narrow_begin,
    narrow_end,
)
from lutforge.mac_shape import reduced_table
from lutforge.network import TensorType
from lutforge.numerics import bits_for
from lutforge.operations import Affine, Encode, Rescale, Threshold
from lutforge.pipeline import Pointwise, PointwiseForm, clamped_thresholds, pointwise_form

Ints = npt.NDArray[Any]
HANDSHAKE = {"in_valid": "in_valid", "in_ready": "in_ready", "out_valid": "out_valid", "out_ready": "out_ready"}


def pointwise_layer(site: RtlSite, op: Pointwise) -> RtlLayer:
    """Return the module of an operation on single elements."""
    form = pointwise_form(op, site.source, site.lanes.inputs)
    parts = [elastic(form.registers, HANDSHAKE)]
    if form.group_bits:
        count = f"    wire [31:0] group;\n    wire [{form.group_bits - 1}:0] phase = group[{form.group_bits - 1}:0];\n"
        count += "    wire unused_group = &{1'b0, group, phase};\n"
        ports = {"clk": "clk", "rst": "rst", "step": "load[0]", "first": "", "last": "", "value": "group"}
        parts += [count, instance("lutforge_counter", "groups", {"COUNT": form.groups}, ports)]
    if form.form == "table":
        return wrapped(site, "".join(parts) + _tables(site, op, form))
    mems: Dict[str, str] = {}
    if form.form == "memory":
        text, mems, fields = _memory(site, op, form)
        parts.append(text)
    else:
        fields = {}
    match op:
        case Threshold() | Encode():
            parts.append(comparisons(site, op, form, fields))
        case Rescale():
            parts.append(rescale(site, op, form, fields))
        case Affine():
            parts.append(affine(site, op, form, fields))
        case _:
            unreachable(op)
    return wrapped(site, "".join(parts), mems)


def _codes(kind: TensorType) -> Ints:
    """Return the value of every code of an edge; codes outside the bounds never occur."""
    codes = np.arange(1 << kind.bits)
    if kind.signed:
        codes = np.where(codes >= 1 << (kind.bits - 1), codes - (1 << kind.bits), codes)
    return np.clip(codes, kind.low, kind.high)


def _tables(site: RtlSite, op: Pointwise, form: PointwiseForm) -> str:
    """Every output bit as a table of the value and the group: what the reference answers to every code."""
    source, lanes, bits = site.source, site.lanes.inputs, element_bits(site)
    answers = np.zeros((form.groups, lanes, 1 << source.bits, bits), dtype=np.int64)
    whole = TensorType((source.channels,), source.low, source.high)
    for code, value in enumerate(_codes(source).tolist()):
        row = reference.apply(op, np.full((1, source.channels), value), whole)[0].reshape(source.channels, -1)
        planes = row if row.shape[1] == bits else (row[:, :1] >> np.arange(bits)) & 1
        answers[:, :, code] = planes.reshape(-1, lanes, bits)[: form.groups]
    text = [f"    wire [{lanes * bits - 1}:0] next;\n", narrow_begin()]
    for lane in range(lanes):
        address = [f"in_data[{lane * source.bits + bit}]" for bit in range(source.bits)]
        address += [f"phase[{bit}]" for bit in range(form.group_bits)]
        for bit in range(bits):
            filled = np.zeros((1 << form.group_bits, 1 << source.bits), dtype=np.int64)
            filled[: form.groups] = answers[:, lane, :, bit]
            init, inputs = reduced_table(filled.ravel(), address)
            text.append(lookup(site.style, f"u{lane}_{bit}", f"next[{lane * bits + bit}]", init, inputs))
    text.append(narrow_end())
    return "".join(text) + output_register(lanes * bits, 0, "next")


def _memory(site: RtlSite, op: Pointwise, form: PointwiseForm) -> Tuple[str, Dict[str, str], Dict[str, int]]:
    """Return text of the constants' memory and the held value, its file, and the bits of each constant.

    A word holds, per lane from below, the constants in the order of `fields`. Constants that all channels share
    stay constants. The held value is `x`, the constants of lane n are at `words[n * WORD +: WORD]`.
    """
    lanes, channels = site.lanes.inputs, site.source.channels
    columns = _parameters(site, op)
    fields = {name: bits_for(min(int(v.min()), -1), int(v.max())) for name, v in columns.items()}
    counts = {name: int(np.prod(v.shape[1:], dtype=np.int64)) for name, v in columns.items()}
    words = [0] * form.groups
    for group in range(form.groups):
        place = 0
        for lane in range(lanes):
            for name, values in columns.items():
                row = by_phase(values, channels, lanes, form.groups)[group, lane].reshape(-1).tolist()
                for value in row:
                    words[group] |= (value & ((1 << fields[name]) - 1)) << place
                    place += fields[name]
    word = sum(fields[name] * counts[name] for name in columns)
    file = f"{site.name}.constants.mem"
    width = lanes * word
    comment = f"{site.name}: one word per group of {lanes} channels; per channel {', '.join(columns)}"
    sizes: Dict[str, Any] = {
        "WIDTH": width,
        "DEPTH": form.groups,
        "FILE": f'"{file}"',
        "STYLE": f'"{memory_style(form.groups, width)}"',
    }
    bits = site.in_bits
    text = (
        f"    reg [{bits - 1}:0] x;\n    always @(posedge clk) if (load[0]) x <= in_data;\n"
        f"    wire [{width - 1}:0] words;\n"
        + instance(
            "lutforge_rom",
            "constants",
            sizes,
            {"clk": "clk", "load": "load[0]", "address": "group", "q": "words"},
        )
    )
    return text, {file: mem_text(comment, words, width)}, fields


def _parameters(site: RtlSite, op: Pointwise) -> Dict[str, Ints]:
    """Return the constants that differ between channels, [channels, ...]."""
    match op:
        case Threshold() | Encode():
            every = {"threshold": clamped_thresholds(op, site.source)}
        case Rescale():
            shifts = np.unique(op.shift)
            every = {"multiplier": op.multiplier, "shift": np.searchsorted(shifts, op.shift)}
        case Affine():
            every = {"scale": op.scale, "offset": op.offset}
        case _:
            unreachable(op)
    return {name: values for name, values in every.items() if (values != values[:1]).any()}
