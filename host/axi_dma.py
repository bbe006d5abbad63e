# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Models of AXI streams and of the AXI DMA in simple mode, as far as a driver can see them.

Registers, bytes, beats, TLAST and back-pressure are modelled. Time, bursts, the memory bus itself,
scatter-gather and interrupts are not. Register numbers: `axi_registers`.
"""

from __future__ import annotations

from typing import Optional, Protocol, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import DeviceError
from lutforge.host.axi_registers import (
    ADDRESS,
    ADDRESS_HIGH,
    CONTROL,
    CONTROL_AFTER_RESET,
    DECODE_ERROR,
    DONE_INTERRUPT,
    ERROR_INTERRUPT,
    HALTED,
    IDLE,
    INTERNAL_ERROR,
    INTERRUPTS,
    LENGTH,
    MM2S,
    RESET,
    RUN,
    S2MM,
    STATUS,
)

Bytes = npt.NDArray[np.uint8]


class Memory(Protocol):
    """What a DMA reads and writes: device memory by physical address."""

    def view(self, address: int, length: int) -> Optional[Bytes]:
        """Return the device's bytes at an address, or None if no live buffer covers them."""


class AxiStream:
    """One stream without a FIFO: a packet stays with its sender until the receiver has taken every beat."""

    def __init__(self, beat_bytes: int):
        self.beat_bytes = beat_bytes
        self.last = False
        self._waiting = np.zeros(0, dtype=np.uint8)

    @property
    def waiting(self) -> int:
        """Bytes offered and not yet taken."""
        return len(self._waiting)

    def offer(self, data: Bytes, last: bool) -> None:
        """Offer a packet, padded to whole beats. last: TLAST stands on its last beat."""
        self._waiting = np.concatenate([data, np.zeros(-len(data) % self.beat_bytes, dtype=np.uint8)])
        self.last = last

    def take(self, limit: int) -> Bytes:
        """Take up to `limit` bytes of what waits."""
        taken, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return taken

    def clear(self) -> None:
        """Drop what waits, as a reset of the sender does."""
        self._waiting = self._waiting[:0]


class DmaChannel:
    """One direction of the DMA: its registers (table 2-7 on) and the transfer under way, if any."""

    def __init__(self, memory: Memory, length_bits: int, align_bytes: int):
        self.memory, self.align_bytes = memory, align_bytes
        self.length_mask = (1 << length_bits) - 1
        self.reset()

    def reset(self) -> None:
        """Return to the state after power-up: halted, not idle."""
        self.values = {CONTROL: CONTROL_AFTER_RESET, STATUS: HALTED}
        self.transfer: Optional[Tuple[int, int]] = None
        self.moved = 0

    def buffer(self) -> Optional[Bytes]:
        """Return the memory of the transfer under way; fail if it was freed meanwhile, None if there is none."""
        view = self.memory.view(*self.transfer) if self.transfer else None
        if self.transfer and view is None:
            self.fail(DECODE_ERROR)
        return view

    def write(self, register: int, value: int) -> None:
        """Write one of the channel's registers."""
        if register == CONTROL:
            self.values[CONTROL] = value
            if value & RUN:
                self.values[STATUS] &= ~HALTED
            elif self.transfer is None:  # a running transfer is finished before the channel halts
                self.values[STATUS] |= HALTED
        elif register == STATUS:
            self.values[STATUS] &= ~(value & INTERRUPTS)
        elif register == LENGTH:
            self.values[LENGTH] = value & self.length_mask
            if not self.values[STATUS] & HALTED:  # a halted channel ignores it
                self._begin(value & self.length_mask)
        else:
            self.values[register] = value

    def _begin(self, length: int) -> None:
        address = self.values.get(ADDRESS, 0) | self.values.get(ADDRESS_HIGH, 0) << 32
        if self.transfer is not None:
            raise DeviceError("the DMA was given a length while a transfer is under way. Wait for the idle bit first")
        if address % self.align_bytes:
            raise DeviceError(
                f"the DMA was given address {address:#x}, which is not a multiple of {self.align_bytes} bytes; without "
                "a realignment engine the result is undefined. Start at the beginning of a buffer"
            )
        self.values[STATUS] &= ~IDLE
        if length == 0:
            self.fail(INTERNAL_ERROR)
        else:
            self.transfer, self.moved = (address, length), 0

    def fail(self, error: int) -> None:
        """Halt with an error bit; only a reset clears it."""
        self.transfer = None
        self.values[CONTROL] &= ~RUN
        self.values[STATUS] |= error | HALTED | ERROR_INTERRUPT

    def finish(self, length: int) -> None:
        """End a transfer of `length` bytes."""
        self.transfer = None
        self.values[LENGTH] = length
        self.values[STATUS] |= IDLE | DONE_INTERRUPT
        if not self.values[CONTROL] & RUN:
            self.values[STATUS] |= HALTED


class AxiDma:
    """AXI DMA 7.1 in simple mode: MM2S sends memory to a stream, S2MM stores a stream until its TLAST."""

    def __init__(self, memory: Memory, length_bits: int, align_bytes: int):
        self.channels = {offset: DmaChannel(memory, length_bits, align_bytes) for offset in (MM2S, S2MM)}
        self.source: Optional[AxiStream] = None
        self.sink: Optional[AxiStream] = None

    def _locate(self, offset: int) -> Tuple[DmaChannel, int]:
        base = S2MM if offset >= S2MM else MM2S
        return self.channels[base], offset - base

    def read(self, offset: int) -> int:
        """Return a register."""
        channel, register = self._locate(offset)
        return channel.values.get(register, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register; a length starts a transfer."""
        channel, register = self._locate(offset)
        if register == CONTROL and value & RESET:  # either bit resets the whole engine
            for each in self.channels.values():
                each.reset()
            if self.sink is not None:
                self.sink.clear()
            return
        channel.write(register, value)
        sends = register == LENGTH and channel is self.channels[MM2S]
        data = channel.buffer()
        if sends and data is not None and self.sink is not None:
            self.sink.offer(data, last=True)

    def step(self) -> bool:
        """Move what can move; False if nothing could."""
        return self._send() | self._receive()

    def _send(self) -> bool:
        channel = self.channels[MM2S]
        data = channel.buffer()
        if data is None or self.sink is None or self.sink.waiting:
            return False
        channel.finish(len(data))
        return True

    def _receive(self) -> bool:
        channel = self.channels[S2MM]
        buffer = channel.buffer()
        if buffer is None or self.source is None or not self.source.waiting:
            return False
        data = self.source.take(len(buffer) - channel.moved)
        buffer[channel.moved : channel.moved + len(data)] = data
        channel.moved += len(data)
        if self.source.waiting:
            channel.fail(INTERNAL_ERROR)  # the packet is longer than LENGTH
        elif self.source.last:
            channel.finish(channel.moved)
        return True
