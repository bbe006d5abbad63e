# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Build plans: their files, digests and manifests, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import lutforge
from lutforge import manifest as manifests
from lutforge import store
from lutforge.boards import board_names, load_board
from lutforge.errors import GenerationError, OverlayError
from lutforge.hls.generator import generate
from lutforge.overlays import plan_manifest
from lutforge.overlays.plan import DIGEST, digest_text, plan, write_plan
from lutforge.overlays.plan_options import tcl_list, word_count

sys.path.insert(0, str(Path(__file__).parent))
from plan_examples import FOLDER, ROUTES, golden_texts, rtl_texts, small_box, small_design, small_plan


def test_golden_text():
    """After a change on purpose: python tests/overlays/refresh_plans.py, and review the difference."""
    texts = golden_texts()
    folders = [FOLDER / route for route in ROUTES]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    committed = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in paths}
    assert sorted(texts) == sorted(committed)
    for path, text in texts.items():
        assert text == committed[path], path


def test_the_same_bytes_in_another_process():
    code = "import hashlib, plan_examples as p; print([p.small_plan(r, 'zcu104')['digest.sha256'] for r in p.ROUTES])"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


@pytest.mark.parametrize("route", ROUTES)
def test_the_digest_covers_every_file_in_order(route, tmp_path):
    network, _ = small_design()
    texts = small_plan(route, "pynq_z2")
    write_plan(tmp_path, network, texts)
    lines = (tmp_path / DIGEST).read_text().splitlines()
    paths = [line[66:] for line in lines]
    assert paths == sorted(paths) == sorted(set(texts) - {DIGEST})
    for line in lines:
        assert line[:64] == hashlib.sha256((tmp_path / line[66:]).read_bytes()).hexdigest()
    done = subprocess.run(["sha256sum", "--check", "--quiet", DIGEST], cwd=tmp_path, check=False)
    assert done.returncode == 0
    changed = {**texts, "options.tcl": texts["options.tcl"] + " "}
    assert digest_text(changed) != digest_text(texts)


@pytest.mark.parametrize("name", board_names())
@pytest.mark.parametrize("route", ROUTES)
def test_a_plan_of_every_board(route, name):
    board, (network, _) = load_board(name), small_design()
    texts = small_plan(route, name)
    document = json.loads(texts["manifest.json"])
    assert document["network_sha256"] == store.digest(network)
    assert (document["board"], document["part"], document["clock_mhz"]) == (name, board.part, board.clock_mhz)
    assert (document["route"], document["lutforge"]) == (route, lutforge.__version__)
    assert document["files"] == sorted(texts)
    assert f"set part {{{board.part}}}\n" in texts["options.tcl"]
    assert board.processing_system in texts["processing_system.tcl"]


@pytest.mark.parametrize("route", ROUTES)
def test_the_driver_reads_its_manifest(route, tmp_path):
    network, _ = small_design()
    write_plan(tmp_path, network, small_plan(route, "pynq_z2"))
    manifest = manifests.load_manifest(tmp_path / "overlay")
    manifests.require_network(manifest, store.load(tmp_path / "overlay" / "network.npz"))
    assert not manifest.emulated and manifest.clock_mhz == 100.0 and manifest.classes == 2


def test_library_modules_of_a_packaged_ip_know_the_device():
    texts = small_plan("rtl", "pynq_z2")
    assert texts["ip/rtl/lutforge/stream.v"].startswith("`define LUTFORGE_XILINX")
    assert texts["ip/rtl/lutforge_top.v"] == rtl_texts()["rtl/lutforge_top.v"]


def test_without_black_boxes_c_synthesis_gets_the_tables():
    network, schedule = small_design()
    board = load_board("pynq_z2")
    texts = plan(network, schedule, board, generate(network, schedule, board))
    assert "set cflags {-I@PLAN@/src}\nset black_boxes {}\n" in texts["options.tcl"]
    assert not [path for path in texts if path.startswith(("black_boxes/", "rtl/"))]


