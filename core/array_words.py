# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Commands of the programmable array and how they lie in words of 64 bits: said once for all that write or read them.

The low byte of a command's first word is its number. `hls/rtl/array.v` and `hls/include/lutforge/array.hpp` read the
same fields. Addresses and extents have 16 bits; addresses count modulo 2**16, so that a window may begin in front of
its image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, List, Tuple, Union

import numpy as np
import numpy.typing as npt

from lutforge.array_geometry import ACTIVATION_BITS, BEAT_BITS, Geometry
from lutforge.errors import GenerationError

Ints = npt.NDArray[Any]
Words = npt.NDArray[np.uint64]
WRITE, LAYER, TILE, FINISH, SEND = 1, 2, 3, 4, 5
FINISH_WORDS = 5
"""Words of a FINISH in front of those of its lanes."""


@dataclass(frozen=True)
class Write:
    """Write `count` words of activations from `address` on; the beats that follow hold them."""

    address: int
    count: int


@dataclass(frozen=True)
class Layer:
    """What the tiles behind it pass over: `images` x `rows` x `columns` positions.

    image_step, row_step, column_step: words of activations from a position to the next. height, width: of what is
    read; stride: of the window. The sum of position p is word sum_base + p. shift, rounds, top: an activation loses
    its `shift` low bits, rounded half up if `rounds`, and is then at most `top` << shift (`multipliers.shaped`).
    """

    images: int
    rows: int
    columns: int
    image_step: int
    row_step: int
    column_step: int
    height: int
    width: int
    stride: Tuple[int, int]
    sum_base: int
    shift: int = 0
    rounds: bool = False
    top: int = 255


@dataclass(frozen=True)
class Tile:
    """Multiply one word of activations at each position with a tile of weights, and add it to the position's sums.

    address: of the word at position 0; row, column: its place in the image, below 0 where that is padding, which reads
    as 0. first: the sums begin here. keep: the tile before is used again, and no weights follow. signed: activations
    are two's complement. truncate: low bits that the table of the low digit leaves out.
    """

    address: int
    row: int
    column: int
    first: bool
    keep: bool = False
    signed: bool = False
    truncate: int = 0


@dataclass(frozen=True)
class Finish:
    """Requantise sums: (sum + bias) << left, or >> right rounded half up, then clamped to low..high, plus `added`.

    Over images x rows x columns results, each the largest of a window of kernel at `stride` on `extent` (rows, columns)
    sums; what the window has outside is left out. start: address of the sums of result 0's window, row_step and
    image_step: to the next row of results, the next image. in_sums: results are put in place of the sums (the kernel
    is 1 x 1), else into `bank` of the activation words from `target` on, by the steps given.
    added: address of a sum that is added behind the clamp, in_sums only; None: nothing is. bias, left, right: [pe].
    """

    images: int
    rows: int
    columns: int
    start: int
    row_step: int
    image_step: int
    extent: Tuple[int, int]
    low: int
    high: int
    bias: Tuple[int, ...]
    left: Tuple[int, ...]
    right: Tuple[int, ...]
    kernel: Tuple[int, int] = (1, 1)
    stride: Tuple[int, int] = (1, 1)
    padding: Tuple[int, int] = (0, 0)
    in_sums: bool = False
    clamps: bool = True
    added: int | None = None
    bank: int = 0
    target: int = 0
    target_steps: Tuple[int, int, int] = (0, 0, 0)
    """Words to the next image, row and column of results."""


@dataclass(frozen=True)
class Send:
    """Answer with `count` words of sums from `address` on; `last` ends the packet."""

    address: int
    count: int
    last: bool


Command = Union[Write, Layer, Tile, Finish, Send]


