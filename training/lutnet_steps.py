# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The steps of a LUTNet's training, each with what it does to the network before its epochs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Dict, List, Tuple

import torch

from lutforge.training.data import Dataset
from lutforge.training.evidence import lost_by_pruning, wanted_by_loss
from lutforge.training.lutnet import LutNet
from lutforge.training.lutnet_plan import LutNetPlan, Phase
from lutforge.training.pruning import cubic_schedule
from lutforge.training.tiled import Tiles

Change = Callable[[LutNet, Dataset], None]


def _nothing(model: LutNet, data: Dataset) -> None:
    pass


@dataclass(frozen=True)
class Step:
    """One step. kind: 'dense', 'prune', ...; name: that, numbered where there are several.

    settings: what its result depends on beside the phase; change: of the network, before the epochs.
    """

    kind: str
    name: str
    phase: Phase
    settings: Dict[str, Any] = field(default_factory=dict)
    change: Change = _nothing


def steps_of(plan: LutNetPlan, model: LutNet, seed: int) -> List[Step]:
    """Return the steps of a plan. model: as `plan.build` makes it, for the number of its target layers."""
    phases, tables = plan.steps, plan.tables
    network = {**asdict(plan.network), "shift": plan.shift, "flip": plan.flip, "batch_size": plan.batch_size}
    result = [Step("dense", "dense", phases.dense, network)]
    result += _prunings(plan, model)
    result.append(Step("retrain", "retrain", phases.retrain))
    if tables.inputs:
        expansion = _tiled if tables.weight_inputs else _gathered if tables.gathered else _expansion
        result += expansion(plan, model, seed)
        for number in range(1, tables.shrinkings + 1 if tables.removed else 1):
            part = tables.removed * number / tables.shrinkings
            result.append(Step("shrink", f"shrink{number}", phases.shrink, {"removed": part}, _shrinking(part)))
        result.append(Step("binary", "binary", phases.binary, {}, lambda model, data: model.binarise_tables()))
    else:
        result[-1] = Step("retrain", "retrain", phases.retrain, {"baseline": True})
    result.append(Step("settle", "settle", phases.settle, {}, _settle))
    return result


def _prunings(plan: LutNetPlan, model: LutNet) -> List[Step]:
    count, bounds, tiles = plan.pruning.steps, plan.pruning.fan_in, plan.tiles(model)
    cut = {"tiles": [list(each) for each in tiles]} if tiles else {}
    parts = list(zip(*(cubic_schedule(part, count) for part in plan.keep(model)), strict=True))
    return [
        Step(
            "prune",
            f"prune{number}",
            plan.steps.prune,
            {"keep": list(keep), "fan_in": list(bounds), **cut},
            _pruning(keep, bounds, tiles),
        )
        for number, keep in enumerate(parts, start=1)
    ]


def _tiled(plan: LutNetPlan, model: LutNet, seed: int) -> List[Step]:
    tables, tiles = plan.tables, plan.tiles(model)
    settings = {name: getattr(tables, name) for name in ("inputs", "weight_inputs", "wiring")}

    def expand(model: LutNet, data: Dataset) -> None:
        model.expand_tiled(tables.inputs, tables.weight_inputs, tiles, tables.wiring, seed)

    return [Step("expand", "expand", Phase(0), settings, expand), Step("real", "real", plan.steps.real)]


def _gathered(plan: LutNetPlan, model: LutNet, seed: int) -> List[Step]:
    tables = plan.tables
    settings = {name: getattr(tables, name) for name in ("inputs", "form", "gathered")}

    def expand(model: LutNet, data: Dataset) -> None:
        model.gather(tables.inputs, tables.form)

    return [Step("expand", "expand", Phase(0), settings, expand), Step("real", "real", plan.steps.real)]


def _expansion(plan: LutNetPlan, model: LutNet, seed: int) -> List[Step]:
    phases, tables = plan.steps, plan.tables

    def expand(model: LutNet, data: Dataset) -> None:
        evidence = lost_by_pruning(model, data) if tables.wiring == "correlation" else None
        model.expand(tables.inputs, tables.wiring, seed, form=tables.form, shared=tables.shared, evidence=evidence)

    wired = {name: getattr(tables, name) for name in ("inputs", "wiring", "form", "shared")}
    result = [Step("expand", "expand", Phase(0), wired, expand)]
    if tables.wiring == "learned":
        learn = {"candidates": tables.candidates}
        result.append(
            Step("wire", "wire", phases.wire, learn, lambda model, data: model.learn_wiring(tables.candidates, seed))
        )
        result.append(Step("real", "real", phases.real, {}, lambda model, data: model.settle_wiring()))
    else:
        result.append(Step("real", "real", phases.real))
    if tables.wiring == "rewire":
        for number in range(1, tables.rounds + 1):
            part = tables.exchanged * (1 - (number - 1) / tables.rounds)  # less from round to round
            result.append(Step("rewire", f"rewire{number}", phases.rewire, {"exchanged": part}, _rewiring(part)))
    return result


def _pruning(keep: Tuple[float, ...], bounds: Tuple[float, float], tiles: Tuple[Tiles, ...]) -> Change:
    return lambda model, data: model.prune(keep, bounds, tiles)


def _rewiring(part: float) -> Change:
    return lambda model, data: model.rewire(part, wanted_by_loss(model, data))


def _shrinking(part: float) -> Change:
    return lambda model, data: model.shrink(part)


def _settle(model: LutNet, data: Dataset) -> None:
    recalibrate(model, data)
    model.freeze_statistics()
    model.hold_levels()


@torch.no_grad()
def recalibrate(model: LutNet, data: Dataset, batch_size: int = 1000) -> None:
    """Replace the batch norms' running statistics by those of the training images under the present weights."""
    norms = [stage.norm for stage in model.stages]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    model.train()
    for batch in torch.from_numpy(data.train_images).split(batch_size):
        model(batch.to(norms[0].weight.device).float())
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
