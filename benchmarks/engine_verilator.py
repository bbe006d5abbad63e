# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Networks of single-bit tables as plain combinational Verilog, evaluated by Verilator: one vector per eval."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np
from engine_meter import Row
from engine_workloads import Workload

from lutforge.network import Network
from lutforge.numerics import pack_init
from lutforge.operations import ArgMax, LutNeurons, TruthTables

VECTORS, LEAST_VERSION, RUN_DEADLINE_S = 1024, 5, 60

HARNESS = r"""
#include <chrono>
#include <cstdio>
#include <vector>
#include "Vtop.h"

int main(int, char** names) {
    std::vector<uint32_t> in(size_t(VECTORS) * IN_WORDS), out(size_t(VECTORS) * OUT_WORDS);
    FILE* file = std::fopen(names[1], "rb");
    if (!file || std::fread(in.data(), 4, in.size(), file) != in.size()) return 1;
    std::fclose(file);
    VerilatedContext context;
    Vtop top(&context);
    auto pass = [&] {
        for (size_t vector = 0; vector < VECTORS; ++vector) {
            for (int word = 0; word < IN_WORDS; ++word) top.x[word] = in[vector * IN_WORDS + word];
            top.eval();
#if OUT_WORDS > 2
            for (int word = 0; word < OUT_WORDS; ++word) out[vector * OUT_WORDS + word] = top.y[word];
#else
            out[vector] = top.y;
#endif
        }
    };
    pass();
    double best = 1e9;
    for (int repeat = 0; repeat < 6; ++repeat) {
        int passes = 0;
        double seconds = 0;
        const auto begun = std::chrono::steady_clock::now();
        while (seconds < 0.1) {
            pass();
            ++passes;
            seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
        }
        if (seconds / passes < best) best = seconds / passes;
    }
    file = std::fopen(names[2], "wb");
    if (!file || std::fwrite(out.data(), 4, out.size(), file) != out.size()) return 1;
    std::fclose(file);
    long peak = 0;
    char line[256];
    file = std::fopen("/proc/self/status", "r");
    while (file && std::fgets(line, sizeof line, file)) std::sscanf(line, "VmHWM: %ld", &peak);
    std::printf("%.9g %ld\n", VECTORS / best, peak * 1024);
    return 0;
}
"""


def version() -> str:
    """Return what Verilator calls itself, or nothing where it is not installed."""
    if not shutil.which("verilator"):
        return ""
    done = subprocess.run(["verilator", "--version"], capture_output=True, text=True, check=False, timeout=30)
    return " ".join(done.stdout.split()[:2])


def measure(work: Workload, deadline_s: float) -> Row:
    """Compile the network within the deadline, compare it with the reference, and time it."""
    name = version()
    row = Row(work.title, name or "Verilator", note="one vector per eval")
    if not name or int(name.split()[1].split(".")[0]) < LEAST_VERSION:
        row.note = f"not measured: Verilator {LEAST_VERSION} or newer is not installed"
        return row
    with tempfile.TemporaryDirectory(prefix="engine-verilator-") as scratch:
        folder = Path(scratch)
        begun = time.perf_counter()
        failure, compiling = _compile(folder, work.network, deadline_s)
        row.prepare_s = time.perf_counter() - begun
        if failure:
            row.note = failure
            return row
        bits = work.bit_images(VECTORS)
        _words(bits).tofile(folder / "in.bin")
        status, _ = _run(["obj_dir/Vtop", "in.bin", "out.bin"], folder, RUN_DEADLINE_S)
        if status:
            row.note = f"not measured: the simulator ended with status {status}"
            return row
        found = np.fromfile(folder / "out.bin", dtype="<u4").reshape(VECTORS, -1)
        rate, running = (folder / "said.txt").read_text(encoding="ascii").split()
        row.rate, row.memory = float(rate), max(compiling, int(running))
        row.note += f", {int(running) / 1e6:.0f} MB without compiling" + _checked(found, work, bits)
    return row


def _checked(found: np.ndarray, work: Workload, bits: np.ndarray) -> str:
    wanted = work.golden(bits)
    if not work.classes:
        found = np.unpackbits(found.view(np.uint8), axis=-1, bitorder="little")[:, : wanted.shape[1]]
    return "" if np.array_equal(found, wanted) else "; DIFFERS FROM THE REFERENCE"


