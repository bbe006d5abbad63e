# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""From a frozen model to the description of a network, and how far freezing moved the answers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Dict, get_args

from torch import Tensor, nn

from lutforge.engine.executor import FastExecutor
from lutforge.errors import TrainingError
from lutforge.network import Network, Node
from lutforge.operations import Op
from lutforge.training import frozen_operations
from lutforge.training.data import Images, Labels
from lutforge.training.fit import predict
from lutforge.training.frozen import FrozenModel
from lutforge.training.frozen_operations import Operation

ALLOWED_DIFFERENCE = 0.002
"""Part of the test images that freezing may answer with another class."""


def to_network(frozen: FrozenModel) -> Network:
    """Return the description of a frozen model: the same operations with the same fields, in the same order."""
    nodes = tuple(Node(name, _operation(operation), frozen.sources[name]) for name, operation in frozen.steps)
    return Network(frozen.network_name, nodes, dict(frozen.about))


def from_network(network: Network) -> FrozenModel:
    """Return a network's operations as torch modules, the inverse of `to_network`: a second opinion on a file.

    The executor is called 'torch (network file)', because its numbers come from the file and not from a checkpoint.
    """
    steps = []
    for node in network.nodes:
        values = {item.name: getattr(node.op, item.name) for item in fields(node.op)}
        steps.append((node.name, getattr(frozen_operations, type(node.op).__name__)(**values)))
    sources = {node.name: node.inputs for node in network.nodes if node.inputs}
    model = FrozenModel(network.name, steps, network.about, sources)
    model.name = "torch (network file)"
    return model


def _operation(operation: nn.Module) -> Op:
    kinds = {kind.__name__: kind for kind in get_args(Op)}
    kind = kinds.get(type(operation).__name__)
    if kind is None or not isinstance(operation, Operation):
        raise TrainingError(
            f"export: a {type(operation).__name__} is no operation of a network; known: {', '.join(kinds)}"
        )
    values: Dict[str, Any] = {
        name: value.cpu().numpy() if isinstance(value, Tensor) else value for name, value in operation.values().items()
    }
    op: Op = kind(**values)
    return op


@dataclass(frozen=True)
class FreezeReport:
    """How a frozen model answers beside the module it came from; accuracies 0..1."""

    images: int
    differing: int
    unfrozen_accuracy: float
    frozen_accuracy: float

    def check(self) -> FreezeReport:
        """Return the report; TrainingError if more than ALLOWED_DIFFERENCE of the answers differ."""
        if self.differing > ALLOWED_DIFFERENCE * self.images:
            raise TrainingError(
                f"freezing changed the answer on {self.differing} of {self.images} images; the limit is "
                f"{ALLOWED_DIFFERENCE:.1%}. The module's eval mode and its freeze() disagree"
            )
        return self


def freeze_report(model: nn.Module, frozen: FrozenModel, images: Images, labels: Labels) -> FreezeReport:
    """Return on how many images (uint8 [n, h, w, c]) the unfrozen and the frozen model answer another class.

    The frozen model is answered for by the fast engine on its network, which is what goes to hardware.
    """
    before = predict(model, images).argmax(dim=1).numpy()
    after = FastExecutor(to_network(frozen)).classes(images)
    return FreezeReport(
        len(images), int((before != after).sum()), float((before == labels).mean()), float((after == labels).mean())
    )
