# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""One stage of a LUTNet: a layer of integer sums, its batch norm, a pool where there is one, and a residual sign.

A dense stage works on signs [levels, features, batch]: gathering a feature copies one contiguous row. A convolution
works on signs [levels, batch, height, width, channels], without padding; its fan-in is ordered as a `Window` is,
kernel row, kernel column, channel.
"""

from __future__ import annotations

from typing import Optional, Union

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training.binary import BinaryLinear
from lutforge.training.lut_neurons import LutNeurons
from lutforge.training.residual import ResidualSign
from lutforge.training.tiled import TiledNeurons

LEAST_SLOPE = 1e-3


class Stage(nn.Module):
    """One layer, its batch norm, and its residual sign; the last stage has none, its values are the logits.

    kernel: 0 for a dense stage, else the height and width of a window; pool: 0, or of the largest-value pool behind.
    """

    norm: Union[nn.BatchNorm1d, nn.BatchNorm2d]

    def __init__(self, fan_in: int, outputs: int, activation: Optional[ResidualSign], kernel: int = 0, pool: int = 0):
        super().__init__()
        self.layer: Union[BinaryLinear, LutNeurons, TiledNeurons] = BinaryLinear(fan_in, outputs)
        self.norm = nn.BatchNorm2d(outputs) if kernel else nn.BatchNorm1d(outputs)
        self.activation, self.kernel, self.pool = activation, kernel, pool

    def forward(self, signs: Tensor, levels: Tensor) -> Tensor:
        """Return the normalised sums: [outputs, batch] of a dense stage, else [batch, height, width, outputs]."""
        if not self.kernel:
            return self.normalised(self.layer(signs, levels))
        values = self.norm(self._convolved(signs, levels))
        if self.pool:
            values = nn.functional.max_pool2d(values, self.pool)
        return values.permute(0, 2, 3, 1)

    def _convolved(self, signs: Tensor, levels: Tensor) -> Tensor:
        """Return sums [batch, outputs, height, width] of signs [levels, batch, height, width, channels]."""
        _, batch, height, width, channels = signs.shape
        if isinstance(self.layer, BinaryLinear):
            values = torch.tensordot(levels.to(signs.dtype), signs, dims=1).permute(0, 3, 1, 2)
            weight = self.layer.weight().reshape(-1, self.kernel, self.kernel, channels).permute(0, 3, 1, 2)
            return nn.functional.conv2d(values, weight)
        sums: Tensor = self.layer(windows(signs, self.kernel), levels)
        extent = (batch, height - self.kernel + 1, width - self.kernel + 1)
        return sums.reshape(-1, *extent).permute(1, 0, 2, 3)

    def normalised(self, sums: Tensor) -> Tensor:
        """Return the batch norm of sums [outputs, n], whatever the stage's layout."""
        if self.kernel:
            flat: Tensor = self.norm(sums[None, :, :, None])[0, :, :, 0]
        else:
            flat = self.norm(sums[None])[0]  # one sample of n positions: the layout stays as it is
        return flat

    @property
    def binary(self) -> BinaryLinear:
        """The layer while it consists of binary weights."""
        if not isinstance(self.layer, BinaryLinear):
            raise TrainingError("the stage consists of tables already; prune and expand come before, once")
        return self.layer

    @property
    def neurons(self) -> LutNeurons:
        """The layer once it consists of tables."""
        if not isinstance(self.layer, LutNeurons):
            raise TrainingError("the stage has no tables of its own for each output; call expand() first")
        return self.layer

    @property
    def is_tables(self) -> bool:
        """Whether the layer consists of tables."""
        return not isinstance(self.layer, BinaryLinear)

    @property
    def tables(self) -> Union[LutNeurons, TiledNeurons]:
        """The layer once it consists of tables, tiled or not."""
        if isinstance(self.layer, BinaryLinear):
            raise TrainingError("the stage has no tables yet; call expand() first")
        return self.layer

    @torch.no_grad()
    def make_rising(self) -> None:
        """Turn the outputs whose batch norm falls with the sum: the same values from negated weights."""
        turn = self.turn().to(self.norm.weight)
        self.binary.latent.mul_(turn[:, None])
        self.norm.weight.mul_(turn)
        assert self.norm.running_mean is not None
        self.norm.running_mean.mul_(turn)

    @torch.no_grad()
    def after_step(self) -> None:
        """Clamp latent tables; binary weights clamp theirs. Tables that tiles share cannot be complemented for one
        output, so the batch norms behind them must rise."""
        if self.is_tables:
            self.tables.after_step()
        if isinstance(self.layer, TiledNeurons):
            self.norm.weight.clamp_(min=LEAST_SLOPE)

    def turn(self) -> Tensor:
        """Return -1 where the batch norm falls with the sum, else 1: float64 [outputs]."""
        return torch.where(self.norm.weight.detach() < 0, -1.0, 1.0).double()


def windows(signs: Tensor, kernel: int) -> Tensor:
    """Return what a stage of kernel x kernel windows sees as [levels, kernel * kernel * channels, positions].

    signs: [levels, batch, height, width, channels]; positions: batch, then row, then column.
    """
    levels = len(signs)
    seen = signs.unfold(2, kernel, 1).unfold(3, kernel, 1)  # [levels, batch, rows, columns, channels, kernel, kernel]
    return seen.permute(0, 5, 6, 4, 1, 2, 3).reshape(levels, kernel * kernel * signs.shape[-1], -1)


def flattened(signs: Tensor) -> Tensor:
    """Return signs [levels, batch, height, width, channels] as a dense stage reads them, [levels, features, batch]."""
    result: Tensor = signs.flatten(2).transpose(1, 2).contiguous()
    return result
