# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe of kind 'deep' says: a deep network, and how it is trained, pruned and quantised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Tuple

from lutforge.errors import TrainingError
from lutforge.training.data import Dataset
from lutforge.training.deep_net import DeepNet
from lutforge.training.deep_networks import deep_network
from lutforge.training.lottery import Gradual, Tickets


@dataclass(frozen=True)
class Settling:
    """Epochs of the quantised network behind its calibration, 0 for none, and their first learning rate (SGD)."""

    epochs: int = 0
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Restart:
    """More epochs of the floating network, from the best one of those before, at this learning rate again.

    A warm restart (Loshchilov and Hutter, SGDR, 2017). smoothing of labels and cutout of images: see `fit`.
    """

    epochs: int
    learning_rate: float = 0.05
    smoothing: float = 0.1
    cutout: int = 0


@dataclass(frozen=True)
class DeepPlan:
    """A deep LUT-NA network. network: of `deep_networks`; width: factor of its channels; epochs: of the floating one.

    shift: pixels by which training images are moved; flip: whether they are mirrored; half: products in bfloat16.
    """

    network: str
    epochs: int
    width: float = 1.0
    weight_bits: int = 8
    activation_bits: int = 8
    learning_rate: float = 0.05
    weight_decay: float = 0.0005
    batch_size: int = 128
    shift: int = 4
    flip: bool = True
    half: bool = True
    restarts: Tuple[Restart, ...] = ()
    tickets: Tickets = field(default_factory=Tickets)
    gradual: Gradual = field(default_factory=Gradual)
    settle: Settling = field(default_factory=Settling)

    def __post_init__(self) -> None:
        deep_network(self.network, self.width)
        if self.epochs < 1:
            raise TrainingError(f"epochs: {self.epochs}; at least one is wanted")
        if self.tickets.rounds and self.tickets.rewind > self.epochs:
            raise TrainingError(f"tickets: rewind {self.tickets.rewind}; there are {self.epochs} epochs to go back to")

    @property
    def all_epochs(self) -> int:
        """Epochs of all trainings."""
        restarts = sum(restart.epochs for restart in self.restarts)
        tickets = self.tickets.rounds * self.tickets.epochs
        return self.epochs + restarts + tickets + self.gradual.epochs + self.settle.epochs

    @property
    def restart_names(self) -> Tuple[str, ...]:
        """Names of the checkpoints of the restarts, in order: restart, restart2, ..."""
        return tuple(f"restart{number if number > 1 else ''}" for number in range(1, len(self.restarts) + 1))

    def build(self, data: Dataset) -> DeepNet:
        """Return an untrained network for a data set."""
        if data.low < 0:
            raise TrainingError(f"{self.network}: pixels of {data.label} begin at {data.low}; 0 is wanted")
        return DeepNet(
            f"{self.network}_{data.name}",
            data.shape,
            data.high,
            data.classes,
            deep_network(self.network, self.width),
            self.weight_bits,
            self.activation_bits,
        )
