# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The operations on truth tables once more in torch: see `frozen_operations`, which users import them from."""

from __future__ import annotations

from typing import Any, Tuple

import torch
from torch import Tensor

from lutforge.training.frozen_base import Operation, integers, whole


class LutNeurons(Operation):
    """Truth tables over wired bits, summed per neuron with their weights."""

    wiring: Tensor
    neuron: Tensor
    weight: Tensor
    tables: Tensor

    def __init__(self, neurons: int, elements: int, bits: int, wiring: Any, neuron: Any, weight: Any, tables: Any):
        super().__init__(
            neurons=int(neurons),
            elements=int(elements),
            bits=int(bits),
            wiring=integers(wiring),
            neuron=integers(neuron),
            weight=integers(weight),
            tables=integers(tables),
        )

    @property
    def width(self) -> int:
        """Two integers per table: its address and its weighted output."""
        return 2 * len(self.wiring)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sums [..., neurons]; images run along the last axis inside, where memory is contiguous."""
        codes = x.reshape(-1, self.elements).T
        bits = torch.stack([(codes >> bit) & 1 for bit in range(self.bits)], dim=1).flatten(0, 1).to(torch.uint8)
        address = torch.zeros(len(self.wiring), bits.shape[1], dtype=torch.uint8)
        for position in range(self.wiring.shape[1]):
            address |= bits[self.wiring[:, position]] << position
        outputs = self.tables.to(torch.int32).mul(self.weight[:, None]).to(torch.int32).gather(1, address.long())
        sums = torch.zeros(self.neurons, bits.shape[1], dtype=torch.int32).index_add_(0, self.neuron, outputs)
        return sums.T.reshape(*x.shape[:-1], self.neurons).long()


class TiledLutNeurons(Operation):
    """Truth tables shared by all tiles, whose last inputs are weight bits of the tile."""

    wiring: Tensor
    neuron: Tensor
    tables: Tensor
    weights: Tensor

    def __init__(
        self, neurons: int, elements: int, levels: Tuple[int, ...], wiring: Any, neuron: Any, tables: Any, weights: Any
    ):
        super().__init__(
            neurons=int(neurons),
            elements=int(elements),
            levels=whole(levels),
            wiring=integers(wiring),
            neuron=integers(neuron),
            tables=integers(tables),
            weights=integers(weights),
        )

    @property
    def width(self) -> int:
        """The address and the output of each table in each tile."""
        return 2 * self.weights.numel()

    def forward(self, x: Tensor) -> Tensor:
        """Return the sums [..., neurons]: per level one look-up in a row of all tables, for all tiles at once."""
        (outer, inner, count), read = self.weights.shape, self.wiring.shape[1]
        tiles = x.reshape(-1, inner, self.elements // inner).long()
        place = torch.arange(count) * self.tables.shape[1] + self.weights * 2**read  # [T_out, T_in, tables]
        sums = torch.zeros(len(tiles), outer, count, dtype=torch.int64)
        for index, value in enumerate(self.levels):
            bits = tiles >> (len(self.levels) - 1 - index) & 1
            address = torch.zeros(len(tiles), inner, count, dtype=torch.int64)
            for position in range(read):
                address += bits[:, :, self.wiring[:, position]] * 2**position
            sums += value * self.tables.flatten()[place + address[:, None]].sum(dim=2)
        totals = torch.zeros(len(tiles), outer, self.neurons // outer, dtype=torch.int64)
        return totals.index_add_(2, self.neuron, sums).reshape(*x.shape[:-1], self.neurons)


class TruthTables(Operation):
    """One truth table per neuron, straight to a code."""

    wiring: Tensor
    tables: Tensor

    def __init__(self, elements: int, bits: int, code_bits: int, wiring: Any, tables: Any):
        super().__init__(
            elements=int(elements),
            bits=int(bits),
            code_bits=int(code_bits),
            wiring=integers(wiring),
            tables=integers(tables),
        )

    @property
    def width(self) -> int:
        """The address of each table."""
        return len(self.wiring)

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes [..., neurons]."""
        element, bit = self.wiring // self.bits, self.wiring % self.bits
        read = (x.long()[..., element] >> bit) & 1
        address = (read << torch.arange(self.wiring.shape[1])).sum(-1)
        return self.tables[torch.arange(len(self.tables)), address]
