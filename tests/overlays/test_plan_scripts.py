# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every script of a plan, sourced in tclsh against stubs: commands, options, order, arguments, and each failure."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lutforge.boards import load_board
from lutforge.hls.generator import generate
from lutforge.overlays.plan import plan, write_plan

sys.path.insert(0, str(Path(__file__).parent))
from plan_examples import BOARDS, ROUTES, forked_design, small_design, small_plan
from tool_stubs import PROPERTIES, TOOLS, run_script

FIRST = {"hls": "hls", "rtl": "package_ip"}
CLOCK = {"pynq_z2": {}, "zcu104": {"period": "5.333", "clock": "187.498123"}}


@pytest.fixture
def written(tmp_path):
    """written(route, board, [(file, old, new), ...]) -> folder of a plan, with changes made to it."""

    def write(route="hls", board="pynq_z2", *changes):
        folder = tmp_path / "plan"
        write_plan(folder, small_design()[0], small_plan(route, board))
        for name, old, new in changes:
            text = (folder / name).read_text()
            assert text.count(old) == 1, f"{name}: {old}"
            (folder / name).write_text(text.replace(old, new))
        return folder

    return write


def run(folder, step, board="pynq_z2", **answers):
    return run_script(folder, step, load_board(board).part, **{**CLOCK[board], **answers})


def reach(folder, step, board="pynq_z2"):
    """Run what comes before a step."""
    first = "hls" if (folder / "hls.tcl").is_file() else "package_ip"
    for earlier in [first, "block_design", "implement"]:
        if earlier == step:
            return
        ran = run(folder, earlier, board)
        assert ran.returncode == 0, ran.error


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("route", ROUTES)
def test_a_plan_runs_to_its_bitstream(written, route, board):
    folder = written(route, board)
    for step in (FIRST[route], "block_design", "implement"):
        ran = run(folder, step, board)
        assert (ran.returncode, ran.error) == (0, "")
        assert (folder / "overlay" / "overlay.hwh").exists() == (step in ("block_design", "implement"))
        assert (folder / "overlay" / "overlay.bit").exists() == (step == "implement")
    assert {path.name for path in (folder / "reports").iterdir()} >= {"utilization.rpt", "timing.rpt", "power.rpt"}


def test_every_row_names_its_page_and_is_used(written, tmp_path):
    """A row that nothing uses would vouch for nothing."""
    used = {step: set() for step in TOOLS}
    for route in ROUTES:
        folder = written(route)
        for step in (FIRST[route], "block_design", "implement"):
            ran = run(folder, step)
            used[step] |= {call[0] for call in ran.calls}
    used["hls"] |= {call[0] for call in run(forked_plan(tmp_path), "hls").calls}
    for step, table in TOOLS.items():
        assert used[step] == set(table)
        assert all(row.page.startswith(("UG", "XD", "help ")) for row in table.values())
    assert all(page.startswith(("UG", "XD", "PG", "help ")) for page in PROPERTIES.values())


def test_arguments_of_c_synthesis(written):
    folder = written("hls", "zcu104")
    ran = run(folder, "hls", "zcu104")
    assert ran.of("set_part") == [["xczu7ev-ffvc1156-2-e"]]
    assert ran.of("create_clock") == [["-period", "-name", "5.333", "default"]]
    source, box = ran.of("add_files")
    assert source == ["-cflags", f"-I{folder}/src -DLUTFORGE_BLACK_BOXES", f"{folder}/src/lutforge_top.cpp"]
    assert box == ["-blackbox", f"{folder}/work_black_boxes/luts_lut_array.json"]
    placed = Path(box[1]).read_text()
    assert "@PLAN@" not in placed and f'"{folder}/rtl/luts_lut_array.v"' in placed
    export = ran.of("export_design")[0]
    assert export[5:] == ["ip_catalog", "lutforge", "hls", "lutforge_top", "1.0"]
    assert run(folder, "hls", "zcu104", old_hls="1").returncode == 0  # vivado_hls has no -flow_target


def forked_plan(tmp_path):
    network, schedule = forked_design()
    board = load_board("pynq_z2")
    write_plan(tmp_path / "forked", network, plan(network, schedule, board, generate(network, schedule, board)))
    return tmp_path / "forked"


def test_pipelines_flush_where_streams_fork(written, tmp_path):
    """One that stalls would keep beats that a node of two inputs waits for."""
    assert run(forked_plan(tmp_path), "hls").of("config_compile") == [["-pipeline_style", "flp"]]
    assert run(written("hls"), "hls").of("config_compile") == []


