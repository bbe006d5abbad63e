# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Where the tensors of a program lie in the array's memory of activations, and when their place is free again."""

from __future__ import annotations

from typing import Dict, List, Tuple

from lutforge.array_geometry import Geometry
from lutforge.array_steps import Step, Tensor, View
from lutforge.errors import ScheduleError

Places = Dict[str, int]
"""First word of each tensor, by name."""


def segment_blocks(channels: int, simd: int) -> int:
    """Return the words that hold the channels of one segment at one position."""
    return -(-channels // simd)


def blocks_of(tensor: Tensor, simd: int) -> int:
    """Return the words of one position of a tensor."""
    return sum(segment_blocks(channels, simd) for channels in tensor.segments)


def block_offset(view: View, simd: int) -> int:
    """Return the word, inside a position, in which a view begins."""
    return sum(segment_blocks(channels, simd) for channels in view.tensor.segments[: view.first])


def words_of(tensor: Tensor, simd: int) -> int:
    """Return the words of one image of a tensor."""
    return tensor.height * tensor.width * blocks_of(tensor, simd)


def allocate(source: Tensor, steps: List[Step], geometry: Geometry, images: int) -> Places:
    """Return a place for every tensor, first fit, while it is alive: from its first writer to its last reader.

    ScheduleError names the step whose tensors do not fit, their bytes, and what would fit.
    """
    last: Dict[str, int] = {source.name: -1}
    for number, step in enumerate(steps):
        for view in step.sources:
            last[view.tensor.name] = number
    places: Places = {}
    taken: List[Tuple[int, int, str]] = []  # (first word, words, name), in order
    _place(source, source.name, images, geometry, places, taken)
    for number, step in enumerate(steps):
        if step.target and step.target.tensor.name not in places:
            _place(step.target.tensor, step.node, images, geometry, places, taken)
        taken = [entry for entry in taken if last.get(entry[2], len(steps)) > number]
    return places


def _place(
    tensor: Tensor, node: str, images: int, geometry: Geometry, places: Places, taken: List[Tuple[int, int, str]]
) -> None:
    words, at = images * words_of(tensor, geometry.simd), 0
    for first, count, _ in taken:
        if first - at >= words:
            break
        at = first + count
    if at + words > geometry.activation_words:
        alive = sum(count for _, count, _ in taken)
        raise ScheduleError(
            f"node {node}: {images} image{'s' if images > 1 else ''} of {words * geometry.simd} bytes beside "
            f"{alive * geometry.simd} bytes still in use; the array's memory of activations has "
            f"{geometry.activation_bytes} bytes. Build an array with activation_words {at + words} or more"
            + (", or run fewer images at once" if images > 1 else ", or make the network narrower")
        )
    places[tensor.name] = at
    taken.append((at, words, tensor.name))
    taken.sort()
