# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The simulation executable on a hand-written design: right answers, what it counts, and every fault that it names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lutforge import reference
from lutforge.boards import load_board
from lutforge.errors import DeviceError, DeviceTimeout, GenerationError, OverlayError, ToolError
from lutforge.executors import first_difference
from lutforge.hls import rtlsim, verilator, verilog_lint
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.rtlsim import RtlExecutor, compile_rtl, write_rtl
from lutforge.manifest import load_manifest
from lutforge.performance import Performance
from lutforge.rtl_kernel import RtlKernel, Stalls
from lutforge.schedule import Folded, Schedule

sys.path.insert(0, str(Path(__file__).parent))
from mirror_network import mirror_design, mirror_network, mirror_overlay


@pytest.fixture(scope="module")
def simulator():
    try:
        return verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def mirror(simulator, tmp_path_factory):
    folder = mirror_overlay(tmp_path_factory.mktemp("mirror") / "overlay")
    compile_rtl(folder)
    return folder


@pytest.fixture
def copy(mirror, tmp_path):
    return Path(shutil.copytree(mirror, tmp_path / "overlay"))


def images_of(count):
    return np.random.default_rng(5).integers(0, 256, (count, 16))


def test_the_library_of_verilator_is_compiled_once(mirror, copy, tmp_path, monkeypatch):
    monkeypatch.setenv("LUTFORGE_CACHE", str(tmp_path / "cache"))
    compile_rtl(copy, quick=True)
    (kept,) = (tmp_path / "cache").iterdir()
    assert sorted(path.name for path in kept.iterdir()) == sorted(verilator.RUNTIME)
    (kept / "verilated.o").write_bytes(b"no object")
    with pytest.raises(ToolError, match="make failed:"):
        compile_rtl(copy, quick=True)


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(1, 0, 0), Stalls(2, 60, 0), Stalls(3, 0, 70), Stalls(4, 40, 40)])
def test_answers_and_traces_whatever_the_stalls(mirror, stalls):
    executor = RtlExecutor(mirror, mirror_network(), stalls=stalls)
    images = images_of(99)
    assert executor.name == "rtl: verilator"
    wanted = reference.trace(executor.network, images)
    assert np.array_equal(executor.run(images), wanted["mirror"])
    traced = executor.trace(images)
    assert list(traced) == ["x", "mirror"]
    assert all(np.array_equal(traced[name], wanted[name]) for name in traced)
    assert first_difference(executor.network, executor, reference.ReferenceExecutor(executor.network), images) is None


def test_batches_one_after_the_other(mirror):
    kernel = RtlKernel(mirror, stalls=Stalls(9, 30, 30), batch=7)
    images = images_of(50)
    answers = kernel.stream(images.astype(np.uint8), 50)
    assert np.array_equal(kernel.manifest.output_stream.logits(answers), images + images[:, ::-1])
    assert kernel.stream(images[:0].astype(np.uint8), 0).shape == (0, 64)


def test_measured_cycles(mirror):
    executor = RtlExecutor(mirror)
    assert executor.performance is None and executor.run(images_of(0)).shape == (0, 16)
    executor.run(images_of(1))
    assert executor.performance.interval_cycles is None and executor.performance.predicted_fps is None
    assert str(executor.performance).startswith("measured by verilator on 1 images: latency 43 cycles; predicted at")
    executor.run(images_of(80))
    assert executor.performance == Performance("verilator", 80, 32.0, 43, 100.0, 12_500_000.0)
    assert executor.performance.predicted_fps == 3_125_000
    assert str(executor.performance) == (
        "measured by verilator on 80 images: 32.0 cycles per image, latency 43 cycles; predicted at 100 MHz, "
        "not timing-closed: 3,125,000 images/s, 0.43 us; DMA limit 12,500,000 images/s"
    )
    stats = executor.kernel.last_stats
    assert (stats.first_in, stats.answer_cycles[0] - stats.first_in, len(stats.answer_cycles)) == (8, 42, 65)
    assert stats.last_out == stats.answer_cycles[-1] < stats.cycles


