# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe of kind 'lutnet' says: sizes, pruning, tables, and the epochs of each step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Tuple, Union

from lutforge.errors import TrainingError
from lutforge.numerics import MAX_TABLE_INPUTS
from lutforge.training.data import Dataset
from lutforge.training.lutnet import Layer, LutNet
from lutforge.training.table_forms import FORMS
from lutforge.training.tiled import check_tiles
from lutforge.training.wiring import STRATEGIES

POOL = "pool"


@dataclass(frozen=True)
class Phase:
    """Epochs and first learning rate of one step (the cosine starts anew in each)."""

    epochs: int = 0
    learning_rate: float = 0.01
    weight_decay: float = 0.0


@dataclass(frozen=True)
class NetworkPlan:
    """Sizes. conv: outputs of 3 x 3 convolutions without padding, "pool" behind those that a 2 x 2 pool follows.

    hidden: outputs of the dense layers behind them, the classes left out; width: factor of all of these; levels,
    ratio: of the activations; thresholds: pixel values that the first layer's inputs are compared with, none: it reads
    pixels; targets: the layers that are pruned and become tables, "inner", "all" or a list of numbers.
    """

    hidden: Tuple[int, ...] = ()
    conv: Tuple[Union[int, str], ...] = ()
    width: float = 1.0
    levels: int = 2
    ratio: str = "pow2"
    thresholds: Tuple[int, ...] = ()
    targets: Union[str, Tuple[int, ...]] = "inner"


@dataclass(frozen=True)
class PruningPlan:
    """keep: part of the synapses of each target layer that survives, or one part for all; steps: prunings on the way.

    fan_in: least and largest fan-in of an output as multiples of the layer's mean.
    """

    keep: Tuple[float, ...]
    steps: int = 6
    fan_in: Tuple[float, float] = (0.4, 2.5)


@dataclass(frozen=True)
class TablesPlan:
    """inputs: K of a table, 0: the layers stay binary (the baseline); shared: one table serves all levels.

    gathered: not a table for each synapse and level, but one for as many synapses as its inputs can read all levels of.
    wiring: see `wire`; candidates: of a learned wiring; exchanged, rounds: part of the further inputs that each round
    of a rewiring exchanges; removed: part of all inputs that shrinking takes away, in `shrinkings` rounds.
    weight_inputs: P, inputs of a table that are weight bits; 0: not tiled; tiles: along the inputs and the outputs of
    each target layer, or of all.
    """

    inputs: int = 4
    wiring: str = "recover"
    form: str = "lagrange"
    shared: bool = False
    gathered: bool = False
    candidates: int = 16
    exchanged: float = 0.2
    rounds: int = 3
    removed: float = 0.0
    shrinkings: int = 3
    weight_inputs: int = 0
    tiles: Tuple[Tuple[int, int], ...] = ((8, 8),)


@dataclass(frozen=True)
class StepsPlan:
    """dense: the binary network; prune: after each pruning; retrain: the pruned network; wire: tables whose wiring is

    learned; real: real-valued tables; rewire, shrink: after each round of these; binary: the tables as bits; settle:
    with frozen batch-norm statistics.
    """

    dense: Phase = Phase()
    prune: Phase = Phase()
    retrain: Phase = Phase()
    wire: Phase = Phase()
    real: Phase = Phase()
    rewire: Phase = Phase()
    shrink: Phase = Phase()
    binary: Phase = Phase()
    settle: Phase = Phase()


