# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Build plans of the programmable array: the scripts of every other plan, and no network file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lutforge.array_geometry import Geometry
from lutforge.array_manifest import geometry_sha256, load_array
from lutforge.boards import load_board
from lutforge.errors import GenerationError
from lutforge.hls.array_generator import generate_array
from lutforge.hls.array_rtl import generate_array_rtl
from lutforge.manifest import HWH, NETWORK
from lutforge.overlays.plan import ROUTES, plan_array, write_plan
from lutforge.overlays.plan_manifest import load_plan

sys.path.insert(0, str(Path(__file__).parent))
from plan_examples import small_design, small_plan
from tool_stubs import run_script

GEOMETRY = Geometry(4, 8, 8, 2, 2048, 256)
STEPS = {"hls": "hls", "rtl": "package_ip"}


def array_plan(route, board):
    texts = generate_array(GEOMETRY, load_board(board))
    if route == "rtl":
        texts = {**generate_array_rtl(GEOMETRY).texts, HWH: texts[HWH]}
    return plan_array(GEOMETRY, load_board(board), texts, route)


@pytest.mark.parametrize("route", ROUTES)
def test_a_plan_runs_to_its_bitstream(tmp_path, route):
    write_plan(tmp_path, None, array_plan(route, "pynq_z2"))
    for step in (STEPS[route], "block_design", "implement"):
        ran = run_script(tmp_path, step, load_board("pynq_z2").part)
        assert (ran.returncode, ran.error) == (0, "")
    assert (tmp_path / "overlay" / "overlay.bit").exists() and not (tmp_path / "overlay" / NETWORK).exists()
    made = load_array(tmp_path / "overlay")
    assert made.geometry == GEOMETRY and not made.emulated and made.board == "pynq_z2"


@pytest.mark.parametrize("route", ROUTES)
def test_facts(tmp_path, route):
    """Beats have 64 bits where the board's port has 128, and the hash is that of the sizes."""
    texts = array_plan(route, "zcu104")
    assert "set beat_bits {64}\n" in texts["options.tcl"] and load_board("zcu104").beat_bits == 128
    write_plan(tmp_path, None, texts)
    made = load_plan(tmp_path)
    assert (made.name, made.network_sha256, made.output) == ("array_4x8", geometry_sha256(GEOMETRY), "sums")
    assert made.files == tuple(sorted(texts)) and texts["expected.hwh"]


def test_a_plan_of_a_network_before_leaves_nothing(tmp_path):
    write_plan(tmp_path, small_design()[0], small_plan("hls", "pynq_z2"))
    assert (tmp_path / "overlay" / NETWORK).is_file()
    texts = array_plan("hls", "pynq_z2")
    write_plan(tmp_path, None, texts)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(texts)


def test_refusals():
    with pytest.raises(GenerationError, match="route 'psim' is unknown; use one of hls, rtl"):
        plan_array(GEOMETRY, load_board("pynq_z2"), {}, "psim")
    with pytest.raises(GenerationError, match=r"route hls needs src/lutforge_top\.cpp"):
        plan_array(GEOMETRY, load_board("pynq_z2"), {})
