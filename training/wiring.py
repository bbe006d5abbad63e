# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Where the other inputs of a table come from when a surviving synapse becomes a table of K inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.numerics import MAX_TABLE_INPUTS

Ints = npt.NDArray[np.int64]
STRATEGIES = ("random", "recover", "correlation", "learned", "rewire")
"""random: the paper's. recover: pruned inputs of large weight. correlation: inputs that explain what pruning lost.
learned: a choice among candidates that is trained. rewire: as recover, then inputs that matter little are exchanged."""


@dataclass(frozen=True)
class Evidence:
    """What a layer saw on some images. signs: float [elements, n], -1 and +1, of the top level; wanted: float
    [outputs, n], what should be added to each output, up to a positive factor per output."""

    signs: Tensor
    wanted: Tensor

    def gain(self, output: int, host: int) -> Tensor:
        """Return how much of `wanted` each input explains in a table of its own and the host, float [elements].

        The squares of the covariances with x_i and with x_host * x_i, which are what a table can add by reading x_i.
        """
        wanted = self.wanted[output]
        linear = self.signs @ wanted
        product = self.signs @ (wanted * self.signs[host])
        gain = linear.square() + product.square()
        gain[host] = -torch.inf
        return gain


def wire(
    strategy: str, latent: Tensor, mask: Tensor, inputs: int, seed: int, evidence: Optional[Evidence] = None
) -> Tuple[Tensor, Tensor]:
    """Return (wiring int64 [edges, inputs], neuron int64 [edges]), edges in the order of outputs, then inputs.

    Column 0 is the synapse's own input; no input stands twice in a row. latent: float [outputs, fan_in], weights;
    mask: bool of the same shape, true where a synapse survived. "random" draws the others from the whole
    fan-in; "recover" deals out the pruned inputs of the same output, the largest magnitudes first, and draws
    only what is then still free; "correlation" takes what `evidence` speaks for. "learned" and "rewire" are exchanged
    later, and begin as "random" and "recover".
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
    if strategy in ("recover", "rewire"):
        _deal_out_pruned(wiring, latent.abs().cpu().numpy(), mask.cpu().numpy(), neuron.cpu().numpy())
    elif strategy == "correlation":
        if evidence is None:
            raise TrainingError("wiring 'correlation' chooses on images; give it evidence (`lost_by_pruning`)")
        _explain(wiring, neuron.cpu().numpy(), evidence)
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


def _explain(wiring: Ints, neuron: Ints, evidence: Evidence) -> None:
    """Greedily give each table the input that explains most, and take what it explains out of what is wanted."""
    count = evidence.signs.shape[1]
    left = Evidence(evidence.signs, evidence.wanted - evidence.wanted.mean(dim=1, keepdim=True))
    for position in range(1, wiring.shape[1]):
        for edge, (output, host) in enumerate(zip(neuron.tolist(), wiring[:, 0].tolist(), strict=True)):
            gain = left.gain(output, host)
            gain[torch.from_numpy(wiring[edge, :position]).to(gain.device)] = -torch.inf
            chosen = int(gain.argmax())
            wiring[edge, position] = chosen
            for term in (left.signs[chosen], left.signs[chosen] * left.signs[host]):
                left.wanted[output] -= (left.wanted[output] @ term / count) * term


def _fill_randomly(row: Ints, fan_in: int, draw: np.random.Generator) -> None:
    free = np.flatnonzero(row < 0)
    if free.size:
        others = np.setdiff1d(np.arange(fan_in), row)
        row[free] = draw.choice(others, size=free.size, replace=False)
