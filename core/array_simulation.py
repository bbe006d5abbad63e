# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Run a compiled simulation of the programmable array's Verilog: beats of programs in, beats of answers out.

The simulation is a program of its own, which counts cycles and stops with a message when nothing moves any more.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np

from lutforge.array_cycles import Clock
from lutforge.array_geometry import Geometry
from lutforge.array_words import Words, answer_beats, decode
from lutforge.errors import DeviceError, DeviceTimeout, OverlayError
from lutforge.performance import SimulationStats, read_stats
from lutforge.rtl_folder import SIMULATORS, stamp_path
from lutforge.rtl_kernel import FLOWING, GRACE_S, SLOWEST_HZ, Stalls

WATCHDOG_CYCLES = 200_000
"""A pass moves no beat for up to 2**16 cycles."""


EXECUTABLE = SIMULATORS["verilator"]
"""Below the folder of an array."""


class ArraySimulation:
    """A compiled simulation; `stats` are of the last call."""

    def __init__(self, executable: Path, geometry: Geometry, stalls: Stalls = FLOWING):
        self.executable, self.geometry, self.stalls = executable, geometry, stalls
        self.stats: Optional[SimulationStats] = None

    def run(self, programs: Sequence[Words]) -> List[Words]:
        """Return the beats that each program answers, run one after the other without a reset between them."""
        runs = [(len(words), answer_beats(words, self.geometry)) for words in programs]
        with tempfile.TemporaryDirectory(prefix="lutforge-") as folder:
            answers = self._simulate(Path(folder), programs, runs)
        ends = np.cumsum([count for _, count in runs])
        if len(answers) != ends[-1]:
            raise DeviceError(
                f"{self._title}: {len(answers)} beats were answered; {ends[-1]} are wanted. Compile it again"
            )
        return np.split(answers, ends[:-1])

    @property
    def _title(self) -> str:
        return f"RTL simulation of an array of {self.geometry.pe} x {self.geometry.simd}"

    def _simulate(self, folder: Path, programs: Sequence[Words], runs: List[Tuple[int, int]]) -> Words:
        np.concatenate(programs).astype("<u8").tofile(folder / "in.bin")
        (folder / "runs.txt").write_text("".join(f"{beats} {answers}\n" for beats, answers in runs))
        command = [str(self.executable.resolve()), "--images", str(sum(beats for beats, _ in runs))]
        command += ["--runs", "runs.txt", "--in", "in.bin", "--out", "out.bin", "--stats", "stats.json"]
        command += ["--watchdog", str(WATCHDOG_CYCLES)]
        chosen = {"seed": self.stalls.seed, "in": self.stalls.source, "out": self.stalls.sink}
        command += [word for name, value in chosen.items() for word in (f"--stall-{name}", str(value))]
        deadline_s = self._deadline_s(programs)
        try:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline_s
            )
        except OSError as error:
            raise DeviceError(f"{self._title}: {self.executable} cannot be run ({error}). Compile it again") from error
        except subprocess.TimeoutExpired as error:
            raise DeviceTimeout(f"{self._title}: waited {deadline_s:.0f} s for {len(programs)} programs") from error
        if done.returncode:
            raise DeviceError(f"{self._title}: {done.stderr.strip()[-400:] or f'it ended with {done.returncode}'}")
        self.stats = read_stats(json.loads((folder / "stats.json").read_text()))
        return np.fromfile(folder / "out.bin", dtype=np.dtype("<u8"))

    def _deadline_s(self, programs: Sequence[Words]) -> float:
        """Seconds after which a simulation is given up: a slow one's, stalls included."""
        cycles = 0
        for words in programs:
            clock = Clock(self.geometry)
            for command, beats in decode(words, self.geometry):
                clock.run(command, beats)
            cycles += clock.engine
        flowing = (100 - self.stalls.source) * (100 - self.stalls.sink) / 10_000
        return GRACE_S + cycles / flowing / SLOWEST_HZ


def find_simulation(folder: Path, sources_sha256: str) -> Path:
    """Return the simulation of an array's folder; OverlayError if there is none, or one of other sizes."""
    path, stamp = folder / EXECUTABLE, stamp_path(folder, "verilator")
    if not path.is_file():
        raise OverlayError(f"{path}: no such file; `lutforge array run --kernel rtl` compiles the simulation")
    found = stamp.read_text(encoding="utf-8").strip() if stamp.is_file() else "unknown"
    if found != sources_sha256:
        raise OverlayError(
            f"{path}: made for sizes {found[:12]}, the manifest says {sources_sha256[:12]}; `lutforge array run "
            "--kernel rtl` compiles it again"
        )
    return path
