# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Fit the cost model on networks synthesised by yosys, and say how far it is off on others.

    python benchmarks/cost_model.py --cache DIR [--fit] [--cached] [--simulate N]

Without --fit the coefficients of `lutforge.calibration` are judged as they are. Synthesis takes half an hour the first
time and seconds from then on; --cached leaves out what was not synthesised yet. The cycles of the N smallest networks
that are held out are counted by Verilator too.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np
import numpy.typing as npt
from cost_networks import Case
from cost_simulation import modelled, simulated
from cost_synthesis import STREAM, Measured, measure_all, stored_counts
from cost_zoo import FIT, HELD_OUT
from scipy.optimize import nnls

from lutforge import calibration
from lutforge.area import Parts
from lutforge.boards import load_board
from lutforge.branches import branches
from lutforge.cost import Cost, estimate, node_parts, rows_of, survey
from lutforge.schedule import lanes
from lutforge.stream_area import answers_parts, control_parts, streams_of
from lutforge.streams import input_stream

EXACT = ("ram_site", "product_bit", "table")
"""Parts that are primitives: one LUT site each, not fitted."""

PULL = 0.03
"""Weight of what is expected of a part, against the relative error of a unit that is made of it alone."""

EXPECTED = {
    "narrow": 25,
    "widen": 10,
    "fifo": 4,
    "folded": 20,
    "window": 70,
    "answers": 15,
    "control": 95,
    "compare_bit": 0.5,
    "code_bit": 0.5,
    "multiplier_bit": 1.2,
    "constant_multiplier_bit": 0.7,
    "rom_column_16": 0.5,
    "sign_bit": 0.5,
    "mask_bit": 0.2,
    "offset_bit": 0.6,
}
"""LUT per part before any fit, 1 where nothing stands."""

SMALL = 40
"""LUT below which a unit's error is weighted as if it had so many."""


@dataclass(frozen=True)
class Compared:
    """A case with what yosys made and what was predicted. area_ms: per layer, of a layer that was looked at before;
    whole_ms: per layer, exact cycles and the first look at the weights included."""

    case: Case
    measured: Dict[str, Measured]
    predicted: Cost
    area_ms: float
    whole_ms: float

    def errors(self) -> Dict[str, float]:
        """Relative errors of LUT and FF, differences of BRAM36, DSP and depth."""
        made, told = self.measured["total"], self.predicted
        return {
            "LUT": told.lut6 / made.lut6 - 1,
            "FF": told.ff / made.ff - 1,
            "BRAM36": told.bram36 - made.bram36,
            "DSP": told.dsp - made.dsp,
            "depth": told.depth - made.depth,
        }


def parts_by_unit(case: Case) -> Dict[str, Parts]:
    """Return the parts of each unit, and of what is around them under 'stream'."""
    network, beat_bits = case.network, load_board(case.board).beat_bits
    facts = survey(network, case.schedule.levels, case.schedule.counters)
    widths, ways = lanes(network, case.schedule, beat_bits), branches(network)
    result: Dict[str, Parts] = {}
    around = control_parts(input_stream(network.input, beat_bits).beats)
    for node in network.nodes:
        made = node_parts(network, facts, case.schedule, node, widths[node.name], beat_bits)
        if node.name in facts:
            made += facts[node.name].popcount
        around += streams_of(network, case.schedule, node, widths, ways)
        if made.counts:
            result[node.name] = made
    result["answers"] = answers_parts(network, widths[network.output.name].outputs, case.output, beat_bits)
    result[STREAM] = around
    return result


def fit(cases: Sequence[Case], measured: Sequence[Dict[str, Measured]]) -> Dict[str, float]:
    """Return LUT per part: non-negative least squares of relative errors over all units of all cases."""
    rows: List[npt.NDArray[Any]] = []
    wanted: List[float] = []
    names = [name for name in calibration.LUT6 if name not in EXACT]
    for case, counts in zip(cases, measured, strict=True):
        for unit, made in parts_by_unit(case).items():
            known = sum(made.counts.get(name, 0.0) for name in EXACT)
            weight = 1 / max(SMALL, counts[unit].lut6)
            rows.append(weight * np.array([made.counts.get(name, 0.0) for name in names]))
            wanted.append(weight * (counts[unit].lut6 - known))
    for place, name in enumerate(names):  # where units say little, what the structure suggests
        row = np.zeros(len(names))
        row[place] = PULL / EXPECTED.get(name, 1.0)
        rows.append(row)
        wanted.append(PULL)
    solution, residual = nnls(np.array(rows), np.array(wanted))
    print(
        f"fitted {len(names)} coefficients on {len(rows)} units of {len(cases)} networks: root mean square error "
        f"{100 * residual / len(rows) ** 0.5:.1f} % of a unit"
    )
    return {**dict.fromkeys(EXACT, 1.0), **dict(zip(names, solution.tolist(), strict=True))}


