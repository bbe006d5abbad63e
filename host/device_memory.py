# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Contiguous memory of the emulated device: each buffer has a copy that the host sees and one that the device sees.

The two meet only when a buffer is flushed or invalidated, as with the caches of a board.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

PAGE_BYTES = 4096
FIRST_ADDRESS, LAST_ADDRESS = 0x1000_0000, 0x3FFF_FFFF
"""Inside the DDR window of a Zynq-7000 (UG585, address map); a Zynq UltraScale+ has DDR there too."""


@dataclass(frozen=True, eq=False)
class Allocation:
    """One buffer at a physical address: uint8 [bytes] twice."""

    address: int
    host: Bytes
    device: Bytes


class ContiguousMemory:
    """Hands out page-aligned buffers up to `capacity_bytes` in all; an unmapped page lies after each."""

    def __init__(self, capacity_bytes: int):
        self.capacity_bytes = capacity_bytes
        self.live: Dict[int, Allocation] = {}
        self._next = FIRST_ADDRESS

    @property
    def used_bytes(self) -> int:
        """Bytes in live buffers."""
        return sum(len(each.host) for each in self.live.values())

    def allocate(self, length: int) -> Allocation:
        """Return a zeroed buffer; RuntimeError, as pynq on a board raises it, if the memory is used up."""
        if self.used_bytes + length > self.capacity_bytes:
            raise RuntimeError(
                f"BO allocation failed: {length} bytes asked, {self.capacity_bytes - self.used_bytes} of "
                f"{self.capacity_bytes} left"
            )
        address = self._free_address(length)
        self.live[address] = Allocation(address, np.zeros(length, np.uint8), np.zeros(length, np.uint8))
        return self.live[address]

    def _free_address(self, length: int) -> int:
        """Addresses rise and begin again at the end, so that a freed one is not soon used again."""
        span = -(-length // PAGE_BYTES) * PAGE_BYTES + PAGE_BYTES
        address = self._next
        while True:
            if address + span > LAST_ADDRESS:
                address = FIRST_ADDRESS
            clash = [one for one in self.live.values() if one.address < address + span and address < _end(one)]
            if not clash:
                self._next = address + span
                return address
            address = max(_end(one) for one in clash)

    def free(self, address: int) -> None:
        """Take a buffer back; the device has no memory there from now on."""
        del self.live[address]

    def view(self, address: int, length: int) -> Optional[Bytes]:
        """Return the device's bytes address..address+length-1, or None if no live buffer covers them."""
        for one in self.live.values():
            offset = address - one.address
            if 0 <= offset and offset + length <= len(one.device):
                return one.device[offset : offset + length]
        return None


def _end(one: Allocation) -> int:
    return one.address + -(-len(one.device) // PAGE_BYTES) * PAGE_BYTES + PAGE_BYTES
