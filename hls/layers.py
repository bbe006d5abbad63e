# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""C++ of one layer: a function over streams, its parameters, its memory files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional

import numpy as np
import numpy.typing as npt

from lutforge.errors import unreachable
from lutforge.hls.text import channel_groups, flag, pragma, rom
from lutforge.network import Node, TensorType
from lutforge.operations import (
    Affine,
    ArgMax,
    BinaryMac,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    Reshape,
    TableMac,
    Threshold,
    Window,
)
from lutforge.schedule import Folding, Lanes


@dataclass(frozen=True)
class Site:
    """Everything an emitter needs of one node: its types, the lanes of its streams, its folding."""

    node: Node
    source: TensorType
    kind: TensorType
    lanes: Lanes
    folding: Optional[Folding]
    beat_bits: int

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def vectors(self) -> int:
        """Vectors (last axes) of one image."""
        return self.source.elements // self.source.channels


@dataclass(frozen=True)
class Layer:
    """Generated text of one layer.

    params: body of its parameter header. code: definitions. body: statements of the layer function.
    mems: memory files by name.
    """

    params: str
    body: str
    code: str = ""
    mems: Dict[str, str] = field(default_factory=dict)


def stream_type(lanes: int, bits: int) -> str:
    """Return the C++ type of a stream."""
    return f"hls::stream<ap_uint<{lanes * bits}> >"


def emit(site: Site) -> Optional[Layer]:
    """Return a layer's text, or None for a node that has no hardware of its own."""
    from lutforge.hls import mac_layers

    match site.node.op:
        case Input():
            return _input(site)
        case TableMac():
            return mac_layers.table_mac(site, site.node.op)
        case BinaryMac():
            return mac_layers.binary_mac(site, site.node.op)
        case LutNeurons():
            return mac_layers.lut_neurons(site, site.node.op)
        case Threshold():
            return _threshold(site, site.node.op)
        case Rescale():
            return _rescale(site, site.node.op)
        case Affine():
            return _affine(site, site.node.op)
        case Encode():
            return _encode(site, site.node.op)
        case Window():
            return _window(site, site.node.op)
        case MaxPool():
            return _max_pool(site, site.node.op)
        case Reshape() | ArgMax():
            return None  # the same elements in the same order; the head is part of the output stage
        case _:
            unreachable(site.node.op)


def _input(site: Site) -> Layer:
    kind = site.kind
    arguments = [site.beat_bits, kind.bits, site.lanes.inputs, site.lanes.outputs, kind.elements]
    return Layer("", _call("read_images", arguments))


def _call(function: str, arguments: "list[Any]") -> str:
    return f"    lutforge::{function}<{', '.join(map(str, arguments))}>(in, out, images);\n"


def _pointwise(site: Site, params: str, apply: str, constants: "list[str]") -> Layer:
    lanes, kind, source = site.lanes.inputs, site.kind, site.source
    groups = source.channels // lanes
    struct = (
        f"struct {site.name}_layer {{\n    static int apply(int group, int lane, int x) {{\n{pragma('INLINE')}"
        f"        return {apply};\n    }}\n}};\n"
    )
    arguments = [
        f"{site.name}_layer",
        source.elements // lanes,
        groups,
        lanes,
        source.bits,
        flag(source.signed),
        kind.bits,
    ]
    return Layer(params, _partition(constants) + _call("pointwise", arguments), struct)


def _partition(constants: "list[str]") -> str:
    return "".join(pragma("ARRAY_PARTITION", {"variable": name, "dim": 2}, ("complete",)) for name in constants)


def _grouped(site: Site, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return channel_groups(values, site.source.channels, site.lanes.inputs)


def _threshold(site: Site, op: Threshold) -> Layer:
    # a threshold beyond the edge's bounds is always or never exceeded; clamped, it needs no wider constant
    clamped = np.clip(op.thresholds, site.source.low - 1, site.source.high)
    name = f"{site.name}_thresholds"
    params = rom(name, _grouped(site, clamped))
    apply = f"lutforge::count_exceeded<{clamped.shape[1]}>(x, {name}[group][lane])"
    return _pointwise(site, params, apply, [name])


def _rescale(site: Site, op: Rescale) -> Layer:
    multiplier, shift = f"{site.name}_multiplier", f"{site.name}_shift"
    params = rom(multiplier, _grouped(site, op.multiplier)) + rom(shift, _grouped(site, op.shift))
    apply = f"lutforge::rescale(x, {multiplier}[group][lane], {shift}[group][lane], {op.low}, {op.high})"
    return _pointwise(site, params, apply, [multiplier, shift])


def _affine(site: Site, op: Affine) -> Layer:
    scale, offset = f"{site.name}_scale", f"{site.name}_offset"
    params = rom(scale, _grouped(site, op.scale)) + rom(offset, _grouped(site, op.offset))
    apply = f"int(ap_int<64>(x) * {scale}[group][lane] + {offset}[group][lane])"
    return _pointwise(site, params, apply, [scale, offset])


def _encode(site: Site, op: Encode) -> Layer:
    source, lanes = site.source, site.lanes.inputs
    steps, step_bits = op.thresholds.shape[1], op.bits_per_feature
    clamped = np.clip(op.thresholds, source.low - 1, source.high)
    name = f"{site.name}_thresholds"
    bits = (
        f"lutforge::thermometer<{steps}>(x, {name}[group][lane])"
        if op.code == "thermometer"
        else f"ap_uint<{step_bits}>(lutforge::count_exceeded<{steps}>(x, {name}[group][lane]))"
    )
    struct = (
        f"struct {site.name}_layer {{\n    static ap_uint<{step_bits}> encode(int group, int lane, int x) {{\n"
        f"{pragma('INLINE')}        return {bits};\n    }}\n}};\n"
    )
    arguments = [
        f"{site.name}_layer",
        source.elements // lanes,
        source.channels // lanes,
        lanes,
        source.bits,
        flag(source.signed),
        step_bits,
    ]
    return Layer(rom(name, _grouped(site, clamped)), _partition([name]) + _call("encode", arguments), struct)


def _window_arguments(op: Window, source: TensorType, lanes_in: int, lanes_out: int) -> "list[Any]":
    return [*source.shape, *op.kernel, *op.stride, *op.padding, op.pad_code, source.bits, lanes_in, lanes_out]


def _window(site: Site, op: Window) -> Layer:
    arguments = _window_arguments(op, site.source, site.lanes.inputs, site.lanes.outputs)
    return Layer("", _call("window", arguments))


def _max_pool(site: Site, op: MaxPool) -> Layer:
    source, lanes = site.source, site.lanes.inputs
    window = _window_arguments(Window(op.kernel, op.stride), source, lanes, lanes)
    positions = site.kind.shape[0] * site.kind.shape[1]
    taps = [positions, op.kernel[0] * op.kernel[1], source.channels, lanes, source.bits, flag(source.signed)]
    inner = stream_type(lanes, source.bits)
    body = (
        f"{pragma('DATAFLOW')}"
        f'    {inner} windows("{site.name}_windows");\n'
        f"{pragma('STREAM', {'variable': 'windows', 'depth': 2})}"
        f"    lutforge::window<{', '.join(map(str, window))}>(in, windows, images);\n"
        f"    lutforge::max_taps<{', '.join(map(str, taps))}>(windows, out, images);\n"
    )
    return Layer("", body)
