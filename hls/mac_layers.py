# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""C++ of the layers that hold weights or truth tables."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import GenerationError
from lutforge.hls.layers import Layer, Site, stream_type
from lutforge.hls.memories import mem_text, packed_words, product_inits
from lutforge.hls.text import flag, pragma, rom, signed_bits, unsigned_array
from lutforge.multipliers import Digital, digit_table, digit_widths
from lutforge.network import accumulator_bounds
from lutforge.numerics import bits_for, level_value_table, pack_init
from lutforge.operations import BinaryMac, LutNeurons, TableMac
from lutforge.schedule import Folded

Array = npt.NDArray[Any]


def table_mac(site: Site, op: TableMac) -> Layer:
    """Return a `TableMac`: constant tables where unrolled, W and 3W in memory where folded."""
    name, bits, signed = site.name, site.source.bits, site.source.signed
    weights = _rows(site, op.weights)
    params = rom(f"{name}_bias", _pe_rows(site, op.bias))
    arrays: List[str] = []
    mems: Dict[str, str] = {}
    if isinstance(op.multiplier, Digital):
        params += rom(f"{name}_w", weights)
        arrays += [f"{name}_w"]
        term = f"x * {name}_w[row][pe][lane]"
        width = signed_bits(op.weights)
        mems[f"{name}_weights.mem"] = mem_text(
            f"{name}: one word per cycle, {width}-bit weights, PE by PE", packed_words(_flat(weights), width), width * weights[0].size
        )
    elif isinstance(site.folding, Folded):
        triple = 3 * weights.astype(np.int64)
        params += rom(f"{name}_w", weights) + rom(f"{name}_w3", triple)
        arrays += [f"{name}_w", f"{name}_w3"]
        term = f"lutforge::digit_product<{bits}, {flag(signed)}>(x, {name}_w[row][pe][lane], {name}_w3[row][pe][lane])"
        width = signed_bits(triple)
        both = np.stack([weights.astype(np.int64), triple], axis=-1)
        mems[f"{name}_weights.mem"] = mem_text(
            f"{name}: one word per cycle, W then 3W of {width} bits each, PE by PE",
            packed_words(_flat(both), width),
            width * both[0].size,
        )
    else:
        text, mems, term = _constant_tables(site, op)
        params += text
        arrays += [f"{name}_table", f"{name}_top"]
    return _mac(site, params, mems, term, f"{name}_bias[nf][pe]", arrays)


def _constant_tables(site: Site, op: TableMac) -> Tuple[str, Dict[str, str], str]:
    name, bits, signed = site.name, site.source.bits, site.source.signed
    widths = digit_widths(op.multiplier, bits)
    table = digit_table(op.weights, widths[0], signed=False)[None]
    top = digit_table(op.weights, widths[-1], signed)[None]
    term = (
        f"lutforge::table_product<{bits}, {widths[0]}>(x, {name}_table[row][pe][lane], {name}_top[row][pe][lane])"
    )
    mems = {}
    for part, values in (("table", table), ("top", top)):
        width = signed_bits(values)
        mems[f"{name}_{part}_init.mem"] = mem_text(
            f"{name} {part}: INIT of each product bit (lowest first, {width} per weight), weights output by output",
            product_inits(values, width),
            values.shape[-1],
        )
    return rom(f"{name}_table", table) + rom(f"{name}_top", top), mems, term


def binary_mac(site: Site, op: BinaryMac) -> Layer:
    """Return a `BinaryMac`: add and subtract integers, or the values of residual-binary codes."""
    name = site.name
    weights = _rows(site, op.weights)
    params = rom(f"{name}_w", weights)
    value = "x"
    if op.levels:
        params += rom(f"{name}_values", level_value_table(op.levels))
        value = f"{name}_values[x]"
    weight = f"{name}_w[row][pe][lane]"
    term = f"{weight} == 0 ? 0 : {weight} > 0 ? int({value}) : -int({value})"
    mems = {
        f"{name}_weights.mem": mem_text(
            f"{name}: one word per cycle, 2-bit weights (-1, 0, 1), PE by PE",
            packed_words(_flat(weights), 2),
            2 * weights[0].size,
        )
    }
    return _mac(site, params, mems, term, "0", [f"{name}_w"])


