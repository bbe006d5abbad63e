# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Run several executors over the same images and compare them: every logit of every image, for equality."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import InputError
from lutforge.executors import Difference, Executor, check_images, first_difference
from lutforge.network import Network
from lutforge.numerics import argmax

Ints = npt.NDArray[Any]
BLOCK_IMAGES = 500


@dataclass(frozen=True)
class Run:
    """What one executor answered. logits: int64 [images, classes]; seconds: wall time of all images."""

    name: str
    logits: npt.NDArray[np.int64]
    seconds: float

    @property
    def throughput_fps(self) -> float:
        """Images per second on this computer."""
        return len(self.logits) / self.seconds if self.seconds else 0.0

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """Class of each image, int64 [images]."""
        return argmax(self.logits)

    def accuracy(self, labels: Ints) -> float:
        """Percent of images whose class is the label. labels: int [images]."""
        return 100.0 * float((self.classes == labels).mean())


@dataclass(frozen=True)
class Comparison:
    """Runs in the order asked for, and for each pair that disagrees the first difference."""

    runs: Tuple[Run, ...]
    differences: Tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether no pair disagrees."""
        return not self.differences


def run_blocks(
    network: Network, executor: Executor, images: Ints, on_block: Optional[Callable[[int], None]] = None
) -> Run:
    """Run one executor block by block, of as many images as it says or BLOCK_IMAGES.

    on_block: called with the number of images of each block done.
    """
    images = check_images(network, images)
    if not len(images):
        raise InputError("there are no images to run; at least one is wanted")
    parts: List[npt.NDArray[np.int64]] = []
    begun = time.perf_counter()
    size = getattr(executor, "block_images", BLOCK_IMAGES)
    for start in range(0, len(images), size):
        parts.append(executor.run(images[start : start + size]))
        if on_block:
            on_block(len(parts[-1]))
    return Run(executor.name, np.concatenate(parts), time.perf_counter() - begun)


def compare(
    network: Network,
    executors: Sequence[Executor],
    images: Ints,
    on_block: Optional[Callable[[str, int], None]] = None,
) -> Comparison:
    """Run all executors and compare them pairwise; a pair that disagrees is traced to its first difference."""
    images = check_images(network, images)
    runs = []
    for executor in executors:
        notify = (lambda done, name=executor.name: on_block(name, done)) if on_block else None
        runs.append(run_blocks(network, executor, images, notify))
    differences = []
    for i, left in enumerate(runs):
        for j in range(i + 1, len(runs)):
            wrong = np.flatnonzero((left.logits != runs[j].logits).reshape(len(images), -1).any(axis=1))
            if wrong.size:
                found = _first(network, executors[i], executors[j], images, int(wrong[0]))
                differences.append(found)
    return Comparison(tuple(runs), tuple(differences))


def _first(network: Network, left: Executor, right: Executor, images: Ints, image: int) -> Difference:
    found = first_difference(network, left, right, images[image : image + 1])
    if found is None:  # equal when alone: the batch itself matters, which no executor may do
        return Difference(left.name, right.name, image, f"{network.output.name} (only within a batch)", (), 0, 0)
    return Difference(left.name, right.name, image, found.node, found.element, found.left_value, found.right_value)
