# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Netlists that cannot be evaluated are refused by name; parts are stitched; a table that changes is seen."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lutforge.errors import InputError, NetlistError, ToolError
from lutforge.hls import netlist_compiler
from lutforge.hls.netlist_compiler import LIBRARY, compile_engine
from lutforge.hls.netlist_executor import Evaluator
from lutforge.hls.netlist_program import make_program
from lutforge.netlist import UNKNOWN, Cell, Netlist, Port, flatten, read_netlist, read_netlists

FDRE = {"C": (2,), "CE": (1,), "R": (0,)}


def netlist(cells, ports, name="top", names=None):
    """ports: name -> nets, outputs with a leading '>'."""
    made = {text.lstrip(">"): Port(text.lstrip(">"), text[0] != ">", tuple(bits)) for text, bits in ports.items()}
    used = [bit for port in made.values() for bit in port.bits]
    used += [bit for cell in cells for bits in cell.connections.values() for bit in bits]
    return Netlist(name, made, tuple(cells), max(used, default=1) + 1, names or {})


def lut(name, init, *nets):
    """The last net is the output; init as text, highest bit first."""
    pins = {f"I{index}": (net,) for index, net in enumerate(nets[:-1])}
    return Cell(name, f"LUT{len(nets) - 1}", {"INIT": init}, {**pins, "O": (nets[-1],)})


XOR = lut("both", "0110", 3, 4, 5)
PORTS = {"clk": [2], "a": [3], "b": [4], ">y": [5]}


def refused(cells, ports=PORTS, **more):
    with pytest.raises(NetlistError) as caught:
        make_program(netlist(cells, ports, **more))
    return str(caught.value)


def test_unknown_cells_are_named():
    latch = Cell("held", "LDCE", {}, {"D": (3,), "Q": (5,), "G": (4,)})
    assert refused([latch]) == (
        "module top, cell held: LDCE has no model in the netlist evaluator; simulate the design with Verilator instead"
    )
    assert refused([Cell("product", "DSP48E1", {}, {"P": (5,)})]) == (
        "module top, cell product: DSP48E1 has no model; synthesise with -nodsp, which builds products of tables"
    )


def test_loops_are_named():
    cells = [lut("one", "0110", 3, 7, 6), lut("two", "10", 6, 7), lut("three", "10", 6, 5)]
    names = {6: "sum", 7: "again[3]"}
    assert refused(cells, names=names) == (
        "module top: a combinational loop of 2 nets: again[3] > sum; put a register into it, such a loop has no value "
        "that can be evaluated"
    )
    ring = [lut(f"n{net}", "01", net, net + 1) for net in range(10, 30)] + [lut("back", "0110", 3, 30, 10)]
    assert "a combinational loop of 21 nets: net 1" in refused(ring) and " > ...; put a" in refused(ring)


def test_clocks_that_cannot_be_evaluated():
    def flip_flop(name, clock, **parameters):
        return Cell(name, "FDRE", parameters, {**FDRE, "C": (clock,), "D": (3,), "Q": (5 if name == "one" else 6,)})

    both = refused([flip_flop("one", 2), flip_flop("two", 4)])
    assert both.startswith("module top has two clocks: net 2 (of one) and net 4 (of two); one clock for all cells")
    assert refused([flip_flop("one", 2, IS_C_INVERTED="1")]) == (
        "cell one (FDRE) takes the falling edge of its clock; only rising edges are evaluated"
    )
    gated = refused([lut("gate", "1000", 2, 4, 7), flip_flop("one", 7)])
    assert gated == (
        "module top: the clock of one is net 7, which is no input of one bit; use a clock enable in place of a gated clock"
    )
    assert refused([flip_flop("one", 2), lut("reads", "0110", 2, 4, 6)], {**PORTS, ">z": [6]}) == (
        "module top: clock clk is also used as data; that is not evaluated"
    )
    assert "clock clk is also used as data" in refused([flip_flop("one", 2)], {**PORTS, ">z": [2]})
    buffered = [Cell("buffer", "BUFG", {}, {"I": (2,), "O": (7,)}), flip_flop("one", 7)]
    assert make_program(netlist(buffered, PORTS)).clock == "clk"


