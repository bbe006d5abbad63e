# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The points of lutnet.py: a shipped recipe, what is changed in it, and a seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Tuple

from lutforge.training.recipe import Recipe, recipe_named

BASELINE_STEPS = {"retrain": 18, "settle": 2}
"""Epochs of the baseline behind its prunings: as many as LUTNet has there in all its steps."""
LEARNING_STEPS = {"wire": 4, "binary": 7}
"""Epochs of a learned wiring: its own step takes them from those of the tables as bits."""
CNV_STEPS = {"dense": 8, "prune": 1, "retrain": 0, "real": 1, "binary": 2, "settle": 0}
"""Epochs of CNV at half width on a processor: few, an hour and a half for all of its points."""
CNV_BASELINE_STEPS = {"retrain": 3}
"""Epochs of its baseline, in place of those of the tables."""


@dataclass(frozen=True)
class Point:
    """One network to train. name: unique; group: the curve it belongs to; changes: 'table.key' of a recipe -> value;

    dataset: instead of the recipe's.
    """

    name: str
    group: str
    recipe: str
    changes: Dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    dataset: str = ""

    def built(self) -> Recipe:
        """Return the recipe with its changes, for its own data set if none is given."""
        recipe = recipe_named(self.recipe)
        plan = recipe.plan
        for key, value in self.changes.items():
            plan = _changed(plan, key.split("."), value)
        return replace(recipe, plan=plan, dataset=self.dataset or recipe.dataset)


def _changed(plan: Any, keys: List[str], value: Any) -> Any:
    if len(keys) > 1:
        value = _changed(getattr(plan, keys[0]), keys[1:], value)
    return replace(plan, **{keys[0]: value})


def _keep(part: float) -> Any:
    return (part, part, part, min(1.0, round(part * 0.2 / 0.045, 4)))


def _lfc(name: str, group: str, part: float, seed: int = 0, levels: int = 2, **changes: Any) -> Point:
    given = {f"tables.{key}": value for key, value in changes.items()}
    given |= {"network.levels": levels} if levels != 2 else {}
    return Point(name, group, "lfc_mnist", {"pruning.keep": _keep(part), **given}, seed)


def _baseline(name: str, part: float, seed: int = 0, levels: int = 2) -> Point:
    changes: Dict[str, Any] = {"pruning.keep": _keep(part), "tables.inputs": 0, "network.levels": levels}
    changes |= {f"steps.{step}.epochs": epochs for step, epochs in BASELINE_STEPS.items()}
    return Point(name, f"baseline, {levels} level{'s' * (levels > 1)}", "lfc_mnist", changes, seed)


def _whole(name: str, hidden: int, keep: Tuple[float, float]) -> Point:
    """Return a network of gathered tables from the pixels on, each compared with 127, at an image per cycle."""
    changes: Dict[str, Any] = {"network.hidden": (hidden,), "network.levels": 1, "network.thresholds": (127,)}
    changes |= {"network.targets": "all", "pruning.keep": keep, "tables.inputs": 6, "tables.gathered": True}
    return Point(name, "whole, gathered", "lfc_mnist", changes)


def _cnv(name: str, part: float, inputs: int) -> Point:
    group = f"CNV, LUTNet K = {inputs}" if inputs else "CNV, baseline"
    epochs = CNV_STEPS | ({} if inputs else CNV_BASELINE_STEPS)
    changes: Dict[str, Any] = {"pruning.keep": (part,), "pruning.steps": 1, "tables.inputs": inputs}
    changes |= {f"steps.{step}.epochs": count for step, count in epochs.items()}
    return Point(name, group, "cnv_cifar10_half", changes)


def points() -> List[Point]:
    """Return all points, the headline ones first."""
    found = [_lfc(f"lutnet k4 4.5% seed {seed}", "LUTNet K = 4", 0.045, seed) for seed in (0, 1, 2)]
    found += [_baseline(f"baseline {100 * part:g}%", part) for part in (0.12, 0.08, 0.045, 0.02)]
    found.append(_lfc("lutnet k4 2%", "LUTNet K = 4", 0.02))
    found += [_lfc(f"lutnet k{k} 2%", f"LUTNet K = {k}", 0.02, inputs=k) for k in (2, 3, 5, 6)]
    found += [_lfc("lutnet k6 4.5% 1 level", "LUTNet K = 6, 1 level", 0.045, levels=1, inputs=6)]
    found += [_lfc("lutnet k6 1%", "LUTNet K = 6", 0.01, inputs=6)]
    found += [
        _lfc(f"gathered k6 {100 * part:g}%", "gathered, K = 6", part, inputs=6, gathered=True) for part in (0.045, 0.12)
    ]
    tiles = ((8, 8), (8, 8), (8, 8), (8, 2))
    for k, p in ((5, 1), (6, 2)):
        tiled = _lfc(f"tiled ({k}, {p}) 12%", f"tiled ({k}, {p})", 0.12, inputs=k, weight_inputs=p, tiles=tiles)
        found.append(tiled)
    for seed in (0, 1, 2):
        for wiring in ("random", "learned"):
            point = _lfc(f"{wiring} 2% seed {seed}", f"wiring {wiring}", 0.02, seed, wiring=wiring)
            if wiring == "learned":
                steps = {f"steps.{step}.epochs": epochs for step, epochs in LEARNING_STEPS.items()}
                point = replace(point, changes={**steps, **point.changes})
            found.append(point)
    for part, removed in ((0.045, 0.4), (0.045, 0.6), (0.045, 0.75), (0.02, 0.6)):
        found.append(_lfc(f"shrunk {removed:g} of {100 * part:g}%", f"shrunk by {removed:g}", part, removed=removed))
    for seed in (1, 2):  # two points of about equal accuracy
        found.append(_lfc(f"shrunk 0.6 of 2% seed {seed}", "shrunk by 0.6", 0.02, seed, removed=0.6))
        found.append(_baseline(f"baseline 4.5% seed {seed}", 0.045, seed))
    found.append(_baseline("baseline 4.5% 1 level", 0.045, levels=1))
    found.append(_whole("whole 512 gathered", 512, (12 / 784, 0.25)))
    for part in (0.02, 0.005, 0.002):
        found += [_cnv(f"cnv {'lutnet' if inputs else 'baseline'} {100 * part:g}%", part, inputs) for inputs in (4, 0)]
    return found


CONV = {
    "network.conv": (16, "pool", 32, "pool"),
    "network.hidden": (64,),
    "network.width": 1.0,
    "network.targets": (2, 3, 4),
    "pruning.keep": (0.1, 0.05, 0.4),
    "pruning.steps": 1,
    "shift": 1,
    "flip": False,
    **{f"steps.{step}.epochs": count for step, count in CNV_STEPS.items()},
    "steps.dense.epochs": 3,
}
"""A small network of convolutions for MNIST, from the recipe of CNV."""
KINDS = ("lutnet k4 4.5% seed 0", "lutnet k6 2%", "shrunk 0.4 of 4.5%", "gathered k6 4.5%", "tiled (5, 1) 12%")
KINDS += ("tiled (6, 2) 12%", "cnv lutnet 2%")


def kinds() -> List[Point]:
    """Return a trained network of each kind, for comparisons of executors."""
    known = {point.name: point for point in points()}
    conv = Point("conv k4", "convolutions", "cnv_cifar10_half", CONV, dataset="mnist")
    return [conv, *(known[name] for name in KINDS)]
