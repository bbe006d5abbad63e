# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of the operations on single elements: thresholds, rescaling, scale and offset.

`pipeline.pointwise_form` says how each is built: as tables, with constants, or with constants from a memory that
holds a word per group of channels.
"""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge import reference
from lutforge.compressor import compressor_tree
from lutforge.errors import unreachable
from lutforge.hls.memories import mem_text
from lutforge.hls.rtl_bits import counter_inits
from lutforge.hls.rtl_layers import RtlLayer, RtlSite, by_phase, memory_style, wrapped
from lutforge.hls.rtl_text import (
    concatenated,
    constant,
    elastic,
    extended,
    instance,
    lookup,
    narrow_begin,
    narrow_end,
)
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
            parts.append(_comparisons(site, op, form, fields))
        case Rescale():
            parts.append(_rescale(site, op, form, fields))
        case Affine():
            parts.append(_affine(site, op, form, fields))
        case _:
            unreachable(op)
    return wrapped(site, "".join(parts), mems)


def element_bits(site: RtlSite) -> int:
    """Return the bits that one input element becomes."""
    return site.out_bits // site.lanes.inputs


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
            init, inputs = _without_idle(filled.ravel(), address)
            text.append(lookup(site.style, f"u{lane}_{bit}", f"next[{lane * bits + bit}]", init, inputs))
    text.append(narrow_end())
    return "".join(text) + _output_register(lanes * bits, 0, "next")


def _without_idle(table: Ints, address: List[str]) -> Tuple[int, List[str]]:
    """Return (INIT, inputs) without the inputs that do not matter."""
    inputs = list(address)
    for position in reversed(range(len(inputs))):
        halves = table.reshape(-1, 2, 1 << position)
        if np.array_equal(halves[:, 0], halves[:, 1]):
            table = halves[:, 0].ravel()
            del inputs[position]
    return sum(int(bit) << place for place, bit in enumerate(table.tolist())), inputs


def _output_register(bits: int, stage: int, value: str) -> str:
    return (
        f"    reg [{bits - 1}:0] answer;\n    always @(posedge clk) if (load[{stage}]) answer <= {value};\n"
        "    assign out_data = answer;\n"
    )


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


class Lane:
    """Names of one lane: its value, and its constants, taken from the memory's word or written as constants."""

    def __init__(self, site: RtlSite, form: PointwiseForm, fields: Dict[str, int], counts: Dict[str, int], lane: int):
        self.site, self.form, self.fields, self.lane = site, form, fields, lane
        self.source = "x" if form.form == "memory" else "in_data"
        self.word = sum(bits * counts[name] for name, bits in fields.items())
        self.counts = counts

    def value(self) -> str:
        """Wire of the element."""
        bits = self.site.source.bits
        return f"{self.source}[{self.lane * bits + bits - 1}:{self.lane * bits}]"

    def stored(self, name: str, index: int = 0) -> str:
        """The part of the memory's word that holds a constant."""
        place = self.lane * self.word
        for other, bits in self.fields.items():
            if other == name:
                place += index * bits
                return f"words[{place + bits - 1}:{place}]"
            place += bits * self.counts[other]
        raise KeyError(name)


def _lane(site: RtlSite, form: PointwiseForm, fields: Dict[str, int], lane: int, steps: int = 1) -> Lane:
    return Lane(site, form, fields, dict.fromkeys(fields, steps), lane)


def _comparisons(site: RtlSite, op: Threshold | Encode, form: PointwiseForm, fields: Dict[str, int]) -> str:
    """Registers of one bit per threshold, and behind them of the numbers of ones, where they are counted."""
    source, lanes, steps = site.source, site.lanes.inputs, int(op.thresholds.shape[1])
    values = by_phase(clamped_thresholds(op, source), source.channels, lanes, 1)[0]
    counted = (isinstance(op, Threshold) or op.code == "bits") and steps > 1
    stage = form.registers - (2 if counted else 1)
    text = [f"    wire [{lanes * steps - 1}:0] above;\n", narrow_begin()]
    for lane in range(lanes):
        place = _lane(site, form, fields, lane, steps)
        wires = [f"{place.source}[{lane * source.bits + bit}]" for bit in range(source.bits)]
        for step in range(steps):
            target = f"above[{lane * steps + step}]"
            if fields:
                text.append(_compare(place, step, target, fields["threshold"], source))
            else:
                text.append(
                    exceeds(site.style, f"u{lane}_{step}", target, wires, int(values[lane, step]), source)
                )
    text.append(narrow_end())
    if not counted:
        return "".join(text) + _output_register(lanes * steps, stage, "above")
    text.append(f"    reg [{lanes * steps - 1}:0] exceeded;\n")
    text.append(f"    always @(posedge clk) if (load[{stage}]) exceeded <= above;\n")
    bits = element_bits(site)
    text.append(f"    wire [{lanes * bits - 1}:0] next;\n{narrow_begin()}")
    for lane in range(lanes):
        ones = [f"exceeded[{lane * steps + step}]" for step in range(steps)]
        text.append(count_ones(site.style, f"c{lane}", f"next[{lane * bits + bits - 1}:{lane * bits}]", ones, bits))
    text.append(narrow_end())
    return "".join(text) + _output_register(lanes * bits, stage + 1, "next")


