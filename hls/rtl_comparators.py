# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog that compares elements with thresholds, and counts how many are exceeded."""

from __future__ import annotations

from typing import Dict, List, Sequence

from lutforge.compressor import compressor_tree
from lutforge.hls.rtl_bits import counter_inits
from lutforge.hls.rtl_lanes import Lane, element_bits, lane_of, output_register
from lutforge.hls.rtl_layers import RtlSite, by_phase
from lutforge.hls.rtl_text import concatenated, extended, lookup, narrow_begin, narrow_end
from lutforge.network import TensorType
from lutforge.operations import Encode, Threshold
from lutforge.pipeline import PointwiseForm, clamped_thresholds


def comparisons(site: RtlSite, op: Threshold | Encode, form: PointwiseForm, fields: Dict[str, int]) -> str:
    """Registers of one bit per threshold, and behind them of the numbers of ones, where they are counted."""
    source, lanes, steps = site.source, site.lanes.inputs, int(op.thresholds.shape[1])
    values = by_phase(clamped_thresholds(op, source), source.channels, lanes, 1)[0]
    counted = (isinstance(op, Threshold) or op.code == "bits") and steps > 1
    stage = form.registers - (2 if counted else 1)
    text = [f"    wire [{lanes * steps - 1}:0] above;\n", narrow_begin()]
    for lane in range(lanes):
        place = lane_of(site, form, fields, lane, steps)
        wires = [f"{place.source}[{lane * source.bits + bit}]" for bit in range(source.bits)]
        for step in range(steps):
            target = f"above[{lane * steps + step}]"
            if fields:
                text.append(_compare(place, step, target, fields["threshold"], source))
            else:
                text.append(exceeds(site.style, f"u{lane}_{step}", target, wires, int(values[lane, step]), source))
    text.append(narrow_end())
    if not counted:
        return "".join(text) + output_register(lanes * steps, stage, "above")
    text.append(f"    reg [{lanes * steps - 1}:0] exceeded;\n")
    text.append(f"    always @(posedge clk) if (load[{stage}]) exceeded <= above;\n")
    bits = element_bits(site)
    text.append(f"    wire [{lanes * bits - 1}:0] next;\n{narrow_begin()}")
    for lane in range(lanes):
        ones = [f"exceeded[{lane * steps + step}]" for step in range(steps)]
        text.append(count_ones(site.style, f"c{lane}", f"next[{lane * bits + bits - 1}:{lane * bits}]", ones, bits))
    text.append(narrow_end())
    return "".join(text) + output_register(lanes * bits, stage + 1, "next")


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
