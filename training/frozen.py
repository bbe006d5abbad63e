# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A trained network as integers: the graph of frozen operations, its executor `torch`, and its checkpoint."""

from __future__ import annotations

import io
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.executors import check_batch
from lutforge.multipliers import Approximate, Multiplier
from lutforge.network import TensorType
from lutforge.store import write_atomically
from lutforge.training.frozen_operations import (
    Add,
    Affine,
    ArgMax,
    BinaryMac,
    Bounds,
    Concat,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Operation,
    Rescale,
    Reshape,
    SumPool,
    TableMac,
    Threshold,
    TiledLutNeurons,
    TruthTables,
    Window,
)

# Users of a frozen model find its operations here as well.
__all__ = [
    "Add",
    "Affine",
    "ArgMax",
    "BinaryMac",
    "Concat",
    "Encode",
    "FrozenModel",
    "Input",
    "LutNeurons",
    "MaxPool",
    "Operation",
    "Rescale",
    "Reshape",
    "SumPool",
    "TableMac",
    "Threshold",
    "TiledLutNeurons",
    "TruthTables",
    "Window",
    "load_frozen",
    "save_frozen",
]

KINDS = (
    Input,
    Encode,
    Window,
    TableMac,
    BinaryMac,
    LutNeurons,
    TiledLutNeurons,
    TruthTables,
    Threshold,
    Rescale,
    MaxPool,
    SumPool,
    Add,
    Concat,
    Reshape,
    Affine,
    ArgMax,
)
BLOCK_BYTES = 64 << 20
FORMAT = 2
"""1: every step reads the one before."""