def test_other_faults_of_netlists():
    assert refused([XOR, lut("again", "10", 3, 5)]) == "module top: net 5 has two drivers; a net has one"
    open_pin = Cell("one", "FDRE", {}, {"C": (2,), "D": (3,), "Q": (5,), "R": (0,)})
    assert refused([open_pin]) == "cell one (FDRE): pin CE is not connected; synthesise it again"
    assert refused([lut("wrong", "READ", 3, 5)]) == "cell wrong (LUT1): parameter INIT is 'READ'; a number is wanted"
    pins = {"CLKARDCLK": (2,), "ENARDEN": (1,), "RSTRAMARSTRAM": (0,), "ADDRARDADDR": (3,) * 16, "DOADO": (5,)}
    widths = {"READ_WIDTH_A": f"{12:b}", "READ_WIDTH_B": "0"}
    assert refused([Cell("ram", "RAMB18E1", widths, pins)]) == (
        "cell ram (RAMB18E1): READ_WIDTH_A is 12; there is no such width"
    )
    cascaded = Cell("ram", "RAMB36E1", {**widths, "RAM_EXTENSION_A": "LOWER"}, pins)
    assert refused([cascaded]).startswith(
        "cell ram (RAMB36E1): RAM_EXTENSION_A is 'LOWER'; cascaded block RAMs have no"
    )


def test_every_bit_of_a_table_is_seen():
    """Each of the 64 bits of a LUT6 that is flipped changes exactly one answer."""
    rng = np.random.default_rng(1)
    ports = {"clk": [2], "x": range(3, 9), ">y": [9]}
    bits = rng.integers(0, 2, 64)
    inputs = {"clk": np.zeros(64, int), "x": np.arange(64)}
    for flipped in range(64):
        bits[flipped] ^= 1
        made = netlist([lut("table", "".join(map(str, bits[::-1])), *range(3, 10))], ports)
        assert np.array_equal(Evaluator(made).vectors(inputs)["y"], bits)


@pytest.mark.parametrize("inputs", range(1, 7))
def test_tables_with_constant_repeated_and_unused_inputs(inputs):
    """All that simplification may leave of a table, against the table itself."""
    rng = np.random.default_rng(inputs)
    values = np.arange(64)
    for _ in range(60):
        wires = rng.integers(-1, 5, inputs)  # x is 0
        bits = rng.integers(0, 2, 1 << inputs)
        if rng.integers(0, 2):  # does not depend on its first input
            bits[1::2] = bits[::2]
        nets = [{-1: UNKNOWN, 0: 0, 1: 1}.get(int(wire), int(wire) + 1) for wire in wires]
        made = netlist([lut("table", "".join(map(str, bits[::-1])), *nets, 9)], {"x": range(3, 9), ">y": [9]})
        known = {UNKNOWN: 0 * values, 0: 0 * values, 1: 0 * values + 1}
        columns = [known[net] if net < 2 else values >> (net - 3) & 1 for net in nets]
        address = sum(column << index for index, column in enumerate(columns))
        assert np.array_equal(Evaluator(made).vectors({"x": values})["y"], bits[address])


def test_a_second_register_of_a_block_ram():
    """DOA_REG: the word leaves one edge later, has a clock enable of its own, and its reset gives SRVAL."""
    rng = np.random.default_rng(4)
    words = rng.integers(0, 2, (16, 16))
    pins = {
        "CLKARDCLK": (2,), "ENARDEN": (3,), "RSTRAMARSTRAM": (0,), "REGCEAREGCE": (4,), "RSTREGARSTREG": (5,),
        "ADDRARDADDR": (0,) * 4 + tuple(range(6, 10)) + (0,) * 6, "DOADO": tuple(range(10, 26)),
    }  # fmt: skip
    parameters = {
        "READ_WIDTH_A": f"{18:b}", "READ_WIDTH_B": "0", "WRITE_WIDTH_A": "0", "WRITE_WIDTH_B": "0", "DOA_REG": "1",
        "SRVAL_A": f"{0xA5C3:018b}", "INIT_A": f"{0x1234:018b}", "WRITE_MODE_A": "READ_FIRST",
        "INIT_00": "".join(map(str, words.reshape(-1)[::-1])),
    }  # fmt: skip
    ports = {"clk": [2], "en": [3], "ce": [4], "rst": [5], "a": range(6, 10), ">q": range(10, 26)}
    evaluator = Evaluator(netlist([Cell("ram", "RAMB18E1", parameters, pins)], ports))
    given = {name: rng.integers(0, 2, (500, 256)) for name in ("en", "ce", "rst")}
    given["a"] = rng.integers(0, 16, (500, 256))
    found = evaluator.cycles(given)["q"]
    numbers = (words << np.arange(16)).sum(axis=1)
    latch = second = np.full(256, 0x1234)
    for cycle in range(500):
        assert np.array_equal(found[cycle], second)
        en, ce, rst, a = (given[name][cycle] for name in ("en", "ce", "rst", "a"))
        second = np.where(rst, 0xA5C3, np.where(ce, latch, second))
        latch = np.where(en, numbers[a], latch)


