# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What can compute behind the emulated kernel's streams: the fast engine, the compiled C simulation, the reference.

Both answer a batch in blocks, which changes no byte because an answer depends on its image alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict

import numpy as np
import numpy.typing as npt

from lutforge.engine.executor import FastExecutor
from lutforge.executors import Executor
from lutforge.kernel import Kernel
from lutforge.manifest import NETWORK, Manifest
from lutforge.network import Network
from lutforge.reference import ReferenceExecutor
from lutforge.store import load

Bytes = npt.NDArray[np.uint8]
MAX_BLOCK_IMAGES = 1000
BLOCK_BYTES = 256 << 20
"""Memory of one block: the C simulation's streams hold up to 16 bytes for each element of each edge."""


class CompiledKernel(Kernel):
    """kernel.so of an overlay folder."""

    def stream(self, data: Bytes, images: int) -> Bytes:
        """Return the output bytes, uint8 [images, bytes_per_image], for `images` images packed in data."""
        elements = sum(int(np.prod(node.shape)) for node in self.manifest.trace)
        size = max(1, min(MAX_BLOCK_IMAGES, BLOCK_BYTES // (16 * max(1, elements))))
        return _in_blocks(lambda block: super(CompiledKernel, self).stream(block, len(block)), data, images, size)


class EmulationKernel:
    """network.npz of an overlay folder, computed by an executor behind the streams of its manifest."""

    def __init__(self, folder: Path, manifest: Manifest, make: Callable[[Network], Executor]):
        self.manifest = manifest
        self.executor = make(load(folder / NETWORK))

    def stream(self, data: Bytes, images: int) -> Bytes:
        """Return the output bytes, uint8 [images, bytes_per_image], for `images` images packed in data."""
        return _in_blocks(self._answers, data, images, MAX_BLOCK_IMAGES)

    def _answers(self, block: Bytes) -> Bytes:
        values = self.manifest.input_stream.unpack(block)
        return self.manifest.output_stream.pack(self.executor.run(values))

    def trace(self, data: Bytes, images: int) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every edge carried: int64 [images, *shape] by node name."""
        return self.executor.trace(self.manifest.input_stream.unpack(data))


class FastKernel(EmulationKernel):
    """The fast engine, with which no compiled simulation is wanted."""

    def __init__(self, folder: Path, manifest: Manifest):
        super().__init__(folder, manifest, FastExecutor)


class ReferenceKernel(EmulationKernel):
    """The reference."""

    def __init__(self, folder: Path, manifest: Manifest):
        super().__init__(folder, manifest, ReferenceExecutor)


def _in_blocks(answers: Callable[[Bytes], Bytes], data: Bytes, images: int, size: int) -> Bytes:
    packed = np.ascontiguousarray(data).reshape(images, -1)
    return np.concatenate([answers(packed[start : start + size]) for start in range(0, images, size)])
