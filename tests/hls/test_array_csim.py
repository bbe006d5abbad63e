# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The programmable array as compiled C++: random networks and random commands, and programs that are none."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from lutforge import reference
from lutforge.array_geometry import Geometry
from lutforge.array_kernels import ArrayExecutor, CompiledArray, ModelKernel, bytes_of, words_of
from lutforge.array_manifest import load_array, to_json
from lutforge.array_model import ArrayModel
from lutforge.array_words import Finish, Layer, Send, Tile, Write, encode, pack_activations, pack_weights
from lutforge.boards import load_board
from lutforge.errors import DeviceError, OverlayError
from lutforge.hls import csim
from lutforge.hls.array_generator import generate_array, write_array
from lutforge.manifest import KERNEL, MANIFEST

SMALL, WIDE = Geometry(4, 8, 8, 2, 2048, 256), Geometry(8, 16, 9, 4, 2048, 256)
OTHERS = (
    Geometry(2, 8, 8, 1, 2048, 256),
    Geometry(8, 8, 4, 8, 2048, 256),
    Geometry(16, 16, 8, 8, 2048, 256),
    Geometry(8, 32, 9, 1, 2048, 256),
)


@pytest.fixture(scope="module", params=[SMALL, WIDE], ids=["4x8", "8x16, 9 bits"])
def kernel(request, compiled_array):
    return CompiledArray(compiled_array(request.param))


def equal_on_networks(kernel, array_networks, seeds):
    geometry = kernel.manifest.geometry
    for seed in seeds:
        rng = np.random.default_rng(seed)
        network = array_networks.make_array_network(rng, geometry.weight_bits)
        kind = network.input
        images = rng.integers(kind.low, kind.high + 1, (4, *kind.shape))
        found = ArrayExecutor(network, geometry, kernel, "array-csim", 3).run(images)
        assert np.array_equal(found, reference.run(network, images)), f"seed {seed}"


def test_random_networks(kernel, array_networks):
    """One after another, so that each begins with what the last one left in the memories."""
    equal_on_networks(kernel, array_networks, range(20))


def random_commands(rng, geometry):
    """Commands that no network gives: every field at random, all places inside the memories."""
    pe, simd = geometry.pe, geometry.simd
    images, rows, columns = (int(rng.integers(1, 5)) for _ in range(3))
    positions = images * rows * columns
    reach = 1 << (geometry.weight_bits - 1)
    yield Write(0, 400), pack_activations(rng.integers(0, 256, (400, simd)), geometry)
    stride = tuple(int(value) for value in rng.integers(1, 4, 2))
    height, width = (int(value) for value in rng.integers(1, 9, 2))
    shift, rounds, top = int(rng.integers(0, 5)), bool(rng.integers(2)), int(rng.integers(1, 16))
    steps = [int(value) for value in rng.integers(0, 9, 3)]
    yield Layer(images, rows, columns, *steps, height, width, stride, 100, shift, rounds, top), None
    for number in range(4):
        row, column = (int(value) for value in rng.integers(-4, 4, 2))
        keep = number > 0 and rng.random() < 0.3
        weights = rng.integers(-reach, reach, (pe, simd))
        yield (
            Tile(
                200, row, column, number == 0 or rng.random() < 0.2, keep, bool(rng.integers(2)), int(rng.integers(8))
            ),
            None if keep else pack_weights(weights, geometry),
        )
    yield finish(rng, geometry, images, rows, columns, in_sums=True), None
    yield Send(60, 140, False), None
    yield finish(rng, geometry, images, rows, columns, in_sums=False), None
    # what was stored is read back through tiles of one weight each
    yield Layer(1, 8, 8, 0, 8, 1, 8, 8, (1, 1), 0), None
    for lane in range(simd):
        identity = np.zeros((pe, simd), dtype=np.int64)
        identity[lane % pe, lane] = 1
        yield Tile(200, 0, 0, lane < pe and lane == 0), pack_weights(identity, geometry)
    yield Send(0, 64, True), None
    assert positions <= 64


