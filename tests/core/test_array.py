# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The programmable array: programs of random networks against the reference, command words there and back, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutforge
from lutforge import reference
from lutforge.array_geometry import Geometry
from lutforge.array_model import ArrayModel
from lutforge.array_program import compile_program
from lutforge.array_words import (
    Finish,
    Layer,
    Send,
    Tile,
    Write,
    decode,
    encode,
    pack_activations,
    pack_weights,
    unpack_weights,
)
from lutforge.errors import GenerationError, ScheduleError
from lutforge.multipliers import Approximate
from lutforge.network import Network, Node
from lutforge.operations import Add, Affine, BinaryMac, Concat, Input, MaxPool, Rescale, Reshape, TableMac, Window

SHAPES = ((4, 8), (8, 8), (2, 8), (8, 16), (16, 16))
GOLDEN = ("lutna_conv_mnist", "lutna_mlp_mnist")


def answers(network, geometry, images, count=None):
    program = compile_program(network, geometry, count or len(images))
    return program.logits(ArrayModel(geometry).run(program.stream(images)))[: len(images)]


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(array_networks, seed):
    rng = np.random.default_rng(seed)
    weight_bits = 9 if seed % 4 == 3 else 8
    network = array_networks.make_array_network(rng, weight_bits)
    pe, simd = SHAPES[seed % len(SHAPES)]
    geometry = Geometry(pe, simd, weight_bits, 2, 2048, 256)
    kind = network.input
    images = rng.integers(kind.low, kind.high + 1, (3, *kind.shape))
    wanted = reference.run(network, images).reshape(3, -1)
    assert np.array_equal(answers(network, geometry, images), wanted)
    one = answers(network, geometry, images[:1], 2)  # a run that is not full
    assert np.array_equal(one, wanted[:1])


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_networks(name):
    network = lutforge.load(f"tests/golden/{name}.npz")
    images = np.random.default_rng(1).integers(0, 256, (2, *network.input.shape))
    found = answers(network, Geometry(8, 16, 8, 4, 8192, 1024), images)
    assert np.array_equal(found, reference.run(network, images))


def test_two_networks_after_one_another(array_networks):
    """Nothing that a network leaves behind changes the next one's answers."""
    geometry = Geometry(4, 8, 8, 2, 2048, 256)
    model = ArrayModel(geometry)
    model.activations[:], model.sums[:] = 0xA5, -12345
    for seed in (3, 5, 3):
        network = array_networks.make_array_network(np.random.default_rng(seed))
        kind = network.input
        images = np.random.default_rng(9).integers(kind.low, kind.high + 1, (2, *kind.shape))
        program = compile_program(network, geometry, 2)
        found = program.logits(model.run(program.stream(images)))
        assert np.array_equal(found, reference.run(network, images).reshape(2, -1))


def test_zero_tiles_are_left_out():
    weights = np.zeros((8, 32), dtype=np.int16)
    weights[:4, 8:16] = 3
    network = dense(weights)
    program = compile_program(network, Geometry(4, 8, 8, 2, 64, 16), 1)
    (step,) = program.steps
    assert (step.tiles, step.skipped, step.multiplications) == (
        2,
        6,
        32,
    )  # a group of zeros has one, which sums begin with
    images = np.arange(32).reshape(1, 32)
    assert np.array_equal(answers(network, program.geometry, images), reference.run(network, images))


def test_the_commands_are_those_of_this_text():
    """Golden words: three emitters of hardware read them by their places."""
    program = compile_program(dense(np.ones((2, 8), dtype=np.int16)), Geometry(2, 8, 8, 1, 16, 8), 1)
    assert [f"{int(word):016x}" for word in program.stream(np.arange(8).reshape(1, 8))] == [
        "0000000000010001",
        "0706050403020100",
        "0000000000ff0002",
        "0000000100010001",
        "0000000100010001",
        "0001000100010001",
        "0000000000000103",
        "0101010101010101",
        "0101010101010101",
        "0000000000010105",
    ]


def dense(weights, bias=None, high=255):
    outputs, fan_in = weights.shape
    nodes = (
        Node("x", Input((fan_in,), 0, high)),
        Node("dense", TableMac(weights, np.zeros(outputs, dtype=int) if bias is None else bias), ("x",)),
    )
    return Network("dense", nodes)


address = st.integers(0, 65535)
small = st.integers(0, 15)
COMMANDS = st.one_of(
    st.builds(Write, address, address),
    st.builds(
        Layer,
        *[address] * 8,
        st.tuples(address, address),
        address,
        st.integers(0, 7),
        st.booleans(),
        st.integers(0, 255),
    ),
    st.builds(
        Tile,
        address,
        st.integers(-32768, 32767),
        st.integers(-32768, 32767),
        *[st.booleans()] * 3,
        st.integers(0, 7),
    ),
    st.builds(Send, address, address, st.booleans()),
    st.builds(
        Finish,
        *[address] * 6,
        extent=st.tuples(address, address),
        low=st.integers(-32768, 32767),
        high=st.integers(-32768, 32767),
        bias=st.tuples(*[st.integers(-(1 << 31), (1 << 31) - 1)] * 2),
        left=st.tuples(*[st.integers(0, 31)] * 2),
        right=st.tuples(*[st.integers(0, 31)] * 2),
        kernel=st.tuples(small, small),
        stride=st.tuples(small, small),
        padding=st.tuples(small, small),
        in_sums=st.booleans(),
        clamps=st.booleans(),
        added=st.one_of(st.none(), address),
        bank=address,
        target=address,
        target_steps=st.tuples(address, address, address),
    ),
)