def _word(*fields: Tuple[int, int]) -> int:
    """Return a word of fields (value, bits), the lowest first; negative values are two's complement."""
    word, place = 0, 0
    for value, bits in fields:
        if not -(1 << (bits - 1)) <= value < 1 << bits:
            raise GenerationError(f"array: {value} does not fit a field of {bits} bits of a command")
        word |= (value & ((1 << bits) - 1)) << place
        place += bits
    assert place <= BEAT_BITS
    return word


def _address(value: int) -> Tuple[int, int]:
    return value & 0xFFFF, 16


def encode(command: Command) -> List[int]:
    """Return the words of a command, without the beats that follow it."""
    match command:
        case Write():
            return [_word((WRITE, 8), (0, 8), (command.count, 16), _address(command.address))]
        case Layer() as c:
            return [
                _word((LAYER, 8), (c.shift, 4), (c.rounds, 4), (c.top, 16), _address(c.sum_base)),
                _word((c.images, 16), (c.rows, 16), (c.columns, 16)),
                _word(_address(c.image_step), _address(c.row_step), _address(c.column_step)),
                _word((c.height, 16), (c.width, 16), (c.stride[0], 16), (c.stride[1], 16)),
            ]
        case Tile() as c:
            flags = (c.first, 1), (c.keep, 1), (c.signed, 1), (0, 1), (c.truncate, 4)
            return [_word((TILE, 8), *flags, _address(c.address), _address(c.row), _address(c.column))]
        case Finish() as c:
            return _encode_finish(c)
        case Send() as c:
            return [_word((SEND, 8), (c.last, 8), (c.count, 16), _address(c.address))]


def _encode_finish(c: Finish) -> List[int]:
    flags = (c.in_sums, 1), (c.clamps, 1), (c.added is not None, 1), (0, 5)
    window = [*((value, 4) for value in (*c.kernel, *c.stride, *c.padding)), (c.extent[0], 16), (c.extent[1], 16)]
    words = [
        _word((FINISH, 8), *flags, (c.bank, 16), _address(c.start), _address(c.added or 0)),
        _word((c.images, 16), (c.rows, 16), (c.columns, 16), _address(c.image_step)),
        _word(_address(c.target), *map(_address, c.target_steps)),
        _word(*window),
        _word((c.low, 16), (c.high, 16), _address(c.row_step)),
    ]
    lanes = zip(c.bias, c.left, c.right, strict=True)
    return words + [_word((bias, 32), (right, 8), (left, 8)) for bias, left, right in lanes]


def _field(word: int, place: int, bits: int, signed: bool = False) -> int:
    value = word >> place & ((1 << bits) - 1)
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def decode(words: Words, geometry: Geometry) -> Iterator[Tuple[Command, Words]]:
    """Yield the commands of a program, each with the beats behind it; GenerationError names a word that is none."""
    at = 0
    while at < len(words):
        number = int(words[at]) & 0xFF
        if number not in _LENGTH:
            raise GenerationError(f"array: word {at} of the program is {int(words[at]):#018x}, which is no command")
        length = _LENGTH[number] + (geometry.pe if number == FINISH else 0)
        taken = [int(word) for word in words[at : at + length]]
        command = _decoded(number, taken) if len(taken) == length else None
        beats = _beats(command, geometry) if command else 0
        if command is None or at + length + beats > len(words):
            raise GenerationError(f"array: the program ends inside the command at word {at}")
        yield command, words[at + length : at + length + beats]
        at += length + beats


def answer_beats(words: Words, geometry: Geometry) -> int:
    """Return how many beats a program answers with."""
    sends = (command for command, _ in decode(words, geometry) if isinstance(command, Send))
    return sum(send.count for send in sends) * geometry.answer_beats


_LENGTH = {WRITE: 1, LAYER: 4, TILE: 1, FINISH: FINISH_WORDS, SEND: 1}


def _beats(command: Command, geometry: Geometry) -> int:
    if isinstance(command, Write):
        return command.count * geometry.word_beats
    return geometry.tile_beats if isinstance(command, Tile) and not command.keep else 0


