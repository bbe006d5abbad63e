# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What yosys makes of the networks of `cost_zoo`: counts and depth by unit, kept in a folder."""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from cost_networks import Case

from lutforge.boards import load_board
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.netlist import flatten, read_netlist
from lutforge.overlays.synthesis import YOSYS_FAMILIES
from lutforge.overlays.synthesis_cells import count_cells
from lutforge.overlays.synthesis_depth import longest_path
from lutforge.yosys import synthesise, yosys_version

STREAM = "stream"
LIMIT_S = 1800.0


@dataclass(frozen=True)
class Measured:
    """Counts of one unit. cells: LUT cells and memory sites by type."""

    lut6: int
    ff: int
    bram36: float
    dsp: int
    depth: int
    cells: Dict[str, int]


def measure(case: Case, cache: Path) -> Dict[str, Measured]:
    """Return the counts by node, of the streams under 'stream' and of all under 'total', with the design's depth."""
    board = load_board(case.board)
    design = generate_rtl(case.network, case.schedule, board, case.output)
    texts = json.dumps([yosys_version(), board.family, *sorted(design.texts.items())])
    stored = cache / f"{case.name}.{hashlib.sha256(texts.encode()).hexdigest()[:24]}.counts.json"
    if stored.is_file():
        return {node: Measured(**values) for node, values in json.loads(stored.read_text(encoding="utf-8")).items()}
    family = YOSYS_FAMILIES[board.family]
    modules = {unit.module: unit.node for unit in design.units}
    netlists, result = {}, {}
    for module in [*modules, design.top]:
        boxes = tuple(modules) if module == design.top else ()
        made = synthesise(design.texts, module, family, black_boxes=boxes, deadline_s=LIMIT_S, cache=cache)
        netlist = netlists[module] = read_netlist(made.json, module)
        counts = count_cells(netlist, 0, frozenset(modules) if boxes else frozenset())
        cells = {name: count for name, count in {**counts.luts, **counts.memory}.items() if count}
        depth = longest_path(netlist).levels
        result[modules.get(module, STREAM)] = Measured(
            counts.raw, counts.ff, counts.bram36, counts.dsp, depth, {**cells, "CARRY": counts.carry}
        )
    rows = list(result.values())
    depth = longest_path(flatten(netlists, design.top)).levels
    total = Measured(
        sum(row.lut6 for row in rows),
        sum(row.ff for row in rows),
        sum(row.bram36 for row in rows),
        sum(row.dsp for row in rows),
        depth,
        {},
    )
    result["total"] = total
    stored.write_text(json.dumps({node: asdict(row) for node, row in result.items()}), encoding="utf-8")
    return result


def stored_counts(case: Case, cache: Path) -> Optional[Dict[str, Measured]]:
    """Return the counts of a case that was measured before, whatever the Verilog was then; None if it was not."""
    stored = sorted(cache.glob(f"{case.name}.*.counts.json"), key=lambda path: path.stat().st_mtime)
    if not stored:
        return None
    return {node: Measured(**row) for node, row in json.loads(stored[-1].read_text(encoding="utf-8")).items()}


def measure_all(cases: Sequence[Case], cache: Path, processes: int = 2) -> List[Dict[str, Measured]]:
    """Measure cases, at most `processes` at a time, and say on stderr what is done."""

    def one(case: Case) -> Dict[str, Measured]:
        result = measure(case, cache)
        total = result["total"]
        print(
            f"{case.name}: {total.lut6} LUT, {total.ff} FF, {total.bram36:g} BRAM36, depth {total.depth}",
            file=sys.stderr,
            flush=True,
        )
        return result

    with ThreadPoolExecutor(processes) as pool:
        return list(pool.map(one, cases))


def main() -> None:
    """Synthesise what is named, or everything: FIT first, then HELD_OUT."""
    from cost_zoo import FIT, HELD_OUT

    cache = Path(sys.argv[1])
    cache.mkdir(parents=True, exist_ok=True)
    makers = {**FIT, **HELD_OUT}
    measure_all([makers[name](name) for name in sys.argv[2:] or makers], cache)


if __name__ == "__main__":
    main()