@settings(print_blob=True, max_examples=300, deadline=None)
@given(COMMANDS)
def test_commands_come_back(command):
    geometry = Geometry(2, 8, generators=1)
    words = encode(command)
    count = command.count * geometry.word_beats if isinstance(command, Write) else 0
    count = geometry.tile_beats if isinstance(command, Tile) and not command.keep else count
    beats = np.arange(count, dtype=np.uint64)
    program = np.concatenate([np.array(words, dtype=np.uint64), beats])
    ((found, behind),) = decode(program, geometry)
    assert found == command and np.array_equal(behind, beats)


@pytest.mark.parametrize("bits", [2, 8, 9])
def test_weights_come_back(bits):
    geometry = Geometry(4, 8, bits)
    weights = np.random.default_rng(bits).integers(-(1 << (bits - 1)), 1 << (bits - 1), (3, 4, 8))
    beats = pack_weights(weights, geometry)
    assert beats.shape == (3, geometry.tile_beats)
    assert all(np.array_equal(unpack_weights(row, geometry), tile) for row, tile in zip(beats, weights, strict=True))


def test_activations_lie_lowest_first():
    assert [hex(int(word)) for word in pack_activations(np.array([[1, 2, 3, 4, 5, 6, -1, 200]]), Geometry())] == [
        "0xc8ff060504030201"
    ]


@pytest.mark.parametrize(
    "change, text",
    [
        ({"pe": 1}, r"pe 1; a whole number in 2\.\.64 is wanted"),
        ({"simd": 12, "pe": 4, "generators": 2}, "simd must be a multiple of 8"),
        ({"pe": 8, "simd": 8, "generators": 3}, r"generators 3 do not divide pe 8; use one of 1, 2, 4, 8"),
        ({"sum_words": 1 << 17}, "sum_words 131072"),
        ({"weight_bits": 10}, "weight_bits 10"),
        ({"activation_words": 2.5}, "activation_words 2.5"),
    ],
)
def test_sizes_that_are_none(change, text):
    with pytest.raises(ScheduleError, match=text):
        Geometry(**change)


def image_network(*nodes, shape=(4, 4, 3), high=255):
    chain = [Node("x", Input(shape, 0, high))]
    for number, op in enumerate(nodes):
        chain.append(Node(f"n{number}", op, (chain[-1].name,)))
    return Network("chain", tuple(chain))


def mac(outputs, fan_in, weight=1):
    return TableMac(np.full((outputs, fan_in), weight), np.zeros(outputs, dtype=int))


def scaled(multiplier=1, shift=4, low=0, high=255):
    return Rescale(np.array([multiplier]), np.array([shift]), low, high)


SMALL = Geometry(4, 8, 8, 2, 40, 16)


@pytest.mark.parametrize(
    "network, geometry, text",
    [
        (
            image_network(mac(4, 3, 100), MaxPool((2, 2), (2, 2)), scaled(), Reshape((16,)), mac(2, 16)),
            SMALL,
            r"n1: activations 0\.\.76500 take 17 bits; the array stores 8\. Quantise",
        ),
        (dense(np.full((2, 8), -129)), SMALL, r"dense: weights -129..-129; the array's have 8 bits, -128..127"),
        (image_network(mac(4, 3), scaled(3), Reshape((64,)), mac(2, 64)), SMALL, "multiplies by 3; the array shifts"),
        (
            image_network(mac(4, 3), scaled(high=1 << 15), scaled(1, 8), Reshape((64,)), mac(2, 64)),
            SMALL,
            "clamps to 0..32768; the array's clamp has 16 bits",
        ),
        (
            image_network(mac(4, 3, 127), scaled(1 << 15, 0, 0, 255), Reshape((64,)), mac(2, 64)),
            SMALL,
            "left by 15, which is 33 bits; the limit is 32",
        ),
        (
            image_network(Window((3, 3), (1, 1), (1, 1, 1, 1), 7), mac(4, 27), scaled(), Reshape((64,)), mac(2, 64)),
            SMALL,
            "pads with code 7",
        ),
        (image_network(Affine(np.array([1] * 3), np.array([0] * 3)), Reshape((48,)), mac(2, 48)), SMALL, "Affine"),
        (
            image_network(scaled(), Reshape((48,)), mac(2, 48), high=511),
            SMALL,
            r"x: activations 0\.\.511 take 9 bits",
        ),
        (
            image_network(Window((3, 3)), mac(4, 27), scaled(), Reshape((64,)), mac(2, 64), shape=(6, 6, 3)),
            dataclasses.replace(SMALL, sum_words=15),
            "n1?2?: 4 x 4 positions with 1 sums each are 16 words of partial sums, 256 bytes; the array holds 15, 240",
        ),
        (
            image_network(mac(16, 3), scaled(), MaxPool((4, 4), (4, 4)), Reshape((16,)), mac(2, 16), shape=(4, 4, 3)),
            dataclasses.replace(SMALL, activation_words=12),
            "node x: 1 image of 128 bytes beside 0 bytes still in use; the array's memory of activations has 96 bytes. "
            "Build an array with activation_words 16 or more, or make the network narrower",
        ),
        (image_network(mac(4, 3), scaled(), MaxPool((2, 2), (2, 2))), SMALL, "is no vector of sums"),
    ],
)
def test_networks_that_no_array_runs(network, geometry, text):
    with pytest.raises(ScheduleError, match=text):
        compile_program(network, geometry, 1)