def test_parts_are_stitched():
    """Ports that pass an input on, that are constant, open, shared, or feed back through the outside."""
    part = netlist(
        [lut("flip", "01", 2, 3), Cell("held", "FDRE", {"INIT": "1"}, {**FDRE, "C": (4,), "D": (5,), "Q": (6,)})],
        {"i": [2, 5], "c": [4], ">o": [3, 6], ">through": [2], ">one": [1], ">unused": [3]},
        "part",
    )
    first = Cell("first", "part", {}, {"i": (3, 11), "c": (2,), "o": (6, 7), "through": (8,), "one": (9,)})
    second = Cell("second", "part", {}, {"i": (8, 9), "c": (2,), "o": (11, 12), "unused": (13,)})
    whole = netlist(
        [first, second, lut("last", "0110", 8, 13, 10)],
        {"clk": [2], "a": [3], ">y": [6, 7, 8, 9, 10, 11, 12], ">z": [13]},
        names={11: "between"},
    )
    flat = flatten({"part": part, "top": whole}, "top")
    assert flat.counts() == {"FDRE": 2, "LUT1": 2, "LUT2": 1}
    assert [cell.name for cell in flat.cells] == ["first.flip", "first.held", "second.flip", "second.held", "last"]
    assert "between" in flat.names.values()
    a = np.array([0, 1, 1, 0, 0, 1])
    found = Evaluator(flat).cycles({"a": a})
    before = np.concatenate([[1], 1 - a[:-1]])  # the register has the flipped input of the cycle before
    wanted = [1 - a, before, a, 0 * a + 1, a ^ 1 - a, 1 - a, 0 * a + 1]
    assert found["y"][:, 0].tolist() == sum(bit << place for place, bit in enumerate(wanted)).tolist()
    assert found["z"][:, 0].tolist() == (1 - a).tolist()


def test_parts_that_do_not_fit():
    part = netlist([], {"i": [2, 3], ">o": [2, 3]}, "part")

    def stitched(pins, **others):
        whole = netlist([Cell("one", "part", {}, pins)], {"a": [2], ">y": [5]})
        with pytest.raises(NetlistError) as caught:
            flatten({"top": whole, "part": part, **others}, "top")
        return str(caught.value)

    assert stitched({"j": (2,)}) == "cell one: module part has no port 'j'"
    assert stitched({"i": (2,)}) == (
        "cell one: port i of module part has 2 bits, 1 are connected; synthesise both again"
    )
    within = netlist([Cell("self", "part", {}, {})], {}, "part")
    assert stitched({}, part=within) == "module part contains itself: top > part > part"
    with pytest.raises(NetlistError, match="there is no netlist of module 'other'; there are part"):
        flatten({"part": part}, "other")


def test_texts_that_are_no_netlists():
    for text in ("{", "[]", "{}", json.dumps({"modules": {"top": {}}})):
        with pytest.raises(NetlistError, match=r"this is no netlist as yosys's write_json writes it \(\w+: "):
            read_netlists(text)
    module = {"attributes": {}, "ports": {}, "cells": {}, "netnames": {}}
    model = {**module, "attributes": {"blackbox": "1"}}
    text = json.dumps({"modules": {"top": module, "LUT6": model}})
    assert list(read_netlists(text)) == ["top"]
    with pytest.raises(NetlistError, match="the netlist has no module 'other'; it has top"):
        read_netlist(text, "other")
    tristate = {**module, "ports": {"pad": {"direction": "inout", "bits": [2]}}}
    with pytest.raises(NetlistError, match="module top: port pad is inout; only inputs and outputs are known"):
        read_netlists(json.dumps({"modules": {"top": tristate}}))