def test_word_count_and_lists():
    assert word_count("// head\n0a\n\n 0b // tail\n  // 0c\n") == 2
    assert tcl_list([]) == "" and tcl_list(["a/b.v", "{x 1}"]) == "\n    a/b.v\n    {x 1}\n"
    with pytest.raises(GenerationError, match=r"path 'a\[exit\].v': letters, digits, dots, underscores and slashes"):
        tcl_list(["a[exit].v"])


def test_what_a_plan_cannot_be_made_of():
    network, schedule = small_design()
    board = load_board("pynq_z2")
    sources = generate(network, schedule, board)
    with pytest.raises(GenerationError, match="route 'vhdl' is unknown; use one of hls, rtl"):
        plan(network, schedule, board, sources, route="vhdl")
    with pytest.raises(GenerationError, match=r"output word 'all' is unknown"):
        plan(network, schedule, board, sources, output="all")
    with pytest.raises(GenerationError, match=r"route hls needs src/lutforge_top.cpp"):
        plan(network, schedule, board, rtl_texts())
    with pytest.raises(GenerationError, match=r"route rtl needs rtl/lutforge_top.v"):
        plan(network, schedule, board, sources, route="rtl")
    box = small_box(board)
    other = dataclasses.replace(box, node="other")
    with pytest.raises(
        GenerationError, match=r"black box other_lut_array: its C model src/other_lut_array.cpp was not"
    ):
        plan(network, schedule, board, sources, black_boxes=[other])
    two = {**sources, "src/more_lut_array.cpp": sources["src/luts_lut_array.cpp"]}
    with pytest.raises(GenerationError, match=r"src/more_lut_array.cpp has no black box; give one for every LUT array"):
        plan(network, schedule, board, two, black_boxes=[box])


def test_writing_again_leaves_only_what_belongs(tmp_path):
    network, _ = small_design()
    hls, rtl = small_plan("hls", "pynq_z2"), small_plan("rtl", "pynq_z2")
    write_plan(tmp_path, network, hls)
    built = tmp_path / "overlay" / "overlay.bit"
    built.write_text("bits")
    (tmp_path / "notes.txt").write_text("the user's")
    write_plan(tmp_path, network, hls)
    assert built.read_text() == "bits"  # the same plan: still its bitstream
    write_plan(tmp_path, network, rtl)
    assert not built.exists()
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*rtl, "overlay/network.npz", "notes.txt"}


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    network, _ = small_design()
    texts = small_plan("rtl", "pynq_z2")
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(GenerationError, match=r"the folder is not empty and holds no plan; name an empty or a new"):
        write_plan(tmp_path, network, texts)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "name": "an overlay"}))
    with pytest.raises(OverlayError, match=r"manifest.json: this is no plan"):
        write_plan(tmp_path, network, texts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "thesis.tex"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "not plan format 1, which this lutforge reads"),
        ({"route": "vhdl"}, "ValueError: route is 'vhdl'"),
        ({"board": 3}, "ValueError: board is 3"),
        ({"files": [1]}, "ValueError: files are not texts"),
        ({"extra": 1}, "TypeError"),
        ({"kind": "overlay"}, "this is no plan"),
    ],
)
def test_a_damaged_manifest_is_named(tmp_path, change, words):
    document = json.loads(small_plan("rtl", "pynq_z2")["manifest.json"])
    (tmp_path / "manifest.json").write_text(json.dumps({**document, **change}))
    with pytest.raises(OverlayError, match=words):
        plan_manifest.load_plan(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(OverlayError, match=r"cannot be read \(JSONDecodeError"):
        plan_manifest.load_plan(tmp_path)


def test_no_manifest_says_what_writes_one(tmp_path):
    with pytest.raises(OverlayError, match=r"manifest.json: no such file; `lutforge overlay NET --board B --out DIR`"):
        plan_manifest.load_plan(tmp_path)