def test_runs_of_images():
    network = dense(np.ones((2, 8), dtype=int))
    assert compile_program(network, SMALL).images == 16
    with pytest.raises(ScheduleError, match="a run of 0 images; the least is 1"):
        compile_program(network, SMALL, 0)
    with pytest.raises(
        ScheduleError, match=r"41 images of 328 bytes .* activation_words 41 or more, or run fewer images"
    ):
        compile_program(network, SMALL, 41)


@pytest.mark.parametrize(
    "words, text",
    [
        ([0x77], "word 0 of the program is 0x0000000000000077, which is no command"),
        (encode(Tile(0, 0, 0, True)), "the program ends inside the command at word 0"),
        (encode(Tile(0, 0, 0, True, keep=True)), "a tile comes before any layer"),
        (encode(Send(60000, 1, True)), "reads or writes word 60000 of 16 of partial sums"),
    ],
)
def test_programs_that_are_none(words, text):
    with pytest.raises(GenerationError, match=text):
        ArrayModel(SMALL).run(np.array(words, dtype=np.uint64))


def test_a_field_that_is_too_large():
    with pytest.raises(GenerationError, match="70000 does not fit a field of 16 bits"):
        encode(Write(0, 70000))


def graph(*nodes, low=0, high=255):
    """A network of (name, operation, inputs) behind an image of 4 x 4 x 4, ended by a dense layer."""
    listed = [Node("x", Input((4, 4, 4), low, high)), *(Node(name, op, inputs) for name, op, inputs in nodes)]
    last = Network("graph", tuple(listed)).types[listed[-1].name].elements
    head = [Node("flat", Reshape((last,)), (listed[-1].name,)), Node("logits", mac(2, last), ("flat",))]
    return Network("graph", (*listed, *head))


def branch(name, source="x", channels=4):
    return ((f"{name}_mac", mac(2, channels), (source,)), (name, scaled(), (f"{name}_mac",)))


JOINED = (*branch("a"), *branch("b"), ("all", Concat(), ("a", "b")))
TRUNCATED = TableMac(np.ones((4, 4), dtype=int), np.zeros(4, dtype=int), Approximate(truncate_bits=4))


@pytest.mark.parametrize(
    "network, text",
    [
        (
            lambda: image_network(mac(1, 1), scaled(), MaxPool((16, 16), (16, 16)), mac(2, 1), shape=(16, 16, 1)),
            r"n2: MaxPool pools windows of \(16, 16\) at \(16, 16\); the limit is 15",
        ),
        (
            lambda: image_network(
                BinaryMac(np.ones((2, 3), dtype=int), (1,)), scaled(), Reshape((32,)), mac(2, 32), high=1
            ),
            "n0: BinaryMac multiplies binary codes",
        ),
        (lambda: graph(("t", TRUNCATED, ("x",)), ("s", scaled(), ("t",)), low=-8, high=7), "t: TableMac truncates"),
        (lambda: image_network(Reshape((16, 3)), mac(2, 3), scaled(), mac(2, 2)), r"makes \(16, 3\) of \(4, 4, 3\)"),
        (lambda: graph(*JOINED, ("sum", Add(), ("x", "all")), ("s", scaled(), ("sum",))), "sum: Add adds edges whose"),
        (lambda: graph(*JOINED, ("more", Concat(), ("all", "x"))), "more: Concat joins all, which is joined already"),
        (
            lambda: graph(*JOINED, ("again", scaled(), ("all",)), ("more", Concat(), ("again", "x"))),
            "again: Rescale is joined by more and was joined before",
        ),
        (
            lambda: graph(("w", Window((1, 1)), ("x",)), ("s", scaled(), ("w",))),
            "s: Rescale reads windows that no mult",
        ),
        (lambda: graph(("v", Window((1, 1)), ("x",)), ("w", Window((1, 1)), ("v",))), "w: Window reads what is not"),
    ],
)
def test_graphs_that_no_array_runs(network, text):
    made = network()
    assert reference.run(made, np.zeros((1, *made.input.shape), dtype=int)).size  # elsewhere they run
    with pytest.raises(ScheduleError, match=f"node .*{text}.* generate a stream design for other networks"):
        compile_program(made, Geometry(4, 8, 8, 2, 2048, 256), 1)
