# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Which synapses stay: the largest magnitudes of a layer, within bounds on the fan-in of every output.

A bound from below leaves no output without inputs; one from above keeps the adder trees of a layer alike.
"""

from __future__ import annotations

from typing import List

import torch
from torch import Tensor

from lutforge.errors import TrainingError


def keep_mask(magnitudes: Tensor, keep: float, minimum: int = 1, maximum: int | None = None) -> Tensor:
    """Return bool [outputs, fan_in] with round(keep * size) true entries, minimum..maximum of them in each row.

    magnitudes: float [outputs, fan_in]. Every row keeps its `minimum` largest; the rest go to the largest of the
    layer, no row beyond `maximum` (none: no bound). Ties go to the lower position.
    """
    outputs, fan_in = magnitudes.shape
    maximum = fan_in if maximum is None else maximum
    count = _checked_count(outputs, fan_in, keep, minimum, maximum)
    order = magnitudes.argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order)
    rank.scatter_(1, order, torch.arange(fan_in, device=order.device).expand(outputs, fan_in).contiguous())
    score = magnitudes.to(torch.float64).masked_fill(rank < minimum, torch.inf)
    score = score.masked_fill(rank >= maximum, -torch.inf)
    chosen = score.flatten().argsort(descending=True, stable=True)[:count]
    mask = torch.zeros(outputs * fan_in, dtype=torch.bool, device=magnitudes.device)
    mask[chosen] = True
    return mask.reshape(outputs, fan_in)


def cubic_schedule(keep: float, steps: int) -> List[float]:
    """Return the parts to keep after each of `steps` prunings, from much to `keep`.

    keep + (1 - keep) * (1 - t / steps)**3 (Zhu and Gupta, "To prune, or not to prune", 2017, eq. 1 with a
    start at 1): fast while much is redundant, slow at the end.

    >>> [round(part, 3) for part in cubic_schedule(0.1, 3)]
    [0.367, 0.133, 0.1]
    """
    return [keep + (1 - keep) * (1 - step / steps) ** 3 for step in range(1, steps + 1)]


def _checked_count(outputs: int, fan_in: int, keep: float, minimum: int, maximum: int) -> int:
    if not 0 < keep <= 1:
        raise TrainingError(f"pruning: keep {keep}; it is the part of synapses that stays, above 0 and at most 1")
    if not 1 <= minimum <= maximum <= fan_in:
        raise TrainingError(
            f"pruning: fan-in bounds {minimum}..{maximum} for rows of {fan_in}; "
            f"they must satisfy 1 <= minimum <= maximum <= {fan_in}"
        )
    count = int(keep * outputs * fan_in + 0.5)
    if not outputs * minimum <= count <= outputs * maximum:
        raise TrainingError(
            f"pruning: keep {keep} leaves {count} synapses, fan-in bounds {minimum}..{maximum} of {outputs} outputs "
            f"allow {outputs * minimum}..{outputs * maximum}. Change keep or the bounds"
        )
    return count
