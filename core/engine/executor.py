# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The executor `fast`: programs checked against the reference as they are made, images spread over threads."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cached_property
from math import prod
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

import numpy as np
import numpy.typing as npt

from lutforge import reference
from lutforge.engine.native import NativeBackend
from lutforge.engine.numpy_backend import NumpyBackend, raw_format
from lutforge.engine.planner import plan
from lutforge.engine.program import Program
from lutforge.errors import EngineError, InputError, ToolError
from lutforge.executors import check_images
from lutforge.network import Network
from lutforge.numerics import argmax

Ints = npt.NDArray[Any]
Backend = Union[NativeBackend, NumpyBackend]
BACKENDS = ("auto", "native", "interpreted", "numpy")
"""auto: native where a compiler is found, else numpy. interpreted: native without machine code of its own."""

CHECKED_IMAGES = 99
"""Random images that each program must answer as the reference does; no multiple of a block."""

RAW_COPIES = 16
"""Bytes that an element of an image may take while it is brought into the engine's form."""

CHUNK_BYTES = 4 << 20
"""Images that a thread takes at a time: a quarter of a second's work at most, after which Ctrl-C is seen."""


class FastExecutor:
    """Runs a network some hundred times faster than the reference, with the same integers.

    backend: one of BACKENDS. threads: default the processors that this process may use; results do not depend on it.
    max_memory: bytes for answers and work, None without bound. on_images: called with the images of each part done.
    """

    def __init__(
        self,
        network: Network,
        *,
        backend: str = "auto",
        threads: Optional[int] = None,
        max_memory: Optional[int] = None,
        on_images: Optional[Callable[[int], None]] = None,
    ):
        if backend not in BACKENDS:
            raise EngineError(f"engine backend {backend!r} is unknown; use one of {', '.join(BACKENDS)}")
        if threads is not None and threads < 1:
            raise EngineError(f"{threads} threads; at least one is wanted")
        self.network = network
        self.threads = threads or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else threads or 1
        self.max_memory = max_memory
        self.on_images = on_images
        self._backend = backend
        self.why_numpy = ""
        self._logits: Backend = self._made(plan(network))
        self.name = f"fast ({self._logits.name})"

    @property
    def block_images(self) -> int:
        """Images that keep all threads at work, for whoever runs a long batch in parts."""
        return 4 * self.threads * self._chunk(self._logits)

    def run(self, images: Ints) -> npt.NDArray[np.int64]:
        """Return the logits of images, int64 [batch, ..., classes]."""
        return self._run(self._logits, images)[0]

    def classes(self, images: Ints) -> npt.NDArray[np.int64]:
        """Return the class of each vector of logits, int64 [batch, ...], the lowest on a tie."""
        return np.asarray(self._run(self._classes, images)[0][..., 0])

    def trace(self, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every edge carries, by node name: int64 [batch, *shape]."""
        program = self._traced.program
        found = self._run(self._traced, images)
        return {name: values for (name, _), values in zip(program.outputs, found, strict=True)}

    def toggles(self, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
        """Return how often each bit of each edge flips between consecutive images: int64 [elements, bits] by node.

        Values are two's complement in the bits of their edge. Of n images there are n - 1 pairs.
        """
        batch = check_images(self.network, images)
        program = self._counting.program
        sums = self._outputs(program, 0)
        _, size = self._fitting(self._counting, len(batch))
        for start in range(0, len(batch) - 1, size):
            self._counting.run(self._raw(program, batch[start : start + size + 1]), sums)  # the last image comes again
        return {name: values for (name, _), values in zip(program.outputs, sums, strict=True)}

    @cached_property
    def _classes(self) -> Backend:
        return self._made(plan(self.network, classes=True))

    @cached_property
    def _traced(self) -> Backend:
        return self._made(plan(self.network, traced=True))

    @cached_property
    def _counting(self) -> Backend:
        return self._made(plan(self.network, counting=True))

    def _made(self, program: Program) -> Backend:
        backend = self._backend_of(program)
        self._check(backend)
        return backend

    def _backend_of(self, program: Program) -> Backend:
        if self._backend == "numpy":
            return NumpyBackend(program)
        try:
            return NativeBackend(program, code=self._backend != "interpreted")
        except ToolError as error:
            if self._backend != "auto":
                raise
            self.why_numpy = str(error)
            return NumpyBackend(program)

    def _check(self, backend: Backend) -> None:
        """Compare a program with the reference on random images, on the lowest and on the highest of all."""
        kind = self.network.input
        images = np.random.default_rng(0).integers(kind.low, kind.high + 1, (CHECKED_IMAGES, *kind.shape))
        images[0], images[1] = kind.low, kind.high
        every = len(backend.program.outputs) > 1 or backend.program.counting
        wanted = reference.trace(self.network, images) if every else {}
        found = self._outputs(backend.program, len(images))
        backend.run(self._raw(backend.program, images), found)
        for (name, _), values in zip(backend.program.outputs, found, strict=True):
            golden = self._golden(backend.program, name, images, wanted)
            differing = np.flatnonzero((golden.reshape(values.shape) != values).any(axis=1))
            if differing.size:
                raise EngineError(
                    f"the fast engine ({backend.name}) differs from the reference on {differing.size} of {len(values)} "
                    f"{'elements' if backend.program.counting else 'random images'}, node {name}; it is refused. Use "
                    "the reference, and report this network"
                )

    def _golden(self, program: Program, name: str, images: Ints, traced: Dict[str, npt.NDArray[np.int64]]) -> Ints:
        if program.counting:
            values = traced[name].reshape(len(images), -1)
            changed = (values[1:] ^ values[:-1])[..., None] >> np.arange(self.network.types[name].bits)
            return np.asarray((changed & 1).sum(axis=0))
        if traced:
            return traced[name]
        logits = reference.run(self.network, images)
        return argmax(logits) if name == "class" else logits

    def _run(self, backend: Backend, images: Ints) -> List[npt.NDArray[np.int64]]:
        batch = check_images(self.network, images)
        threads, size = self._fitting(backend, len(batch))
        found = self._outputs(backend.program, len(batch))
        starts = list(range(0, len(batch), size))

        def work(start: int) -> int:
            part = batch[start : start + size]
            backend.run(self._raw(backend.program, part), [each[start : start + size] for each in found])
            return len(part)

        if threads == 1 or len(starts) <= 1:
            for start in starts:
                self._told(work(start))
        else:
            self._spread(work, starts, threads)
        shapes = [shape for _, shape in backend.program.outputs]
        return [values.reshape(len(batch), *shape) for values, shape in zip(found, shapes, strict=True)]

    def _spread(self, work: Callable[[int], int], starts: List[int], threads: int) -> None:
        """Run parts on threads. An error or Ctrl-C leaves no thread behind: what has begun ends, the rest does not."""
        with ThreadPoolExecutor(threads, thread_name_prefix="lutforge-engine") as pool:
            waiting: Set[Future[int]] = {pool.submit(work, start) for start in starts}
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                    for one in done:
                        self._told(one.result())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _told(self, images: int) -> None:
        if self.on_images:
            self.on_images(images)

    def _chunk(self, backend: Backend) -> int:
        """Images of a part: whole blocks."""
        row = sum(8 * prod(shape) for _, shape in backend.program.outputs) + backend.program.raw_elements
        return int(max(1, CHUNK_BYTES // row // backend.block)) * backend.block

    def _raw(self, program: Program, images: Ints) -> Ints:
        """Return images as the program reads them, without a copy where they are so already."""
        flat = images.reshape(len(images), -1)
        dtype = raw_format(program)
        if flat.dtype == dtype and not program.raw_low:
            return np.ascontiguousarray(flat)
        return (flat.astype(np.int64) - program.raw_low).astype(dtype)

    @staticmethod
    def _outputs(program: Program, images: int) -> List[npt.NDArray[np.int64]]:
        shapes = [shape if program.counting else (images, prod(shape)) for _, shape in program.outputs]
        return [np.zeros(shape, dtype=np.int64) for shape in shapes]

    def _fitting(self, backend: Backend, images: int) -> Tuple[int, int]:
        """Return (threads, images of a part) that the memory allows; InputError where it allows none."""
        size = self._chunk(backend)
        if self.max_memory is None:
            return self.threads, size
        answers = sum(8 * prod(shape) for _, shape in backend.program.outputs)
        answers *= 1 if backend.program.counting else images
        image_bytes = RAW_COPIES * backend.program.raw_elements
        each = backend.memory_bytes + backend.block * image_bytes
        left = self.max_memory - answers
        if left < each:
            raise InputError(
                f"{images} images want {_mib(answers)} for their answers and {_mib(each)} for a thread; the limit is "
                f"{_mib(self.max_memory)}. Raise it, or run fewer images at a time"
            )
        threads = min(self.threads, left // each)
        blocks = (left // threads - backend.memory_bytes) // (backend.block * image_bytes)
        return threads, min(size, blocks * backend.block)


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
