# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Schedules made by rule: the fastest that fits a board, and a plain one of given PE and SIMD.

`auto` looks for the smallest interval for which every layer has a shape that keeps up and all together fit.
Layers are independent up to their width converters and thresholds, so each layer's own best shapes are found
first, and every choice is then priced as a whole by `cost`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Optional, Tuple

from lutforge.area import Area, Parts
from lutforge.boards import Board
from lutforge.branches import branches
from lutforge.cost import MAX_ITEMS, fits, node_parts, quick_estimate
from lutforge.cycles import count
from lutforge.errors import ScheduleError
from lutforge.flow import needed, require_flow
from lutforge.mac_area import MacFacts, survey
from lutforge.multipliers import Conventional, is_truncated
from lutforge.network import Network, Node
from lutforge.numerics import divisors
from lutforge.operations import LutNeurons, TableMac, TruthTables, Window
from lutforge.pipeline import stages
from lutforge.schedule import (
    LUTS,
    MAX_BEAT_BITS,
    Folded,
    Folding,
    Schedule,
    Unrolled,
    check,
    intervals,
    is_foldable,
    is_layer,
    lanes,
    widest,
)
from lutforge.stream_area import streams_of

BRAM_WEIGHTS = (0.0, 0.3, 1.0, 3.0)
"""Trials of what a BRAM36 is worth, in shares of the board against shares of LUT6."""

IMAGES_TO_SIZE = 6
"""Images after which the most that waits in a stream is taken as settled."""


_Around = Tuple[int, Area]


@dataclass(frozen=True)
class Shape:
    """One way to fold one layer: cycles per image and area, those of its neighbours included."""

    folding: Folding
    interval: int
    area: Area


def folded(network: Network, pe: int, simd: int, *, counters: str = LUTS) -> Schedule:
    """Return the schedule in which each layer gets the largest divisors up to pe and simd that fit a beat.

    What cannot be folded (`LutNeurons`, `TruthTables`, `Conventional` and truncated multipliers) is unrolled.
    counters: as in `Schedule`.
    """
    if pe < 1 or simd < 1:
        raise ScheduleError(f"pe {pe} and simd {simd} must be at least 1")
    foldings: Dict[str, Folding] = {}
    for node in network.nodes:
        if not is_foldable(node):
            continue
        pes, simds = _extents(network, node)
        foldings[node.name] = (
            Folded(max(n for n in pes if n <= pe), max(n for n in simds if n <= simd))
            if _may_fold(node)
            else Unrolled()
        )
    return check(network, Schedule(foldings, counters=counters))


def auto(network: Network, board: Board, *, fill: float = 0.99, counters: str = LUTS) -> Schedule:
    """Return the fastest schedule whose estimate stays below `fill` of every resource of a board.

    LUT6 are estimated as synthesis counts them, before a vendor's tool packs small tables in pairs, which takes a tenth
    or more off (`lutforge synth` estimates it); so nearly the whole board may be planned for.

    Fastest is the smallest interval of the slowest node; among equals the one of fewest LUT6. The search is
    a heuristic where width converters between layers matter, and always gives the same answer. counters: as in
    `Schedule`.
    """
    facts = survey(network, counters=counters)
    shapes = {node.name: _shapes(network, node, facts, board.beat_bits) for node in network.nodes if is_foldable(node)}
    targets = _targets(shapes)
    found: Dict[int, Optional[Tuple[int, int, Schedule]]] = {}

    def attempt(index: int) -> Optional[Tuple[int, int, Schedule]]:
        if index not in found:
            found[index] = _attempt(network, facts, shapes, targets[index], board, fill)
        return found[index]

    low, high = 0, len(targets) - 1
    if attempt(high) is None:
        raise _does_not_fit(network, facts, shapes, board, fill)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if attempt(middle) else (middle + 1, high)
    for index in range(low, min(low + 4, len(targets))):  # converters may make a slightly slower target faster
        attempt(index)
    # where a stream or a window is slower than the layers, layers as slow as that are as fast and cheaper
    reached = min(trial[0] for trial in found.values() if trial)
    attempt(max((index for index, target in enumerate(targets) if target <= reached), default=low))
    best = min((trial[:2], index) for index, trial in found.items() if trial)
    fastest = found[best[1]]
    assert fastest is not None
    chosen = flowing(network, replace(fastest[2], counters=counters), board.beat_bits)
    deeper = sized(network, chosen, board.beat_bits)
    cost = quick_estimate(network, facts, deeper, board.beat_bits)
    return check(network, deeper if fits(cost, board, fill).ok else chosen)


