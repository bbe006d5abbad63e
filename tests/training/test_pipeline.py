# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The steps of a training: the same network however often it stops, steps shared by branches, checkpoints refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import lutforge
from lutforge.errors import TrainingError
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.export import to_network
from lutforge.training.fit import Epoch, Fitted
from lutforge.training.lutnet_plan import LutNetPlan, NetworkPlan, Phase, PruningPlan, StepsPlan, TablesPlan
from lutforge.training.pipeline import Measured, Pipeline

SHORT = LutNetPlan(
    NetworkPlan(hidden=(12, 12)),
    PruningPlan(keep=(0.4, 0.5), steps=2),
    StepsPlan(Phase(2), Phase(1), Phase(1), Phase(1), Phase(1), Phase(1), Phase(1), Phase(2), Phase(1, 0.001)),
    TablesPlan(inputs=3),
)
STEPS = ["dense", "prune1", "prune2", "retrain", "expand", "real", "binary", "settle"]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    data = load_dataset("digits")
    return replace(data, train_images=data.train_images[:400], train_labels=data.train_labels[:400])


def train(
    data: Dataset, plan: LutNetPlan, folder: Path | None = None, **options: object
) -> tuple[str, Fitted, list[Measured]]:
    torch.manual_seed(0)
    model, told = plan.build(data), []
    fitted = Pipeline(model, data, plan, folder=folder, on_step=told.append, **options).run()
    return lutforge.digest(to_network(model.freeze())), fitted, told


def test_same_seed_same_network_also_when_resumed(digits: Dataset, tmp_path: Path) -> None:
    digest, fitted, told = train(digits, SHORT, tmp_path)
    assert [measured.step for measured in told] == STEPS
    assert [epoch.number for epoch in fitted.history] == list(range(1, 10))
    assert fitted.best_epoch == 9 and fitted.best_validation == told[-1].validation
    assert train(digits, SHORT)[0] == digest
    files = sorted(path.name.split("-")[0] for path in tmp_path.iterdir())
    assert files == sorted(STEPS)  # and no partial one
    for step in ("binary", "settle"):  # as if stopped before them
        next(tmp_path.glob(f"{step}-*.pt")).unlink()
    again, resumed, told = train(digits, SHORT, tmp_path, resume=True)
    assert again == digest
    assert [measured.reused for measured in told] == [True] * 6 + [False] * 2
    assert [replace(epoch, seconds=0) for epoch in resumed.history] == [
        replace(epoch, seconds=0) for epoch in fitted.history
    ]


def test_a_step_that_was_interrupted_goes_on(digits: Dataset, tmp_path: Path) -> None:
    digest = train(digits, SHORT)[0]

    def interrupt(epoch: Epoch) -> None:
        if epoch.number == 7:  # the first of two epochs of step 'binary'
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(digits, SHORT, tmp_path, on_epoch=interrupt)
    assert [path.suffix for path in tmp_path.glob("binary-*")] == [".partial"]
    assert train(digits, SHORT, tmp_path, resume=True)[0] == digest


def test_branches_share_the_steps_before_them(digits: Dataset, tmp_path: Path) -> None:
    train(digits, SHORT, tmp_path)
    for tables in (TablesPlan(inputs=4), TablesPlan(inputs=3, wiring="random"), TablesPlan(inputs=3, removed=0.5)):
        branch = replace(SHORT, tables=tables)
        told = train(digits, branch, tmp_path, resume=True)[2]
        shared = [measured.step for measured in told if measured.reused]
        assert shared == (STEPS[:6] if tables.removed else STEPS[:4])
        assert train(digits, branch)[0] == train(digits, branch, tmp_path, begin="expand")[0]
    shrunk = told[-1]
    assert shrunk.tables <= 2 * shrunk.synapses and shrunk.inputs <= 0.55 * 3 * told[5].tables


