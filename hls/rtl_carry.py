# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Sums of bits as counters and adders on carry chains (`hls/rtl/counters.v`), as `carry_compressor` plans them.

A bit that is to be inverted stays as it is until a table reads it, whose INIT then is another one. Two inputs of a
7:3 counter and one of a 6:3 are read by no table. Where bits that may stand there are short, the counter counts the
inverse of every input, and its outputs are the inverse of the wanted number's bits: 7 less x is x with all bits
inverted, and six bits have a constant as the seventh.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from lutforge.carry_compressor import CARRY_OUTPUTS, CarryTree, RowAdder
from lutforge.hls.rtl_levels import ONE, PASS, TURNED, ZERO, Adders, Level, WireOf
from lutforge.hls.rtl_text import concatenated, constant, instance
from lutforge.mac_shape import BitSums


class Bit(NamedTuple):
    """A bit of a level. inverted: whether 1 less the bit is meant."""

    number: int
    inverted: bool


Columns = List[List[Bit]]
"""The bits of each binary column of one output."""


def build(sums: BitSums, first: Level | None) -> Tuple[List[Level], Adders]:
    """Return the levels of tables and counters, and the adders behind them.

    first: the level of tables that `sums.bit` numbers, or None where they number the input's bits.
    """
    levels = [first] if first is not None else []
    outputs = _columns(sums)
    trees = sums.carry_trees()
    for depth in range(max(len(tree.levels) for tree in trees)):
        level = Level()
        for index, tree in enumerate(trees):
            sizes = tree.levels[depth] if depth < len(tree.levels) else ((),) * sums.width
            outputs[index] = _compress(level, outputs[index], sizes)
        levels.append(level)
    return levels, partial(_adders, outputs, trees, sums.constant.tolist())


def _columns(sums: BitSums) -> List[Columns]:
    result: List[Columns] = [[[] for _ in range(sums.width)] for _ in sums.constant]
    entries = (sums.bit, sums.inverted, sums.column, sums.output)
    for bit, inverted, column, output in zip(*(values.tolist() for values in entries), strict=True):
        if column < sums.width:
            result[output][column].append(Bit(bit, inverted))
    return result


def _compress(level: Level, columns: Columns, sizes: Sequence[Tuple[int, ...]]) -> Columns:
    result: Columns = [[] for _ in columns]
    for place, bits in enumerate(columns):
        groups, left = _grouped(bits, sizes[place])
        for group in groups:
            made = _count(level, group, min(CARRY_OUTPUTS[len(group)], len(columns) - place))
            for offset, bit in enumerate(made):
                result[place + offset].append(bit)
        result[place] += [Bit(level.add(PASS, (bit.number,)), bit.inverted) for bit in left]
    return result


def _grouped(bits: Sequence[Bit], sizes: Sequence[int]) -> Tuple[List[List[Bit]], List[Bit]]:
    """Return the bits of each counter and those left: bits that are not inverted go where no table reads them first."""
    plain = [bit for bit in bits if not bit.inverted]
    turned = [bit for bit in bits if bit.inverted]
    groups: List[List[Bit]] = [[] for _ in sizes]
    for group, size in zip(groups, sizes, strict=True):
        wanted = _untabled(size)
        group += plain[:wanted]
        del plain[:wanted]
    rest = turned + plain
    for group, size in zip(groups, sizes, strict=True):
        missing = size - len(group)
        group[:0] = rest[:missing]
        del rest[:missing]
    return groups, rest


def _untabled(size: int) -> int:
    """Return how many inputs of a counter no table reads; of six, the constant in the seventh place is one."""
    return max(0, size - TURNED[7]) if size > 3 else 0


def _count(level: Level, bits: Sequence[Bit], outputs: int) -> List[Bit]:
    """Add a counter of 3, 6 or 7 bits, the last ones of which are those not inverted, if there are any."""
    needed = _untabled(len(bits))
    flip = sum(not bit.inverted for bit in bits) < needed
    ordered = sorted((Bit(bit.number, bit.inverted != flip) for bit in bits), key=lambda bit: not bit.inverted)
    if len(bits) == 6:
        ordered.append(Bit(ONE if flip else ZERO, False))
    numbers = tuple(bit.number for bit in ordered)
    made = level.count(numbers, tuple(bit.inverted for bit in ordered), outputs)
    return [Bit(number, flip) for number in made]


def _adders(
    outputs: List[Columns], trees: Sequence[CarryTree], constants: List[int], style: str, wire: WireOf
) -> Tuple[str, List[str]]:
    text: List[str] = []
    sums: List[str] = []
    for number, (columns, tree, ones) in enumerate(zip(outputs, trees, constants, strict=True)):
        low = tree.adder.low if tree.adder.low >= 0 else len(columns)
        parts = [_single(bits, (ones >> place) & 1, wire) for place, bits in enumerate(columns)]
        if low < len(columns):
            part, total = _adder(style, f"add{number}", columns, tree.adder, ones, wire)
            text.append(part)
            parts = [*parts[:low], total]
            above = len(columns) - low - len(tree.adder.saves)
            parts += [constant(above, 0)] if above else []
        sums.append(concatenated(parts))
    return "".join(text), sums


def _single(bits: List[Bit], one: int, wire: WireOf) -> str:
    """Return the bit of a column that needs no adder."""
    return _wire(bits[0], wire) if bits else f"1'b{one}"


def _wire(bit: Bit, wire: WireOf) -> str:
    return f"{'~' * bit.inverted}{wire(bit.number)}"


def _adder(style: str, name: str, columns: Columns, plan: RowAdder, ones: int, wire: WireOf) -> Tuple[str, str]:
    """Return (text, sum) of the columns from `plan.low` on."""
    width = len(plan.saves)
    held = [list(bits) for bits in columns[plan.low : plan.low + width]]
    fourth = held[0].pop() if plan.fourth else None
    rows = [[column[row] if row < len(column) else None for column in held] for row in range(3)]
    fixed = (ones >> plan.low) & ((1 << width) - 1)
    enters = wire(fourth.number) if fourth else "1'b0"
    if style == "generic":
        words = [concatenated([_wire(bit, wire) if bit else "1'b0" for bit in row]) for row in rows if any(row)]
        words += [constant(width, fixed)] if fixed else []
        words += [concatenated([enters] + ["1'b0"] * (width - 1))] if fourth else []
        return "", " + ".join(words)
    turned = [int(bit.inverted) if bit else 0 for row in rows for bit in row]
    sizes: Dict[str, Any] = {
        "WIDTH": width,
        "ONES": constant(width, fixed),
        "TABLES": constant(width, _mask(plan.tables)),
        "SAVES": constant(width, _mask(plan.saves)),
        "INVERT": constant(3 * width, _mask(turned)),
    }
    ports = {"fourth": enters, "sum": f"{name}_sum"}
    for letter, row in zip("abc", rows, strict=True):
        ports[letter] = concatenated([wire(bit.number) if bit else "1'b0" for bit in row])
    text = f"    wire [{width - 1}:0] {name}_sum;\n"
    return text + instance("lutforge_add_rows", name, sizes, ports), f"{name}_sum"


def _mask(flags: Sequence[int]) -> int:
    return sum(int(flag) << place for place, flag in enumerate(flags))
