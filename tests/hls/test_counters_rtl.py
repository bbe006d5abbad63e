# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every input of the counters, adders and comparisons on carry chains: behavioural text in Verilator, primitives in the
netlist evaluator."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
import pytest

from lutforge.carry_compressor import counter_luts, row_adder
from lutforge.errors import ToolError
from lutforge.hls.netlist_executor import Evaluator
from lutforge.hls.rtl_carry import build
from lutforge.hls.rtl_levels import PASS, Level, write
from lutforge.hls.rtl_text import constant, instance
from lutforge.mac_shape import BitSums
from lutforge.netlist import Netlist, read_netlist
from lutforge.schedule import CARRY
from lutforge.table_pairs import table_pairs
from lutforge.yosys import synthesise

sys.path.insert(0, str(Path(__file__).parent))
from multiplier_bench import Verilated

LIBRARY = {path.name: path.read_text() for path in sorted((Path(__file__).parents[2] / "hls" / "rtl").glob("*.v"))}
X_BITS = 12
X = np.arange(1 << X_BITS)
"""All values of the input of the bench, of which a part reads the lowest bits."""


class Part(NamedTuple):
    """An instance in the bench, its output port, its LUTs, and what it must deliver for all of X."""

    port: str
    bits: int
    text: str
    luts: int
    wanted: np.ndarray


def bit(place: int) -> np.ndarray:
    return X >> place & 1


def counters() -> List[Part]:
    """7:3, and 6:3 by a constant in the seventh place, with each set of inverted inputs; 3:2 likewise."""
    result = []
    for size, turnable in ((7, 5), (3, 3)):
        for invert in range(1 << turnable):
            for outputs in range(1, 4 if size == 7 else 3):
                name = f"count{size}_{invert}_{outputs}"
                sizes = {"INVERT": constant(turnable, invert), "OUTPUTS": outputs}
                ports = {"bits": f"x[{size - 1}:0]", "count": name}
                ones = sum(bit(place) ^ (invert >> place & 1) for place in range(size))
                text = instance(f"lutforge_count{size}", f"u_{name}", sizes, ports)
                result.append(Part(name, outputs, text, counter_luts(size, outputs), ones % (1 << outputs)))
    for last in (0, 1):
        ports = {"bits": f"{{1'b{last}, x[5:0]}}", "count": f"six{last}"}
        ones = sum(bit(place) for place in range(6)) + last
        result.append(Part(f"six{last}", 3, instance("lutforge_count7", f"u_six{last}", {}, ports), 2, ones))
    return result


def adders() -> List[Part]:
    """Three columns of every height, a fourth for what they hand on; constants and inverted bits at random."""
    rng = np.random.default_rng(6)
    result = []
    for heights in np.ndindex(5, 4, 4):
        ones, turned = (int(number) for number in rng.integers(0, (1 << 4, 1 << 12)))
        plan = row_adder(heights, ones, 4, True)
        if plan is None or plan.low < 0:
            continue
        width, name = len(plan.saves), f"add{len(result)}"
        held, place = [], 0
        for height in heights:
            held.append(list(range(place, place + height)))
            place += height
        held = [*held, []][plan.low :]
        total = np.full(len(X), ones >> plan.low)
        fourth = f"x[{held[0][-1]}]" if plan.fourth else "1'b0"
        total += bit(held[0].pop()) if plan.fourth else 0
        rows: Dict[str, str] = {}
        invert = 0
        for row, letter in enumerate("abc"):
            places = [column[row] if row < len(column) else None for column in held[:width]]
            rows[letter] = "{" + ", ".join(f"x[{p}]" if p is not None else "1'b0" for p in reversed(places)) + "}"
            for column, p in enumerate(places):
                if p is not None:
                    inverse = turned >> p % 12 & 1
                    invert |= inverse << (row * width + column)
                    total += (bit(p) ^ inverse) << column
        sizes = {
            "WIDTH": width,
            "ONES": constant(width, ones >> plan.low),
            "TABLES": constant(width, sum(used << i for i, used in enumerate(plan.tables))),
            "SAVES": constant(width, sum(used << i for i, used in enumerate(plan.saves))),
            "INVERT": constant(3 * width, invert),
        }
        text = instance("lutforge_add_rows", f"u_{name}", sizes, {"fourth": fourth, **rows, "sum": name})
        result.append(Part(name, width, text, plan.luts, total % (1 << width)))
    return result


