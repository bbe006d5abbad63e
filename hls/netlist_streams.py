# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""From Verilog to a simulation executable without a simulator: synthesise, stitch, and put a program into the engine.

The executable has the options of every simulation of a design (`sim/simulation.hpp`), and runs 256 batches at a time.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Dict, List, Mapping, Optional

import numpy as np

from lutforge.hls.netlist_compiler import STREAMS, compile_engine
from lutforge.hls.netlist_program import Program, Words, make_program
from lutforge.netlist import Netlist, flatten, read_netlist
from lutforge.rtl_folder import RtlFacts
from lutforge.yosys import synthesise

PROBED = ("LUTFORGE_XILINX", "LUTFORGE_PROBE")
"""Only the top has probes, so that the synthesis report and a simulation share the netlists of the layers."""

UNIT_PREFIX = "lutforge_node_"
PROGRAM_END = 0x444E464C  # "LFND"


def build(
    texts: Mapping[str, str], facts: RtlFacts, target: Path, *, family: str = "xc7", cache: Optional[Path] = None
) -> None:
    """Write the simulation executable of a design.

    texts: Verilog and memory files by path. family: of the cells, 'xc7' or 'xcup'. cache: folder of netlists that
    were synthesised before.
    """
    netlists = synthesise_units(texts, facts.top, family=family, cache=cache)
    write_executable(flatten(netlists, facts.top), facts, target)


def synthesise_units(
    texts: Mapping[str, str], top: str, *, family: str = "xc7", cache: Optional[Path] = None
) -> Dict[str, Netlist]:
    """Return the netlist of each layer, by module name, and that of the top in which they are black boxes."""
    units = sorted(Path(path).stem for path in texts if path.endswith(".v") and Path(path).stem.startswith(UNIT_PREFIX))
    netlists = {}
    for unit in units:
        made = synthesise(texts, unit, family, cache=cache)
        netlists[unit] = read_netlist(made.json, unit)
    made = synthesise(texts, top, family, black_boxes=units, defines=PROBED, cache=cache)
    return {**netlists, top: read_netlist(made.json, top)}


def write_executable(netlist: Netlist, facts: RtlFacts, target: Path) -> Program:
    """Write the simulation executable of a flat netlist that has the ports of lutforge_top and its probes."""
    program = make_program(netlist)
    words = stream_words(program, facts)
    end = np.array([len(words), PROGRAM_END], dtype=np.uint32)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copy(compile_engine(STREAMS), aside)
    with aside.open("ab") as file:
        file.write(words.astype("<u4").tobytes() + end.astype("<u4").tobytes())
    os.replace(aside, target)
    return program


def stream_words(program: Program, facts: RtlFacts) -> Words:
    """Return the program followed by what the streams of the design are: what `sim/netlist_streams.cpp` reads."""
    words: List[int] = []
    for port in (*program.inputs, *program.outputs):
        words += _text(port.name)
    words += [facts.beat_bits, facts.input_beats, facts.answer_beats, len(facts.probes)]
    for probe in facts.probes:
        beats = int(np.prod(probe.shape)) // probe.lanes
        words += [*_text(probe.node), probe.lanes, probe.bits, int(probe.signed), beats]
    return np.concatenate([program.words, np.array(words, dtype=np.uint32)])


def _text(text: str) -> List[int]:
    data = text.encode()
    return [len(data), *data]
