# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Speed of the netlist evaluator: vectors per second on random networks of look-up tables, one thread.

    OMP_NUM_THREADS=1 python benchmarks/netlist_evaluator.py [--tables 10000] [--levels 10]

Each network has `levels` levels of random tables, each of whose inputs is a random output of the level before; in the
clocked ones every table feeds a register. Answers of some vectors are checked against numpy before the time is taken.
`engine` is the time in the engine alone, `whole` includes the packing of numpy arrays into lanes. Seconds
are CPU seconds of this process, so that other work on the computer hardly counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.hls.netlist_executor import LANES, Evaluator
from lutforge.netlist import Cell, Netlist, Port

INPUTS = 1000
CHECKED = 300

Ints = npt.NDArray[Any]
Level = Tuple[Ints, Ints]  # wiring [tables, inputs], truth tables [tables, 2**inputs]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--levels", type=int, default=10)
    parser.add_argument("--vectors", type=int, default=256 * 400)
    options = parser.parse_args()
    print(f"{'network':34}{'program':>10}{'engine':>14}{'whole':>14}{'table, 256 lanes':>19}")
    good = True
    for fan_in in (2, 3, 4, 5, 6):
        for clocked in (False, True) if fan_in == 6 else (False,):
            good &= _measure(options.tables, options.levels, fan_in, clocked, options.vectors)
    return 0 if good else 1


def _measure(tables: int, levels: int, fan_in: int, clocked: bool, vectors: int) -> bool:
    rng = np.random.default_rng([tables, fan_in])
    network = _network(rng, tables, levels, fan_in)
    begun = time.process_time()
    evaluator = Evaluator(_netlist(network, clocked))
    program_s = time.process_time() - begun
    x = rng.integers(0, 2, (vectors, INPUTS), dtype=np.uint8)
    inputs = {"x": x, "ce": np.ones(vectors, dtype=np.uint8)} if clocked else {"x": x}
    edges = levels if clocked else 0
    right = np.array_equal(
        evaluator.vectors({name: part[:CHECKED] for name, part in inputs.items()}, edges)["y"],
        _expected(network, x[:CHECKED]),
    )
    if clocked:  # every cycle counts as one vector: the pipeline takes one in each
        blocks = vectors // LANES
        cycled = {"x": x.reshape(blocks, LANES, INPUTS), "ce": inputs["ce"].reshape(blocks, LANES)}
        seconds, whole_s = _timed(evaluator, lambda: evaluator.cycles(cycled))
    else:
        seconds, whole_s = _timed(evaluator, lambda: evaluator.vectors(inputs))
    each_ns = 1e9 * seconds / (vectors / LANES) / tables
    name = f"{tables} LUT{fan_in}, {levels} levels" + (", registers" if clocked else "")
    print(
        f"{name:34}{program_s:>8.2f} s{vectors / seconds:>12,.0f}/s{vectors / whole_s:>12,.0f}/s{each_ns:>16.2f} ns"
        f"{'' if right else '  WRONG'}"
    )
    return right


def _timed(evaluator: Evaluator, call: Any) -> Tuple[float, float]:
    """Return the seconds of the engine and of the whole call, the best of three."""
    best = (float("inf"), float("inf"))
    original = evaluator._call
    for _ in range(3):
        spent: List[float] = []

        def counted(*arguments: Any, spent: List[float] = spent) -> Any:
            begun = time.process_time()
            result = original(*arguments)
            spent.append(time.process_time() - begun)
            return result

        evaluator._call = counted  # the engine alone is timed
        begun = time.process_time()
        call()
        best = min(best, (sum(spent), time.process_time() - begun))
    evaluator._call = original
    return best


def _network(rng: np.random.Generator, tables: int, levels: int, fan_in: int) -> List[Level]:
    before, result = INPUTS, []
    for _ in range(levels):
        count = tables // levels
        wiring = np.stack([rng.choice(before, fan_in, replace=False) for _ in range(count)])
        result.append((wiring, rng.integers(0, 2, (count, 1 << fan_in), dtype=np.uint8)))
        before = count
    return result


def _expected(network: List[Level], x: Ints) -> Ints:
    for wiring, contents in network:
        address = (x[:, wiring].astype(np.int64) << np.arange(wiring.shape[1])).sum(axis=-1)
        x = contents[np.arange(len(contents)), address]
    return x


def _netlist(network: List[Level], clocked: bool) -> Netlist:
    nets = list(range(2, 2 + INPUTS))
    ports: Dict[str, Port] = {"x": Port("x", True, tuple(nets))}
    free = 2 + INPUTS
    if clocked:
        ports |= {"clk": Port("clk", True, (free,)), "ce": Port("ce", True, (free + 1,))}
        free += 2
    cells: List[Cell] = []
    for wiring, contents in network:
        outputs = []
        for row, bits in zip(wiring, contents, strict=True):
            pins = {f"I{index}": (nets[source],) for index, source in enumerate(row)}
            init = "".join(map(str, bits[::-1]))
            cells.append(Cell(f"table{free}", f"LUT{len(row)}", {"INIT": init}, {**pins, "O": (free,)}))
            if clocked:
                pins = {"D": (free,), "Q": (free + 1,), "C": ports["clk"].bits, "CE": ports["ce"].bits, "R": (0,)}
                cells.append(Cell(f"register{free}", "FDRE", {"INIT": "0"}, pins))
            free += 1 + clocked
            outputs.append(free - 1)
        nets = outputs
    ports["y"] = Port("y", False, tuple(nets))
    return Netlist("network", ports, tuple(cells), free, {})


if __name__ == "__main__":
    sys.exit(main())
