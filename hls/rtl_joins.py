# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of nodes that read several streams: sums, and channels of several edges side by side."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, Dict, List

from lutforge.errors import GenerationError
from lutforge.hls.rtl_layers import RtlLayer, RtlSite, wrapped
from lutforge.hls.rtl_text import CLOCKED, concatenated, constant, instance, stream

END_BITS = 16
"""Width of a beat's number in `lutforge_concat`."""


def add(site: RtlSite) -> RtlLayer:
    """Return the module of a sum of two edges."""
    left, (right,) = site.source, site.more
    sizes: Dict[str, Any] = {
        "LANES": site.lanes.inputs,
        "LEFT": left.bits,
        "LEFT_SIGNED": int(left.signed),
        "RIGHT": right.bits,
        "RIGHT_SIGNED": int(right.signed),
        "OUT": site.kind.bits,
    }
    ports = {**CLOCKED, **stream("in", "in"), **stream("in1", "in1"), **stream("out", "out")}
    return wrapped(site, instance("lutforge_add", "sums", sizes, ports))


def concat(site: RtlSite) -> RtlLayer:
    """Return the module of a concatenation; every element is extended to the bits of the answer."""
    lanes, bits, sources = site.lanes.inputs, site.kind.bits, [site.source, *site.more]
    names = [f"in{port or ''}" for port in range(len(sources))]
    text: List[str] = []
    for name, source in zip(names, sources, strict=True):
        text.append(f"    wire [{lanes * bits - 1}:0] {name}_wide;\n")
        for lane in range(lanes):
            sizes: Dict[str, Any] = {"IN": source.bits, "OUT": bits, "SIGNED": int(source.signed)}
            ends = {"d": _lane(f"{name}_data", lane, source.bits), "q": _lane(f"{name}_wide", lane, bits)}
            text.append(instance("lutforge_extend", f"{name}_extend{lane}", sizes, ends))
    ends_at = [end - 1 for end in accumulate(source.channels // lanes for source in sources)]
    if ends_at[-1] >> END_BITS:
        raise GenerationError(
            f"node {site.name}: a concatenation of {ends_at[-1] + 1} beats per position; the limit is {1 << END_BITS}. "
            "Write more lanes in front of it, or concatenate before the edges are flat"
        )
    packed = sum(end << (END_BITS * port) for port, end in enumerate(ends_at))
    sizes = {
        "INPUTS": len(sources),
        "BITS": lanes * bits,
        "TOTAL": ends_at[-1] + 1,
        "ENDS": constant(END_BITS * len(sources), packed),
    }
    ports = {**CLOCKED, **stream("out", "out"), "in_data": concatenated([f"{name}_wide" for name in names])}
    ports |= {f"in_{end}": concatenated([f"{name}_{end}" for name in names]) for end in ("valid", "ready")}
    return wrapped(site, "".join(text) + instance("lutforge_concat", "turns", sizes, ports))


def _lane(name: str, lane: int, bits: int) -> str:
    return f"{name}[{lane * bits + bits - 1}:{lane * bits}]"
