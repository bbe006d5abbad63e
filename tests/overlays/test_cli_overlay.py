# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge overlay` and `lutforge overlay build`, as a user types them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lutforge import store
from lutforge.cli_overlay import app
from lutforge.errors import BoardError, LutforgeError, OverlayError, ToolError
from lutforge.overlays.plan_manifest import load_plan

sys.path.insert(0, str(Path(__file__).parent))
from plan_examples import small_design


def overlay(*words):
    """Run the command; an error of lutforge comes out as the exception that `main` turns into a message."""
    result = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=True)
    if isinstance(result.exception, LutforgeError):
        raise result.exception
    return result


@pytest.fixture
def net(tmp_path):
    store.save(small_design()[0], tmp_path / "net.npz")
    return tmp_path / "net.npz"


@pytest.mark.parametrize("route", ["hls", "rtl"])
def test_a_plan_is_written(net, tmp_path, route):
    out = tmp_path / "plan"
    result = overlay(net, "--board", "zcu104", "--out", out, "--route", route, "--clock", "250", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["route"], document["board"], document["clock_mhz"]) == (route, "zcu104", 250.0)
    manifest = load_plan(out)
    assert manifest.route == route and manifest.network_sha256 == store.digest(small_design()[0])
    assert document["files"] == len(manifest.files)
    assert (out / "build.sh").stat().st_mode & 0o100
    assert (out / "expected.hwh").is_file()
    assert "set clock_mhz {250}\n" in (out / "options.tcl").read_text()


def test_options_may_come_first(net, tmp_path):
    result = overlay("--board", "pynq_z1", "--out", tmp_path / "plan", net)
    assert result.exit_code == 0, result.output
    assert load_plan(tmp_path / "plan").board == "pynq_z1"


def test_help_names_both_commands():
    result = overlay("--help")
    assert result.exit_code == 0 and "plan" in result.output and "build" in result.output


def test_mistakes(net, tmp_path, monkeypatch):
    with pytest.raises(BoardError, match="clock_mhz 120 is none of the clocks"):
        overlay(net, "--out", tmp_path / "plan", "--clock", "120")
    with pytest.raises(OverlayError, match=r"manifest.json: no such file; `lutforge overlay NET"):
        overlay("build", tmp_path)
    overlay(net, "--out", tmp_path / "plan")
    for text in ("soon", "0", "synth=3", "hls=-1", "inf"):
        with pytest.raises(
            LutforgeError, match=rf"--deadline {text}: MINUTES or STEP=MINUTES is wanted, steps are hls"
        ):
            overlay("build", tmp_path / "plan", "--deadline", text)
    for name in ("XILINX_VITIS", "XILINX_HLS", "XILINX_VIVADO", "LUTFORGE_HLS", "LUTFORGE_VIVADO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(ToolError, match=r"none of vitis-run, vitis_hls, vivado_hls was found"):
        overlay("build", tmp_path / "plan", "--deadline", "10", "--deadline", "implement=600")
