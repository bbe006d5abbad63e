# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a network costs on a board under a schedule: LUT6, flip-flops, BRAM36, DSP and cycles.

Everything here is estimated and not calibrated: no synthesis of the generated design has been compared yet.
The formulas and their sources stand in `area` (primitives), `mac_area` and `pointwise_area`.

Parts: `encoder` is the unpacking of the input and `Encode`; `head` is the popcount of the last layer of
tables and every node behind the last layer with weights; `core` is all other nodes; `stream` is what carries
data: FIFOs, width converters, the AXI interfaces of the kernel, and the DMA and interconnect around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Dict, Mapping, Tuple

from lutforge.area import NOTHING, Area, memory
from lutforge.boards import Board
from lutforge.errors import unreachable
from lutforge.mac_area import MacFacts, survey
from lutforge.network import Network, Node
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
from lutforge.pointwise_area import (
    affine_area,
    argmax_area,
    max_pool_area,
    rescale_area,
    threshold_area,
    window_area,
)
from lutforge.schedule import Folded, Lanes, Schedule, intervals, is_foldable, lanes

LABEL = "estimated, uncalibrated"
PARTS = ("encoder", "core", "head", "stream")

AXI_DMA = Area(lut6=3000, ff=4000, bram36=2)
"""AXI DMA in simple mode, interconnects and reset of the block design: a guess."""

KERNEL_INTERFACE = Area(lut6=300, ff=400)
"""AXI-Lite registers and AXI-Stream adapters of the kernel: a guess."""

FIFO_CONTROL = 10
"""LUT6 and flip-flops of the pointers and flags of one FIFO: a guess."""

PIPELINE = 3
"""Registers from the first beat in to the first beat out of any node, adder trees not counted: a guess."""


@dataclass(frozen=True)
class Row:
    """What one node costs in one part.

    interval_cycles: cycles per image; latency_cycles: from the first beat in to the first beat out.
    """

    node: str
    op: str
    part: str
    lut6: int
    ff: int
    bram36: float
    dsp: int
    interval_cycles: int
    latency_cycles: int


@dataclass(frozen=True)
class Cost:
    """All rows of a network, and totals over them."""

    rows: Tuple[Row, ...]
    label: str = LABEL

    @property
    def lut6(self) -> int:
        """LUT6 of everything."""
        return sum(row.lut6 for row in self.rows)

    @property
    def ff(self) -> int:
        """Flip-flops of everything."""
        return sum(row.ff for row in self.rows)

    @property
    def bram36(self) -> float:
        """BRAM36 of everything, in halves."""
        return sum(row.bram36 for row in self.rows)

    @property
    def dsp(self) -> int:
        """DSP slices of everything: 0, products are made of LUTs so far."""
        return sum(row.dsp for row in self.rows)

    @property
    def interval_cycles(self) -> int:
        """Cycles per image of a long batch: the slowest node's interval."""
        return max(row.interval_cycles for row in self.rows)

    @property
    def latency_cycles(self) -> int:
        """Cycles of a single image: every node's first beat, then the slowest node's interval."""
        return sum(row.latency_cycles for row in self.rows) + self.interval_cycles

    def lut6_by_part(self) -> Dict[str, int]:
        """Return LUT6 of each part, every part present."""
        return {part: sum(row.lut6 for row in self.rows if row.part == part) for part in PARTS}

    def throughput_fps(self, clock_mhz: float) -> float:
        """Return images per second of a long batch at a clock."""
        return clock_mhz * 1e6 / self.interval_cycles


@dataclass(frozen=True)
class Fit:
    """Whether a cost fits a board. utilisation: percent of each resource; exceeded: those above the limit."""

    ok: bool
    utilisation: Mapping[str, float]
    exceeded: Tuple[str, ...]


def fits(cost: Cost, board: Board, fill: float = 1.0) -> Fit:
    """Compare a cost with `fill` (0..1) of what a board has."""
    used = {"lut6": cost.lut6, "ff": cost.ff, "bram36": cost.bram36, "dsp": cost.dsp}
    have = {name: getattr(board.resources, name) for name in used}
    percent = {name: 100.0 * used[name] / have[name] if have[name] else 0.0 for name in used}
    exceeded = tuple(name for name in used if used[name] > fill * have[name])
    return Fit(not exceeded, percent, exceeded)


def estimate(network: Network, schedule: Schedule, beat_bits: int) -> Cost:
    """Return the cost of a network under a checked schedule. beat_bits: width of the AXI streams."""
    return estimate_surveyed(network, survey(network), schedule, beat_bits)