def test_a_kernel_outlives_new_verilog(copy):
    """As where one simulator's Verilog is written over another's, the first being in use."""
    executor = RtlExecutor(copy)
    write_rtl(copy, mirror_design(15), mirror_network())
    assert np.array_equal(executor.run(images_of(3)), reference.run(executor.network, images_of(3)))


def test_large_batches_are_simulated_in_blocks(mirror, monkeypatch):
    monkeypatch.setitem(rtlsim.BLOCK_IMAGES, "verilator", 30)
    executor, done = RtlExecutor(mirror), []
    images = images_of(70)
    assert np.array_equal(executor.run(images, done.append), images + images[:, ::-1])
    assert done == [30, 30, 10] and executor.performance.images == 30


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
    """mirror_top.v breaks in a way that the number of images chooses."""
    with pytest.raises(DeviceError, match=rf"RTL simulation \(verilator\) of mirror_net: cycle [0-9]+: {message}"):
        RtlExecutor(mirror, stalls=Stalls(3, 30, 50)).run(images_of(images))


def test_a_fifo_one_too_shallow_is_reported_and_not_waited_for(simulator, tmp_path):
    folder = mirror_overlay(tmp_path / "shallow", depth=15)
    compile_rtl(folder)
    message = (
        r"cycle 11091: nothing has moved for 11068 cycles while waiting for answers; 2 of 10 input beats were taken and "
        r"0 of 40 answer beats came \(0 of 5 images\); the last stream that moved is x, in cycle 23"
    )
    with pytest.raises(DeviceError, match=message):
        RtlExecutor(folder).run(images_of(5))


def test_folders_that_do_not_belong_together(copy, tmp_path):
    with pytest.raises(OverlayError, match=r"made from network [0-9a-f]{12}\.\.\., asked to run"):
        RtlExecutor(copy, mirror_network("another"))
    facts = json.loads((copy / "rtl" / "rtl.json").read_text())
    (copy / "rtl" / "rtl.json").write_text(json.dumps({**facts, "network_sha256": "0" * 64}))
    with pytest.raises(
        OverlayError, match=r"rtl.json: Verilog of network 000000000000\.\.\., the manifest says [0-9a-f]"
    ):
        RtlKernel(copy)
    (copy / "rtl" / "rtl.json").write_text(json.dumps({**facts, "sources_sha256": "f" * 64}))
    with pytest.raises(
        OverlayError, match=r"sim_verilator: built from other Verilog \([0-9a-f]{12}\) than rtl.json says"
    ):
        RtlKernel(copy)
    for damaged in ("{", "[]", json.dumps({**facts, "beat_bits": "64"}), json.dumps({**facts, "format": 2})):
        (copy / "rtl" / "rtl.json").write_text(damaged)
        with pytest.raises(OverlayError, match=r"rtl.json: cannot be read \(\w+: .*\); write the Verilog again"):
            RtlKernel(copy)
    (copy / "rtl" / "rtl.json").unlink()
    with pytest.raises(OverlayError, match=r"rtl.json: no such file; `lutforge rtl` writes the Verilog"):
        RtlKernel(copy)


def test_simulators_that_are_missing_or_damaged(copy):
    with pytest.raises(OverlayError, match=r"simulator 'modelsim' is unknown; use one of verilator, netlist"):
        RtlKernel(copy, simulator="modelsim")
    with pytest.raises(ToolError, match=r"simulator 'modelsim' is unknown; use one of verilator, netlist"):
        compile_rtl(copy, "modelsim")
    with pytest.raises(OverlayError, match=r"sim_netlist: no such file; `lutforge rtl` compiles the RTL simulation"):
        RtlKernel(copy, simulator="netlist")
    program = copy / "rtl" / "sim_verilator"
    program.write_text("#!/bin/sh\nexit 9\n")
    with pytest.raises(DeviceError, match=r"RTL simulation \(verilator\) of mirror_net: it ended with status 9"):
        RtlExecutor(copy).run(images_of(1))
    program.write_text("#!/bin/sh\nwhile :; do :; done\n")
    executor = RtlExecutor(copy)
    executor.kernel.deadline_s = lambda images: 0.3
    with pytest.raises(DeviceTimeout, match=r"waited 0 s for the answers of 1 images. Simulate fewer images"):
        executor.run(images_of(1))
    program.chmod(0o644)
    with pytest.raises(
        OverlayError, match=r"sim_verilator: cannot be run \(.*\); compile it again with `lutforge rtl`"
    ):
        RtlExecutor(copy).run(images_of(1))
    program.unlink()
    with pytest.raises(OverlayError, match=r"sim_verilator: no such file; `lutforge rtl` compiles"):
        RtlKernel(copy)


