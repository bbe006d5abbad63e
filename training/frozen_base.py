# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What every frozen operation is: a module with integer buffers that remembers the fields it was made from."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import numpy as np
import torch
from torch import Tensor, nn

Bounds = Tuple[int, int]


class Operation(nn.Module):
    """A module with integer buffers that remembers the fields it was made from."""

    def __init__(self, **values: Any):
        super().__init__()
        self.field_names: Tuple[str, ...] = tuple(values)
        for name, value in values.items():
            if isinstance(value, Tensor):
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)

    def values(self) -> Dict[str, Any]:
        """Return the constructor's arguments: tensors int64, tuples, numbers, words, and the multiplier."""
        return {name: getattr(self, name) for name in self.field_names}

    @property
    def width(self) -> int:
        """Integers that the operation holds per image beside its input and output."""
        return 0

    def bounds(self, read: Optional[Bounds]) -> Optional[Bounds]:
        """Return the bounds of what comes out; None where they are unknown, which only sums are."""
        return None


def integers(values: Any) -> Tensor:
    """Return values as int64; a float tensor is refused even if its values are whole."""
    tensor = torch.as_tensor(np.array(values) if isinstance(values, np.ndarray) else values).detach().cpu()
    assert not tensor.is_floating_point(), "a frozen operation holds integers"
    return tensor.to(torch.int64).clone()


def whole(values: Tuple[int, ...]) -> Tuple[int, ...]:
    """Return values as Python's integers."""
    return tuple(int(value) for value in values)
