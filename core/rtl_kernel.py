# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Run a compiled simulation of an overlay folder's Verilog: bytes of the input stream in, bytes of the answers out.

The simulation is a program of its own. It counts cycles, sees back-pressure and stream depths, and stops with a
message when nothing moves any more; a deadline stands above it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import numpy.typing as npt

from lutforge.errors import DeviceError, DeviceTimeout, OverlayError
from lutforge.manifest import Manifest, load_manifest
from lutforge.performance import Performance, SimulationStats, performance, read_stats
from lutforge.rtl_folder import SIMULATORS, check_memories, find_simulator, load_facts

Bytes = npt.NDArray[np.uint8]
SLOWEST_HZ = 200
"""Cycles per second below which a simulation counts as hanging; large designs run some thousand."""

GRACE_S = 120.0


@dataclass(frozen=True)
class Stalls:
    """Random back-pressure: percent of cycles, 0..99, in which the source or the sink of beats holds back.

    seed: of the stalls, and, unless 0, of what registers hold before reset.
    """

    seed: int = 0
    source: int = 0
    sink: int = 0


FLOWING = Stalls()


class RtlKernel:
    """The simulated Verilog of one overlay; the interface of `kernel.Kernel`, and the cycles of the last run.

    simulator: 'verilator' or 'netlist', default the first that the folder holds. batch: images of one start of the
    design, default all.
    """

    def __init__(
        self,
        folder: Path | str,
        manifest: Optional[Manifest] = None,
        simulator: Optional[str] = None,
        stalls: Stalls = FLOWING,
        batch: Optional[int] = None,
    ):
        self.folder = Path(folder)
        self.manifest = manifest or load_manifest(folder)
        self.facts = load_facts(folder, self.manifest)
        self.simulator = find_simulator(folder, self.facts, simulator)
        check_memories(folder, self.facts)
        self._home = tempfile.TemporaryDirectory(prefix="lutforge-")
        # a copy, as of what is loaded: the folder's own gives way to another simulator's when that is made there
        self._program = Path(shutil.copy(self.folder / SIMULATORS[self.simulator], self._home.name))
        self.stalls, self.batch = stalls, batch
        self.last_stats: Optional[SimulationStats] = None

    @property
    def performance(self) -> Optional[Performance]:
        """Cycles of the last run and what they predict; None before the first."""
        return performance(self.manifest, self.simulator, self.last_stats) if self.last_stats else None

    def stream(self, data: Bytes, images: int) -> Bytes:
        """Return the output bytes, uint8 [images, bytes_per_image], for `images` images packed in data."""
        with tempfile.TemporaryDirectory(prefix="lutforge-") as scratch:
            return self._run(Path(scratch), data, images, [])

    def trace(self, data: Bytes, images: int) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every probed stream carried: int64 [images, *shape] by node name."""
        with tempfile.TemporaryDirectory(prefix="lutforge-") as scratch:
            path = Path(scratch) / "trace.bin"
            self._run(Path(scratch), data, images, ["--trace", str(path)])
            values = np.fromfile(path, dtype=np.dtype("<i8"))
        wanted = images * sum(int(np.prod(probe.shape)) for probe in self.facts.probes)
        if len(values) != wanted:
            raise DeviceError(
                f"{self._title}: the trace has {len(values)} values; {wanted} are wanted. Compile it again"
            )
        result, start = {}, 0
        for probe in self.facts.probes:
            size = images * int(np.prod(probe.shape))
            result[probe.node] = values[start : start + size].astype(np.int64).reshape(images, *probe.shape)
            start += size
        return result

    @property
    def _title(self) -> str:
        return f"RTL simulation ({self.simulator}) of {self.manifest.name}"

    def _run(self, scratch: Path, data: Bytes, images: int, options: List[str]) -> Bytes:
        source, answers, stats = scratch / "in.bin", scratch / "out.bin", scratch / "stats.json"
        source.write_bytes(np.ascontiguousarray(data).view(np.uint8).tobytes())
        command = [str(self._program), "--images", str(images), "--in", str(source), "--out", str(answers)]
        command += ["--stats", str(stats), "--watchdog", str(self._watchdog()), *self._stall_options(), *options]
        status, errors = self._call(command, images)
        document = self._stats(stats)
        if status or document is None or document["error"]:
            said = document["error"] if document and document["error"] else errors.strip()[-400:]
            raise DeviceError(
                f"RTL simulation ({self.simulator}) of {self.manifest.name}: {said or f'it ended with status {status}'}"
            )
        self.last_stats = read_stats(document)
        result = np.fromfile(answers, dtype=np.uint8)
        wanted = images * self.manifest.output_stream.bytes_per_image
        if len(result) != wanted:
            raise DeviceError(
                f"{self._title}: {len(result)} bytes were answered; {wanted} are wanted. Compile it again"
            )
        return result.reshape(images, self.manifest.output_stream.bytes_per_image)

    def _call(self, command: List[str], images: int) -> tuple[int, str]:
        """Run the simulator where its memory files are; return its exit status and what it complained of."""
        folder = self.folder / "mem"
        deadline_s = self.deadline_s(images)
        try:
            done = subprocess.run(
                command,
                cwd=folder if folder.is_dir() else self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=deadline_s,
                check=False,
            )
        except OSError as error:
            raise OverlayError(
                f"{command[0]}: cannot be run ({error}); compile it again with `lutforge rtl`"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise DeviceTimeout(
                f"{self._title}: waited {deadline_s:.0f} s for the answers of {images} images. Simulate fewer images, "
                "or use the netlist simulator, which runs many side by side"
            ) from error
        return done.returncode, done.stderr

    @staticmethod
    def _stats(path: Path) -> Optional[Dict[str, Any]]:
        try:
            document: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return document

    def deadline_s(self, images: int) -> float:
        """Seconds after which a simulation of `images` images is given up."""
        return GRACE_S + (images + 2) * self._patient_interval() / SLOWEST_HZ

    def _patient_interval(self) -> int:
        """Cycles that one image may take: the predicted interval, stretched by the stalls."""
        flowing = (100 - self.stalls.source) * (100 - self.stalls.sink) / 10_000
        return int((self.manifest.interval_cycles + self.facts.input_beats + self.facts.answer_beats) / flowing) + 1

    def _watchdog(self) -> int:
        """Cycles without any movement after which a design counts as stuck."""
        return 4 * self._patient_interval() + 10_000

    def _stall_options(self) -> List[str]:
        options = []
        if self.batch:
            options += ["--batch", str(self.batch)]
        if self.stalls != FLOWING:
            chosen = {"seed": self.stalls.seed, "in": self.stalls.source, "out": self.stalls.sink}
            options += [word for name, value in chosen.items() for word in (f"--stall-{name}", str(value))]
        return options
