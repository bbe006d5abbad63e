# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Text of the Verilog: the same bytes for the same arguments, and tables that hold what the reference says."""

from __future__ import annotations

import re
from typing import Dict

import numpy as np
import pytest

from lutforge import reference
from lutforge.boards import load_board
from lutforge.errors import GenerationError
from lutforge.hls.rtl_arithmetic import multiplied
from lutforge.hls.rtl_comparators import count_ones, exceeds
from lutforge.hls.rtl_generator import generate_rtl, rtl_library
from lutforge.mac_shape import neuron_sums, supports
from lutforge.multipliers import Digital
from lutforge.network import Network, Node, TensorType
from lutforge.operations import Encode, Input, LutNeurons, TableMac, Threshold
from lutforge.pipeline import pointwise_form
from lutforge.schedule import Schedule, Unrolled

BOARD = load_board("pynq_z2")


def evaluate(text: str, values: Dict[str, int]) -> Dict[str, int]:
    """Run `assign wire = INIT >> {inputs}` lines (inputs may come before they are assigned) on wires of one bit."""
    known = dict(values)
    lines = re.findall(r"assign ([\w\[\]:]+) = (.*?);", text, flags=re.DOTALL)
    for _ in range(len(lines)):
        for target, expression in lines:
            if target not in known and all(name in known for name in names_in(expression)):
                known[target] = value_of(expression, known)
    return known


def names_in(expression: str):
    return list(re.findall(r"[a-z]\w*(?:\[\d+\])?", re.sub(r"\d+'[hb][0-9a-f]+", "", expression)))


def value_of(expression: str, known: Dict[str, int]) -> int:
    table = re.fullmatch(r"\d+'h([0-9a-f]+) >> \{(.*)\}", expression)
    if table:
        bits = [known[name.strip()] for name in table[2].split(",")]
        return (int(table[1], 16) >> sum(bit << place for place, bit in enumerate(reversed(bits)))) & 1
    fixed = re.fullmatch(r"1'b([01])", expression)
    if fixed:
        return int(fixed[1])
    rows = [joined(part, known) for part in expression.split(" + ")]
    return sum(rows)


def joined(text: str, known: Dict[str, int]) -> int:
    parts = [part.strip() for part in text.strip("{} \n").split(",")]
    values = [int(part[3]) if part.startswith("1'b") else known[part] for part in parts]
    return sum(value << place for place, value in enumerate(reversed(values)))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 5, 6, 7, 9])
def test_comparators_of_every_threshold_and_code(bits, signed):
    kind = TensorType((1,), -(1 << (bits - 1)) if signed else 0, (1 << (bits - int(signed))) - 1)
    assert kind.bits == bits
    codes = range(1 << kind.bits)
    thresholds = range(kind.low - 1, kind.high + 1) if bits < 9 else range(kind.low - 1, kind.high + 1, 7)
    for threshold in thresholds:
        text = exceeds("generic", "u", "above", [f"x[{bit}]" for bit in range(kind.bits)], threshold, kind)
        for code in codes:
            value = code - (1 << kind.bits) if signed and code >> (kind.bits - 1) else code
            wires = {f"x[{bit}]": (code >> bit) & 1 for bit in range(kind.bits)}
            assert evaluate(text, wires)["above"] == int(value > threshold), (threshold, value)


@pytest.mark.parametrize("ones", [2, 3, 4, 5, 6, 7, 10])
def test_counters_of_every_pattern(ones):
    bits = ones.bit_length()
    text = count_ones("generic", "c", "total", [f"e[{index}]" for index in range(ones)], bits)
    for pattern in range(1 << ones):
        wires = {f"e[{index}]": (pattern >> index) & 1 for index in range(ones)}
        assert evaluate(text, wires)["total"] == bin(pattern).count("1"), pattern


@pytest.mark.parametrize("factor", [0, 1, -1, 3, 7, 40, -39, 255, -256, 21845])
def test_constant_multiplication_is_shifts_and_adds(factor):
    expression = re.sub(r"x <<< (\d+)", r"x * 2 ** \1", multiplied("x", factor))
    for x in (-5, 0, 1, 77):
        assert eval(expression, {"x": x}) == x * factor
    assert expression.count("x") <= bin(abs(factor) ^ (3 * abs(factor))).count("1")


def encoder(code: str, groups: bool) -> Network:
    """16 features of 4 bits to a beat; with twice as many channels two groups of thresholds take turns."""
    rng = np.random.default_rng(5)
    edges = np.sort(rng.integers(-1, 17, (32 if groups else 16, 3)), axis=1)
    op = Threshold(edges) if code == "count" else Encode(edges, code)
    return Network("encoder", (Node("x", Input((len(edges),), 0, 15)), Node("y", op, ("x",))))


