# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How images and answers lie on the AXI streams: said once for the generator, the driver and the emulation.

Input: whole elements of `bits` each, element 0 in the lowest bits of a beat, `beat_bits // bits` of them
to a beat; each image is padded to whole beats. Output: 32-bit words, two to a 64-bit beat, word 0 in the
lowest bits; each image's record is padded to whole beats. TLAST stands on the last output beat of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutforge.errors import DeviceError, GenerationError
from lutforge.network import Network, TensorType
from lutforge.numerics import argmax

Ints = npt.NDArray[Any]
WORD_BITS = 32
OUTPUTS = ("logits", "class", "both")


@dataclass(frozen=True)
class InputStream:
    """Layout of one image: `elements` values of `bits` bits in beats of `beat_bits` bits (32, 64 or 128)."""

    elements: int
    bits: int
    signed: bool
    beat_bits: int

    @property
    def lanes(self) -> int:
        """Elements in one beat."""
        return self.beat_bits // self.bits

    @property
    def beats(self) -> int:
        """Beats of one image."""
        return -(-self.elements // self.lanes)

    @property
    def bytes_per_image(self) -> int:
        """Bytes of one record, padding included."""
        return self.beats * self.beat_bits // 8

    def pack(self, images: Ints) -> npt.NDArray[np.uint8]:
        """Return the bytes of a batch. images: integers [batch, ...]; result: uint8 [batch, bytes_per_image]."""
        flat = np.ascontiguousarray(images).reshape(len(images), self.elements)
        if self.bits == 8 and self.elements % self.lanes == 0:
            return np.ascontiguousarray(flat.astype(np.uint8))
        padded = np.zeros((len(flat), self.beats * self.lanes), dtype=np.int64)
        padded[:, : self.elements] = flat
        lanes = padded.reshape(len(flat), self.beats, self.lanes)
        if self.bits in (8, 16, 32):
            unit = np.dtype(f"<u{self.bits // 8}")
            return np.ascontiguousarray(lanes.astype(unit)).view(np.uint8).reshape(len(flat), self.bytes_per_image)
        bits = ((lanes[..., None] >> np.arange(self.bits)) & 1).astype(np.uint8)
        beats = np.zeros((len(flat), self.beats, self.beat_bits), dtype=np.uint8)
        beats[:, :, : self.lanes * self.bits] = bits.reshape(len(flat), self.beats, self.lanes * self.bits)
        return np.packbits(beats, axis=-1, bitorder="little").reshape(len(flat), self.bytes_per_image)

    def unpack(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Return the elements, the inverse of `pack`: int64 [batch, elements]."""
        beats = np.ascontiguousarray(data).reshape(-1, self.beats, self.beat_bits // 8)
        bits = np.unpackbits(beats, axis=-1, bitorder="little")[:, :, : self.lanes * self.bits]
        lanes = bits.reshape(len(beats), self.beats * self.lanes, self.bits).astype(np.int64)
        values = (lanes << np.arange(self.bits)).sum(axis=-1)
        if self.signed:
            values = np.where(values >= 1 << (self.bits - 1), values - (1 << self.bits), values)
        return np.asarray(values[:, : self.elements])


@dataclass(frozen=True)
class OutputStream:
    """Layout of one answer. output: 'logits', 'class' or 'both' (the logits, then the class)."""

    classes: int
    output: str
    beat_bits: int

    def __post_init__(self) -> None:
        if self.output not in OUTPUTS:
            raise GenerationError(f"output word {self.output!r} is unknown; use one of {', '.join(OUTPUTS)}")

    @property
    def words(self) -> int:
        """32-bit words of one answer, padding not counted."""
        return {"logits": self.classes, "class": 1, "both": self.classes + 1}[self.output]

    @property
    def beats(self) -> int:
        """Beats of one answer."""
        return -(-self.words * WORD_BITS // self.beat_bits)

    @property
    def bytes_per_image(self) -> int:
        """Bytes of one record, padding included."""
        return self.beats * self.beat_bits // 8

    def pack(self, logits: Ints) -> npt.NDArray[np.uint8]:
        """Return the bytes that hardware sends for logits, int [batch, classes]: uint8 [batch, bytes_per_image]."""
        logits = np.asarray(logits).reshape(len(logits), self.classes)
        words = np.zeros((len(logits), self.bytes_per_image // 4), dtype=np.dtype("<i4"))
        if self.output != "class":
            words[:, : self.classes] = logits
        if self.output != "logits":
            words[:, self.words - 1] = argmax(logits)
        return words.view(np.uint8).reshape(len(logits), self.bytes_per_image)

    def logits(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Return int64 [batch, classes] from received bytes."""
        if self.output == "class":
            raise DeviceError("the overlay sends the class only; generate with --output logits or both")
        return self._words(data)[:, : self.classes].astype(np.int64)

    def classification(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Return the class of each image, int64 [batch], computed here where only logits were sent."""
        if self.output == "logits":
            return argmax(self.logits(data))
        return self._words(data)[:, self.words - 1].astype(np.int64)

    def _words(self, data: npt.NDArray[np.uint8]) -> Ints:
        return np.ascontiguousarray(data).reshape(-1, self.bytes_per_image).view(np.dtype("<i4"))


def input_stream(kind: TensorType, beat_bits: int) -> InputStream:
    """Return the layout of a network's input on a stream of beat_bits."""
    return InputStream(kind.elements, kind.bits, kind.signed, beat_bits)


def output_stream(network: Network, output: str, beat_bits: int) -> OutputStream:
    """Return the layout of a network's answers; logits must be one vector per image."""
    if network.logits.elements != network.classes:
        raise GenerationError(f"the logits have shape {network.logits.shape}; one vector per image is wanted")
    return OutputStream(network.classes, output, beat_bits)
