# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge bits` on a trained network, and what it says on mistakes."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from lutforge.cli_bits import bits
from lutforge.errors import InputError, TrainingError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas warns about optional packages
    from lutforge.training import bit_widths
    from lutforge.training.recipe import Run, follow, recipe_named

RECIPE = """
kind = "deep"
about = "a test"
dataset = "digits"
network = "resnet18"
width = 0.0625
epochs = 1
shift = 0
flip = false
"""


def asked(recipe: object, out: Path, **given: object) -> None:
    """What typer calls; it fills in what is not given."""
    plain = {"data": None, "limit": 30, "seed": 0, "plot": None, "as_json": True}
    bits(str(recipe), out, **{**plain, **given})  # type: ignore[arg-type]  # of many types in one dict


def test_bits_of_a_trained_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bit_widths, "ALL_WEIGHT_BITS", (2, 8))
    monkeypatch.setattr(bit_widths, "ALL_ACTIVATION_BITS", (3, 5, 8))
    (tmp_path / "mine.toml").write_text(RECIPE)
    with pytest.raises(TrainingError, match=r"floating\.pt: no such file\. Train the recipe first, with this folder"):
        asked(tmp_path / "mine.toml", tmp_path)
    trained = follow(recipe_named(str(tmp_path / "mine.toml")), run=Run(folder=tmp_path / "mine"))
    asked(tmp_path / "mine.toml", tmp_path, limit=10_000, plot=tmp_path / "map.png")
    said = json.loads(capsys.readouterr().out)
    assert said["images"] == len(trained.data.test_images)
    assert (said["weight_bits"], said["activation_bits"]) == ([2, 8], [3, 5, 8])
    assert [len(row) for row in said["accuracy_percent"]] == [3, 3]
    assert said["accuracy_percent"][1][2] == pytest.approx(100 * trained.report.frozen_accuracy, abs=0.01)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="recipe lutnet_digits is of kind lutnet; bits are varied in recipes of kind"):
        asked("lutnet_digits", tmp_path)