@pytest.mark.parametrize("code", ["count", "thermometer", "bits"])
@pytest.mark.parametrize("groups", [False, True])
def test_threshold_tables_hold_what_the_reference_says(code, groups):
    network = encoder(code, groups)
    design = generate_rtl(network, Schedule({}), BOARD, luts="generic")
    text = design.texts["rtl/lutforge_node_y.v"]
    op, kind = network.node("y").op, network.input
    lanes = 16
    form = pointwise_form(op, kind, lanes)
    assert (form.form, form.group_bits) == ("table", int(groups))
    bits = network.logits.elements // kind.elements * network.logits.bits
    for value in range(16):
        answers = reference.run(network, np.full((1, kind.elements), value))[0].reshape(kind.elements, -1)
        for group in range(form.groups):
            wires = {f"in_data[{lane * 4 + bit}]": (value >> bit) & 1 for lane in range(lanes) for bit in range(4)}
            found = evaluate(text, {**wires, **({"phase[0]": group} if groups else {})})
            for lane in range(lanes):
                code_bits = [found[f"next[{lane * bits + bit}]"] for bit in range(bits)]
                row = answers[group * lanes + lane]
                wanted = row.tolist() if len(row) == bits else [(int(row[0]) >> bit) & 1 for bit in range(bits)]
                assert code_bits == wanted, (value, group, lane)


def test_the_same_bytes_and_every_style(random_networks, network_kind):
    rng = np.random.default_rng(3)
    network = random_networks.make_random_network(rng, network_kind)
    schedule = random_networks.make_random_schedule(rng, network)
    first = generate_rtl(network, schedule, BOARD)
    assert first == generate_rtl(network, schedule, BOARD)
    generic = generate_rtl(network, schedule, BOARD, luts="generic")
    own = [text for path, text in generic.texts.items() if "/lutforge/" not in path]
    assert not any(re.search(r"\b(LUT[1-6]|MUXF[78]|CARRY4) ", text) for text in own)
    assert {unit.node for unit in first.units} >= {"x", "answers"}


def test_an_unknown_style_is_refused(random_networks):
    network = random_networks.make_random_network(np.random.default_rng(1), "lut")
    schedule = random_networks.make_random_schedule(np.random.default_rng(1), network)
    with pytest.raises(
        GenerationError, match=r"style of look-up tables 'altera' is unknown; use one of xilinx, generic"
    ):
        generate_rtl(network, schedule, BOARD, luts="altera")


def test_the_library_is_verilog_2001():
    """No word of SystemVerilog, and $clog2 came with Verilog-2005."""
    for path, text in rtl_library().items():
        code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
        found = re.findall(r"\b(logic|always_ff|always_comb|bit|int|inside|unique|\$clog2|typedef|struct|enum)\b", code)
        assert not found, f"{path}: {found}"


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_levels_between_registers_change_registers_and_no_table(levels):
    rng = np.random.default_rng(2)
    wiring = np.stack([rng.choice(24, 6, replace=False) for _ in range(90)])
    luts = LutNeurons(3, 24, 1, wiring, np.arange(90) // 30, np.ones(90, int), rng.integers(0, 2, (90, 64)))
    network = Network("deep", (Node("x", Input((24,), 0, 1)), Node("luts", luts, ("x",))))
    design = generate_rtl(network, Schedule({"luts": Unrolled()}, levels=levels), BOARD)
    text = design.texts["rtl/lutforge_node_luts.v"]
    deep = neuron_sums(luts, supports(luts.tables), network.logits.bits).lut_levels()
    assert deep == 4 and f"STAGES({-(-deep // levels) + 1})" in text
    assert len(re.findall(r"\bLUT6 ", text)) == 90 + 3 * 5 * 3  # five 6:3 counters for 30 bits


def test_outputs_share_products_but_for_shift_and_sign():
    """Rows (6, -3), (3, 12), (-3, -3): only x0 times 3 and x1 times 3 are formed."""
    weights = np.array([[6, -3], [3, 12], [-3, -3]])
    nodes = (Node("x", Input((2,), 0, 7)), Node("fc", TableMac(weights, [0, 0, 5], Digital()), ("x",)))
    texts = generate_rtl(Network("shared", nodes), Schedule({"fc": Unrolled()}), BOARD).texts
    text = "".join(text for name, text in texts.items() if "fc" in name)
    assert re.findall(r"(\w+)_d = .* \* (.*);", text) == [("p0_3", "$signed(3'h3)"), ("p1_3", "$signed(3'h3)")]
    assert re.findall(r"(a\d_\d_\d) <= (.*);", text) == [
        ("a0_1_0", "$signed({p0_3, 1'h0}) - p1_3"),
        ("a0_2_0", "a0_1_0"),
        ("a1_1_0", "p0_3 + $signed({p1_3, 2'h0})"),
        ("a1_2_0", "a1_1_0"),
        ("a2_1_0", "p0_3 + p1_3"),
        ("a2_1_1", "$signed(4'h5)"),
        ("a2_2_0", "a2_1_1 - a2_1_0"),
    ]
