# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a network costs on a board under a schedule: LUT6, flip-flops, BRAM36, DSP, logic depth and cycles.

The structure of the generated Verilog is counted (`area`, `mac_area`, `unrolled_area`, `pointwise_area`,
`stream_area`), and what yosys makes of each part is calibrated (`calibration`; `benchmarks/cost_model.py` shows how
far it is off on networks that it was not fitted on). LUT6 are LUT sites before any packing, as `lutforge synth`
counts them raw. Cycles are exact (`cycles`).

Parts: `encoder` is the unpacking of the input and `Encode`; `head` is the popcount of the last layer of
tables, every node behind the last layer with weights and the output stage; `core` is all other nodes; `stream` is
what carries data: FIFOs, width converters and control registers. What the block design adds is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Dict, Mapping, Tuple

from lutforge.area import Area, Parts
from lutforge.boards import Board
from lutforge.branches import branches
from lutforge.calibration import LABEL
from lutforge.cycles import count
from lutforge.errors import unreachable
from lutforge.mac_area import MacFacts, survey
from lutforge.network import Network, Node
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
from lutforge.pipeline import stages
from lutforge.pointwise_area import pointwise_parts
from lutforge.schedule import Lanes, Schedule, intervals, is_layer, lanes
from lutforge.stream_area import (
    add_parts,
    answers_parts,
    concat_parts,
    control_parts,
    input_parts,
    pool_parts,
    streams_of,
    window_parts,
)
from lutforge.streams import input_stream

PARTS = ("encoder", "core", "head", "stream")

AXI_DMA = Area(lut6=3000, ff=4000, bram36=2)
"""AXI DMA in simple mode, interconnects and reset of the block design: a guess, and in no Verilog of ours."""

GUESSED = ("axi_dma",)
"""Nodes whose rows are guesses, not compared with any synthesis."""

HANDSHAKE = 1
"""LUT levels that the FIFO behind a module adds to its longest enable."""

MAX_ITEMS = 100_000
"""Items of an image in all pipelines beyond which the interval is the slowest node's; the latency stays exact."""

IMAGES_TO_SETTLE = 4
"""Images after which the interval is taken as settled."""


@dataclass(frozen=True)
class Row:
    """What one node costs in one part. depth: LUT levels between registers; interval_cycles: per image."""

    node: str
    op: str
    part: str
    lut6: int
    ff: int
    bram36: float
    dsp: int
    depth: int
    interval_cycles: int


@dataclass(frozen=True)
class Cost:
    """All rows of a network, and totals over them. interval_cycles: per image of a long batch; latency_cycles: from
    the first beat of an image to the last of its answer."""

    rows: Tuple[Row, ...]
    interval_cycles: int
    latency_cycles: int
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
        """DSP slices of everything: 0, products are made of LUTs."""
        return sum(row.dsp for row in self.rows)

    @property
    def depth(self) -> int:
        """LUT levels between two registers, at most: the deepest module and the handshake around it."""
        return max(row.depth for row in self.rows) + HANDSHAKE

    def generated(self) -> Cost:
        """Return the cost of the Verilog alone, without what is guessed."""
        rows = tuple(row for row in self.rows if row.node not in GUESSED)
        return Cost(rows, self.interval_cycles, self.latency_cycles, self.label)

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


def estimate(network: Network, schedule: Schedule, beat_bits: int, output: str = "logits") -> Cost:
    """Return the cost of a network under a checked schedule. beat_bits: width of the AXI streams."""
    facts = survey(network, schedule.levels, schedule.counters)
    return estimate_surveyed(network, facts, schedule, beat_bits, output)


