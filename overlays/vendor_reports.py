# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Read what Vivado reports: utilisation, timing and power, as text files of report_utilization and its sisters.

Layouts: UG906 (timing summary report), UG907 (power report), UG835 (report_utilization). They differ between versions
and families, so values are found by the names of their rows and columns. A value that cannot be read is an error,
never 0.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

from lutforge.errors import OverlayError

FILES = {"utilisation": "utilization.rpt", "timing": "timing.rpt", "power": "power.rpt"}


@dataclass(frozen=True)
class VendorUtilisation:
    """What a placed design uses and the device has, by resource: lut6, ff, bram36 (halves possible), dsp."""

    tool: str
    device: str
    used: Dict[str, float]
    available: Dict[str, float]
    lut_as_memory: int

    def percent(self, name: str) -> float:
        """Percent of the device that a resource's use is."""
        return 100.0 * self.used[name] / self.available[name] if self.available[name] else 0.0


@dataclass(frozen=True)
class VendorTiming:
    """Slacks in ns, worst and total, of setup and hold; failing end points; clocks in MHz by name."""

    tool: str
    wns_ns: float
    tns_ns: float
    whs_ns: float
    ths_ns: float
    failing: int
    clocks_mhz: Dict[str, float]

    @property
    def met(self) -> bool:
        """Whether no path is late and none too early."""
        return self.wns_ns >= 0 and self.whs_ns >= 0 and self.failing == 0


@dataclass(frozen=True)
class VendorPower:
    """Vivado's estimate in watts, and how sure it is (Low, Medium, High); no measurement."""

    tool: str
    total_w: float
    dynamic_w: float
    static_w: float
    confidence: str


@dataclass(frozen=True)
class VendorReports:
    """All three reports of one build."""

    utilisation: VendorUtilisation
    timing: VendorTiming
    power: VendorPower


def read_reports(folder: Path | str) -> VendorReports:
    """Read the reports that a build leaves in `reports/`; OverlayError names a missing or unreadable one."""
    texts = {}
    for name, file in FILES.items():
        path = Path(folder) / file
        try:
            texts[name] = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise OverlayError(f"{path}: {error.strerror}; the step implement writes it") from error
    return VendorReports(
        read_utilisation(texts["utilisation"]), read_timing(texts["timing"]), read_power(texts["power"])
    )


# Rows of each resource: 7-series names, then those of the UltraScale families.
_ROWS = {
    "lut6": ("Slice LUTs", "CLB LUTs"),
    "ff": ("Slice Registers", "CLB Registers"),
    "bram36": ("Block RAM Tile",),
    "dsp": ("DSPs",),
}


def read_utilisation(text: str) -> VendorUtilisation:
    """Read the text of report_utilization."""
    what = "utilisation report"
    used, available = {}, {}
    for name, rows in _ROWS.items():
        row = _table_row(what, text, rows)
        used[name], available[name] = _number(what, rows[0], row, "Used"), _number(what, rows[0], row, "Available")
    memory = _table_row(what, text, ("LUT as Memory",))
    return VendorUtilisation(
        tool=_head(what, text, "Tool Version"),
        device=_head(what, text, "Device"),
        used=used,
        available=available,
        lut_as_memory=int(_number(what, "LUT as Memory", memory, "Used")),
    )


def read_timing(text: str) -> VendorTiming:
    """Read the text of report_timing_summary."""
    what = "timing report"
    names, values = _design_summary(text)
    row = dict(zip(names, values, strict=True))
    failing = sum(int(_number(what, f"{kind} Failing Endpoints", row)) for kind in ("TNS", "THS", "TPWS"))
    return VendorTiming(
        tool=_head(what, text, "Tool Version"),
        wns_ns=_number(what, "WNS(ns)", row),
        tns_ns=_number(what, "TNS(ns)", row),
        whs_ns=_number(what, "WHS(ns)", row),
        ths_ns=_number(what, "THS(ns)", row),
        failing=failing,
        clocks_mhz=_clocks(text),
    )


