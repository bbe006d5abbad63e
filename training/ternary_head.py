# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A matrix of weights -1, 0 and +1 with a fixed number of weights that are not 0, its slots."""

from __future__ import annotations

from typing import Any, Tuple

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError

FIRST_AMPLITUDE = 0.3
"""Standard deviation of the latents at the start: wide enough that slots move only after tables have learned."""


class TernaryHead(nn.Module):
    """Sums of table outputs per class: the `slots` latents of largest magnitude count as their sign, the others as 0.

    All latents get a gradient (straight-through), so that a slot can move to another table. They are not clipped:
    many would meet at the bound, and the largest magnitudes would be an accident.
    """

    def __init__(self, classes: int, inputs: int, slots: int):
        super().__init__()
        if not classes <= slots <= classes * inputs:
            raise TrainingError(
                f"TernaryHead: {slots} slots for {classes} classes of {inputs} inputs; the limits are "
                f"{classes}..{classes * inputs}"
            )
        self.slots = slots
        self.latent = nn.Parameter(torch.randn(classes, inputs) * FIRST_AMPLITUDE)

    def weights(self) -> Tensor:
        """Return the ternary weights, float [classes, inputs]."""
        result: Tensor = _Largest.apply(self.latent, self.slots)
        return result

    def forward(self, values: Tensor) -> Tensor:
        """Return sums, float [classes, batch], of values -1 and +1, float [inputs, batch]."""
        return self.weights() @ values


class _Largest(torch.autograd.Function):
    """Signs of the largest magnitudes, 0 elsewhere; the gradient passes."""

    @staticmethod
    def forward(ctx: Any, latent: Tensor, slots: int) -> Tensor:
        chosen = latent.abs().flatten().topk(slots).indices
        result = torch.zeros_like(latent)
        result.view(-1)[chosen] = torch.where(latent.flatten()[chosen] > 0, 1.0, -1.0).to(latent.dtype)
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Tensor, None]:
        return grads[0], None