def estimate_surveyed(
    network: Network, facts: Mapping[str, MacFacts], schedule: Schedule, beat_bits: int, output: str = "logits"
) -> Cost:
    """Return what `estimate` returns; `facts` is `survey(network)`, made once for many schedules."""
    rows = rows_of(network, facts, schedule, beat_bits, output)
    chain = stages(network, schedule, beat_bits, output)
    if sum(stage.items for stage in chain) > MAX_ITEMS:
        return Cost(rows, max(row.interval_cycles for row in rows), count(chain, 1).latency)
    settled = count(chain, IMAGES_TO_SETTLE)
    return Cost(rows, settled.interval, settled.latency)


def quick_estimate(network: Network, facts: Mapping[str, MacFacts], schedule: Schedule, beat_bits: int) -> Cost:
    """Return the cost with the cycles of the slowest node alone, as if streams were deep enough."""
    rows = rows_of(network, facts, schedule, beat_bits, "logits")
    return Cost(rows, max(row.interval_cycles for row in rows), 0)


def rows_of(
    network: Network, facts: Mapping[str, MacFacts], schedule: Schedule, beat_bits: int, output: str
) -> Tuple[Row, ...]:
    """Return the rows of all nodes, of their streams, and of what is around them."""
    widths, cycles = lanes(network, schedule, beat_bits), intervals(network, schedule, beat_bits, output)
    ways = branches(network)
    weighted = [index for index, node in enumerate(network.nodes) if is_layer(node)]
    last = weighted[-1] if weighted else -1
    control = control_parts(input_stream(network.input, beat_bits).beats)
    rows = [
        Row("axi_dma", "AxiDma", "stream", int(AXI_DMA.lut6), int(AXI_DMA.ff), AXI_DMA.bram36, AXI_DMA.dsp, 0, 0),
        _row("kernel", "Interface", "stream", control),
    ]
    for index, node in enumerate(network.nodes):
        part = "encoder" if isinstance(node.op, (Input, Encode)) else "head" if index > last else "core"
        own = node_parts(network, facts, schedule, node, widths[node.name], beat_bits)
        if isinstance(node.op, TruthTables):
            own += facts[node.name].popcount  # sums of one bit a column: registers and no adders
        rows.append(_row(node.name, type(node.op).__name__, part, own, cycles[node.name]))
        if isinstance(node.op, (LutNeurons, TiledLutNeurons)):
            part = "head" if index == last else part
            rows.append(_row(node.name, "popcount", part, facts[node.name].popcount))
        rows.append(_row(node.name, "stream", "stream", streams_of(network, schedule, node, widths, ways)))
    answers = answers_parts(network, widths[network.output.name].outputs, output, beat_bits)
    rows.append(_row("answers", "Answers", "head", answers))
    return tuple(rows)


def _row(node: str, op: str, part: str, made: Parts, interval: int = 0) -> Row:
    area = made.area()
    return Row(node, op, part, ceil(area.lut6), ceil(area.ff), area.bram36, area.dsp, made.depth, interval)


def node_parts(
    network: Network, facts: Mapping[str, MacFacts], schedule: Schedule, node: Node, width: Lanes, beat_bits: int
) -> Parts:
    """Return the parts of one node; the popcount of sums of tables and the streams have rows of their own."""
    kind = network.types[node.name]
    source = network.input_type(node) if node.inputs else kind
    match node.op:
        case Input():
            return input_parts(kind, width, beat_bits)
        case Reshape() | ArgMax():
            return Parts()  # wiring, and a part of the answers
        case TableMac() | BinaryMac() | LutNeurons() | TiledLutNeurons() | TruthTables():
            return facts[node.name].parts(schedule.of(node))
        case Encode() | Threshold() | Rescale() | Affine() as op:
            return pointwise_parts(op, source, kind, width.inputs)
        case Window() as op:
            return window_parts(op, source, width.inputs, width.outputs)
        case MaxPool() | SumPool() as op:
            return pool_parts(op, source, kind, width.inputs)
        case Add():
            return add_parts(kind, width.inputs)
        case Concat():
            return concat_parts([network.types[name] for name in node.inputs], kind, width.inputs)
        case _:
            unreachable(node.op)
