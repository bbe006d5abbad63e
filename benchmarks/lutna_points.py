# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The points of lutna.py: trainings, bit widths, retraining with fewer bits, and pruned networks."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import torch
from lutna_rows import BUILD, Row

import lutforge
from lutforge.training.bit_widths import ALL_ACTIVATION_BITS, ALL_WEIGHT_BITS, accuracies, with_bits
from lutforge.training.calibration import calibrate, calibration_images
from lutforge.training.data import Dataset
from lutforge.training.deep_net import DeepNet
from lutforge.training.deep_plan import DeepPlan, Settling
from lutforge.training.deep_training import floating_network, train_deep
from lutforge.training.export import freeze_report, to_network
from lutforge.training.fit import Fitted, accuracy
from lutforge.training.recipe import recipe_named

BIT_IMAGES = 1000
SMALL = "lutna_vgg11_cifar10"
"""The recipe that is retrained with fewer bits."""
RETRAINED_BITS = (8, 6, 4, 3, 2)
RETRAINING = Settling(1, 0.001)


@dataclass(frozen=True)
class Point:
    """One point, or a few rows that one run makes. kind, name: as in its rows; recipe: of its network.

    changes: of the recipe; start: folder of checkpoints of another point, which the training goes on from.
    """

    kind: str
    name: str
    recipe: str
    changes: Dict[str, Any] = field(default_factory=dict)
    start: str = ""

    @property
    def plan(self) -> DeepPlan:
        """The recipe's plan with its changes."""
        plan = recipe_named(self.recipe).plan
        assert isinstance(plan, DeepPlan)
        return replace(plan, **self.changes)

    @property
    def folder(self) -> Path:
        """Folder of the checkpoints."""
        return BUILD / (self.recipe if not self.changes else self.name.replace(" ", "_"))

    def trained(self, data: Dataset, on_stage: Optional[Callable[[str, DeepNet, Fitted], None]] = None) -> DeepNet:
        """Return the quantised network, trained as far as its checkpoints have not been yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("floating.pt", "early.pt"):
            if self.start and (BUILD / self.start / name).is_file() and not (self.folder / name).is_file():
                shutil.copyfile(BUILD / self.start / name, self.folder / name)
        torch.manual_seed(0)
        model = self.plan.build(data)
        told = on_stage and (lambda name, fitted: on_stage(name, model, fitted))
        train_deep(model, data, self.plan, folder=self.folder, resume=True, on_stage=told)
        return model


def points() -> List[Point]:
    """Return all points, in the order in which they are made."""
    five = ("vgg11", "resnet18", "vgg19", "resnet34", "googlenet")
    found = [Point("training", f"{name}_cifar10", f"{name}_cifar10") for name in five]
    found.append(Point("training", SMALL, SMALL))
    found.append(Point("ticket", "vgg11_tickets", "vgg11_tickets"))
    found.append(Point("ticket", "vgg11_channels", "vgg11_channels", start="vgg11_tickets"))
    found += [Point("ticket", f"{name}_gradual", f"{name}_gradual", start=f"{name}_cifar10") for name in five[1:]]
    found += [Point("bits", f"{name} bits", f"{name}_cifar10") for name in five]
    for bits in RETRAINED_BITS:
        changes = {"weight_bits": bits, "activation_bits": bits, "settle": RETRAINING}
        found.append(Point("retrained", f"{SMALL} {bits} bits", SMALL, changes, SMALL))
    return found


def measure(point: Point, data: Dataset) -> List[Row]:
    """Return the rows of a point, which is trained first as far as it is not."""
    makers = {"training": _training, "ticket": _tickets, "bits": _bits, "retrained": _retrained}
    return [{**row, "point": point.name} for row in makers[point.kind](point, data)]


def _training(point: Point, data: Dataset) -> List[Row]:
    tests: Dict[str, float] = {}
    stages: List[Fitted] = []
    plan = point.plan
    floating = ("floating", *plan.restart_names)[-1]
    last = "settled" if plan.settle.epochs else "calibrated"

    def told(name: str, model: DeepNet, fitted: Fitted) -> None:
        if name in (floating, "calibrated") and name != last:  # the last is measured when it is frozen
            tests["floating" if name == floating else name] = _test(model, data)
        if name != "calibrated":  # which trains nothing
            stages.append(fitted)

    model = point.trained(data, told)
    epochs = [epoch for stage in stages for epoch in stage.history]
    row = {**_about(point), **_frozen(point, point.name, model, data)}
    row["stages"] = {**tests, last: row.pop("unfrozen")}
    row["epochs"] = len(epochs)
    row["floating_validation"] = round(model.floating_validation, 5)
    row["curve"] = [[round(epoch.loss, 4), round(epoch.validation_accuracy, 4)] for epoch in epochs]
    row["seconds"] = round(sum(epoch.seconds for epoch in epochs))
    return [row]


def _test(model: DeepNet, data: Dataset) -> float:
    """Return the accuracy of a module, 0..1, on all test images."""
    return round(accuracy(model, data.test_images, data.test_labels, 250), 5)


def _tickets(point: Point, data: Dataset) -> List[Row]:
    """A row for each round: that network calibrated, frozen and kept."""
    rows: List[Row] = []
    calibration = calibration_images(data)

    def told(name: str, model: DeepNet, fitted: Fitted) -> None:
        if name in ("calibrated", "settled"):
            return
        single = with_bits(model, model.weight_bits, model.activation_bits)
        calibrate(single, calibration)
        own = f"{point.name} {name}"
        rows.append(
            {
                **_about(point),
                **_frozen(point, own, single, data),
                "name": own,
                "round": name,
                "floating_validation": round(fitted.best_validation, 5),
                "floating_test": _test(model, data),
                "epochs": len(fitted.history),
                "curve": [[round(epoch.loss, 4), round(epoch.validation_accuracy, 4)] for epoch in fitted.history],
                "seconds": round(fitted.seconds),
            }
        )

    point.trained(data, told)
    return rows


def _bits(point: Point, data: Dataset) -> List[Row]:
    model = floating_network(point.plan, data, point.folder)
    images, labels = data.test_images[:BIT_IMAGES], data.test_labels[:BIT_IMAGES]
    found = accuracies(model, calibration_images(data), images, labels)
    return [
        {
            **_about(point),
            "images": len(images),
            "floating_test": round(accuracy(model, images, labels, 250), 5),
            "weight_bits": list(ALL_WEIGHT_BITS),
            "activation_bits": list(ALL_ACTIVATION_BITS),
            "accuracy": [[round(found[w, a], 5) for a in ALL_ACTIVATION_BITS] for w in ALL_WEIGHT_BITS],
        }
    ]


def _retrained(point: Point, data: Dataset) -> List[Row]:
    tests: Dict[str, float] = {}

    def told(name: str, model: DeepNet, fitted: Fitted) -> None:
        tests[name] = _test(model, data)
        tests[f"{name}_seconds"] = round(fitted.seconds)

    model = point.trained(data, told)
    plan = point.plan
    row = {**_about(point), **_frozen(point, point.name, model, data), "bits": plan.weight_bits, "stages": tests}
    return [{**row, "epochs": plan.settle.epochs, "learning_rate": plan.settle.learning_rate}]


def _about(point: Point) -> Row:
    plan = point.plan
    return {
        "kind": point.kind,
        "name": point.name,
        "recipe": point.recipe,
        "network": plan.network,
        "width": plan.width,
    }


def _frozen(point: Point, name: str, model: DeepNet, data: Dataset) -> Row:
    """Freeze, keep the network file, and answer all test images by the fast engine."""
    frozen = model.freeze()
    report = freeze_report(model, frozen, data.test_images, data.test_labels).check()
    frozen.about.update(recipe=point.recipe, dataset=data.label, test_accuracy=round(report.frozen_accuracy, 6))
    network = to_network(frozen)
    path = BUILD / f"{name.replace(' ', '_')}.npz"
    work = {key: value for key, value in frozen.about.items() if key.endswith(("weights", "multiplications"))}
    return {
        **work,
        "test": round(report.frozen_accuracy, 5),
        "unfrozen": round(report.unfrozen_accuracy, 5),
        "differing": report.differing,
        "file": path.name,
        "sha256": lutforge.save(network, path),
    }
