# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Pruned deep networks: lottery tickets by iterative pruning with rewinding, and gradual pruning of a trained network.

Tickets (Frankle and Carbin, "The Lottery Ticket Hypothesis", 2019; "Linear Mode Connectivity and the Lottery Ticket
Hypothesis", 2020): a network is trained, its weakest part is pruned, what is left goes back to the values that it had
after a few epochs, and is trained again. Gradual pruning (Zhu and Gupta, 2017) goes on from trained weights.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional

import torch
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.store import write_atomically
from lutforge.training.channels import narrow, strongest
from lutforge.training.deep_net import DeepNet
from lutforge.training.fit import Epoch, Fitted
from lutforge.training.masks import GradualMasks, Masks, largest

State = Dict[str, Tensor]
WAYS = ("weight", "channel")


@dataclass(frozen=True)
class Tickets:
    """rounds: prunings, each with so many epochs behind it; none: the network is not pruned so.

    keep: part of the weights that the last round leaves, each round the same part of those before it; by 'channel',
    whole channels go, the square root of that part of them staying. rewind: epochs after which weights are kept to go
    back to.
    """

    rounds: int = 0
    epochs: int = 8
    keep: float = 0.02
    rewind: int = 1
    by: str = "weight"

    def __post_init__(self) -> None:
        if self.by not in WAYS:
            raise TrainingError(f"tickets: by {self.by!r}; use 'weight' or 'channel'")
        if not 0 < self.keep < 1:
            raise TrainingError(f"tickets: keep {self.keep}; it is the part of weights that stays, between 0 and 1")
        if self.rounds < 0 or self.epochs < 1 or self.rewind < 1:
            raise TrainingError(
                f"tickets: rounds {self.rounds}, epochs {self.epochs}, rewind {self.rewind}; rounds are not negative, "
                "the others at least 1"
            )


@dataclass(frozen=True)
class Gradual:
    """epochs: of gradual pruning behind the training, 0 for none, and their first learning rate (SGD).

    keep: part of the weights that stays; pruning: part of the epochs in which pruning goes on.
    """

    epochs: int = 0
    keep: float = 0.02
    learning_rate: float = 0.02
    pruning: float = 0.6

    def __post_init__(self) -> None:
        if not 0 < self.keep < 1 or not 0 < self.pruning <= 1:
            raise TrainingError(
                f"gradual: keep {self.keep}, pruning {self.pruning}; both are parts, above 0 and keep below 1"
            )


Train = Callable[[str, int, float, str], Fitted]
"""Trains the network in place: name of the checkpoint, epochs, learning rate, and aim (see `fit`)."""


class Early:
    """The state of a network after some epochs, in a file beside the checkpoints where there are any."""

    def __init__(self, model: DeepNet, epoch: int, folder: Optional[Path]):
        self.model, self.epoch, self.path = model, epoch, folder and folder / "early.pt"
        self.state: Optional[State] = None

    def see(self, epoch: Epoch) -> None:
        """Keep the state if this is the epoch."""
        if epoch.number != self.epoch:
            return
        self.state = _copied(self.model.state_dict())
        if self.path is not None:
            buffer = io.BytesIO()
            torch.save(self.state, buffer)
            write_atomically(self.path, buffer.getvalue())

    def read(self) -> State:
        """Return the state."""
        if self.state is None and self.path is not None and self.path.is_file():
            self.state = torch.load(self.path, map_location="cpu", weights_only=True)
        if self.state is None:
            raise TrainingError(
                f"tickets: the weights after epoch {self.epoch} are not there ({self.path}); they are written when the "
                "network is trained. Start without resume"
            )
        return self.state


def draw_tickets(
    model: DeepNet,
    plan: Tickets,
    learning_rate: float,
    early: Early,
    train: Train,
    told: Callable[[str], None],
) -> List[Fitted]:
    """Prune a trained network in rounds, in place; told: called with the name of each finished round."""
    state, fitted = early.read(), []
    for number in range(1, plan.rounds + 1):
        if plan.by == "weight":
            kept = largest(model, plan.keep ** (number / plan.rounds))
            model.load_state_dict(state)
            model.pruning = Masks(model, kept)
            model.pruning.apply()
        else:
            channels = strongest(model, plan.keep ** (0.5 / plan.rounds))
            model.load_state_dict(state)
            narrow(model, channels)
            state = _copied(model.state_dict())
        fitted.append(train(f"ticket{number}", plan.epochs, learning_rate, str(plan)))
        told(f"ticket{number}")
    return fitted


def prune_gradually(model: DeepNet, plan: Gradual, steps: int, train: Train, told: Callable[[str], None]) -> Fitted:
    """Prune a trained network while it is trained on, in place. steps: of an epoch."""
    model.pruning = GradualMasks(model, plan.keep, plan.epochs * plan.pruning, plan.epochs, steps)
    fitted = train("gradual", plan.epochs, plan.learning_rate, str(plan))
    told("gradual")
    return fitted


def _copied(state: State) -> State:
    return {name: value.detach().clone() for name, value in state.items()}
