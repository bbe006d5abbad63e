# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The driver: images in, answers out, through an overlay on a PYNQ board or on the emulated device."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Union

import numpy as np
import numpy.typing as npt

from lutforge import reference
from lutforge.engine.executor import FastExecutor
from lutforge.errors import DeviceError, InputError, OverlayError
from lutforge.executors import Difference, check_images, first_difference
from lutforge.host.loaded import DEFAULT_TIMEOUT_S, LoadedOverlay
from lutforge.host.results import Result, Throughput, Times, Verification
from lutforge.host.session import HARDWARE, Session
from lutforge.host.transfer import StreamLink
from lutforge.manifest import NETWORK, Manifest, load_manifest
from lutforge.network import Network
from lutforge.numerics import argmax
from lutforge.store import digest, load

Ints = npt.NDArray[Any]
Progress = Callable[[int], None]


class Accelerator(LoadedOverlay[StreamLink]):
    """An overlay ready to answer; a context manager, and an executor like the others.

    Open it with `Accelerator.open`. `name` says what answers, for instance 'device (emulated: fast)'.
    Threads may share it: one after another uses the hardware.
    """

    def __init__(self, folder: Path, manifest: Manifest, network: Network, device: Any, kernel: str, timeout_s: float):
        self.manifest, self.network = manifest, network
        super().__init__(folder, manifest, device, kernel, timeout_s)

    @classmethod
    def open(
        cls,
        overlay: Union[str, Path],
        *,
        device: Any = None,
        kernel: str = "fast",
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Accelerator:
        """Load an overlay folder and return its driver.

        device: 'board', 'emulated', a pynq device, or None for a board if pynq has one and the emulated device
        otherwise. kernel: what computes behind the emulated device, 'fast' (the engine, on network.npz), 'csim'
        (kernel.so), 'rtl' (a compiled simulation of the Verilog, which counts cycles) or 'reference'.
        timeout_s: how long to wait for a batch beyond twice the time that the design is predicted to take.
        """
        folder = Path(overlay)
        manifest = load_manifest(folder)
        return cls(folder, manifest, _load_network(folder, manifest), device, kernel, timeout_s)

    def _make_link(self, session: Session) -> StreamLink:
        return StreamLink(session, self.manifest, self._timeout_s)

    def predict(self, images: Ints, batch: Optional[int] = None, progress: Optional[Progress] = None) -> Result:
        """Return the answers to images.

        images: integers [batch, *input shape] within the input's bounds. batch: images per transfer; None
        gives some megabytes, and what exceeds the DMA's length field or the contiguous memory is split.
        progress: called with the images done in each transfer.
        """
        images = check_images(self.network, images)
        begun = time.perf_counter()
        times = Times()
        answers = self._stream(images, batch, times, progress)
        output = self.manifest.output_stream
        logits = None if output.output == "class" else output.logits(answers)
        classes = output.classification(answers)
        return Result(logits, classes, self.executor, time.perf_counter() - begun, times.performance)

    def run(self, images: Ints, progress: Optional[Progress] = None) -> npt.NDArray[np.int64]:
        """Return logits, int64 [batch, ..., classes]; DeviceError if the overlay sends the class only."""
        logits = self.predict(images, progress=progress).logits
        if logits is None:
            raise DeviceError(
                f"the overlay {self.manifest.name} sends the class only, not its logits; use predict(), or generate it "
                "with --output logits or both"
            )
        return logits.reshape(-1, *self.network.logits.shape)

    def trace(self, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every edge of the emulated kernel carried, by node name: int64 [batch, *shape]."""
        images = check_images(self.network, images)
        packed = self.manifest.input_stream.pack(images)
        with HARDWARE:
            session = self.session
            if not session.emulated:
                raise DeviceError(
                    f"{session.label}: a board cannot say what its inner edges carry. Trace the same overlay folder "
                    "with device='emulated'"
                )
            traced: Dict[str, npt.NDArray[np.int64]] = session.device.kernel.backend.trace(packed, len(images))
        return traced

    def verify(self, images: Ints, batch: Optional[int] = None) -> Verification:
        """Compare every answer with the emulation of network.npz, equal integers, and name the first difference.

        The emulation is the fast engine, which is checked against the reference as it starts.
        """
        images = check_images(self.network, images)
        if not len(images):
            raise InputError("verify of 0 images compares nothing; at least one image is wanted")
        result = self.predict(images, batch)
        wanted = self._emulation.run(images).reshape(-1, self.manifest.classes)
        wrong = result.classes != argmax(wanted)
        if result.logits is not None:
            wrong |= (result.logits != wanted).any(axis=1)
        places = np.flatnonzero(wrong)
        first = self._first(images, result, wanted, int(places[0])) if places.size else None
        return Verification(len(images), len(places), first, self.executor, self._emulation.name)

    @cached_property
    def _emulation(self) -> FastExecutor:
        return FastExecutor(self.network)

    def _first(self, images: Ints, result: Result, wanted: Ints, image: int) -> Difference:
        """Name the first difference of one image: by node where a trace can be had, else the output."""
        golden = reference.ReferenceExecutor(self.network)
        if result.logits is not None and (result.logits[image] != wanted[image]).any():
            one = images[image : image + 1]
            if self.session.emulated and (found := first_difference(self.network, self, golden, one)):
                place = (found.node, found.element, found.left_value, found.right_value)
            else:
                element = int(np.flatnonzero(result.logits[image] != wanted[image])[0])
                values = int(result.logits[image, element]), int(wanted[image, element])
                place = (self.network.output.name, (element,), *values)
        else:
            place = ("class", (), int(result.classes[image]), int(argmax(wanted[image])))
        node, element_index, left, right = place
        return Difference(self.name, golden.name, image, node, element_index, left, right)

    def throughput(self, images: Ints, batch: Optional[int] = None, repeats: int = 3) -> Throughput:
        """Stream images `repeats` times and return the measured speed, split into pack, transfer and unpack."""
        images = check_images(self.network, images)
        if not len(images) or repeats < 1:
            raise InputError(f"throughput of {len(images)} images, {repeats} repeats: at least one of each is wanted")
        link, times = self._ready(), Times()
        for _ in range(repeats):
            self._stream(images, batch, times)
        clock_hz = link.session.clock_mhz * 1e6
        beats = max(link.input.beats, link.output.beats)
        return Throughput(
            images=len(images),
            repeats=repeats,
            times=times,
            clock_mhz=link.session.clock_mhz,
            dma_limit_fps=clock_hz / beats,
            design_limit_fps=clock_hz / self.manifest.interval_cycles,
            executor=self.executor,
            emulated=link.session.emulated,
        )

    def _stream(
        self, images: Ints, batch: Optional[int], times: Times, progress: Optional[Progress] = None
    ) -> npt.NDArray[np.uint8]:
        """Return the received bytes, uint8 [batch, bytes per answer], and add the seconds spent to `times`."""
        if batch is not None and batch < 1:
            raise InputError(f"batch {batch} images; the least is 1")
        with HARDWARE:
            return self._stream_alone(images, batch, times, progress)

    def _stream_alone(
        self, images: Ints, batch: Optional[int], times: Times, progress: Optional[Progress]
    ) -> npt.NDArray[np.uint8]:
        """Do what `_stream` says, while no other thread uses the hardware."""
        link = self._ready()
        each_in, each_out = link.input.bytes_per_image, link.output.bytes_per_image
        answers = np.zeros((len(images), each_out), dtype=np.uint8)
        if not len(images):
            return answers
        size = min(len(images), batch or link.preferred)
        with self._loaded_again_if_it_fails(), link.buffers(size) as (source, target, capacity):
            for start in range(0, len(images), capacity):
                part = images[start : start + capacity]
                begun = time.perf_counter()
                source[: len(part) * each_in] = link.input.pack(part).reshape(-1)
                packed = time.perf_counter()
                link.transfer(source, target, len(part))
                done = time.perf_counter()
                answers[start : start + len(part)] = target[: len(part) * each_out].reshape(len(part), each_out)
                times.pack_s += packed - begun
                times.transfer_s += done - packed
                times.unpack_s += time.perf_counter() - done
                if len(part) >= times.batch:
                    times.batch, times.performance = len(part), link.session.performance
                if progress:
                    progress(len(part))
        return answers


def _load_network(folder: Path, manifest: Manifest) -> Network:
    if not (folder / NETWORK).is_file():
        raise OverlayError(f"{folder / NETWORK}: no such file; `lutforge generate` writes it into an overlay folder")
    network = load(folder / NETWORK)
    found = digest(network)
    if found != manifest.network_sha256:
        raise OverlayError(
            f"{folder}: made from network {manifest.network_sha256}, but {NETWORK} is network {found}. "
            "Generate and build the overlay again from the network you want"
        )
    if (manifest.input, manifest.classes) != (network.input, network.classes):
        raise OverlayError(
            f"{folder}: manifest.json says input {manifest.input} and {manifest.classes} classes, {NETWORK} has "
            f"{network.input} and {network.classes}. Generate the overlay again"
        )
    return network
