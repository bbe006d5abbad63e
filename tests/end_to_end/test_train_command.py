# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge train`: steps that are told, kept and shared, and what it says on mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
RECIPE = """
kind = "lutnet"
about = "a test"
dataset = "digits"
[network]
hidden = [10]
thresholds = [7]
targets = "all"
[pruning]
keep = [0.3]
steps = 1
[tables]
inputs = 3
removed = 0.3
shrinkings = 1
[steps]
dense = { epochs = 2 }
retrain = { epochs = 1 }
binary = { epochs = 2 }
"""


def lutforge(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lutforge.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe, and what its training left."""
    folder = tmp_path_factory.mktemp("train")
    (folder / "mine.toml").write_text(RECIPE)
    run = lutforge("train", "--recipe", folder / "mine.toml", "-o", folder / "out", "--json")
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert said["recipe"] == "mine" and Path(said["frozen"]).is_file() and Path(said["images"]).is_file()
    told = " ".join(run.stderr.split())
    assert "dense: 2 epochs" in told and "shrink1: 0 epochs" in told and "tables of 2." in told
    return folder


def test_each_step_leaves_a_checkpoint_and_a_line(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "out/mine/steps.jsonl").read_text().splitlines()]
    names = ["dense", "prune1", "retrain", "expand", "real", "shrink1", "binary", "settle"]
    assert [line["step"] for line in lines] == names
    assert [line["epochs"] for line in lines] == [2, 0, 1, 0, 0, 0, 2, 0]
    for line in lines:
        assert (folder / "out/steps" / f"{line['step']}-{line['key'][:16]}.pt").is_file()
    assert lines[-1]["inputs"] < lines[3]["inputs"] and lines[3]["tables"] > 0


def test_another_recipe_begins_where_it_differs(folder: Path) -> None:
    (folder / "wider.toml").write_text(RECIPE.replace("inputs = 3", "inputs = 4"))
    run = lutforge("train", folder / "wider.toml", "--from", "expand", "-o", folder / "out", "--json")
    assert run.returncode == 0, run.stderr
    told = " ".join(run.stderr.split())
    assert "retrain: found" in told and "expand: 0 epochs" in told and "binary: 2 epochs" in told


@pytest.mark.parametrize(
    ("recipe", "words", "message"),
    [
        (
            RECIPE,
            ["--from", "wire"],
            "step 'wire': this recipe has dense, prune, retrain, expand, real, shrink, binary",
        ),
        (
            RECIPE.replace("epochs = 1", "epochs = 3"),
            ["--from", "binary"],
            "is of another recipe: retrain, epochs 1, here 3",
        ),
        (RECIPE.replace("hidden", "hiden"), [], "'hiden' is no key of it; did you mean 'hidden'?"),
        (RECIPE.replace("inputs = 3", "inputs = 9"), [], "tables, inputs: 9; a table has 2..6"),
        (
            RECIPE.replace("inputs = 3", "inputs = 3\nweight_inputs = 3").replace("removed = 0.3", ""),
            [],
            "weight_inputs: 3 of 3",
        ),
        (
            RECIPE.replace("inputs = 3", "inputs = 3\nweight_inputs = 1\ntiles = [[7, 5]]").replace(
                "removed = 0.3", ""
            ),
            [],
            "tiles of layer 1: 7 tiles do not divide its 64 inputs; use one of 1, 2, 4, 8, 16, 32, 64",
        ),
        (RECIPE, ["--device", "cuda:77"], "device 'cuda:77': torch cannot use it here"),
    ],
)
def test_mistakes(folder: Path, recipe: str, words: list[str], message: str, in_process: Command) -> None:
    path = folder / "wrong.toml"
    path.write_text(recipe)
    run = in_process("train", path, *words, "-o", folder / "out")
    assert run.returncode == 2
    assert message in " ".join(run.stderr.split())
