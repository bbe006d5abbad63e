# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of rescaling, and of scale and offset: a product register, then the rest."""

from __future__ import annotations

from typing import Dict, List

import numpy as np

from lutforge.hls.rtl_lanes import Lane, lane_of, output_register
from lutforge.hls.rtl_layers import RtlSite, by_phase
from lutforge.hls.rtl_text import concatenated, constant, extended, narrow_begin, narrow_end
from lutforge.network import TensorType
from lutforge.numerics import bits_for
from lutforge.operations import Affine, Rescale
from lutforge.pipeline import PointwiseForm


def rescale(site: RtlSite, op: Rescale, form: PointwiseForm, fields: Dict[str, int]) -> str:
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
        place = lane_of(site, form, fields, lane)
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
    return body + output_register(lanes * kind.bits, stage + 1, joined)


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


def affine(site: RtlSite, op: Affine, form: PointwiseForm, fields: Dict[str, int]) -> str:
    """Product register, then the offset. Modulo 2**bits of the edge, which holds every result."""
    source, bits, lanes = site.source, site.kind.bits, site.lanes.inputs
    scales = by_phase(op.scale, source.channels, lanes, 1)[0]
    offsets = by_phase(op.offset, source.channels, lanes, 1)[0]
    stage = form.registers - 2
    text: List[str] = []
    for lane in range(lanes):
        place = lane_of(site, form, fields, lane)
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
    return body + output_register(lanes * bits, stage + 1, joined)