def estimate_surveyed(network: Network, facts: Mapping[str, MacFacts], schedule: Schedule, beat_bits: int) -> Cost:
    """Return what `estimate` returns; `facts` is `survey(network)`, made once for many schedules."""
    widths, cycles = lanes(network, schedule, beat_bits), intervals(network, schedule, beat_bits)
    weighted = [index for index, node in enumerate(network.nodes) if is_foldable(node)]
    last = weighted[-1] if weighted else -1
    rows = [_row("axi_dma", "AxiDma", "stream", AXI_DMA), _row("kernel", "Interface", "stream", KERNEL_INTERFACE)]
    for index, node in enumerate(network.nodes):
        part = _part(node, index > last)
        area = node_area(network, facts, schedule, node, widths[node.name])
        delay = latency(network, schedule, node, widths[node.name])
        rows.append(_row(node.name, type(node.op).__name__, part, area, cycles[node.name], delay))
        if isinstance(node.op, LutNeurons):
            part = "head" if index == last else part
            rows.append(_row(node.name, "popcount", part, facts[node.name].popcount))
        rows.append(_row(node.name, "stream", "stream", stream_area(network, schedule, node, widths)))
    return Cost(tuple(rows))


def _row(node: str, op: str, part: str, area: Area, interval: int = 0, delay: int = 0) -> Row:
    return Row(node, op, part, ceil(area.lut6), ceil(area.ff), area.bram36, area.dsp, interval, delay)


def _part(node: Node, behind: bool) -> str:
    if isinstance(node.op, (Input, Encode)):
        return "encoder"
    return "head" if behind else "core"


def node_area(network: Network, facts: Mapping[str, MacFacts], schedule: Schedule, node: Node, width: Lanes) -> Area:
    """Return the area of one node; the popcount of `LutNeurons` and the streams have rows of their own."""
    kind = network.types[node.name]
    source = network.input_type(node) if node.inputs else kind
    match node.op:
        case Input() | Reshape():
            return NOTHING
        case TableMac() | BinaryMac() | LutNeurons():
            return facts[node.name].area(schedule.of(node))
        case Encode() | Threshold() as op:
            return threshold_area(op, source, width.inputs)
        case Rescale() as op:
            return rescale_area(op, source, kind, width.inputs)
        case Affine() as op:
            return affine_area(op, source, kind, width.inputs)
        case ArgMax() as op:
            return argmax_area(op, source, kind, width.inputs)
        case Window() as op:
            return window_area(op, source, width)
        case MaxPool() as op:
            return max_pool_area(op, source, width.inputs)
        case _:
            unreachable(node.op)


def stream_area(network: Network, schedule: Schedule, node: Node, widths: Mapping[str, Lanes]) -> Area:
    """Return the FIFO that a node writes and the width converter in front of it; `Reshape` is wiring.

    FIFO: two 16-word shift registers per LUT6 (UG474), one above 16 words, a memory above 32. Narrowing: two
    bits of the wide word per LUT6 (load or shift); widening: registers with enables.
    """
    if isinstance(node.op, Reshape):
        return NOTHING
    width, depth = widths[node.name].outputs * network.types[node.name].bits, schedule.depth(node)
    store = Area(width / 2 if depth <= 16 else width) if depth <= 32 else memory(depth, width)
    area = store + Area(FIFO_CONTROL, FIFO_CONTROL + width)
    if node.inputs:
        before, after = widths[node.inputs[0]].outputs, widths[node.name].inputs
        bits = network.input_type(node).bits
        if before != after:
            area += Area(before * bits / 2 if before % after or before > after else 0, max(before, after) * bits)
    return area


def latency(network: Network, schedule: Schedule, node: Node, width: Lanes) -> int:
    """Return cycles from a node's first beat in to its first beat out: what it must have read, and its pipeline."""
    kind = network.types[node.name]
    source = network.input_type(node) if node.inputs else kind
    match node.op:
        case Input() | Reshape():
            return 0
        case TableMac() | BinaryMac() | LutNeurons():
            folding = schedule.of(node)
            simd = folding.simd if isinstance(folding, Folded) else source.channels
            return source.channels // width.inputs + (simd - 1).bit_length() + PIPELINE
        case Encode() | Threshold() | Rescale() | Affine():
            return PIPELINE
        case ArgMax():
            return source.channels // width.inputs + PIPELINE
        case Window(kernel=kernel, padding=padding):
            row = source.shape[1] + padding[2] + padding[3]
            return ((kernel[0] - 1) * row + kernel[1]) * (source.channels // width.inputs) + PIPELINE
        case MaxPool(kernel=kernel):
            fill = (kernel[0] - 1) * source.shape[1] + kernel[1]
            return (fill + kernel[0] * kernel[1]) * (source.channels // width.inputs) + PIPELINE
        case _:
            unreachable(node.op)