def flowing(network: Network, schedule: Schedule, beat_bits: int) -> Schedule:
    """Return the schedule with the streams of branches that meet again deep enough for images to pass (`flow`)."""
    deeper = needed(stages(network, schedule, beat_bits)) if branches(network).forks else {}
    return check(network, replace(schedule, depths={**schedule.depths, **deeper}) if deeper else schedule)


def require_flowing(network: Network, schedule: Schedule, beat_bits: int) -> Schedule:
    """Return the schedule if no stream of it would stop for ever; ScheduleError as of `flow.require_flow`."""
    if branches(network).forks:
        require_flow(stages(network, schedule, beat_bits))
    return schedule


def sized(network: Network, schedule: Schedule, beat_bits: int) -> Schedule:
    """Return the schedule with streams as deep as the slowest node's interval needs, and no deeper.

    A node that reads its vector in one go and then works on it stops the nodes in front of it, unless the stream
    between them holds what they make meanwhile; and so does a node of two inputs, unless the stream of the shorter
    branch holds what the longer one works on. The depths are the most beats that wait when images arrive at the
    slowest node's interval and streams are without limit. Beyond MAX_ITEMS per image the search would take minutes, and
    streams are as deep as images need to pass (`flowing`).
    """
    period = max(intervals(network, schedule, beat_bits).values())
    plain = stages(network, schedule, beat_bits)
    if sum(stage.items for stage in plain) > MAX_ITEMS:
        return flowing(network, schedule, beat_bits)
    waits = count(plain, IMAGES_TO_SIZE, deep=True, period=period).waits
    more = {name: held for name, held in waits.items() if held > schedule.depth(name)}
    deep = replace(schedule, depths={**schedule.depths, **more})
    reached = count(stages(network, deep, beat_bits), IMAGES_TO_SIZE).interval
    for name in sorted(set(more) - set(schedule.depths)):  # what waits at the input need not wait there
        shallow = replace(deep, depths={key: value for key, value in deep.depths.items() if key != name})
        tried = stages(network, shallow, beat_bits)
        if not needed(tried) and count(tried, IMAGES_TO_SIZE).interval <= reached:
            deep = shallow
    return check(network, deep)


def _targets(shapes: Mapping[str, List[Shape]]) -> List[int]:
    """Intervals worth asking for, rising: below the fastest shape of the slowest layer nothing can be met."""
    fastest = max((min(shape.interval for shape in each) for each in shapes.values()), default=0)
    return sorted({shape.interval for each in shapes.values() for shape in each if shape.interval >= fastest}) or [0]


def _attempt(
    network: Network,
    facts: Mapping[str, MacFacts],
    shapes: Mapping[str, List[Shape]],
    target: int,
    board: Board,
    fill: float,
) -> Optional[Tuple[int, int, Schedule]]:
    """Return (interval, LUT6, schedule) of the best choice whose layers keep up with `target`, if one fits."""
    trials = []
    for schedule in _choices(shapes, target, board):
        cost = quick_estimate(network, facts, schedule, board.beat_bits)
        if fits(cost, board, fill).ok and branches(network).forks:
            schedule = flowing(network, schedule, board.beat_bits)
            cost = quick_estimate(network, facts, schedule, board.beat_bits)
        if fits(cost, board, fill).ok:
            trials.append((cost.interval_cycles, cost.lut6, schedule))
    return min(trials, key=lambda trial: trial[:2]) if trials else None


def _choices(shapes: Mapping[str, List[Shape]], target: int, board: Board) -> List[Schedule]:
    """Return one schedule per worth of a BRAM36: each layer's cheapest shape that keeps up with `target`."""
    lut6, bram36 = max(1, board.resources.lut6), max(1, board.resources.bram36)
    result: List[Schedule] = []
    for weight in BRAM_WEIGHTS:
        foldings = {
            name: min(
                (shape for shape in each if shape.interval <= target),
                key=lambda shape: (shape.area.lut6 / lut6 + weight * shape.area.bram36 / bram36, shape.interval),
            ).folding
            for name, each in shapes.items()
        }
        if all(foldings != earlier.foldings for earlier in result):
            result.append(Schedule(foldings))
    return result


