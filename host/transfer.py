# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Stream one batch through a loaded overlay: registers, DMA, and a wait that has a deadline.

Order matters. The kernel is told the number of images and started, then the receiving channel is armed, then
the sending one. A memory buffer is freed only when no transfer can touch it any more.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Any, Iterator, Tuple

from lutforge.errors import DeviceError, DeviceTimeout, OverlayError
from lutforge.host.axi_registers import (
    CONTROL,
    CTRL_IDLE,
    CTRL_START,
    ERRORS,
    IDLE,
    LENGTH,
    MM2S,
    RESET,
    S2MM,
    STATUS,
    status_text,
)
from lutforge.host.session import Session
from lutforge.manifest import Manifest

RESET_TIMEOUT_S = 1.0
PREFERRED_BYTES = 4 << 20
"""Of one transfer, unless a batch is asked for: the call costs little beside it, and a board has the memory."""

BUSY_POLL_S, POLL_PAUSE_S = 0.002, 0.0002
"""Poll without a pause at first, because a batch often takes less than the shortest sleep."""

NO_MEMORY = (RuntimeError, MemoryError, OSError)
"""What pynq raises, depending on the board, when contiguous memory is used up."""


class StreamLink:
    """The two streams of a session. timeout_s: patience beyond twice the time that the design is predicted to take."""

    def __init__(self, session: Session, manifest: Manifest, timeout_s: float):
        self.session, self.timeout_s = session, timeout_s
        self.input, self.output = manifest.input_stream, manifest.output_stream
        self.image_s = manifest.interval_cycles / (session.clock_mhz * 1e6)
        self.length_limit = min(session.dma.buffer_max_size, (1 << manifest.dma_length_bits) - 1)
        widest = max(self.input.bytes_per_image, self.output.bytes_per_image)
        self.limit = self.length_limit // widest
        self.preferred = max(1, PREFERRED_BYTES // widest)
        if self.limit < 1:
            raise OverlayError(
                f"one image takes {self.input.bytes_per_image} bytes in and {self.output.bytes_per_image} out; the DMA "
                f"moves at most {self.length_limit}. Build the overlay with a wider length field"
            )

    @contextmanager
    def buffers(self, images: int) -> Iterator[Tuple[Any, Any, int]]:
        """Lend (source, target, capacity): uint8 buffers for as many of `images` as DMA and memory allow.

        An exception inside resets the DMA before the buffers are freed, and goes on.
        """
        source, target, capacity = self._allocate(min(images, self.limit))
        try:
            yield source, target, capacity
        except BaseException:
            self.reset()
            raise
        finally:
            source.freebuffer()
            target.freebuffer()

    def _allocate(self, images: int) -> Tuple[Any, Any, int]:
        while True:
            source = None
            try:
                source = self._buffer(images * self.input.bytes_per_image)
                return source, self._buffer(images * self.output.bytes_per_image), images
            except NO_MEMORY as error:
                if source is not None:
                    source.freebuffer()
                if images == 1:
                    raise DeviceError(
                        f"{self.session.label}: no contiguous memory for one image, {self.input.bytes_per_image} bytes "
                        f"({error}). Free other pynq buffers, or restart the notebook that holds them"
                    ) from error
                images = (images + 1) // 2

    def _buffer(self, length: int) -> Any:
        from pynq import allocate

        return allocate((length,), "u1", target=self.session.device)

    def transfer(self, source: Any, target: Any, images: int) -> None:
        """Send `images` packed images of `source` and wait until all answers are in `target`."""
        session = self.session
        self._start(images)
        expected = images * self.output.bytes_per_image
        try:
            session.dma.recvchannel.transfer(target, nbytes=expected)
            session.dma.sendchannel.transfer(source, nbytes=images * self.input.bytes_per_image)
        except (RuntimeError, ValueError) as error:
            raise DeviceError(
                f"{session.label}: pynq refuses the transfer ({error}). Open the overlay again"
            ) from error
        self._wait(images)
        received = session.dma.mmio.read(S2MM + LENGTH)
        if received != expected:
            raise DeviceError(
                f"{session.label}: the answers ended after {received} of {expected} bytes (TLAST too early). "
                "The overlay does not fit its manifest.json; build it again"
            )
        target.invalidate()

    def _start(self, images: int) -> None:
        ip, offsets = self.session.ip, self.session.offsets
        control = ip.read(offsets["CTRL"])
        if not control & CTRL_IDLE:
            raise DeviceError(
                f"{self.session.label}: the kernel is busy before its start (CTRL is {control:#x}). "
                "Another program may use the overlay; open it again"
            )
        ip.write(offsets["images"], images)
        ip.write(offsets["CTRL"], CTRL_START)

    def _wait(self, images: int) -> None:
        """Return when both channels are idle; never pynq's wait(), which has no end."""
        mmio = self.session.dma.mmio
        begun = time.monotonic()
        patience = self.timeout_s + 2 * images * self.image_s
        while True:
            sent, received = mmio.read(MM2S + STATUS), mmio.read(S2MM + STATUS)
            if (sent | received) & ERRORS:
                raise DeviceError(
                    f"{self.session.label}: DMA error; send {status_text(sent)}, receive {status_text(received)}. "
                    "The overlay is loaded again before the next batch"
                )
            if sent & received & IDLE:
                return
            waited = time.monotonic() - begun
            if waited > patience:
                raise DeviceTimeout(self._explain(images, waited, sent, received))
            if waited > BUSY_POLL_S:
                time.sleep(POLL_PAUSE_S)

    def _explain(self, images: int, waited: float, sent: int, received: int) -> str:
        wanted = images * self.input.beats
        if self.session.emulated:
            took, needs = self.session.device.kernel.progress
            beats = f"the kernel took {took} of the {needs} input beats it wants"
        else:
            beats = f"all {wanted} input beats were sent" if sent & IDLE else f"not all {wanted} input beats were taken"
        return (
            f"{self.session.label}: waited {waited:.2f} s for the answers of {images} images "
            f"({images * self.output.beats} output beats); {beats}. DMA send {status_text(sent)}, "
            f"receive {status_text(received)}. The overlay is loaded again before the next batch; if this comes back, "
            "the overlay was built from other sources than its manifest.json, or timeout_s is too short"
        )

    def reset(self) -> None:
        """Stop both channels by the soft reset, which ends also a transfer that hangs; DeviceTimeout if it does not."""
        mmio = self.session.dma.mmio
        mmio.write(MM2S + CONTROL, RESET)
        deadline = time.monotonic() + RESET_TIMEOUT_S
        while mmio.read(MM2S + CONTROL) & RESET:
            if time.monotonic() > deadline:
                raise DeviceTimeout(
                    f"{self.session.label}: waited {RESET_TIMEOUT_S} s for the DMA to reset. Power the board off and on"
                )
