# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Tiled LUT neurons in torch, (K, P): the tables of one tile serve all tiles; P of their inputs are weight bits.

A layer of `elements` inputs and `neurons` outputs is cut in tiles_in x tiles_out tiles. The tables' places and rows are
the same in each, the weight bits differ (Wang et al., "LUTNet: Learning FPGA Configurations", TC 2020).
"""

from __future__ import annotations

from typing import Tuple

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.numerics import MAX_TABLE_INPUTS
from lutforge.training.binary import BinaryLinear
from lutforge.training.lut_neurons import look_up
from lutforge.training.quantisers import sign
from lutforge.training.wiring import wire

Tiles = Tuple[int, int]
"""Tiles along the inputs, and along the outputs."""


class TiledNeurons(nn.Module):
    """Sums of truth tables per output, in [features, batch] layout; tables are shared by levels and tiles.

    wiring: int64 [luts, K - P], input elements within a tile; neuron: int64 [luts], not decreasing, output within a
    tile; tables: float [luts, 2**K], the weight bits the top address bits; weights: latent, float [tiles_out, tiles_in,
    luts, P], a bit is 1 where above 0. `binary`: whether rows count as their sign or as they are, within [-1, 1].
    """

    wiring: Tensor
    neuron: Tensor
    binary: Tensor

    def __init__(self, elements: int, neurons: int, wiring: Tensor, neuron: Tensor, tables: Tensor, weights: Tensor):
        super().__init__()
        self.elements, self.neurons = elements, neurons
        self.register_buffer("wiring", wiring.clone())
        self.register_buffer("neuron", neuron.clone())
        self.register_buffer("binary", torch.tensor(False))
        self.latent = nn.Parameter(tables.clone())
        self.weights = nn.Parameter(weights.clone())

    @property
    def tiles(self) -> Tiles:
        """Tiles along the inputs, and along the outputs."""
        return int(self.weights.shape[1]), int(self.weights.shape[0])

    def tables(self) -> Tensor:
        """Return what the rows count as: float [luts, 2**K], +-1 if binary, else within [-1, 1]."""
        clipped = nn.functional.hardtanh(self.latent)
        return sign(clipped) if self.binary else clipped

    def binarise(self) -> None:
        """Count rows as their sign from now on."""
        self.binary.fill_(True)

    @torch.no_grad()
    def after_step(self) -> None:
        """Hold latents inside the window in which the straight-through estimator lets gradients pass."""
        self.latent.clamp_(-1.0, 1.0)
        self.weights.clamp_(-1.0, 1.0)

    def tile_tables(self) -> Tensor:
        """Return each table as its tile's weight bits leave it, float [tiles_out, luts, tiles_in, 2**(K - P)]."""
        bits = sign(nn.functional.hardtanh(self.weights)).transpose(1, 2)  # [tiles_out, luts, tiles_in, P]
        rows = self.tables()[None, :, None, :]
        for place in reversed(range(bits.shape[-1])):  # the last weight bit is the top address bit
            low, high = rows.unflatten(-1, (2, -1)).unbind(dim=-2)
            rows = 0.5 * (low + high) + 0.5 * bits[..., place, None] * (high - low)
        return rows

    def forward(self, signs: Tensor, levels: Tensor) -> Tensor:
        """Return float [neurons, batch] from signs -1 and +1 [levels, elements, batch] and level weights [levels]."""
        inside, outside = self.tiles
        tables = self.tile_tables().flatten(0, 2)[:, None, :].expand(-1, len(signs), -1)
        start = torch.arange(inside, device=signs.device) * (self.elements // inside)
        wiring = (self.wiring[:, None, :] + start[:, None]).expand(outside, -1, -1, -1).reshape(len(tables), -1)
        shift = torch.arange(outside, device=signs.device)[:, None, None] * (self.neurons // outside)
        neuron = (self.neuron[:, None] + shift).expand(-1, -1, inside).flatten()
        sums = look_up(signs, tables, wiring, neuron, self.neurons)
        return torch.tensordot(levels.to(sums.dtype), sums, dims=1)


def check_tiles(what: str, outputs: int, fan_in: int, tiles: Tiles) -> None:
    """TrainingError unless the tiles divide a layer of this size."""
    for side, extent, count in (("inputs", fan_in, tiles[0]), ("outputs", outputs, tiles[1])):
        if count < 1 or extent % count:
            divisors = ", ".join(str(n) for n in range(1, extent + 1) if extent % n == 0)
            raise TrainingError(f"{what}: {count} tiles do not divide its {extent} {side}; use one of {divisors}")


def tile_magnitudes(latent: Tensor, tiles: Tiles) -> Tensor:
    """Return the root mean square over all tiles of each place in a tile, float [outputs / T_out, fan_in / T_in]."""
    outputs, fan_in = latent.shape
    inside, outside = tiles
    check_tiles("layer", outputs, fan_in, tiles)
    if tiles == (1, 1):
        return latent.abs()
    blocks = latent.reshape(outside, outputs // outside, inside, fan_in // inside)
    return blocks.square().mean(dim=(0, 2)).sqrt()


def tiled(layer: BinaryLinear, inputs: int, weight_inputs: int, tiles: Tiles, wiring: str, seed: int) -> TiledNeurons:
    """Return a pruned binary layer as tiled LUT neurons: XNOR of the synapse's input and its weight bit at first.

    layer: its mask is the same in every tile. inputs, weight_inputs: K and P. The further activations and weight bits
    make no difference at first.
    """
    if not 1 <= weight_inputs < inputs <= MAX_TABLE_INPUTS:
        raise TrainingError(
            f"tables: {weight_inputs} of {inputs} inputs are weight bits; at least 1 must be, at least 1 must not, and "
            f"a table has {MAX_TABLE_INPUTS} at most"
        )
    latent, (inside, outside) = layer.latent.detach(), tiles
    outputs, fan_in = latent.shape
    check_tiles("layer", outputs, fan_in, tiles)
    shape = (outside, outputs // outside, inside, fan_in // inside)
    mask = layer.mask.reshape(shape)[0, :, 0]
    reads = inputs - weight_inputs
    if reads > 1:
        wires, neuron = wire(wiring, tile_magnitudes(latent, tiles), mask, reads, seed)
    else:
        neuron, host = mask.nonzero(as_tuple=True)
        wires = host[:, None]
    row = torch.arange(1 << inputs, device=latent.device)
    same = (row & 1) == (row >> reads & 1)
    rows = torch.where(same, 0.5, -0.5).expand(len(neuron), -1)
    first = latent.reshape(shape).permute(0, 2, 1, 3)[:, :, neuron, wires[:, 0]]  # [tiles_out, tiles_in, luts]
    draw = torch.Generator().manual_seed(seed)
    rest = torch.rand(*first.shape, weight_inputs - 1, generator=draw).to(latent) - 0.5
    return TiledNeurons(fan_in, outputs, wires, neuron, rows, torch.cat([first[..., None], rest], dim=-1))
