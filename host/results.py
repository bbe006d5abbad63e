# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What the driver returns. Each result says what produced it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import numpy.typing as npt

from lutforge.executors import Difference
from lutforge.performance import Performance

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Result:
    """Answers to a batch of images.

    logits: int64 [batch, classes], or None where the overlay sends the class only. classes: int64 [batch].
    executor: 'emulated: fast' (csim, rtl, reference) or 'board <name>'. seconds: packing and unpacking included.
    performance: the cycles that a simulation of the Verilog counted, None for anything else.
    """

    logits: Optional[Ints]
    classes: Ints
    executor: str
    seconds: float
    performance: Optional[Performance] = None


@dataclass(frozen=True)
class Verification:
    """Every answer compared with the emulation `golden`. differing: images answered otherwise; first: where."""

    images: int
    differing: int
    first: Optional[Difference]
    executor: str
    golden: str = "reference"

    @property
    def equal(self) -> bool:
        """Whether all answers are equal, logits included where the overlay sends them."""
        return self.differing == 0

    def __str__(self) -> str:
        if self.equal:
            return f"{self.executor}: all {self.images} answers equal the emulation ({self.golden})"
        return f"{self.executor}: {self.differing} of {self.images} answers differ; first: {self.first}"


@dataclass
class Times:
    """Seconds spent in each part of a stream of batches.

    batch: images of the largest transfer. performance: what a simulation behind the streams measured in it.
    """

    pack_s: float = 0.0
    transfer_s: float = 0.0
    unpack_s: float = 0.0
    batch: int = 0
    performance: Optional[Performance] = None

    @property
    def total_s(self) -> float:
        """All three together."""
        return self.pack_s + self.transfer_s + self.unpack_s


@dataclass(frozen=True)
class Throughput:
    """Measured speed and the limits it is held against.

    images, repeats: how much was streamed. times: seconds for all of it. clock_mhz: as read back.
    dma_limit_fps: images per second that the wider of the two streams lets through at one beat per cycle.
    design_limit_fps: images per second of the predicted interval. Both are computed at clock_mhz.
    """

    images: int
    repeats: int
    times: Times
    clock_mhz: float
    dma_limit_fps: float
    design_limit_fps: float
    executor: str
    emulated: bool

    @property
    def throughput_fps(self) -> float:
        """Images per second, packing and unpacking included."""
        return self.images * self.repeats / self.times.total_s

    @property
    def transfer_fps(self) -> float:
        """Images per second while the DMA runs."""
        return self.images * self.repeats / self.times.transfer_s

    @property
    def percent_of_dma_limit(self) -> float:
        """`transfer_fps` as a part of `dma_limit_fps`."""
        return 100 * self.transfer_fps / self.dma_limit_fps

    @property
    def percent_of_design_limit(self) -> float:
        """`transfer_fps` as a part of `design_limit_fps`."""
        return 100 * self.transfer_fps / self.design_limit_fps

    def __str__(self) -> str:
        count = self.images * self.repeats
        parts = {"pack": self.times.pack_s, "transfer": self.times.transfer_s, "unpack": self.times.unpack_s}
        split = ", ".join(f"{name} {1e6 * seconds / count:.2f} us" for name, seconds in parts.items())
        speed = f"{self.throughput_fps:,.0f} images/s at batch {self.times.batch}"
        measured = f"{self.executor}: measured {speed} ({split} per image)"
        if self.emulated:
            limit = min(self.dma_limit_fps, self.design_limit_fps)
            simulated = f". Verilog: {self.times.performance}" if self.times.performance else ""
            return (
                f"{measured}; that is the speed of this computer. Computed limit of a board at "
                f"{self.clock_mhz:.1f} MHz: {limit:,.0f} images/s{simulated}"
            )
        return (
            f"{measured}; {self.percent_of_dma_limit:.1f} % of the DMA's limit and "
            f"{self.percent_of_design_limit:.1f} % of the design's at {self.clock_mhz:.1f} MHz"
        )