def _decoded(number: int, words: List[int]) -> Command:
    head = words[0]
    if number == WRITE:
        return Write(_field(head, 32, 16), _field(head, 16, 16))
    if number == SEND:
        return Send(_field(head, 32, 16), _field(head, 16, 16), bool(_field(head, 8, 1)))
    if number == TILE:
        return Tile(
            address=_field(head, 16, 16),
            row=_field(head, 32, 16, True),
            column=_field(head, 48, 16, True),
            first=bool(_field(head, 8, 1)),
            keep=bool(_field(head, 9, 1)),
            signed=bool(_field(head, 10, 1)),
            truncate=_field(head, 12, 4),
        )
    return _decoded_layer(words) if number == LAYER else _decoded_finish(words)


def _quarters(word: int) -> List[int]:
    return [_field(word, place, 16) for place in (0, 16, 32, 48)]


def _decoded_layer(words: List[int]) -> Layer:
    (_, top, sum_base, _), counts, steps, sizes = map(_quarters, words)
    return Layer(
        images=counts[0],
        rows=counts[1],
        columns=counts[2],
        image_step=steps[0],
        row_step=steps[1],
        column_step=steps[2],
        height=sizes[0],
        width=sizes[1],
        stride=(sizes[2], sizes[3]),
        sum_base=sum_base,
        shift=_field(words[0], 8, 4),
        rounds=bool(_field(words[0], 12, 1)),
        top=top,
    )


def _decoded_finish(words: List[int]) -> Finish:
    (_, bank, start, added), counts, target, _, ends = map(_quarters, words[:FINISH_WORDS])
    kernel, stride, padding = ((_field(words[3], at, 4), _field(words[3], at + 4, 4)) for at in (0, 8, 16))
    lanes = words[FINISH_WORDS:]
    return Finish(
        images=counts[0],
        rows=counts[1],
        columns=counts[2],
        start=start,
        row_step=ends[2],
        image_step=counts[3],
        extent=(_field(words[3], 24, 16), _field(words[3], 40, 16)),
        low=_field(words[4], 0, 16, True),
        high=_field(words[4], 16, 16, True),
        bias=tuple(_field(word, 0, 32, True) for word in lanes),
        left=tuple(_field(word, 40, 8) for word in lanes),
        right=tuple(_field(word, 32, 8) for word in lanes),
        kernel=kernel,
        stride=stride,
        padding=padding,
        in_sums=bool(_field(words[0], 8, 1)),
        clamps=bool(_field(words[0], 9, 1)),
        added=added if _field(words[0], 10, 1) else None,
        bank=bank,
        target=target[0],
        target_steps=(target[1], target[2], target[3]),
    )


def pack_weights(weights: Ints, geometry: Geometry) -> Words:
    """Return the beats of tiles. weights: int [..., pe, simd]; result: uint64 [..., tile_beats]."""
    lanes = np.ascontiguousarray(weights, dtype=np.dtype(f"<i{geometry.weight_lane_bits // 8}"))
    flat = lanes.reshape(*weights.shape[:-2], -1)
    return np.asarray(np.ascontiguousarray(flat).view(np.dtype("<u8")))


def unpack_weights(beats: Words, geometry: Geometry) -> npt.NDArray[np.int64]:
    """Return the weights of one tile: int64 [pe, simd]."""
    lanes = np.ascontiguousarray(beats, dtype=np.dtype("<u8")).view(np.dtype(f"<i{geometry.weight_lane_bits // 8}"))
    return lanes.astype(np.int64).reshape(geometry.pe, geometry.simd)


def pack_activations(values: Ints, geometry: Geometry) -> Words:
    """Return the beats of words of activations. values: int [..., simd], 8 bits; result: uint64 [n]."""
    assert ACTIVATION_BITS == 8
    return np.ascontiguousarray(np.asarray(values).astype(np.uint8)).view(np.dtype("<u8")).reshape(-1)
