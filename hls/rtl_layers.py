# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of one node: a module with one stream in and one out, and its memory files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.area import memory
from lutforge.errors import unreachable
from lutforge.hls.rtl_text import CLOCKED, constant, instance, stream, stream_module, stream_wires
from lutforge.network import Node, TensorType
from lutforge.operations import (
    Add,
    Affine,
    ArgMax,
    BinaryMac,
    Concat,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    Reshape,
    SumPool,
    TableMac,
    Threshold,
    TiledLutNeurons,
    TruthTables,
    Window,
)
from lutforge.schedule import DEFAULT_DEPTH, Folding, Lanes

Ints = npt.NDArray[Any]


@dataclass(frozen=True)
class RtlSite:
    """Everything an emitter needs of one node.

    source: type of its first input, more: of the others. style: of look-up tables; levels, counters: as in `Schedule`.
    """

    node: Node
    source: TensorType
    kind: TensorType
    lanes: Lanes
    folding: Optional[Folding]
    beat_bits: int
    style: str
    levels: int
    counters: str
    more: Tuple[TensorType, ...] = ()

    @property
    def name(self) -> str:
        """Name of the node."""
        return self.node.name

    @property
    def module(self) -> str:
        """Name of the node's module."""
        return f"lutforge_node_{self.node.name}"

    @property
    def in_bits(self) -> int:
        """Bits of a beat that is read."""
        return self.beat_bits if isinstance(self.node.op, Input) else self.lanes.inputs * self.source.bits

    @property
    def out_bits(self) -> int:
        """Bits of a beat that is written."""
        return self.lanes.outputs * self.kind.bits


@dataclass(frozen=True)
class RtlLayer:
    """Text of one node's module, and its memory files by name."""

    text: str
    mems: Dict[str, str] = field(default_factory=dict)


def emit_layer(site: RtlSite) -> Optional[RtlLayer]:
    """Return a node's module, or None for a node that has no hardware of its own."""
    from lutforge.hls import rtl_joins, rtl_mac, rtl_pointwise, rtl_tiled

    match site.node.op:
        case Input():
            return _input(site)
        case TableMac() | BinaryMac() | LutNeurons() | TruthTables() as op:
            return rtl_mac.mac_layer(site, op)
        case TiledLutNeurons() as op:
            return rtl_tiled.tiled_layer(site, op)
        case Threshold() | Encode() | Rescale() | Affine() as op:
            return rtl_pointwise.pointwise_layer(site, op)
        case Window() as op:
            return wrapped(site, _window(site, op, "lutforge_window", "in", "out"))
        case MaxPool() as op:
            return _pool(site, op.windows(site.source.low), sums=False)
        case SumPool() as op:
            return _pool(site, op.windows(), sums=True)
        case Add():
            return rtl_joins.add(site)
        case Concat():
            return rtl_joins.concat(site)
        case Reshape() | ArgMax():
            return None  # the same elements in the same order; the head is part of the answers
        case _:
            unreachable(site.node.op)


def wrapped(site: RtlSite, body: str, mems: Dict[str, str] | None = None) -> RtlLayer:
    """Return a node's module around a body."""
    comment = f"{site.name}: {type(site.node.op).__name__} -> {site.kind}"
    body += "    wire unused = &{1'b0, in_data};\n"
    more_bits = [site.lanes.inputs * source.bits for source in site.more]
    return RtlLayer(stream_module(site.module, comment, site.in_bits, site.out_bits, body, more_bits), mems or {})


def memory_style(depth: int, width: int) -> str:
    """Return where a memory goes: 'block' or 'distributed', whichever `area.memory` finds cheaper."""
    return "block" if memory(depth, width).bram36 else "distributed"


def _input(site: RtlSite) -> RtlLayer:
    groups, total = site.lanes.inputs // site.lanes.outputs, site.kind.elements // site.lanes.outputs
    sizes: Dict[str, Any] = {"IN": site.beat_bits, "OUT": site.out_bits, "PARTS": groups, "TOTAL": total}
    ports = {**CLOCKED, **stream("in", "in"), **stream("out", "out")}
    return wrapped(site, instance("lutforge_narrow", "beats", sizes, ports))


def _window(site: RtlSite, op: Window, name: str, before: str, behind: str, lanes_out: int = 0) -> str:
    height, width, channels = site.source.shape
    lanes_in, bits = site.lanes.inputs, site.source.bits
    lanes_out = lanes_out or site.lanes.outputs
    parts, (top, bottom, left, right) = channels // lanes_in, op.padding
    slots = (left + width + right) * parts
    pad = 0
    for _ in range(lanes_in):
        pad = (pad << bits) | (op.pad_code & ((1 << bits) - 1))
    sizes: Dict[str, Any] = {
        "IN": lanes_in * bits,
        "OUT": lanes_out * bits,
        "PARTS": parts,
        "HEIGHT": height,
        "WIDTH": width,
        "TOP": top,
        "BOTTOM": bottom,
        "LEFT": left,
        "RIGHT": right,
        "KH": op.kernel[0],
        "KW": op.kernel[1],
        "SH": op.stride[0],
        "SW": op.stride[1],
        "BEATS": op.kernel[0] * op.kernel[1] * channels // lanes_out,
        "PAD": constant(lanes_in * bits, pad),
        "STYLE": f'"{memory_style(slots, lanes_in * bits)}"',
    }
    return instance(name, "windows", sizes, {**CLOCKED, **stream(before, "in"), **stream(behind, "out")})


def _pool(site: RtlSite, op: Window, sums: bool) -> RtlLayer:
    """Return windows, and the largest or the sum of their taps."""
    source, lanes = site.source, site.lanes.inputs
    bits = lanes * source.bits
    parts: List[str] = [stream_wires("windows", bits), stream_wires("pixels", bits)]
    parts.append(_window(site, op, "lutforge_window", "in", "windows", lanes))
    fifo: Dict[str, Any] = {"WIDTH": bits, "DEPTH": DEFAULT_DEPTH}
    parts.append(
        instance("lutforge_fifo", "between", fifo, {**CLOCKED, **stream("windows", "in"), **stream("pixels", "out")})
    )
    sizes: Dict[str, Any] = {
        "LANES": lanes,
        "BITS": source.bits,
        "SIGNED": int(source.signed),
        "PARTS": source.channels // lanes,
        "TAPS": op.kernel[0] * op.kernel[1],
        "SUM": int(sums),
        "OUT": site.kind.bits,
    }
    ports = {**CLOCKED, **stream("pixels", "in"), **stream("out", "out")}
    parts.append(instance("lutforge_fold_taps", "taps", sizes, ports))
    return wrapped(site, "".join(parts))


def by_phase(values: Ints, channels: int, lanes: int, phases: int) -> Ints:
    """Return a per-channel parameter as [phases, lanes, ...]; one row serves all channels where only one is given."""
    spread = np.broadcast_to(values, (channels, *values.shape[1:])) if len(values) == 1 else values
    return spread.reshape(channels // lanes, lanes, *values.shape[1:])[:phases]
