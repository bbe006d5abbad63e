# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge array` as a user runs it: generate, plan, run; and its executors in `lutforge check`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from lutforge import reference, save
from lutforge.array_geometry import Geometry
from lutforge.array_manifest import load_array
from lutforge.array_simulation import EXECUTABLE, find_simulation
from lutforge.cli_array_executors import smallest
from lutforge.errors import OverlayError, ScheduleError, ToolError
from lutforge.hls import verilator
from lutforge.network import Network, Node
from lutforge.operations import Input, TableMac
from lutforge.rtl_folder import stamp_path

SMALL = Geometry(4, 8, 8, 2, 2048, 256)


def command(*words):
    return subprocess.run(
        [sys.executable, "-m", "lutforge.cli", *map(str, words)], capture_output=True, text=True, check=False
    )


def good(*words):
    run = command(*words, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def bad(*words):
    run = command(*words)
    assert run.returncode == 2, run.stdout
    return " ".join(run.stderr.split())


def dense(seed, weights=None, inputs=24):
    rng = np.random.default_rng(seed)
    weights = rng.choice((-128, -3, 1, 127), (5, inputs)) if weights is None else weights
    nodes = (Node("x", Input((inputs,))), Node("fc", TableMac(weights, rng.integers(-99, 99, len(weights))), ("x",)))
    return Network(f"dense_{seed}", nodes)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with two networks and the images that both read, labelled as the first answers them."""
    folder = tmp_path_factory.mktemp("networks")
    networks = [dense(seed) for seed in (1, 2)]
    for network in networks:
        save(network, folder / f"{network.name}.npz")
    images = np.random.default_rng(0).integers(0, 256, (20, 24))
    np.savez(folder / "images.npz", images=images, labels=reference.run(networks[0], images).argmax(axis=1))
    return folder


def test_generate(tmp_path):
    said = good("array", "generate", "-o", tmp_path / "array", "--pe", 4, "--simd", 8, "--generators", 2)
    assert (said["pe"], said["simd"], said["weight_bits"], said["activation_words"]) == (4, 8, 8, 16384)
    assert said["activation_bytes"] == 16384 * 8 and said["sum_bytes"] == 2048 * 16
    made = {str(path.relative_to(tmp_path / "array")) for path in (tmp_path / "array").rglob("*") if path.is_file()}
    assert made == {
        "manifest.json",
        "overlay.bit",
        "overlay.hwh",
        "src/lutforge_top.cpp",
        "src/lutforge_top.hpp",
        *(f"src/lutforge/{name}.hpp" for name in ("array", "array_commands", "array_results", "array_tables", "types")),
    }
    text = bad("array", "generate", "-o", tmp_path / "large", "--activation-words", 65536)
    assert "fill at least 256 BRAM36; pynq_z2 has 140. Make them smaller" in text
    assert "generators 3 do not divide pe 16" in bad("array", "generate", "-o", tmp_path, "--generators", 3)


@pytest.mark.parametrize("route", ["hls", "rtl"])
def test_overlay(tmp_path, route):
    said = good("array", "overlay", "-o", tmp_path / "plan", "--route", route, "--board", "zcu104", "--clock", 100)
    assert (said["route"], said["board"], said["pe"]) == (route, "zcu104", 16)
    assert "set clock_mhz {100}" in (tmp_path / "plan" / "options.tcl").read_text()
    assert (
        (tmp_path / "plan" / ("src" if route == "hls" else "ip/rtl") / "lutforge_top")
        .with_suffix(".cpp" if route == "hls" else ".v")
        .is_file()
    )


def test_plan(files, compiled_array):
    said = good("array", "plan", files / "dense_1.npz", "--overlay", compiled_array(SMALL), "--run-images", 4)
    (step,) = said["steps"]
    assert (step["node"], step["positions"], step["tiles"], step["multiplications"]) == ("fc", 4, 6, 120)
    assert said["geometry"]["pe"] == 4 and said["images"] == 4 and said["clock_mhz"] == 100
    assert said["activation_words"] == 12 and said["sum_words"] == 4
    assert said["cycles"] > said["input_cycles"] and said["predicted_fps"] == pytest.approx(4e8 / said["cycles"])
    table = command("array", "plan", files / "dense_1.npz", "--pe", 8, "--simd", 8)
    assert "dense_1 on 8 x 8, 16 images a run; predicted at 100 MHz" in table.stdout and "fc" in table.stdout


def has_verilator():
    try:
        return bool(verilator.find_verilator())
    except ToolError:
        return False


needs_verilator = pytest.mark.skipif(not has_verilator(), reason="Verilator is not installed")


@pytest.mark.parametrize("kernel", ["fast", "csim", pytest.param("rtl", marks=needs_verilator)])
def test_networks_on_one_overlay(files, compiled_array, kernel):
    names = [files / "dense_1.npz", files / "dense_2.npz"]
    said = good("array", "run", compiled_array(SMALL), *names, "--images", files / "images.npz", "--kernel", kernel)
    assert said["equal"] and [one["network"] for one in said["runs"]] == ["dense_1", "dense_2"]
    first, second = said["runs"]
    assert first["accuracy_percent"] == 100 > second["accuracy_percent"]
    assert first["executor"] == f"emulated: {kernel}" and (first["images"], first["run_images"]) == (20, 16)


def test_check(files, compiled_array):
    words = ["check", files / "dense_1.npz", "--images", files / "images.npz", "--limit", 5, "--executors"]
    said = good(*words, "reference,array,array-csim", "--overlay", compiled_array(SMALL))
    assert said["equal"] and [one["name"] for one in said["executors"]] == ["reference", "array", "array-csim"]
    run = command(*words, "reference,array")
    assert run.returncode == 0 and "generating an array of 8 x 8 for dense_1 in" in " ".join(run.stderr.split())
    assert "is a programmable array" in bad(*words, "csim,array", "--overlay", compiled_array(SMALL))


def test_mistakes(files, compiled_array, tmp_path):
    images = ["--images", files / "images.npz"]
    folder = compiled_array(SMALL)
    assert "manifest.json: no such file; `lutforge array generate`" in bad(
        "array", "run", tmp_path, files / "dense_1.npz", *images
    )
    assert "--kernel psim: use one of fast, csim" in bad(
        "array", "run", folder, files / "dense_1.npz", *images, "--kernel", "psim"
    )
    save(dense(3, inputs=20_000), tmp_path / "wide.npz")
    assert "Build an array with activation_words" in bad("array", "plan", tmp_path / "wide.npz", "--overlay", folder)


def test_an_array_for_a_network():
    assert smallest(dense(1)) == Geometry(8, 8, 8, 4, 4096, 1024)
    assert smallest(dense(1, np.full((2, 24), -129))).weight_bits == 9
    assert smallest(dense(1, inputs=40_000)).activation_words == 16384
    with pytest.raises(ScheduleError, match="Build an array with activation_words"):
        smallest(dense(1, np.ones((2, 600_000), dtype=np.int16), inputs=600_000))


@needs_verilator
def test_a_simulation_of_other_sizes(files, compiled_array, tmp_path):
    folder = tmp_path / "array"
    shutil.copytree(compiled_array(SMALL), folder)
    manifest = load_array(folder)
    with pytest.raises(OverlayError, match=r"sim_verilator: no such file; `lutforge array run --kernel rtl` compiles"):
        find_simulation(tmp_path, manifest.source_sha256)
    path = folder / EXECUTABLE
    path.parent.mkdir(exist_ok=True)
    path.write_text("another one")
    stamp_path(folder, "verilator").write_text("0" * 64)
    with pytest.raises(
        OverlayError, match=r"sim_verilator: made for sizes 0{12}, the manifest says [0-9a-f]{12}; `lut"
    ):
        find_simulation(folder, manifest.source_sha256)
    words = ["check", files / "dense_1.npz", "--images", files / "images.npz", "--limit", 20, "--executors"]
    assert good(*words, "reference,array-rtl", "--overlay", folder)["equal"]