def comparisons() -> List[Part]:
    """All pairs of up to six bits."""
    result = []
    for bits in range(1, 7):
        a, b = X & ((1 << bits) - 1), X >> 6 & ((1 << bits) - 1)
        ports = {"a": f"x[{bits - 1}:0]", "b": f"x[{5 + bits}:6]"}
        for signed in (0, 1):
            half = signed << bits - 1
            name = f"greater{bits}_{signed}"
            text = instance(
                "lutforge_greater", f"u_{name}", {"BITS": bits, "SIGNED": signed}, {**ports, "greater": name}
            )
            result.append(Part(name, 1, text, (bits + 1) // 2, ((a ^ half) > (b ^ half)).astype(int)))
        name = f"equal{bits}"
        text = instance("lutforge_equal", f"u_{name}", {"WIDTH": bits}, {**ports, "equal": name})
        result.append(Part(name, 1, text, (bits + 2) // 3, (a == b).astype(int)))
        name = f"choice{bits}"
        chosen = {"choice": "x[0]", "zero": f"x[{bits}:1]", "one": f"x[{5 + bits}:6]", "q": name}
        text = instance("lutforge_choice", f"u_{name}", {"WIDTH": bits}, chosen)
        one = X & 1
        result.append(Part(name, bits, text, (bits + 1) // 2, np.where(one, b, X >> 1 & ((1 << bits) - 1))))
    return result


def long_comparisons() -> List[Part]:
    """Words of 24 bits that differ in the lowest bits, or in the highest: carries pass from slice to slice."""
    low, high = X & 63, X >> 6
    words = {
        "outer": ("{x[5:0], 12'h0, x[11:6]}", "{x[11:6], 12'h0, x[5:0]}", low << 18 | high, high << 18 | low),
        "lower": ("{12'h8, x}", "{12'h8, x[11:6], 6'h15}", X, high << 6 | 0x15),
    }
    result = []
    for name, (left, right, a, b) in words.items():
        ports = {"a": left, "b": right, "greater": f"{name}_greater"}
        sizes = {"BITS": 24, "SIGNED": 0}
        text = instance("lutforge_greater", f"u_{name}_greater", sizes, ports)
        result.append(Part(f"{name}_greater", 1, text, 12, (a > b).astype(int)))
        ports = {"a": left, "b": right, "equal": f"{name}_equal"}
        text = instance("lutforge_equal", f"u_{name}_equal", {"WIDTH": 24}, ports)
        result.append(Part(f"{name}_equal", 1, text, 8, (a == b).astype(int)))
    return result


GROUPS: Dict[str, Callable[[], List[Part]]] = {
    "counters": counters,
    "adders": adders,
    "comparisons": comparisons,
    "long": long_comparisons,
}
INVERTERS = {"counters": 1, "adders": 2, "comparisons": 0, "long": 0}
"""What yosys adds where a chain has constants, one output of which then is the inverse of another signal."""


def bench_text(parts: Sequence[Part]) -> str:
    ports = [f"input wire [{X_BITS - 1}:0] x", *(f"output wire [{part.bits - 1}:0] {part.port}" for part in parts)]
    return (
        "module bench (\n    " + ",\n    ".join(ports) + "\n);\n" + "".join(part.text for part in parts) + "endmodule\n"
    )


def netlist_of(text: str) -> Netlist:
    if importlib.util.find_spec("pyosys") is None:
        pytest.skip("pyosys is not installed: pip install 'lutforge[synth]'")
    return read_netlist(synthesise({**LIBRARY, "bench.v": text}, "bench").json, "bench")


def wrong(engine, parts: Sequence[Part]) -> Dict[str, int]:
    found = engine.cycles({"x": X.reshape(-1, 256)})
    return {part.port: int((found[part.port].astype(np.int64).ravel() != part.wanted).sum()) for part in parts}


@pytest.mark.parametrize("group", GROUPS)
def test_every_input_of_the_primitives(group):
    parts = GROUPS[group]()
    netlist = netlist_of(bench_text(parts))
    assert not any(wrong(Evaluator(netlist), parts).values())
    counts = netlist.counts()
    tables = sum(count for name, count in counts.items() if name.startswith("LUT"))
    told = sum(part.luts for part in parts)
    assert tables == told or (group == "long" and tables < told), counts  # constants there save some
    assert counts.get("INV", 0) <= INVERTERS[group], counts


def verilated(folder: Path, text: str, outputs: Dict[str, int], *, clocked: bool) -> Verilated:
    try:
        return Verilated(folder, {**LIBRARY, "bench.v": text}, ["x"], outputs, clocked=clocked)
    except ToolError as error:
        if "was not found" not in str(error):
            raise
        pytest.skip(str(error))


def test_every_input_of_the_behavioural_text(tmp_path):
    parts = [part for group in GROUPS.values() for part in group()]
    outputs = {part.port: part.bits for part in parts}
    assert not any(wrong(verilated(tmp_path, bench_text(parts), outputs, clocked=False), parts).values())


def test_there_are_enough_adders():
    parts = adders()
    assert len(parts) > 50 and {part.bits for part in parts} == {2, 3, 4}
    assert sum("fourth(x[" in part.text for part in parts) >= 5


# what the emitter makes of them

HELD = 12
"""Cycles for which an input stays: more than any registers."""


def sums_of(seed: int, entries: int, columns: int, turned: float, tables: bool) -> Tuple[BitSums, int]:
    """Return sums of bits of x, each read once or twice, and how many levels are between two registers."""
    rng = np.random.default_rng(seed)
    outputs, width = 2, int(rng.integers(2, 8))
    count = (outputs * entries,)
    sums = BitSums(
        bit=np.concatenate([rng.permutation(2 * X_BITS)[:entries] % X_BITS for _ in range(outputs)]),
        column=rng.integers(0, columns, count),
        output=np.repeat(np.arange(outputs), entries),
        constant=rng.integers(0, 1 << width, outputs) * rng.integers(0, 2, outputs),
        tables=int(tables),
        width=width,
        inverted=rng.random(count) < turned,
        counters=CARRY,
    )
    return sums, int(rng.integers(1, 4))


CASES = [
    sums_of(index, entries, columns, turned, index % 3 == 0)
    for index, (entries, columns, turned) in enumerate(
        (entries, columns, turned)
        for entries in (1, 2, 3, 5, 6, 7, 12, 13, 20, 24)
        for columns in (1, 3)
        for turned in (0.0, 0.5, 1.0)
    )
]


def emitted(style: str) -> str:
    """Return a bench with a module for each case."""
    text, wired = "", ""
    for index, (sums, levels) in enumerate(CASES):
        first = Level([(PASS, (bit,)) for bit in range(X_BITS)]) if sums.tables else None
        made, adders_behind = build(sums, first)
        body, expression = write(style, made, levels, adders_behind, sums.width, "x")
        registers = sums.registers(levels)
        text += f"module sums{index} (input wire clk, input wire [11:0] x, output wire [{2 * sums.width - 1}:0] y);\n"
        text += f"    wire [{registers - 1}:0] load = {{{registers}{{1'b1}}}};\n{body}"
        text += f"    assign y = {expression};\nendmodule\n"
        wired += instance(f"sums{index}", f"u{index}", {}, {"clk": "clk", "x": "x", "y": f"y{index}"})
    ports = ["input wire clk", f"input wire [{X_BITS - 1}:0] x"]
    ports += [f"output wire [{2 * sums.width - 1}:0] y{index}" for index, (sums, _) in enumerate(CASES)]
    return f"{text}module bench ({', '.join(ports)});\n{wired}endmodule\n"


def check_sums(engine) -> None:
    found = engine.cycles({"x": np.repeat(X.reshape(-1, 256), HELD, axis=0)})
    for index, (sums, _) in enumerate(CASES):
        wanted = np.zeros((2, len(X)), dtype=np.int64) + sums.constant[:, None]
        entries = (sums.bit, sums.column, sums.output, sums.inverted)
        for place, column, output, inverted in zip(*(each.tolist() for each in entries), strict=True):
            wanted[output] += (bit(place) ^ inverted) << column
        wanted %= 1 << sums.width
        got = found[f"y{index}"][HELD - 1 :: HELD].astype(np.int64).ravel()
        assert np.array_equal(got, wanted[0] | wanted[1] << sums.width), f"case {index}: {sums}"


def test_every_input_of_emitted_sums_as_primitives():
    check_sums(Evaluator(netlist_of(emitted("xilinx"))))


def test_every_input_of_emitted_sums_as_text(tmp_path):
    check_sums(
        verilated(tmp_path, emitted("generic"), {f"y{i}": 2 * s.width for i, (s, _) in enumerate(CASES)}, clocked=True)
    )


def small_tables() -> Level:
    """Tables of one to six inputs of x, many of which fit a LUT together."""
    rng = np.random.default_rng(8)
    level = Level()
    for size in rng.choice([1, 2, 2, 3, 3, 4, 5, 6], 90).tolist():
        table = rng.integers(0, 2, 1 << size)
        level.add(int((table << np.arange(1 << size)).sum()), tuple(rng.permutation(X_BITS)[:size].tolist()))
    return level


@pytest.mark.parametrize("paired", [False, True])
def test_every_input_of_tables_that_share_a_lut(paired):
    level = small_tables()
    count = len(level.bits)
    body, expression = write(
        "xilinx", [level], 1, lambda style, wire: ("", [wire(k) for k in range(count)]), 1, "x", paired
    )
    tables = [inputs for init, inputs in level.bits if (init, len(inputs)) != (PASS, 1)]
    shared = sum(len(each) > 1 for each in table_pairs(tables))
    assert body.count("LUT6_2 ") == (shared if paired else 0) and shared > 25
    text = (
        f"module bench (input wire clk, input wire [11:0] x{''.join(f', output wire y{k}' for k in range(count))});\n"
    )
    text += f"    wire [1:0] load = 2'b11;\n{body}"
    text += "".join(f"    assign y{k} = {expression}[{k}];\n" for k in range(count)) + "endmodule\n"
    engine = Evaluator(netlist_of(text))
    found = engine.cycles({"x": np.repeat(X.reshape(-1, 256), HELD, axis=0)})
    for number, (init, inputs) in enumerate(level.bits):
        address = sum(bit(place) << k for k, place in enumerate(inputs))
        assert np.array_equal(found[f"y{number}"][HELD - 1 :: HELD].ravel(), init >> address & 1), number
