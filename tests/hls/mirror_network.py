# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The network of mirror_top.v, and an overlay folder with that Verilog: what the emitter is not needed for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lutforge.boards import load_board
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.rtlsim import write_rtl
from lutforge.network import Network, Node
from lutforge.operations import Input, TableMac
from lutforge.rtl import Probe, RtlDesign
from lutforge.schedule import Folded, Schedule

TOP = Path(__file__).with_name("mirror_top.v")
LIBRARY = Path(__file__).parents[2] / "hls" / "rtl"
PROBES = (Probe("x", (16,), 1, 8, False), Probe("mirror", (16,), 1, 9, False))


def mirror_network(name: str = "mirror_net") -> Network:
    """y[i] = x[i] + x[15 - i], written as a table layer."""
    weights = np.eye(16, dtype=int) + np.eye(16, dtype=int)[::-1]
    return Network(name, (Node("x", Input((16,))), Node("mirror", TableMac(weights, np.zeros(16, dtype=int)), ("x",))))


def mirror_design(depth: int = 16) -> RtlDesign:
    """depth: of the short branch; sixteen are enough. A memory that nothing reads is there to be counted."""
    top = TOP.read_text().replace("localparam DEPTH = 16", f"localparam DEPTH = {depth}")
    texts = {
        f"rtl/lutforge/{name}.v": (LIBRARY / f"{name}.v").read_text()
        for name in ("stream", "joins", "folded", "control", "carry", "compare", "answers")
    }
    texts |= {"rtl/lutforge_top.v": top, "mem/spare.weights.mem": "// two words\n0f\na0\n"}
    return RtlDesign("lutforge_top", texts, (), PROBES)


def mirror_overlay(folder: Path, depth: int = 16) -> Path:
    """Write the overlay folder, Verilog included; nothing is compiled."""
    network = mirror_network()
    texts = generate(network, Schedule({"mirror": Folded(1, 1)}), load_board("pynq_z2"))
    write_overlay(folder, network, texts)
    write_rtl(folder, mirror_design(depth), network)
    return folder
