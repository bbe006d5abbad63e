# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The commands of Vitis HLS and Vivado that plans use, as stubs for tclsh.

Each row names the guide's page on the command, and which of its options a plan may give (True: it takes a value).
A command, option, property or automation rule that is not in these tables is an error, and so is a command before
those that it needs. UG835 and UG1399 have one page per command; ipx commands are in Vivado's own help and in UG1118.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Tuple

import pytest

RUNTIME = Path(__file__).with_name("tool_stubs.tcl")


@dataclass(frozen=True)
class Command:
    """One command: words besides options (fewest, most), options, and what must have been called before ('|': or)."""

    page: str
    words: Tuple[int, int] = (0, 0)
    options: Mapping[str, bool] = field(default_factory=dict)
    after: Tuple[str, ...] = ()


OPENED = ("create_project|open_project",)
DESIGN = ("create_bd_design",)
CORE = ("ipx::package_project",)

HLS = {
    "open_project": Command("UG1399, open_project", (1, 1), {"-reset": False}),
    "set_top": Command("UG1399, set_top", (1, 1), {}, ("open_project",)),
    "add_files": Command("UG1399, add_files", (0, 1), {"-cflags": True, "-blackbox": True}, ("open_project",)),
    "open_solution": Command("UG1399, open_solution", (1, 1), {"-reset": False, "-flow_target": True}, ("add_files",)),
    "set_part": Command("UG1399, set_part", (1, 1), {}, ("open_solution",)),
    "create_clock": Command("UG1399, create_clock", (0, 0), {"-period": True, "-name": True}, ("open_solution",)),
    "config_compile": Command("UG1399, config_compile", (0, 0), {"-pipeline_style": True}, ("open_solution",)),
    "csynth_design": Command("UG1399, csynth_design", (0, 0), {}, ("set_top", "add_files", "set_part", "create_clock")),
    "export_design": Command(
        "UG1399, export_design",
        (0, 0),
        {"-format": True, "-vendor": True, "-library": True, "-ipname": True, "-version": True},
        ("csynth_design",),
    ),
}

PACKAGER = {
    "create_project": Command("UG835, create_project", (1, 2), {"-force": False, "-part": True}),
    "close_project": Command("UG835, close_project", (0, 0), {}, OPENED),
    "add_files": Command("UG835, add_files", (1, 1), {"-norecurse": False, "-fileset": True}, OPENED),
    "set_property": Command("UG835, set_property", (1, 3), {"-dict": False}),
    "current_fileset": Command("UG835, current_fileset", (0, 0), {}, OPENED),
    "update_compile_order": Command("UG835, update_compile_order", (0, 0), {"-fileset": True}, ("set:top",)),
    "ipx::package_project": Command(
        "UG1118, Packaging IP with Tcl; help ipx::package_project",
        (0, 0),
        {"-root_dir": True, "-vendor": True, "-library": True, "-taxonomy": True, "-force": False},
        ("add_files", "set:top", "update_compile_order"),
    ),
    "ipx::current_core": Command("help ipx::current_core", (0, 0), {}, CORE),
    "ipx::get_bus_interfaces": Command("help ipx::get_bus_interfaces", (1, 1), {"-of_objects": True}, CORE),
    "ipx::associate_bus_interfaces": Command(
        "XD099, RTL kernel workflow, step 2; help ipx::associate_bus_interfaces",
        (1, 1),
        {"-busif": True, "-clock": True, "-reset": True},
        CORE,
    ),
    "ipx::add_bus_parameter": Command("help ipx::add_bus_parameter", (2, 2), {"-quiet": False}, CORE),
    "ipx::add_memory_map": Command("XD099, RTL kernel workflow, step 3", (2, 2), {"-quiet": False}, CORE),
    "ipx::add_address_block": Command(
        "XD099, RTL kernel workflow, step 3", (2, 2), {"-quiet": False}, ("ipx::add_memory_map",)
    ),
    "ipx::add_register": Command("XD099, RTL kernel workflow, step 3", (2, 2), {}, ("ipx::add_address_block",)),
    "ipx::add_field": Command("XD099, RTL kernel workflow, step 3", (2, 2), {}, ("ipx::add_register",)),
    "ipx::create_xgui_files": Command("help ipx::create_xgui_files", (1, 1), {}, CORE),
    "ipx::update_checksums": Command("help ipx::update_checksums", (1, 1), {}, ("ipx::create_xgui_files",)),
    "ipx::check_integrity": Command("help ipx::check_integrity", (1, 1), {}, ("ipx::update_checksums",)),
    "ipx::save_core": Command(
        "help ipx::save_core",
        (1, 1),
        {},
        (
            "set:name",
            "set:version",
            "busif:s_axi_control",
            "busif:images_in",
            "busif:answers_out",
            "reset:ap_rst_n",
            "ipx::add_field",
            "set:slave_memory_map_ref",
            "ipx::check_integrity",
        ),
    ),
}

