# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How images and answers lie in beats: golden bytes, and pack and unpack for every width."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge.errors import DeviceError, GenerationError
from lutforge.network import Network, Node
from lutforge.operations import Input
from lutforge.streams import InputStream, OutputStream, input_stream, output_stream


@pytest.mark.parametrize("beat_bits", [32, 64, 128])
@pytest.mark.parametrize("signed", [False, True])
def test_every_width_comes_back(beat_bits, signed):
    rng = np.random.default_rng(beat_bits)
    for bits in range(1, 33):
        for elements in (1, 7, beat_bits // bits, 3 * (beat_bits // bits)):
            stream = InputStream(elements, bits, signed, beat_bits)
            low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
            images = rng.integers(low, high + 1, (3, elements))
            images[0], images[1] = low, high
            data = stream.pack(images)
            assert data.dtype == np.uint8 and data.shape == (3, stream.bytes_per_image)
            assert np.array_equal(stream.unpack(data), images), (bits, elements)
            assert stream.pack(images[:0]).shape == (0, stream.bytes_per_image)


def beats_by_hand(values, bits, beat_bits):
    """Beats of one image as bytes, straight from the sentence in the docstring of `streams`."""
    lanes = beat_bits // bits
    data = b""
    for start in range(0, len(values), lanes):
        beat = 0
        for lane, value in enumerate(values[start : start + lanes]):
            beat |= (int(value) & ((1 << bits) - 1)) << (lane * bits)
        data += beat.to_bytes(beat_bits // 8, "little")
    return data


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8, 12, 16, 31, 32])
@pytest.mark.parametrize("beat_bits", [32, 64, 128])
def test_packing_is_what_the_contract_says(bits, beat_bits):
    values = np.random.default_rng(bits).integers(-(1 << (bits - 1)), 1 << (bits - 1), 11)
    packed = InputStream(11, bits, True, beat_bits).pack(values[None])
    assert packed[0].tobytes() == beats_by_hand(values, bits, beat_bits)


def test_golden_bytes():
    assert InputStream(3, 3, False, 32).pack(np.array([[1, 2, 7]])).tolist() == [[0b11010001, 0b1, 0, 0]]
    assert InputStream(2, 8, True, 32).pack(np.array([[-1, 2]])).tolist() == [[255, 2, 0, 0]]
    assert InputStream(3, 16, False, 32).pack(np.array([[1, 258, 3]])).tolist() == [[1, 0, 2, 1, 3, 0, 0, 0]]
    assert InputStream(9, 8, False, 64).pack(np.arange(9)[None]).tolist() == [[*range(9)] + [0] * 7]
    # 7 bits: 9 elements to a 64-bit beat, its top bit stays 0
    ones = InputStream(9, 7, False, 64).pack(np.full((1, 9), 127))
    assert ones.tolist() == [[255] * 7 + [127]]


def test_images_of_any_shape_are_taken_in_row_major_order():
    stream = input_stream(Network("n", (Node("x", Input((2, 2, 1), 0, 255)),)).input, 32)
    assert stream == InputStream(4, 8, False, 32)
    assert stream.pack(np.array([[[[1], [2]], [[3], [4]]]], dtype=np.uint8)).tolist() == [[1, 2, 3, 4]]


LOGITS = np.array([[5, -1, 5], [-(1 << 31), 7, (1 << 31) - 1]])


def test_the_output_record_of_logits():
    stream = OutputStream(3, "logits", 64)
    assert (stream.words, stream.beats, stream.bytes_per_image) == (3, 2, 16)
    data = stream.pack(LOGITS)
    assert data[0].tolist() == [5, 0, 0, 0, 255, 255, 255, 255, 5, 0, 0, 0, 0, 0, 0, 0]
    assert np.array_equal(stream.logits(data), LOGITS)
    assert stream.classification(data).tolist() == [0, 2]


def test_the_output_record_of_the_class():
    stream = OutputStream(3, "class", 64)
    data = stream.pack(LOGITS)
    assert data.tolist() == [[0] * 8, [2] + [0] * 7]
    assert stream.classification(data).tolist() == [0, 2]
    with pytest.raises(DeviceError, match="sends the class only; generate with --output logits or both"):
        stream.logits(data)


@pytest.mark.parametrize("beat_bits", [32, 64, 128])
def test_the_output_record_of_both(beat_bits):
    stream = OutputStream(3, "both", beat_bits)
    data = stream.pack(LOGITS)
    assert data.shape == (2, 16)
    assert data[1, 12:].tolist() == [2, 0, 0, 0]
    assert np.array_equal(stream.logits(data), LOGITS)
    assert stream.classification(data).tolist() == [0, 2]
    assert stream.pack(LOGITS[:0]).shape == (0, 16)


def test_an_unknown_output_word_is_refused():
    with pytest.raises(GenerationError, match="output word 'softmax' is unknown; use one of logits, class, both"):
        OutputStream(3, "softmax", 64)


def test_logits_must_be_one_vector():
    network = Network("n", (Node("x", Input((2, 3))),))
    with pytest.raises(GenerationError, match=r"the logits have shape \(2, 3\); one vector per image is wanted"):
        output_stream(network, "logits", 64)
    assert output_stream(Network("n", (Node("x", Input((1, 3))),)), "class", 64) == OutputStream(3, "class", 64)
