# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Compile a design's Verilog to a simulation executable with Verilator, and let Verilator lint it.

Verilator makes C++ of the design, and g++ a program of that and of `sim/verilator_main.cpp`. The text must be the
vendor-neutral one (`luts="generic"`); the primitives of the other one are proved by the netlist evaluator.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

from lutforge.errors import GenerationError, ToolError
from lutforge.hls.text import LICENCE
from lutforge.rtl_folder import RtlFacts
from lutforge.store import write_atomically

PROBE = "LUTFORGE_PROBE"
LEAST_MAJOR = 5
SIM_TOP = "lutforge_sim"
BUILD_DEADLINE_S = 3600
LANGUAGE = ["--default-language", "1364-2001"]
INITIAL = ["--x-assign", "fast", "--x-initial", "unique"]  # registers before reset: at random where stalls are
FLAGS = ["--cc", "-O3", "--noassert", "--no-timing", f"-D{PROBE}", *INITIAL, *LANGUAGE]
QUIET = ["-Wno-fatal", "-Wno-lint", "-Wno-style"]  # `lint` judges; a simulation is not the place
RUNTIME = ("verilated.o", "verilated_threads.o")
SPLIT_STATEMENTS = 20_000
COLD = ("OPT_SLOW=-O0", "OPT_GLOBAL=-O0")
QUICK, THOROUGH = "-O0", "-O1"
"""Options of g++ for cold code with Verilator's own library, and for hot code. -O2 takes half as long again as -O1 and
gained 3 % on the LUT-NA MLP for MNIST (g++ 12)."""

WAIVED = {
    "DECLFILENAME": "a file holds more than one module, or is named as its node",
    "UNUSEDSIGNAL": "AXI has signals that a design may ignore (TKEEP, TSTRB, high address bits)",
    "PINCONNECTEMPTY": "an output that is not needed is left open by name",
    "SYMRSVDWORD": "Verilator renames the port `interrupt`, which is a word of its own",
    "UNUSEDPARAM": "library modules share parameter lists",
}
"""Warnings that lint leaves out, and why."""


def find_verilator(name: Optional[str] = None) -> str:
    """Return the path of Verilator; ToolError if there is none, or one older than 5."""
    wanted = name or os.environ.get("VERILATOR") or "verilator"
    found = shutil.which(wanted)
    if not found:
        raise ToolError(
            f"Verilator ({wanted!r}) was not found; version {LEAST_MAJOR} or newer is wanted (apt install verilator), "
            "or $VERILATOR. The netlist simulator works without it (pip install 'lutforge[synth]')"
        )
    text = version(found)
    match = re.search(r"Verilator (\d+)\.", text)
    if not match or int(match[1]) < LEAST_MAJOR:
        raise ToolError(
            f"{found} is {text or 'of no known version'}; version {LEAST_MAJOR} or newer is wanted. "
            "The netlist simulator works without it (pip install 'lutforge[synth]')"
        )
    return found


