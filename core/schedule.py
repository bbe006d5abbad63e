# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How a network is folded onto hardware: PE and SIMD per layer, or unrolled, and what follows from it.

A stream beat carries `lanes` elements of the last axis. A folded layer reads `simd` inputs and makes
`pe` outputs per cycle; an unrolled one has hardware for every weight and takes one vector at a time.
A layer's interval is the number of cycles it needs for one image; the slowest layer sets the network's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from math import gcd
from typing import Any, Dict, List, Mapping, Set, Union

from lutforge.branches import branches
from lutforge.errors import ScheduleError, unreachable
from lutforge.multipliers import Conventional, is_truncated
from lutforge.network import Network, Node, TensorType
from lutforge.numerics import divisors
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
from lutforge.streams import input_stream, output_stream

MAX_BEAT_BITS = 1024
"""Widest stream of an RTL black box in Vitis HLS (UG1399, RTL black box limitations)."""

DEFAULT_DEPTH = 2

DEFAULT_LEVELS = 2
"""Levels of LUTs, or of digit tables, between two registers of the generated Verilog."""


LUTS, CARRY = "luts", "carry"
COUNTERS = (LUTS, CARRY)
"""Makes of the counters of the generated Verilog."""


@dataclass(frozen=True)
class Unrolled:
    """Hardware for every weight; tables are constants."""


@dataclass(frozen=True)
class Folded:
    """`pe` outputs times `simd` inputs per cycle; weights change each cycle, so tables live in memory.

    tables: 'memory'. 'constant' is refused: a constant table exists only where a weight stays where it is.
    """

    pe: int
    simd: int
    tables: str = "memory"


Folding = Union[Unrolled, Folded]


@dataclass(frozen=True)
class Schedule:
    """The folding of each node with weights or tables (`is_foldable`), and the depth of streams (default 2).

    depths: by node the stream that it writes, by `<node>.input` the one behind the width converter in front of it;
    `<node>.output1` is the stream to the second reader, `<node>.input1` belongs to the second input, and so on.
    levels: LUT levels between two registers of the Verilog; Vitis HLS places the registers of the C++ itself.
    counters: what sums bits in unrolled layers of the Verilog: 'luts', tables alone, or 'carry', counters on carry
    chains, about half the LUTs.
    """

    foldings: Mapping[str, Folding]
    depths: Mapping[str, int] = field(default_factory=dict)
    levels: int = DEFAULT_LEVELS
    counters: str = LUTS

    def of(self, node: Node) -> Folding:
        """Folding of a layer (`is_layer`): the schedule's, or the one that a tiled layer has by its own definition."""
        op = node.op
        if isinstance(op, TiledLutNeurons):
            return Folded(op.tile_neurons, op.tile_elements)
        return self.foldings[node.name]

    def depth(self, stream: str) -> int:
        """Depth of a stream by its name (`Branch.stream`, `Branch.converted`)."""
        return self.depths.get(stream, DEFAULT_DEPTH)


@dataclass(frozen=True)
class Lanes:
    """Elements in one beat of the stream a node reads, and of the stream it writes."""

    inputs: int
    outputs: int


def is_foldable(node: Node) -> bool:
    """Whether a schedule says something about this node."""
    return isinstance(node.op, (TableMac, BinaryMac, LutNeurons, TruthTables))


def is_layer(node: Node) -> bool:
    """Whether this node holds weights or tables: `Schedule.of` knows how it is folded."""
    return is_foldable(node) or isinstance(node.op, TiledLutNeurons)


def mac_shape(node: Node) -> tuple[int, int]:
    """Return (outputs, fan_in) of a layer."""
    op = node.op
    if isinstance(op, (TableMac, BinaryMac)):
        return int(op.weights.shape[0]), int(op.weights.shape[1])
    if isinstance(op, (LutNeurons, TiledLutNeurons, TruthTables)):
        return op.neurons, op.elements
    raise ScheduleError(f"node {node.name}: a {type(op).__name__} has no weights to fold")


def check(network: Network, schedule: Schedule) -> Schedule:
    """Return the schedule if it fits the network; ScheduleError names the node, the value and the divisors."""
    names = {node.name for node in network.nodes if is_foldable(node)}
    _check_known(schedule.foldings, names, "which cannot be folded")
    _check_known(schedule.depths, stream_names(network), "whose depth it gives but which is no node")
    for stream, depth in schedule.depths.items():
        if depth < 1:
            raise ScheduleError(f"node {stream.partition('.')[0]}: stream depth {depth}; the least is 1")
    if schedule.levels < 1:
        raise ScheduleError(f"schedule: levels {schedule.levels} between registers; the least is 1")
    if schedule.counters not in COUNTERS:
        raise ScheduleError(f"schedule: counters {schedule.counters!r} are unknown; use one of {', '.join(COUNTERS)}")
    for node in network.nodes:
        if is_foldable(node):
            if node.name not in schedule.foldings:
                raise ScheduleError(f"node {node.name}: the schedule does not say how it is folded")
            _check_folding(node, schedule.of(node))
        if is_layer(node):
            _check_beats(network, node, schedule.of(node))
    return schedule


