# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Commands of one step after the other: tiles that are not zero, the sums behind them, and where results go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.array_geometry import Geometry
from lutforge.array_steps import Expression, Products, Scaled, Step, regions
from lutforge.array_tensors import Places, block_offset, blocks_of, segment_blocks, words_of
from lutforge.array_words import Finish, Layer, Send, Tile, Words, encode, pack_weights
from lutforge.multipliers import Approximate

Ints = npt.NDArray[Any]


@dataclass
class StepCount:
    """What a step has. tiles: of weights, without zero ones; skipped: zero ones; kept: passes with the tile before.

    positions: that one tile passes over; multiplications: of one image, by weights that are not zero; words: of its
    commands with their weights.
    """

    node: str
    positions: int
    tiles: int = 0
    skipped: int = 0
    kept: int = 0
    multiplications: int = 0
    words: int = 0


@dataclass(frozen=True)
class _Lanes:
    """`pe` channels of a segment: the first, how many of them there are, its word and bank behind the segment's own."""

    segment: int
    first: int
    count: int
    block: int
    bank: int


@dataclass(frozen=True)
class _Pending:
    """What is still to be done with sums: bias, shifts and clamp of each of `pe` lanes. base: word of position 0."""

    base: int
    bias: Tuple[int, ...]
    left: Tuple[int, ...]
    right: Tuple[int, ...]
    clamp: Optional[Tuple[int, int]] = None

    @property
    def idle(self) -> bool:
        """Whether nothing changes the sums."""
        return self.clamp is None and not any((*self.bias, *self.left, *self.right))


