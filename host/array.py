# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The driver of the programmable array: load a network, ask it, load the next; the overlay stays where it is."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Union

import numpy as np
import numpy.typing as npt

from lutforge.array_cycles import cycles_of
from lutforge.array_geometry import BEAT_BITS, Geometry
from lutforge.array_kernels import bytes_of, words_of
from lutforge.array_manifest import ArrayManifest, load_array
from lutforge.array_program import Program, compile_program
from lutforge.engine.executor import FastExecutor
from lutforge.errors import DeviceError, InputError, ScheduleError
from lutforge.executors import Difference, check_images
from lutforge.host.loaded import DEFAULT_TIMEOUT_S, LoadedOverlay
from lutforge.host.results import Result, Verification
from lutforge.host.session import HARDWARE, Session
from lutforge.host.transfer import NO_MEMORY, Exchange, Order
from lutforge.network import Network
from lutforge.numerics import argmax

Ints = npt.NDArray[Any]
Progress = Callable[[int], None]
BEAT_BYTES = BEAT_BITS // 8


class ArrayAccelerator(LoadedOverlay[Exchange]):
    """A programmable array ready for networks; a context manager, and an executor once one is loaded.

    Open it with `ArrayAccelerator.open`, then `load` a network. A second network needs no reconfiguration: weights and
    commands travel with the images. Threads may share it as long as none loads.
    """

    def __init__(self, folder: Path, manifest: ArrayManifest, device: Any, kernel: str, timeout_s: float):
        self.manifest = manifest
        self._program: Optional[Program] = None
        self._cycles = 0
        super().__init__(folder, manifest, device, kernel, timeout_s)

    @classmethod
    def open(
        cls,
        overlay: Union[str, Path],
        *,
        device: Any = None,
        kernel: str = "fast",
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> ArrayAccelerator:
        """Load the overlay folder of an array and return its driver.

        device: 'board', 'emulated', a pynq device, or None for a board if pynq has one and the emulated device
        otherwise. kernel: what computes behind the emulated device, one of `array_kernels.ARRAY_KERNELS`.
        timeout_s: how long to wait for a run beyond twice the time that it is predicted to take.
        """
        folder = Path(overlay)
        return cls(folder, load_array(folder), device, kernel, timeout_s)

    def _make_link(self, session: Session) -> Exchange:
        return Exchange(session, self.manifest, self._timeout_s)

    @property
    def geometry(self) -> Geometry:
        """Sizes of the array."""
        return self.manifest.geometry

    @property
    def program(self) -> Program:
        """The network that was loaded last; DeviceError before the first."""
        if self._program is None:
            raise DeviceError(
                f"{self.executor}: no network is loaded on the array of {self.folder}; call load(network)"
            )
        return self._program

    @property
    def network(self) -> Network:
        """The network that was loaded last."""
        return self.program.network

    def load(self, network: Network, images: Optional[int] = None) -> Program:
        """Compile a network for this array; what is asked next is asked of it. Nothing is sent before that.

        images: of one run, default as many as the array has memory for, 16 at most. ScheduleError names what of the
        network does not fit; the network before stays loaded then.
        """
        link, program = self._ready(), compile_program(network, self.geometry, images)
        sent = len(program.stream(_no_images(network))) * BEAT_BYTES
        largest = max(sent, program.answer_beats * BEAT_BYTES)
        if largest > link.length_limit:
            raise ScheduleError(
                f"{network.name}: a run of {program.images} images takes {largest} bytes; the DMA moves at most "
                f"{link.length_limit}. Build the array with a wider length field, or load fewer images"
            )
        self._program, self._cycles = program, cycles_of(program).latency
        self.__dict__.pop("_emulation", None)
        return program

    def predict(self, images: Ints, progress: Optional[Progress] = None) -> Result:
        """Return the answers to images.

        images: integers [batch, *input shape] within the input's bounds. The last run is filled up with zeros, whose
        answers are dropped. progress: called with the images done in each run.
        """
        program = self.program
        images = check_images(program.network, images)
        begun = time.perf_counter()
        with HARDWARE:
            logits = self._run(program, images, progress)
        return Result(
            logits, argmax(logits), self.executor, time.perf_counter() - begun, self._ready().session.performance
        )

    def _run(self, program: Program, images: Ints, progress: Optional[Progress]) -> npt.NDArray[np.int64]:
        link, logits = self._ready(), np.zeros((len(images), program.network.logits.elements), dtype=np.int64)
        if not len(images):
            return logits
        sent = len(program.stream(images[:1]))
        predicted_s = self._cycles / (link.session.clock_mhz * 1e6)
        order = Order(sent, program.images, sent * BEAT_BYTES, program.answer_beats * BEAT_BYTES, predicted_s)
        with self._loaded_again_if_it_fails():
            source, target = self._allocate(link, order)
            with link.lent(source, target):
                for start in range(0, len(images), program.images):
                    part = images[start : start + program.images]
                    source[:] = bytes_of(program.stream(part))
                    link.exchange(source, target, order)
                    logits[start : start + len(part)] = program.logits(words_of(np.array(target)))[: len(part)]
                    if progress:
                        progress(len(part))
        return logits

    def _allocate(self, link: Exchange, order: Order) -> Any:
        try:
            return link.allocate(order.sent, order.expected)
        except NO_MEMORY as error:
            raise DeviceError(
                f"{self.executor}: no contiguous memory for one run of {order.images} images, {order.sent} bytes with "
                f"the weights ({error}). Load fewer images, or free other pynq buffers"
            ) from error

    def run(self, images: Ints, progress: Optional[Progress] = None) -> npt.NDArray[np.int64]:
        """Return logits, int64 [batch, ..., classes]."""
        logits = self.predict(images, progress).logits
        assert logits is not None
        return logits.reshape(-1, *self.network.logits.shape)

    def trace(self, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
        """Return the logits by their node's name; what is between stays in the array's memories."""
        return {self.network.output.name: self.run(images)}

    def verify(self, images: Ints) -> Verification:
        """Compare every answer with the fast engine's, equal integers, and name the first difference."""
        if not len(images):
            raise InputError("verify of 0 images compares nothing; at least one image is wanted")
        return self.compare(images, self.predict(images))

    def compare(self, images: Ints, result: Result) -> Verification:
        """Compare answers that `predict` gave with the fast engine's. images: those that it was asked for."""
        found = result.logits
        assert found is not None
        wanted = self._emulation.run(images).reshape(found.shape)
        places = np.argwhere(found != wanted)
        first = None
        if len(places):
            image, element = (int(index) for index in places[0])
            values = int(found[image, element]), int(wanted[image, element])
            first = Difference(self.name, self._emulation.name, image, self.network.output.name, (element,), *values)
        differing = len(set(places[:, 0].tolist()))
        return Verification(len(images), differing, first, self.executor, self._emulation.name)

    @cached_property
    def _emulation(self) -> FastExecutor:
        return FastExecutor(self.network)


def _no_images(network: Network) -> Ints:
    return np.zeros((0, *network.input.shape), dtype=np.int64)