def stream_names(network: Network) -> Set[str]:
    """Return the names that `depths` may give: two per node, and two more per further reader and input."""
    names = {name for node in network.nodes for name in (node.name, f"{node.name}.input")}
    every = [branch for each in branches(network).read.values() for branch in each if branch.reader]
    return names | {branch.stream for branch in every} | {branch.converted for branch in every}


def _check_known(given: Mapping[str, Any], known: Set[str], why: str) -> None:
    for name in sorted(set(given) - known):
        raise ScheduleError(f"schedule names {name!r}, {why}; it may name {', '.join(sorted(known)) or 'nothing'}")


def _check_beats(network: Network, node: Node, folding: Folding) -> None:
    """A beat must fit MAX_BEAT_BITS, or no stream can carry it."""
    if isinstance(folding, Unrolled):
        return
    source, kind = network.input_type(node), network.types[node.name]
    sides = (("simd", folding.simd, source.bits, "inputs"), ("pe", folding.pe, kind.bits, "outputs"))
    for what, value, bits, side in sides:
        if value * bits > MAX_BEAT_BITS:
            remedy = f"Lower {what}" if is_foldable(node) else f"Cut its {side} into more tiles"
            raise ScheduleError(
                f"node {node.name}: {what} {value} x {bits} bits is a beat of {value * bits} bits; "
                f"the limit is {MAX_BEAT_BITS}. {remedy}"
            )


def _check_folding(node: Node, folding: Folding) -> None:
    if isinstance(folding, Unrolled):
        return
    if isinstance(node.op, (LutNeurons, TruthTables)):
        raise ScheduleError(
            f"node {node.name}: {type(node.op).__name__} are constant tables, which stay where they are; "
            "schedule it unrolled"
        )
    if isinstance(node.op, TableMac) and is_truncated(node.op.multiplier):
        raise ScheduleError(
            f"node {node.name}: a truncated table belongs to one weight, and in a folded layer the weight changes "
            "every cycle; unroll the layer, or use an approximate multiplier that drops or rounds"
        )
    if folding.tables != "memory" or (isinstance(node.op, TableMac) and isinstance(node.op.multiplier, Conventional)):
        raise ScheduleError(
            f"node {node.name}: constant tables in a folded layer, where the weight changes every cycle; "
            "unroll the layer, or use a divide-and-conquer multiplier with tables in memory"
        )
    outputs, fan_in = mac_shape(node)
    for what, value, extent in (("pe", folding.pe, outputs), ("simd", folding.simd, fan_in)):
        if value < 1 or extent % value:
            raise ScheduleError(
                f"node {node.name}: {what} {value} does not divide {extent}; use one of {_divisor_text(extent)}"
            )


def lanes(network: Network, schedule: Schedule, beat_bits: int) -> Dict[str, Lanes]:
    """Return the lanes of every node's streams; a width converter stands where two neighbours differ.

    All inputs of a node have the same lanes, and all readers of an edge get the beats that it has.
    """
    result: Dict[str, Lanes] = {}
    readers: Dict[str, List[Node]] = {}
    for node in network.nodes:
        for source in node.inputs:
            readers.setdefault(source, []).append(node)
    for node in network.nodes:
        before = gcd(*(result[source].outputs for source in node.inputs))
        result[node.name] = _node_lanes(network, schedule, node, before, readers.get(node.name, []), beat_bits)
    return result


def _node_lanes(
    network: Network, schedule: Schedule, node: Node, before: int, readers: List[Node], beat_bits: int
) -> Lanes:
    """Return a node's lanes. before: what all its inputs' lanes are multiples of."""
    kind = network.types[node.name]
    sources = [network.types[name] for name in node.inputs] or [kind]
    source = sources[0]
    match node.op:
        case Input():
            whole = input_stream(kind, beat_bits).lanes
            return Lanes(whole, whole if kind.elements % whole == 0 else gcd(kind.elements, whole))
        case TableMac() | BinaryMac() | LutNeurons() | TiledLutNeurons() | TruthTables():
            folding = schedule.of(node)
            if isinstance(folding, Folded):
                return Lanes(folding.simd, folding.pe)
            return Lanes(widest(source.channels, source.bits), widest(kind.channels, kind.bits))
        case Window():
            layers = [reader for reader in readers if is_layer(reader)]
            out = gcd(*(_node_lanes(network, schedule, reader, 0, [], beat_bits).inputs for reader in layers))
            return Lanes(widest(source.channels, source.bits), out or widest(kind.channels, kind.bits))
        case MaxPool() | SumPool():
            width = widest(source.channels, kind.bits)
            return Lanes(width, width)
        case Add() | Concat():
            common = gcd(before, *(each.channels for each in sources))
            width = widest(common, max(kind.bits, *(each.bits for each in sources)))
            return Lanes(width, width)
        case Encode():
            step = node.op.bits_per_feature
            width = widest(gcd(before, source.channels), step)
            return Lanes(width, width * step)
        case Threshold() | Rescale() | Affine():
            width = widest(gcd(before, kind.channels), kind.bits)
            return Lanes(width, width)
        case Reshape() | ArgMax():
            return Lanes(before, before)
        case _:
            unreachable(node.op)


