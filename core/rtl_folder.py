# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""rtl/rtl.json of an overlay folder: what a simulator of its Verilog must know, and what ties it to one network.

`rtl/` holds the Verilog, rtl.json and the compiled simulators; `mem/` the memory files, which tools read by bare
names and therefore with `mem/` as their working directory.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from lutforge.errors import OverlayError
from lutforge.manifest import Manifest
from lutforge.rtl import Probe

FORMAT = 1
FACTS = "rtl/rtl.json"
SIMULATORS = {"verilator": "rtl/sim_verilator", "netlist": "rtl/sim_netlist"}
"""Simulation executables by the name of what made them, the preferred one first."""


@dataclass(frozen=True)
class RtlFacts:
    """Facts of one design in Verilog.

    sources_sha256: over every file of the design; a simulator keeps the one it was built from. input_beats,
    answer_beats: of one image. memories: words of each file below `mem/`. files: the Verilog, by path.
    """

    network_sha256: str
    sources_sha256: str
    top: str
    beat_bits: int
    input_beats: int
    answer_beats: int
    probes: Tuple[Probe, ...]
    memories: Mapping[str, int]
    files: Tuple[str, ...]


def to_json(facts: RtlFacts) -> str:
    """Return the text of rtl.json."""
    return json.dumps({"format": FORMAT, **asdict(facts)}, indent=2, sort_keys=True) + "\n"


def load_facts(folder: Path | str, manifest: Manifest) -> RtlFacts:
    """Read rtl.json; OverlayError if it is missing, damaged, or of another network than the manifest's."""
    path = Path(folder) / FACTS
    if not path.is_file():
        raise OverlayError(f"{path}: no such file; `lutforge rtl` writes the Verilog of an overlay folder")
    try:
        document: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("format") != FORMAT:
            raise ValueError("another format")
        probes = tuple(Probe(**{**entry, "shape": tuple(entry["shape"])}) for entry in document.pop("probes"))
        facts = RtlFacts(probes=probes, files=tuple(document.pop("files")), **document)
        counts = [facts.beat_bits, facts.input_beats, facts.answer_beats, *facts.memories.values()]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("a count is no whole number")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OverlayError(
            f"{path}: cannot be read ({type(error).__name__}: {error}); write the Verilog again with `lutforge rtl`"
        ) from error
    if facts.network_sha256 != manifest.network_sha256:
        raise OverlayError(
            f"{path}: Verilog of network {facts.network_sha256[:12]}..., the manifest says "
            f"{manifest.network_sha256[:12]}...; write it again with `lutforge rtl`"
        )
    return facts


def find_simulator(folder: Path | str, facts: RtlFacts, simulator: Optional[str] = None) -> str:
    """Return the name of a simulator that was built for this design: the one asked for, or the first there is."""
    if simulator is not None and simulator not in SIMULATORS:
        raise OverlayError(f"simulator {simulator!r} is unknown; use one of {', '.join(SIMULATORS)}")
    wanted = [simulator] if simulator else list(SIMULATORS)
    found = [name for name in wanted if (Path(folder) / SIMULATORS[name]).is_file()]
    if not found:
        raise OverlayError(
            f"{Path(folder) / SIMULATORS[wanted[0]]}: no such file; `lutforge rtl` compiles the RTL simulation"
        )
    stamp = stamp_path(folder, found[0])
    built_from = stamp.read_text(encoding="utf-8").strip() if stamp.is_file() else "unknown"
    if built_from != facts.sources_sha256:
        raise OverlayError(
            f"{Path(folder) / SIMULATORS[found[0]]}: built from other Verilog ({built_from[:12]}) than rtl.json says "
            f"({facts.sources_sha256[:12]}); compile it again with `lutforge rtl`"
        )
    return found[0]


def stamp_path(folder: Path | str, simulator: str) -> Path:
    """Return the file beside a simulator that holds the sha256 of what it was built from."""
    return Path(folder) / f"{SIMULATORS[simulator]}.sha256"


def check_memories(folder: Path | str, facts: RtlFacts) -> None:
    """Raise OverlayError for a memory file that is missing, or that a simulator would fill up with something."""
    for name, words in facts.memories.items():
        path = Path(folder) / "mem" / name
        if not path.is_file():
            raise OverlayError(f"{path}: no such file; {words} words are wanted. Write the Verilog again")
        found = count_words(path.read_text(encoding="utf-8", errors="replace"))
        if found != words:
            raise OverlayError(
                f"{path}: {found} words; {words} are wanted. A short table would read as something; write the Verilog "
                "again"
            )


def count_words(text: str) -> int:
    """Return how many words a text for `$readmemh` holds, comments left out.

    >>> count_words("// two words" + chr(10) + "0f" + chr(10) + "a0 // the last" + chr(10))
    2
    """
    return sum(len(line.split("//")[0].split()) for line in text.splitlines())
