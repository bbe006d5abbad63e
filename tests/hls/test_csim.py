# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The compiled C++ equals the reference on every edge, whatever the folding; and what it says when it cannot run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import numpy as np
import pytest

import lutforge
from lutforge import Network, Node
from lutforge.boards import load_board
from lutforge.errors import DeviceError, OverlayError, ToolError
from lutforge.executors import first_difference
from lutforge.hls import csim
from lutforge.hls.csim import FLAGS, CsimExecutor, compile_kernel, find_headers
from lutforge.hls.generator import generate, write_overlay
from lutforge.kernel import Kernel
from lutforge.manifest import load_manifest
from lutforge.multipliers import Conventional, DivideConquer
from lutforge.numerics import argmax
from lutforge.operations import ArgMax, BinaryMac, Input, LutNeurons, Rescale, Reshape, TableMac, Threshold, Window
from lutforge.reference import ReferenceExecutor, trace
from lutforge.schedule import Folded, Schedule, Unrolled

SLOW_KINDS = {"inception", "residual"}  # test_graph_streams.py has such


def equal_everywhere(compiled, random_networks, kind, seed):
    """One random network: all edges and answers, on one of the boards, with one of the outputs."""
    rng = np.random.default_rng([seed, len(kind)])
    network = random_networks.make_random_network(rng, kind)
    while network.logits.elements != network.classes:  # the stream wants one vector per image
        network = random_networks.make_random_network(rng, kind)
    schedule = random_networks.make_random_schedule(rng, network)
    board, output = ("pynq_z2", "zcu104")[seed % 2], ("logits", "both", "class")[seed % 3]
    folder = compiled(network, schedule, board, output)
    images = random_networks.make_random_images(rng, network, 23)
    executor, manifest = CsimExecutor(folder, network), load_manifest(folder)
    wanted = trace(network, images)
    for name, values in executor.trace(images).items():
        assert np.array_equal(values, wanted[name]), f"{kind} {seed}: {name}"
    answers = executor.kernel.stream(manifest.input_stream.pack(images), len(images))
    assert np.array_equal(answers, manifest.output_stream.pack(wanted[network.output.name].reshape(23, -1)))
    assert np.array_equal(
        manifest.output_stream.classification(answers), argmax(wanted[network.output.name].reshape(23, -1))
    )


