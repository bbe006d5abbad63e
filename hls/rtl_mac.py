# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of the layers that hold weights or truth tables, folded or unrolled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.hls import rtl_bits, rtl_carry
from lutforge.hls.memories import mem_text, packed_words
from lutforge.hls.rtl_layers import RtlLayer, RtlSite, memory_style, wrapped
from lutforge.hls.rtl_levels import PASS, Level, write
from lutforge.hls.rtl_sums import integer_sums, shaping
from lutforge.hls.rtl_text import (
    CLOCKED,
    constant,
    elastic,
    instance,
    stream,
    stream_wires,
)
from lutforge.mac_shape import (
    CODES,
    DIGITS,
    BitSums,
    FoldedShape,
    code_sums,
    folded_shape,
    neuron_sums,
    reduced_table,
    supports,
)
from lutforge.operations import BinaryMac, LutNeurons, TableMac, TruthTables, as_lut_neurons
from lutforge.pipeline import mac_registers
from lutforge.schedule import CARRY, Folded

Ints = npt.NDArray[Any]


def mac_layer(site: RtlSite, op: TableMac | BinaryMac | LutNeurons | TruthTables) -> RtlLayer:
    """Return the module of a layer with weights or tables."""
    if isinstance(site.folding, Folded) and isinstance(op, (TableMac, BinaryMac)):
        return _folded(site, op, folded_shape(op, site.source, site.folding, site.levels))
    beats_in = site.source.channels // site.lanes.inputs
    beats_out = site.kind.channels // site.lanes.outputs
    vector, answer = site.source.channels * site.source.bits, site.kind.channels * site.kind.bits
    text: List[str] = []
    before, behind = "in", "out"
    if beats_in > 1:
        before = "gathered"
        text.append(stream_wires(before, vector))
        sizes: Dict[str, Any] = {"IN": site.in_bits, "PARTS": beats_in}
        text.append(
            instance("lutforge_widen", "gather", sizes, {**CLOCKED, **stream("in", "in"), **stream(before, "out")})
        )
    if beats_out > 1:
        behind = "sums"
        text.append(stream_wires(behind, answer))
        sizes = {"IN": answer, "OUT": site.out_bits, "PARTS": beats_out, "TOTAL": beats_out}
        text.append(
            instance("lutforge_narrow", "scatter", sizes, {**CLOCKED, **stream(behind, "in"), **stream("out", "out")})
        )
    registers = mac_registers(op, site.source, site.kind, site.levels, site.counters)
    handshake = {
        "in_valid": f"{before}_valid",
        "in_ready": f"{before}_ready",
        "out_valid": f"{behind}_valid",
        "out_ready": f"{behind}_ready",
    }
    text.append(elastic(registers, handshake))
    body, sums = array_body(site, op, f"{before}_data", registers)
    text += [body, f"    assign {behind}_data = {sums};\n"]
    return wrapped(site, "".join(text))


def array_body(
    site: RtlSite, op: TableMac | BinaryMac | LutNeurons | TruthTables, source: str, registers: int
) -> Tuple[str, str]:
    """Return (text, expression) of all sums of one vector, output 0 lowest. source: wire of the vector."""
    if isinstance(op, (LutNeurons, TruthTables)):
        return neurons(site, as_lut_neurons(op), source, site.kind.bits)
    if isinstance(op, BinaryMac) and op.levels:
        return _codes(site, op, source)
    return integer_sums(site, op, source, registers)


