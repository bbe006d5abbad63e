# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge multipliers`, `mix` and `costs` as a user runs them: files, JSON, going on, and mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lutforge
from lutforge.multipliers import Approximate
from lutforge.network import Network, Node
from lutforge.operations import ArgMax, Input, Rescale, TableMac


def command(*words):
    return subprocess.run(
        [sys.executable, "-m", "lutforge.cli", *map(str, words)], capture_output=True, text=True, check=False
    )


def good(*words):
    run = command(*words, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network of three layers, and images labelled with its own answers but for some that are wrong."""
    made = tmp_path_factory.mktemp("mix")
    rng = np.random.default_rng(0)

    def mac(outputs, fan_in):
        return TableMac(rng.integers(-120, 121, (outputs, fan_in)), rng.integers(-99, 99, outputs))

    scale = Rescale(np.array([1]), np.array([7]), 0, 255)
    nodes = [Node("x", Input((12,), 0, 255)), Node("fc1", mac(16, 12), ("x",)), Node("s1", scale, ("fc1",))]
    nodes += [Node("fc2", mac(16, 16), ("s1",)), Node("s2", scale, ("fc2",)), Node("fc3", mac(5, 16), ("s2",))]
    network = Network("three", (*nodes, Node("answer", ArgMax(), ("fc3",))))
    images = rng.integers(0, 256, (300, 12), dtype=np.uint8)
    labels = lutforge.run(network, images).argmax(axis=-1)
    labels[:20] = (labels[:20] + 1) % 5
    lutforge.save(network, made / "net.npz")
    np.savez(made / "images.npz", images=images, labels=labels)
    np.savez(made / "bare.npz", images=images)
    return made


def test_multipliers(tmp_path):
    said = good("multipliers", "--weight-bits", 9, "--natural", "--surfaces", tmp_path / "errors.png")
    rows = {row["name"]: row for row in said["multipliers"]}
    assert rows["conventional"]["transistors"] == 52_122  # 4,352 SRAM cells and 4,335 multiplexers of six
    assert rows["digits of 2 bits, W and 3W"]["cells"] == {"SRAM": 20, "MUX2": 132, "FA": 24, "HA": 9, "AND2": 0}
    assert rows["round to 5 bits"]["largest"] == 1792 and rows["array multiplier"]["largest"] == 0
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")
    run = command("multipliers", "--activation-bits", 3)
    assert run.returncode == 0 and "3-bit activations times 8-bit weights" in run.stdout
    assert command("multipliers", "--weight-bits", 10).returncode == 2


@pytest.mark.parametrize("objective", ["transistors", "lut6", pytest.param("energy", marks=pytest.mark.slow)])
def test_mix_within_a_loss(folder, tmp_path, objective):
    words = ["mix", folder / "net.npz", "--images", folder / "images.npz", "--objective", objective, "--loss", 2]
    words += ["--log", tmp_path / "log.jsonl", "-o", tmp_path / "mixed.npz", "--plot", tmp_path / "front.png"]
    said = good(*words, "--exchanges", 10)
    assert said["exact"]["accuracy_percent"] == pytest.approx(100 * 280 / 300, abs=1e-3)
    assert said["mix"]["accuracy_percent"] >= said["exact"]["accuracy_percent"] - 2
    assert said["mix"]["price"] < said["exact"]["price"] < said["yardsticks"]["conventional tables"]
    mixed = lutforge.load(tmp_path / "mixed.npz")
    assert any(isinstance(mixed.node(name).op.multiplier, Approximate) for name in ("fc1", "fc2", "fc3"))
    with np.load(folder / "images.npz") as file:
        right = (lutforge.run(mixed, file["images"]).argmax(axis=-1) == file["labels"]).mean()
    assert 100 * right == pytest.approx(said["mix"]["accuracy_percent"], abs=1e-3)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert len(lines) == said["measured_mixes"]
    assert good(*words, "--exchanges", 10)["mix"] == said["mix"]
    assert (tmp_path / "log.jsonl").read_text().splitlines() == lines  # nothing is measured twice
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")


def test_mix_within_a_price(folder):
    words = ["mix", folder / "net.npz", "--images", folder / "images.npz"]
    exact = good(*words, "--loss", 0, "--exchanges", 0)["exact"]["price"]
    said = good(*words, "--price", 0.6 * exact, "--exchanges", 5)
    assert said["mix"]["price"] <= 0.6 * exact
    run = command(*words, "--loss", 1, "--exchanges", 0)
    text = " ".join(run.stderr.split())
    assert run.returncode == 0 and "times less" in text and "with array multipliers" in text


def test_costs(folder, tmp_path):
    words = ["--images", folder / "images.npz", "--limit", 50]
    good("mix", folder / "net.npz", *words, "--exchanges", 0, "--loss", 5, "-o", tmp_path / "mixed.npz")
    said = good("costs", folder / "net.npz", "--mix", tmp_path / "mixed.npz", *words)
    assert {name: model["kind"] for name, model in said["models"].items()} == {
        "transistors": "counted",
        "lut6": "estimated",
        "energy": "estimated",
    }
    forms = {form["form"]: form for form in said["forms"]}
    conventional, mixed = forms["conventional tables"]["prices"], forms["mix (mixed.npz)"]
    assert mixed["times_less_than"]["conventional tables"]["energy"] == pytest.approx(
        conventional["energy"] / mixed["prices"]["energy"],
        rel=1e-3,  # both are rounded
    )
    assert mixed["times_less_than"]["array multipliers"]["transistors"] > 1.3
    assert said["images"] == "50 images of images.npz"
    run = command("costs", folder / "net.npz")
    assert run.returncode == 0 and "published, exact" in run.stdout and "1.35-2.14" in run.stdout
    assert "energy: left out; it wants activations, name images" in " ".join(run.stderr.split())
    for other, message in (
        (folder / "none.npz", "none.npz: no such file"),
        (tmp_path / "less.npz", "layer fc3 of three"),
    ):
        less = lutforge.load(folder / "net.npz")
        lutforge.save(Network("less", less.nodes[:5]), tmp_path / "less.npz")
        run = command("costs", folder / "net.npz", "--mix", other)
        assert run.returncode == 2 and message in " ".join(run.stderr.split())


@pytest.mark.yosys
def test_costs_in_standard_cells(tmp_path):
    """Of four bits, since yosys takes long for a table of 256 products; the library is invented."""
    library = Path(__file__).parents[1] / "invented_cells.lib"
    nodes = (Node("x", Input((3,), 0, 15)), Node("fc", TableMac([[5, 0, -7]], [0]), ("x",)))
    lutforge.save(Network("small", nodes), tmp_path / "net.npz")
    said = good("costs", tmp_path / "net.npz", "--liberty", library)
    assert said["models"]["liberty"]["kind"] == "synthesised" and library.name in said["models"]["liberty"]["label"]
    prices = {form["form"]: form["prices"]["liberty"] for form in said["forms"]}
    assert prices["conventional tables"] > prices["digits of 2"] > prices["digits of 2, W and 3W"] > 2 * 9 * 10
    run = command("costs", tmp_path / "net.npz", "--liberty", tmp_path / "net.npz")
    assert run.returncode == 2 and "net.npz: not text" in run.stderr


def test_mistakes(folder, tmp_path, in_process):
    other = Network("none", (Node("x", Input((12,), 0, 255)), Node("y", Rescale([1], [1], 0, 9), ("x",))))
    lutforge.save(other, tmp_path / "other.npz")
    net, images = folder / "net.npz", ["--images", folder / "images.npz"]
    for words, message in (
        ([net, "--images", folder / "bare.npz"], "it has no `labels`, and accuracy cannot be measured without"),
        ([net], "say where the images are: either --images FILE.npz or --dataset NAME"),
        (
            [net, *images, "--objective", "area"],
            "cost model 'area' is unknown; use one of transistors, lut6, liberty, energy",
        ),
        ([net, *images, "--objective", "liberty"], "cost model 'liberty' wants standard cells; name their file with"),
        ([net, *images, "--liberty", tmp_path / "none.lib"], "none.lib: no such file; --liberty wants the .lib file"),
        ([net, *images, "--price", 10], "no mix costs 10: the cheapest options of all layers cost"),
        ([tmp_path / "none.npz", *images], "none.npz: no such file"),
        ([tmp_path / "other.npz", *images], "network none has no table multiplications, so there is nothing to mix"),
    ):
        run = in_process("mix", *words)
        assert run.returncode == 2 and message in " ".join(run.stderr.split()), run.stderr
    log = tmp_path / "log.jsonl"
    log.write_text('{"key": "another", "mix": [0, 0, 0], "right": 3}\n')
    run = in_process("mix", net, *images, "--log", log)
    assert run.returncode == 2 and "line 1: measured for another, this search is" in " ".join(run.stderr.split())
