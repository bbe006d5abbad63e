# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The networks and images that engine.py measures, the same in every process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

import lutforge
from lutforge import reference
from lutforge.errors import DataError
from lutforge.network import Network, Node
from lutforge.operations import (
    ArgMax,
    Encode,
    Input,
    LutNeurons,
    Op,
    Rescale,
    Reshape,
    TableMac,
    TruthTables,
    Window,
)
from lutforge.training.data import load_dataset

ROOT = Path(__file__).parents[1]
TRAINED = ("lutnet_mnist", "lutna_mlp_mnist", "lutna_conv_mnist")
PIXELS, GROUPS, GROUP = 784, 10, 50
CACHED_IMAGES, DRAM_IMAGES = 1024, 102_000
"""0.8 MB, which a second-level cache holds, and 80 MB."""
RANDOM_IMAGES = 2048

Ints = npt.NDArray[Any]


@dataclass(frozen=True)
class Workload:
    """A network with what it is measured on. bits: whether its inputs are single bits, which enter as lanes.

    images: uint8 [images, *input shape]; of `bits`, made by `bit_images`. classes: whether the answer is the class.
    """

    letter: str
    title: str
    network: Network
    images: Optional[Ints] = None
    bits: bool = False
    classes: bool = False

    def bit_images(self, count: int) -> Ints:
        """Return random inputs of single bits, uint8 [count, bits]."""
        rng = np.random.default_rng(count)
        return rng.integers(0, 2, (count, self.network.input.elements), dtype=np.uint8)

    def golden(self, images: Ints) -> Ints:
        """Return what the reference answers, int64 [images, answers]."""
        logits = reference.run(self.network, images)
        return (logits.argmax(axis=-1) if self.classes else logits).reshape(len(images), -1)


def bit_workloads(only: List[str]) -> List[Workload]:
    """Return the asked of a, b and c with single bits as inputs."""
    found = []
    if "a" in only:
        found.append(
            Workload("a", "a: 10 x 1000 random LUT6, lanes", _random_tables("a", 1000, [1000] * 10), bits=True)
        )
    if "b" in only:
        found.append(Workload("b", "b: 3 x 100 random LUT6, lanes", _random_tables("b", 128, [100] * 3), bits=True))
    if "c" in only:
        found.append(
            Workload(
                "c", "c: 784 -> 1000 -> 500 LUT6 -> ten sums -> class, lanes", grouped(False), bits=True, classes=True
            )
        )
    return found


def image_workloads(only: List[str], data: Optional[Path]) -> Tuple[List[Workload], List[str]]:
    """Return the asked of c, d and e on images, and what is to be said about the data."""
    found, said = [], []
    if "c" in only:
        network, rng = grouped(True), np.random.default_rng(5)
        for count, place in ((CACHED_IMAGES, "0.8 MB of them (second-level cache)"), (DRAM_IMAGES, "80 MB of them")):
            images = rng.integers(0, 256, (count, PIXELS), dtype=np.uint8)
            found.append(Workload("c", f"c: the same from uint8 images, {place}", network, images, classes=True))
    if "d" in only:
        try:
            images, title = load_dataset("mnist", data).test_images, "the test images of MNIST"
        except DataError as error:
            images = np.random.default_rng(6).integers(0, 256, (RANDOM_IMAGES, 28, 28, 1), dtype=np.uint8)
            title = "RANDOM images"
            said.append(f"d: RANDOM images instead of MNIST ({error})")
        for name in TRAINED:
            network = lutforge.load(ROOT / "tests" / "golden" / f"{name}.npz")
            found.append(Workload("d", f"d: {name} on {title}", network, images))
    if "e" in only:
        network = convolutions()
        images = np.random.default_rng(7).integers(0, 256, (RANDOM_IMAGES, *network.input.shape), dtype=np.uint8)
        found.append(Workload("e", "e: convolutions 32, 64/2, 64/2 on 32x32x3, dense 10", network, images))
    return found, said


