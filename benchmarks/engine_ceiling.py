# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The rate that one core cannot exceed, from what engine_ceiling.cpp measures on it.

A table costs the operations of three inputs that the engine's decomposer finds for it (on AVX2, without such an
operation, two at least for each), or one load from the first-level cache per input, whichever takes longer; inputs of
sums, of three or fewer, are taken to be in registers. Products of bytes cost their place in the widest multiply-and-add
there is. Images are read once, at the speed of reading a set of that size. Nothing else costs anything.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from lutforge.engine.build import FLAGS_VARIABLE, find_compiler
from lutforge.engine.program import Matmul, Netlist, Program

SOURCE = Path(__file__).with_name("engine_ceiling.cpp")
REGISTER_INPUTS, MEASUREMENTS = 3, 5


@dataclass(frozen=True)
class Core:
    """What was measured, per second. vector: bits of one operation or load."""

    binary: Path
    vector: int
    logic: float
    loads: float
    products: float

    def __str__(self) -> str:
        name = "vpternlogd" if self.vector == 512 else "vpxor"
        return (
            f"{self.vector}-bit {name} {self.logic / 1e9:.2f} G/s, loads {self.loads / 1e9:.2f} G/s, "
            f"multiply-and-adds of bytes {self.products / 1e9:.0f} G/s"
        )

    def read_rate(self, size: int) -> float:
        """Return the bytes per second at which a set of `size` bytes is read again and again."""
        return float(_run(self.binary, [size, 0])[0])

    def operations(self, tables: List[int]) -> np.ndarray:
        """Return the operations of three inputs of each table of six."""
        found = _run(self.binary, [0, *tables])
        return np.array(found, dtype=float) * (1 if self.vector == 512 else 2)

    def ceiling(self, program: Program, image_bytes: int = 0, set_bytes: int = 0) -> Optional[float]:
        """Return images per second at most. set_bytes: of all images that are gone through."""
        seconds = 0.0
        for stage in program.stages:
            if isinstance(stage, Netlist):
                logic = self.operations(stage.tables.tolist()).sum() / self.logic
                inputs = (stage.sources >= 0).sum(axis=1)
                loads = inputs[inputs > REGISTER_INPUTS].sum() / self.loads
                seconds += stage.positions[0] * stage.positions[1] * max(logic, loads) / self.vector
            elif isinstance(stage, Matmul):
                seconds += len(stage.passes) * stage.index.size * len(stage.bias) / self.products
        if image_bytes:
            seconds = max(seconds, image_bytes / self.read_rate(set_bytes))
        return 1 / seconds if seconds else None


_known: Dict[Tuple[int, ...], List[str]] = {}


def _run(binary: Path, numbers: List[int]) -> List[str]:
    key = tuple(numbers)
    if key not in _known:
        text = "\n".join(map(str, numbers)) + "\n"
        done = subprocess.run([str(binary)], input=text, capture_output=True, text=True, check=True, timeout=120)
        _known[key] = done.stdout.split()
    return _known[key]


def measured_core(folder: Path) -> Core:
    """Compile the measurement with the engine's flags and run it."""
    binary = folder / "ceiling"
    flags = ["-std=c++17", "-O2", "-march=native", *os.environ.get(FLAGS_VARIABLE, "").split()]
    headers = files("lutforge.engine") / "src"
    subprocess.run([find_compiler(), *flags, f"-I{headers}", str(SOURCE), "-o", str(binary)], check=True, timeout=120)
    found = []
    for _ in range(MEASUREMENTS):  # a neighbour on the computer disturbs some
        done = subprocess.run([str(binary), "rates"], capture_output=True, text=True, check=True, timeout=120)
        found.append([float(word) for word in done.stdout.split()])
    vector, logic, loads, products = np.max(found, axis=0).tolist()
    return Core(binary, int(vector), logic, loads, products)