@dataclass(frozen=True)
class LutNetPlan:
    """Everything about the training of a LUTNet. shift: pixels by which training images are moved; flip: whether they
    are mirrored at random."""

    network: NetworkPlan
    pruning: PruningPlan
    steps: StepsPlan
    tables: TablesPlan = field(default_factory=TablesPlan)
    shift: int = 0
    flip: bool = False
    batch_size: int = 256

    def __post_init__(self) -> None:
        tables = self.tables
        if tables.inputs and not 2 <= tables.inputs <= MAX_TABLE_INPUTS:
            raise TrainingError(
                f"tables, inputs: {tables.inputs}; a table has 2..{MAX_TABLE_INPUTS}, and 0 leaves the layers binary"
            )
        for name, value, known in (("wiring", tables.wiring, STRATEGIES), ("form", tables.form, FORMS)):
            if value not in known:
                raise TrainingError(f"tables, {name}: {value!r} is unknown; use one of {', '.join(known)}")
        if not 0 <= tables.weight_inputs < max(1, tables.inputs):
            raise TrainingError(
                f"tables, weight_inputs: {tables.weight_inputs} of {tables.inputs} inputs; at least one input must be "
                "an activation, and 0 means not tiled"
            )
        if tables.weight_inputs and (tables.wiring not in ("random", "recover") or tables.removed):
            raise TrainingError(
                f"tables: wiring {tables.wiring!r}, removed {tables.removed}; tiled tables are wired 'random' or "
                "'recover' and not shrunk"
            )
        if tables.gathered and (tables.shared or tables.weight_inputs or tables.wiring != "recover"):
            raise TrainingError(
                f"tables: gathered with wiring {tables.wiring!r}, shared {str(tables.shared).lower()}, weight_inputs "
                f"{tables.weight_inputs}; gathered tables read the surviving synapses: leave these keys out"
            )
        if tables.wiring == "learned" and not self.steps.wire.epochs:
            raise TrainingError(
                "tables, wiring: 'learned' with steps, wire: epochs 0; nothing would be learned. Give the step epochs"
            )
        if not 0 <= tables.removed < 1 or not 0 <= tables.exchanged <= 1:
            raise TrainingError(
                f"tables: removed {tables.removed} must lie in 0..1 without 1, exchanged {tables.exchanged} in 0..1"
            )
        if not 0 < self.network.width:
            raise TrainingError(f"network, width: {self.network.width}; it must be above 0")
        for each in self.network.conv:
            if isinstance(each, str) and each != POOL:
                raise TrainingError(f"network, conv: {each!r}; numbers of outputs and {POOL!r} are known")

    def layers(self, classes: int) -> List[Layer]:
        """Return the layers, the width factor applied, the logits last."""
        found: List[Layer] = []
        for each in self.network.conv:
            if isinstance(each, int):
                found.append(Layer(self._scaled(each), kernel=3))
            elif not found or found[-1].pool:
                raise TrainingError(f"network, conv: a {POOL!r} follows a convolution, not {POOL!r} or nothing")
            else:
                found[-1] = Layer(found[-1].outputs, found[-1].kernel, pool=2)
        return [*found, *(Layer(self._scaled(outputs)) for outputs in self.network.hidden), Layer(classes)]

    def _scaled(self, outputs: int) -> int:
        return max(1, round(outputs * self.network.width))

    def build(self, data: Dataset) -> LutNet:
        """Return an untrained network for a data set, still binary and dense."""
        network = self.network
        model = LutNet(
            f"lutnet_{data.name}" if self.tables.inputs else f"binary_{data.name}",
            data.shape,
            data.low,
            data.high,
            self.layers(data.classes),
            network.levels,
            network.ratio,
            network.thresholds,
            network.targets,
        )
        if len(self.pruning.keep) not in (1, len(model.targets)):
            raise TrainingError(
                f"pruning, keep: {len(self.pruning.keep)} parts for the {len(model.targets)} target layers "
                f"{', '.join(map(str, model.targets))}; give one for each, or one for all"
            )
        self.tiles(model)
        return model

    def keep(self, model: LutNet) -> Tuple[float, ...]:
        """Return the part of the synapses that survives in each target layer."""
        parts = self.pruning.keep
        return parts if len(parts) > 1 else parts * len(model.targets)

    def tiles(self, model: LutNet) -> Tuple[Tuple[int, int], ...]:
        """Return the tiles of each target layer, none where layers are not tiled; they must divide it."""
        if not self.tables.weight_inputs:
            return ()
        given = self.tables.tiles
        found = given if len(given) > 1 else given * len(model.targets)
        if len(found) != len(model.targets):
            raise TrainingError(
                f"tables, tiles: {len(given)} pairs for the {len(model.targets)} target layers "
                f"{', '.join(map(str, model.targets))}; give one for each, or one for all"
            )
        for number, stage, tiles in zip(model.targets, model.chosen, found, strict=True):
            check_tiles(f"tables, tiles of layer {number}", stage.norm.num_features, stage.binary.elements, tiles)
        return found

    @property
    def epochs(self) -> int:
        """Epochs of all steps together."""
        steps, tables = self.steps, self.tables
        single = (steps.dense, steps.retrain, steps.settle)
        total = sum(phase.epochs for phase in single) + self.pruning.steps * steps.prune.epochs
        if tables.inputs:
            total += steps.real.epochs + steps.binary.epochs
            total += steps.wire.epochs * (tables.wiring == "learned")
            total += steps.rewire.epochs * tables.rounds * (tables.wiring == "rewire")
            total += steps.shrink.epochs * tables.shrinkings * (tables.removed > 0)
        return total
