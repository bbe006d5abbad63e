# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Models of the blocks that are no DMA: our kernel behind its control registers, and plain registers."""

from __future__ import annotations

from typing import Dict, List, Optional, Protocol, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.host.axi_dma import AxiStream, Bytes
from lutforge.host.axi_registers import CTRL_DONE, CTRL_IDLE, CTRL_READY, CTRL_RESTART, CTRL_START


class Backend(Protocol):
    """What computes inside the kernel: bytes of the input stream to bytes of the output stream."""

    def stream(self, data: Bytes, images: int) -> Bytes:
        """Return the answers, uint8. data: uint8, `images` packed images, or as many beats of an array's program."""


class TracedBackend(Backend, Protocol):
    """A backend that knows a network."""

    def trace(self, data: Bytes, images: int) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every edge carried: int64 [images, *shape] by node name."""


class Block(Protocol):
    """A memory-mapped block: 32-bit registers, and `step`, which moves data and says whether any moved."""

    def read(self, offset: int) -> int:
        """Return a register."""

    def write(self, offset: int, value: int) -> None:
        """Write a register."""

    def step(self) -> bool:
        """Move what can move; False if nothing could."""


class Registers:
    """Plain read-write registers: the processing system's, and those of blocks that have no model."""

    def __init__(self, values: Optional[Dict[int, int]] = None):
        self.values = dict(values or {})

    def read(self, offset: int) -> int:
        """Return a register."""
        return self.values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        self.values[offset] = value

    def step(self) -> bool:
        """Nothing moves here."""
        return False


class StreamKernel:
    """Our kernel: `images` register, ap_ctrl_hs; takes exactly images * beats and sends one packet per batch.

    input_beats: of an image; 1 for a programmable array, whose register holds the beats of its program.

    It takes input only once started, and cannot be stopped or emptied but by loading the overlay again.
    """

    def __init__(self, backend: Backend, input_beats: int, offsets: Dict[str, int]):
        self.backend, self.input_beats, self.offsets = backend, input_beats, offsets
        self.control = CTRL_IDLE
        self.values: Dict[int, int] = {}
        self.source: Optional[AxiStream] = None
        self.sink: Optional[AxiStream] = None
        self.images = 0
        self._taken: List[Bytes] = []
        self._sending = self._broken = False

    def read(self, offset: int) -> int:
        """Return a register; reading CTRL clears done and ready."""
        if offset != self.offsets["CTRL"]:
            return self.values.get(offset, 0)
        value = self.control
        self.control &= ~(CTRL_DONE | CTRL_READY)  # cleared by reading
        return value

    def write(self, offset: int, value: int) -> None:
        """Write a register; the start bit starts an idle kernel."""
        if offset != self.offsets["CTRL"]:
            self.values[offset] = value
            return
        self.control = (self.control & ~CTRL_RESTART) | (value & CTRL_RESTART)
        if value & CTRL_START and self.control & CTRL_IDLE:
            self._start()

    def _start(self) -> None:
        self.control = (self.control | CTRL_START) & ~CTRL_IDLE
        self.images = self.values.get(self.offsets["images"], 0)
        self._taken, self._sending = [], False

    @property
    def progress(self) -> Tuple[int, int]:
        """Input beats taken, and input beats wanted, of the batch under way; (0, 0) when idle."""
        if self.control & CTRL_IDLE or self.source is None:
            return 0, 0
        return sum(map(len, self._taken)) // self.source.beat_bytes, self.images * self.input_beats

    def step(self) -> bool:
        """Take input, answer, or finish; False if nothing moved."""
        if self._broken or self.control & CTRL_IDLE or self.source is None or self.sink is None:
            return False
        if self._sending:
            return self._finish() if not self.sink.waiting else False
        wanted = self.images * self.input_beats * self.source.beat_bytes - sum(map(len, self._taken))
        if wanted and not self.source.waiting:
            return False
        self._taken.append(self.source.take(wanted))
        if len(self._taken[-1]) == wanted:
            self._answer(self.sink)
        return True

    def _answer(self, sink: AxiStream) -> None:
        if self.images:
            self._broken = True  # a backend that raises leaves a kernel that hangs until the overlay is loaded again
            answers = self.backend.stream(np.concatenate(self._taken), self.images)
            self._broken = False
            sink.offer(np.ascontiguousarray(answers).reshape(-1), last=True)
        self._sending = True

    def _finish(self) -> bool:
        self.control = (self.control & CTRL_RESTART) | CTRL_IDLE | CTRL_DONE | CTRL_READY
        if self.control & CTRL_RESTART:
            self._start()
        return self.images > 0  # a restarted empty batch would go round for ever
