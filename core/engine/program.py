# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What the engine executes: stages over buffers, for a block of images at a time.

A block is a multiple of 64 images; they lie along the last axis of every buffer. Formats:
  RAW     the images as the caller gave them: [image][element], uint8 less `low`, or int32
  BYTES   uint8 [rows][image], a value less the buffer's `low`
  WORDS   int32 [rows][image]
  PLANES  one bit of an unsigned code per lane, packed: uint64 [rows * bits][image / 64], bit i of a word is image i,
          lane = row * bits + bit, the lowest bit first
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[Any]
RAW, BYTES, WORDS, PLANES = "raw", "bytes", "words", "planes"
UNIT = 64
"""Images of the smallest block: the bits of a word."""

PAD = -1
"""In an index: no row, but the padding value."""


@dataclass(frozen=True)
class Buffer:
    """Where an edge lies. rows: elements of one image; low: what a byte 0 stands for; bits: lanes of a row."""

    number: int
    format: str
    rows: int
    low: int = 0
    bits: int = 1

    @property
    def unit_bytes(self) -> int:
        """Bytes for 64 images."""
        return {
            RAW: 0,
            BYTES: UNIT * self.rows,
            WORDS: 4 * UNIT * self.rows,
            PLANES: UNIT // 8 * self.rows * self.bits,
        }[self.format]


@dataclass(frozen=True)
class Load:
    """The images, turned: RAW to BYTES or WORDS."""

    source: Buffer
    dest: Buffer


@dataclass(frozen=True)
class Import:
    """Images that are lanes already, [lane][images / 64]: RAW to PLANES."""

    source: Buffer
    dest: Buffer


@dataclass(frozen=True)
class Slice:
    """Comparisons of RAW bytes with thresholds: lane row * steps + s of `dest` is `byte > thresholds[row, s]`.

    thresholds: int64 [rows, steps] on the scale of the bytes, -1..255.
    """

    source: Buffer
    dest: Buffer
    thresholds: Ints


@dataclass(frozen=True)
class Netlist:
    """Gates over lanes, repeated at positions [rows, columns] of `source`.

    sources: int32 [gates, 6]; tables: uint64 [gates]; outputs: int32, the lanes written to `dest` side by side, a
    position behind the other. Lanes below `inputs` are lanes of `source` from the position's first on; strides: lanes
    of `source` from row to row and from column to column.
    """

    source: Buffer
    dest: Buffer
    inputs: int
    sources: npt.NDArray[np.int32]
    tables: npt.NDArray[np.uint64]
    outputs: npt.NDArray[np.int32]
    positions: Tuple[int, int] = (1, 1)
    strides: Tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Pointwise:
    """An operation on single elements. rows of parameters: one per channel, or one for all.

    kind: 'identity'; 'threshold', the number of `first` exceeded; 'thermometer', its comparisons as PLANES; 'rescale'
    by (first, second) clamped to low..high, or 'affine' x * first + second; 'digit', byte `low` of x - `high`;
    'shape', x without its `second` low bits, `high` at most above them, rounded half up if `first`; 'equals', whether
    the bits `high` of x are `low`.
    wide: whether a product may exceed 32 bits. first, second: int64 [channels or 1, steps].
    """

    source: Buffer
    dest: Buffer
    channels: int
    kind: str = "identity"
    first: Ints = field(default_factory=lambda: np.zeros((1, 1), dtype=np.int64))
    second: Ints = field(default_factory=lambda: np.zeros((1, 1), dtype=np.int64))
    low: int = 0
    high: int = 0
    wide: bool = False


@dataclass(frozen=True)
class Pass:
    """One product of bytes and weights: the sum so far is shifted left by `shift`, then the product is added.

    weights: int8 [outputs, fan_in]; pad: the byte that stands where the index says PAD.
    """

    source: Buffer
    weights: npt.NDArray[np.int8]
    shift: int
    pad: int


@dataclass(frozen=True)
class Matmul:
    """Sums of products at each position: WORDS, modulo 2**32, or at once what `then` makes of them.

    Sources are BYTES, or RAW bytes where one vector reads all of them in order.

    index: int32 [positions, fan_in], rows of the passes' sources. bias: int64 [outputs].
    """

    passes: Tuple[Pass, ...]
    index: npt.NDArray[np.int32]
    bias: Ints
    dest: Buffer
    then: Optional[Pointwise] = None