DESIGNER = {
    "create_project": PACKAGER["create_project"],
    "close_project": PACKAGER["close_project"],
    "current_project": Command("UG835, current_project", (0, 0), {}, OPENED),
    "current_fileset": PACKAGER["current_fileset"],
    "set_property": PACKAGER["set_property"],
    "get_property": Command("UG835, get_property", (2, 2)),
    "get_board_parts": Command("UG835, get_board_parts", (1, 1), {"-quiet": False}, OPENED),
    "get_ipdefs": Command("UG835, get_ipdefs", (1, 1), {}, OPENED),
    "update_ip_catalog": Command("UG835, update_ip_catalog", (0, 0), {"-rebuild": False}, ("set:ip_repo_paths",)),
    "create_bd_design": Command(
        "UG835, create_bd_design; UG994, Creating a Block Design", (1, 1), {}, ("set:board_part", "update_ip_catalog")
    ),
    "create_bd_cell": Command("UG835, create_bd_cell", (1, 1), {"-type": True, "-vlnv": True}, DESIGN),
    "apply_bd_automation": Command(
        "UG835, apply_bd_automation; UG994, Using the Designer Assistance Feature",
        (1, 1),
        {"-rule": True, "-config": True},
        ("create_bd_cell",),
    ),
    "get_bd_intf_pins": Command("UG835, get_bd_intf_pins", (1, 1), {}, ("create_bd_cell",)),
    "get_bd_cells": Command("UG835, get_bd_cells", (0, 1), {}, ("create_bd_cell|open_bd_design",)),
    "get_bd_pins": Command("UG835, get_bd_pins", (0, 0), {"-of_objects": True, "-filter": True}, ("create_bd_cell",)),
    "get_bd_nets": Command("UG835, get_bd_nets", (0, 0), {"-quiet": False, "-of_objects": True}, ("create_bd_cell",)),
    "connect_bd_intf_net": Command("UG835, connect_bd_intf_net", (2, 2), {}, ("create_bd_cell",)),
    "assign_bd_address": Command(
        "UG835, assign_bd_address; UG994, Creating a Memory Map",
        (0, 0),
        {},
        ("connect_bd_intf_net", "rule:processing_system", "rule:axi4", "rule:clkrst"),
    ),
    "validate_bd_design": Command(
        "UG835, validate_bd_design; UG994, Validating a Design", (0, 0), {}, ("assign_bd_address",)
    ),
    "save_bd_design": Command("UG835, save_bd_design", (0, 0), {}, ("validate_bd_design",)),
    "get_files": Command("UG835, get_files", (1, 1), {}, OPENED),
    "make_wrapper": Command(
        "UG835, make_wrapper; UG994, Creating an HDL Wrapper",
        (0, 0),
        {"-files": True, "-top": False},
        ("validate_bd_design", "save_bd_design"),
    ),
    "add_files": PACKAGER["add_files"],
    "update_compile_order": PACKAGER["update_compile_order"],
    "generate_target": Command(
        "UG835, generate_target; UG994, Generating Output Products", (2, 2), {}, ("save_bd_design", "set:top")
    ),
}

IMPLEMENTER = {
    "open_project": Command("UG835, open_project", (1, 1)),
    "close_project": PACKAGER["close_project"],
    "get_runs": Command("UG835, get_runs", (1, 1), {}, OPENED),
    "get_property": DESIGNER["get_property"],
    "reset_run": Command("UG835, reset_runs", (1, 1), {}, OPENED),
    "launch_runs": Command("UG835, launch_runs", (1, 1), {"-jobs": True, "-to_step": True}, ("reset_run",)),
    "wait_on_run": Command("UG835, wait_on_runs", (1, 1), {"-timeout": True}, ("launch_runs",)),
    "open_run": Command("UG835, open_run", (1, 1), {}, ("wait_on_run",)),
    "report_utilization": Command(
        "UG835, report_utilization", (0, 0), {"-file": True, "-hierarchical": False}, ("open_run",)
    ),
    "report_timing_summary": Command("UG835, report_timing_summary", (0, 0), {"-file": True}, ("open_run",)),
    "report_power": Command("UG835, report_power", (0, 0), {"-file": True}, ("open_run",)),
    "get_clocks": Command("UG835, get_clocks", (1, 1), {}, ("open_run",)),
    "open_bd_design": Command("UG835, open_bd_design", (1, 1), {}, OPENED),
    "get_files": DESIGNER["get_files"],
    "get_bd_cells": DESIGNER["get_bd_cells"],
}

TOOLS: Dict[str, Mapping[str, Command]] = {
    "hls": HLS,
    "package_ip": PACKAGER,
    "block_design": DESIGNER,
    "implement": IMPLEMENTER,
}

