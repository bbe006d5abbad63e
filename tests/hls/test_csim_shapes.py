# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Shapes that random networks do not reach: beats wider than a stream may be, 32-bit AXI beats, odd windows."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

from lutforge.boards import load_board
from lutforge.hls import csim
from lutforge.hls.csim import CsimExecutor, compile_kernel
from lutforge.hls.generator import generate, write_overlay
from lutforge.manifest import load_manifest
from lutforge.network import Network, Node
from lutforge.numerics import argmax
from lutforge.operations import (
    Affine,
    ArgMax,
    BinaryMac,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    Reshape,
    TableMac,
    Threshold,
    Window,
)
from lutforge.reference import trace
from lutforge.schedule import MAX_BEAT_BITS, Folded, Schedule, Unrolled, lanes

sys.path.insert(0, str(Path(__file__).parent))
from golden_network import golden_design


def chain(name, *layers):
    sources = [(), *((layer,) for layer, _ in layers[:-1])]
    return Network(name, tuple(Node(layer, op, source) for (layer, op), source in zip(layers, sources, strict=True)))


def lut_neurons(rng, neurons, elements, bits, tables, inputs):
    wiring = np.stack([rng.choice(elements * bits, inputs, replace=False) for _ in range(tables)])
    neuron = np.sort(rng.integers(0, neurons, tables))
    contents = rng.integers(0, 2, (tables, 1 << inputs))
    return LutNeurons(neurons, elements, bits, wiring, neuron, rng.integers(1, 4, tables), contents)


def assert_every_edge_equal(folder, network, images):
    executor, manifest, wanted = CsimExecutor(folder, network), load_manifest(folder), trace(network, images)
    for name, values in executor.trace(images).items():
        assert np.array_equal(values, wanted[name]), name
    logits = wanted[network.output.name].reshape(len(images), -1)
    for count in (0, 1, len(images)):
        answers = executor.kernel.stream(manifest.input_stream.pack(images[:count]), count)
        assert np.array_equal(answers, manifest.output_stream.pack(logits[:count]))
        assert np.array_equal(manifest.output_stream.classification(answers), argmax(logits[:count]))


def test_vectors_of_several_beats(compiled):
    """No vector of this network fits one beat of 1,024 bits, and the lanes of neighbours share a small divisor."""
    rng = np.random.default_rng(7)
    weights = rng.integers(-128, 128, (24, 960))
    network = chain(
        "several_beats",
        ("x", Input((2, 3, 140), -128, 127)),
        ("code", Threshold(np.sort(rng.integers(-128, 128, (140, 255)), axis=1))),
        ("luts", lut_neurons(rng, 240, 140, 8, 700, 3)),
        ("affine", Affine(rng.integers(-4000, 4000, 240), rng.integers(-99, 99, 240))),
        ("scale", Rescale(np.full(240, 3), rng.integers(8, 10, 240), -128, 127)),
        ("pool", MaxPool((1, 2), (1, 1))),
        ("window", Window((2, 2), (1, 1), (0, 0, 0, 1), -128)),
        ("folded", TableMac(weights, rng.integers(-9, 9, 24))),
        ("flat", Reshape((48,))),
        ("wide", BinaryMac(rng.integers(-1, 2, (40, 48)))),
    )
    schedule = Schedule({"luts": Unrolled(), "folded": Folded(8, 80), "wide": Unrolled()}, {"pool": 3})
    widths = lanes(network, schedule, 64)
    for name in ("code", "affine", "scale", "pool", "flat", "wide"):
        kind = network.types[name]
        assert kind.channels * kind.bits > MAX_BEAT_BITS >= widths[name].outputs * kind.bits, name
    assert_every_edge_equal(compiled(network, schedule), network, rng.integers(-128, 128, (5, 2, 3, 140)))


def test_narrow_beats_and_odd_windows(compiled):
    """32-bit beats of five-bit elements, an image one pixel wide, strides beyond kernels, both codes of `Encode`."""
    rng = np.random.default_rng(3)
    network = chain(
        "odd_windows",
        ("x", Input((9, 1, 2), -3, 12)),
        ("rows", Window((2, 1), (3, 1), (1, 0, 0, 0), -2)),
        ("thermometer", Encode(np.array([[-2, 0, 5]]))),
        ("next", Window((1, 2), (2, 3), (0, 0, 2, 1), 1)),
        ("luts", lut_neurons(rng, 6, 24, 1, 20, 6)),
        ("tall", MaxPool((1, 1), (2, 1))),
        ("flat", Reshape((6,))),
        ("bits", Encode(np.sort(rng.integers(0, 8, (6, 5)), axis=1), "bits")),
        ("signs", BinaryMac(rng.integers(-1, 2, (5, 18)), (3,))),
        ("top", ArgMax()),
    )
    assert network.types["tall"].shape == (1, 1, 6)
    narrow = dataclasses.replace(load_board("pynq_z2"), beat_bits=32)
    schedule = Schedule({"luts": Unrolled(), "signs": Folded(1, 9)})
    assert_every_edge_equal(compiled(network, schedule, narrow, "both"), network, rng.integers(-3, 13, (40, 9, 1, 2)))


def test_constants_as_wide_as_synthesis_sees_them(tmp_path, compiled, monkeypatch):
    network, schedule = golden_design()
    board = load_board("zcu104")
    write_overlay(tmp_path, network, generate(network, schedule, board))
    monkeypatch.setattr(csim, "FLAGS", [*csim.FLAGS, "-DLUTFORGE_EXACT_CONSTANTS"])
    compile_kernel(tmp_path)
    assert_every_edge_equal(tmp_path, network, np.random.default_rng(0).integers(0, 16, (50, 4, 4, 1)))


def test_one_value_serves_all_channels():
    """Where the channels agree the constant is a wire and no memory that a group number would address."""
    base = [("x", Input((64,))), ("q", Rescale(np.full(64, 1), np.full(64, 3), 0, 255))]
    sink = ("fc", TableMac(np.ones((2, 64), dtype=int), np.array([0, 0])))
    schedule = Schedule({"fc": Folded(1, 1)})
    board = load_board("pynq_z2")
    shared = generate(chain("shared", *base, sink), schedule, board)["src/params/q.hpp"]
    assert "q_shift[1][1] =" in shared and "q_multiplier[1][1] =" in shared
    own = [base[0], ("q", Rescale(np.full(64, 1), np.arange(64) % 5, 0, 255))]
    texts = generate(chain("own", *own, sink), schedule, board)
    assert "q_shift[8][8] =" in texts["src/params/q.hpp"] and "q_multiplier[1][1] =" in texts["src/params/q.hpp"]
    assert "rescale(x, q_multiplier[0][0], q_shift[group][lane], 0, 255)" in texts["src/lutforge_top.cpp"]