def _compile(folder: Path, network: Network, deadline_s: float) -> Tuple[str, int]:
    """Return (why there is no simulator, or nothing; bytes at the peak)."""
    source, outputs = verilog(network)
    (folder / "top.v").write_text(source, encoding="ascii")
    (folder / "main.cpp").write_text(HARNESS, encoding="ascii")
    sizes = {"VECTORS": VECTORS, "IN_WORDS": -(-network.input.elements // 32), "OUT_WORDS": -(-outputs // 32)}
    flags = " ".join(["-O2", *(f"-D{name}={value}" for name, value in sizes.items())])
    command = [
        "verilator",
        "--cc",
        "--exe",
        "--build",
        "-O3",
        "--x-assign",
        "fast",
        "--x-initial",
        "fast",
        "-Wno-fatal",
    ]
    command += ["-Wno-lint", "-CFLAGS", flags, "--top-module", "top", "top.v", "main.cpp"]
    status, peak = _run(command, folder, deadline_s)
    if status is None:
        return f"not measured: not compiled within {deadline_s:.0f} s", peak
    said = (folder / "said.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [line for line in said if "rror" in line] or said or ["no message"]
    return (f"not measured: {lines[0]}" if status else ""), peak


def _run(command: List[str], folder: Path, deadline_s: float) -> Tuple[Optional[int], int]:
    """Run a command in a folder, its words in said.txt; return (status, None after the deadline; bytes at the peak)."""
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, start_new_session=True)
    begun, killed = time.perf_counter(), False
    while True:  # wait4 tells the memory, subprocess does not
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return (None if killed else process.returncode), used.ru_maxrss * 1024
        if not killed and time.perf_counter() - begun > deadline_s:
            os.killpg(process.pid, signal.SIGKILL)
            killed = True
        time.sleep(0.02)


def _words(bits: np.ndarray) -> np.ndarray:
    """Return vectors as 32-bit words, bit 0 first."""
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 32)))
    return np.packbits(padded, axis=-1, bitorder="little").view("<u4")


def verilog(network: Network) -> Tuple[str, int]:
    """Return a module of one wire per table, and the width of its output."""
    wires = [f"x[{bit}]" for bit in range(network.input.elements)]
    lines: List[str] = []
    sums: Optional[List[str]] = None
    for number, node in enumerate(network.nodes):
        if isinstance(node.op, TruthTables):
            made = []
            for table, init in enumerate(pack_init(node.op.tables).tolist()):
                name = f"n{number}_{table}"
                address = ", ".join(wires[source] for source in reversed(node.op.wiring[table].tolist()))
                lines.append(f"  localparam [63:0] t{name} = 64'h{init:016x}; wire {name} = t{name}[{{{address}}}];")
                made.append(name)
            wires = made
        elif isinstance(node.op, LutNeurons):  # sums of single bits
            sums = [f"s{neuron}" for neuron in range(node.op.neurons)]
            for neuron, name in enumerate(sums):
                read = [wires[source] for source in node.op.wiring[node.op.neuron == neuron, 0].tolist()]
                lines.append(f"  wire [7:0] {name} = " + " + ".join(f"{{7'b0, {wire}}}" for wire in read) + ";")
        elif isinstance(node.op, ArgMax):
            assert sums
            lines.append(f"  wire [7:0] m0 = {sums[0]}; wire [3:0] a0 = 0;")
            for index, name in enumerate(sums[1:], 1):
                lines.append(f"  wire [7:0] m{index} = {name} > m{index - 1} ? {name} : m{index - 1};")
                lines.append(f"  wire [3:0] a{index} = {name} > m{index - 1} ? 4'd{index} : a{index - 1};")
            wires = [f"a{len(sums) - 1}[{bit}]" for bit in range(4)]
    lines.append(f"  assign y = {{{', '.join(reversed(wires))}}};")
    head = f"module top(input [{network.input.elements - 1}:0] x, output [{len(wires) - 1}:0] y);"
    return "\n".join([head, *lines, "endmodule", ""]), len(wires)