def test_arguments_of_the_packager(written):
    folder = written("rtl")
    ran = run(folder, "package_ip")
    added = [call[-1] for call in ran.of("add_files")]
    names = ["rtl/lutforge/stream.v", "rtl/lutforge_top.v", "mem/fc1.weights.mem"]
    assert added == [f"{folder}/ip/{name}" for name in names]
    package = ran.of("ipx::package_project")[0]
    assert package[5:] == [f"{folder}/ip", "lutforge", "hls", "/UserIP", "1"]
    assert [call[-2:] for call in ran.of("ipx::add_register")] == [
        [name, "Reg"] for name in ("CTRL", "GIER", "IP_IER", "IP_ISR", "images")
    ]
    values = [call[-3:-1] for call in ran.of("set_property") if call[-3] == "address_offset"]
    assert [value for _, value in values] == ["0x00", "0x04", "0x08", "0x0c", "0x10"]
    fields = [call[-2] for call in ran.of("ipx::add_field")]
    assert fields[:5] == ["AP_START", "AP_DONE", "AP_IDLE", "AP_READY", "AUTO_RESTART"]


@pytest.mark.parametrize(
    ("board", "ps", "wanted"),
    [
        (
            "pynq_z2",
            "processing_system7:5.5",
            ["PCW_USE_S_AXI_HP0 1", "PCW_S_AXI_HP0_DATA_WIDTH 64", "PCW_FPGA0_PERIPHERAL_FREQMHZ 100"],
        ),
        (
            "zcu104",
            "zynq_ultra_ps_e:3.10",  # newer than 3.5
            [
                "PSU__USE__S_AXI_GP2 1",
                "PSU__USE__M_AXI_GP1 0",
                "PSU__SAXIGP2__DATA_WIDTH 128",
                "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ 187.5",
            ],
        ),
    ],
)
def test_arguments_of_the_block_design(written, board, ps, wanted):
    folder = written("hls", board)
    reach(folder, "block_design", board)
    ran = run(folder, "block_design", board)
    assert ran.of("create_bd_cell")[0][-2:] == [f"xilinx.com:ip:{ps}", "ps"]
    config, dma = (call[-2] for call in ran.of("set_property") if call[0] == "-dict")
    assert all(f"CONFIG.{entry}" in config for entry in wanted)
    bits = {"pynq_z2": 64, "zcu104": 128}[board]
    for entry in (
        "include_sg 0",
        "sg_length_width 26",
        f"m_axi_mm2s_data_width {bits}",
        f"m_axi_s2mm_data_width {bits}",
    ):
        assert f"CONFIG.c_{entry}" in dma
    assert ran.of("create_bd_cell")[2][-2:] == ["lutforge:hls:lutforge_top:1.0", "lutforge_0"]
    assert ran.of("connect_bd_intf_net") == [
        ["axi_dma_0/M_AXIS_MM2S", "lutforge_0/images_in"],
        ["lutforge_0/answers_out", "axi_dma_0/S_AXIS_S2MM"],
    ]
    port = {"pynq_z2": "S_AXI_HP0", "zcu104": "S_AXI_HP0_FPD"}[board]
    slaves = [call[-2].split(" Slave ")[1].split()[0] for call in ran.of("apply_bd_automation") if "axi4" in call[2]]
    assert slaves == ["/axi_dma_0/S_AXI_LITE", "/lutforge_0/s_axi_control", f"/ps/{port}", f"/ps/{port}"]
    assert ran.of("set_property")[0] == ["board_part", load_board(board).board_part, "project"]


SWAPS = [
    ("hls", "hls", "set_top $top", "open_project -reset work_hls"),
    ("hls", "hls", "csynth_design", "set_part $part"),
    ("hls", "hls", "create_clock -period $clock_ns -name default", "csynth_design"),
    ("rtl", "package_ip", "update_compile_order -fileset sources_1", "set_property top $top [current_fileset]"),
    ("rtl", "package_ip", "ipx::save_core $core", "ipx::check_integrity $core"),
    ("rtl", "package_ip", "ipx::update_checksums $core", "ipx::create_xgui_files $core"),
    ("hls", "block_design", "update_ip_catalog -rebuild", "create_bd_design $design"),
    ("hls", "block_design", "assign_bd_address", "validate_bd_design"),
    ("hls", "block_design", "validate_bd_design", "save_bd_design"),
    ("hls", "block_design", "save_bd_design", "set wrapper [make_wrapper -files [get_files $design.bd] -top]"),
    ("hls", "block_design", "generate_target all [get_files $design.bd]", "copy_handoff"),
    ("hls", "implement", "launch_runs synth_1 -jobs $jobs", 'complete synth_1 "synth_design Complete"'),
    ("hls", "implement", "reset_run impl_1", 'complete impl_1 "write_bitstream Complete"'),
    ("hls", "implement", "open_run impl_1", "report_power -file [in_plan reports/power.rpt]"),
]


