# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A `Circuit` of `lutforge.cells` as structural Verilog: one instance per cell, in the circuit's order.

Two modules are written. The first is the logic alone, with what its SRAM cells hold as an input. In the second, which
has `programmed_` before its name, each of them is a flip-flop, and all form one chain through which a weight's bits are
shifted in. Standard cells have no SRAM cell; a chain is the smallest storage that can be written, since a write port
would cost a multiplexer per bit. It is larger than SRAM, so that tables come out dearer than in the transistor model.
"""

from __future__ import annotations

from typing import Dict, List

from lutforge.cells import AND, FULL_ADDER, HALF_ADDER, MUX, Circuit

PROGRAMMED = "programmed_"
CELLS: Dict[str, str] = {
    MUX: "module MUX2 (input s, input low, input high, output y);\n    assign y = s ? high : low;\nendmodule\n",
    AND: "module AND2 (input a, input b, output y);\n    assign y = a & b;\nendmodule\n",
    HALF_ADDER: "module HA (input a, input b, output s, output c);\n"
    "    assign s = a ^ b;\n    assign c = a & b;\nendmodule\n",
    FULL_ADDER: "module FA (input a, input b, input d, output s, output c);\n"
    "    assign s = a ^ b ^ d;\n    assign c = (a & b) | (d & (a | b));\nendmodule\n",
}
"""The cells; pins in the order of a `Circuit`'s inputs and outputs."""


def circuit_verilog(circuit: Circuit, name: str = "multiplier") -> Dict[str, str]:
    """Return {path: text}: the two modules, and their cells. Signal k of the circuit is the wire n[k].

    name: of the first module and of its file.
    """
    return {"cells.v": "\n".join(CELLS.values()), f"{name}.v": f"{_logic(circuit, name)}\n{_programmed(circuit, name)}"}


def _logic(circuit: Circuit, name: str) -> str:
    lines = [
        f"module {name} (",
        f"    input [{len(circuit.activation) - 1}:0] activation,",
        f"    input [{len(circuit.stored) - 1}:0] stored,",
        f"    output [{len(circuit.product) - 1}:0] product",
        ");",
        f"    wire [{circuit.signals - 1}:0] n;",
        "    assign n[0] = 1'b0;",
    ]
    lines += [f"    assign n[{signal}] = activation[{place}];" for place, signal in enumerate(circuit.activation)]
    lines += [f"    assign n[{signal}] = stored[{place}];" for place, (signal, _, _) in enumerate(circuit.stored)]
    lines += [f"    {kind} c{place} ({_pins(*pins)});" for place, (kind, *pins) in enumerate(circuit.cells)]
    lines += [f"    assign product[{place}] = n[{signal}];" for place, signal in enumerate(circuit.product)]
    return "\n".join([*lines, "endmodule\n"])


def _pins(inputs: tuple[int, ...], outputs: tuple[int, ...]) -> str:
    return ", ".join(f"n[{signal}]" for signal in (*inputs, *outputs))


def _programmed(circuit: Circuit, name: str) -> str:
    """Return the module whose stored bits are a chain: the first bit that goes in ends in the highest place."""
    lines: List[str] = [
        f"module {PROGRAMMED}{name} (",
        "    input clk,",
        "    input next,",
        f"    input [{len(circuit.activation) - 1}:0] activation,",
        f"    output [{len(circuit.product) - 1}:0] product",
        ");",
        f"    reg [{len(circuit.stored) - 1}:0] stored;",
        "    always @(posedge clk) stored <= {stored, next};",
        f"    {name} logic_alone (activation, stored, product);",
    ]
    return "\n".join([*lines, "endmodule\n"])
