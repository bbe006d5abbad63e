# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Models of Xilinx's cells, 7 series (UG953) and UltraScale+ (UG974): tables, carry chains, registers, shift registers.

A cell that has no model is refused by its type and name, never guessed.
"""

from __future__ import annotations

from typing import Callable, Dict

from lutforge.errors import NetlistError
from lutforge.hls.netlist_logic import (
    AND_NOT,
    MUX,
    NOT,
    OR,
    XOR,
    Logic,
    Register,
    ShiftRegister,
    flags,
)
from lutforge.hls.netlist_memories import MEMORY_MODELS
from lutforge.netlist import UNKNOWN, Bits, Cell, Netlist

Model = Callable[[Logic, Cell], None]

WIRE = 0b10


def read_logic(netlist: Netlist) -> Logic:
    """Return what a flat netlist computes; NetlistError names a cell that has no model."""
    logic = Logic(netlist)
    for cell in netlist.cells:
        model = MODELS.get(cell.type)
        if model is None:
            raise NetlistError(_refusal(netlist, cell))
        model(logic, cell)
    return logic


def _refusal(netlist: Netlist, cell: Cell) -> str:
    where = f"module {netlist.name}, cell {cell.name}"
    if cell.type.startswith("DSP48"):
        return f"{where}: {cell.type} has no model; synthesise with -nodsp, which builds products of tables"
    return f"{where}: {cell.type} has no model in the netlist evaluator; simulate the design with Verilator instead"


def _constant(value: int) -> Model:
    def model(logic: Logic, cell: Cell) -> None:
        logic.drive(cell.pin("P" if value else "G"), WIRE, value)

    return model


def _one_input(init: int) -> Model:
    def model(logic: Logic, cell: Cell) -> None:
        logic.drive(cell.pin("O"), init, logic.input(cell, "I"))

    return model


def _lut(inputs: int) -> Model:
    def model(logic: Logic, cell: Cell) -> None:
        logic.drive(cell.pin("O"), cell.integer("INIT"), *_lut_inputs(cell, inputs))

    return model


def _lut_inputs(cell: Cell, count: int) -> Bits:
    return tuple(cell.pin(f"I{index}") for index in range(count))


def _lut6_2(logic: Logic, cell: Cell) -> None:
    init, inputs = cell.integer("INIT"), _lut_inputs(cell, 6)
    logic.drive(cell.pin("O6"), init, *inputs)
    logic.drive(cell.pin("O5"), init & 0xFFFFFFFF, *inputs[:5])


def _mux(logic: Logic, cell: Cell) -> None:
    logic.drive(cell.pin("O"), MUX, cell.pin("I0"), cell.pin("I1"), cell.pin("S"))


def _muxcy(logic: Logic, cell: Cell) -> None:
    logic.drive(cell.pin("O"), MUX, cell.pin("DI"), cell.pin("CI"), cell.pin("S"))


def _xorcy(logic: Logic, cell: Cell) -> None:
    logic.drive(cell.pin("O"), XOR, cell.pin("CI"), cell.pin("LI"))


def _carry_bits(logic: Logic, cell: Cell, carry: int, low: int, high: int) -> None:
    """Bits low..high-1 of a carry chain: each selects its carry or its DI, and adds the carry to S."""
    width = high - low
    sums, carries = cell.pins("O", high)[low:], cell.pins("CO", high)[low:]
    for index, (select, other) in enumerate(
        zip(cell.pins("S", high)[low:], cell.pins("DI", high)[low:], strict=True),
    ):
        logic.drive(sums[index], XOR, select, carry)
        out = carries[index]
        if out == UNKNOWN and index + 1 < width:
            out = logic.net()
        logic.drive(out, MUX, other, carry, select)
        carry = out


def _carry4(logic: Logic, cell: Cell) -> None:
    _carry_bits(logic, cell, logic.gate(OR, cell.pin("CI"), cell.pin("CYINIT")), 0, 4)


def _carry8(logic: Logic, cell: Cell) -> None:
    if cell.text("CARRY_TYPE", "SINGLE_CY8") == "DUAL_CY4":
        _carry_bits(logic, cell, cell.pin("CI"), 0, 4)
        _carry_bits(logic, cell, cell.pin("CI_TOP"), 4, 8)
    else:
        _carry_bits(logic, cell, cell.pin("CI"), 0, 8)


def _synchronous(pin: str, value: int) -> Model:
    """FDRE and FDSE."""

    def model(logic: Logic, cell: Cell) -> None:
        logic.clock(cell, "C")
        data, enable, reset = (logic.input(cell, name) for name in ("D", "CE", pin))
        if cell.pin("Q") != UNKNOWN:
            logic.registers.append(Register(cell.pin("Q"), data, enable, reset, value, cell.integer("INIT", value)))

    return model


def _asynchronous(pin: str, value: int) -> Model:
    """FDCE and FDPE: while the pin is 1 the output is `value`, and so is what the next edge leaves."""

    def model(logic: Logic, cell: Cell) -> None:
        logic.clock(cell, "C")
        data, enable, reset = (logic.input(cell, name) for name in ("D", "CE", pin))
        state = logic.net()
        logic.registers.append(Register(state, data, enable, reset, value, cell.integer("INIT", value)))
        logic.drive(cell.pin("Q"), OR if value else AND_NOT, state, reset)

    return model


def _shift_register(depth: int, *, enabled: bool, vector: bool, last: str = "") -> Model:
    """SRL16, SRL16E, SRLC16E, SRLC32E; last: pin of the last bit; vector: the address is one pin."""
    width = depth.bit_length() - 1

    def model(logic: Logic, cell: Cell) -> None:
        logic.clock(cell, "CLK")
        enable = logic.input(cell, "CE") if enabled else 1
        shift = ShiftRegister(logic.input(cell, "D"), enable, flags(cell.integer("INIT"), depth))
        address = cell.pins("A", width) if vector else tuple(cell.pin(f"A{index}") for index in range(width))
        if cell.pin("Q") != UNKNOWN:
            shift.reads.append((address, cell.pin("Q")))
        if last and cell.pin(last) != UNKNOWN:
            shift.taps.append((depth - 1, cell.pin(last)))
        logic.shifts.append(shift)

    return model


def _cfglut5(logic: Logic, cell: Cell) -> None:
    logic.clock(cell, "CLK")
    shift = ShiftRegister(logic.input(cell, "CDI"), logic.input(cell, "CE"), flags(cell.integer("INIT"), 32))
    address = _lut_inputs(cell, 5)
    if cell.pin("O6") != UNKNOWN:
        shift.reads.append((address, cell.pin("O6")))
    if cell.pin("O5") != UNKNOWN:
        shift.reads.append((address[:4], cell.pin("O5")))
    if cell.pin("CDO") != UNKNOWN:
        shift.taps.append((31, cell.pin("CDO")))
    logic.shifts.append(shift)


MODELS: Dict[str, Model] = {
    "GND": _constant(0),
    "VCC": _constant(1),
    **{name: _one_input(WIRE) for name in ("IBUF", "IBUFG", "OBUF", "BUFG")},
    "INV": _one_input(NOT),
    **{f"LUT{inputs}": _lut(inputs) for inputs in range(1, 7)},
    "LUT6_2": _lut6_2,
    "MUXF5": _mux,
    "MUXF6": _mux,
    "MUXF7": _mux,
    "MUXF8": _mux,
    "MUXF9": _mux,
    "MUXCY": _muxcy,
    "XORCY": _xorcy,
    "CARRY4": _carry4,
    "CARRY8": _carry8,
    "FDRE": _synchronous("R", 0),
    "FDSE": _synchronous("S", 1),
    "FDCE": _asynchronous("CLR", 0),
    "FDPE": _asynchronous("PRE", 1),
    "SRL16": _shift_register(16, enabled=False, vector=False),
    "SRL16E": _shift_register(16, enabled=True, vector=False),
    "SRLC16E": _shift_register(16, enabled=True, vector=False, last="Q15"),
    "SRLC32E": _shift_register(32, enabled=True, vector=True, last="Q31"),
    "CFGLUT5": _cfglut5,
    **MEMORY_MODELS,
}