def finish(rng, geometry, images, rows, columns, in_sums):
    pe = geometry.pe
    left = rng.integers(0, 4, pe) * (rng.random(pe) < 0.5)
    right = rng.integers(0, 12, pe) * (left == 0)
    low, high = sorted(int(value) for value in rng.integers(-(1 << 15), 1 << 15, 2))
    lanes = {name: tuple(int(value) for value in values) for name, values in (("left", left), ("right", right))}
    common = dict(
        low=low,
        high=high,
        bias=tuple(int(value) for value in rng.integers(-(1 << 20), 1 << 20, pe)),
        clamps=bool(rng.integers(2)),
        **lanes,
    )
    if in_sums:
        added = int(rng.integers(0, 30)) if rng.random() < 0.6 else None
        return Finish(
            images,
            rows,
            columns,
            100,
            columns,
            rows * columns,
            (rows, columns),
            in_sums=True,
            added=added,
            **common,
        )
    kernel, stride, padding = (
        tuple(int(value) for value in rng.integers(*ends, 2)) for ends in ((1, 4), (1, 3), (0, 2))
    )
    return Finish(
        images,
        2,
        2,
        100 - padding[0] * columns - padding[1],
        stride[0] * columns,
        rows * columns,
        (rows, columns),
        kernel=kernel,
        stride=stride,
        padding=padding,
        bank=int(rng.integers(geometry.banks)),
        target=200,
        target_steps=tuple(int(value) for value in rng.integers(0, 12, 3)),
        **common,
    )


def test_random_commands(kernel):
    geometry = kernel.manifest.geometry
    model = ArrayModel(geometry)
    start = [*encode(Write(0, 2048)), *[0] * (2048 * geometry.word_beats)]  # what an earlier test left
    zeros = [
        *encode(Layer(1, 16, 16, 0, 0, 0, 1, 1, (1, 1), 0)),
        *encode(Tile(0, 0, 0, True)),
        *[0] * geometry.tile_beats,
    ]
    first = np.array([*start, *zeros, *encode(Send(0, 1, True))], dtype=np.uint64)
    assert not kernel.stream(bytes_of(first), len(first)).any() and not model.run(first).any()
    for seed in range(150):
        parts = []
        for command, beats in random_commands(np.random.default_rng(seed), geometry):
            parts += [np.array(encode(command), dtype=np.uint64), *([beats] if beats is not None else [])]
        words = np.concatenate(parts)
        wanted = model.run(words)
        assert np.array_equal(words_of(kernel.stream(bytes_of(words), len(words))), wanted), f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("geometry", OTHERS, ids=lambda geometry: f"{geometry.pe}x{geometry.simd}")
def test_other_sizes(compiled_array, array_networks, geometry):
    kernel = CompiledArray(compiled_array(geometry))
    equal_on_networks(kernel, array_networks, range(40))
    test_random_commands(kernel)


def test_tables_as_wide_as_synthesis_sees_them(tmp_path, array_networks, monkeypatch):
    write_array(tmp_path / "array", generate_array(SMALL, load_board("pynq_z2")))
    monkeypatch.setattr(csim, "FLAGS", [*csim.FLAGS, "-DLUTFORGE_EXACT_CONSTANTS"])
    csim.compile_kernel(tmp_path / "array")
    kernel = CompiledArray(tmp_path / "array")
    equal_on_networks(kernel, array_networks, range(4))
    test_random_commands(kernel)


def one_sum(geometry, last=True):
    """A program that answers one word of sums: of ones, `simd` in each lane."""
    ones = np.ones((geometry.pe, geometry.simd), dtype=np.int64)
    parts = [
        encode(Write(0, 1)),
        pack_activations(ones[:1], geometry),
        encode(Layer(1, 1, 1, 0, 0, 0, 1, 1, (1, 1), 0)),
        encode(Tile(0, 0, 0, True)),
        pack_weights(ones, geometry),
        encode(Send(0, 1, last)),
    ]
    return np.concatenate([np.array(part, dtype=np.uint64) for part in parts])


