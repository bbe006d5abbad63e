# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The layer of binary weights: the first layer of a LUTNet, and every layer before its tables exist."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from torch import Tensor, nn

from lutforge.training.quantisers import BinaryWeightQuant


class BinaryLinear(nn.Module):
    """Dense layer of +-1 weights, 0 where pruned, in [features, batch] layout.

    mask: bool [outputs, fan_in], false where a synapse is pruned.
    """

    mask: Tensor

    def __init__(self, fan_in: int, outputs: int):
        super().__init__()
        self.synapses = qnn.QuantLinear(fan_in, outputs, bias=False, weight_quant=BinaryWeightQuant)
        nn.init.uniform_(self.synapses.weight, -0.5, 0.5)
        self.register_buffer("mask", torch.ones(outputs, fan_in, dtype=torch.bool))

    @property
    def elements(self) -> int:
        """Inputs of the layer."""
        return int(self.mask.shape[1])

    @property
    def latent(self) -> Tensor:
        """Latent weights, float [outputs, fan_in], in [-1, 1] after a forward pass."""
        return self.synapses.weight

    def weight(self) -> Tensor:
        """Return the weights -1, 0 and +1, float [outputs, fan_in]."""
        quantised: Tensor = self.synapses.quant_weight().value
        return quantised * self.mask

    def forward(self, signs: Tensor, levels: Tensor) -> Tensor:
        """Return float [outputs, batch] from signs [levels, fan_in, batch] and level weights [levels].

        Raw pixels enter as one level of weight 1.
        """
        values = torch.tensordot(levels.to(signs.dtype), signs, dims=1)
        return self.weight() @ values
