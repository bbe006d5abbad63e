# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Exchange one batch with a loaded overlay: registers, DMA, and a wait that has a deadline.

Order matters. The kernel is told how much comes and started, then the receiving channel is armed, then
the sending one. A memory buffer is freed only when no transfer can touch it any more.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
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
from lutforge.manifest import Manifest, Overlay

RESET_TIMEOUT_S = 1.0
PREFERRED_BYTES = 4 << 20
"""Of one transfer, unless a batch is asked for: the call costs little beside it, and a board has the memory."""

BUSY_POLL_S, POLL_PAUSE_S = 0.002, 0.0002
"""Poll without a pause at first, because a batch often takes less than the shortest sleep."""

NO_MEMORY = (RuntimeError, MemoryError, OSError)
"""What pynq raises, depending on the board, when contiguous memory is used up."""


@dataclass(frozen=True)
class Order:
    """One start of the kernel. count: what its register `images` is told; images: those answered.

    sent, expected: bytes in both directions; predicted_s: seconds that the design is predicted to take.
    """

    count: int
    images: int
    sent: int
    expected: int
    predicted_s: float


class Exchange:
    """Bytes there and back through the DMA. timeout_s: patience beyond twice the time that is predicted."""

    def __init__(self, session: Session, manifest: Overlay, timeout_s: float):
        self.session, self.timeout_s, self.beat_bytes = session, timeout_s, manifest.beat_bits // 8
        self.length_limit = min(session.dma.buffer_max_size, (1 << manifest.dma_length_bits) - 1)

    def allocate(self, sent: int, expected: int) -> Tuple[Any, Any]:
        """Return (source, target), uint8 buffers of so many bytes; one of NO_MEMORY if there is none for both."""
        source = self._buffer(sent)
        try:
            return source, self._buffer(expected)
        except NO_MEMORY:
            source.freebuffer()
            raise

    def _buffer(self, length: int) -> Any:
        from pynq import allocate

        return allocate((length,), "u1", target=self.session.device)

    @contextmanager
    def lent(self, source: Any, target: Any) -> Iterator[None]:
        """Free two buffers at the end. An exception inside resets the DMA before they are freed, and goes on."""
        try:
            yield
        except BaseException:
            self.reset()
            raise
        finally:
            source.freebuffer()
            target.freebuffer()

    def exchange(self, source: Any, target: Any, order: Order) -> None:
        """Send the first bytes of `source` and wait until all that are expected are in `target`."""
        session = self.session
        self._start(order.count)
        try:
            session.dma.recvchannel.transfer(target, nbytes=order.expected)
            session.dma.sendchannel.transfer(source, nbytes=order.sent)
        except (RuntimeError, ValueError) as error:
            raise DeviceError(
                f"{session.label}: pynq refuses the transfer ({error}). Open the overlay again"
            ) from error
        self._wait(order)
        received = session.dma.mmio.read(S2MM + LENGTH)
        if received != order.expected:
            raise DeviceError(
                f"{session.label}: the answers ended after {received} of {order.expected} bytes (TLAST too early). "
                "The overlay does not fit its manifest.json; build it again"
            )
        target.invalidate()

    def _start(self, count: int) -> None:
        ip, offsets = self.session.ip, self.session.offsets
        control = ip.read(offsets["CTRL"])
        if not control & CTRL_IDLE:
            raise DeviceError(
                f"{self.session.label}: the kernel is busy before its start (CTRL is {control:#x}). "
                "Another program may use the overlay; open it again"
            )
        ip.write(offsets["images"], count)
        ip.write(offsets["CTRL"], CTRL_START)

    def _wait(self, order: Order) -> None:
        """Return when both channels are idle; never pynq's wait(), which has no end."""
        mmio = self.session.dma.mmio
        begun = time.monotonic()
        patience = self.timeout_s + 2 * order.predicted_s
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
                raise DeviceTimeout(self._explain(order, waited, sent, received))
            if waited > BUSY_POLL_S:
                time.sleep(POLL_PAUSE_S)

    def _explain(self, order: Order, waited: float, sent: int, received: int) -> str:
        wanted = order.sent // self.beat_bytes
        if self.session.emulated:
            took, needs = self.session.device.kernel.progress
            beats = f"the kernel took {took} of the {needs} input beats it wants"
        else:
            beats = f"all {wanted} input beats were sent" if sent & IDLE else f"not all {wanted} input beats were taken"
        return (
            f"{self.session.label}: waited {waited:.2f} s for the answers of {order.images} images "
            f"({order.expected // self.beat_bytes} output beats); {beats}. DMA send {status_text(sent)}, "
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


class StreamLink(Exchange):
    """The two streams of a network's overlay: packed images there, answers back."""

    def __init__(self, session: Session, manifest: Manifest, timeout_s: float):
        super().__init__(session, manifest, timeout_s)
        self.input, self.output = manifest.input_stream, manifest.output_stream
        self.image_s = manifest.interval_cycles / (session.clock_mhz * 1e6)
        widest = max(self.input.bytes_per_image, self.output.bytes_per_image)
        self.limit = self.length_limit // widest
        self.preferred = max(1, PREFERRED_BYTES // widest)
        if self.limit < 1:
            raise OverlayError(
                f"one image takes {self.input.bytes_per_image} bytes in and {self.output.bytes_per_image} out; the DMA "
                f"moves at most {self.length_limit}. Build the overlay with a wider length field"
            )

    def order(self, images: int) -> Order:
        """Return what a batch of images is for the kernel."""
        sent, expected = images * self.input.bytes_per_image, images * self.output.bytes_per_image
        return Order(images, images, sent, expected, images * self.image_s)

    @contextmanager
    def buffers(self, images: int) -> Iterator[Tuple[Any, Any, int]]:
        """Lend (source, target, capacity): uint8 buffers for as many of `images` as DMA and memory allow."""
        source, target, capacity = self._as_many_as_fit(min(images, self.limit))
        with self.lent(source, target):
            yield source, target, capacity

    def _as_many_as_fit(self, images: int) -> Tuple[Any, Any, int]:
        while True:
            order = self.order(images)
            try:
                return (*self.allocate(order.sent, order.expected), images)
            except NO_MEMORY as error:
                if images == 1:
                    raise DeviceError(
                        f"{self.session.label}: no contiguous memory for one image, {self.input.bytes_per_image} bytes "
                        f"({error}). Free other pynq buffers, or restart the notebook that holds them"
                    ) from error
                images = (images + 1) // 2

    def transfer(self, source: Any, target: Any, images: int) -> None:
        """Send `images` packed images of `source` and wait until all answers are in `target`."""
        self.exchange(source, target, self.order(images))
