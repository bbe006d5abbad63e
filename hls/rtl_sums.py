# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of an unrolled layer that adds integers: products that its outputs share, and an adder tree per output."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

import numpy as np

from lutforge.hls.rtl_layers import RtlSite
from lutforge.hls.rtl_products import Product, product
from lutforge.hls.rtl_text import concatenated, constant, extended, instance, narrow_begin, narrow_end
from lutforge.mac_shape import fundamentals, shaped_mac
from lutforge.numerics import bits_for
from lutforge.operations import BinaryMac, TableMac


def integer_sums(site: RtlSite, op: TableMac | BinaryMac, source: str, registers: int) -> Tuple[str, str]:
    """Products, then an adder tree per output in which every sum has just the bits that its bounds need."""
    text = [narrow_begin()]
    low_bias, shift, answer = np.zeros(len(op.weights), dtype=np.int64), 0, site.kind.bits
    if isinstance(op, TableMac):
        shape = shaped_mac(op, site.source)
        op, low_bias, shift = shape.op, shape.low_bias, shape.shift
        if shift:
            text.append(shaping(site, shift, shape.rounds, site.source.channels, source))
            source = "shaped"
        site = replace(site, source=shape.source)
    used = np.flatnonzero((op.weights != 0).any(axis=0)).tolist()
    bits = site.source.bits
    for element in used:
        text.append(f"    wire [{bits - 1}:0] x{element} = {source}[{element * bits + bits - 1}:{element * bits}];\n")
    expressions = []
    made: Dict[Tuple[int, int], Product] = {}  # by element and weight
    for output, row in enumerate(_factors(op)):
        terms: List[Product] = []
        stage = 0
        for element, weight, factor in row:
            if (element, weight) not in made:
                part, made[element, weight] = product(site, op, element, weight)
                text.append(part)
            terms.append(made[element, weight].times(factor))
            stage = terms[-1].stage
        extra = int(op.bias[output]) if isinstance(op, TableMac) else int((op.weights[output] < 0).sum())
        if extra:
            width = bits_for(min(extra, -1), max(extra, 0))
            terms.append(Product(f"$signed({constant(width, extra)})", extra, extra, stage))
        part, total = _tree(site, output, terms, registers, max(1, answer - shift))
        text.append(part)
        if shift:  # what no product reaches is the bias's own
            whole = f"{{{total}, {constant(shift, int(low_bias[output]))}}}"
            text.append(f"    wire [{max(1, answer - shift) + shift - 1}:0] {total}_whole = {whole};\n")
            total = f"{total}_whole[{answer - 1}:0]"
        expressions.append(total)
    text.append(narrow_end())
    return "".join(text), concatenated(expressions)


def _factors(op: TableMac | BinaryMac) -> List[List[Tuple[int, int, int]]]:
    """Return for each output (element, weight of a product that outputs may share, factor) of its weights but zeros."""
    if isinstance(op, TableMac):
        weights, factors = fundamentals(op)
    else:
        weights = op.weights.astype(np.int64)
        factors = np.ones_like(weights)
    rows = []
    for weight, factor in zip(weights, factors, strict=True):
        used = np.flatnonzero(weight)
        rows.append(list(zip(used.tolist(), weight[used].tolist(), factor[used].tolist(), strict=True)))
    return rows


def _tree(site: RtlSite, output: int, terms: List[Product], registers: int, bits: int) -> Tuple[str, str]:
    """Return text and the name of one output of so many bits: pairs are added level by level, then held until all are
    ready.
    """
    text: List[str] = []
    stage = terms[0].stage if terms else 0
    row = terms or [Product("1'sb0", 0, 0, 0)]
    while stage < registers:
        after: List[Product] = []
        for index in range(0, len(row), 2):
            value, whole = _pair(row[index : index + 2])
            width, name = bits_for(min(whole.low, -1), max(whole.high, 0)), f"a{output}_{stage}_{index // 2}"
            text.append(f"    reg signed [{width - 1}:0] {name};\n")
            text.append(f"    always @(posedge clk) if (load[{stage}]) {name} <= {value};\n")
            after.append(replace(whole, name=name, stage=stage + 1))
        row, stage = after, stage + 1
    last = row[0]
    assert not last.negated  # see `fundamentals`
    width = bits_for(min(last.low, -1), max(last.high, 0))
    name = f"y{output}"
    text.append(f"    wire [{bits - 1}:0] {name} = {extended(last.name, width, bits, True)};\n")
    return "".join(text), name


def _pair(terms: List[Product]) -> Tuple[str, Product]:
    """Return the expression that adds one or two terms, and its bounds. Where both are negated, the sum is."""
    first = terms[0]
    if len(terms) == 1:
        return first.name, first
    second = terms[1]
    if first.negated == second.negated:
        whole = replace(first, low=first.low + second.low, high=first.high + second.high)
        return f"{first.name} + {second.name}", whole
    more, less = (second, first) if first.negated else (first, second)
    return f"{more.name} - {less.name}", replace(more, low=more.low - less.high, high=more.high - less.low)


def shaping(site: RtlSite, shift: int, rounds: bool, count: int, source: str) -> str:
    """Return text that declares `shaped`, the activations of wire `source` as an approximate multiplier reads them."""
    kept = site.source.bits - shift
    sizes: Dict[str, Any] = {
        "COUNT": count,
        "BITS": site.source.bits,
        "SHIFT": shift,
        "ROUNDS": int(rounds),
        "SIGNED": int(site.source.signed),
    }
    text = f"    wire [{count * kept - 1}:0] shaped;\n"
    return text + instance("lutforge_shape", "shape", sizes, {"activations": source, "codes": "shaped"})