def _shapes(network: Network, node: Node, facts: Mapping[str, MacFacts], beat_bits: int) -> List[Shape]:
    """Return every shape of a layer that no other beats in cycles, LUT6 and BRAM36 together, fastest first.

    Priced with it: the window in front, which depends on SIMD, and what stands behind, which depends on PE.
    """
    before, behind = _neighbours(network, node)

    def shape(folding: Folding, reading: _Around, writing: _Around) -> Shape:
        interval = max(_own_interval(network, node, folding), reading[0], writing[0])
        return Shape(folding, interval, _area(facts[node.name], folding) + reading[1] + writing[1])

    def around(folding: Folding, nodes: List[Node]) -> _Around:
        return _around(network, facts, node, folding, nodes, beat_bits)

    shapes = [shape(Unrolled(), around(Unrolled(), before), around(Unrolled(), behind))]
    if _may_fold(node):
        pes, simds = _extents(network, node)
        reading = {simd: around(Folded(1, simd), before) for simd in simds}
        writing = {pe: around(Folded(pe, 1), behind) for pe in pes}
        shapes += [shape(Folded(pe, simd), reading[simd], writing[pe]) for pe in pes for simd in simds]
    shapes.sort(key=lambda one: (one.interval, one.area.lut6, one.area.bram36))
    kept: List[Shape] = []
    for one in shapes:
        if not any(other.area.lut6 <= one.area.lut6 and other.area.bram36 <= one.area.bram36 for other in kept):
            kept.append(one)
    return kept


def _neighbours(network: Network, node: Node) -> Tuple[List[Node], List[Node]]:
    """Return the window a layer reads, if it reads one, and the nodes behind it up to the next layers or windows."""
    before = network.node(node.inputs[0])
    reached, behind = {node.name}, []
    for one in network.nodes:
        if not reached.isdisjoint(one.inputs) and not (is_layer(one) or isinstance(one.op, Window)):
            reached.add(one.name)
            behind.append(one)
    return [before] if isinstance(before.op, Window) else [], behind


def _around(
    network: Network,
    facts: Mapping[str, MacFacts],
    node: Node,
    folding: Folding,
    nodes: List[Node],
    beat_bits: int,
) -> _Around:
    """Return (largest interval, area) of nodes around a layer, all other layers taken as unrolled."""
    plan = Schedule({name: folding if name == node.name else Unrolled() for name in facts})
    widths, cycles, ways = lanes(network, plan, beat_bits), intervals(network, plan, beat_bits), branches(network)
    made = Parts()
    for one in nodes:
        made += node_parts(network, facts, plan, one, widths[one.name], beat_bits)
        made += streams_of(network, plan, one, widths, ways)
    return max((cycles[one.name] for one in nodes), default=0), made.area()


def _area(facts: MacFacts, folding: Folding) -> Area:
    return facts.parts(folding).area() + facts.popcount.area()


def _own_interval(network: Network, node: Node, folding: Folding) -> int:
    source, kind = network.input_type(node), network.types[node.name]
    vectors = source.elements // source.channels
    if isinstance(folding, Folded):
        return vectors * (kind.channels // folding.pe) * (source.channels // folding.simd)
    reads, writes = widest(source.channels, source.bits), widest(kind.channels, kind.bits)
    return vectors * max(source.channels // reads, kind.channels // writes)


def _extents(network: Network, node: Node) -> Tuple[List[int], List[int]]:
    """Return the values that PE and SIMD may take: divisors whose beats are no wider than a stream."""
    source, kind = network.input_type(node), network.types[node.name]
    return (
        [n for n in divisors(kind.channels) if n == 1 or n * kind.bits <= MAX_BEAT_BITS],
        [n for n in divisors(source.channels) if n == 1 or n * source.bits <= MAX_BEAT_BITS],
    )


def _may_fold(node: Node) -> bool:
    op = node.op
    constant = isinstance(op, TableMac) and (isinstance(op.multiplier, Conventional) or is_truncated(op.multiplier))
    return not constant and not isinstance(op, (LutNeurons, TruthTables))


def _does_not_fit(
    network: Network, facts: Mapping[str, MacFacts], shapes: Mapping[str, List[Shape]], board: Board, fill: float
) -> ScheduleError:
    """Say what is exceeded by the smallest shape of every layer, and which node needs most of it."""
    smallest = _choices(shapes, _targets(shapes)[-1], board)
    costs = [quick_estimate(network, facts, schedule, board.beat_bits) for schedule in smallest]
    cost = min(costs, key=lambda one: (len(fits(one, board, fill).exceeded), one.lut6))
    name = fits(cost, board, fill).exceeded[0]
    have = getattr(board.resources, name)
    most = max(cost.rows, key=lambda row: float(getattr(row, name)))
    return ScheduleError(
        f"network {network.name} does not fit {board.name}: {name} {getattr(cost, name):g} estimated at the "
        f"smallest folding, limit {fill * have:g} ({100 * fill:g} % of {have}); most goes to {most.node} "
        f"({most.op}): {getattr(most, name):g}. Prune it, lower its bit widths, or take a larger board"
    )
