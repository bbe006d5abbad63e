# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The build runner with fake tools on PATH: the plan's real scripts, run in tclsh against the stubs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lutforge.boards import load_board
from lutforge.errors import OverlayError, ToolError
from lutforge.overlays.build import build, find_tool
from lutforge.overlays.plan import write_plan

sys.path.insert(0, str(Path(__file__).parent))
from plan_examples import small_design, small_plan
from tool_stubs import require_tclsh, write_driver
from vendor_texts import POWER, TIMING_MET, UTILISATION_2022

FAKE = """#!/bin/sh
# every tool: the script that it is given, under the stubs
echo "fake $(basename "$0") $*" >> "$FAKE_LOG"
for word in "$@"; do case $word in *.tcl) step=${word%.tcl} ;; esac; done
echo "INFO: $step begins"
if [ "${FAKE_SLOW:-}" = "$step" ]; then sleep 60; fi
if [ "${FAKE_FAIL:-}" = "$step" ]; then echo "ERROR: [Synth 8-1] no licence for $step"; exit 1; fi
exec tclsh "$step.driver.tcl"
"""


class Machine:
    """A plan, and fake tools in a folder of their own."""

    def __init__(self, root: Path, route: str = "hls"):
        self.plan, self.tools, self.calls = root / "plan", root / "tools", root / "calls"
        self.said: list[str] = []
        self.tools.mkdir()
        write_plan(self.plan, small_design()[0], small_plan(route, "pynq_z2"))
        samples = {"utilization.rpt": UTILISATION_2022, "timing.rpt": TIMING_MET, "power.rpt": POWER}
        for name, text in samples.items():
            (root / name).write_text(text)
        answers = {name: str(root / name) for name in samples}
        first = {"hls": "hls", "rtl": "package_ip"}[route]
        for step in (first, "block_design", "implement"):
            write_driver(self.plan, step, load_board("pynq_z2").part, **answers)

    def install(self, *names: str, folder: Path | None = None) -> None:
        for name in names:
            path = (folder or self.tools) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FAKE)
            path.chmod(0o755)

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self.tools}:{os.environ['PATH']}", "FAKE_LOG": str(self.calls)}

    def build(self, environ=None, **options):
        return build(self.plan, say=self.said.append, environ={**self.environ, **(environ or {})}, **options)

    @property
    def ran(self) -> list[str]:
        """Each call of a fake tool: its name and the script."""
        lines = self.calls.read_text().split("\n")[:-1] if self.calls.exists() else []
        scripts = [next(word for word in line.split() if word.endswith(".tcl")) for line in lines]
        return [f"{line.split()[1]} {script}" for line, script in zip(lines, scripts, strict=True)]


@pytest.fixture
def machine(tmp_path):
    require_tclsh()
    if not shutil.which("bash") or not shutil.which("sha256sum"):
        pytest.skip("bash and sha256sum are not installed")
    return Machine(tmp_path)


def test_a_build_from_c_to_bitstream(machine):
    machine.install("vitis-run", "vivado")
    result = machine.build()
    assert machine.ran == ["vitis-run hls.tcl", "vivado block_design.tcl", "vivado implement.tcl"]
    assert [(step.name, step.done_before) for step in result.steps] == [
        ("hls", False),
        ("block_design", False),
        ("implement", False),
    ]
    overlay = {path.name for path in result.overlay.iterdir()}
    assert overlay == {"overlay.bit", "overlay.hwh", "manifest.json", "network.npz"}
    assert result.reports is not None and result.reports.timing.wns_ns == 1.234
    assert "INFO: block_design begins" in machine.said
    assert "INFO: implement begins" in (machine.plan / "logs" / "implement.log").read_text()


def test_the_rtl_route_needs_vivado_only(tmp_path):
    require_tclsh()
    machine = Machine(tmp_path, "rtl")
    machine.install("vivado")
    machine.build()
    assert machine.ran == ["vivado package_ip.tcl", "vivado block_design.tcl", "vivado implement.tcl"]


@pytest.mark.parametrize(
    ("installed", "words"),
    [
        (("vitis-run", "vitis_hls", "vivado_hls"), "vitis-run --mode hls --tcl hls.tcl"),
        (("vitis_hls", "vivado_hls"), "vitis_hls -f hls.tcl"),
        (("vivado_hls",), "vivado_hls -f hls.tcl"),
    ],
)
def test_the_newest_front_end_is_taken(machine, installed, words):
    machine.install(*installed)
    machine.build(steps=["hls"])
    assert machine.calls.read_text() == f"fake {words}\n"


