# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The notebook: committed without outputs, and it runs from the first cell to the last on the emulated device."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

NOTEBOOK = Path(__file__).parents[2] / "host" / "notebooks" / "first_light.ipynb"


def test_no_outputs_are_committed():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.parametrize("with_images", [True, False])
def test_it_runs(make_network, make_overlay, make_images, monkeypatch, with_images):
    nbformat = pytest.importorskip("nbformat", reason="nbformat and nbclient (extra notebook) run the notebook")
    nbclient = pytest.importorskip("nbclient", reason="nbclient (extra notebook) runs the notebook")
    network = make_network(6, (16,) if with_images else (10,))
    folder = make_overlay(network, output="class" if with_images else "logits")
    if with_images:
        images = make_images(network, 20)
        np.savez(folder.parent / "images.npz", images=images, labels=np.zeros(20, np.int64))
    monkeypatch.setenv("LUTFORGE_OVERLAY", str(folder))
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    text = "".join(
        output.get("text", "") for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    )
    assert "answers come from: emulated: fast" in text
    if with_images:
        assert "20 images from images.npz" in text and "accuracy: " in text
    else:
        assert "64 random images" in text and "answers: [" in text
    assert "answers equal the emulation" in text and "images/s at batch" in text
