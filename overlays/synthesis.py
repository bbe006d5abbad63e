# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Area and depth of a design's Verilog, counted by yosys, unit by unit, and whether it fits a board.

Every unit is synthesised on its own, and then the top module with the units as black boxes; the netlists are
stitched for the depth, so that a way through several units is seen whole.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Tuple

from lutforge.boards import Board
from lutforge.cost import PARTS
from lutforge.errors import NetlistError
from lutforge.netlist import Netlist, flatten, read_netlist
from lutforge.overlays.synthesis_cells import Counts, count_cells
from lutforge.overlays.synthesis_depth import LogicPath, Point, longest_path
from lutforge.overlays.synthesis_packing import packed_sites
from lutforge.rtl import RtlDesign
from lutforge.yosys import synthesise, yosys_version

YOSYS_FAMILIES = {"zynq7000": "xc7", "zynquplus": "xcup"}
PROCESSES = 2
STREAM = "stream"

LIMITS = (
    "No place and route, no vendor packing: real counts lie near or between the raw and the packed ones.",
    "Levels are counted, not delays: no clock frequency follows from them.",
    "The DMA and the interconnect of the block design are not in it.",
    "Optimisation does not cross the borders of units.",
)
ULTRASCALE_LIMIT = "UltraScale+ is counted with the carry chains of the 7 series (CARRY4, not CARRY8)."


@dataclass(frozen=True)
class LayerArea:
    """What one unit takes, or what is around the units (node 'stream'). depth: LUT levels, port to port at most."""

    node: str
    op: str
    part: str
    counts: Counts
    depth: int


@dataclass(frozen=True)
class Utilisation:
    """A synthesised design. family: as yosys calls it; path: the longest way of the whole design.

    path_nodes: nodes in whose units it starts and ends, or 'stream'.
    """

    board: Board
    family: str
    version: str
    rows: Tuple[LayerArea, ...]
    path: LogicPath
    path_nodes: Tuple[str, str]

    @property
    def label(self) -> str:
        """What made the numbers."""
        return f"synthesised with yosys {self.version} for {self.family}, not placed"

    @property
    def limits(self) -> Tuple[str, ...]:
        """What the numbers are not."""
        return (*LIMITS, ULTRASCALE_LIMIT) if self.family == "xcup" else LIMITS

    @property
    def total(self) -> Counts:
        """Counts of the whole design."""
        return sum((row.counts for row in self.rows), Counts())

    def by_part(self) -> Dict[str, Counts]:
        """Return the counts of each part, every part present."""
        return {part: sum((row.counts for row in self.rows if row.part == part), Counts()) for part in PARTS}


def synthesise_design(
    design: RtlDesign,
    board: Board,
    *,
    cache: Optional[Path] = None,
    deadline_s: float = 900,
    progress: Optional[Callable[[str], None]] = None,
) -> Utilisation:
    """Return area and depth of a design in the style 'xilinx'.

    cache: folder of earlier results; deadline_s: of each unit; progress: called with each module that is done.
    """
    family, version = YOSYS_FAMILIES[board.family], yosys_version()
    netlists = synthesise_units(design, family, cache=cache, deadline_s=deadline_s, progress=progress)
    _check_instances(design, netlists[design.top])
    packed = {name: packed_sites(netlist) for name, netlist in netlists.items()}
    depths = {name: longest_path(netlist).levels for name, netlist in netlists.items()}
    units = frozenset(unit.module for unit in design.units)
    rows = [
        LayerArea(
            unit.node,
            unit.op,
            unit.part,
            count_cells(netlists[unit.module], packed[unit.module]),
            depths[unit.module],
        )
        for unit in design.units
    ]
    around = count_cells(netlists[design.top], packed[design.top], units)
    rows.append(LayerArea(STREAM, "Streams", STREAM, around, depths[design.top]))
    path = longest_path(flatten(netlists, design.top))
    nodes = _node_of(path.start, design, netlists[design.top]), _node_of(path.end, design, netlists[design.top])
    return Utilisation(board, family, version, tuple(rows), path, nodes)


def _node_of(point: Point, design: RtlDesign, top: Netlist) -> str:
    """Return the node whose unit holds a cell of the stitched netlist."""
    nodes = {unit.module: unit.node for unit in design.units}
    held = [nodes[cell.type] for cell in top.cells if cell.type in nodes and point.cell.startswith(f"{cell.name}.")]
    return held[0] if held else STREAM


