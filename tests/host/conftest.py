# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Overlay folders of small random networks, made without the generator so that the driver is tested alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from lutforge.hls.hwh import PROCESSING_SYSTEMS, hwh_text
from lutforge.manifest import BIT, HWH, MANIFEST, NETWORK, Manifest, to_json
from lutforge.network import Network, Node
from lutforge.operations import ArgMax, Input, TableMac
from lutforge.store import save

ARCHITECTURES = {"processing_system7": "armv7l", "zynq_ultra_ps_e": "aarch64"}


@pytest.fixture
def make_network() -> Callable[..., Network]:
    """Return a maker of dense classifiers with random weights over inputs of a shape and range."""

    def make(seed: int = 0, shape: Any = (11,), low: int = 0, high: int = 255, classes: int = 3) -> Network:
        draw = np.random.default_rng(seed)
        weights = draw.integers(-100, 100, (classes, shape[-1]), dtype=np.int16)
        dense = TableMac(weights, draw.integers(-500, 500, classes))
        nodes = (
            Node("image", Input(shape, low, high)),
            Node("fc1", dense, ("image",)),
            Node("head", ArgMax(), ("fc1",)),
        )
        return Network(f"random_{seed}", nodes)

    return make


@pytest.fixture
def make_images() -> Callable[..., Any]:
    """Return a maker of random images within a network's input bounds: int64 [count, *shape]."""

    def make(network: Network, count: int, seed: int = 7) -> Any:
        kind = network.input
        return np.random.default_rng(seed).integers(kind.low, kind.high + 1, (count, *kind.shape))

    return make


@pytest.fixture
def make_overlay(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of overlay folders: the four files, no kernel.so. Options replace manifest fields."""

    def make(network: Network, name: str = "overlay", **options: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        facts = {"processing_system": "processing_system7", "clock_mhz": 100.0, "beat_bits": 64, "dma_length_bits": 26}
        facts.update({key: value for key, value in options.items() if key in facts})
        manifest = Manifest(
            name=network.name,
            network_sha256=save(network, folder / NETWORK),
            board="pynq_z2",
            arch=ARCHITECTURES[facts["processing_system"]],
            input=network.input,
            classes=network.classes,
            output="logits",
            interval_cycles=12,
            emulated=True,
            trace=(),
            lutforge="0.1.0",
            **facts,
        )
        manifest = dataclasses.replace(manifest, **options)
        (folder / MANIFEST).write_text(to_json(manifest))
        (folder / HWH).write_text(hwh_text(**facts))
        (folder / BIT).write_bytes(b"placeholder")
        assert manifest.processing_system in PROCESSING_SYSTEMS
        return folder

    return make