def test_every_wiring_and_the_baseline_train_and_reload(digits: Dataset, tmp_path: Path) -> None:
    plans = [
        replace(SHORT, tables=TablesPlan(inputs=3, wiring=name, candidates=6, rounds=1))
        for name in ("learned", "rewire", "correlation")
    ]
    plans += [
        replace(SHORT, tables=TablesPlan(inputs=3, form="walsh", shared=True)),
        replace(SHORT, tables=TablesPlan(inputs=0)),
        replace(SHORT, tables=TablesPlan(inputs=6, gathered=True)),
        replace(SHORT, tables=TablesPlan(inputs=4, gathered=True, form="walsh", removed=0.3)),
    ]
    digests = set()
    for plan in plans:
        digest, fitted, _ = train(digits, plan, tmp_path, resume=True)
        assert len(fitted.history) == plan.epochs
        again, _, found = train(digits, plan, tmp_path, resume=True)
        assert again == digest and all(measured.reused for measured in found)
        digests.add(digest)
    assert len(digests) == len(plans)


def test_checkpoints_that_do_not_fit_are_named(digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"no checkpoint of step 'dense' with these settings in .*Train without --from first"
    ):
        train(digits, SHORT, tmp_path, begin="prune")
    train(digits, SHORT, tmp_path)
    other = replace(SHORT, steps=replace(SHORT.steps, dense=Phase(3)))
    with pytest.raises(
        TrainingError, match=r"dense-\w+\.pt is of another recipe: dense, epochs 2, here 3\. Train without"
    ):
        train(digits, other, tmp_path, begin="retrain")
    with pytest.raises(TrainingError, match=r"is of another recipe: data, seed 0, here 1"):
        train(digits, SHORT, tmp_path, begin="retrain", seed=1)
    with pytest.raises(
        TrainingError, match="step 'shrink': this recipe has dense, prune, retrain, expand, real, binary"
    ):
        train(digits, SHORT, tmp_path, begin="shrink")
    with pytest.raises(TrainingError, match="nothing to begin from without a folder"):
        train(digits, SHORT, begin="binary")
    path = next(tmp_path.glob("retrain-*.pt"))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"retrain-\w+\.pt: cannot be read \(\w+.*Remove it"):
        train(digits, SHORT, tmp_path, begin="expand")


def test_as_many_parts_to_keep_as_target_layers(digits: Dataset) -> None:
    with pytest.raises(
        TrainingError, match="keep: 2 parts for the 1 target layers 3; give one for each, or one for all"
    ):
        replace(SHORT, network=replace(SHORT.network, targets=(3,))).build(digits)
    one = replace(SHORT, pruning=PruningPlan(keep=(0.5,)))
    assert one.keep(one.build(digits)) == (0.5, 0.5)


def test_tiled_tables_train_and_reload(digits: Dataset, tmp_path: Path) -> None:
    for weight_inputs, tiles in ((1, ((4, 4), (4, 3), (4, 5))), (2, ((2, 2),))):
        plan = replace(
            SHORT,
            network=replace(SHORT.network, thresholds=(4,), targets="all"),
            pruning=PruningPlan(keep=(0.5,), steps=2),
            tables=TablesPlan(inputs=4, weight_inputs=weight_inputs, tiles=tiles),
        )
        digest, fitted, told = train(digits, plan, tmp_path, resume=True)
        assert len(fitted.history) == plan.epochs
        assert told[-1].synapses > told[-1].tables > 0
        again, _, found = train(digits, plan, tmp_path, resume=True)
        assert again == digest and all(measured.reused for measured in found)


def test_tiles_that_do_not_divide_are_named(digits: Dataset) -> None:
    def built(**tables: Any) -> None:
        replace(SHORT, tables=TablesPlan(inputs=4, **tables)).build(digits)

    with pytest.raises(
        TrainingError, match="tiles of layer 2: 5 tiles do not divide its 12 inputs; use one of 1, 2, 3, 4, 6"
    ):
        built(weight_inputs=1, tiles=((5, 2),))
    with pytest.raises(
        TrainingError, match="tiles of layer 3: 4 tiles do not divide its 10 outputs; use one of 1, 2, 5, 10"
    ):
        built(weight_inputs=1, tiles=((4, 4),))
    with pytest.raises(
        TrainingError, match="tiles: 3 pairs for the 2 target layers 2, 3; give one for each, or one for all"
    ):
        built(weight_inputs=1, tiles=((1, 1), (1, 1), (1, 1)))
    with pytest.raises(TrainingError, match="weight_inputs: 4 of 4 inputs; at least one input must be an activation"):
        built(weight_inputs=4)
    with pytest.raises(TrainingError, match=r"wiring 'learned', removed 0\.0; tiled tables are wired"):
        built(weight_inputs=1, wiring="learned")
