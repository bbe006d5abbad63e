# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""An array whose elements are registers of a model: what `/dev/mem` mapped through numpy is on a board."""

from __future__ import annotations

from typing import Any, Callable, Optional

import numpy as np

Read = Callable[[int], int]
Write = Callable[[int, int], None]


class RegisterArray(np.ndarray):  # type: ignore[type-arg]  # numpy 1.21 cannot subscript ndarray at run time
    """uint32 [registers]; reading and writing an element calls `read(address)` and `write(address, value)`.

    A slice is live too, which pynq's register maps need. Arithmetic works on a copy of what was read.
    """

    _read: Optional[Read]
    _write: Optional[Write]
    _base: int

    def __new__(cls, base: int, length_bytes: int, read: Read, write: Write) -> RegisterArray:
        """Make an array over the registers from physical address `base`."""
        array = np.zeros(length_bytes // 4, dtype=np.uint32).view(cls)
        array._read, array._write, array._base = read, write, base
        return array

    def __array_finalize__(self, source: Any) -> None:
        # A whole-array view stays live (pynq takes one); anything else computed from this array is plain data.
        live = isinstance(source, RegisterArray) and source.shape == self.shape and source.dtype == self.dtype
        self._read = getattr(source, "_read", None) if live else None
        self._write = getattr(source, "_write", None) if live else None
        self._base = getattr(source, "_base", 0) if live else 0

    def __getitem__(self, key: Any) -> Any:
        if self._read is None:
            return super().__getitem__(key)
        places = range(len(self))[key]
        if isinstance(places, int):
            return np.uint32(self._read(self._base + 4 * places))
        assert self._write is not None
        part = RegisterArray(self._base + 4 * places.start, 4 * len(places), self._read, self._write)
        # Plain memory holds the values as well, because numpy's own functions read it directly.
        part.view(np.ndarray)[:] = [self._read(self._base + 4 * place) for place in places]
        return part

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._write is None:
            super().__setitem__(key, value)  # type: ignore[no-untyped-call]  # of an untyped base
            return
        places = range(len(self))[key]
        targets = [places] if isinstance(places, int) else list(places)
        words = np.broadcast_to(np.asarray(value).ravel(), (len(targets),))
        for place, word in zip(targets, words, strict=True):
            self._write(self._base + 4 * place, int(word) & 0xFFFF_FFFF)
