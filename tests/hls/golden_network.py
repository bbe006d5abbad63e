# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The network whose generated text is committed, small enough to read; and how to make the text."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Tuple

import numpy as np

from lutforge.boards import load_board
from lutforge.hls.generator import generate, library
from lutforge.multipliers import Digital
from lutforge.network import Network, Node
from lutforge.operations import (
    Affine,
    ArgMax,
    BinaryMac,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    Reshape,
    TableMac,
    Threshold,
    TiledLutNeurons,
    Window,
)
from lutforge.schedule import Folded, Schedule, Unrolled

FOLDER = Path(__file__).parents[1] / "golden" / "hls"


def golden_design() -> Tuple[Network, Schedule]:
    """Every operation once, folded and unrolled."""
    rng = np.random.default_rng(2026)
    nodes = [Node("image", Input((4, 4, 1), 0, 15))]

    def add(name, op):
        nodes.append(Node(name, op, (nodes[-1].name,)))

    add("window", Window((2, 2), (1, 1), (0, 1, 0, 1), 0))
    add("conv", TableMac(rng.integers(-8, 8, (2, 4)), np.array([3, -3])))
    add("scale", Rescale(np.array([1]), np.array([2, 3])[:1], 0, 15))
    add("pool", MaxPool((2, 2), (2, 2)))
    add("flat", Reshape((8,)))
    add("encode", Encode(np.array([[3, 9]])))
    add("tiled", tiled_layer())
    add("bits", Threshold(np.array([[2]])))
    wiring = np.stack([rng.choice(16, 3, replace=False) for _ in range(6)])
    add(
        "luts",
        LutNeurons(3, 16, 1, wiring, np.array([0, 0, 1, 1, 2, 2]), np.array([2, 1] * 3), rng.integers(0, 2, (6, 8))),
    )
    add("code", Threshold(np.array([[0, 1, 2]])))
    add("binary", BinaryMac(np.array([[1, -1, 1], [0, 1, -1]]), (2, 1)))
    add("fixed", TableMac(np.array([[7, -5], [3, 1]]), np.array([0, 1])))
    add("soft", TableMac(np.array([[1, 2], [-2, 1]]), np.array([0, 0]), Digital()))
    add("logits", Affine(np.array([3, 2]), np.array([-7, 1])))
    add("answer", ArgMax())
    schedule = Schedule(
        {"conv": Folded(1, 2), "luts": Unrolled(), "binary": Folded(2, 1), "fixed": Unrolled(), "soft": Folded(1, 2)},
        {"conv": 16},
    )
    return Network("golden", tuple(nodes)), schedule


def tiled_layer() -> TiledLutNeurons:
    """16 bits to 16 sums in 4 x 2 tiles: five tables of two activations and two weight bits."""
    rng = np.random.default_rng(7)
    wiring = np.stack([rng.choice(8, 2, replace=False) for _ in range(5)])
    weights = rng.integers(0, 4, (4, 2, 5))
    return TiledLutNeurons(16, 16, (1,), wiring, np.array([0, 1, 1, 2, 3]), rng.integers(0, 2, (5, 16)), weights)


def golden_texts() -> Dict[str, str]:
    """Every generated file but the static C++, by path."""
    texts = generate(*golden_design(), load_board("pynq_z2"), "both")
    return {path: text for path, text in texts.items() if path.removeprefix("src/") not in library()}