def _compare(lane: Lane, step: int, target: str, bits: int, source: TensorType) -> str:
    """x > threshold from memory: both as two's complement of one width."""
    width = max(bits, source.bits + (0 if source.signed else 1))
    x, name = f"x{target[6:-1]}", f"t{target[6:-1]}"
    text = f"    wire [{source.bits - 1}:0] {x} = {lane.value()};\n"
    text += f"    wire [{bits - 1}:0] {name} = {lane.stored('threshold', step)};\n"
    left, right = extended(x, source.bits, width, source.signed), extended(name, bits, width, True)
    return text + f"    assign {target} = $signed({left}) > $signed({right});\n"


def exceeds(style: str, name: str, target: str, wires: Sequence[str], threshold: int, source: TensorType) -> str:
    """Return tables for `x > threshold`: six bits from below, then five more with the answer so far.

    x > t is x >= t + 1; bits below the lowest 1 of t + 1 do not matter.
    """
    edge = threshold + 1 - (-(1 << (source.bits - 1)) if source.signed else 0)
    if edge <= 0 or edge >= 1 << source.bits:
        return f"    assign {target} = 1'b{int(edge <= 0)};\n"
    start = (edge & -edge).bit_length() - 1
    top = source.bits - 1
    text, carry = "", ""
    place = start
    while True:
        room = 5 if carry else 6
        end = min(place + room, source.bits)
        own = list(wires[place:end])
        mask = (1 << len(own)) - 1
        part = (edge >> place) & mask
        init = 0
        for address in range(1 << (len(own) + bool(carry))):
            digit, before = address & mask, (address >> len(own)) & 1 if carry else 1
            if source.signed and end == source.bits:
                digit ^= 1 << (top - place)  # offset binary: the sign counts the other way round
            init |= int(digit > part or (digit == part and before)) << address
        output = target if end == source.bits else f"{name}_{place}"
        if end < source.bits:
            text += f"    wire {output};\n"
        inputs = own + ([carry] if carry else [])
        text += lookup(style, f"{name}i{place}", output, init, inputs)
        if end == source.bits:
            return text
        place, carry = end, output


def count_ones(style: str, name: str, target: str, wires: List[str], bits: int) -> str:
    """Return counters and an adder that drive `target` with the number of ones."""
    if len(wires) in (2, 3, 5, 6):
        parts = "".join(
            f"    wire {name}_{index};\n" + lookup(style, f"{name}u{index}", f"{name}_{index}", init, wires)
            for index, init in enumerate(counter_inits(len(wires))[:bits])
        )
        return parts + f"    assign {target} = {concatenated([f'{name}_{index}' for index in range(bits)])};\n"
    columns: List[List[str]] = [list(wires), *([] for _ in range(bits - 1))]
    text, number = "", 0
    for level in compressor_tree((len(wires),), bits).levels:
        left: List[List[str]] = [[] for _ in range(bits)]
        for column, held in enumerate(columns):
            rest = held
            for size in level[column] if column < len(level) else ():
                taken, rest = rest[:size], rest[size:]
                for offset, init in enumerate(counter_inits(size)):
                    if column + offset < bits:
                        wire = f"{name}_{number}"
                        number += 1
                        text += f"    wire {wire};\n" + lookup(style, f"{name}u{number}", wire, init, taken)
                        left[column + offset].append(wire)
            left[column] += rest
        columns = left
    rows = [concatenated([(column[row : row + 1] or ["1'b0"])[0] for column in columns]) for row in range(2)]
    return text + f"    assign {target} = {rows[0]} + {rows[1]};\n"


def _rescale(site: RtlSite, op: Rescale, form: PointwiseForm, fields: Dict[str, int]) -> str:
    """Product register, then round, shift and clamp."""
    source, kind, lanes = site.source, site.kind, site.lanes.inputs
    factors = by_phase(op.multiplier, source.channels, lanes, 1)[0]
    shifts = by_phase(op.shift, source.channels, lanes, 1)[0]
    top = int(op.multiplier.max())
    low, high = min(0, source.low * top), max(0, source.high * top)
    half = (1 << int(op.shift.max())) >> 1
    width = bits_for(min(low, -1), high + half)
    stage = form.registers - 2
    text: List[str] = []
    for lane in range(lanes):
        place = _lane(site, form, fields, lane)
        text.append(_element(place, f"x{lane}", width, source))
        if "multiplier" in fields:
            factor = f"$signed({place.stored('multiplier')})"
            product = f"x{lane} * {factor}"
        else:
            product = multiplied(f"x{lane}", int(factors[lane]))
        text.append(f"    wire signed [{width - 1}:0] m{lane} = {product};\n    reg signed [{width - 1}:0] p{lane};\n")
        text.append(f"    always @(posedge clk) if (load[{stage}]) p{lane} <= m{lane};\n")
        if "shift" in fields:
            text.append(_selected_shift(place, lane, stage, np.unique(op.shift).tolist(), width, fields["shift"]))
        else:
            text.append(_shifted(f"s{lane}", f"p{lane}", int(shifts[lane]), width))
        text.append(_clamped(lane, width, kind))
    joined = concatenated([f"c{lane}" for lane in range(lanes)])
    body = narrow_begin() + "".join(text) + narrow_end()
    return body + _output_register(lanes * kind.bits, stage + 1, joined)


