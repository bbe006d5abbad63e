# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""C++ of the layers that hold weights or truth tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.hls.layers import Layer, Site, call, stream_type
from lutforge.hls.memories import mem_text, packed_words, product_inits
from lutforge.hls.text import LIBRARY, LICENCE, complete, flag, pragma, rom, signed_bits, unsigned_array
from lutforge.mac_shape import reduced_table, shaped_mac
from lutforge.multipliers import Digital, digit_tables, digit_widths
from lutforge.network import accumulator_bounds
from lutforge.numerics import bits_for, level_value_table, pack_init
from lutforge.operations import BinaryMac, LutNeurons, TableMac
from lutforge.schedule import Folded

Array = npt.NDArray[Any]


@dataclass
class Parts:
    """What a multiply-accumulate layer is put together from.

    params: C++ constants. mems: memory files by name. term: C++ of one product. arrays: constants indexed
    [row][pe][lane], which a cycle reads for every PE and lane.
    """

    params: str
    mems: Dict[str, str]
    term: str
    arrays: List[str]


def table_mac(site: Site, op: TableMac) -> Layer:
    """Return a `TableMac`: constant tables where unrolled, W and 3W in memory where folded."""
    shape = shaped_mac(op, site.source)
    inner = replace(site, source=shape.source)
    if isinstance(op.multiplier, Digital):
        parts = _digital(inner, op)
    elif isinstance(site.folding, Folded):
        parts = _memory_tables(inner, op)
    else:
        parts = _constant_tables(inner, shape.op)
    if shape.shift:
        source = site.source
        sizes = f"{source.bits}, {shape.shift}, {flag(shape.rounds)}, {flag(source.signed)}"
        parts.term = f"{parts.term.replace('(x,', f'(lutforge::shaped<{sizes}>(x),')} * {1 << shape.shift}"
    bias = f"{site.name}_bias"
    parts.params = rom(bias, _pe_rows(site, shape.bias)) + parts.params
    return _mac(site, parts, f"{bias}[nf][pe]", _spread(site, bias, (2,)))


def _digital(site: Site, op: TableMac) -> Parts:
    name = f"{site.name}_w"
    weights, width = _rows(site, op.weights), signed_bits(op.weights)
    comment = f"{width}-bit weights, PE by PE"
    return Parts(
        rom(name, weights), _weight_mem(site, comment, weights, width), f"x * int({name}[row][pe][lane])", [name]
    )


def _memory_tables(site: Site, op: TableMac) -> Parts:
    """W and 3W: 2W is a wire, and 0 needs no memory."""
    name, bits, signed = site.name, site.source.bits, site.source.signed
    weights = _rows(site, op.weights).astype(np.int64)
    triple = 3 * weights
    width = signed_bits(triple)
    place = "[row][pe][lane]"
    return Parts(
        params=rom(f"{name}_w", weights) + rom(f"{name}_w3", triple),
        mems=_weight_mem(site, f"W then 3W of {width} bits each, PE by PE", np.stack([weights, triple], -1), width),
        term=f"lutforge::digit_product<{bits}, {flag(signed)}>(x, {name}_w{place}, {name}_w3{place})",
        arrays=[f"{name}_w", f"{name}_w3"],
    )


def _constant_tables(site: Site, op: TableMac) -> Parts:
    """One table for the highest digit, which may be signed or narrower, and one that all lower digits share."""
    bits, widths = site.source.bits, digit_widths(op.multiplier, site.source.bits)
    every = digit_tables(op.multiplier, op.weights, bits, site.source.signed)
    tables = {"toptable": every[-1][None]}
    if len(widths) > 1:
        tables["table"] = every[0][None]
    parts = Parts("", {}, "", [])
    for part, values in tables.items():
        name, width = f"{site.name}_{part}", signed_bits(values)
        comment = f"{name}: INIT of each product bit (lowest first, {width} per weight), weights output by output"
        parts.params += rom(name, values)
        parts.mems[f"{site.name}.{part}.init.mem"] = mem_text(comment, product_inits(values, width), values.shape[-1])
        parts.arrays.append(name)
    lower, top = (
        f"{site.name}_{part}[row][pe][lane]" for part in ("table" if "table" in tables else "toptable", "toptable")
    )
    parts.term = f"lutforge::table_product<{bits}, {widths[0]}>(x, {lower}, {top})"
    return parts


def binary_mac(site: Site, op: BinaryMac) -> Layer:
    """Return a `BinaryMac`: add and subtract integers, or the values of residual-binary codes."""
    name, values = f"{site.name}_w", f"{site.name}_values"
    weights = _rows(site, op.weights)
    value = f"int({values}[x])" if op.levels else "x"
    weight = f"{name}[row][pe][lane]"
    parts = Parts(
        params=rom(name, weights) + (rom(values, level_value_table(op.levels)) if op.levels else ""),
        mems=_weight_mem(site, "2-bit weights (-1, 0, 1), PE by PE", weights, 2),
        term=f"{weight} == 0 ? 0 : {weight} > 0 ? {value} : -{value}",
        arrays=[name],
    )
    return _mac(site, parts, "0", complete("ARRAY_PARTITION", values, 1) if op.levels else "")


