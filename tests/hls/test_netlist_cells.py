# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every model of a cell equals yosys's own Verilog of that cell, simulated by Icarus Verilog, in every cycle."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from lutforge.hls.netlist_cells import MODELS
from lutforge.hls.netlist_executor import Evaluator
from lutforge.netlist import Cell, Netlist, Port

sys.path.insert(0, str(Path(__file__).parent))
from netlist_simulation import evaluated, need_tools, random_inputs, simulate, xilinx_models

CYCLES = 400
WITHOUT_VERILOG = {"RAMB18E1", "RAMB36E1", "RAMB18E2", "RAMB36E2"}  # yosys has no behaviour for them: test_netlist_rtl
ENABLES = ("CE", "WE")
RESETS = ("R", "S", "CLR", "PRE")
PORT = re.compile(r"\b(input|output)\b\s*(?:reg|wire)?\s*((?:\[\d+:\d+\])?)\s*((?:\w+\s*,\s*(?!input|output))*\w+)")


def cell_ports(text, cell):
    """Names, widths and directions of a cell's ports, from its Verilog: attributes and comments left out."""
    header = re.search(rf"^module {re.escape(cell)}\s*\((.*?)\);", text, re.M | re.S)[1]
    header = re.sub(r"\(\*.*?\*\)|//[^\n]*", "", header, flags=re.S)
    ports = {}
    for direction, vector, names in PORT.findall(header):
        width = int(vector[1:].split(":")[0]) + 1 if vector else 1
        ports.update({name.strip(): (direction == "input", width) for name in names.split(",")})
    return ports


def cell_parameters(text, cell, rng):
    """A random value for each INIT, as bits, and no inversion."""
    body = re.search(rf"^module {re.escape(cell)}\b.*?^endmodule", text, re.M | re.S)[0]
    widths = {}
    for vector, name, value in re.findall(r"parameter\s*(\[\d+:0\])?\s*(INIT\w*)\s*=\s*(\S+);", body):
        widths[name] = int(vector[1:].split(":")[0]) + 1 if vector else int(value.split("'")[0])
    return {name: random_text(rng, width) for name, width in sorted(widths.items())}


def random_text(rng, width):
    """Random bits that are not all the same."""
    bits = rng.integers(0, 2, width)
    bits[:2] = rng.permutation(2)[:width]
    return "".join(map(str, bits))


def one_cell(text, cell, rng, parameters=None):
    """A module around one instance, as Verilog and as a netlist: every pin is a port, the clock is called clk."""
    ports = cell_ports(text, cell)
    values = {**cell_parameters(text, cell, rng), **(parameters or {})}
    pins, nets, wires, places = {}, 2, {}, []
    for name, (is_input, width) in ports.items():
        clock = name in ("C", "CLK", "WCLK")
        outer = "clk" if clock else f"p_{name}"
        pins[name] = tuple(range(nets, nets + width))
        wires[outer] = Port(outer, is_input, pins[name])
        places.append(f".{name}({outer})")
        nets += width
    if "clk" not in wires:
        wires["clk"] = Port("clk", True, (nets,))
        nets += 1
    header = ", ".join(f"{'input' if p.is_input else 'output'} [{len(p.bits) - 1}:0] {p.name}" for p in wires.values())
    given = ", ".join(f".{name}({len(bits)}'b{bits})" for name, bits in values.items())
    verilog = f"module around ({header});\n    {cell} {f'#({given})' if given else ''} one ({', '.join(places)});\nendmodule\n"
    return verilog, Netlist("around", wires, (Cell("cell", cell, values, pins),), nets, {})


def stimulus(rng, netlist, cycles, lanes):
    """Random bits; resets are rare and enables are mostly on, so that there is something to see."""
    inputs = random_inputs(rng, netlist, cycles, lanes)
    for name, bits in inputs.items():
        if name[2:] in RESETS:
            bits &= rng.integers(0, 8, bits.shape, dtype=np.uint8) == 0
        elif name[2:] in ENABLES:
            bits |= rng.integers(0, 4, bits.shape, dtype=np.uint8) != 0
    return inputs


@pytest.mark.parametrize("cell", sorted(set(MODELS) - WITHOUT_VERILOG))
def test_a_cell_equals_its_verilog(cell, tmp_path):
    need_tools("iverilog")
    text = xilinx_models().read_text()
    rng = np.random.default_rng(list(cell.encode()))
    verilog, netlist = one_cell(text, cell, rng)
    if cell in ("GND", "VCC"):
        return check_constant(netlist, cell)
    inputs = stimulus(rng, netlist, CYCLES, 256)
    found = evaluated(Evaluator(netlist), netlist, inputs)
    for lane in (0, 197):
        one = {name: bits[:, lane] for name, bits in inputs.items()}
        wanted = simulate([verilog], netlist, one, tmp_path, [xilinx_models()])
        alike = {name: np.repeat(bits[:, None], 256, axis=1) for name, bits in one.items()}
        found_alike = evaluated(Evaluator(netlist), netlist, alike)
        for name, letters in wanted.items():
            known = letters != "x"  # RAM32X16DR8 has no initial contents
            bits = (letters == "1").astype(np.uint8)[known]
            assert known.mean() > 0.5
            assert 0.02 < bits.mean() < 0.98, f"{name} hardly ever changes"
            assert np.array_equal(found[name][:, lane][known], bits), f"{name}, lane {lane}"
            assert np.array_equal(found_alike[name][:, 5][known], bits), f"{name}, lanes alike"
            assert (found_alike[name] == found_alike[name][:, :1]).all()


def check_constant(netlist, cell):
    ports = {**netlist.ports, "a": Port("a", True, (netlist.nets,))}
    whole = Netlist(netlist.name, ports, netlist.cells, netlist.nets + 1, {})
    (name,) = (port.name for port in ports.values() if not port.is_input)
    assert (
        Evaluator(whole).vectors({"a": np.zeros(3, int), "clk": np.zeros(3, int)})[name].tolist() == [cell == "VCC"] * 3
    )
