# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The LUTNet: convolutions and dense layers of binary weights, some of which become LUT neurons.

It starts as a binary network (ReBNet), is pruned, and `expand` turns every surviving synapse of the chosen layers
into a table (Wang et al., "LUTNet", FCCM 2019). Never expanded, it is the binarised baseline.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from math import prod
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.training import frozen
from lutforge.training.expansion import expanded, gathered, rewired
from lutforge.training.learned_wiring import LearnedLutNeurons
from lutforge.training.lut_neurons import LutNeurons
from lutforge.training.pruning import keep_mask
from lutforge.training.quantisers import sign
from lutforge.training.residual import ResidualSign
from lutforge.training.stage import Stage, flattened
from lutforge.training.stage_freezing import Steps, frozen_stage
from lutforge.training.tiled import TiledNeurons, Tiles, tile_magnitudes, tiled
from lutforge.training.wiring import Evidence

Targets = Union[str, Tuple[int, ...]]
"""Layers that are pruned and may become tables: 'inner' (all but the first), 'all', or their numbers from 1."""


@dataclass(frozen=True)
class Layer:
    """Outputs of one layer; kernel: 0 if dense, else of its windows; pool: 0, or of the pool behind it."""

    outputs: int
    kernel: int = 0
    pool: int = 0


class LutNet(nn.Module):
    """Network for images of `shape` (height, width, channels) with pixel values low..high.

    name: of the frozen network; layers: the last one's outputs are the logits; levels, ratio: of every `ResidualSign`;
    thresholds: that each pixel is compared with, so that the first layer reads bits, or none: it reads pixels.
    """

    def __init__(
        self,
        name: str,
        shape: Tuple[int, ...],
        low: int,
        high: int,
        layers: Sequence[Layer],
        levels: int = 2,
        ratio: str = "pow2",
        thresholds: Sequence[int] = (),
        targets: Targets = "inner",
    ):
        super().__init__()
        self.name, self.shape, self.low, self.high, self.levels = name, tuple(shape), low, high, levels
        self.thresholds = tuple(thresholds)
        stages = []
        extent = (*self.shape[:-1], self.shape[-1] * max(1, len(self.thresholds)))
        for number, layer in enumerate(layers, start=1):
            fan_in, extent = _extents(layer, number, extent)
            activation = ResidualSign(levels, ratio) if number < len(layers) else None
            stages.append(Stage(fan_in, layer.outputs, activation, layer.kernel, layer.pool))
        self.stages = nn.ModuleList(stages)
        self.targets = _numbers(targets, len(stages), bool(self.thresholds))
        self.statistics_frozen = False

    @property
    def chosen(self) -> List[Stage]:
        """The stages that are pruned and may become tables."""
        return [self.stages[number - 1] for number in self.targets]

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float [batch, classes], of raw pixels, float [batch, height, width, channels]."""
        *_, (_, _, values) = self.walk(images)
        return values.T if values.ndim == 2 else values.flatten(1)

    def walk(self, images: Tensor) -> Iterator[Tuple[Stage, Tensor, Tensor]]:
        """Yield each stage, the signs that it reads, and its normalised sums."""
        signs, levels = self._entry(images), torch.ones(1, device=images.device)
        for stage in self.stages:
            if not stage.kernel and signs.ndim == 5:
                signs = flattened(signs)
            values = stage(signs, levels)
            yield stage, signs, values
            if stage.activation is not None:
                signs, levels = stage.activation(values), stage.activation.level_weights()

    def _entry(self, images: Tensor) -> Tensor:
        """Return what the first stage reads as one level: pixels, or signs of their comparisons, feature by feature."""
        if not self.thresholds:
            return images[None]
        steps = torch.tensor(self.thresholds, dtype=images.dtype, device=images.device)
        return sign(images[..., None] - steps).flatten(3)[None]

    def train(self, mode: bool = True) -> LutNet:
        """Set training mode, except for batch norms whose statistics are frozen."""
        super().train(mode)
        if self.statistics_frozen:
            for stage in self.stages:
                stage.norm.eval()
        return self

    def after_step(self) -> None:
        """Clamp the latent tables; binary weights clamp theirs themselves."""
        for stage in self.stages:
            stage.after_step()

    def prune(self, keep: Sequence[float], bounds: Tuple[float, float], tiles: Sequence[Tiles] = ()) -> None:
        """Keep these parts of the synapses of the chosen stages.

        bounds: least and largest fan-in of an output as multiples of the layer's mean. tiles: of each chosen stage; the
        same places are kept in all tiles of it.
        """
        cut = tiles or [(1, 1)] * len(keep)
        for stage, part, (inside, outside) in zip(self.chosen, keep, cut, strict=True):
            latent = tile_magnitudes(stage.binary.latent.detach(), (inside, outside))
            fan_in = latent.shape[1]
            mean = part * fan_in
            low = max(1, min(int(mean), round(bounds[0] * mean)))
            high = min(fan_in, max(int(mean) + 1, round(bounds[1] * mean)))
            stage.binary.mask.copy_(keep_mask(latent, part, low, high).repeat(outside, inside))

    def binarise_tables(self) -> None:
        """Count table rows as their sign from now on, and hold the residual steps still."""
        for stage in self.chosen:
            stage.tables.binarise()
        self.hold_levels()

    def hold_levels(self) -> None:
        """Train the residual steps no further."""
        for stage in self.stages:
            if stage.activation is not None:
                stage.activation.requires_grad_(False)

    def shrink(self, removed: float) -> None:
        """Remove this part of the inputs of all tables of each stage; see `LutNeurons.shrink`."""
        for stage in self.chosen:
            stage.layer = stage.neurons.shrink(removed)

    def freeze_statistics(self) -> None:
        """Hold the running statistics of the batch norms still, in training too."""
        self.statistics_frozen = True
        self.train(self.training)

    def freeze(self) -> frozen.FrozenModel:
        """Return the network as integers on the CPU, as this module computes it in eval mode."""
        model = copy.deepcopy(self).cpu().double().eval()
        steps: Steps = [("image", frozen.Input(self.shape, self.low, self.high))]
        weights: Tuple[int, ...] = ()
        flat = False
        if self.thresholds:
            if not model.stages[0].kernel:  # a stream of single pixels would take a cycle for each
                steps.append(("flat", frozen.Reshape((math.prod(self.shape),))))
                flat = True
            steps.append(("encode", frozen.Encode(torch.tensor([self.thresholds]))))
            weights = (1,)
        for number, stage in enumerate(model.stages, start=1):
            if not stage.kernel and not flat:
                steps.append(("flat", frozen.Reshape((stage.layer.elements,))))
                flat = True
            steps += frozen_stage(stage, number, weights, self.low, self.high)
            if stage.activation is not None:
                weights = stage.activation.integer_weights()
        return frozen.FrozenModel(self.name, [*steps, ("answer", frozen.ArgMax())], {})

    def restore(self, state: Dict[str, Tensor], form: str, gathered: bool = False) -> None:
        """Take a state of this network, whichever of its layers are tables in it; form, gathered: of the tables."""
        for number, stage in enumerate(self.stages):
            stem = f"stages.{number}.layer."
            if f"{stem}latent" in state:
                wiring, neuron, latent = (state[f"{stem}{name}"] for name in ("wiring", "neuron", "latent"))
                elements, neurons = stage.layer.elements, stage.norm.num_features
                if f"{stem}weights" in state:
                    stage.layer = TiledNeurons(elements, neurons, wiring, neuron, latent, state[f"{stem}weights"])
                    continue
                levels = self._levels_in(number)
                stage.layer = LutNeurons(elements, neurons, wiring, neuron, latent, form, levels, gathered)
                if f"{stem}scores" in state:
                    stage.layer = LearnedLutNeurons(stage.layer, state[f"{stem}scores"].shape[2], seed=0)
        self.load_state_dict(state)

    def expand(
        self,
        inputs: int,
        wiring: str,
        seed: int,
        *,
        form: str = "lagrange",
        shared: bool = False,
        evidence: Optional[Mapping[int, Evidence]] = None,
    ) -> None:
        """Turn the surviving synapses of the chosen stages into tables of this many inputs; see `expanded`.

        evidence: by layer number, for a wiring that chooses on images.
        """
        for index, number in enumerate(self.targets):
            stage, seen = self.stages[number - 1], (evidence or {}).get(number)
            levels = self._levels_in(number - 1)
            stage.layer = expanded(
                stage.binary, levels, inputs, wiring, seed + index, form=form, shared=shared, evidence=seen
            )

    def gather(self, inputs: int, form: str = "lagrange") -> None:
        """Turn the surviving synapses of the chosen stages into tables that read several of them; see `gathered`."""
        for number in self.targets:
            stage = self.stages[number - 1]
            stage.layer = gathered(stage.binary, self._levels_in(number - 1), inputs, form)

    def expand_tiled(self, inputs: int, weight_inputs: int, tiles: Sequence[Tiles], wiring: str, seed: int) -> None:
        """Turn the surviving synapses of the chosen stages into tables that their tiles share; see `tiled`."""
        for index, (stage, cut) in enumerate(zip(self.chosen, tiles, strict=True)):
            stage.make_rising()
            stage.layer = tiled(stage.binary, inputs, weight_inputs, cut, wiring, seed + index)

    def learn_wiring(self, candidates: int, seed: int) -> None:
        """Let the further inputs of all tables be chosen among so many candidates from now on."""
        for index, stage in enumerate(self.chosen):
            stage.layer = LearnedLutNeurons(stage.neurons, candidates, seed + index)

    def settle_wiring(self) -> None:
        """Keep the wiring as it has been learned."""
        for stage in self.chosen:
            if isinstance(stage.layer, LearnedLutNeurons):
                stage.layer = stage.layer.settled()

    def rewire(self, part: float, evidence: Mapping[int, Evidence]) -> None:
        """Exchange this part of the tables' further inputs; see `rewired`."""
        for number, stage in zip(self.targets, self.chosen, strict=True):
            stage.layer = rewired(stage.neurons, part, evidence[number])

    def _levels_in(self, index: int) -> int:
        return self.levels if index else 1