@pytest.mark.parametrize(("route", "step", "one", "other"), SWAPS, ids=[f"{s[2]} / {s[3]}" for s in SWAPS])
def test_two_steps_swapped_are_seen(written, route, step, one, other):
    folder = written(route)
    reach(folder, step)
    path = folder / f"{step}.tcl"
    lines = path.read_text().splitlines()
    places = [next(i for i, line in enumerate(lines) if line.strip() == wanted) for wanted in (one, other)]
    lines[places[0]], lines[places[1]] = lines[places[1]], lines[places[0]]
    path.write_text("\n".join(lines) + "\n")
    ran = run(folder, step)
    assert ran.returncode == 1 and "ERROR: lutforge: " in ran.error


REMOVED = [
    ("hls", "hls", "set_part $part"),
    ("hls", "hls", "create_clock -period $clock_ns -name default"),
    ("hls", "hls", "set_top $top"),
    ("rtl", "package_ip", "ipx::associate_bus_interfaces -clock ap_clk -reset ap_rst_n $core"),
    ("rtl", "package_ip", "ipx::associate_bus_interfaces -busif $name -clock ap_clk $core"),
    ("rtl", "package_ip", "add_register $block {*}$entry"),
    ("rtl", "package_ip", "set_property version $ip_version $core"),
    ("hls", "block_design", "configure_ps $ps"),
    ("hls", "block_design", "set_property board_part $board_part [current_project]"),
    ("hls", "block_design", "assign_bd_address"),
    ("hls", "block_design", "validate_bd_design"),
    ("hls", "implement", "launch_runs synth_1 -jobs $jobs"),
]


@pytest.mark.parametrize(("route", "step", "line"), REMOVED, ids=[line for _, _, line in REMOVED])
def test_a_missing_step_is_seen(written, route, step, line):
    folder = written(route)
    reach(folder, step)
    path = folder / f"{step}.tcl"
    lines = path.read_text().splitlines()
    kept = [text for text in lines if text.strip() != line]
    assert len(kept) == len(lines) - 1
    path.write_text("\n".join(kept) + "\n")
    assert run(folder, step).returncode == 1


FAULTS = [
    ("hls", "hls", {"csynth": "no"}, "synthesis failed"),
    ("hls", "hls", {"export": "no"}, "the IP was not exported: work_hls/solution1/impl/ip has no component.xml"),
    ("rtl", "package_ip", {"no_interface": "answers_out"}, "found no interface answers_out among the ports"),
    ("hls", "block_design", {"board_parts": ""}, "files of board tul.com.tw:pynq-z2:part0:1.0 are not installed"),
    ("hls", "block_design", {"network_ip": ""}, "holds no IP lutforge:hls:lutforge_top:1.0; run the step before"),
    ("hls", "block_design", {"axi_dma": ""}, "this Vivado has no block axi_dma; install the devices of part xc7z020"),
    (
        "hls",
        "block_design",
        {"clock": "111.111115"},
        "processing system makes is '111.111115' MHz, .* made for 100 MHz",
    ),
    ("hls", "block_design", {"clock": ""}, "processing system makes is '' MHz"),
    ("hls", "block_design", {"clkrst": "no"}, "these pins got no clock: lutforge_0/ap_clk axi_dma_0/m_axi_mm2s_aclk"),
    ("hls", "block_design", {"validate": "no"}, "validation failed"),
    ("hls", "block_design", {"generated": "elsewhere"}, "Vivado wrote no lutforge.hwh below work_vivado"),
    (
        "hls",
        "implement",
        {"synth_1.status": "synth_design ERROR"},
        "run synth_1 ended with 'synth_design ERROR', wanted",
    ),
    ("hls", "implement", {"synth_1.progress": "40%"}, "run synth_1 ended with"),
    ("hls", "implement", {"impl_1.status": "place_design ERROR"}, "run impl_1 ended with 'place_design ERROR', wanted"),
    ("hls", "implement", {"impl_1.progress": "80%"}, "run impl_1 ended with"),
    ("hls", "implement", {"wns": "-0.003"}, "timing is not met: WNS is -0.003 ns at 100 MHz"),
    ("hls", "implement", {"whs": "-0.001"}, "timing is not met: WHS is -0.001 ns"),
    ("hls", "implement", {"wns": ""}, "the run has no WNS"),
    ("hls", "implement", {"period": "8.000"}, "the clock that timing was analysed for is '125.0' MHz"),
    ("hls", "implement", {"clock": "90.909"}, "the PL clock that the processing system makes is '90.909' MHz"),
    ("hls", "implement", {"bitstream": "no"}, "Vivado wrote no bitstream"),
]