PROPERTIES = {
    "board_part": "UG912, PROJECT",
    "ip_repo_paths": "UG896, Using IP Project Settings",
    "top": "UG912, FILESET",
    "name": "help ipx::current_core",
    "version": "help ipx::current_core",
    "display_name": "help ipx::current_core",
    "slave_memory_map_ref": "XD099, RTL kernel workflow, step 3",
    "value": "help ipx::add_bus_parameter",
    "range": "XD099, RTL kernel workflow, step 3",
    "usage": "XD099, RTL kernel workflow, step 3",
    "address_offset": "XD099, RTL kernel workflow, step 3",
    "size": "XD099, RTL kernel workflow, step 3",
    "bit_offset": "XD099, RTL kernel workflow, step 3",
    "bit_width": "XD099, RTL kernel workflow, step 3",
    "access": "XD099, RTL kernel workflow, step 3",
    **dict.fromkeys(
        [
            "CONFIG.PCW_USE_M_AXI_GP0",
            "CONFIG.PCW_USE_S_AXI_HP0",
            "CONFIG.PCW_S_AXI_HP0_DATA_WIDTH",
            "CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ",
        ],
        "PG082, user parameters",
    ),
    **dict.fromkeys(
        [
            "CONFIG.PSU__USE__M_AXI_GP0",
            "CONFIG.PSU__USE__M_AXI_GP1",
            "CONFIG.PSU__USE__M_AXI_GP2",
            "CONFIG.PSU__USE__S_AXI_GP2",
            "CONFIG.PSU__SAXIGP2__DATA_WIDTH",
            "CONFIG.PSU__OVERRIDE__BASIC_CLOCK",
            "CONFIG.PSU__FPGA_PL0_ENABLE",
            "CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ",
        ],
        "PG201, user parameters",
    ),
    **dict.fromkeys(
        [
            "CONFIG.c_include_sg",
            "CONFIG.c_sg_include_stscntrl_strm",
            "CONFIG.c_sg_length_width",
            "CONFIG.c_addr_width",
            "CONFIG.c_include_mm2s",
            "CONFIG.c_m_axi_mm2s_data_width",
            "CONFIG.c_m_axis_mm2s_tdata_width",
            "CONFIG.c_mm2s_burst_size",
            "CONFIG.c_include_s2mm",
            "CONFIG.c_m_axi_s2mm_data_width",
            "CONFIG.c_s2mm_burst_size",
        ],
        "PG021, user parameters",
    ),
}

RULES = {
    "processing_system7": ("make_external", "apply_board_preset", "Master", "Slave"),
    "zynq_ultra_ps_e": ("apply_board_preset",),
    "axi4": ("Clk_master", "Clk_slave", "Clk_xbar", "Master", "Slave", "ddr_seg", "intc_ip", "master_apm"),
    "clkrst": ("Clk",),
}
"""Automation rules below xilinx.com:bd_rule and their settings, as Vivado's journal writes them (UG994)."""


@dataclass(frozen=True)
class Ran:
    """What a script did under the stubs: exit code, what it said, and each call as [name, argument, ...]."""

    returncode: int
    error: str
    calls: List[List[str]]

    def of(self, name: str) -> List[List[str]]:
        """Arguments of each call of a command."""
        return [call[1:] for call in self.calls if call[0] == name]


def require_tclsh() -> str:
    found = shutil.which("tclsh")
    if not found:
        pytest.skip("tclsh is not installed (apt install tcl)")
    return found


def write_driver(folder: Path, step: str, part: str, **answers: str) -> Path:
    """Write the script that sources FOLDER/STEP.tcl with the stubs of its tool, and return its path.

    answers: values that the stubs give, by name.
    """
    driver = folder / f"{step}.driver.tcl"
    quoted = " ".join(f"{{{name}}} {{{value}}}" for name, value in answers.items())
    rows = "".join(_row(name, command) for name, command in TOOLS[step].items())
    rules = " ".join(name + " {" + " ".join(keys) + "}" for name, keys in RULES.items())
    driver.write_text(
        f"set stub_log {{{folder / step}.calls}}\nset stub_part {{{part}}}\nset stub_step {step}\n"
        f"set stub_answers [dict create {quoted}]\nset stub_properties {{{' '.join(PROPERTIES)}}}\n"
        f"set stub_rules [dict create {rules}]\n"
        f"source {{{RUNTIME}}}\n{rows}stub_start {{{folder / step}.tcl}}\n"
    )
    return driver


def run_script(folder: Path, step: str, part: str, **answers: str) -> Ran:
    """Run a step's script in tclsh under the stubs."""
    driver = write_driver(folder, step, part, **answers)
    log = folder / f"{step}.calls"
    log.unlink(missing_ok=True)
    done = subprocess.run(
        [require_tclsh(), str(driver)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
        cwd=folder.parent,
    )
    calls = [line.split("\t") for line in log.read_text().splitlines()] if log.is_file() else []
    return Ran(done.returncode, done.stderr, calls)


def _row(name: str, command: Command) -> str:
    options = " ".join(f"{option} {int(takes)}" for option, takes in command.options.items())
    low, high = command.words
    return f"stub_define {name} {{{options}}} {low} {high} {{{' '.join(command.after)}}}\n"