def compare(case: Case, measured: Dict[str, Measured]) -> Compared:
    """Predict one case, and take the time of it."""
    network, schedule, beat_bits = case.network, case.schedule, load_board(case.board).beat_bits
    predicted = estimate(network, schedule, beat_bits, case.output).generated()
    facts = survey(network, schedule.levels, schedule.counters)
    rows_of(network, facts, schedule, beat_bits, case.output)  # looks at what is unrolled, once
    area_ms = _fastest(lambda: rows_of(network, facts, schedule, beat_bits, case.output)) / len(network.nodes)
    first_ms = _fastest(lambda: estimate(network, schedule, beat_bits, case.output)) / len(network.nodes)
    return Compared(case, measured, predicted, area_ms, first_ms)


def _fastest(action: Callable[[], object]) -> float:
    """Return the milliseconds of the fastest of a few runs."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        action()
        times.append(time.perf_counter() - begun)
    return 1e3 * min(times)


def show(title: str, results: Sequence[Compared]) -> None:
    """Print one line per network, and the median and worst error of each resource."""
    print(f"\n{title}: {len(results)} networks")
    print(
        f"{'network':24}{'LUT':>8}{'told':>8}{'error':>8}{'FF':>8}{'told':>8}{'error':>8}{'BRAM':>6}{'told':>6}"
        f"{'depth':>6}{'told':>5}{'ms/layer: area, all':>21}"
    )
    for one in results:
        made, told, errors = one.measured["total"], one.predicted, one.errors()
        print(
            f"{one.case.name:24}{made.lut6:8}{told.lut6:8}{errors['LUT']:+8.1%}{made.ff:8}{told.ff:8}{errors['FF']:+8.1%}"
            f"{made.bram36:6g}{told.bram36:6g}{made.depth:6}{told.depth:5}{one.area_ms:6.2f}{one.whole_ms:7.2f}"
        )
    for name in ("LUT", "FF"):
        off = [abs(one.errors()[name]) for one in results]
        print(f"{name}: median error {statistics.median(off):.1%}, worst {max(off):.1%}")
    for name in ("BRAM36", "DSP", "depth"):
        print(f"{name}: worst difference {max(abs(one.errors()[name]) for one in results):g}")


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Fit if asked, then judge on both sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="folder of netlists and counts")
    parser.add_argument("--fit", action="store_true", help="fit the coefficients first, and print them")
    parser.add_argument("--cached", action="store_true", help="only what was synthesised before")
    parser.add_argument("--units", action="store_true", help="print every unit")
    parser.add_argument("--simulate", type=int, default=0, help="networks whose cycles Verilator counts")
    given = parser.parse_args(arguments)
    given.cache.mkdir(parents=True, exist_ok=True)
    sets = [(title, *_measured(makers, given)) for title, makers in (("fitted on", FIT), ("held out", HELD_OUT))]
    if given.fit:
        calibration.LUT6.update(fit(*sets[0][1:]))
        print("LUT6: Dict[str, float] = {")
        for name, value in calibration.LUT6.items():
            print(f'    "{name}": {value:.3f},')
        print("}")
    for title, cases, measured in sets:
        results = [compare(case, counts) for case, counts in zip(cases, measured, strict=True)]
        if given.units:
            _units(cases, measured)
        show(title, results)
    _simulate(results, given.simulate)


def _simulate(results: Sequence[Compared], wanted: int) -> None:
    """Print cycles of the held-out networks: simulated for the smallest, else said not to be."""
    chosen = {one.case.name for one in sorted(results, key=lambda one: one.measured["total"].lut6)[:wanted]}
    print(f"\n{'cycles':24}{'latency':>9}{'interval':>9}  Verilator's latency and interval on the same batch")
    for one in results:
        latency, interval = modelled(one.case)
        found = "not simulated"
        if one.case.name in chosen:
            measured = simulated(one.case)
            same = measured == (latency, interval)
            found = f"{measured[0]} {measured[1]:g} {'equal' if same else 'DIFFERENT'}"
        print(f"{one.case.name:24}{latency:9}{interval:9g}  {found}", flush=True)


def _measured(makers: Dict[str, Callable[[str], Case]], given: argparse.Namespace) -> Any:
    cases = [make(name) for name, make in makers.items()]
    if given.cached:
        pairs = [(case, stored_counts(case, given.cache)) for case in cases]
        kept = [(case, counts) for case, counts in pairs if counts]
        return [case for case, _ in kept], [counts for _, counts in kept]
    return cases, measure_all(cases, given.cache)


def _units(cases: Sequence[Case], measured: Sequence[Dict[str, Measured]]) -> None:
    for case, counts in zip(cases, measured, strict=True):
        print(f"\n{case.name}")
        for unit, made in parts_by_unit(case).items():
            area, real = made.area(), counts[unit]
            print(
                f"  {unit:16} LUT {real.lut6:6} {area.lut6:8.0f}  FF {real.ff:6} {area.ff:8.0f}  BRAM {real.bram36:g} "
                f"{area.bram36:g}  depth {real.depth} {made.depth}"
            )


if __name__ == "__main__":
    main()
