# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What every executor offers, and how two of them are compared: equal integers, no tolerance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Protocol, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import InputError
from lutforge.network import Network, TensorType

Ints = npt.NDArray[Any]


class Executor(Protocol):
    """Runs a network. `name` says what produced an answer, for instance `csim` or `emulated: csim`."""

    name: str

    def run(self, images: Ints) -> npt.NDArray[np.int64]:
        """Return logits, int64 [batch, ..., classes]."""

    def trace(self, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every edge carries, by node name: int64 [batch, *shape]."""


@dataclass(frozen=True)
class Difference:
    """The first place where two executors disagree."""

    left: str
    right: str
    image: int
    node: str
    element: Tuple[int, ...]
    left_value: int
    right_value: int

    def __str__(self) -> str:
        return (
            f"image {self.image}, node {self.node}, element {list(self.element)}: "
            f"{self.left} says {self.left_value}, {self.right} says {self.right_value}"
        )


def check_images(network: Network, images: Ints) -> Ints:
    """Return images as [batch, *input shape]; InputError if shape, dtype or range is wrong."""
    return check_batch(network.input, images)


def check_batch(kind: TensorType, images: Ints) -> Ints:
    """Return images as [batch, *kind.shape], signed or narrower than 64 bits; InputError if they do not fit kind."""
    array = np.asarray(images)
    if array.dtype.kind not in "iu":
        raise InputError(
            f"images have dtype {array.dtype}; integers {kind.low}..{kind.high} are wanted. "
            "Pixels enter as they are: do not scale them"
        )
    wanted = (*kind.shape,)
    if array.ndim < 1 or array.shape[1:] not in (wanted, (kind.elements,), wanted[:-1] if wanted[-1] == 1 else wanted):
        raise InputError(
            f"images have shape {array.shape}; [batch, {', '.join(map(str, wanted))}] is wanted "
            f"(or [batch, {kind.elements}])"
        )
    held = np.iinfo(array.dtype)
    beyond = held.min < kind.low or held.max > kind.high  # else there is nothing to look for
    if beyond and array.size and (int(array.min()) < kind.low or int(array.max()) > kind.high):
        raise InputError(f"images hold values {array.min()}..{array.max()}; the network reads {kind.low}..{kind.high}")
    if array.dtype == np.uint64:  # numpy mixes it with signed integers as floats
        array = array.astype(np.int64)
    return array.reshape(len(array), *wanted)


def first_difference(network: Network, left: Executor, right: Executor, images: Ints) -> Optional[Difference]:
    """Return the first image, node and element where two executors differ, or None if all logits are equal."""
    images = check_images(network, images)
    ours, theirs = left.run(images), right.run(images)
    differing = np.flatnonzero((ours != theirs).reshape(len(images), -1).any(axis=1))
    if not differing.size:
        return None
    return _locate(network, left, right, images, int(differing[0]))


def _locate(network: Network, left: Executor, right: Executor, images: Ints, image: int) -> Difference:
    """Name the first differing node of one image by both traces; the logits if the traces agree."""
    one = images[image : image + 1]
    traces = left.trace(one), right.trace(one)
    for node in network.nodes:
        if node.name in traces[0] and node.name in traces[1]:
            found = _differs(left.name, right.name, image, node.name, traces[0][node.name], traces[1][node.name])
            if found:
                return found
    name = network.output.name
    found = _differs(left.name, right.name, image, name, left.run(one), right.run(one))
    if found:
        return found
    return Difference(left.name, right.name, image, f"{name} (differs in a batch, not alone)", (), 0, 0)


def _differs(left: str, right: str, image: int, node: str, ours: Ints, theirs: Ints) -> Optional[Difference]:
    places = np.argwhere(ours[0] != theirs[0])
    if not len(places):
        return None
    element = tuple(int(index) for index in places[0])
    return Difference(left, right, image, node, element, int(ours[0][element]), int(theirs[0][element]))
