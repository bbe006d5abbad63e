# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog parts with valid/ready streams in one verilated bench, every stream stalled at random.

A part is a module, its parameters, and for each of its streams the beats that it is given or that it must deliver.
Ports of a stream `in` are in_data, in_valid, in_ready; clk and rst are there where the module has them.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from lutforge.hls.verilator import LANGUAGE, compile_objects, find_verilator, run_tool, write_sources

Beats = npt.NDArray[np.uint8]
FLAGS = [
    "--cc",
    "--exe",
    "-O3",
    "--noassert",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "--no-timing",
    *LANGUAGE,
]


@dataclass(frozen=True)
class Wire:
    """One stream of a part. beats: uint8 [beats, bytes], little-endian, what it carries from first to last."""

    bits: int
    beats: Beats


def pack(bits: int, values: Any) -> Wire:
    """A stream whose beats are integers, or rows of equally wide elements, element 0 in the lowest bits.

    values: int [beats] or [beats, lanes]; negative ones in two's complement. bits: of one element.
    """
    array = np.asarray(values, dtype=np.int64)
    rows = array.reshape(len(array), -1)
    planes = ((rows[..., None] >> np.arange(bits)) & 1).astype(np.uint8).reshape(len(rows), -1)
    return Wire(bits * rows.shape[1], np.packbits(planes, axis=-1, bitorder="little"))


@dataclass(frozen=True)
class Part:
    """A module under test. extra: further ports and what they are tied to, as Verilog."""

    name: str
    module: str
    parameters: Mapping[str, Union[int, str]]
    sources: Mapping[str, Wire]
    sinks: Mapping[str, Wire]
    extra: Mapping[str, str] = field(default_factory=dict)
    clocked: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a run gave: the beats of each sink by (part, stream), the cycles of each part, who got stuck and when."""

    beats: Dict[Tuple[str, str], Beats]
    cycles: Dict[str, int]
    stuck: Dict[str, Tuple[int, int]]
    left: Dict[str, Tuple[int, int]]
    errors: str


class Bench:
    """Parts compiled to one executable."""

    def __init__(self, folder: Path, parts: Sequence[Part], texts: Mapping[str, str], memories: Mapping[str, str] = {}):
        self.folder, self.parts = folder, list(parts)
        folder.mkdir(parents=True, exist_ok=True)
        static = Path(str(files("lutforge.hls") / "sim"))
        names = write_sources(folder, {**texts, "bench.v": self._top()})
        (folder / "bench.hpp").write_text(self._header())
        for name, text in memories.items():
            (folder / name).write_text(text)
        verilator = find_verilator()
        command = [verilator, *FLAGS, "-Wno-fatal", "-Wno-lint", "-Wno-style", "--top-module", "bench"]
        command += ["--Mdir", "obj", "-o", "bench", "-CFLAGS", f"-I{folder} -I{static} -std=c++17", *names]
        run_tool([*command, str(Path(__file__).with_suffix(".cpp"))], folder)
        compile_objects(folder / "obj", "-O1", verilator)
        for index, wire in enumerate(self._streams("sources")):
            wire[2].beats.tofile(folder / f"source{index}.bin")

    def run(self, seed: int, watchdog: int = 5000) -> Outcome:
        """Run all parts to their ends under the stalls of a seed."""
        command = [str(self.folder / "obj" / "bench"), str(self.folder), str(seed), str(watchdog)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
        lines = [line.split() for line in done.stdout.splitlines()]
        said = {kind: [line for line in lines if line[0] == kind] for kind in ("cycles", "stuck", "left")}
        beats = {}
        for index, (part, stream, wire) in enumerate(self._streams("sinks")):
            data = np.fromfile(self.folder / f"sink{index}.bin", dtype=np.uint8)
            beats[part.name, stream] = data.reshape(-1, wire.beats.shape[1])
        cycles = {part.name: int(line[2]) for part, line in zip(self.parts, said["cycles"], strict=True)}
        stuck, left = ({line[1]: (int(line[2]), int(line[3])) for line in said[kind]} for kind in ("stuck", "left"))
        return Outcome(beats, cycles, stuck, left, done.stderr)

    def _streams(self, which: str) -> List[Tuple[Part, str, Wire]]:
        return [(part, name, wire) for part in self.parts for name, wire in getattr(part, which).items()]

    def _top(self) -> str:
        ports, bodies = ["input clk", "input rst"], []
        for part in self.parts:
            wires = {"clk": "clk", "rst": "rst"} if part.clocked else {}
            wires.update(part.extra)
            for which, given, taken in (("sources", "input", "output"), ("sinks", "output", "input")):
                for name, wire in getattr(part, which).items():
                    label = f"{part.name}_x_{name}"
                    ports.append(
                        f"{given} [{wire.bits - 1}:0] {label}_data, {given} {label}_valid, {taken} {label}_ready"
                    )
                    wires.update({f"{name}_{end}": f"{label}_{end}" for end in ("data", "valid", "ready")})
            parameters = ", ".join(f".{name}({value})" for name, value in part.parameters.items())
            joined = ", ".join(f".{name}({wire})" for name, wire in wires.items())
            bodies.append(f"  {part.module} {f'#({parameters}) ' if parameters else ''}dut_{part.name} ({joined});\n")
        return f"module bench ({', '.join(ports)});\n{''.join(bodies)}endmodule\n"

    def _header(self) -> str:
        text = '#include <vector>\n#include <cstdint>\n#include "Vbench.h"\nnamespace bench {\ntypedef Vbench Model;\n'
        text += f"static const unsigned PARTS = {len(self.parts)};\n"
        text += "struct Port { const char* name; unsigned part, bytes; uint64_t wanted; unsigned char *data, *valid, *ready; };\n"
        for which in ("sources", "sinks"):
            rows = ""
            for part, name, wire in self._streams(which):
                label = f"{part.name}_x_{name}"
                ends = ", ".join(
                    f"reinterpret_cast<unsigned char*>(&model.{label}_{end})" for end in ("data", "valid", "ready")
                )
                numbers = f"{self.parts.index(part)}, {wire.beats.shape[1]}, {len(wire.beats)}"
                rows += f'        {{"{part.name}.{name}", {numbers}, {ends}}},\n'
            text += f"static std::vector<Port> {which}(Model& model) {{\n    return {{\n{rows}    }};\n}}\n"
        return text + "}\n"


def modules_of(texts: Mapping[str, str]) -> Dict[str, str]:
    """Return the text of every module of Verilog texts, by name."""
    return {
        match[1]: match[0]
        for text in texts.values()
        for match in re.finditer(r"^module\s+(\w+).*?^endmodule", text, flags=re.MULTILINE | re.DOTALL)
    }


def reached(texts: Mapping[str, str], roots: Sequence[str]) -> set[str]:
    """Return the names of all modules that some modules hold, themselves included."""
    known, found, waiting = modules_of(texts), set(), list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name not in known:
            continue
        found.add(name)
        waiting += [other for other in known if re.search(rf"\b{other}\b", known[name])]
    return found
