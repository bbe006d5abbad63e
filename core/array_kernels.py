# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What can compute a program of the programmable array: the model in numpy, and simulations of its C++ and Verilog.

Each is made from an overlay folder and its manifest, and answers the beats of a program; none of them knows a network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Optional, Protocol

import numpy as np
import numpy.typing as npt

from lutforge.array_geometry import Geometry
from lutforge.array_manifest import ArrayManifest, load_array
from lutforge.array_model import ArrayModel
from lutforge.array_program import Program, compile_program
from lutforge.array_simulation import ArraySimulation, find_simulation
from lutforge.array_words import Words, answer_beats
from lutforge.executors import check_images
from lutforge.kernel import CompiledLibrary
from lutforge.network import Network

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


class ArrayKernel(Protocol):
    """Computes the beats of a program."""

    def stream(self, data: Bytes, beats: int) -> Bytes:
        """Return the bytes of the answers. data: uint8 [8 * beats], the program."""


class ModelKernel:
    """`array_model`, which needs no compiler."""

    def __init__(self, folder: Path | str, manifest: Optional[ArrayManifest] = None):
        self._model = ArrayModel((manifest or load_array(folder)).geometry)

    def stream(self, data: Bytes, beats: int) -> Bytes:
        """Return the bytes of the answers. data: uint8 [8 * beats], the program."""
        return bytes_of(self._model.run(words_of(data)))


class CompiledArray:
    """kernel.so of an array's folder."""

    def __init__(self, folder: Path | str, manifest: Optional[ArrayManifest] = None):
        self.manifest = manifest or load_array(folder)
        self._library = CompiledLibrary(folder, self.manifest)

    def stream(self, data: Bytes, beats: int) -> Bytes:
        """Return the bytes of the answers. data: uint8 [8 * beats], the program."""
        return self.answers(data, beats, 8 * answer_beats(words_of(data), self.manifest.geometry))

    def answers(self, data: Bytes, beats: int, wanted: int) -> Bytes:
        """Return `wanted` bytes of answers; DeviceError if the array answers more or fewer."""
        result = np.zeros(wanted, dtype=np.uint8)
        self._library.call(data, beats, result)
        return result


class SimulatedArray:
    """The compiled simulation of an array's Verilog. It runs each program behind a reset, so that memories that the
    next one reads must be written by it, as every compiled network does."""

    def __init__(self, folder: Path | str, manifest: Optional[ArrayManifest] = None):
        made = manifest or load_array(folder)
        self.simulation = ArraySimulation(find_simulation(Path(folder), made.source_sha256), made.geometry)

    def stream(self, data: Bytes, beats: int) -> Bytes:
        """Return the bytes of the answers. data: uint8 [8 * beats], the program."""
        (answers,) = self.simulation.run([words_of(data)])
        return bytes_of(answers)


KernelFactory = Callable[[Path, ArrayManifest], ArrayKernel]
ARRAY_KERNELS: Dict[str, KernelFactory] = {
    "fast": ModelKernel,
    "csim": CompiledArray,
    "rtl": SimulatedArray,
    "reference": ModelKernel,
}
"""What can compute in an array, by the name that the emulated device and the command line know it by."""


def words_of(data: Bytes) -> Words:
    """Return the words of the bytes of a program: uint64 [beats]."""
    return np.asarray(np.ascontiguousarray(data).reshape(-1).view(np.dtype("<u8")))


def bytes_of(words: Words) -> Bytes:
    """Return the bytes of words: uint8 [8 * words]."""
    return np.ascontiguousarray(words, dtype=np.dtype("<u8")).view(np.uint8)


class ArrayExecutor:
    """A network on an array, behind the interface that all executors share.

    images: of one run, default as many as fit; a block that has fewer is filled up and cut.
    """

    def __init__(
        self, network: Network, geometry: Geometry, kernel: ArrayKernel, name: str, images: Optional[int] = None
    ):
        self.network, self.kernel, self.name = network, kernel, name
        self.program: Program = compile_program(network, geometry, images)
        self.block_images = self.program.images

    def run(self, images: npt.NDArray[np.int64]) -> Ints:
        """Return logits, int64 [batch, ..., classes]."""
        images = check_images(self.network, images)
        parts = [np.zeros((0, self.network.logits.elements), dtype=np.int64)]
        for start in range(0, len(images), self.program.images):
            block = images[start : start + self.program.images]
            words = self.program.stream(block)
            answers = words_of(self.kernel.stream(bytes_of(words), len(words)))
            parts.append(self.program.logits(answers)[: len(block)])
        return np.concatenate(parts).reshape(-1, *self.network.logits.shape)

    def trace(self, images: npt.NDArray[np.int64]) -> Dict[str, Ints]:
        """Return the logits by their node's name; what is between stays in the array's memories."""
        return {self.network.output.name: self.run(images)}
