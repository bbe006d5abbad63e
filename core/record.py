# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What all operations share: frozen dataclasses of integers and read-only integer arrays, equal by value."""

from __future__ import annotations

from dataclasses import fields
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from lutforge.errors import NetworkError

Array = npt.NDArray[Any]


class Record:
    """Equality by value for frozen dataclasses that hold arrays."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        for item in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if isinstance(mine, np.ndarray):
                if not np.array_equal(mine, theirs):
                    return False
            elif mine != theirs:
                return False
        return True

    __hash__ = None  # type: ignore[assignment]  # arrays have no hash

    def _freeze(self, name: str, dtype: Any, dimensions: int) -> None:
        """Store the field as a read-only contiguous array of dtype, refusing values that dtype cannot hold."""
        given = np.asarray(getattr(self, name))
        if given.ndim != dimensions or given.size == 0:
            raise NetworkError(
                f"{type(self).__name__}.{name}: shape {given.shape} given, {dimensions} non-empty dimension(s) wanted"
            )
        if given.dtype.kind not in "iub":
            raise NetworkError(f"{type(self).__name__}.{name}: dtype {given.dtype} given, integers wanted")
        array = np.ascontiguousarray(given).astype(dtype)
        if not np.array_equal(array, given):
            raise NetworkError(
                f"{type(self).__name__}.{name}: values {given.min()}..{given.max()} do not fit {np.dtype(dtype)}"
            )
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    def _whole(self, name: str, count: int | None = None) -> None:
        """Store the field as a tuple of ints (one int where it is no tuple), refusing fractions and other lengths."""
        given = getattr(self, name)
        try:
            value = tuple(index(item) for item in given) if isinstance(given, (tuple, list)) else index(given)
        except TypeError:
            raise NetworkError(f"{type(self).__name__}.{name}: {given!r} given, whole numbers wanted") from None
        if count is not None and (not isinstance(value, tuple) or len(value) != count):
            raise NetworkError(f"{type(self).__name__}.{name}: {given!r} given, {count} whole numbers wanted")
        object.__setattr__(self, name, value)