def test_inputs_that_do_not_fit():
    evaluator = Evaluator(netlist([XOR], {**PORTS, "wide": range(6, 80)}))
    good = {"clk": np.zeros(3, int), "a": np.ones(3, int), "b": np.zeros(3, int), "wide": np.zeros((3, 74), int)}
    assert evaluator.vectors(good)["y"].tolist() == [1, 1, 1]
    assert evaluator.cycles(good)["y"].tolist() == [[1], [1], [1]]
    for change, message in [
        ({"more": np.zeros(3)}, "inputs a, b, clk, more, wide were given; the design has clk, a, b, wide"),
        ({"a": np.zeros(2, int)}, r"inputs have \[2, 3\] vectors; all inputs need as many"),
        ({"a": np.array([0, 2, 1])}, r"input a is given 0..2; its 1 bits hold 0..1"),
        ({"a": np.array([0, -1, 1])}, r"input a is given -1..1; its 1 bits hold 0..1"),
        ({"wide": np.zeros((3, 73))}, r"input wide has shape \(3, 73\); its last axis must be its 74 bits"),
    ]:
        with pytest.raises(InputError, match=message):
            evaluator.vectors({**good, **change})
    with pytest.raises(InputError, match="300 lanes were given; at most 256 fit"):
        evaluator.cycles({**good, "a": np.zeros((3, 300), int)})
    with pytest.raises(InputError, match=r"inputs have \[4, 5\] lanes"):
        evaluator.cycles({**good, "a": np.zeros((3, 4), int), "b": np.zeros((3, 5), int)})


@pytest.mark.parametrize("seed", range(4))
def test_registers_that_read_each_other_change_at_once(seed):
    """Data, clock enable and reset come straight from other registers; groups of registers are of all sizes."""
    rng = np.random.default_rng(seed)
    size = 12
    data, enable, reset = (rng.integers(0, size, size) for _ in range(3))
    enable[:4], reset[:8] = enable[0], reset[0]
    kinds, init = rng.integers(0, 2, size), rng.integers(0, 2, size)
    cells = []
    for index in range(size):
        pins = {"C": (2,), "D": (data[index] + 4,), "CE": (enable[index] + 4,), "Q": (index + 4,)}
        pins |= {"S" if kinds[index] else "R": (reset[index] + 4 if index % 3 else 3,)}
        cells.append(Cell(f"register{index}", "FDSE" if kinds[index] else "FDRE", {"INIT": str(init[index])}, pins))
    evaluator = Evaluator(netlist(cells, {"clk": [2], "rst": [3], ">q": range(4, 4 + size)}))
    rst = rng.integers(0, 2, (60, 256))
    found = evaluator.cycles({"rst": rst})["q"]
    state = np.repeat(init[:, None], 256, axis=1)
    for cycle in range(60):
        assert np.array_equal(found[cycle], (state << np.arange(size)[:, None]).sum(axis=0))
        resets = np.where(np.arange(size)[:, None] % 3, state[reset], rst[cycle])
        state = np.where(resets, kinds[:, None], np.where(state[enable], state[data], state))


def test_state_is_kept_and_reset():
    cells = [lut("flip", "01", 5, 6), Cell("held", "FDRE", {"INIT": "0"}, {**FDRE, "CE": (3,), "D": (6,), "Q": (5,)})]
    evaluator = Evaluator(netlist(cells, {"clk": [2], "a": [3], ">y": [5]}))
    on = {"a": np.ones(3, int)}
    assert evaluator.cycles(on)["y"][:, 0].tolist() == [0, 1, 0]
    assert evaluator.cycles(on)["y"][:, 0].tolist() == [1, 0, 1]
    evaluator.reset()
    assert evaluator.cycles(on)["y"][:, 0].tolist() == [0, 1, 0]
    assert evaluator.vectors(on, edges=3)["y"].tolist() == [1, 1, 1]
    assert (evaluator.program.tables, evaluator.program.registers, evaluator.program.depth) == (1, 1, 1)


def test_the_compiler(tmp_path, monkeypatch):
    path = compile_engine(LIBRARY, tmp_path / "kept")
    changed = path.stat().st_mtime_ns
    assert compile_engine(LIBRARY, tmp_path / "kept") == path and path.stat().st_mtime_ns == changed
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho 'a.cpp:1: error: no such thing' >&2; exit 1\n")
    tool.chmod(0o755)
    with pytest.raises(
        ToolError, match=r"tool failed on netlist_engine.cpp; g\+\+ 9 or newer is wanted:\na.cpp:1: err"
    ):
        compile_engine(LIBRARY, tmp_path, str(tool))
    tool.write_text("#!/bin/sh\nsleep 9\n")
    monkeypatch.setattr(netlist_compiler, "COMPILE_DEADLINE_S", 0.2)
    with pytest.raises(ToolError, match=r"netlist_engine.cpp was not compiled within 0.2 s"):
        compile_engine(LIBRARY, tmp_path, str(tool))
    with pytest.raises(ToolError, match="C\\+\\+ compiler 'nix' was not found"):
        compile_engine(LIBRARY, tmp_path, "nix")
