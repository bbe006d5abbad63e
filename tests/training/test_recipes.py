# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Recipe files: all shipped ones are sound, and what is wrong in one is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from lutforge.errors import TrainingError
from lutforge.training.recipe import checked_device, parse_recipe, recipe_named, recipes
from lutforge.training.recipe_file import shipped_recipes

GOOD = """
kind = "lutnet"
about = "a test"
dataset = "digits"
[network]
hidden = [8, 8]
[pruning]
keep = [0.5]
[tables]
inputs = 4
[steps]
dense = { epochs = 1 }
"""


def test_shipped_recipes_are_sound() -> None:
    wanted = {"lfc_mnist", "lfc_digits", "cnv_cifar10", "cnv_cifar10_half", "lutnet_mnist", "lutnet_digits"}
    assert wanted <= set(shipped_recipes())
    for recipe in recipes():
        assert recipe.epochs > 0 and recipe.about and recipe.kind


def test_a_recipe_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    recipe = recipe_named(str(path))
    assert (recipe.name, recipe.dataset, recipe.epochs) == ("mine", "digits", 1)
    assert recipe.plan.network.hidden == (8, 8) and recipe.plan.tables.wiring == "recover"
    with pytest.raises(TrainingError, match=r"recipe .*none\.toml: cannot be read \(FileNotFoundError"):
        recipe_named(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("inputs = 4", "imputs = 4", "recipe r, tables: 'imputs' is no key of it; did you mean 'inputs'?"),
        ("[tables]", "[tabels]", "recipe r: 'tabels' is no key of it; did you mean 'tables'?"),
        ("inputs = 4", "colour = 4", "recipe r, tables: 'colour' is no key of it; known are inputs, wiring, form"),
        ("inputs = 4", "inputs = 7", r"tables, inputs: 7; a table has 2\.\.6, and 0 leaves the layers binary"),
        ("inputs = 4", "inputs = 1", r"tables, inputs: 1; a table has 2\.\.6"),
        ("inputs = 4", "inputs = 4.0", r"recipe r, tables, inputs: 4\.0 given; a whole number is wanted"),
        ("inputs = 4", "inputs = true", "recipe r, tables, inputs: True given; a whole number is wanted"),
        ("inputs = 4", 'wiring = "any"', "tables, wiring: 'any' is unknown; use one of random, recover, correlation"),
        ("inputs = 4", 'form = "any"', "tables, form: 'any' is unknown; use one of lagrange, walsh"),
        (
            "inputs = 4",
            'gathered = true\nwiring = "learned"',
            "gathered with wiring 'learned', shared false, weight_inputs 0; gathered tables read the surviving synapses",
        ),
        ("inputs = 4", 'wiring = "learned"', "wiring: 'learned' with steps, wire: epochs 0; nothing would be learned"),
        ("inputs = 4", "removed = 1.0", r"tables: removed 1\.0 must lie in 0\.\.1 without 1"),
        ("keep = [0.5]", "", "recipe r, pruning: keep must be given"),
        ("keep = [0.5]", "keep = 0.5", r"recipe r, pruning, keep: 0\.5 given; a list of a number is wanted"),
        ("keep = [0.5]", "keep = [0.5]\nfan_in = [1]", r"fan_in: \[1\] given; a list of 2 times a number is wanted"),
        ("hidden = [8, 8]", 'conv = ["pool"]', "network, conv: a 'pool' follows a convolution"),
        ("hidden = [8, 8]", 'conv = [4, "norm"]', "network, conv: 'norm'; numbers of outputs and 'pool' are known"),
        ("hidden = [8, 8]", "width = 0", r"network, width: 0\.0; it must be above 0"),
        (
            "dense = { epochs = 1 }",
            "dense = 1",
            "recipe r, steps, dense: a table of epochs, learning_rate, weight_decay is",
        ),
        ('kind = "lutnet"', 'kind = "mlp"', "recipe r: kind 'mlp' is unknown; use one of lutnet, lut_classifier"),
        ('dataset = "digits"', "", 'recipe r: dataset = "..." must be given'),
        ("[network]", "[network", r"recipe r: not TOML \("),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(TrainingError, match=message):
        recipe = parse_recipe("r", GOOD.replace(old, new))
        recipe.plan.layers(10)


def test_a_device_that_is_not_there() -> None:
    assert checked_device("cpu") == "cpu"
    with pytest.raises(TrainingError, match=r"device 'cuda:99': torch cannot use it here \(.*\)\. Use --device cpu"):
        checked_device("cuda:99")
