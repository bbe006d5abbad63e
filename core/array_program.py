# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A network as a program of the programmable array: where tensors lie, which commands run, what an answer looks like.

A program computes a batch of images at once, so that a tile of weights passes over the positions of all of them. The
weights travel with the program; tiles that are zero throughout are left out, and a tile that is already there is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.array_emitter import Emitter, StepCount
from lutforge.array_geometry import Geometry
from lutforge.array_planner import steps_of
from lutforge.array_steps import Step, Tensor, products_of, regions
from lutforge.array_tensors import Places, allocate, blocks_of, words_of
from lutforge.array_words import Words, Write, encode, pack_activations
from lutforge.errors import ScheduleError
from lutforge.network import Network

Ints = npt.NDArray[Any]
MAX_IMAGES = 16
"""Images of a batch where nothing is said: more hardly helps, and answers come later."""


@dataclass(frozen=True, eq=False)
class Program:
    """A network compiled for an array. images: of one run; steps: what each of them counts.

    words: uint64, the commands with their weights behind the images. answers: (first class, first image, images) of
    each group of `pe` logits, in the order in which they are sent.
    """

    network: Network
    geometry: Geometry
    images: int
    source: Tensor
    address: int
    words: Words
    answers: Tuple[Tuple[int, int, int], ...]
    steps: Tuple[StepCount, ...]

    @property
    def answer_beats(self) -> int:
        """Beats of the answers of one run."""
        return sum(count for _, _, count in self.answers) * self.geometry.answer_beats

    def stream(self, images: Ints) -> Words:
        """Return the beats of one run: uint64. images: integers [n, *input shape]; fewer are filled up."""
        tensor, simd = self.source, self.geometry.simd
        pixels = np.zeros((self.images, tensor.height, tensor.width, blocks_of(tensor, simd) * simd), dtype=np.int64)
        shape = (len(images), tensor.height, tensor.width, tensor.channels)
        pixels[: len(images), ..., : tensor.channels] = np.asarray(images).reshape(shape)
        count = self.images * words_of(tensor, simd)
        head = np.array(encode(Write(self.address, count)), dtype=np.uint64)
        return np.concatenate([head, pack_activations(pixels, self.geometry), self.words])

    def logits(self, beats: Words) -> npt.NDArray[np.int64]:
        """Return the logits of the beats that a run answers: int64 [`images`, classes]."""
        sums = np.ascontiguousarray(beats).view(np.dtype("<i4")).reshape(-1, self.geometry.pe)
        classes = self.network.logits.elements
        result = np.zeros((self.images, classes), dtype=np.int64)
        at = 0
        for first, image, count in self.answers:
            lanes = min(self.geometry.pe, classes - first)
            result[image : image + count, first : first + lanes] = sums[at : at + count, :lanes]
            at += count
        return result


def compile_program(network: Network, geometry: Geometry, images: Optional[int] = None) -> Program:
    """Return a network as a program. images: of one run, default as many as fit, MAX_IMAGES at most.

    ScheduleError names the operation, the weight or the memory that does not fit, and what would.
    """
    source, steps = steps_of(network)
    _check_weights(steps, geometry)
    _check_sums(steps, geometry)
    chosen, places = _batch(source, steps, geometry, images)
    emitter = Emitter(geometry, places, chosen)
    for step in steps:
        emitter.add(step)
    emitter.close()
    return Program(
        network,
        geometry,
        chosen,
        source,
        places[source.name],
        emitter.words(),
        tuple(emitter.answers),
        tuple(emitter.counts),
    )


def _batch(source: Tensor, steps: List[Step], geometry: Geometry, images: Optional[int]) -> Tuple[int, Places]:
    """Return how many images a run has, and where every tensor begins."""
    if images is not None and images < 1:
        raise ScheduleError(f"array: a run of {images} images; the least is 1")
    single = allocate(source, steps, geometry, 1)  # says what is wrong where not even one image fits
    if images is not None:
        return images, allocate(source, steps, geometry, images)
    best = 1, single
    for count in range(2, MAX_IMAGES + 1):
        try:
            best = count, allocate(source, steps, geometry, count)
        except ScheduleError:
            break
    return best


def _check_weights(steps: List[Step], geometry: Geometry) -> None:
    low, high = -(1 << (geometry.weight_bits - 1)), (1 << (geometry.weight_bits - 1)) - 1
    for step in steps:
        for products in products_of(step.of):
            weights = products.weights
            if weights is not None and (int(weights.min()) < low or int(weights.max()) > high):
                raise ScheduleError(
                    f"node {products.node}: weights {weights.min()}..{weights.max()}; the array's have "
                    f"{geometry.weight_bits} bits, {low}..{high}. Quantise them to that, or build an array with "
                    "weight_bits 9"
                )


def _check_sums(steps: List[Step], geometry: Geometry) -> None:
    for step in steps:
        rows, columns = step.of.extent
        wanted = rows * columns * regions(step.of)
        if wanted > geometry.sum_words:
            each = geometry.pe * 4
            raise ScheduleError(
                f"node {step.node}: {rows} x {columns} positions with {regions(step.of)} sums each are {wanted} words "
                f"of partial sums, {wanted * each} bytes; the array holds {geometry.sum_words}, {geometry.sum_bytes} "
                f"bytes. Build an array with sum_words {wanted} or more, or make the image smaller"
            )