def test_answers_of_a_wrong_length(copy):
    program, real = copy / "rtl" / "sim_verilator", copy / "rtl" / "real"
    shutil.move(program, real)
    program.write_text(f'#!/bin/sh\nshift 2; exec "{real}" --images 1 "$@"\n')
    program.chmod(0o755)
    with pytest.raises(DeviceError, match=r"in.bin holds 32 bytes; 16 are wanted"):
        RtlExecutor(copy).run(images_of(2))
    program.write_text(f'#!/bin/sh\n"{real}" "$@"; rc=$?; : > "$6"; exit $rc\n')
    with pytest.raises(DeviceError, match=r"0 bytes were answered; 128 are wanted. Compile it again"):
        RtlExecutor(copy).run(images_of(2))
    program.write_text(f'#!/bin/sh\n"{real}" "$@"; rc=$?; for last; do :; done; : > "$last"; exit $rc\n')
    with pytest.raises(DeviceError, match=r"the trace has 0 values; 64 are wanted. Compile it again"):
        RtlExecutor(copy).trace(images_of(2))


def test_memories_are_counted_before_anything_runs(copy):
    memory = copy / "mem" / "spare.weights.mem"
    memory.write_text("0f // a comment\n")
    with pytest.raises(OverlayError, match=r"spare.weights.mem: 1 words; 2 are wanted. A short table would read as"):
        RtlKernel(copy)
    memory.unlink()
    with pytest.raises(OverlayError, match=r"spare.weights.mem: no such file; 2 words are wanted"):
        RtlKernel(copy)
    with pytest.raises(OverlayError, match=r"spare.weights.mem: no such file; write the Verilog again"):
        compile_rtl(copy)


def test_new_verilog_removes_what_was_compiled(copy):
    before = load_manifest(copy)
    write_rtl(copy, mirror_design(15), mirror_network())
    assert not (copy / "rtl" / "sim_verilator").exists()
    assert load_manifest(copy) == before  # it named these files already
    assert "rtl/lutforge_top.v" in before.files and "rtl/sim_verilator" in before.files
    network = mirror_network()
    write_overlay(copy, network, generate(network, Schedule({"mirror": Folded(2, 1)}), load_board("pynq_z2")))
    assert not list((copy / "rtl").rglob("*.v")) and not (copy / "rtl" / "rtl.json").exists()
    with pytest.raises(OverlayError, match="asked to run"):
        write_rtl(copy, mirror_design(), mirror_network("another"))