def test_tools_below_the_vendor_folders_are_found(machine, tmp_path):
    machine.install("vitis_hls", folder=tmp_path / "Vitis" / "bin")
    machine.install("vivado", folder=tmp_path / "Vivado" / "bin")
    places = {"XILINX_VITIS": str(tmp_path / "Vitis"), "XILINX_VIVADO": str(tmp_path / "Vivado")}
    machine.build(places)
    assert machine.ran[0] == "vitis_hls hls.tcl"
    assert find_tool(["vivado"], places) == str(tmp_path / "Vivado" / "bin" / "vivado")
    again = subprocess.run(
        ["bash", "build.sh"],
        cwd=machine.plan,
        env={**machine.environ, **places},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout == "".join(f"step {name}: done before\n" for name in ("hls", "block_design", "implement"))


def test_build_sh_alone_finds_its_tools(machine, tmp_path):
    machine.install("vivado_hls", folder=tmp_path / "Old" / "bin")
    machine.install("vivado")
    environ = {**machine.environ, "XILINX_HLS": str(tmp_path / "Old")}
    subprocess.run(["bash", str(machine.plan / "build.sh")], cwd=tmp_path, env=environ, check=True, capture_output=True)
    assert machine.ran == ["vivado_hls hls.tcl", "vivado block_design.tcl", "vivado implement.tcl"]
    assert (machine.plan / "overlay" / "overlay.bit").exists()


def test_no_tools_says_where_it_looked_and_what_still_works(machine):
    with pytest.raises(ToolError) as found:
        machine.build({"XILINX_VIVADO": "/nowhere"})
    text = str(found.value)
    assert text.startswith(
        "none of vitis-run, vitis_hls, vivado_hls was found; looked on PATH and below XILINX_VITIS (not set)"
    )
    assert "XILINX_VIVADO=/nowhere" in text and "Wanted: Vitis HLS and Vivado, 2022.1 or newer" in text
    assert "`lutforge csim` and `lutforge synth`" in text and "docs/build.md" in text
    machine.install("vitis-run")
    with pytest.raises(ToolError, match=r"vivado was not found; looked on PATH and below XILINX_VITIS"):
        machine.build()
    with pytest.raises(ToolError, match=r"bash was not found; build.sh needs it"):
        machine.build({"PATH": str(machine.tools)})
    alone = subprocess.run(
        ["bash", "build.sh", "implement"],
        cwd=machine.plan,
        env=machine.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert alone.returncode != 0 and "none of vivado was found" in alone.stderr


def test_a_failed_step_is_named_and_the_next_build_goes_on_there(machine):
    machine.install("vitis-run", "vivado")
    with pytest.raises(ToolError) as found:
        machine.build({"FAKE_FAIL": "block_design"})
    text = str(found.value)
    assert text.startswith("step block_design failed with exit code 1; its log is ")
    assert "ERROR: [Synth 8-1] no licence for block_design" in text and "finished steps are kept" in text
    assert machine.ran == ["vitis-run hls.tcl", "vivado block_design.tcl"]
    result = machine.build()
    assert [step.done_before for step in result.steps] == [True, False, False]
    assert machine.ran[2:] == ["vivado block_design.tcl", "vivado implement.tcl"]
    assert [step.done_before for step in machine.build().steps] == [True, True, True]


def test_an_error_of_the_script_fails_the_step(machine):
    machine.install("vitis-run", "vivado")
    write_driver(machine.plan, "implement", load_board("pynq_z2").part, wns="-0.5")
    with pytest.raises(ToolError, match=r"ERROR: lutforge: timing is not met: WNS is -0.5 ns"):
        machine.build()
    assert not (machine.plan / "overlay" / "overlay.bit").exists()


def test_a_change_runs_a_step_and_those_after_it_again(machine):
    machine.install("vitis-run", "vivado")
    machine.build()
    script = machine.plan / "block_design.tcl"
    script.write_text(script.read_text() + "# mine\n")
    with pytest.raises(
        ToolError, match=r"files of the plan were changed or lost; write the plan again, or set EDITED=1"
    ):
        machine.build()
    result = machine.build(edited=True)
    assert [step.done_before for step in result.steps] == [True, False, False]
    (machine.plan / "src" / "lutforge_top.cpp").write_text("// mine\n")
    assert [step.done_before for step in machine.build(edited=True).steps] == [False, False, False]


def test_a_deadline_ends_the_tool(machine):
    machine.install("vitis-run", "vivado")
    begun = time.monotonic()
    with pytest.raises(
        ToolError, match=r"step hls was not done within 0.02 minutes and was stopped; .* --deadline hls="
    ):
        machine.build({"FAKE_SLOW": "hls"}, deadlines={"hls": 0.02})
    assert time.monotonic() - begun < 20
    assert not (machine.plan / "stamps" / "hls").exists()
    assert machine.build(steps=["hls"]).reports is None


def test_unknown_steps_are_named(machine):
    with pytest.raises(
        OverlayError, match=r"step 'synth' is unknown; a plan of route hls has hls, block_design, implement"
    ):
        machine.build(steps=["synth"])
    alone = subprocess.run(["bash", "build.sh", "synth"], cwd=machine.plan, capture_output=True, text=True, check=False)
    assert alone.returncode == 2 and "no step 'synth'; this plan has: hls block_design implement" in alone.stderr
