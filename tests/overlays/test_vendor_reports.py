# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Vivado's reports in the layouts of several versions; what cannot be read is an error and never 0."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lutforge.errors import OverlayError
from lutforge.overlays.vendor_reports import read_power, read_reports, read_timing, read_utilisation

sys.path.insert(0, str(Path(__file__).parent))
from vendor_texts import POWER, TIMING_FAILED, TIMING_MET, UTILISATION_2019, UTILISATION_2022


def test_utilisation_of_the_7_series():
    found = read_utilisation(UTILISATION_2022)
    assert found.used == {"lut6": 13300, "ff": 21280, "bram36": 7.5, "dsp": 0}
    assert found.available == {"lut6": 53200, "ff": 106400, "bram36": 140, "dsp": 220}
    assert (found.lut_as_memory, found.device) == (400, "xc7z020clg400-1")
    assert found.tool == "Vivado v.2022.1 (lin64) Build 1234567"
    assert found.percent("lut6") == 25.0 and found.percent("dsp") == 0.0


def test_utilisation_of_ultrascale_in_an_older_layout():
    found = read_utilisation(UTILISATION_2019)
    assert found.used == {"lut6": 23040, "ff": 46080, "bram36": 12, "dsp": 4}
    assert found.available["bram36"] == 312


def test_timing():
    met, failed = read_timing(TIMING_MET), read_timing(TIMING_FAILED)
    assert (met.wns_ns, met.tns_ns, met.whs_ns, met.ths_ns, met.failing, met.met) == (1.234, 0, 0.021, 0, 0, True)
    assert met.clocks_mhz == {"clk_fpga_0": 100.0}
    assert (failed.wns_ns, failed.tns_ns, failed.failing, failed.met) == (-0.31, -12.5, 57, False)
    assert failed.clocks_mhz == {"clk_pl_0": 187.512, "derived": 374.953}


def test_power():
    found = read_power(POWER)
    assert (found.total_w, found.dynamic_w, found.static_w, found.confidence) == (1.612, 1.47, 0.142, "Medium")


ERRORS = [
    (read_utilisation, UTILISATION_2022, "| Slice LUTs  ", "| Slice Luts  ", r"no row 'Slice LUTs' or 'CLB LUTs'"),
    (read_utilisation, UTILISATION_2022, "| 13300 |", "|    NA |", r"Slice LUTs, Used is 'NA', a number is wanted"),
    (read_utilisation, UTILISATION_2022, "| 13300 |", "|       |", r"Slice LUTs, Used is '', a number"),
    (read_utilisation, UTILISATION_2022, "|     53200 | 25", "| unlimited | 25", r"Available is 'unlimited'"),
    (
        read_utilisation,
        UTILISATION_2022,
        "|  7.5 |     0 |",
        "|  7.5 |",
        r"row 'Block RAM Tile' has 5 cells, its table",
    ),
    (read_utilisation, UTILISATION_2022, "| DSPs ", "| DSPS ", r"no row 'DSPs'; another layout, or the report is cut"),
    (read_utilisation, UTILISATION_2022, "| Device ", "| Part   ", r"its head has no 'Device'; is this a report"),
    (read_utilisation, UTILISATION_2019, "Available", "Have", r"no column 'Available'; there are Site Type, Used"),
    (read_timing, TIMING_MET, "      1.234 ", "         NA ", r"timing report: WNS\(ns\) is 'NA', a number is wanted"),
    (read_timing, TIMING_MET, "      1.234 ", "        nan ", r"WNS\(ns\) is 'nan'"),
    (read_timing, TIMING_MET, "      1.234 ", "            ", r"12 columns, but 11 values in the summary"),
    (read_timing, TIMING_MET, "WNS(ns)  ", "Slack(ns)", r"no design timing summary"),
    (read_timing, TIMING_MET, "Frequency(MHz)", "Freq(MHz)", r"no end of a clock summary"),
    (
        read_timing,
        TIMING_MET,
        "clk_fpga_0  {0.000 5.000}        10.000          100.000",
        "",
        r"no clock summary; an unc",
    ),
    (read_timing, TIMING_MET, "100.000  ", "fast     ", r"frequency of clk_fpga_0 is 'fast'"),
    (read_timing, TIMING_MET, "{0.000 5.000}", "unknown", r"cannot read the clock 'clk_fpga_0  unknown"),
    (read_power, POWER, "| 1.612 ", "| NA    ", r"power report: Total On-Chip Power \(W\) is 'NA', a number is wanted"),
    (read_power, POWER, "Dynamic (W)", "Moving  (W)", r"power report: no row 'Dynamic \(W\)'"),
    (read_power, POWER, "Confidence Level", "Confidence", r"no row 'Confidence Level'"),
]


@pytest.mark.parametrize(("read", "text", "old", "new", "words"), ERRORS, ids=[words for *_, words in ERRORS])
def test_what_cannot_be_read_is_an_error(read, text, old, new, words):
    assert old in text
    with pytest.raises(OverlayError, match=words):
        read(text.replace(old, new))


@pytest.mark.parametrize("read", [read_utilisation, read_timing, read_power])
@pytest.mark.parametrize("text", ["", "no report at all", "| a | b |\n"])
def test_something_else_is_no_report(read, text):
    with pytest.raises(OverlayError, match="report"):
        read(text)


@pytest.mark.parametrize(
    ("read", "text"), [(read_utilisation, UTILISATION_2022), (read_timing, TIMING_MET), (read_power, POWER)]
)
def test_a_report_cut_short_gives_no_wrong_value(read, text):
    whole = read(text)
    for end in range(len(text)):
        try:
            assert read(text[:end]) == whole
        except OverlayError:
            continue


def test_a_missing_report_names_the_step(tmp_path):
    (tmp_path / "utilization.rpt").write_text(UTILISATION_2022)
    with pytest.raises(OverlayError, match=r"timing.rpt: No such file or directory; the step implement writes it"):
        read_reports(tmp_path)
    (tmp_path / "timing.rpt").write_text(TIMING_MET)
    (tmp_path / "power.rpt").write_text(POWER)
    assert read_reports(tmp_path).timing.met
