# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What the programmable array answers to a program, word by word of its commands, in numpy integers.

It knows no network: it reads the same beats as the hardware, and forms products from the same tables.
"""

from __future__ import annotations

from typing import Any, List

import numpy as np
import numpy.typing as npt

from lutforge.array_geometry import Geometry
from lutforge.array_words import Finish, Layer, Send, Tile, Words, Write, decode, unpack_weights
from lutforge.errors import GenerationError
from lutforge.multipliers import digit_table

Ints = npt.NDArray[Any]
ADDRESSES = (1 << 16) - 1


class ArrayModel:
    """An array with its memories; both are zero at first."""

    def __init__(self, geometry: Geometry):
        self.geometry = geometry
        self.activations = np.zeros((geometry.activation_words, geometry.simd), dtype=np.uint8)
        self.sums = np.zeros((geometry.sum_words, geometry.pe), dtype=np.int64)
        self._low = self._high = np.zeros((geometry.pe, geometry.simd, 16), dtype=np.int64)
        self._layer: Layer | None = None

    def run(self, words: Words) -> Words:
        """Return the beats that a program answers."""
        answers: List[Ints] = []
        for command, beats in decode(words, self.geometry):
            match command:
                case Write():
                    values = np.ascontiguousarray(beats, dtype=np.dtype("<u8")).view(np.uint8)
                    where = self._activation_words(command.address + np.arange(command.count))
                    self.activations[where] = values.reshape(command.count, self.geometry.simd)
                case Layer():
                    self._layer = command
                case Tile():
                    self._pass(command, beats)
                case Finish():
                    self._finish(command)
                case Send():
                    where = self._sum_words(command.address + np.arange(command.count))
                    answers.append(self.sums[where].astype(np.dtype("<i4")))
        flat = np.concatenate([part.reshape(-1) for part in answers]) if answers else np.zeros(0, dtype="<i4")
        return np.asarray(flat.view(np.dtype("<u8")))

    def _activation_words(self, addresses: Ints) -> Ints:
        return _inside(addresses & ADDRESSES, self.geometry.activation_words, "activations")

    def _sum_words(self, addresses: Ints) -> Ints:
        return _inside(addresses & ADDRESSES, self.geometry.sum_words, "partial sums")

    def _pass(self, tile: Tile, beats: Words) -> None:
        """Look up the products of a tile at every position and add them to the sums."""
        layer = self._layer
        if layer is None:
            raise GenerationError("array: a tile comes before any layer")
        if not tile.keep:
            weights = unpack_weights(beats, self.geometry)
            self._low = digit_table(weights, 4, False) >> tile.truncate << tile.truncate
            self._high = digit_table(weights, 4, tile.signed)
        image, row, column = np.indices((layer.images, layer.rows, layer.columns)).reshape(3, -1)
        y, x = tile.row + row * layer.stride[0], tile.column + column * layer.stride[1]
        inside = (y >= 0) & (y < layer.height) & (x >= 0) & (x < layer.width)
        address = tile.address + image * layer.image_step + row * layer.row_step + column * layer.column_step
        values = np.zeros((len(row), self.geometry.simd), dtype=np.int64)
        values[inside] = self.activations[self._activation_words(address[inside])]
        values = _shaped(layer, values, tile.signed)
        lane = np.arange(self.geometry.simd)
        dots = np.zeros((len(values), self.geometry.pe), dtype=np.int64)
        for pe in range(self.geometry.pe):
            low, high = self._low[pe][lane, values & 15], self._high[pe][lane, values >> 4]
            dots[:, pe] = (low + (high << 4)).sum(axis=1)
        where = self._sum_words(layer.sum_base + np.arange(len(row)))
        self.sums[where] = dots if tile.first else self.sums[where] + dots

    def _finish(self, c: Finish) -> None:
        shape = (c.images, c.rows, c.columns)
        image, row, column = np.indices(shape).reshape(3, -1)
        best: Ints | None = None
        for tap in range(c.kernel[0] * c.kernel[1]):
            i, j = divmod(tap, c.kernel[1])
            y, x = row * c.stride[0] - c.padding[0] + i, column * c.stride[1] - c.padding[1] + j
            inside = (y >= 0) & (y < c.extent[0]) & (x >= 0) & (x < c.extent[1])
            start = c.start + image * c.image_step + row * c.row_step + column * c.stride[1]
            where = self._sum_words((start + i * c.extent[1] + j)[inside])
            values = np.full((len(row), self.geometry.pe), -(1 << 40), dtype=np.int64)
            values[inside] = _requantised(c, self.sums[where])
            best = values if best is None else np.maximum(best, values)
        assert best is not None
        if c.in_sums:
            where = self._sum_words(c.start + image * c.image_step + row * c.row_step + column)
            added = self.sums[self._sum_words(c.added + where - c.start)] if c.added is not None else 0
            self.sums[where] = best + added
            return
        steps = c.target_steps
        words = self._activation_words(c.target + image * steps[0] + row * steps[1] + column * steps[2])
        lanes = c.bank * self.geometry.pe + np.arange(self.geometry.pe)
        self.activations[words[:, None], lanes] = (best & 255).astype(np.uint8)


def _inside(addresses: Ints, words: int, what: str) -> Ints:
    if len(addresses) and int(addresses.max()) >= words:
        raise GenerationError(f"array: the program reads or writes word {addresses.max()} of {words} of {what}")
    return addresses


def _shaped(layer: Layer, values: Ints, signed: bool) -> Ints:
    """Return activations without their low bits, as codes of 8 bits; padding stays 0."""
    whole = np.where(signed & (values > 127), values - 256, values)
    if layer.shift:
        kept = whole >> layer.shift
        if layer.rounds:
            kept = np.minimum(kept + (whole >> (layer.shift - 1) & 1), layer.top)
        whole = kept << layer.shift
    return np.asarray(whole & 255)


def _requantised(c: Finish, sums: Ints) -> Ints:
    right, left = np.array(c.right), np.array(c.left)
    total = sums + np.array(c.bias)
    total = ((total << left) + np.where(right > 0, 1 << np.maximum(right - 1, 0), 0)) >> right
    return np.asarray(np.clip(total, c.low, c.high) if c.clamps else total)
