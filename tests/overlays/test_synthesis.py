# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A design of two units: counted unit by unit, stitched for the depth, compared with boards; and how it fails."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Tuple

import pytest

from lutforge.boards import Board, load_board
from lutforge.errors import NetlistError, ToolError
from lutforge.netlist import read_netlist
from lutforge.overlays.synthesis import (
    STREAM,
    LayerArea,
    Utilisation,
    board_percent,
    fits,
    synthesise_design,
    verdict,
)
from lutforge.overlays.synthesis_cells import Counts, count_cells
from lutforge.overlays.synthesis_depth import LogicPath, Point
from lutforge.overlays.synthesis_packing import packed_sites
from lutforge.overlays.synthesis_report import utilisation_document
from lutforge.rtl import RtlDesign, Unit
from lutforge.yosys import synthesise

UNITS = """
// 8 tables of six inputs and a register behind each
module tables (input clk, input [7:0] d, output reg [7:0] q);
  wire [7:0] w;
  genvar n;
  generate for (n = 0; n < 8; n = n + 1) begin : each
    LUT6 #(.INIT(64'h123456789abcdef0 ^ n)) u (
      .I0(d[n]), .I1(d[(n+1)%8]), .I2(d[(n+2)%8]), .I3(d[(n+3)%8]), .I4(d[(n+4)%8]), .I5(d[(n+5)%8]), .O(w[n]));
  end endgenerate
  always @(posedge clk) q <= w;
endmodule

// a running sum whose value leaves through a table, without a register
module total (input clk, input [7:0] d, output odd);
  reg [11:0] sum;
  always @(posedge clk) sum <= sum + d;
  LUT2 #(.INIT(4'h6)) u (.I0(sum[0]), .I1(sum[11]), .O(odd));
endmodule
"""
TOP = """
module top (input clk, input [7:0] d, output reg y);
  wire [7:0] q;
  wire odd;
  reg [7:0] again;
  tables first (clk, d, q);
  always @(posedge clk) again <= q;
  total second (clk, again, odd);
  wire seen;
  LUT3 #(.INIT(8'h96)) u (.I0(odd), .I1(again[0]), .I2(again[1]), .O(seen));
  always @(posedge clk) y <= seen;
endmodule
"""
DESIGN = RtlDesign(
    "top",
    {"rtl/top.v": TOP, "rtl/units.v": UNITS},
    (Unit("tables", "fc1", "LutNeurons", "core"), Unit("total", "sum", "Affine", "head")),
    (),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("netlists")


@pytest.fixture(scope="module")
def used(cache) -> Tuple[Utilisation, list[str]]:
    done: list[str] = []
    return synthesise_design(DESIGN, load_board("pynq_z2"), cache=cache, progress=done.append), done


@pytest.mark.yosys
def test_every_unit_is_counted_on_its_own(used):
    utilisation, done = used
    assert sorted(done) == ["tables", "top", "total"]
    rows = {row.node: row for row in utilisation.rows}
    assert [(row.node, row.op, row.part) for row in utilisation.rows] == [
        ("fc1", "LutNeurons", "core"),
        ("sum", "Affine", "head"),
        (STREAM, "Streams", STREAM),
    ]
    assert rows["fc1"].counts == Counts(
        luts={**dict.fromkeys(("LUT1", "LUT2", "LUT3", "LUT4", "LUT5"), 0), "LUT6": 8, "LUT6_2": 0},
        packed=8,
        ff=8,
        wide=dict.fromkeys(("MUXF7", "MUXF8", "MUXF9"), 0),
    )
    assert (rows["fc1"].depth, rows["fc1"].counts.carry) == (1, 0)
    assert (rows["sum"].counts.ff, rows["sum"].counts.carry, rows["sum"].depth) == (12, 3, 2)
    assert rows["sum"].counts.luts["LUT2"] == 9  # eight bits that are added, and the table at the end
    assert (rows[STREAM].counts.ff, rows[STREAM].counts.luts["LUT3"], rows[STREAM].counts.raw) == (9, 1, 1)
    assert utilisation.total.ff == 29 and utilisation.by_part()["encoder"].raw == 0
    assert utilisation.label == f"synthesised with yosys {utilisation.version} for xc7, not placed"


@pytest.mark.yosys
def test_units_sum_to_what_the_flat_design_has(used):
    """Nothing can be optimised across the borders here: tables are instances, and registers stand between units."""
    flat = read_netlist(synthesise(DESIGN.texts, "top").json, "top")
    counts, total = count_cells(flat, packed_sites(flat)), used[0].total
    assert (counts.luts, counts.ff, counts.carry) == (total.luts, total.ff, total.carry)


@pytest.mark.yosys
def test_the_longest_path_is_followed_through_units(used, cache):
    assert used[0].path.levels == 2, "the adder: a table and a carry; or the table in `total` and the one behind it"
    cut = replace(DESIGN, texts={**DESIGN.texts, "rtl/units.v": UNITS.replace("sum + d", "{sum[10:0], d[0]}")})
    shifted = synthesise_design(cut, load_board("pynq_z2"), cache=cache)
    assert (shifted.path.levels, shifted.path.cells, shifted.path_nodes) == (2, ("LUT2", "LUT3"), ("sum", STREAM))
    assert shifted.path.start.name.startswith("register second.sum[")
    assert shifted.path.end.name == "register y, pin D"


@pytest.mark.yosys
def test_ultrascale_is_said_to_be_counted_with_the_carries_of_the_7_series(used, cache):
    assert not any("CARRY8" in limit for limit in used[0].limits)
    only = RtlDesign("tables", {"rtl/units.v": UNITS}, (), ())
    other = synthesise_design(only, load_board("zcu104"), cache=cache)
    assert (other.family, other.total.raw) == ("xcup", 8)
    assert "CARRY4, not CARRY8" in other.limits[-1]


@pytest.mark.yosys
def test_the_document_adds_up(used):
    document = utilisation_document(used[0], {"pynq_z2": load_board("pynq_z2")})
    assert document["fits"] is True and document["verdict"] == ["fits PYNQ-Z2"]
    assert document["total"]["lut6_raw"] == sum(row["lut6_raw"] for row in document["by_layer"])
    assert document["longest_path"]["start_node"] in ("sum", STREAM)
    assert "No place and route" in document["limits"][0]


@pytest.mark.yosys
def test_the_document_is_the_same_each_time(cache):
    board = load_board("pynq_z2")
    only = RtlDesign("total", {"rtl/units.v": UNITS}, (), ())
    runs = [synthesise_design(only, board, cache=cache), synthesise_design(only, board)]
    first, second = (json.dumps(utilisation_document(run, {"pynq_z2": board}), sort_keys=True) for run in runs)
    assert first == second


@pytest.mark.yosys
def test_a_unit_that_the_top_module_lacks_is_an_error(cache):
    twice = replace(DESIGN, units=(*DESIGN.units, Unit("total", "other", "Affine", "head")))
    with pytest.raises(
        NetlistError, match="module top holds 1 instances of unit total after synthesis, the design lists 2"
    ):
        synthesise_design(twice, load_board("pynq_z2"), cache=cache)


@pytest.mark.yosys
def test_errors_and_deadlines_of_units_reach_the_caller(cache):
    broken = replace(DESIGN, texts={**DESIGN.texts, "rtl/units.v": UNITS.replace("sum + d;", "sum + ;")})
    with pytest.raises(ToolError, match=r"failed: rtl/units.v:16: ERROR: syntax error"):
        synthesise_design(broken, load_board("pynq_z2"), cache=cache)
    with pytest.raises(ToolError, match=r"yosys on tables was not done within 0.2 s"):
        synthesise_design(DESIGN, load_board("pynq_z2"), deadline_s=0.2)


# what fits


def utilisation(board: Board, **layers: Counts) -> Utilisation:
    rows = tuple(
        LayerArea(node, "TableMac", STREAM if node == STREAM else "core", counts, 1) for node, counts in layers.items()
    )
    return Utilisation(board, "xc7", "0.70", rows, LogicPath(1, Point("a"), Point("b"), ()), (STREAM, STREAM))


def area(raw: int, packed: int, ff: int = 0, ramb36: int = 0) -> Counts:
    return Counts(luts={"LUT6": raw}, packed=packed, ff=ff, ramb36=ramb36)


BOARDS = {name: load_board(name) for name in ("pynq_z2", "zcu104")}
SMALL = BOARDS["pynq_z2"]


def test_a_design_that_fits_says_so():
    one = utilisation(SMALL, fc1=area(53200, 50000))
    assert verdict(one, BOARDS) == ("fits PYNQ-Z2",)
    assert board_percent(one)["lut6_raw"] == 100.0


def test_a_design_that_fits_only_packed_says_what_that_hangs_on():
    one = utilisation(SMALL, fc1=area(60000, 50000))
    assert fits(one.total, SMALL)
    assert verdict(one, BOARDS) == (
        "fits PYNQ-Z2 only if the vendor's tool packs tables as estimated: "
        "60,000 LUT6 raw, 50,000 packed, 53,200 there",
    )


def test_a_design_that_does_not_fit_names_the_layer_the_remedy_and_the_boards():
    one = utilisation(SMALL, fc1=area(50000, 50000), fc2=area(20000, 10000))
    first, second, third = verdict(one, BOARDS)
    assert first == "does not fit PYNQ-Z2: raw LUT6 132 %, LUT6 113 % of what it has"
    assert second == (
        "largest: fc1 (TableMac) takes 50,000 of 60,000 lut6_packed; bring it below 86 % of that: "
        "fold it (lower PE x SIMD in the schedule) or prune it (lower fan-in, fewer neurons)"
    )
    assert third == "these counts would fit: ZCU104"


def test_when_one_layer_is_not_enough_or_no_board_is_large_enough():
    one = utilisation(SMALL, fc1=area(200000, 200000), fc2=area(180000, 180000))
    assert verdict(one, BOARDS)[1:] == (
        "largest: fc1 (TableMac) takes 200,000 of 380,000 lut6_packed; "
        "fold it and others (lower PE x SIMD in the schedule); this one alone is not enough",
        "no other known board has room for it (pynq_z2, zcu104)",
    )


def test_memories_that_do_not_fit_and_streams_that_are_too_wide():
    one = utilisation(SMALL, fc1=area(10, 10, ramb36=141))
    assert verdict(one, BOARDS)[0] == "does not fit PYNQ-Z2: BRAM36 101 % of what it has"
    streams = utilisation(SMALL, fc1=area(10, 10), stream=area(10, 10, ff=107000))
    assert verdict(streams, BOARDS)[:2] == (
        "does not fit PYNQ-Z2: flip-flops 101 % of what it has",
        "largest: stream (TableMac) takes 107,000 of 107,000 ff; "
        "make the streams narrower or less deep: fold the layers between them",
    )
