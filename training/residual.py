# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Residual binarisation of activations: one to three signs per value, each of what the signs before it left.

r_0 = y; b_l = sign(r_l); r_(l+1) = r_l - alpha_l * b_l (Ghasemzadeh et al., "ReBNet", FCCM 2018). The levels
are ordered, alpha_0 >= alpha_1 >= ... > 0, so the code rises with y and is a count of thresholds.
Every sign is taken by a Brevitas quantiser, `BinaryActivationQuant` (sign(0) is -1).
"""

from __future__ import annotations

import math
from typing import Tuple

import brevitas.nn as qnn
import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training.quantisers import BinaryActivationQuant, round_half_up

MAX_LEVELS = 3
RATIOS = ("pow2", "free")
WEIGHT_BITS = 8
"""Fractional bits of the integer level weights of ratio "free"."""


class ResidualSign(nn.Module):
    """Signs of the residual chain, with a straight-through gradient inside |r| < 1.

    levels: 1 to 3. ratio "pow2": alpha_l = alpha * 2**-l, so the levels weigh 2**(levels-1), ..., 2, 1 exactly;
    "free": every alpha_l is trained, ordered as a sum of softplus terms, and weighs round(alpha_l / alpha_0 * 2**8).
    """

    def __init__(self, levels: int = 2, ratio: str = "pow2"):
        super().__init__()
        if not 1 <= levels <= MAX_LEVELS:
            raise TrainingError(f"ResidualSign: {levels} levels; the limits are 1..{MAX_LEVELS}")
        if ratio not in RATIOS:
            raise TrainingError(f"ResidualSign: ratio {ratio!r} is unknown; use one of {', '.join(RATIOS)}")
        self.levels, self.ratio = levels, ratio
        terms = 1 if ratio == "pow2" else levels
        # The first alphas: in equal steps if free (L, ..., 1, as ReBNet), in octaves if pow2; both sum to 1.
        step = 2 ** (levels - 1) / (2**levels - 1) if ratio == "pow2" else 2 / (levels * (levels + 1))
        self.steepness = nn.Parameter(torch.full((terms,), math.log(math.expm1(step))))
        # Without state, so that all levels share it.
        self.quantiser = qnn.QuantIdentity(act_quant=BinaryActivationQuant)

    def alphas(self) -> Tensor:
        """Return alpha_0 >= alpha_1 >= ... > 0, float [levels]."""
        terms = nn.functional.softplus(self.steepness)
        if self.ratio == "pow2":
            return terms * 0.5 ** torch.arange(self.levels, dtype=terms.dtype, device=terms.device)
        return terms.flip(0).cumsum(0).flip(0)

    def level_weights(self) -> Tensor:
        """Return the weight of each level in the next layer's sums: whole numbers >= 1 as float [levels]."""
        if self.ratio == "pow2":
            levels = torch.arange(self.levels - 1, -1, -1, device=self.steepness.device)
            return 2.0 ** levels.to(self.steepness.dtype)
        alphas = self.alphas()
        return round_half_up(alphas / alphas[0] * 2**WEIGHT_BITS).clamp(min=1.0)

    def integer_weights(self) -> Tuple[int, ...]:
        """Return the level weights as integers, level 0 first."""
        return tuple(int(weight) for weight in self.level_weights().detach())

    def forward(self, values: Tensor) -> Tensor:
        """Return signs -1 and +1 [levels, *shape] of values [*shape]."""
        signs, residual = [], values
        for alpha in self.alphas():
            signs.append(self.quantiser(residual))
            residual = residual - alpha * signs[-1]
        return torch.stack(signs)

    @torch.no_grad()
    def codes(self, values: Tensor) -> Tensor:
        """Return the codes of values, int64 of the same shape, 0..2**levels-1; level 0 is the top bit."""
        bits = (self(values) > 0).to(torch.int64)
        shifts = torch.arange(self.levels - 1, -1, -1, device=values.device).reshape(-1, *[1] * values.ndim)
        return (bits << shifts).sum(dim=0)
