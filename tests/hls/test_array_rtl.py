# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The programmable array in Verilog: answers and cycles of random programs, several networks on one array, stalls."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import lutforge
from lutforge import reference
from lutforge.array_cycles import cycles_of, totals
from lutforge.array_geometry import Geometry
from lutforge.array_model import ArrayModel
from lutforge.array_program import compile_program
from lutforge.array_simulation import ArraySimulation
from lutforge.array_words import Layer, Send, Tile, Write, encode, pack_weights
from lutforge.errors import DeviceError, DeviceTimeout, ToolError
from lutforge.hls import verilator
from lutforge.hls.array_rtl import TOP, generate_array_rtl
from lutforge.hls.array_rtlsim import build_array
from lutforge.rtl_kernel import FLOWING, Stalls

SMALL = Geometry(4, 8, 8, 2, 2048, 256)
OTHERS = (
    Geometry(8, 8, 9, 8, 2048, 256),
    Geometry(2, 16, 8, 1, 1024, 256),
    Geometry(8, 24, 9, 2, 1024, 200),
    Geometry(16, 16, 8, 16, 1024, 256),
)


@pytest.fixture(scope="session")
def array(tmp_path_factory):
    """array(geometry, stalls) -> a simulation, compiled once per session."""
    try:
        verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    root, made = tmp_path_factory.mktemp("arrays"), {}

    def build(geometry, stalls=FLOWING):
        if geometry not in made:
            made[geometry] = root / f"array{len(made)}"
            build_array(geometry, made[geometry], quick=True)
        return ArraySimulation(made[geometry], geometry, stalls)

    return build


def case(array_networks, seed, geometry, count=2):
    rng = np.random.default_rng(seed)
    network = array_networks.make_array_network(rng, geometry.weight_bits)
    kind = network.input
    images = rng.integers(kind.low, kind.high + 1, (count, *kind.shape))
    return compile_program(network, geometry, count), images, reference.run(network, images).reshape(count, -1)


def check(array_networks, simulation, seed):
    program, images, wanted = case(array_networks, seed, simulation.geometry)
    (answers,) = simulation.run([program.stream(images)])
    assert np.array_equal(program.logits(answers), wanted), f"seed {seed}"
    return program, simulation.stats


@pytest.mark.parametrize("seed", range(24))
def test_answers_and_cycles(array, array_networks, seed):
    program, stats = check(array_networks, array(SMALL), seed)
    assert cycles_of(program).latency == stats.last_out - stats.first_in + 1


@pytest.mark.slow
@pytest.mark.parametrize("geometry", OTHERS, ids=str)
@pytest.mark.parametrize("seed", range(100, 106))
def test_other_sizes(array, array_networks, geometry, seed):
    program, stats = check(array_networks, array(geometry), seed)
    assert cycles_of(program).latency == stats.last_out - stats.first_in + 1


@pytest.mark.parametrize("seed", range(40, 46))
def test_stalls_on_both_sides(array, array_networks, seed):
    check(array_networks, array(SMALL, Stalls(seed, 40, 30)), seed)


def test_networks_after_one_another(array, array_networks):
    """Two networks on one array, 100 images of each, without a reset between the runs."""
    cases = [case(array_networks, seed, SMALL, 10) for seed in (11, 14)]
    runs = [(program, images, wanted) for _ in range(10) for program, images, wanted in cases]
    rng = np.random.default_rng(5)
    programs, wanted = [], []
    for program, images, _ in runs:
        kind = program.network.input
        images = rng.integers(kind.low, kind.high + 1, images.shape)
        programs.append(program.stream(images))
        wanted.append(reference.run(program.network, images).reshape(len(images), -1))
    for (program, _, _), answers, right in zip(runs, array(SMALL).run(programs), wanted, strict=True):
        assert np.array_equal(program.logits(answers), right)