def _element(lane: Lane, name: str, width: int, source: TensorType) -> str:
    """Return the element as a signed wire of `width` bits."""
    text = f"    wire [{source.bits - 1}:0] {name}_raw = {lane.value()};\n"
    wide = extended(f"{name}_raw", source.bits, width, source.signed)
    return text + f"    wire signed [{width - 1}:0] {name} = {wide};\n"


def multiplied(name: str, factor: int) -> str:
    """Return name * factor as shifted adds and subtracts: the digits of the non-adjacent form."""
    digits, rest, place = [], abs(factor), 0
    while rest:
        if rest & 1:
            digit = 2 - (rest & 3)
            digits.append((digit, place))
            rest -= digit
        rest >>= 1
        place += 1
    if not digits:
        return "0"
    sign = -1 if factor < 0 else 1
    terms = [f"{'-' if sign * digit < 0 else '+'} ({name} <<< {place})" for digit, place in reversed(digits)]
    return " ".join(terms).removeprefix("+ ")


def _shifted(target: str, name: str, shift: int, width: int) -> str:
    half = f" + {constant(width, 1 << (shift - 1))}" if shift else ""
    rounded = f"    wire signed [{width - 1}:0] {target}_r = {name}{half};\n"
    return rounded + f"    wire signed [{width - 1}:0] {target} = {target}_r >>> {shift};\n"


def _selected_shift(lane: Lane, number: int, stage: int, shifts: List[int], width: int, bits: int) -> str:
    text = f"    reg [{bits - 1}:0] k{number};\n"
    text += f"    always @(posedge clk) if (load[{stage}]) k{number} <= {lane.stored('shift')};\n"
    for index, shift in enumerate(shifts):
        text += _shifted(f"s{number}_{index}", f"p{number}", shift, width)
    expression = f"s{number}_{len(shifts) - 1}"
    for index in reversed(range(len(shifts) - 1)):
        expression = f"k{number} == {constant(bits, index)} ? s{number}_{index} : {expression}"
    return text + f"    wire signed [{width - 1}:0] s{number} = {expression};\n"


def _clamped(lane: int, width: int, kind: TensorType) -> str:
    """Return the value between the bounds of the edge; comparisons are with constants of the full width."""
    wide = max(width, kind.bits + 1)
    low, high = f"$signed({constant(wide, kind.low)})", f"$signed({constant(wide, kind.high)})"
    top = kind.bits - 1
    text = f"    wire signed [{wide - 1}:0] v{lane} = s{lane};\n    wire [{top}:0] c{lane};\n"
    return text + (
        f"    assign c{lane} = v{lane} < {low} ? {constant(kind.bits, kind.low)} :\n"
        f"        v{lane} > {high} ? {constant(kind.bits, kind.high)} : v{lane}[{top}:0];\n"
    )


def _affine(site: RtlSite, op: Affine, form: PointwiseForm, fields: Dict[str, int]) -> str:
    """Product register, then the offset. Modulo 2**bits of the edge, which holds every result."""
    source, bits, lanes = site.source, site.kind.bits, site.lanes.inputs
    scales = by_phase(op.scale, source.channels, lanes, 1)[0]
    offsets = by_phase(op.offset, source.channels, lanes, 1)[0]
    stage = form.registers - 2
    text: List[str] = []
    for lane in range(lanes):
        place = _lane(site, form, fields, lane)
        text.append(_element(place, f"x{lane}", bits, source))
        scale = f"$signed({place.stored('scale')})" if "scale" in fields else ""
        product = f"x{lane} * {scale}" if scale else multiplied(f"x{lane}", int(scales[lane]))
        text.append(f"    wire signed [{bits - 1}:0] m{lane} = {product};\n    reg signed [{bits - 1}:0] p{lane};\n")
        text.append(f"    always @(posedge clk) if (load[{stage}]) p{lane} <= m{lane};\n")
        if "offset" in fields:
            width = fields["offset"]
            text.append(f"    reg signed [{width - 1}:0] o{lane};\n")
            text.append(f"    always @(posedge clk) if (load[{stage}]) o{lane} <= {place.stored('offset')};\n")
            offset = f"o{lane}"
        else:
            offset = f"$signed({constant(bits, int(offsets[lane]))})"
        text.append(f"    wire signed [{bits - 1}:0] c{lane} = p{lane} + {offset};\n")
    joined = concatenated([f"c{lane}" for lane in range(lanes)])
    body = narrow_begin() + "".join(text) + narrow_end()
    return body + _output_register(lanes * bits, stage + 1, joined)