@pytest.mark.parametrize(("route", "step", "answers", "words"), FAULTS, ids=[words for *_, words in FAULTS])
def test_a_fault_of_the_tool_ends_the_script(written, route, step, answers, words):
    folder = written(route)
    reach(folder, step)
    ran = run(folder, step, **answers)
    assert ran.returncode == 1
    assert re.search(words, ran.error), ran.error
    assert not (folder / "overlay" / "overlay.bit").exists()


def test_timing_that_fails_leaves_no_older_bitstream(written):
    folder = written()
    reach(folder, "implement")
    assert run(folder, "implement").returncode == 0
    assert run(folder, "implement", wns="-1").returncode == 1
    assert not (folder / "overlay" / "overlay.bit").exists()
    assert (folder / "reports" / "timing.rpt").exists()  # to see why


def test_a_status_that_says_more_is_understood(written):
    folder = written()
    reach(folder, "implement")
    status = {"impl_1.status": "write_bitstream Complete, Failed Timing!"}
    assert run(folder, "implement", **status).returncode == 0  # the slack decides, and here it is positive


def test_synthesis_that_is_complete_is_not_run_again(written):
    folder = written()
    reach(folder, "implement")
    ran = run(folder, "implement", synth_before="yes")
    assert ran.returncode == 0 and ran.of("reset_run") == [["impl_1"]]
    stale = run(folder, "implement", synth_before="yes", needs_refresh="1")
    assert stale.of("reset_run") == [["synth_1"], ["impl_1"]]


def test_a_handoff_of_an_older_vivado_is_found(written):
    folder = written()
    reach(folder, "block_design")
    assert run(folder, "block_design", generated="srcs").returncode == 0
    assert (folder / "overlay" / "overlay.hwh").read_text() == "hwh"


@pytest.mark.parametrize("route", ROUTES)
def test_a_table_that_is_missing_or_short_is_an_error(written, route):
    name = {"hls": "mem/luts.init.mem", "rtl": "ip/mem/fc1.weights.mem"}[route]
    folder = written(route)
    table = folder / name
    words = table.read_text().splitlines()
    table.write_text("\n".join(words[:-1]) + "\n")
    ran = run(folder, FIRST[route])
    counts = {"hls": (3, 4), "rtl": (1, 2)}[route]
    assert ran.returncode == 1
    assert f"table {name} has {counts[0]} words, {counts[1]} are wanted; write the plan again" in ran.error
    table.unlink()
    ran = run(folder, FIRST[route])
    assert ran.returncode == 1 and f"table {name} is missing" in ran.error


def test_a_wrong_part_is_seen(written):
    folder = written()
    assert run_script(folder, "hls", "xc7z010clg400-1").returncode == 1
    reach(folder, "block_design")
    ran = run_script(folder, "block_design", "xc7z010clg400-1")
    assert ran.returncode == 1 and "part xc7z020clg400-1 is not known" in ran.error


@pytest.mark.parametrize(
    ("step", "old", "new", "words"),
    [
        ("hls", "csynth_design\n", "csynth_dezign\n", "no command csynth_dezign in this tool"),
        ("hls", "add_files -blackbox", "add_files -black_box", "add_files has no option -black_box"),
        ("block_design", "CONFIG.c_include_sg", "CONFIG.c_includ_sg", "no property CONFIG.c_includ_sg"),
        ("block_design", "xilinx.com:bd_rule:clkrst", "xilinx.com:bd_rule:clock", "no automation rule clock"),
        ("block_design", "ddr_seg Auto", "dram_seg Auto", "rule axi4 has no setting dram_seg"),
        ("implement", "STATS.$name", "STAT.$name", "no property STAT.WNS"),
    ],
)
def test_the_stubs_refuse_what_no_guide_knows(written, step, old, new, words):
    folder = written("hls", "pynq_z2", (f"{step}.tcl", old, new))
    reach(folder, step)
    ran = run(folder, step)
    assert ran.returncode == 1 and words in ran.error


def test_a_path_with_a_space_is_refused(tmp_path):
    folder = tmp_path / "my plan"
    write_plan(folder, small_design()[0], small_plan("hls", "pynq_z2"))
    ran = run(folder, "hls")
    assert ran.returncode == 1 and "the tools break at spaces; move it to a folder without" in ran.error
