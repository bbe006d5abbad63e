# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Integer thresholds of a step function, found by asking the function itself.

Folding batch norm and a quantiser into thresholds by algebra rounds differently from the module at ties;
bisection on the module's own expression cannot.
"""

from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor

from lutforge.errors import TrainingError


def bisect_thresholds(code_of: Callable[[Tensor], Tensor], channels: int, low: int, high: int, steps: int) -> Tensor:
    """Return t, int64 [channels, steps], with code(a) == #{i: a > t_i} for every integer a in low..high.

    code_of: float64 [n, channels] accumulator values -> integer codes 0..steps of the same shape, which must
    not decrease with the value. A threshold of low - 1 is always exceeded, one of high never.
    """
    with torch.no_grad():
        _check_ends(code_of, channels, low, high, steps)
        # The first value whose code reaches i + 1 lies in first..last; last = high + 1 means there is none.
        first = torch.full((steps, channels), low, dtype=torch.int64)
        last = torch.full((steps, channels), high + 1, dtype=torch.int64)
        wanted = torch.arange(1, steps + 1)[:, None]
        while bool((first < last).any()):
            middle = torch.div(first + last, 2, rounding_mode="floor")
            reached = code_of(middle.clamp(max=high).to(torch.float64)) >= wanted
            open_ = first < last
            last = torch.where(open_ & reached, middle, last)
            first = torch.where(open_ & ~reached, middle + 1, first)
    return (first - 1).T.contiguous()


def _check_ends(code_of: Callable[[Tensor], Tensor], channels: int, low: int, high: int, steps: int) -> None:
    ends = torch.tensor([low, high], dtype=torch.float64)[:, None].expand(2, channels).contiguous()
    codes = code_of(ends)
    if int(codes.min()) < 0 or int(codes.max()) > steps:
        raise TrainingError(
            f"thresholds: codes {int(codes.min())}..{int(codes.max())} at the ends {low}..{high}; "
            f"{steps} thresholds make codes 0..{steps}. Ask for more steps"
        )
    falling = (codes[0] > codes[1]).nonzero()
    if len(falling):
        channel = int(falling[0])
        raise TrainingError(
            f"thresholds: the code of channel {channel} falls from {int(codes[0, channel])} to "
            f"{int(codes[1, channel])} between {low} and {high}; it must not decrease. Negate the channel first"
        )
