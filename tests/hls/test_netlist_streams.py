# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The netlist simulation of whole designs: answers, traces, the cycles that Verilator counts, and every fault named."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lutforge import Network, Node, reference
from lutforge.boards import load_board
from lutforge.errors import DeviceError, ToolError
from lutforge.hls import verilator
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.netlist_streams import write_executable
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.hls.rtlsim import RtlExecutor, compile_rtl, write_rtl
from lutforge.manifest import load_manifest
from lutforge.multipliers import DivideConquer
from lutforge.netlist import Netlist, Port
from lutforge.operations import Input, TableMac, Threshold
from lutforge.performance import Performance
from lutforge.rtl_folder import load_facts
from lutforge.rtl_kernel import FLOWING, RtlKernel, Stalls
from lutforge.schedule import Folded, Schedule, Unrolled

sys.path.insert(0, str(Path(__file__).parent))
from mirror_network import mirror_network, mirror_overlay
from netlist_simulation import need_tools

LANES = 256


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    need_tools()
    folder = mirror_overlay(tmp_path_factory.mktemp("mirror") / "overlay")
    compile_rtl(folder, "netlist")
    return folder


def images_of(count):
    return np.random.default_rng(5).integers(0, 256, (count, 16))


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(2, 60, 0), Stalls(3, 0, 70), Stalls(4, 40, 40)])
@pytest.mark.parametrize("count", [1, 99, 300, 1000])
def test_answers_and_traces_whatever_the_stalls(mirror, stalls, count):
    executor = RtlExecutor(mirror, mirror_network(), "netlist", stalls)
    images = images_of(count)
    assert executor.name == "rtl: netlist"
    wanted = reference.trace(executor.network, images)
    assert np.array_equal(executor.run(images), wanted["mirror"])
    traced = executor.trace(images)
    assert list(traced) == ["x", "mirror"]
    assert all(np.array_equal(traced[name], wanted[name]) for name in traced)


def stream(folder, images, stalls=FLOWING):
    """Run in one block, however many images there are."""
    kernel = RtlKernel(folder, simulator="netlist", stalls=stalls)
    kernel.stream(images.astype(np.uint8), len(images))
    return kernel


def test_batches_one_after_the_other(mirror):
    kernel = RtlKernel(mirror, simulator="netlist", stalls=Stalls(9, 30, 30), batch=3)
    images = images_of(2000)
    answers = kernel.stream(images.astype(np.uint8), 2000)
    assert np.array_equal(kernel.manifest.output_stream.logits(answers), images + images[:, ::-1])
    assert kernel.stream(images[:0].astype(np.uint8), 0).shape == (0, 64)


def test_measured_cycles(mirror):
    """The numbers are those that test_rtl_simulation.py has from Verilator for one lane."""
    found = stream(mirror, images_of(LANES)).performance
    assert str(found).startswith("measured by netlist on 256 images: latency 43 cycles; predicted at")
    kernel = stream(mirror, images_of(LANES * 80))
    assert kernel.performance == Performance("netlist", 80 * LANES, 32.0, 43, 100.0, 12_500_000.0)
    stats = kernel.last_stats
    assert (stats.first_in, stats.answer_cycles[0] - stats.first_in, len(stats.answer_cycles)) == (8, 42, 65)
    assert stats.images_per_lane == 80 and stats.last_out == stats.answer_cycles[-1] < stats.cycles


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(7, 35, 55)])
def test_counts_the_cycles_that_verilator_counts(mirror, stalls):
    """The first lane takes the first images, and stalls as Verilator does."""
    try:
        verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    if not (mirror / "rtl" / "sim_verilator").exists():
        compile_rtl(mirror, "verilator")
    images = images_of(LANES * 30).astype(np.uint8)
    one, many = (RtlKernel(mirror, simulator=name, stalls=stalls, batch=11) for name in ("verilator", "netlist"))
    assert np.array_equal(one.stream(images[:30], 30), many.stream(images, LANES * 30)[:30])
    assert one.last_stats == dataclasses.replace(many.last_stats, images=30)


FAULTS = [
    (101, "the last answer beat has no TLAST; 202 of 202 input beats were taken and 807 of 808 answer beats came"),
    (102, "TLAST came too early; .* and 3 of 816 answer beats came"),
    (103, "answers_out took back a beat that had not been taken"),
    (104, "TKEEP of an answer beat is not all ones"),
    (105, "TLAST came too early"),  # one beat was lost
    (106, "the last answer beat has no TLAST"),  # one came twice
    (107, "an input beat was taken that belongs to no started batch"),
    (108, "nothing has moved for [0-9]+ cycles while waiting for the done bit; 216 of 216 input beats were taken"),
    (109, "a beat of answers_out changed while it waited"),
]