class FrozenModel(nn.Module):
    """A graph of frozen operations, the first an `Input`; a last `ArgMax` is a head, the logits are its input.

    name: of the network (kept as `network_name`; `name` is the executor's). steps: (name, operation) pairs.
    about: notes that travel to the network file. sources: what a step reads, where that is not the step before it.
    """

    name = "torch"

    def __init__(
        self,
        name: str,
        steps: Sequence[Tuple[str, nn.Module]],
        about: Mapping[str, Union[str, int, float]],
        sources: Optional[Mapping[str, Sequence[str]]] = None,
    ):
        super().__init__()
        self.network_name = name
        self.about = dict(about)
        self.steps: List[Tuple[str, nn.Module]] = list(steps)
        names = [step for step, _ in self.steps]
        if len(set(names)) < len(names):
            raise TrainingError(f"frozen model {name}: a step name is taken twice: {', '.join(names)}")
        if not self.steps or not isinstance(self.steps[0][1], Input):
            raise TrainingError(f"frozen model {name}: the first step must be an Input")
        self.operations = nn.ModuleList(operation for _, operation in self.steps)
        self.sources: Dict[str, Tuple[str, ...]] = {names[0]: ()}
        for before, own in pairwise(names):
            read = tuple((sources or {}).get(own, (before,)))
            unknown = sorted(set(read) - set(self.sources))
            if unknown:
                raise TrainingError(
                    f"frozen model {name}: step {own} reads {', '.join(unknown)}, which is no step before it"
                )
            self.sources[own] = read
        self._tell_bits()

    def _tell_bits(self) -> None:
        """Tell approximate table look-ups what their activations are, as the steps before them bound them."""
        known: Dict[str, Optional[Bounds]] = {}
        for name, operation in self.steps:
            before = [known[source] for source in self.sources[name]]
            read = before[0] if before else None
            if isinstance(operation, TableMac) and isinstance(operation.multiplier, Approximate):
                if read is None:
                    raise TrainingError(f"frozen model {self.network_name}: {name} reads activations of unknown bounds")
                low, high = read
                operation.codes = max(1, max(high, -low - 1).bit_length() + (low < 0)), low < 0
            known[name] = operation.bounds(read) if isinstance(operation, Operation) else None
            every = [ends for ends in before if ends is not None]
            if isinstance(operation, Concat) and len(every) == len(before):
                known[name] = min(low for low, _ in every), max(high for _, high in every)

    @property
    def output(self) -> str:
        """Name of the step whose values are the logits."""
        return self.steps[-2 if isinstance(self.steps[-1][1], ArgMax) else -1][0]

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, int64 [batch, ..., classes], of integer images [batch, ...]."""
        return self._values(x)[self.output]

    def run(self, images: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the logits of integer images [batch, *input shape]: int64 [batch, ..., classes]."""
        return np.concatenate([self(block).numpy() for block in self._blocks(images)]).astype(np.int64)

    def trace(self, images: npt.NDArray[Any]) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every step gives, by name: int64 [batch, *shape]."""
        traces = [self._values(block) for block in self._blocks(images)]
        return {
            name: np.concatenate([trace[name].numpy() for trace in traces]).astype(np.int64) for name, _ in self.steps
        }

    @torch.no_grad()
    def _values(self, x: Tensor) -> Dict[str, Tensor]:
        values: Dict[str, Tensor] = {}
        for name, operation in self.steps:
            read = [values[source] for source in self.sources[name]]
            values[name] = operation(*(read or [x]))
        return values

    def _blocks(self, images: npt.NDArray[Any]) -> Iterator[Tensor]:
        """Split a batch so that the widest intermediate of a block stays near BLOCK_BYTES."""
        batch = self._checked(images)
        one = self._values(batch[:1])
        widest = max([value[0].numel() if len(value) else 1 for value in one.values()])
        widest = max([widest, *(operation.width for _, operation in self.steps if isinstance(operation, Operation))])
        return iter(batch.split(max(1, BLOCK_BYTES // (8 * widest))))

    def _checked(self, images: npt.NDArray[Any]) -> Tensor:
        entry = self.steps[0][1]
        assert isinstance(entry, Input)
        # Which images are accepted is one rule for all executors; only what is computed must not be shared.
        array = check_batch(TensorType(entry.shape, entry.low, entry.high), images)
        return torch.from_numpy(array.astype(np.int64))


def save_frozen(model: FrozenModel, path: Path) -> None:
    """Write a frozen model to a file of plain data and tensors; an interrupted save leaves an older file whole."""
    document = {
        "format": FORMAT,
        "name": model.network_name,
        "about": model.about,
        "steps": [(name, _described(operation)) for name, operation in model.steps],
        "sources": model.sources,
    }
    buffer = io.BytesIO()
    torch.save(document, buffer)
    write_atomically(path, buffer.getvalue())


def load_frozen(path: Path) -> FrozenModel:
    """Read what `save_frozen` wrote; TrainingError if it is missing, damaged, newer or something else."""
    if not Path(path).is_file():
        raise TrainingError(f"frozen model {path}: no such file. Train the network first")
    try:
        document = torch.load(path, map_location="cpu", weights_only=True)
        found = document["format"]
    except Exception as error:  # torch raises many kinds on a damaged file
        raise TrainingError(
            f"frozen model {path}: cannot be read ({type(error).__name__}); it is truncated, damaged or something "
            "else. Train or freeze again"
        ) from error
    if found not in range(1, FORMAT + 1):
        raise TrainingError(
            f"frozen model {path}: file format {found}; this lutforge reads up to {FORMAT}. Update lutforge"
        )
    try:
        steps = [(name, _rebuilt(entry)) for name, entry in document["steps"]]
        return FrozenModel(document["name"], steps, document["about"], document.get("sources"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TrainingError(f"frozen model {path}: not a frozen model ({error!r}). Train or freeze again") from error


def _described(operation: nn.Module) -> Dict[str, Any]:
    """Return an operation as plain data and tensors: its kind and its fields."""
    assert isinstance(operation, Operation)
    values = operation.values()
    if isinstance(operation, TableMac):
        multiplier = operation.multiplier
        values["multiplier"] = {"kind": type(multiplier).__name__, **asdict(multiplier)}
    return {"kind": type(operation).__name__, "fields": values}


def _rebuilt(entry: Dict[str, Any]) -> Operation:
    kinds: Dict[str, type[Operation]] = {kind.__name__: kind for kind in KINDS}
    values = dict(entry["fields"])
    if "multiplier" in values and entry["kind"] == "TableMac":
        parts = dict(values["multiplier"])
        values["multiplier"] = {kind.__name__: kind for kind in get_args(Multiplier)}[parts.pop("kind")](**parts)
    return kinds[entry["kind"]](**values)