def test_equals_the_reference(compiled, random_networks, network_kind):
    equal_everywhere(compiled, random_networks, network_kind, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_equals_the_reference_on_more(compiled, random_networks, network_kind, seed):
    equal_everywhere(compiled, random_networks, network_kind, seed)


def corner_network():
    """Signed codes, a negative pad, a window of one row, a pixel wider than a beat, a partly filled last beat."""
    rng = np.random.default_rng(5)
    nodes = [Node("x", Input((3, 5, 1), -8, 7))]

    def add(name, op):
        nodes.append(Node(name, op, (nodes[-1].name,)))

    add("rows", Window((1, 3), (1, 2), (0, 0, 1, 1), -8))
    add("wide", TableMac(rng.integers(-128, 128, (140, 3)), rng.integers(-9, 9, 140), DivideConquer(2)))
    add("small", Rescale(np.array([1]), np.array([4]), -128, 127))
    add("square", Window((3, 2), (1, 2), (1, 0, 0, 0), -128))
    add("codes", BinaryMac(rng.integers(-1, 2, (12, 840))))
    add("code", Threshold(np.sort(rng.integers(-900, 900, (12, 3)), axis=1)))
    return nodes, rng


def test_corners(compiled):
    nodes, rng = corner_network()
    draft = Network("corners", tuple(nodes))
    elements = draft.logits.elements
    nodes.append(Node("flat", Reshape((elements,)), ("code",)))
    nodes.append(
        Node(
            "last", TableMac(rng.integers(-256, 256, (7, elements)), rng.integers(-9, 9, 7), Conventional()), ("flat",)
        )
    )
    nodes.append(Node("top", ArgMax(), ("last",)))
    network = Network("corners", tuple(nodes))
    schedule = Schedule({"wide": Folded(20, 3), "codes": Folded(3, 70), "last": Unrolled()})
    executor = CsimExecutor(compiled(network, schedule), network)
    images = rng.integers(-8, 8, (9, 3, 5, 1))
    wanted = trace(network, images)
    for name, values in executor.trace(images).items():
        assert np.array_equal(values, wanted[name]), name
    assert executor.run(images[:0]).shape == (0, 7)
    assert np.array_equal(executor.run(images[:1]), wanted["last"][:1])


def test_names_that_could_collide(compiled):
    """Names of generated functions and constants of one node, C++ keywords, and what the top function itself uses."""
    names = ["layer", "run", "layer_run", "lutforge", "fc", "fc_table", "int", "images_in", "answers", "stream"]
    rng = np.random.default_rng(3)
    nodes = [Node("x", Input((6,), 0, 3))]
    for name in names:
        mac = TableMac(rng.integers(-2, 3, (6, 6)), rng.integers(-2, 3, 6))
        nodes.append(Node(name, mac, (nodes[-1].name,)))
        nodes.append(Node(f"{name}_w", Rescale(np.array([1]), np.array([3]), 0, 3), (name,)))
    network = Network("names", tuple(nodes))
    foldings = {name: Unrolled() if index % 2 else Folded(3, 2) for index, name in enumerate(names)}
    executor = CsimExecutor(compiled(network, Schedule(foldings)), network)
    images = rng.integers(0, 4, (20, 6))
    assert np.array_equal(executor.run(images), lutforge.run(network, images))


def tables_network():
    """A LUT layer, an unrolled and a folded table layer: the places where a bit can be flipped."""
    rng = np.random.default_rng(0)
    wiring = np.stack([rng.choice(16, 4, replace=False) for _ in range(24)])
    luts = LutNeurons(8, 8, 2, wiring, np.arange(24) // 3, np.tile([2, 1, 1], 8), rng.integers(0, 2, (24, 16)))
    return Network(
        "tables",
        (
            Node("x", Input((12,), 0, 255)),
            Node("folded", TableMac(rng.integers(-127, 128, (8, 12)), rng.integers(-9, 9, 8)), ("x",)),
            Node("code", Threshold(np.sort(rng.integers(-20000, 20000, (8, 3)), axis=1)), ("folded",)),
            Node("luts", luts, ("code",)),
            Node("fixed", TableMac(rng.integers(-127, 128, (5, 8)), rng.integers(-9, 9, 5)), ("luts",)),
        ),
    ), Schedule({"folded": Folded(2, 4), "luts": Unrolled(), "fixed": Unrolled()})


PLACES = [
    ("luts", r"luts_init\[24\] =\s*{(\d+)"),
    ("fixed", r"fixed_toptable(?:\[\d+\])+ =\s*{+(?:-?\d+, ){2}(-?\d+)"),
    ("folded", r"folded_w3(?:\[\d+\])+ =\s*{+(-?\d+)"),
]


@pytest.mark.parametrize(("node", "place"), PLACES, ids=[node for node, _ in PLACES])
def test_a_bit_flipped_by_hand_is_named(compiled, tmp_path, node, place):
    network, schedule = tables_network()
    shutil.copytree(compiled(network, schedule), tmp_path / "overlay")
    header = tmp_path / "overlay" / "src" / "params" / f"{node}.hpp"
    text = header.read_text()
    match = re.search(place, text)
    assert match, text[:600]
    header.write_text(text[: match.start(1)] + str(int(match.group(1)) ^ 1) + text[match.end(1) :])
    compile_kernel(tmp_path / "overlay")
    images = np.random.default_rng(1).integers(0, 256, (400, 12))
    found = first_difference(network, ReferenceExecutor(network), CsimExecutor(tmp_path / "overlay", network), images)
    assert found is not None and found.node == node and found.element == (0,)
    assert re.fullmatch(rf"image \d+, node {node}, element \[0\]: reference says -?\d+, csim says -?\d+", str(found))

    shutil.copy(compiled(network, schedule) / "kernel.so", tmp_path / "aside.so")
    os.replace(tmp_path / "aside.so", tmp_path / "overlay" / "kernel.so")
    mended = CsimExecutor(tmp_path / "overlay", network)  # the path is one that this process has loaded already
    assert first_difference(network, ReferenceExecutor(network), mended, images) is None


def test_the_untouched_one_is_equal(compiled):
    network, schedule = tables_network()
    images = np.random.default_rng(1).integers(0, 256, (400, 12))
    executor = CsimExecutor(compiled(network, schedule), network)
    assert first_difference(network, ReferenceExecutor(network), executor, images) is None


def test_streams_that_end_early_or_too_late(compiled):
    network, schedule = tables_network()
    folder = compiled(network, schedule)
    manifest = load_manifest(folder)
    data = manifest.input_stream.pack(np.zeros((3, 12), dtype=np.uint8)).reshape(-1)
    kernel = Kernel(folder)
    assert kernel.stream(data, 3).shape == (3, manifest.output_stream.bytes_per_image)
    with pytest.raises(DeviceError, match=r"C simulation of tables: stream images_in ends early: beat 6 was read"):
        kernel.stream(data[:-8], 3)
    with pytest.raises(DeviceError, match=r"stream images_in is too long: 2 beats were left unread"):
        kernel.stream(data, 2)
    with pytest.raises(DeviceError, match=r"the input is not a whole number of beats"):
        kernel.stream(data[:-3], 3)
    assert kernel.stream(data, 3).shape[0] == 3  # a failed call leaves nothing behind


def test_the_testbench_reads_images_and_writes_answers(compiled, tmp_path):
    network, schedule = tables_network()
    folder = compiled(network, schedule)
    manifest = load_manifest(folder)
    images = np.random.default_rng(2).integers(0, 256, (11, 12))
    with csim.as_file(csim.files("lutforge.hls") / "shims") as shims:
        flags = [flag for flag in FLAGS if flag not in ("-shared", "-DLUTFORGE_TRACE", "-O3")]
        sources = [folder / "src" / "lutforge_top.cpp", folder / "src" / "testbench.cpp"]
        include = [f"-I{shims}", f"-I{folder / 'src'}", f"-I{find_headers()}"]
        subprocess.run(["g++", "-O1", *flags, *include, *map(str, sources), "-o", str(tmp_path / "tb")], check=True)
    (tmp_path / "images.bin").write_bytes(manifest.input_stream.pack(images).tobytes())
    words = [tmp_path / "tb", tmp_path / "images.bin", tmp_path / "answers.bin"]
    subprocess.run([*words, "11"], check=True)
    answers = np.frombuffer((tmp_path / "answers.bin").read_bytes(), dtype=np.uint8)
    assert np.array_equal(manifest.output_stream.logits(answers), lutforge.run(network, images))
    short = subprocess.run([*words, "12"], check=False, capture_output=True, text=True)
    assert short.returncode == 1 and "stream images_in ends early" in short.stderr


def test_missing_tools(compiled, tmp_path, monkeypatch):
    network, schedule = tables_network()
    folder = compiled(network, schedule)
    with pytest.raises(ToolError, match=r"C\+\+ compiler 'nix\+\+' was not found; .*reference executor"):
        compile_kernel(folder, compiler="nix++")
    monkeypatch.setenv("CXX", "also-nix++")
    with pytest.raises(ToolError, match=r"'also-nix\+\+' was not found"):
        compile_kernel(folder)
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("LUTFORGE_AP_TYPES", str(tmp_path))
    with pytest.raises(ToolError, match=r"ap_int.h was not found \(looked in: .*\); install it with `pip install"):
        compile_kernel(folder)


def test_a_compiler_that_fails_or_hangs(tmp_path, monkeypatch):
    network, schedule = tables_network()
    write_overlay(tmp_path, network, generate(network, schedule, load_board("pynq_z2")))
    top = tmp_path / "src" / "lutforge_top.cpp"
    top.write_text(top.read_text() + "\nnonsense;\n")
    with pytest.raises(ToolError, match=r"g\+\+ failed on .*lutforge_top.cpp:\n.*error.*nonsense"):
        compile_kernel(tmp_path)
    assert not (tmp_path / "kernel.so").exists() and not list(tmp_path.glob(".kernel*"))
    monkeypatch.setattr(csim, "COMPILE_DEADLINE_S", 0.01)
    with pytest.raises(ToolError, match=r"was not compiled within 0.01 s; fold the network or split it"):
        compile_kernel(tmp_path)
    with pytest.raises(OverlayError, match=r"lutforge_top.cpp: no such file; `lutforge generate` writes it"):
        compile_kernel(tmp_path / "elsewhere")


def test_kernels_that_do_not_belong(compiled, tmp_path):
    network, schedule = tables_network()
    folder = compiled(network, schedule)
    other = Network("other", network.nodes)
    with pytest.raises(OverlayError, match=r"made from network [0-9a-f]{12}\.\.\., asked to run [0-9a-f]{12}"):
        CsimExecutor(folder, other)
    write_overlay(tmp_path, other, generate(other, schedule, load_board("pynq_z2")))
    with pytest.raises(OverlayError, match=r"kernel.so: no such file; `lutforge csim` compiles it"):
        CsimExecutor(tmp_path)
    shutil.copy(folder / "kernel.so", tmp_path / "kernel.so")
    with pytest.raises(OverlayError, match=r"compiled from network [0-9a-f]{12}\.\.\., the manifest says"):
        CsimExecutor(tmp_path)
    (tmp_path / "kernel.so").unlink()  # not overwritten in place: this process has it loaded
    (tmp_path / "kernel.so").write_bytes(b"no library")
    with pytest.raises(OverlayError, match=r"kernel.so: cannot be loaded \(.*\); compile it again"):
        CsimExecutor(tmp_path)


@pytest.mark.parametrize("kept", [20, 0.3, 0.99], ids=str)
def test_a_kernel_cut_short_is_refused(compiled, tmp_path, kept):
    """The loader maps a file by its headers; what lies beyond the end would kill the process."""
    network, schedule = tables_network()
    shutil.copytree(compiled(network, schedule), tmp_path / "overlay")
    path = tmp_path / "overlay" / "kernel.so"
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if kept > 1 else int(kept * len(whole))])
    with pytest.raises(OverlayError, match=r"kernel.so: cannot be loaded \(the file is cut short\); compile it again"):
        CsimExecutor(tmp_path / "overlay")