def test_options_of_the_executable(mirror, tmp_path):
    program = str(mirror / "rtl" / "sim_verilator")
    wrong = [
        (["--in"], "option --in has no value"),
        (["--speed", "9"], "option --speed is unknown"),
        (["--images", "x"], "--images x is no whole number"),
        (["--images", "1"], "--in and --out are wanted"),
        (["--in", "a", "--out", "b", "--stall-in", "100"], "stalls are 0..99 percent of cycles"),
        (["--in", str(tmp_path / "no"), "--out", "b"], "no cannot be read"),
    ]
    for words, message in wrong:
        done = subprocess.run([program, *words], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 2 and message in done.stderr
    (tmp_path / "in").write_bytes(bytes(16))
    words = ["--images", "1", "--in", "in", "--out", "no/out", "--stats", "stats.json"]
    done = subprocess.run([program, *words], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (
        done.returncode == 2
        and json.loads((tmp_path / "stats.json").read_text())["error"] == "no/out cannot be written"
    )


def fake_tool(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_missing_and_old_verilators(mirror, tmp_path, monkeypatch):
    with pytest.raises(
        ToolError, match=r"Verilator \('nix'\) was not found; version 5 or newer .*netlist simulator works"
    ):
        verilator.find_verilator("nix")
    old = fake_tool(tmp_path / "old", "echo 'Verilator 4.038 2020-07-11'")
    with pytest.raises(ToolError, match=r"old is Verilator 4.038 2020-07-11; version 5 or newer is wanted"):
        verilator.find_verilator(old)
    monkeypatch.setenv("VERILATOR", fake_tool(tmp_path / "mute", "exit 1"))
    with pytest.raises(ToolError, match=r"mute is of no known version; version 5 or newer is wanted"):
        compile_rtl(mirror)


def test_builds_that_fail_or_hang(copy, tmp_path, monkeypatch):
    top = copy / "rtl" / "lutforge_top.v"
    top.write_text(top.read_text().replace("wire rst = ~ap_rst_n;", "wire rst = ~nonsense"))
    with pytest.raises(ToolError, match=r"verilator failed:\n%Error: .*lutforge_top.v:"):
        compile_rtl(copy)
    slow = fake_tool(tmp_path / "slow", "[ $1 = --version ] && echo 'Verilator 5.006' && exit; sleep 9")
    monkeypatch.setenv("VERILATOR", slow)
    monkeypatch.setattr(verilator, "BUILD_DEADLINE_S", 0.2)
    with pytest.raises(ToolError, match=r"slow: not finished within 0.2 s; fold the network, or simulate its netlist"):
        compile_rtl(copy)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"make was not found; Verilator needs make and g\+\+"):
        verilator.run_tool(["make"], tmp_path)
    assert (copy / "rtl" / "sim_verilator").exists() and not list((copy / "rtl").glob(".sim*"))
    assert os.access(copy / "rtl" / "sim_verilator", os.X_OK)


@pytest.mark.parametrize("defines", [(), ("LUTFORGE_PROBE",)], ids=["plain", "probes"])
def test_both_linters_are_content(simulator, defines):
    pytest.importorskip("pyslang", reason="pyslang is not installed: pip install 'lutforge[synth]'")
    texts = mirror_design().texts
    verilator.lint(texts, "lutforge_top", defines)
    verilog_lint.lint(texts, "lutforge_top", defines)


def test_linters_find_fault(simulator):
    pytest.importorskip("pyslang", reason="pyslang is not installed: pip install 'lutforge[synth]'")
    narrow = {"rtl/a.v": "module a (input wire [3:0] x, output wire [1:0] y);\n  assign y = x;\nendmodule\n"}
    with pytest.raises(GenerationError, match=r"Verilator finds fault with a: verilator failed:\n%Warning-WIDTH"):
        verilator.lint(narrow, "a")
    modern = {"rtl/a.v": "module a (input wire x, output reg y);\n  always_comb y = x;\nendmodule\n"}
    with pytest.raises(GenerationError, match=r"slang finds fault with a, [12] in all:\n(.|\n)*'always_comb'"):
        verilog_lint.lint(modern, "a")
    hidden = {
        "rtl/a.v": "`ifdef DEEP\nmodule a (output wire y);\n  assign y = z;\nendmodule\n`else\nmodule a (output wire y);\n  assign y = 1'b0;\nendmodule\n`endif\n"
    }
    verilog_lint.lint(hidden, "a")
    with pytest.raises(GenerationError, match=r"use of undeclared identifier 'z'"):
        verilog_lint.lint(hidden, "a", ["DEEP"])


def test_missing_pyslang(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyslang", None)
    with pytest.raises(ToolError, match=r"pyslang cannot be imported \(.*\); pyslang>=12 is wanted to lint Verilog"):
        verilog_lint.lint({}, "a")