@pytest.mark.parametrize(("images", "message"), FAULTS)
def test_broken_designs_are_found_out(mirror, images, message):
    """mirror_top.v breaks in a way that the number of images of a lane chooses."""
    where = r"lane [0-9]+ \(image [0-9]+\.\.[0-9]+\), cycle [0-9]+"
    with pytest.raises(DeviceError, match=rf"RTL simulation \(netlist\) of mirror_net: {where}: {message}"):
        stream(mirror, images_of(images * LANES), Stalls(3, 30, 50))


def test_a_fifo_one_too_shallow_is_reported_and_not_waited_for(mirror, tmp_path):
    folder = mirror_overlay(tmp_path / "shallow", depth=15)
    compile_rtl(folder, "netlist")
    message = (
        r"lane 0 \(image 0..4\), cycle 11091: nothing has moved for 11068 cycles while waiting for answers; 2 of 10 "
        r"input beats were taken and 0 of 40 answer beats came \(0 of 5 images\); the last stream that moved is x, in "
        r"cycle 23"
    )
    with pytest.raises(DeviceError, match=message):
        stream(folder, images_of(5 * LANES))


def run(program, *words, folder):
    done = subprocess.run([program, *words], capture_output=True, text=True, cwd=folder, check=False)
    return done.returncode, done.stderr


def test_options_of_the_executable(mirror, tmp_path):
    program = str(mirror / "rtl" / "sim_netlist")
    (tmp_path / "in").write_bytes(bytes(16))
    files = ("--images", "1", "--in", "in", "--out", "out", "--stats", "stats.json")
    assert run(program, "--speed", "9", folder=tmp_path) == (2, "option --speed is unknown\n")
    assert run(program, *files, folder=tmp_path) == (0, "")
    assert json.loads((tmp_path / "stats.json").read_text())["lanes"] == 1
    assert run(program, *files[:1], "2", *files[2:], folder=tmp_path) == (2, "in holds 16 bytes; 32 are wanted\n")
    assert json.loads((tmp_path / "stats.json").read_text())["error"] == "in holds 16 bytes; 32 are wanted"
    (tmp_path / "other").write_bytes(bytes(100))
    found = run(program, *files, "--program", "other", folder=tmp_path)
    assert found == (2, "this is no netlist program of this version; write it again\n")
    (tmp_path / "short").write_bytes(np.array([0x314E464C, 5], dtype="<u4").tobytes())
    found = run(program, "--program", "short", *files, folder=tmp_path)
    assert found == (2, "the netlist program is cut short; write it again\n")
    cut = tmp_path / "cut"
    cut.write_bytes((mirror / "rtl" / "sim_netlist").read_bytes()[:-4])
    cut.chmod(0o755)
    assert run(str(cut), *files, folder=tmp_path) == (2, "no netlist program; name one by --program\n")


def test_a_design_without_the_ports(mirror, tmp_path):
    ports = {"ap_rst_n": Port("ap_rst_n", True, (2,)), "images_in_TREADY": Port("images_in_TREADY", False, (2,))}
    netlist = Netlist("lutforge_top", ports, (), 3, {})
    write_executable(netlist, load_facts(mirror, load_manifest(mirror)), tmp_path / "sim")
    found = run(str(tmp_path / "sim"), "--images", "0", "--in", "in", "--out", "out", folder=tmp_path)
    assert found == (2, "the design has no port images_in_TDATA\n")


def small_network():
    rng = np.random.default_rng(8)
    return Network(
        "small",
        (
            Node("x", Input((12,), 0, 15)),
            Node("mix", TableMac(rng.integers(-8, 8, (6, 12)), rng.integers(-20, 20, 6), DivideConquer(2)), ("x",)),
            Node("code", Threshold(np.sort(rng.integers(-60, 60, (6, 3)), axis=1)), ("mix",)),
            Node("out", TableMac(rng.integers(-8, 8, (4, 6)), rng.integers(-9, 9, 4)), ("code",)),
        ),
    )


@pytest.mark.slow
def test_a_generated_network_equals_the_reference(tmp_path):
    """Every layer is synthesised on its own, with primitives, and stitched into the top."""
    need_tools()
    network, board = small_network(), load_board("pynq_z2")
    schedule = Schedule({"mix": Unrolled(), "out": Folded(1, 2)})
    write_overlay(tmp_path, network, generate(network, schedule, board))
    write_rtl(tmp_path, generate_rtl(network, schedule, board), network)
    compile_rtl(tmp_path, "netlist")
    executor = RtlExecutor(tmp_path, network, "netlist", Stalls(1, 20, 30))
    images = np.random.default_rng(2).integers(0, 16, (700, 12))
    wanted = reference.trace(network, images)
    traced = executor.trace(images)
    assert traced and all(np.array_equal(values, wanted[name]) for name, values in traced.items())
    assert np.array_equal(executor.run(images), wanted["out"])
