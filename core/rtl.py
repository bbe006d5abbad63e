# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A network as Verilog: what the emitter hands to simulators, synthesis and overlay plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Tuple


@dataclass(frozen=True)
class Unit:
    """One Verilog module that is synthesised on its own.

    node: name of the network's node, or 'answers' for the output stage. part: 'encoder', 'core' or 'head'.
    """

    module: str
    node: str
    op: str
    part: str


@dataclass(frozen=True)
class Probe:
    """A stream that a trace build exposes as ports `probe_<node>_data` and `probe_<node>_fire`.

    shape: of one image. A beat carries `lanes` elements of `bits` bits, element 0 lowest.
    """

    node: str
    shape: Tuple[int, ...]
    lanes: int
    bits: int
    signed: bool


@dataclass(frozen=True)
class RtlDesign:
    """Everything of one design. texts: Verilog below `rtl/`, memory files below `mem/`.

    What the top module holds beside the units (FIFOs, width converters, AXI) is the part 'stream'.
    """

    top: str
    texts: Mapping[str, str]
    units: Tuple[Unit, ...]
    probes: Tuple[Probe, ...]
