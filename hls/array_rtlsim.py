# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Compile the programmable array's Verilog to a simulation, for its overlay folder or for a test."""

from __future__ import annotations

from pathlib import Path

from lutforge.array_geometry import BEAT_BITS, Geometry
from lutforge.array_manifest import load_array
from lutforge.array_simulation import EXECUTABLE
from lutforge.hls import verilator
from lutforge.hls.array_rtl import generate_array_rtl
from lutforge.rtl_folder import RtlFacts, stamp_path
from lutforge.store import write_atomically


def build_array(geometry: Geometry, target: Path, *, quick: bool = False) -> None:
    """Compile the Verilog of an array with Verilator to the simulation executable `target`; see `verilator.build`."""
    design = generate_array_rtl(geometry)
    facts = RtlFacts("", "", design.top, BEAT_BITS, 1, 1, (), {}, tuple(sorted(design.texts)))
    verilator.build(design.texts, facts, target, quick=quick)


def compile_array_rtl(folder: Path | str, *, quick: bool = False) -> Path:
    """Compile the simulation of an array's overlay folder and return its path."""
    root = Path(folder)
    manifest = load_array(root)
    build_array(manifest.geometry, root / EXECUTABLE, quick=quick)
    write_atomically(stamp_path(root, "verilator"), f"{manifest.source_sha256}\n".encode())
    return root / EXECUTABLE