def synthesise_units(
    design: RtlDesign,
    family: str,
    *,
    cache: Optional[Path] = None,
    deadline_s: float = 900,
    progress: Optional[Callable[[str], None]] = None,
) -> Dict[str, Netlist]:
    """Return the netlists of a design's modules: each unit's, and the top module's with units as its cells."""
    modules = list(dict.fromkeys(unit.module for unit in design.units))

    def one(module: str) -> Netlist:
        boxes = modules if module == design.top else ()
        made = synthesise(design.texts, module, family, black_boxes=boxes, deadline_s=deadline_s, cache=cache)
        if progress:
            progress(module)
        return read_netlist(made.json, module)

    with ThreadPoolExecutor(PROCESSES) as pool:
        waiting = {module: pool.submit(partial(one, module)) for module in (*modules, design.top)}
        try:
            return {module: future.result() for module, future in waiting.items()}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_instances(design: RtlDesign, top: Netlist) -> None:
    """Refuse a top module that does not hold each unit as often as the design says."""
    held = Counter(cell.type for cell in top.cells)
    for module, wanted in Counter(unit.module for unit in design.units).items():
        if held[module] != wanted:
            raise NetlistError(
                f"module {design.top} holds {held[module]} instances of unit {module} after synthesis, the design "
                f"lists {wanted}; an output that nobody reads removes a unit"
            )


def board_percent(utilisation: Utilisation) -> Dict[str, float]:
    """Return percent of the board: LUT6 raw and packed, flip-flops, BRAM36, DSP; 0 where the board has none."""
    return {
        name: 100.0 * used / have if have else 0.0
        for name, (used, have) in _against(utilisation.total, utilisation.board).items()
    }


def _against(counts: Counts, board: Board) -> Dict[str, Tuple[float, float]]:
    have = board.resources
    return {
        "lut6_raw": (counts.raw, have.lut6),
        "lut6_packed": (counts.packed, have.lut6),
        "ff": (counts.ff, have.ff),
        "bram36": (counts.bram36, have.bram36),
        "dsp": (counts.dsp, have.dsp),
    }


def exceeded(counts: Counts, board: Board) -> List[str]:
    """Return what a board has too little of. LUT6 as packed; 'lut6_raw' alone means that it fits only packed."""
    return [name for name, (used, have) in _against(counts, board).items() if used > have]


def fits(counts: Counts, board: Board) -> bool:
    """Return whether the packed estimate, flip-flops, memories and DSP fit a board."""
    return not set(exceeded(counts, board)) - {"lut6_raw"}


def verdict(utilisation: Utilisation, others: Mapping[str, Board]) -> Tuple[str, ...]:
    """Return sentences: whether the design fits, and where not, what would. others: boards by name."""
    total, board = utilisation.total, utilisation.board
    over = exceeded(total, board)
    if not over:
        return (f"fits {board.title}",)
    percent = board_percent(utilisation)
    if over == ["lut6_raw"]:
        return (
            f"fits {board.title} only if the vendor's tool packs tables as estimated: "
            f"{total.raw:,} LUT6 raw, {total.packed:,} packed, {board.resources.lut6:,} there",
        )
    named = {"lut6_raw": "raw LUT6", "lut6_packed": "LUT6", "ff": "flip-flops", "bram36": "BRAM36", "dsp": "DSP"}
    needs = ", ".join(f"{named[name]} {percent[name]:.0f} %" for name in over)
    return (f"does not fit {board.title}: {needs} of what it has", *_remedies(utilisation, over, others))


def _remedies(utilisation: Utilisation, over: List[str], others: Mapping[str, Board]) -> List[str]:
    """Return what would make it fit: the layer that takes most of the scarcest resource, and larger boards."""
    total, board = utilisation.total, utilisation.board
    percent = board_percent(utilisation)
    scarce = max((name for name in over if name != "lut6_raw"), key=lambda name: percent[name])
    largest = max(utilisation.rows, key=lambda row: _against(row.counts, board)[scarce][0])
    used, have = _against(total, board)[scarce]
    share, spare = _against(largest.counts, board)[scarce][0], used - have
    if largest.part == STREAM:
        remedy = "make the streams narrower or less deep: fold the layers between them"
    elif share > spare:
        remedy = (
            f"bring it below {100 * (share - spare) / share:.0f} % of that: fold it (lower PE x SIMD in the schedule) "
            "or prune it (lower fan-in, fewer neurons)"
        )
    else:
        remedy = "fold it and others (lower PE x SIMD in the schedule); this one alone is not enough"
    text = f"largest: {largest.node} ({largest.op}) takes {share:,g} of {used:,g} {scarce}; {remedy}"
    larger = [other.title for name, other in sorted(others.items()) if fits(total, other)]
    if larger:
        return [text, f"these counts would fit: {', '.join(larger)}"]
    return [text, f"no other known board has room for it ({', '.join(sorted(others))})"]