def _weight_mem(site: Site, comment: str, rows: Array, bits: int) -> Dict[str, str]:
    """Return the memory file of weights [rows, PE, SIMD, ...]: one word per row, which is read in one cycle."""
    flat = rows.reshape(len(rows), -1)
    text = mem_text(f"{site.name}: one word per cycle, {comment}", packed_words(flat, bits), bits * flat.shape[1])
    return {f"{site.name}.weights.mem": text}


def _spread(site: Site, array: str, dims: Tuple[int, ...]) -> str:
    """Pragmas for what a cycle reads at once: one wide word of memory where folded, wires where unrolled."""
    kind = "ARRAY_RESHAPE" if isinstance(site.folding, Folded) else "ARRAY_PARTITION"
    return "".join(complete(kind, array, dim) for dim in dims)


def _mac(site: Site, parts: Parts, bias: str, pragmas: str) -> Layer:
    name, source, kind, lanes = site.name, site.source, site.kind, site.lanes
    low, high = accumulator_bounds(site.node.op, source)
    accumulator = bits_for(min(low, -1), high)
    struct = (
        f"struct {name}_layer {{\n"
        f"    static int bias(int nf, int pe) {{\n{pragma('INLINE')}        return {bias};\n    }}\n"
        f"    static int term(int row, int pe, int lane, int x) {{\n{pragma('INLINE')}"
        f"        return {parts.term};\n    }}\n}};\n"
    )
    if isinstance(site.folding, Folded):
        passes, beats = kind.channels // lanes.outputs, source.channels // lanes.inputs
        function, shape = "mac_folded", [site.vectors, passes, beats, lanes.outputs, lanes.inputs]
    else:
        function = "mac_unrolled"
        shape = [site.vectors, kind.channels, source.channels, lanes.inputs, lanes.outputs]
    types = [source.bits, flag(source.signed), accumulator, kind.bits]
    pragmas += "".join(_spread(site, array, (2, 3)) for array in parts.arrays)
    return Layer(parts.params, pragmas + call(function, [f"{name}_layer", *shape, *types]), struct, parts.mems)


def lut_neurons(site: Site, op: LutNeurons) -> Layer:
    """Return a LUT array: a function in a file of its own, called once per vector.

    It has the shape of an RTL black box. Where one stands in for it (LUTFORGE_BLACK_BOXES), the file is the box's
    C model and reaches the tool through the box's description, so the top declares the function and no more.
    """
    name, source, kind, lanes = site.name, site.source, site.kind, site.lanes
    inits, wiring, inputs = _reduced(op)
    members = {
        "unsigned long long init(int table)": ("init", inits, "[table]"),
        "int inputs(int table)": ("inputs", inputs, "[table]"),
        "int wiring(int table, int k)": ("wiring", wiring, "[table][k]"),
        "int neuron(int table)": ("neuron", op.neuron, "[table]"),
        "int weight(int table)": ("weight", op.weight, "[table]"),
    }
    params = "".join(unsigned_array(f"{name}_{member}", values) for member, values, _ in members.values())
    functions = "".join(
        f"    static {signature} {{\n{pragma('INLINE')}        return {name}_{member}{place};\n    }}\n"
        for signature, (member, _, place) in members.items()
    )
    shape = [*wiring.shape, op.elements, op.bits, op.neurons, lanes.inputs, lanes.outputs, kind.bits]
    signature = (
        f"void {name}_lut_array({stream_type(lanes.inputs, source.bits)}& in, "
        f"{stream_type(lanes.outputs, kind.bits)}& out)"
    )
    box = (
        f'{LICENCE}#include <{LIBRARY}/lut_neurons.hpp>\n\n#include "params/{name}.hpp"\n\n'
        f"struct {name}_layer {{\n{functions}}};\n\n{signature} {{\n{pragma('INLINE', 'off')}"
        f"    lutforge::lut_array<{', '.join(map(str, [f'{name}_layer', *shape]))}>(in, out);\n}}\n"
    )
    code = f'#ifdef LUTFORGE_BLACK_BOXES\n{signature};\n#else\n#include "{name}_lut_array.cpp"\n#endif\n'
    interval = max(source.channels // lanes.inputs, kind.channels // lanes.outputs)
    body = (
        "    for (unsigned image = 0; image < images; ++image) {\n"
        f"        for (int vector = 0; vector < {site.vectors}; ++vector) {{\n{pragma('PIPELINE', f'II={interval}')}"
        f"            {name}_lut_array(in, out);\n        }}\n    }}\n"
    )
    comment = f"{name}: INIT of {len(op.tables)} tables of {op.inputs} inputs, bit a is the output at address a"
    words = [int(word) for word in pack_init(op.tables)]
    return Layer(params, body, code, {f"{name}.init.mem": mem_text(comment, words, 1 << op.inputs)}, box)


def _reduced(op: LutNeurons) -> Tuple[Array, Array, Array]:
    """Return (INIT [tables], wiring [tables, most inputs], inputs [tables]): each table reads what matters to it."""
    rows = [reduced_table(table, wiring) for table, wiring in zip(op.tables, op.wiring.tolist(), strict=True)]
    inputs = np.array([len(wired) for _, wired in rows])
    wiring = np.zeros((len(rows), max(1, int(inputs.max()))), dtype=np.int64)
    for row, (_, wired) in enumerate(rows):
        wiring[row, : len(wired)] = wired
    return np.array([init for init, _ in rows], dtype=np.uint64), wiring, inputs


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