def test_a_trained_deep_network(array, cifar10_images):
    """VGG11 of eighth width, and then the convolutions for MNIST, on the array that fits both."""
    geometry = Geometry(8, 8, 8, 4, 4096, 1024)
    simulation = array(geometry)
    for name, images in (("lutna_vgg11_cifar10", cifar10_images[0][:2]), ("lutna_conv_mnist", None)):
        network = lutforge.load(f"tests/golden/{name}.npz")
        if images is None:
            images = np.random.default_rng(2).integers(0, 256, (2, *network.input.shape))
        program = compile_program(network, geometry, 2)
        (answers,) = simulation.run([program.stream(images)])
        assert np.array_equal(program.logits(answers), reference.run(network, images))
        assert simulation.stats.last_out - simulation.stats.first_in + 1 == cycles_of(program).latency


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("weight_bits", [8, pytest.param(9, marks=pytest.mark.slow)])
def test_every_product(array, weight_bits, signed):
    """Every weight times every activation, each from tables that the array has grown itself."""
    geometry = SMALL if weight_bits == 8 else OTHERS[0]
    weights = np.arange(-(1 << (weight_bits - 1)), 1 << (weight_bits - 1))
    codes = np.arange(256)
    lanes = np.zeros((256, geometry.simd), dtype=np.int64)
    lanes[:, 0] = codes
    beats = [np.array(encode(Write(0, 256)), dtype=np.uint64), lanes.astype(np.uint8).view("<u8").reshape(-1)]
    beats.append(np.array(encode(Layer(1, 1, 256, 0, 0, 1, 1, 256, (1, 1), 0)), dtype=np.uint64))
    for group in weights.reshape(-1, geometry.pe):
        tile = np.zeros((geometry.pe, geometry.simd), dtype=np.int64)
        tile[:, 0] = group
        beats += [np.array(encode(Tile(0, 0, 0, True, signed=signed)), dtype=np.uint64), pack_weights(tile, geometry)]
        beats.append(np.array(encode(Send(0, 256, group[-1] == weights[-1])), dtype=np.uint64))
    words = np.concatenate(beats)
    (answers,) = array(geometry).run([words])
    found = answers.view("<i4").reshape(-1, 256, geometry.pe).transpose(0, 2, 1).reshape(len(weights), 256)
    wanted = weights[:, None] * np.where(signed & (codes > 127), codes - 256, codes)
    assert np.array_equal(found, wanted)
    assert np.array_equal(ArrayModel(geometry).run(words), answers)


def test_lint():
    try:
        verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    for geometry in (SMALL, *OTHERS):
        verilator.lint(generate_array_rtl(geometry).texts, TOP)


def test_totals_add_up(array_networks):
    program, _, _ = case(array_networks, 6, SMALL)
    cycles = cycles_of(program)
    summed = totals(cycles)
    assert summed["input"] + sum(step.total for step in cycles.steps) == cycles.latency
    assert summed["passes"] == sum((step.tiles + step.kept) * step.positions for step in program.steps)
    assert 0 < summed["waits"] < cycles.latency


def test_a_program_that_never_answers(array):
    simulation = array(SMALL)
    words = np.array([*encode(Send(0, 1, False)), *encode(Send(0, 1, False))], dtype=np.uint64)
    with pytest.raises(DeviceError, match="the last answer beat has no TLAST"):
        simulation.run([words])
    lost = dataclasses.replace(SMALL, weight_bits=4)
    with pytest.raises(DeviceError, match="cannot be run"):
        ArraySimulation(simulation.executable.with_name("none"), lost).run([words])


def test_a_simulation_that_takes_too_long(array, monkeypatch):
    simulation = array(SMALL)
    monkeypatch.setattr(ArraySimulation, "_deadline_s", lambda self, programs: 1e-4)
    with pytest.raises(DeviceTimeout, match=r"RTL simulation of an array of 4 x 8: waited 0 s for 1 programs"):
        simulation.run([np.array(encode(Send(0, 1, True)), dtype=np.uint64)])


def test_a_simulation_that_answers_too_little(tmp_path):
    """A program that says all is well and writes half of the answers."""
    stats = '{"images": 1, "cycles": 9, "first_in": 0, "first_out": 1, "last_out": 1, "answer_cycles": [1]}'
    program = tmp_path / "simulation"
    program.write_text(f"#!/bin/sh\nprintf 12345678 > out.bin\necho '{stats}' > stats.json\n")
    program.chmod(0o755)
    with pytest.raises(DeviceError, match=r"an array of 4 x 8: 1 beats were answered; 2 are wanted\. Compile it again"):
        ArraySimulation(program, SMALL).run([np.array(encode(Send(0, 1, True)), dtype=np.uint64)])