def read_power(text: str) -> VendorPower:
    """Read the text of report_power."""
    what = "power report"
    return VendorPower(
        tool=_head(what, text, "Tool Version"),
        total_w=_value(what, text, "Total On-Chip Power (W)"),
        dynamic_w=_value(what, text, "Dynamic (W)"),
        static_w=_value(what, text, "Device Static (W)"),
        confidence=_cell(what, text, "Confidence Level"),
    )


def _head(what: str, text: str, key: str) -> str:
    """Return an entry of a report's head, such as `| Device       : 7z020clg400-1`."""
    found = re.search(rf"^\|\s*{key}\s*:\s*(\S.*?)\s*$", text, re.MULTILINE)
    if not found:
        raise OverlayError(f"{what}: its head has no {key!r}; is this a report of Vivado?")
    return found[1]


def _is_row(line: str) -> bool:
    """Whether a line is a row of a table, to its end: one that is cut short could hold a part of a number."""
    return line.strip().startswith("|") and line.strip().endswith("|")


def _cells(line: str) -> List[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _table_row(what: str, text: str, names: Tuple[str, ...]) -> Dict[str, str]:
    """Return the cells of the first row of one of these names by the headings of its table. Names may carry a star."""
    heading: List[str] = []
    for line in text.splitlines():
        if not _is_row(line):
            continue
        cells = _cells(line)
        if len(cells) > 2 and cells[0] in ("Site Type", "Ref Name"):
            heading = cells
        elif heading and cells[0].rstrip("*").strip() in names:
            if len(cells) != len(heading):
                raise OverlayError(f"{what}: row {cells[0]!r} has {len(cells)} cells, its table has {len(heading)}")
            return dict(zip(heading, cells, strict=True))
    raise OverlayError(f"{what}: no row {' or '.join(map(repr, names))}; another layout, or the report is cut short")


def _design_summary(text: str) -> Tuple[List[str], List[str]]:
    """Return names and values of the design timing summary, whose columns stand at least two spaces apart."""
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if line.lstrip().startswith("WNS(ns)") and "WHS(ns)" in line and index + 2 < len(lines):
            names = re.split(r"\s{2,}", line.strip())
            values = lines[index + 2].split()
            if len(names) != len(values):
                raise OverlayError(f"timing report: {len(names)} columns, but {len(values)} values in the summary")
            return names, values
    raise OverlayError("timing report: no design timing summary; another layout, or the report is cut short")


def _clocks(text: str) -> Dict[str, float]:
    """Return the frequency of each clock of the clock summary."""
    result: Dict[str, float] = {}
    inside = False
    for line in text.splitlines():
        if re.match(r"Clock\s+Waveform\(ns\)\s+Period\(ns\)\s+Frequency\(MHz\)", line):
            inside = True
        elif inside and not line.strip():
            break
        elif inside and not line.startswith("-"):
            found = re.fullmatch(r"\s*(\S+)\s+\{[^}]*\}\s+(\S+)\s+(\S+)\s*", line)
            if not found:
                raise OverlayError(f"timing report: cannot read the clock {line.strip()!r}")
            result[found[1]] = _parse("timing report", f"frequency of {found[1]}", found[3])
    else:
        raise OverlayError("timing report: no end of a clock summary; another layout, or the report is cut short")
    if not result:
        raise OverlayError("timing report: no clock summary; an unconstrained design has no timing")
    return result


def _cell(what: str, text: str, name: str) -> str:
    """Return the second cell of a two-column row."""
    for line in text.splitlines():
        if _is_row(line):
            cells = _cells(line)
            if len(cells) == 2 and cells[0] == name:
                return cells[1]
    raise OverlayError(f"{what}: no row {name!r}; another layout, or the report is cut short")


def _value(what: str, text: str, name: str) -> float:
    return _parse(what, name, _cell(what, text, name))


def _number(what: str, name: str, row: Dict[str, str], column: str = "") -> float:
    key = column or name
    if key not in row:
        raise OverlayError(f"{what}: no column {key!r}; there are {', '.join(row)}")
    return _parse(what, f"{name}, {column}" if column else name, row[key])


def _parse(what: str, name: str, text: str) -> float:
    """Return a finite number; 'NA', an empty cell and the like are errors."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OverlayError(f"{what}: {name} is {text!r}, a number is wanted")
    return value