def version(tool: str) -> str:
    """Return what Verilator says about its version, one line."""
    try:
        done = subprocess.run([tool, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def build(
    sources: Mapping[str, str],
    facts: RtlFacts,
    target: Path,
    *,
    tool: Optional[str] = None,
    quick: bool = False,
) -> None:
    """Compile Verilog texts, by path, to the simulation executable `target`.

    quick: compile several times faster to a simulation that is several times slower.
    """
    verilator = find_verilator(tool)
    with tempfile.TemporaryDirectory(prefix="lutforge-") as scratch, as_file(files("lutforge.hls") / "sim") as static:
        work = Path(scratch)
        names = write_sources(work, {**sources, f"{SIM_TOP}.v": sim_top(facts)})
        (work / "design.hpp").write_text(design_header(facts))
        command = [verilator, *FLAGS, *QUIET, "--exe", "--top-module", SIM_TOP, "--Mdir", "obj", "-o", "simulation"]
        command += ["--output-split", str(SPLIT_STATEMENTS), "-CFLAGS", f"-I{work} -I{static} -std=c++17"]
        run_tool([*command, *names, str(static / "verilator_main.cpp")], work)
        compile_objects(work / "obj", QUICK if quick else THOROUGH, verilator)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copy(work / "obj" / "simulation", aside)
        os.replace(aside, target)


def compile_objects(folder: Path, optimise: str, verilator: str) -> None:
    """Compile what Verilator wrote into a folder. optimise: g++'s option for hot code.

    Verilator's run-time library, the same for all designs, is compiled once where $LUTFORGE_CACHE names a folder.
    """
    (makefile,) = (path.name for path in folder.glob("V*.mk") if not path.stem.endswith("_classes"))
    cache = os.environ.get("LUTFORGE_CACHE")
    made_with = "\n".join([version(verilator), os.environ.get("CXX", ""), *COLD])
    kept = Path(cache) / f"verilator-{hashlib.sha256(made_with.encode()).hexdigest()[:16]}" if cache else None
    if kept:
        _copy_runtime(kept, folder)
    jobs = str(os.cpu_count() or 1)
    run_tool(["make", "-s", "-j", jobs, "-f", makefile, f"OPT_FAST={optimise}", *COLD], folder)
    if kept:
        _copy_runtime(folder, kept)


def _copy_runtime(source: Path, target: Path) -> None:
    """Copy the objects of Verilator's run-time library where there are some and none yet."""
    target.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME:
        if (source / name).is_file() and not (target / name).is_file():
            write_atomically(target / name, (source / name).read_bytes())


def write_sources(folder: Path, texts: Mapping[str, str]) -> List[str]:
    """Write the Verilog texts below a folder and return their paths, memory files left out."""
    names = []
    for path, text in sorted(texts.items()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        if path.endswith(".v"):
            names.append(path)
    return names


def run_tool(command: Sequence[str], folder: Path, deadline_s: Optional[float] = None) -> str:
    """Run a tool in a folder and return its output; ToolError with its first errors if it fails or hangs."""
    name = Path(command[0]).name
    patience_s = deadline_s or BUILD_DEADLINE_S
    try:
        tool = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that the compilers that make has started end with it
        )
        output, _ = tool.communicate(timeout=patience_s)
    except FileNotFoundError as error:
        raise ToolError(f"{name} was not found; Verilator needs make and g++ (apt install make g++)") from error
    except BaseException as error:
        os.killpg(tool.pid, signal.SIGKILL)
        tool.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        raise ToolError(
            f"{name}: not finished within {patience_s} s; fold the network, or simulate its netlist"
        ) from error
    if tool.returncode:
        lines = output.splitlines()
        chosen = [line for line in lines if re.search(r"%Error|error:|\*\*\*|%Warning", line)] or lines
        raise ToolError(f"{name} failed:\n" + "\n".join(chosen[:12]))
    return output


PORTS = """\
    input wire ap_clk, input wire ap_rst_n,
    input wire [5:0] s_axi_control_AWADDR, input wire s_axi_control_AWVALID, output wire s_axi_control_AWREADY,
    input wire [31:0] s_axi_control_WDATA, input wire [3:0] s_axi_control_WSTRB,
    input wire s_axi_control_WVALID, output wire s_axi_control_WREADY,
    output wire [1:0] s_axi_control_BRESP, output wire s_axi_control_BVALID, input wire s_axi_control_BREADY,
    input wire [5:0] s_axi_control_ARADDR, input wire s_axi_control_ARVALID, output wire s_axi_control_ARREADY,
    output wire [31:0] s_axi_control_RDATA, output wire [1:0] s_axi_control_RRESP,
    output wire s_axi_control_RVALID, input wire s_axi_control_RREADY,
    input wire [{beat}:0] images_in_TDATA, input wire [{keep}:0] images_in_TKEEP, input wire [{keep}:0] images_in_TSTRB,
    input wire images_in_TLAST, input wire images_in_TVALID, output wire images_in_TREADY,
    output wire [{beat}:0] answers_out_TDATA, output wire [{keep}:0] answers_out_TKEEP,
    output wire [{keep}:0] answers_out_TSTRB,
    output wire answers_out_TLAST, output wire answers_out_TVALID, input wire answers_out_TREADY,
    output wire interrupt"""


def sim_top(facts: RtlFacts) -> str:
    """Return a module around the design whose probe ports have numbers: C++ names of node names would be mangled."""
    ports = PORTS.format(beat=facts.beat_bits - 1, keep=facts.beat_bits // 8 - 1)
    names = re.findall(r"(\w+)(?=,|$)", ports, flags=re.MULTILINE)
    wires = [f".{name}({name})" for name in names]
    fires = max(1, len(facts.probes))
    ports += f",\n    output wire [{fires - 1}:0] probe_fire"
    for index, probe in enumerate(facts.probes):
        ports += f",\n    output wire [{probe.lanes * probe.bits - 1}:0] probe_{index}_data"
        wires += [f".probe_{probe.node}_data(probe_{index}_data)", f".probe_{probe.node}_fire(probe_fire[{index}])"]
    idle = "" if facts.probes else "    assign probe_fire = 1'b0;\n"
    joined = ",\n        ".join(wires)
    return (
        f"{LICENCE}module {SIM_TOP} (\n{ports}\n);\n{idle}    {facts.top} dut (\n        {joined}\n    );\nendmodule\n"
    )


def design_header(facts: RtlFacts) -> str:
    """Return design.hpp: the numbers and the probes that `sim/verilator_main.cpp` is compiled for."""
    rows = []
    for index, probe in enumerate(facts.probes):
        elements = 1
        for extent in probe.shape:
            elements *= extent
        numbers = f"{probe.lanes}, {probe.bits}, {'true' if probe.signed else 'false'}, {elements // probe.lanes}"
        port = f"[](Model& model) {{ return reinterpret_cast<const unsigned char*>(&model.probe_{index}_data); }}"
        rows.append(f'    {{"{probe.node}", {numbers}, {port}}},\n')
    return (
        f'{LICENCE}#include <cstdint>\n#include <vector>\n\n#include "V{SIM_TOP}.h"\n\n'
        f"namespace design {{\n\ntypedef V{SIM_TOP} Model;\n"
        f"static const unsigned BEAT_BITS = {facts.beat_bits}, INPUT_BEATS = {facts.input_beats}, "
        f"ANSWER_BEATS = {facts.answer_beats};\n\n"
        "struct Probe {\n    const char* name;\n    unsigned lanes, bits;\n    bool is_signed;\n    uint64_t beats;\n"
        "    const unsigned char* (*data)(Model&);\n};\n\n"
        f"static const std::vector<Probe> PROBES = {{\n{''.join(rows)}}};\n\n"
        "static bool fires(Model& model, size_t probe) {\n"
        "    return reinterpret_cast<const unsigned char*>(&model.probe_fire)[probe / 8] >> probe % 8 & 1;\n}\n\n"
        "}  // namespace design\n"
    )


def lint(texts: Mapping[str, str], top: str, defines: Sequence[str] = (), tool: Optional[str] = None) -> None:
    """Raise GenerationError with Verilator's words unless `-Wall` finds nothing beside what WAIVED lists."""
    verilator = find_verilator(tool)
    with tempfile.TemporaryDirectory(prefix="lutforge-") as scratch:
        work = Path(scratch)
        names = write_sources(work, _flat_memories(texts))
        waived = [f"-Wno-{name}" for name in WAIVED]
        flags = [f"-D{name}" for name in defines]
        command = [
            verilator,
            "--lint-only",
            "-Wall",
            "--no-timing",
            *LANGUAGE,
            *waived,
            *flags,
            "--top-module",
            top,
            *names,
        ]
        try:
            run_tool(command, work)
        except ToolError as error:
            raise GenerationError(f"Verilator finds fault with {top}: {error}") from error


def _flat_memories(texts: Mapping[str, str]) -> Dict[str, str]:
    """Put memory files where `$readmemh` finds them by their bare names."""
    return {path.rpartition("/")[2] if path.endswith(".mem") else path: text for path, text in texts.items()}
