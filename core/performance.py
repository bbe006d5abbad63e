# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Cycles that a simulation of the Verilog counted, and the frame rate that they predict.

Simulation knows cycles and no nanoseconds: a frame rate holds only for a build that meets its clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple

from lutforge.manifest import Manifest


@dataclass(frozen=True)
class SimulationStats:
    """Cycle numbers of one simulation; cycle 0 follows the reset.

    lanes: batches that ran side by side, image i in lane i // images_per_lane; the cycles are those of the first.
    answer_cycles: of the last beat of each answer, the first 64 and the very last one.
    """

    images: int
    cycles: int
    first_in: int
    first_out: int
    last_out: int
    answer_cycles: Tuple[int, ...]
    images_per_lane: int

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first beat of the first image to the last beat of its answer, both included."""
        return self.answer_cycles[0] - self.first_in + 1 if self.answer_cycles else 0

    @property
    def interval_cycles(self) -> Optional[float]:
        """Cycles from answer to answer, on average; None where there is but one."""
        if self.images_per_lane < 2:
            return None
        return (self.answer_cycles[-1] - self.answer_cycles[0]) / (self.images_per_lane - 1)


def read_stats(document: Mapping[str, Any]) -> SimulationStats:
    """Return what a simulator wrote as stats.json."""
    names = ("images", "cycles", "first_in", "first_out", "last_out")
    counts = {name: int(document[name]) for name in names}
    per_lane = int(document.get("images_per_lane", counts["images"]))
    return SimulationStats(**counts, answer_cycles=tuple(map(int, document["answer_cycles"])), images_per_lane=per_lane)


@dataclass(frozen=True)
class Performance:
    """Measured cycles, and what they predict at the clock that the design is made for.

    interval_cycles: per image, measured; None for a batch of one image. dma_limit_fps: images per second that the
    wider of the two streams lets through at one beat per cycle (research figures of real boards reach 75 to 100 %).
    """

    simulator: str
    images: int
    interval_cycles: Optional[float]
    latency_cycles: int
    clock_mhz: float
    dma_limit_fps: float

    @property
    def predicted_fps(self) -> Optional[float]:
        """Images per second of a long batch, if the build meets the clock."""
        return self.clock_mhz * 1e6 / self.interval_cycles if self.interval_cycles else None

    @property
    def latency_us(self) -> float:
        """Microseconds from the first beat of an image to the last of its answer, if the build meets the clock."""
        return self.latency_cycles / self.clock_mhz

    def __str__(self) -> str:
        cycles = f"latency {self.latency_cycles:,} cycles"
        speed = f"{self.latency_us:,.2f} us"
        if self.interval_cycles and self.predicted_fps:
            cycles = f"{self.interval_cycles:,.1f} cycles per image, {cycles}"
            speed = f"{self.predicted_fps:,.0f} images/s, {speed}"
        return (
            f"measured by {self.simulator} on {self.images} images: {cycles}; predicted at {self.clock_mhz:g} MHz, not "
            f"timing-closed: {speed}; DMA limit {self.dma_limit_fps:,.0f} images/s"
        )


def performance(manifest: Manifest, simulator: str, stats: SimulationStats, clock_mhz: float = 0.0) -> Performance:
    """Return what a simulation measured beside what it predicts. clock_mhz: default the manifest's."""
    clock = clock_mhz or manifest.clock_mhz
    beats = max(manifest.input_stream.beats, manifest.output_stream.beats)
    return Performance(simulator, stats.images, stats.interval_cycles, stats.latency_cycles, clock, clock * 1e6 / beats)