def intervals(network: Network, schedule: Schedule, beat_bits: int, output: str = "logits") -> Dict[str, int]:
    """Return the cycles each node needs for one image once it runs; the largest is the network's interval.

    The node of the logits is no faster than the stage behind it, which gathers them and then sends the answer.
    output: what is answered, see `streams.OutputStream`.
    """
    widths = lanes(network, schedule, beat_bits)
    result = {}
    for node in network.nodes:
        kind = network.types[node.name]
        own = _node_interval(network, schedule, node, widths[node.name], beat_bits)
        for source in node.inputs:
            own = max(
                own, _resize_beats(network.types[source].elements, widths[source].outputs, widths[node.name].inputs)
            )
        result[node.name] = own if kind.elements else 0
    if network.logits.elements == network.classes:
        name = network.output.name
        answer = network.classes // widths[name].outputs + output_stream(network, output, beat_bits).beats
        result[name] = max(result[name], answer)
    return result


def _resize_beats(elements: int, before: int, after: int) -> int:
    """Cycles of a width converter; where neither width divides the other it goes through their common divisor."""
    return elements // gcd(before, after)


def _node_interval(network: Network, schedule: Schedule, node: Node, width: Lanes, beat_bits: int) -> int:
    kind = network.types[node.name]
    source = network.input_type(node) if node.inputs else kind
    match node.op:
        case Input():
            return max(input_stream(kind, beat_bits).beats, kind.elements // width.outputs)
        case TableMac() | BinaryMac() | LutNeurons() | TiledLutNeurons() | TruthTables():
            outputs, fan_in = mac_shape(node)
            vectors, folding = source.elements // fan_in, schedule.of(node)
            if isinstance(folding, Folded):
                return vectors * (outputs // folding.pe) * (fan_in // folding.simd)
            return vectors * max(fan_in // width.inputs, outputs // width.outputs)
        case Window():
            return window_interval(node.op, source, width.inputs, width.outputs)
        case MaxPool() | SumPool() as op:
            return window_interval(op.windows(source.low), source, width.inputs, width.inputs)
        case Concat():
            return kind.elements // width.outputs
        case Add() | Encode() | Threshold() | Rescale() | Affine() | Reshape() | ArgMax():
            return source.elements // width.inputs
        case _:
            unreachable(node.op)


def window_interval(op: Window, source: TensorType, lanes_in: int, lanes_out: int) -> int:
    """Cycles of a sliding window: each padded pixel is shifted in, each output position is sent beat by beat."""
    height, width, channels = source.shape
    top, bottom, left, right = op.padding
    out_height, out_width = op.output_extent(height, width)
    pixels = (height + top + bottom) * (width + left + right) * (channels // lanes_in)
    beats = op.kernel[0] * op.kernel[1] * channels // lanes_out
    return pixels + out_height * out_width * (beats - 1)


@cache
def widest(elements: int, bits: int) -> int:
    """Return the largest divisor of `elements` that fits one beat of MAX_BEAT_BITS."""
    return max(n for n in divisors(elements) if n == 1 or n * bits <= MAX_BEAT_BITS)


def _divisor_text(value: int) -> str:
    return ", ".join(map(str, divisors(value)))


def to_json(schedule: Schedule) -> str:
    """Return the schedule as text.

    {"foldings": {node: "unrolled" | {"pe", "simd"}}, "depths": {}, "levels": 2, "counters": "luts" | "carry"}
    """
    foldings = {
        name: "unrolled" if isinstance(folding, Unrolled) else {"pe": folding.pe, "simd": folding.simd}
        for name, folding in schedule.foldings.items()
    }
    document = {
        "foldings": foldings,
        "depths": dict(schedule.depths),
        "levels": schedule.levels,
        "counters": schedule.counters,
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def from_json(text: str) -> Schedule:
    """Read what `to_json` wrote, or what a user wrote by hand."""
    try:
        document: Dict[str, Any] = json.loads(text)
        foldings = {name: _folding(value) for name, value in document["foldings"].items()}
        depths = {name: _whole(depth) for name, depth in document.get("depths", {}).items()}
        levels, counters = _whole(document.get("levels", DEFAULT_LEVELS)), document.get("counters", LUTS)
        return Schedule(foldings, depths, levels, counters)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ScheduleError(
            f"the schedule cannot be read ({type(error).__name__}: {error}); wanted: "
            '{"foldings": {"fc1": {"pe": 8, "simd": 8}, "fc2": "unrolled"}}'
        ) from error


def _folding(value: Any) -> Folding:
    if value == "unrolled":
        return Unrolled()
    rest = {key: item for key, item in value.items() if key not in ("pe", "simd")}
    return Folded(_whole(value["pe"]), _whole(value["simd"]), **rest)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is not a whole number")
    return value
