# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Rates, memory and the table of engine.py."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, List, Optional

REPEAT_S, REPEATS, SLOW_S, SLOW_REPEATS = 0.1, 6, 0.6, 2


@dataclass
class Row:
    """What one evaluator reached. rate: answers per second, None where there is none; memory: bytes at the peak.

    ceiling: of the rate. quoted: whether the rate was measured elsewhere.
    """

    workload: str
    evaluator: str
    prepare_s: Optional[float] = None
    rate: Optional[float] = None
    memory: Optional[float] = None
    ceiling: Optional[float] = None
    note: str = ""
    quoted: bool = False


@dataclass
class Table:
    """Rows in their order; each is told as it comes, for the whole run takes minutes."""

    rows: List[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        rate = "no rate" if row.rate is None else f"{row.rate:,.0f}/s"
        print(f"... {row.workload}: {row.evaluator}: {rate} {row.note}", file=sys.stderr, flush=True)

    def show(self) -> None:
        """Print the table; ratios are the engine's rate, its first row of a workload, to the row's."""
        head = (
            f"{'evaluator':32}{'prepare s':>10}{'images/s':>14}{'memory MB':>11}{'engine is':>11}{'ceiling':>9}  note"
        )
        workload, engine = "", None
        print(head)
        for row in self.rows:
            if row.workload != workload:
                workload, engine = row.workload, row.rate
                print(f"\n{workload}")
            ratio = f"{engine / row.rate:,.2f} x" if engine and row.rate else "-"
            print(
                f"{row.evaluator:32}{_shown(row.prepare_s, '.3f'):>10}{_rate(row):>14}"
                f"{_shown(row.memory and row.memory / 1e6, '.1f'):>11}{ratio:>11}{_percent(row):>9}  {row.note}"
            )


def _shown(value: Optional[float], form: str) -> str:
    return "-" if value is None else format(value, form)


def _rate(row: Row) -> str:
    if row.rate is None:
        return "-"
    return f"{row.rate:,.0f}" + (" q" if row.quoted else "")


def _percent(row: Row) -> str:
    return f"{100 * row.rate / row.ceiling:.0f} %" if row.rate and row.ceiling else "-"


def rate_of(call: Callable[[], object], images: int) -> float:
    """Return images per second of a call on `images` images: the best of several repeats of 0.1 s at least."""
    call()
    begun = time.perf_counter()
    call()
    once = time.perf_counter() - begun
    loops, best = max(1, -int(-REPEAT_S // max(once, 1e-9))), once
    for _ in range(SLOW_REPEATS if once > SLOW_S else REPEATS):
        begun = time.perf_counter()
        for _ in range(loops):
            call()
        best = min(best, (time.perf_counter() - begun) / loops) if loops > 1 else min(best, time.perf_counter() - begun)
    return images / best


def fitting(run: Callable[[int], object], most: int) -> int:
    """Return how many images, 64 to `most`, keep a slow evaluator busy for 0.1 s or so."""
    count = min(64, most)
    while count < most:
        begun = time.perf_counter()
        run(count)
        if time.perf_counter() - begun > REPEAT_S / 2:
            break
        count = min(most, 4 * count)
    return count


class Memory:
    """Bytes that this process holds at its peak beyond what it held at the start of the block (Linux)."""

    def __init__(self) -> None:
        gc.collect()
        try:
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        except (OSError, AttributeError):
            pass
        self._before = _status("VmRSS")

    def peak(self) -> Optional[int]:
        """Return bytes, None where the system does not say."""
        peak = _status("VmHWM")
        return None if peak is None or self._before is None else max(0, peak - self._before)


def _status(name: str) -> Optional[int]:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":")), None)
