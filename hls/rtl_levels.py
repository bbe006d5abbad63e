# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of layers that sum bits: levels of tables and counters, with registers every few levels.

A network of such levels is built once, by `rtl_bits` or `rtl_carry`, and then written here in either style. In the
generic style a level is computed inside the clocked block that stores it, so that a simulator evaluates nothing while
no vector moves; the xilinx style instantiates primitives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Tuple

from lutforge.hls.rtl_text import (
    concatenated,
    constant,
    instance,
    lookup,
    lookup_pair,
    narrow_begin,
    narrow_end,
    shifted,
)
from lutforge.table_pairs import table_pairs

WireOf = Callable[[int], str]
"""Return the wire of a bit's number."""

Adders = Callable[[str, WireOf], Tuple[str, List[str]]]
"""Return (declarations and logic, the sum of each output) of the adders behind the last level, given the style."""

Table = Tuple[int, Tuple[int, ...]]
PASS = 0b10


@dataclass(frozen=True)
class Count:
    """A counter on a carry chain. inputs: 3 or 7 bits of the level before; constants 0 and 1 are ZERO and ONE.

    inverted: of each input, whether 1 less it is counted. outputs: its bits in this level, lowest first.
    """

    inputs: Tuple[int, ...]
    inverted: Tuple[bool, ...]
    outputs: Tuple[int, ...]


ZERO, ONE = -1, -2


@dataclass
class Level:
    """One level of tables and counters.

    bits: of each bit (INIT, inputs of the level before), or None where a counter drives it; a bit that only passes
    through has one input and INIT 0b10.
    """

    bits: List[Optional[Table]] = field(default_factory=list)
    counts: List[Count] = field(default_factory=list)
    known: Dict[Table, int] = field(default_factory=dict)
    counted: Dict[Tuple[Tuple[int, ...], Tuple[bool, ...], int], Tuple[int, ...]] = field(default_factory=dict)

    def add(self, init: int, inputs: Tuple[int, ...]) -> int:
        """Return the number of a table's bit; equal tables are one."""
        key = (init, inputs)
        if key not in self.known:
            self.known[key] = len(self.bits)
            self.bits.append(key)
        return self.known[key]

    def count(self, inputs: Tuple[int, ...], inverted: Tuple[bool, ...], outputs: int) -> Tuple[int, ...]:
        """Return the numbers of the lowest `outputs` bits of a counter; equal counters are one."""
        key = (inputs, inverted, outputs)
        if key not in self.counted:
            self.counted[key] = tuple(range(len(self.bits), len(self.bits) + outputs))
            self.bits += [None] * outputs
            self.counts.append(Count(inputs, inverted, self.counted[key]))
        return self.counted[key]


