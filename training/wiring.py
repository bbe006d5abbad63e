# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Where the other inputs of a table come from when a surviving synapse becomes a table of K inputs."""

from __future__ import annotations

from typing import Tuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.numerics import MAX_TABLE_INPUTS

Ints = npt.NDArray[np.int64]
STRATEGIES = ("recover", "random")


def wire(strategy: str, magnitudes: Tensor, mask: Tensor, inputs: int, seed: int) -> Tuple[Tensor, Tensor]:
    """Return (wiring int64 [edges, inputs], neuron int64 [edges]), edges in the order of outputs, then inputs.

    Column 0 is the synapse's own input; no input stands twice in a row. magnitudes: float [outputs, fan_in];
    mask: bool of the same shape, true where a synapse survived. "random" draws the others from the whole
    fan-in; "recover" deals out the pruned inputs of the same output, the largest magnitudes first, and draws
    only what is then still free.
    """
    fan_in = mask.shape[1]
    if strategy not in STRATEGIES:
        raise TrainingError(f"wiring {strategy!r} is unknown; use one of {', '.join(STRATEGIES)}")
    if not 2 <= inputs <= min(fan_in, MAX_TABLE_INPUTS):
        raise TrainingError(
            f"wiring: {inputs} inputs per table; the limits are 2..{min(fan_in, MAX_TABLE_INPUTS)} "
            f"(a layer of {fan_in} inputs, a lut6 of {MAX_TABLE_INPUTS})"
        )
    neuron, host = mask.nonzero(as_tuple=True)
    draw = np.random.default_rng(seed)
    wiring = np.full((len(host), inputs), -1, dtype=np.int64)
    wiring[:, 0] = host.cpu().numpy()
    if strategy == "recover":
        _deal_out_pruned(wiring, magnitudes.detach().cpu().numpy(), mask.cpu().numpy(), neuron.cpu().numpy())
    for row in wiring:
        _fill_randomly(row, fan_in, draw)
    return torch.from_numpy(wiring).to(mask.device), neuron


def _deal_out_pruned(
    wiring: Ints, magnitudes: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_], neuron: Ints
) -> None:
    """Give each pruned input of an output to one of its edges: the largest first, one per edge and round."""
    for output in range(len(mask)):
        pruned = np.flatnonzero(~mask[output])
        ranked = pruned[np.argsort(-magnitudes[output, pruned], kind="stable")]
        edges = np.flatnonzero(neuron == output)
        for position in range(1, wiring.shape[1]):
            dealt, ranked = ranked[: len(edges)], ranked[len(edges) :]
            wiring[edges[: len(dealt)], position] = dealt


def _fill_randomly(row: Ints, fan_in: int, draw: np.random.Generator) -> None:
    free = np.flatnonzero(row < 0)
    if free.size:
        others = np.setdiff1d(np.arange(fan_in), row)
        row[free] = draw.choice(others, size=free.size, replace=False)