def _random_tables(name: str, inputs: int, sizes: List[int]) -> Network:
    nodes = [Node("x", Input((inputs,), 0, 1))]
    _add_layers(nodes, np.random.default_rng(len(sizes)), inputs, sizes, thresholds=False)
    return Network(name, tuple(nodes))


def grouped(pixels: bool) -> Network:
    """Return the classifier of 1500 tables. pixels: whether it reads bytes, compared with a threshold each."""
    rng = np.random.default_rng(3)
    limits = rng.integers(40, 200, (PIXELS, 1))
    nodes = [Node("x", Input((PIXELS,), 0, 255 if pixels else 1))]
    if pixels:
        nodes.append(Node("encode", Encode(limits), ("x",)))
    _add_layers(nodes, rng, PIXELS, [1000, GROUPS * GROUP], thresholds=True)
    wires = np.arange(GROUPS * GROUP)
    ones, identity = np.ones(len(wires), dtype=int), np.tile([[0, 1]], (len(wires), 1))
    sums = LutNeurons(GROUPS, len(wires), 1, wires[:, None], wires // GROUP, ones, identity)
    nodes += [Node("sum", sums, (nodes[-1].name,)), Node("answer", ArgMax(), ("sum",))]
    return Network("c", tuple(nodes))


def _add_layers(nodes: List[Node], rng: Any, inputs: int, sizes: List[int], thresholds: bool) -> None:
    for number, size in enumerate(sizes):
        wiring = np.stack([rng.choice(inputs, 6, replace=False) for _ in range(size)])
        tables = rng.integers(0, 2, (size, 64))
        if thresholds:  # the sign of a sum of weights -1 and 1
            bipolar = 2 * ((np.arange(64)[:, None] >> np.arange(6)) & 1) - 1
            tables = (bipolar @ rng.choice([-1, 1], (size, 6)).T > 0).T.astype(int)
        nodes.append(Node(f"layer{number}", TruthTables(inputs, 1, 1, wiring, tables), (nodes[-1].name,)))
        inputs = size


def convolutions() -> Network:
    """Return a network of table products with random weights, its sums shifted to fill a byte."""
    rng = np.random.default_rng(9)
    shape: Tuple[int, ...] = (32, 32, 3)
    nodes: List[Node] = [Node("image", Input(shape, 0, 255))]
    probe = rng.integers(0, 256, (8, *shape))
    for number, (outputs, stride) in enumerate(((32, 1), (64, 2), (64, 2))):
        _append(nodes, f"window{number}", Window((3, 3), (stride, stride), (1, 1, 1, 1)))
        weights = rng.integers(-50, 51, (outputs, 9 * shape[-1]))
        _append(nodes, f"conv{number}", TableMac(weights, rng.integers(-4000, 4000, outputs)))
        spread = float(np.std(reference.run(Network("probe", tuple(nodes)), probe)))
        shift = np.full(outputs, max(0, round(np.log2(3 * spread / 255))))
        _append(nodes, f"rescale{number}", Rescale(np.ones(outputs, dtype=int), shift, 0, 255))
        shape = Network("probe", tuple(nodes)).types[nodes[-1].name].shape
    elements = int(np.prod(shape))
    _append(nodes, "flat", Reshape((elements,)))
    _append(nodes, "dense", TableMac(rng.integers(-50, 51, (10, elements)), rng.integers(-4000, 4000, 10)))
    _append(nodes, "answer", ArgMax())
    return Network("convolutions", tuple(nodes))


def _append(nodes: List[Node], name: str, op: Op) -> None:
    nodes.append(Node(name, op, (nodes[-1].name,)))


def packed_lanes(bits: Ints) -> npt.NDArray[np.uint64]:
    """Return lanes uint64 [bits, images / 64] of images of single bits, whole words of them."""
    return np.packbits(np.ascontiguousarray(bits.T), axis=-1, bitorder="little").view("<u8")


def unpacked_lanes(lanes: Ints, images: int) -> Ints:
    """Return the bits [images, lanes] of the first images of lanes."""
    words = np.ascontiguousarray(lanes[:, : -(-images // 64)])
    return np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")[:, :images].T.astype(np.int64)