def test_programs_that_are_none_end(kernel):
    """They answer what came before, then end the packet; the next program is answered as ever."""
    geometry = kernel.manifest.geometry
    good, open_end = one_sum(geometry), one_sum(geometry, last=False)
    answer = 8 * geometry.answer_beats

    def answers(words, wanted):
        return kernel.answers(bytes_of(np.asarray(words, dtype=np.uint64)), len(words), wanted)

    sums = answers(good, answer)
    assert (sums.view("<i4") == geometry.simd).all()
    huge = Finish(65535, 65535, 65535, 0, 0, 0, (1, 1), 0, 0, *[(0,) * geometry.pe] * 3)
    no_window = dataclasses.replace(huge, images=1, rows=1, columns=1, kernel=(0, 3))
    for bad in (
        [0x77, *good],
        [0, *good],
        [*good[:-2]],
        [],
        [*encode(Layer(65535, 65535, 65535, 0, 0, 0, 1, 1, (1, 1), 0)), *good],
        [*encode(Layer(0, 1, 1, 0, 0, 0, 1, 1, (1, 1), 0)), *good],
        [*encode(Tile(0, 0, 0, True, keep=True)), *good],
        [*encode(huge), *good],
        [*encode(no_window), *good],
    ):
        assert not answers(bad, 8).any(), bad[:3]
        assert np.array_equal(answers(good, answer), sums)
    found = answers([*open_end, 0x77, *good], answer + 8)
    assert np.array_equal(found[:answer], sums) and not found[answer:].any()
    found = answers([*open_end, *encode(Send(60000, 1, True))], 2 * answer)
    assert np.array_equal(found[:answer], sums) and not found[answer:].any()
    with pytest.raises(DeviceError, match="fewer output beats than the answers need"):
        answers([0x77, *good], 16)
    with pytest.raises(DeviceError, match="TLAST came before the last output beat"):
        answers([*good, *good], 2 * answer)


def test_places_outside_the_memories_are_not_written(kernel):
    geometry = kernel.manifest.geometry
    good = one_sum(geometry)
    outside = [
        *encode(Write(65535, 1)),
        *[1] * geometry.word_beats,
        *encode(Layer(1, 1, 2, 0, 0, 0, 1, 9, (1, 1), 65535)),
        *encode(Tile(60000, 0, 0, False)),
        *[7] * geometry.tile_beats,
    ]
    words = np.concatenate([np.array(outside, dtype=np.uint64), good])
    answers = kernel.answers(bytes_of(words), len(words), 8 * geometry.answer_beats)
    assert (answers.view("<i4") == geometry.simd).all()


def test_kernel_of_other_sizes_is_refused(compiled_array, tmp_path):
    shutil.copy(compiled_array(SMALL) / KERNEL, tmp_path)
    made = load_array(compiled_array(SMALL))
    other = dataclasses.replace(made, geometry=dataclasses.replace(made.geometry, sum_words=255))
    (tmp_path / MANIFEST).write_text(to_json(other))
    with pytest.raises(OverlayError, match=r"compiled from geometry .*\.\.\., the manifest says .*compile it again"):
        CompiledArray(tmp_path)
    (tmp_path / KERNEL).unlink()
    with pytest.raises(OverlayError, match="no such file; `lutforge csim` compiles it"):
        CompiledArray(tmp_path)


def test_executor_fills_up_and_cuts(compiled_array, array_networks):
    network = array_networks.make_array_network(np.random.default_rng(4))
    kind = network.input
    images = np.random.default_rng(1).integers(kind.low, kind.high + 1, (7, *kind.shape))
    executor = ArrayExecutor(network, SMALL, ModelKernel(compiled_array(SMALL)), "array", 3)
    wanted = reference.run(network, images)
    assert executor.block_images == 3
    assert np.array_equal(executor.run(images), wanted)
    assert executor.run(images[:0]).shape == (0, *network.logits.shape)
    assert np.array_equal(executor.trace(images)[network.output.name], wanted)
