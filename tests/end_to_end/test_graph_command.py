# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A network that forks on the command line: its depths are shown, all executors agree, a stream too shallow is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lutforge

sys.path.insert(0, str(Path(__file__).parents[1] / "hls"))
from graph_networks import gathering_graph


def command(*words):
    program = [sys.executable, "-m", "lutforge.cli", *map(str, words)]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("graph")
    network = gathering_graph()
    lutforge.save(network, root / "net.npz")
    images = np.random.default_rng(3).integers(0, 16, (12, *network.input.shape), dtype=np.uint8)
    np.savez(root / "images.npz", images=images, labels=np.zeros(12, dtype=int))
    return root


def test_depths_come_from_the_schedule_and_are_shown(folder):
    made = command("generate", folder / "net.npz", "--schedule", "1x1", "-o", folder / "overlay", "--json")
    assert made.returncode == 0, made.stderr
    depths = json.loads(made.stdout)["depths"]
    assert set(depths) == {"pixel.output1"} and depths["pixel.output1"] > 2
    assert f"streams that are not 2 beats deep: pixel.output1 {depths['pixel.output1']}" in made.stderr
    plan = json.loads((folder / "overlay" / "schedule.json").read_text())
    assert plan["depths"] == depths
    plan["depths"]["pixel.output1"] -= 1
    (folder / "shallow.json").write_text(json.dumps(plan))
    refused = command("generate", folder / "net.npz", "--schedule", folder / "shallow.json", "-o", folder / "other")
    wanted = f"pixel.output1 into sum has depth {depths['pixel.output1'] - 1} and needs {depths['pixel.output1']}"
    assert refused.returncode == 2 and wanted in " ".join(refused.stderr.split())


def test_every_executor_answers_alike(folder):
    names = "torch,reference,fast,csim,rtl,device,device-csim,device-rtl"
    words = ["--images", folder / "images.npz", "--schedule", "1x1", "--executors", names]
    done = command("check", folder / "net.npz", *words)
    assert done.returncode == 0, done.stderr
    assert "all 8 executors answer all 12 images with equal integers" in " ".join(
        done.stderr.split() + done.stdout.split()
    )
