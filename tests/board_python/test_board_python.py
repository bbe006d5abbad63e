# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What a board needs: core and host import and run on Python 3.10 with numpy 1.21 and nothing else.

CI runs this folder in such an environment; here it runs in any.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lutforge
import lutforge.host
from lutforge import reference, streams

GOLDEN = Path(__file__).parents[1] / "golden"
DESKTOP = ("cli", "report")
HEAVY = ("torch", "brevitas", "typer", "rich", "jinja2", "matplotlib", "pynq")


def core_modules():
    names = [module.name for module in pkgutil.iter_modules(lutforge.__path__) if not module.ispkg]
    return [name for name in names if name.split("_")[0] not in DESKTOP]


def test_core_and_host_import_with_numpy_alone():
    """In a process of its own in which every heavy package is missing."""
    host = [f"host.{module.name}" for module in pkgutil.iter_modules(lutforge.host.__path__)]
    needs_pynq = {"host.emulated"}
    names = [f"lutforge.{name}" for name in [*core_modules(), *host] if name not in needs_pynq]
    assert len(names) > 20
    code = (
        f"import sys, importlib\nfor name in {HEAVY!r}: sys.modules[name] = None\n"
        f"for name in {names!r}: importlib.import_module(name)\nprint('imported', len({names!r}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == f"imported {len(names)}"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.npz")), ids=lambda path: path.stem)
def test_a_trained_network_runs(path):
    network = lutforge.load(path)
    images = np.random.default_rng(0).integers(network.input.low, network.input.high + 1, (3, *network.input.shape))
    logits = lutforge.run(network, images)
    assert logits.shape == (3, 10) and logits.dtype == np.int64
    traced = reference.trace(network, images)
    assert np.array_equal(traced[network.output.name].reshape(3, 10), logits)
    for name, values in traced.items():
        assert network.types[name].low <= values.min() and values.max() <= network.types[name].high
    stream = streams.input_stream(network.input, 64)
    assert np.array_equal(stream.unpack(stream.pack(images)).reshape(images.shape), images)


def test_save_and_load(tmp_path):
    network = lutforge.load(next(iter(sorted(GOLDEN.glob("*.npz")))))
    assert lutforge.save(network, tmp_path / "again.npz") == lutforge.digest(network)
    assert lutforge.load(tmp_path / "again.npz") == network


def test_an_overlay_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(lutforge.LutforgeError, match=r"manifest.json: no such file"):
        lutforge.host.Accelerator.open(tmp_path)