def _mac(site: Site, params: str, mems: Dict[str, str], term: str, bias: str, arrays: List[str]) -> Layer:
    name, source, kind, lanes = site.name, site.source, site.kind, site.lanes
    low, high = accumulator_bounds(site.node.op, source)
    accumulator = bits_for(min(low, -1), high)
    struct = (
        f"struct {name}_layer {{\n"
        f"    static int bias(int nf, int pe) {{\n{pragma('INLINE')}        return {bias};\n    }}\n"
        f"    static int term(int row, int pe, int lane, int x) {{\n{pragma('INLINE')}        return {term};\n    }}\n}};\n"
    )
    types = [source.bits, flag(source.signed), accumulator, kind.bits]
    if isinstance(site.folding, Folded):
        passes, beats = kind.channels // lanes.outputs, source.channels // lanes.inputs
        function, shape = "mac_folded", [site.vectors, passes, beats, lanes.outputs, lanes.inputs]
        kind_of = "ARRAY_RESHAPE"  # one memory word holds what PE x SIMD read in one cycle
    else:
        function = "mac_unrolled"
        shape = [site.vectors, kind.channels, source.channels, lanes.inputs, lanes.outputs]
        kind_of = "ARRAY_PARTITION"
    pragmas = "".join(
        pragma(kind_of, {"variable": array, "dim": dim}, ("complete",)) for array in arrays for dim in (2, 3)
    )
    arguments = ", ".join(map(str, [f"{name}_layer", *shape, *types]))
    return Layer(params, f"{pragmas}    lutforge::{function}<{arguments}>(in, out, images);\n", struct, mems)


def lut_neurons(site: Site, op: LutNeurons) -> Layer:
    """Return a LUT array: a function of the shape of an RTL black box, called once per vector."""
    name, source, kind, lanes = site.name, site.source, site.kind, site.lanes
    if max(lanes.inputs * source.bits, lanes.outputs * kind.bits) > 1024:
        raise GenerationError(f"node {name}: a beat of more than 1024 bits cannot enter an RTL black box")
    init = pack_init(op.tables)
    members = {"init": init, "wiring": op.wiring, "neuron": op.neuron, "weight": op.weight}
    params = "".join(unsigned_array(f"{name}_{member}", values) for member, values in members.items())
    arguments = [
        f"{name}_layer",
        *op.wiring.shape,
        op.elements,
        op.bits,
        op.neurons,
        lanes.inputs,
        lanes.outputs,
        kind.bits,
    ]
    references = "".join(
        f"    static constexpr const auto& {member} = {name}_{member};\n" for member in members
    )
    code = (
        f"struct {name}_layer {{\n{references}}};\n\n"
        f"void {name}_lut_array({stream_type(lanes.inputs, source.bits)}& in, "
        f"{stream_type(lanes.outputs, kind.bits)}& out) {{\n{pragma('INLINE', flags=('off',))}"
        f"    lutforge::lut_array<{', '.join(map(str, arguments))}>(in, out);\n}}\n"
    )
    body = (
        f"    for (unsigned n = 0; n < images * {site.vectors}; ++n) {{\n{pragma('PIPELINE', {'II': 1})}"
        f"        {name}_lut_array(in, out);\n    }}\n"
    )
    entries = 1 << op.inputs
    comment = f"{name}: INIT of {len(init)} tables of {op.inputs} inputs, bit a is the output at address a"
    mems = {f"{name}_init.mem": mem_text(comment, [int(word) for word in init], entries)}
    return Layer(params, body, code, mems)


def _rows(site: Site, weights: Array) -> Array:
    """Weights as [rows, PE, SIMD], row nf * SF + sf; one row where unrolled."""
    if not isinstance(site.folding, Folded):
        return weights[None]
    outputs, fan_in = weights.shape
    pe, simd = site.folding.pe, site.folding.simd
    split = weights.reshape(outputs // pe, pe, fan_in // simd, simd)
    return np.ascontiguousarray(split.transpose(0, 2, 1, 3)).reshape(-1, pe, simd)


def _pe_rows(site: Site, bias: Array) -> Array:
    return bias.reshape(-1, site.folding.pe) if isinstance(site.folding, Folded) else bias[None]


def _flat(rows: Array) -> Array:
    return rows.reshape(len(rows), -1)