def write(
    style: str, levels: List[Level], per_register: int, adders: Adders, width: int, source: str, paired: bool = False
) -> Tuple[str, str]:
    """Return (declarations and logic, expression of all sums, output 0 lowest). source: the input vector's wire.

    Register k is loaded by load[k]; the sums are registered by the last one. paired: small tables share a LUT6_2, see
    `table_pairs`.
    """
    text: List[str] = []
    wire: WireOf = partial("{}[{}]".format, source)
    stages = -(-len(levels) // per_register)
    for stage in range(stages):
        group = levels[stage * per_register : (stage + 1) * per_register]
        part, wire = _stage(style, group, stage, stage * per_register, wire, paired)
        text.append(part)
    part, sums = adders(style, wire)
    text += [part, f"    reg [{width * len(sums) - 1}:0] sums;\n    always @(posedge clk) if (load[{stages}]) begin\n"]
    for index, expression in enumerate(sums):
        text.append(f"        sums[{index * width + width - 1}:{index * width}] <= {expression};\n")
    text.append("    end\n")
    return "".join(text), "sums"


def _stage(style: str, group: List[Level], stage: int, number: int, wire: WireOf, paired: bool) -> Tuple[str, WireOf]:
    """Write the levels between two registers. number: of the first. Returns text and the wires of registered bits."""
    text: List[str] = []
    clocked: List[str] = []
    for index, level in enumerate(group):
        last = index == len(group) - 1
        if style == "generic":
            names = [f"{f'q{stage}' if last else f't{number + index}'}_{bit}" for bit in range(len(level.bits))]
            text.append(_declared("reg", names))
            clocked += _assignments(level, names, wire, "<=" if last else "=")
        else:
            names = [f"{'d' if last else 't'}{number + index}_{bit}" for bit in range(len(level.bits))]
            text += [_declared("wire", names), *_primitives(level, number + index, names, wire, paired)]
            if last:
                text.append(f"    reg [{max(1, len(names)) - 1}:0] q{stage};\n")
                joined = concatenated(names) if names else "1'b0"
                clocked.append(f"        q{stage} <= {joined};\n")
                names = [f"q{stage}[{bit}]" for bit in range(len(names))]
        wire = names.__getitem__
    block = [f"    always @(posedge clk) if (load[{stage}]) begin\n", *clocked, "    end\n"]
    if style == "generic":
        # a clocked block with blocking intermediate values: nothing is evaluated while nothing is loaded
        block = [narrow_begin(), "    /* verilator lint_off BLKSEQ */\n", *block]
        block += ["    /* verilator lint_on BLKSEQ */\n", narrow_end()]
    return "".join(text + block), wire


def _declared(kind: str, names: List[str]) -> str:
    rows = [", ".join(names[start : start + 12]) for start in range(0, len(names), 12)]
    return "".join(f"    {kind} {row};\n" for row in rows)


def _assignments(level: Level, names: List[str], wire: WireOf, sign: str) -> List[str]:
    """Return the statements of one level in the generic style."""
    result: List[str] = []
    for name, table in zip(names, level.bits, strict=True):
        if table:
            init, signals = table[0], [wire(bit) for bit in table[1]]
            value = signals[0] if init == PASS and len(signals) == 1 else shifted(init, signals)
            result.append(f"        {name} {sign} {value};\n")
    for made in level.counts:
        target = concatenated([names[bit] for bit in made.outputs])
        ones = [f"{'!' * turned}{_input(wire, bit)}" for bit, turned in zip(made.inputs, made.inverted, strict=True)]
        result.append(f"        {target} {sign} {' + '.join(ones)};\n")
    return result


def _primitives(level: Level, number: int, names: List[str], wire: WireOf, paired: bool) -> List[str]:
    """Return the instances of one level in the xilinx style. number: of the level."""
    result: List[str] = []
    luts: Dict[int, Tuple[str, int, List[str]]] = {}
    for bit, table in enumerate(level.bits):
        if table:
            init, signals = table[0], [wire(each) for each in table[1]]
            if init == PASS and len(signals) == 1:
                result.append(f"    assign {names[bit]} = {signals[0]};\n")
            else:
                luts[bit] = names[bit], init, signals
    bits = list(luts)
    shared = table_pairs([tuple(luts[bit][2]) for bit in bits]) if paired else [(each,) for each in range(len(bits))]
    for bit, *others in ([bits[each] for each in numbers] for numbers in shared):
        name, both = f"u{number}_{bit}", [luts[bit], *(luts[other] for other in others)]
        result.append(lookup_pair(name, both) if others else lookup("xilinx", name, *luts[bit]))
    for made in level.counts:
        size, turned = len(made.inputs), sum(int(one) << place for place, one in enumerate(made.inverted))
        sizes: Dict[str, Any] = {"INVERT": constant(TURNED[size], turned), "OUTPUTS": len(made.outputs)}
        ports = {
            "bits": concatenated([_input(wire, bit) for bit in made.inputs]),
            "count": concatenated([names[bit] for bit in made.outputs]),
        }
        result.append(instance(f"lutforge_count{size}", f"u{number}_{made.outputs[0]}", sizes, ports))
    return result


TURNED = {3: 3, 7: 5}
"""Inputs of a counter, from the lowest, that may be inverted: those that only a table reads."""


def _input(wire: WireOf, bit: int) -> str:
    return {ZERO: "1'b0", ONE: "1'b1"}.get(bit) or wire(bit)
