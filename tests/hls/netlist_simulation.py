# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog next to its netlist: the same inputs, cycle by cycle, to Icarus Verilog and to the netlist evaluator."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import pytest

from lutforge.errors import ToolError
from lutforge.hls.csim import find_compiler
from lutforge.netlist import Netlist, Port, read_netlist
from lutforge.yosys import synthesise, yosys_version

Ints = npt.NDArray[Any]

BENCH = """
`timescale 1ns / 1ps
module bench;
    reg clk;
    reg [{inputs}-1:0] rows[0:{cycles}-1];
    reg [{inputs}-1:0] row;
    wire [{outputs}-1:0] result;
    integer cycle, file;
    {top} dut ({connections});
    initial begin
        $readmemh("in.hex", rows);
        file = $fopen("out.bits", "w");
        clk = 0;
        row = 0;
        #10;
        for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
            row = rows[cycle];
            #5 $fdisplay(file, "%b", result);
            #5 clk = 1;
            #5 clk = 0;
        end
        $fclose(file);
        $finish;
    end
endmodule
"""


def need_tools(*names: str) -> None:
    """Skip the test unless g++, pyosys and these programs are installed."""
    try:
        find_compiler()
        yosys_version()
    except ToolError as error:
        pytest.skip(str(error))
    for name in names:
        if not shutil.which(name):
            pytest.skip(f"{name} was not found (apt install {name})")


def xilinx_models() -> Path:
    """Return yosys's Verilog of Xilinx's cells."""
    spec = importlib.util.find_spec("pyosys")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "share" / "xilinx" / "cells_sim.v"


def memory_files(text: str) -> Dict[str, str]:
    """Return random contents, by file name, of every memory of a Verilog text that $readmemh fills."""
    rng, files = np.random.default_rng(6), {}
    for file, name in re.findall(r'\$readmemh\("(\w+\.mem)", (\w+)\)', text):
        high, last = re.search(rf"reg (?:\[(\d+):0\] )?{name}\[0:(\d+)\]", text).groups()
        width = int(high or 0) + 1
        words = rng.integers(0, 2, (int(last) + 1, width))
        files[file] = "\n".join(f"{int(''.join(map(str, word)), 2):x}" for word in words) + "\n"
    return files


def synthesised(text: str, top: str, family: str = "xc7") -> Netlist:
    texts = {"rtl/design.v": text, **{f"mem/{name}": words for name, words in memory_files(text).items()}}
    return read_netlist(synthesise(texts, top, family).json, top)


def data_ports(netlist: Netlist) -> Tuple[List[Port], List[Port]]:
    """Return the inputs but the clock, and the outputs."""
    ports = [port for port in netlist.ports.values() if port.name != "clk"]
    return [port for port in ports if port.is_input], [port for port in ports if not port.is_input]


def simulate(
    texts: Sequence[str], netlist: Netlist, inputs: Mapping[str, Ints], folder: Path, models: Sequence[Path] = ()
) -> Dict[str, Ints]:
    """Return every output in each cycle, bits [cycles, width] as text '0', '1' or 'x', from Icarus Verilog.

    inputs: bits [cycles, width], lowest first.
    """
    ins, outs = data_ports(netlist)
    cycles = len(inputs[ins[0].name])
    bits = np.concatenate([inputs[port.name] for port in ins], axis=1)
    rows = ["".join(map(str, row[::-1])) for row in bits.astype(int)]
    (folder / "in.hex").write_text("\n".join(f"{int(row, 2):x}" for row in rows) + "\n")
    places, first = [".clk(clk)"], 0
    for side, name in ((ins, "row"), (outs, "result")):
        first = 0
        for port in side:
            places.append(f".{port.name}({name}[{first} +: {len(port.bits)}])")
            first += len(port.bits)
    numbers = {"inputs": bits.shape[1], "outputs": first, "cycles": cycles, "top": netlist.name}
    (folder / "design.v").write_text("\n".join(texts))
    for name, words in memory_files("\n".join(texts)).items():
        (folder / name).write_text(words)
    (folder / "bench.v").write_text(BENCH.format(**numbers, connections=", ".join(places)))
    command = ["iverilog", "-g2005-sv", "-s", "bench", "-o", "bench.vvp", "bench.v", "design.v", *map(str, models)]
    for step in (command, ["vvp", "-n", "bench.vvp"]):
        done = subprocess.run(step, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    lines = (folder / "out.bits").read_text().split()
    assert len(lines) == cycles
    letters = np.array([list(line[::-1]) for line in lines])
    result, first = {}, 0
    for port in outs:
        result[port.name] = letters[:, first : first + len(port.bits)]
        first += len(port.bits)
    return result


def random_inputs(rng: np.random.Generator, netlist: Netlist, cycles: int, lanes: int = 1) -> Dict[str, Ints]:
    """Return random bits [cycles, lanes, width] for each input."""
    return {
        port.name: rng.integers(0, 2, (cycles, lanes, len(port.bits)), dtype=np.uint8)
        for port in data_ports(netlist)[0]
    }


def evaluated(evaluator: Any, netlist: Netlist, inputs: Mapping[str, Ints]) -> Dict[str, Ints]:
    """Return bits [cycles, lanes, width] of each output from the evaluator."""
    sizes = {port.name: len(port.bits) for port in netlist.ports.values()}

    def packed(bits: Ints, width: int) -> Ints:
        if width > 64:
            return bits
        return (bits.astype(np.uint64) << np.arange(width, dtype=np.uint64)).sum(axis=-1, dtype=np.uint64)

    packs = {name: packed(bits, sizes[name]) for name, bits in inputs.items()}
    if any(port.name == "clk" for port in evaluator.program.inputs):  # nothing has a clock
        packs["clk"] = np.zeros(next(iter(packs.values())).shape[:2], dtype=np.uint8)
    found = evaluator.cycles(packs)
    return {
        name: values
        if sizes[name] > 64
        else (values[..., None] >> np.arange(sizes[name], dtype=np.uint64) & np.uint64(1)).astype(np.uint8)
        for name, values in found.items()
    }