class Emitter:
    """Collects the words of a program for `images` images, step by step."""

    def __init__(self, geometry: Geometry, places: Places, images: int):
        self.geometry, self.places, self.images = geometry, places, images
        self.answers: List[Tuple[int, int, int]] = []
        self.counts: List[StepCount] = []
        self._parts: List[Words] = []
        self._tile: Optional[Tuple[Any, ...]] = None  # what the array holds: weights and how their tables are made
        self._last_send: Optional[Tuple[int, Send]] = None

    def words(self) -> Words:
        """Return all words."""
        return np.concatenate(self._parts)

    def add(self, step: Step) -> None:
        """Add a step: every `pe` channels of it, for as many images at a time as the partial sums have room for."""
        rows, columns = step.of.extent
        self._count = StepCount(step.node, 0)
        self.counts.append(self._count)
        size = min(self.images, self.geometry.sum_words // (rows * columns * regions(step.of)))
        self._count.positions = size * rows * columns
        for first in range(0, self.images, size):
            self._first, self._now = first, min(size, self.images - first)
            self._region = self._now * rows * columns
            for lanes in self._groups(step.of.segments):
                self._finish_step(step, lanes, self._sums(step.of, lanes, 0))

    def close(self) -> None:
        """Mark the last answer as such."""
        assert self._last_send is not None  # every network ends in logits
        place, send = self._last_send
        self._parts[place] = np.array(encode(replace(send, last=True)), dtype=np.uint64)

    def _groups(self, segments: Tuple[int, ...]) -> Iterator[_Lanes]:
        pe, simd = self.geometry.pe, self.geometry.simd
        for number, channels in enumerate(segments):
            for first in range(0, channels, pe):
                yield _Lanes(number, first, min(pe, channels - first), first // simd, first % simd // pe)

    def _emit(self, words: List[int], beats: Optional[Words] = None) -> None:
        self._parts.append(np.array(words, dtype=np.uint64))
        self._count.words += len(words)
        if beats is not None:
            self._parts.append(beats)
            self._count.words += len(beats)

    # Sums

    def _sums(self, expression: Expression, lanes: _Lanes, region: int) -> _Pending:
        if isinstance(expression, Products):
            return self._multiplied(expression, lanes, region * self._region)
        if isinstance(expression, Scaled):
            pending = self._sums(expression.of, lanes, region)
            if pending.clamp or any((*pending.left, *pending.right)):
                pending = self._in_place(expression, pending)
            left, right = (self._of(values, expression, lanes) for values in (expression.left, expression.right))
            return replace(pending, left=left, right=right, clamp=(expression.low, expression.high))
        left_side = self._sums(expression.left, lanes, region)
        if not left_side.idle:
            left_side = self._in_place(expression, left_side)
        right_side = self._sums(expression.right, lanes, region + 1)
        return self._in_place(expression, right_side, added=left_side.base)

    def _of(self, values: Ints, expression: Expression, lanes: _Lanes) -> Tuple[int, ...]:
        """Return the values of the channels of a group, 0 for lanes behind the last."""
        first = sum(expression.segments[: lanes.segment]) + lanes.first
        chosen = [int(value) for value in values[first : first + lanes.count]]
        return (*chosen, *[0] * (self.geometry.pe - lanes.count))

    def _in_place(self, expression: Expression, pending: _Pending, added: Optional[int] = None) -> _Pending:
        rows, columns = expression.extent
        command = Finish(
            self._now,
            rows,
            columns,
            start=pending.base,
            row_step=columns,
            image_step=rows * columns,
            extent=(rows, columns),
            low=pending.clamp[0] if pending.clamp else 0,
            high=pending.clamp[1] if pending.clamp else 0,
            bias=pending.bias,
            left=pending.left,
            right=pending.right,
            in_sums=True,
            clamps=pending.clamp is not None,
            added=added,
        )
        self._emit(encode(command))
        nothing = (0,) * self.geometry.pe
        return _Pending(pending.base, nothing, nothing, nothing)

    def _multiplied(self, products: Products, lanes: _Lanes, base: int) -> _Pending:
        self._emit(encode(self._layer(products, base)))
        first = True
        tiles = list(self._tiles(products, lanes))
        chosen = [entry for entry in tiles if entry[1].any()] or tiles[:1]  # sums begin somewhere, be it with zero
        self._count.skipped += len(tiles) - len(chosen)
        form = products.multiplier
        truncate = form.truncate_bits if isinstance(form, Approximate) else 0
        for (tap, block), weights in chosen:
            self._tile_command(products, tap, block, weights, first, truncate)
            first = False
        nothing = (0,) * self.geometry.pe
        return _Pending(base, self._of(products.bias, products, lanes), nothing, nothing)

    def _layer(self, products: Products, base: int) -> Layer:
        tensor, window, kind = products.source.tensor, products.window, products.kind
        rows, columns = products.extent
        pitch = blocks_of(tensor, self.geometry.simd)
        form = products.multiplier
        shift = form.dropped(kind.bits) if isinstance(form, Approximate) else 0
        rounds = isinstance(form, Approximate) and form.round_bits > 0
        return Layer(
            self._now,
            rows,
            columns,
            image_step=words_of(tensor, self.geometry.simd),
            row_step=window.stride[0] * tensor.width * pitch,
            column_step=window.stride[1] * pitch,
            height=tensor.height,
            width=tensor.width,
            stride=window.stride,
            sum_base=base,
            shift=shift,
            rounds=rounds,
            top=(1 << (kind.bits - shift - kind.signed)) - 1,
        )

    def _tiles(self, products: Products, lanes: _Lanes) -> Iterator[Tuple[Tuple[int, int], Ints]]:
        """Yield ((tap, word inside a position), weights [pe, simd]) of a group of outputs."""
        pe, simd = self.geometry.pe, self.geometry.simd
        kernel, offset = products.window.kernel, block_offset(products.source, simd)
        if products.weights is None:
            before = products.segments[: lanes.segment]
            block = offset + sum(segment_blocks(channels, simd) for channels in before) + lanes.block
            same = np.zeros((pe, simd), dtype=np.int16)
            same[np.arange(lanes.count), lanes.bank * pe + np.arange(lanes.count)] = 1
            for tap in range(kernel[0] * kernel[1]):
                yield (tap, block), same
            return
        rows = products.weights[lanes.first : lanes.first + lanes.count]
        if self._now and not self._first:
            positions = products.extent[0] * products.extent[1]
            self._count.multiplications += positions * int(np.count_nonzero(rows))
        for tap in range(rows.shape[1]):
            block, channel = offset, 0
            for channels in products.source.segments:
                for start in range(0, channels, simd):
                    count = min(simd, channels - start)
                    weights = np.zeros((pe, simd), dtype=np.int16)
                    weights[: lanes.count, :count] = rows[:, tap, channel + start : channel + start + count]
                    yield (tap, block), weights
                    block += 1
                channel += channels

    def _tile_command(
        self, products: Products, tap: int, block: int, weights: Ints, first: bool, truncate: int
    ) -> None:
        tensor, window = products.source.tensor, products.window
        row, column = tap // window.kernel[1] - window.padding[0], tap % window.kernel[1] - window.padding[2]
        pitch, words = blocks_of(tensor, self.geometry.simd), words_of(tensor, self.geometry.simd)
        address = self.places[tensor.name] + self._first * words + (row * tensor.width + column) * pitch + block
        held = (weights.tobytes(), products.kind.signed, truncate)
        keep = held == self._tile
        command = Tile(address, row, column, first, keep, products.kind.signed, truncate)
        self._emit(encode(command), None if keep else pack_weights(weights, self.geometry))
        self._count.tiles += not keep
        self._count.kept += keep
        self._tile = held

    # Results

    def _finish_step(self, step: Step, lanes: _Lanes, pending: _Pending) -> None:
        if step.target is None:
            if not pending.idle:
                pending = self._in_place(step.of, pending)
            send = Send(pending.base, self._now, False)
            self._last_send = len(self._parts), send
            self._emit(encode(send))
            self.answers.append((lanes.first, self._first, self._now))
            return
        self._emit(encode(self._store(step, lanes, pending)))

    def _store(self, step: Step, lanes: _Lanes, pending: _Pending) -> Finish:
        assert step.target is not None and pending.clamp is not None
        view, simd = step.target, self.geometry.simd
        tensor, pitch, words = view.tensor, blocks_of(view.tensor, simd), words_of(view.tensor, simd)
        before = view.segments[: lanes.segment]
        offset = block_offset(view, simd) + sum(segment_blocks(channels, simd) for channels in before) + lanes.block
        rows, columns = step.of.extent
        pool = step.pool
        kernel, stride = (pool.kernel, pool.stride) if pool else ((1, 1), (1, 1))
        top, left = (pool.padding[0], pool.padding[2]) if pool else (0, 0)
        return Finish(
            self._now,
            tensor.height,
            tensor.width,
            start=pending.base - top * columns - left,
            row_step=stride[0] * columns,
            image_step=rows * columns,
            extent=(rows, columns),
            low=pending.clamp[0],
            high=pending.clamp[1],
            bias=pending.bias,
            left=pending.left,
            right=pending.right,
            kernel=kernel,
            stride=stride,
            padding=(top, left),
            bank=lanes.bank,
            target=self.places[tensor.name] + self._first * words + offset,
            target_steps=(words, tensor.width * pitch, pitch),
        )