def _folded(site: RtlSite, op: TableMac | BinaryMac, shape: FoldedShape) -> RtlLayer:
    weights, biases = f"{site.name}.words.mem", f"{site.name}.bias.mem"
    word_bits, depth = shape.pe * shape.simd * shape.word, shape.passes * shape.beats
    values = 0
    if shape.kind == CODES and isinstance(op, BinaryMac):
        for level in op.levels:  # the top bit of a code is level 0
            values = (values << shape.term) | 2 * level
    sizes: Dict[str, Any] = {
        "BITS": shape.bits,
        "SIGNED": int(site.source.signed),
        "SIMD": shape.simd,
        "PE": shape.pe,
        "SF": shape.beats,
        "NF": shape.passes,
        "KIND": shape.kind,
        "WEIGHT": shape.weight,
        "WORD": shape.word,
        "MASKED": int(shape.masked),
        "TERM": shape.term,
        "VALUES": constant(shape.bits * shape.term, values),
        "MULTIPLY": shape.multiply,
        "TREE": shape.tree,
        "SHIFT": shape.shift,
        "LEVELS": site.levels,
        "OUT": site.kind.bits,
        "BIAS": shape.bias_bits,
        "WEIGHTS_FILE": f'"{weights}"',
        "WEIGHTS_STYLE": f'"{memory_style(depth, word_bits)}"',
        "BIAS_FILE": f'"{biases}"',
        "VECTOR_STYLE": f'"{memory_style(shape.beats, shape.simd * shape.bits)}"',
    }
    ports = {**CLOCKED, **stream("in", "in"), **stream("out", "out")}
    before = ""
    if shape.shift:
        before = shaping(site, shape.shift, shape.rounds, shape.simd, "in_data")
        ports["in_data"] = "shaped"
    mems = {weights: _weight_words(site, op, shape)}
    if shape.bias_bits:
        rows = shape.bias.reshape(shape.passes, shape.pe)
        comment = f"{site.name}: one word per pass, {shape.pe} values of {shape.bias_bits} bits"
        mems[biases] = mem_text(comment, packed_words(rows, shape.bias_bits), shape.pe * shape.bias_bits)
    return wrapped(site, before + instance("lutforge_mac_folded", "mac", sizes, ports), mems)


def _weight_words(site: RtlSite, op: TableMac | BinaryMac, shape: FoldedShape) -> str:
    """Return the words of a folded layer: one per item (nf, sf), PE by PE, lane by lane."""
    split = op.weights.reshape(shape.passes, shape.pe, shape.beats, shape.simd).transpose(0, 2, 1, 3)
    weights = split.reshape(shape.passes * shape.beats, -1).astype(np.int64)
    mask = (1 << shape.weight) - 1
    if isinstance(op, BinaryMac):
        words = (weights < 0).astype(np.int64)
        if shape.masked:
            words |= (weights != 0).astype(np.int64) << 1
        comment = "1 where a weight is -1" + (", then 1 where it is not pruned" if shape.masked else "")
    elif shape.kind == DIGITS:
        words = (weights & mask) | (((3 * weights) & ((1 << (shape.weight + 2)) - 1)) << shape.weight)
        comment = f"W of {shape.weight} bits, then 3W of {shape.weight + 2}"
    else:
        words, comment = weights & mask, f"W of {shape.weight} bits"
    bits = weights.shape[1] * shape.word
    text = f"{site.name}: one word per cycle, per PE and input {comment}"
    return mem_text(text, packed_words(words, shape.word), bits)


def neurons(site: RtlSite, op: LutNeurons, source: str, width: int) -> Tuple[str, str]:
    """Return (text, expression) of tables and their sums of so many bits. source: wire of the vector that they read."""
    sums = neuron_sums(op, supports(op.tables), width, site.counters)
    first = Level()
    place = np.zeros(len(op.tables), dtype=np.int64)
    turned = np.zeros(len(op.tables), dtype=bool)
    turned[sums.bit] = sums.inverted
    for index in np.unique(sums.bit).tolist():
        init, inputs = reduced_table(op.tables[index], op.wiring[index].tolist())
        place[index] = first.add(PASS if turned[index] else init, inputs) if sums.tables else inputs[0]
    numbered = replace(sums, bit=place[sums.bit])
    return _summed(site, numbered, first if sums.tables else None, source)


def _codes(site: RtlSite, op: BinaryMac, source: str) -> Tuple[str, str]:
    """A weight of -1 inverts the code's bits: in the table that reads them, or in the wire that a counter reads."""
    sums = code_sums(op, site.kind.bits, site.counters)
    if site.counters == CARRY:
        return _summed(site, sums, None, source)
    count = site.source.channels * site.source.bits
    wires = f"    wire [{2 * count - 1}:0] turned = {{~{source}, {source}}};\n"
    wires += "    wire unused_turned = &{1'b0, turned};\n"
    text, expression = _summed(site, replace(sums, bit=sums.bit + sums.inverted * count), None, "turned")
    return wires + text, expression


def _summed(site: RtlSite, sums: BitSums, first: Level | None, source: str) -> Tuple[str, str]:
    """Return (text, expression) of the sums of bits of `source`, or of the tables `first` that read it."""
    levels, adders = (rtl_carry if sums.counters == CARRY else rtl_bits).build(sums, first)
    return write(site.style, levels, site.levels, adders, sums.width, source, sums.counters == CARRY)
