# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""C++ of one layer: a function over streams, its parameters, its memory files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import unreachable
from lutforge.hls.text import complete, flag, pragma, rom
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
    as_lut_neurons,
)
from lutforge.schedule import Folding, Lanes

Ints = npt.NDArray[Any]


@dataclass(frozen=True)
class Site:
    """Everything an emitter needs of one node: its types, the lanes of its streams, its folding.

    source: type of its first input, more: of the others.
    """

    node: Node
    source: TensorType
    kind: TensorType
    lanes: Lanes
    folding: Optional[Folding]
    beat_bits: int
    more: Tuple[TensorType, ...] = ()

    @property
    def name(self) -> str:
        """Name of the node, and the stem of every C++ name of its layer."""
        return self.node.name

    @property
    def vectors(self) -> int:
        """Vectors (last axes) of one image."""
        return self.source.elements // self.source.channels


@dataclass(frozen=True)
class Layer:
    """Generated text of one layer.

    params: body of its parameter header. code: definitions. body: statements of the layer function.
    mems: memory files by name. box: C++ file of a function that an RTL black box can stand in for.
    """

    params: str
    body: str
    code: str = ""
    mems: Dict[str, str] = field(default_factory=dict)
    box: str = ""


def stream_type(lanes: int, bits: int) -> str:
    """Return the C++ type of a stream."""
    return f"hls::stream<ap_uint<{lanes * bits}> >"


def emit(site: Site) -> Optional[Layer]:
    """Return a layer's text, or None for a node that has no hardware of its own."""
    from lutforge.hls import joins, mac_layers, tiled_layers

    match site.node.op:
        case Input():
            return _input(site)
        case TableMac():
            return mac_layers.table_mac(site, site.node.op)
        case BinaryMac():
            return mac_layers.binary_mac(site, site.node.op)
        case LutNeurons() | TruthTables() as op:
            return mac_layers.lut_neurons(site, as_lut_neurons(op))
        case TiledLutNeurons():
            return tiled_layers.tiled_lut_neurons(site, site.node.op)
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
        case MaxPool() as op:
            return _pool(site, op.windows(site.source.low), sums=False)
        case SumPool() as op:
            return _pool(site, op.windows(), sums=True)
        case Add():
            return joins.add(site)
        case Concat():
            return joins.concat(site)
        case Reshape() | ArgMax():
            return None  # the same elements in the same order; the head is part of the output stage
        case _:
            unreachable(site.node.op)


def _input(site: Site) -> Layer:
    kind = site.kind
    arguments = [site.beat_bits, kind.bits, site.lanes.inputs, site.lanes.outputs, kind.elements]
    return Layer("", call("read_images", arguments))


def call(function: str, arguments: List[Any]) -> str:
    """Return the statement that runs a library function from the stream `in` to the stream `out`."""
    return f"    lutforge::{function}<{', '.join(map(str, arguments))}>(in, out, images);\n"


@dataclass(frozen=True)
class Constant:
    """A parameter per channel: its array, the C++ that reads one channel's value (or row), and its pragmas."""

    text: str
    read: str
    pragmas: str = ""


def _constant(site: Site, suffix: str, values: Ints) -> Constant:
    """Return a parameter as an array [groups, lanes, ...]; where all channels agree, one value serves all."""
    name, channels, lanes = f"{site.name}_{suffix}", site.source.channels, site.lanes.inputs
    if (values == values[:1]).all():
        return Constant(rom(name, values[:1, None]), f"{name}[0][0]")
    grouped = values.reshape(channels // lanes, lanes, *values.shape[1:])
    # a cycle wants every value of a group: one word of memory each
    reshaped = "".join(complete("ARRAY_RESHAPE", name, dim) for dim in range(2, grouped.ndim + 1))
    return Constant(rom(name, grouped), f"{name}[group][lane]", reshaped)


def _pointwise(site: Site, function: str, method: str, answer: str, out_bits: int, constants: List[Constant]) -> Layer:
    """Return a layer that works element by element. method: the signature of the generated function."""
    source, lanes = site.source, site.lanes.inputs
    struct = (
        f"struct {site.name}_layer {{\n    static {method}(int group, int lane, int x) {{\n{pragma('INLINE')}"
        f"        return {answer};\n    }}\n}};\n"
    )
    groups = source.channels // lanes
    arguments = [f"{site.name}_layer", site.vectors, groups, lanes, source.bits, flag(source.signed), out_bits]
    params = "".join(constant.text for constant in constants)
    pragmas = "".join(constant.pragmas for constant in constants)
    return Layer(params, pragmas + call(function, arguments), struct)


def _steps(site: Site, values: Ints) -> Constant:
    """Return thresholds clamped to the edge's bounds: beyond them the answer is the same, the constant narrower."""
    return _constant(site, "thresholds", np.clip(values, site.source.low - 1, site.source.high))


def _threshold(site: Site, op: Threshold) -> Layer:
    steps = _steps(site, op.thresholds)
    answer = f"lutforge::count_exceeded<{op.thresholds.shape[1]}>(x, {steps.read})"
    return _pointwise(site, "pointwise", "int apply", answer, site.kind.bits, [steps])


def _rescale(site: Site, op: Rescale) -> Layer:
    multiplier, shift = _constant(site, "multiplier", op.multiplier), _constant(site, "shift", op.shift)
    answer = f"lutforge::rescale(x, {multiplier.read}, {shift.read}, {op.low}, {op.high})"
    return _pointwise(site, "pointwise", "int apply", answer, site.kind.bits, [multiplier, shift])


def _affine(site: Site, op: Affine) -> Layer:
    scale, offset = _constant(site, "scale", op.scale), _constant(site, "offset", op.offset)
    answer = f"lutforge::affine(x, {scale.read}, {offset.read})"
    return _pointwise(site, "pointwise", "int apply", answer, site.kind.bits, [scale, offset])


def _encode(site: Site, op: Encode) -> Layer:
    steps, bits = _steps(site, op.thresholds), op.bits_per_feature
    function = "thermometer" if op.code == "thermometer" else "count_exceeded"
    answer = f"lutforge::{function}<{op.thresholds.shape[1]}>(x, {steps.read})"
    return _pointwise(site, "encode", f"ap_uint<{bits}> encode", answer, bits, [steps])


def _window_arguments(op: Window, source: TensorType, lanes_in: int, lanes_out: int) -> List[Any]:
    return [*source.shape, *op.kernel, *op.stride, *op.padding, op.pad_code, source.bits, lanes_in, lanes_out]


def _window(site: Site, op: Window) -> Layer:
    arguments = _window_arguments(op, site.source, site.lanes.inputs, site.lanes.outputs)
    return Layer("", call("window", arguments))


def _pool(site: Site, op: Window, sums: bool) -> Layer:
    """Return windows, and the largest or the sum of their taps."""
    source, lanes = site.source, site.lanes.inputs
    window = _window_arguments(op, source, lanes, lanes)
    positions = site.kind.shape[0] * site.kind.shape[1]
    taps = [positions, op.kernel[0] * op.kernel[1], source.channels, lanes, source.bits, flag(source.signed)]
    taps += [flag(sums), site.kind.bits]
    inner = stream_type(lanes, source.bits)
    body = (
        f"{pragma('DATAFLOW')}"
        f'    {inner} windows("{site.name}_windows");\n'
        f"{pragma('STREAM', 'variable=windows', 'depth=2')}"
        f"    lutforge::window<{', '.join(map(str, window))}>(in, windows, images);\n"
        f"    lutforge::fold_taps<{', '.join(map(str, taps))}>(windows, out, images);\n"
    )
    return Layer("", body)