@dataclass(frozen=True)
class Gather:
    """Rows of `source` in another order: row i of `dest` is row index[i], or `fill` where the index says PAD."""

    source: Buffer
    dest: Buffer
    index: npt.NDArray[np.int32]
    fill: int = 0


@dataclass(frozen=True)
class Pool:
    """Largest of several rows, as BYTES or WORDS. index: int32 [rows, taps]."""

    source: Buffer
    dest: Buffer
    index: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Combine:
    """Rows of several BYTES or WORDS: their sum, or one row of one of them for each of `dest`.

    index: int32 [rows, 2], the source and its row; None: the sum.
    """

    sources: Tuple[Buffer, ...]
    dest: Buffer
    index: Optional[npt.NDArray[np.int32]] = None


@dataclass(frozen=True)
class Expand:
    """PLANES as BYTES or WORDS: each row the sum of values[b] * bit b. values: int64 [bits]."""

    source: Buffer
    dest: Buffer
    values: Ints


@dataclass(frozen=True)
class ArgMax:
    """Index of the largest of `classes` rows, the lowest on a tie, for each vector of BYTES or WORDS: WORDS."""

    source: Buffer
    dest: Buffer
    classes: int


@dataclass(frozen=True)
class Export:
    """Values to the caller, into output `number`: int64 [image][rows] of BYTES or WORDS; PLANES as they are,
    uint64 [lane][images / 64].
    """

    source: Buffer
    number: int


@dataclass(frozen=True)
class Count:
    """How often each bit flips from image to image, into output `number`: int64 [rows * bits], added to.

    bits: of a value, two's complement. A run's first image has none before it.
    """

    source: Buffer
    number: int
    bits: int


Stage = Union[Count, Load, Import, Slice, Netlist, Pointwise, Matmul, Gather, Pool, Combine, Expand, ArgMax, Export]


@dataclass(frozen=True)
class Program:
    """Stages in order. outputs: (node, shape) of each export; offsets: of buffers, in bytes per 64 images.

    raw_low: what a byte 0 of the images stands for; raw_bytes: whether images enter as uint8, else as int32; packed:
    whether they enter as lanes. counting: outputs are counts of flips.
    """

    stages: Tuple[Stage, ...]
    buffers: Tuple[Buffer, ...]
    outputs: Tuple[Tuple[str, Tuple[int, ...]], ...]
    offsets: Tuple[int, ...]
    unit_bytes: int
    raw_elements: int
    raw_low: int
    raw_bytes: bool
    packed: bool = False
    counting: bool = False

    @property
    def bit_sliced(self) -> bool:
        """Whether gates are evaluated, which wants blocks of many images."""
        return any(isinstance(stage, Netlist) for stage in self.stages)


def reads(stage: Stage) -> List[Buffer]:
    """Return the buffers a stage reads."""
    if isinstance(stage, Combine):
        return list(stage.sources)
    return [one.source for one in stage.passes] if isinstance(stage, Matmul) else [stage.source]


def writes(stage: Stage) -> Optional[Buffer]:
    """Return the buffer a stage writes."""
    return None if isinstance(stage, (Export, Count)) else stage.dest


def placed(stages: List[Stage], buffers: List[Buffer]) -> Tuple[Tuple[int, ...], int]:
    """Return (offset of each buffer, bytes of all), both per 64 images: buffers alive at once do not overlap.

    First fit in the order of their birth, in steps of 64 bytes.
    """
    born: Dict[int, int] = {}
    dies: Dict[int, int] = {}
    for time, stage in enumerate(stages):
        made = writes(stage)
        if made is not None:
            born.setdefault(made.number, time)
            dies[made.number] = time
        for read in reads(stage):
            dies[read.number] = time
    offsets, total = [0] * len(buffers), 0
    alive: List[Tuple[int, int, int]] = []
    for number in sorted(born, key=lambda each: born[each]):
        size = -(-buffers[number].unit_bytes // 64) * 64
        alive = [each for each in alive if dies[each[2]] >= born[number]]
        start = 0
        for begin, end, _ in sorted(alive):
            if begin - start >= size:
                break
            start = max(start, end)
        offsets[number] = start
        alive.append((start, start + size, number))
        total = max(total, start + size)
    return tuple(offsets), total