def _extents(layer: Layer, number: int, extent: Tuple[int, ...]) -> Tuple[int, Tuple[int, ...]]:
    """Return the fan-in of a layer on edges of this extent, and the extent behind it."""
    if not layer.kernel:
        return prod(extent), (layer.outputs,)
    if len(extent) != 3:
        raise TrainingError(f"layer {number}: a convolution behind a dense layer. Put the convolutions first")
    height, width = (size - layer.kernel + 1 for size in extent[:2])
    pooled = (height // max(1, layer.pool), width // max(1, layer.pool))
    if min(pooled) < 1:
        raise TrainingError(
            f"layer {number}: windows of {layer.kernel} x {layer.kernel} and a pool of {layer.pool} do not fit the "
            f"{extent[0]} x {extent[1]} values in front of it. Take larger images or fewer convolutions"
        )
    return layer.kernel**2 * extent[2], (*pooled, layer.outputs)


def _numbers(targets: Targets, count: int, encoded: bool) -> Tuple[int, ...]:
    if isinstance(targets, str):
        first = {"inner": 2, "all": 1}.get(targets)
        if first is None:
            raise TrainingError(f"layers {targets!r}: use 'inner', 'all', or a list of layer numbers")
        numbers: Tuple[int, ...] = tuple(range(first, count + 1))
    else:
        numbers = targets
    if not encoded and 1 in numbers:
        raise TrainingError("layer 1 reads pixels, and tables read bits: give thresholds, or leave layer 1 out")
    if not numbers or list(numbers) != sorted(set(numbers)) or not 1 <= numbers[0] <= numbers[-1] <= count:
        raise TrainingError(f"layers {numbers}: numbers of 1..{count} are wanted, rising")
    return numbers
