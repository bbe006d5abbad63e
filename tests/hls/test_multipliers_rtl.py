# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every product of every multiplier in Verilog: behavioural text in Verilator, primitives in the netlist evaluator.

Weights are inputs, are written at run time (while the other bank computes), or are constants, all of them.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from collections import Counter
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np
import pytest

from lutforge.errors import ToolError
from lutforge.hls import verilator, verilog_lint
from lutforge.hls.multipliers_rtl import ConstantProduct, Sizes, digit_inits, rom_inits
from lutforge.hls.netlist_executor import Evaluator
from lutforge.hls.rtl_text import constant
from lutforge.multipliers import Conventional, products
from lutforge.netlist import Netlist, read_netlist
from lutforge.yosys import synthesise

sys.path.insert(0, str(Path(__file__).parent))
from multiplier_bench import (
    CARRY_BITS,
    CONTROL,
    LIBRARY,
    PRODUCT_BITS,
    SIZES,
    Form,
    Verilated,
    constants,
    forms,
    outputs,
    variables,
)

WEIGHTS = np.arange(-256, 256)
LOAD, COMPUTE = 260, 256
CODES = np.arange(256)
MACRO = "LUTFORGE_XILINX"


def value(codes: np.ndarray, bits: int, signed: bool = True) -> np.ndarray:
    codes = np.asarray(codes, dtype=np.int64) & ((1 << bits) - 1)
    return codes - ((codes >> (bits - 1)) << bits) if signed else codes


def verilated(folder: Path, text: str, *names, **options) -> Verilated:
    try:
        return Verilated(folder, {**LIBRARY, "bench.v": text}, *names, **options)
    except ToolError as error:
        if "was not found" not in str(error):
            raise
        pytest.skip(str(error))


def netlist_of(text: str) -> Netlist:
    if importlib.util.find_spec("pyosys") is None:
        pytest.skip("pyosys is not installed: pip install 'lutforge[synth]'")
    return read_netlist(synthesise({**LIBRARY, "bench.v": text}, "bench").json, "bench")


def stimuli(first: np.ndarray, second: np.ndarray, load: int = LOAD) -> Tuple[Dict[str, np.ndarray], np.ndarray]:
    """Return inputs [cycles, lanes] and in which cycles products are to be right, bool [cycles].

    first, second: the two weights of each lane. The second one is written to its bank of the LUTRAM while the first
    one computes, and the first one again while the second one does; the other tables are loaded before each, in `load` cycles.
    """
    steps, lanes = load + 2 * (load + COMPUTE), np.arange(len(first))
    inputs = {name: np.zeros((steps, len(first)), dtype=np.int64) for name in CONTROL}
    valid = np.zeros(steps, dtype=bool)
    inputs["rst"][0] = 1
    inputs["start"][1], inputs["weight"][1] = 1, first & 511
    for index, (weight, other) in enumerate(((first, second), (second, first))):
        loading = load + index * (load + COMPUTE)
        computing = slice(loading + load, loading + load + COMPUTE)
        inputs["restart"][loading] = inputs["refill"][loading] = 1
        inputs["weight"][loading] = weight & 511
        inputs["start"][computing.start], inputs["weight"][computing.start] = 1, other & 511
        inputs["bank"][computing], inputs["write_bank"][computing] = index, 1 - index
        inputs["a"][computing] = (np.arange(COMPUTE)[:, None] * 3 + 5 * lanes) % 256
        inputs["w"][computing] = weight & 511
        valid[computing] = True
    return inputs, valid


EVERY_PAIR = stimuli(WEIGHTS[:256], WEIGHTS[256:])


def wrong_products(engine, chosen: Sequence[Form], stimulus=EVERY_PAIR) -> Dict[str, int]:
    """Return how many products of each form differ from weight * activation."""
    inputs, valid = stimulus
    found = engine.cycles(inputs)
    a, w = inputs["a"][valid], inputs["w"][valid]
    result = {}
    for form in chosen:
        sizes = form.sizes
        wanted = value(a, sizes.activation_bits, sizes.signed) * value(w, sizes.weight_bits)
        got = value(found[form.port][valid], sizes.product_bits)
        result[form.port] = int((value(wanted, sizes.product_bits) != got).sum())
    for bits in (1, CARRY_BITS):
        result[f"carry{bits}"] = int((carry(a, w, bits) != found[f"carry{bits}"][valid]).sum())
    return result


def carry(s: np.ndarray, di: np.ndarray, bits: int) -> np.ndarray:
    """Bit by bit, as `lutforge_carry` is specified."""
    total, below = np.zeros_like(s), di >> 8 & 1
    for bit in range(bits):
        select = s >> bit & 1
        total |= (select ^ below) << bit
        below = np.where(select, below, di >> bit & 1)
    return total | below << bits


def test_stimuli_hold_every_pair():
    inputs, valid = EVERY_PAIR
    assert len(set(zip(inputs["a"][valid].ravel(), inputs["w"][valid].ravel(), strict=True))) == 256 * 512


def test_variable_and_written_weights_behavioural(tmp_path):
    chosen = forms()
    engine = verilated(tmp_path, variables(chosen), list(CONTROL), outputs(chosen), clocked=True)
    assert set(wrong_products(engine, chosen).values()) == {0}


@pytest.fixture(scope="module")
def variable_netlist() -> Netlist:
    return netlist_of(variables(forms()))


def test_variable_and_written_weights_as_primitives(variable_netlist):
    assert set(wrong_products(Evaluator(variable_netlist), forms()).values()) == {0}


def test_primitives_with_the_models_of_yosys(tmp_path):
    """The cells of the netlist evaluator are not asked here."""
    pyosys = pytest.importorskip("pyosys", reason="pyosys is not installed: pip install 'lutforge[synth]'")
    cells = Path(pyosys.__file__).parent / "share" / "xilinx" / "cells_sim.v"
    chosen = [form for form in forms() if form.sizes == Sizes(8, 9, True) and "digital" not in form.port]
    options = {"clocked": True, "options": (f"-D{MACRO}", "-v", str(cells))}
    engine = verilated(tmp_path, variables(chosen), list(CONTROL), outputs(chosen), **options)
    some = stimuli(WEIGHTS[:256:15], WEIGHTS[256::15])
    assert set(wrong_products(engine, chosen, some).values()) == {0}


def test_tables_take_the_luts_that_are_claimed(variable_netlist):
    counts: Counter[Tuple[str, str]] = Counter()
    for cell in variable_netlist.cells:
        counts[cell.name.partition("_mul.")[0], cell.type] += 1
    for index, sizes in enumerate(SIZES):
        bits = sizes.weight_bits
        assert counts[f"digit{index}", "LUT6_2"] == {8: 40, 9: 44}[bits]
        assert counts[f"cfglut{index}", "CFGLUT5"] == {8: 18, 9: 20}[bits]


FEW = (np.array([-201, 3, 77]), np.array([100, -1, -255]))
SMALL = stimuli(*FEW)


@pytest.mark.parametrize(("stem", "enough"), [("lutram", 9), ("cfglut", 33), ("conventional", 257)])
def test_cycles_of_a_reload(variable_netlist, stem, enough):
    """One for start and 32 or 256 entries; the first weight of the LUTRAM has 2 * load - 1 cycles: one and 16."""
    chosen = [form for form in forms() if form.port.startswith(stem)]
    for load in (enough, enough - 1):
        wrong = wrong_products(Evaluator(variable_netlist), chosen, stimuli(*FEW, load))
        assert [wrong[form.port] > 0 for form in chosen] == [load < enough] * len(chosen)


def test_a_bank_that_is_not_written_or_is_being_written_is_seen(variable_netlist):
    lutrams = [form for form in forms() if form.port.startswith("lutram")]
    for name in ("start", "write_bank"):
        inputs, valid = SMALL
        broken = {**inputs, name: inputs[name].copy()}
        broken[name][LOAD:] ^= {"start": broken["start"][LOAD:], "write_bank": 1}[name]
        wrong = wrong_products(Evaluator(variable_netlist), forms(), (broken, valid))
        assert all((wrong[form.port] > 0) == (form in lutrams) for form in forms()), name


def test_a_flipped_bit_of_a_primitive_is_seen(variable_netlist):
    """Table bit 8 of a row: digit 1 of a weight whose bits there are 0, added to 0."""
    place = next(
        index
        for index, cell in enumerate(variable_netlist.cells)
        if cell.type == "LUT6_2" and cell.name.startswith("digit3_mul")
    )
    cells = list(variable_netlist.cells)
    flipped = format(cells[place].integer("INIT") ^ 1 << 8, "064b")
    cells[place] = dataclasses.replace(cells[place], parameters={**cells[place].parameters, "INIT": flipped})
    wrong = wrong_products(Evaluator(dataclasses.replace(variable_netlist, cells=tuple(cells))), forms(), SMALL)
    assert [name for name, count in wrong.items() if count] == ["digit3"]


@dataclasses.dataclass(frozen=True)
class Faulty(ConstantProduct):
    """One bit of one table is wrong: bit 5 of the lowest digit 9."""

    def parameters(self):
        given = super().parameters()
        bits, digits = str(given["INITS"]).split("'h")
        return {**given, "INITS": constant(int(bits), int(digits, 16) ^ 1 << (16 * 5 + 9))}


def wrong_constants(found: np.ndarray, expected: Sequence[Tuple[int, int, bool]]) -> List[int]:
    """found: bits of port p, [256 activations, bits]. expected: weight, activation bits, signed of each product."""
    words = found.reshape(256, len(expected), PRODUCT_BITS).astype(np.int64) << np.arange(PRODUCT_BITS)
    got = value(words.sum(axis=-1), PRODUCT_BITS)
    wanted = np.stack([weight * value(CODES, bits, signed) for weight, bits, signed in expected], axis=1)
    return (got != wanted).sum(axis=0).tolist()


def described(constant_products: Sequence[ConstantProduct], rom: Sequence[Tuple[int, Sizes]] = ()):
    first = [(product.weight, product.activation_bits, product.signed) for product in constant_products]
    return first + [(weight, sizes.activation_bits, sizes.signed) for weight, sizes in rom]


def other_shapes() -> List[ConstantProduct]:
    """Other widths of activations and digits."""
    shapes = [(bits, digit) for bits in (1, 3, 6, 7) for digit in (1, 2, 3, 4)] + [(8, 1), (8, 2), (8, 3)]
    return [
        ConstantProduct(weight, bits, signed, digit)
        for bits, digit in shapes
        for weight, signed in ((-117, True), (91, False))
    ]


ROMS = [(weight, sizes) for sizes in SIZES for weight in (-101, 93)]


@pytest.mark.slow  # test_constant_weights_as_primitives takes some of them
def test_every_constant_weight_behavioural(tmp_path):
    every = [ConstantProduct(int(weight), 8, signed) for weight in WEIGHTS for signed in (False, True)]
    every += [*other_shapes(), Faulty(-77, 8, True)]
    outputs_of = {"p": PRODUCT_BITS * (len(every) + len(ROMS))}
    engine = verilated(tmp_path, constants(every, ROMS), ["a"], outputs_of, clocked=False, optimise="-O0")
    wrong = wrong_constants(engine.cycles({"a": CODES[:, None]})["p"][:, 0], described(every, ROMS))
    assert wrong.pop(len(every) - 1) == 16  # activations whose lowest digit is 9
    assert set(wrong) == {0}


@pytest.fixture(scope="module")
def constant_netlist() -> Netlist:
    return netlist_of(constants(sampled(), ROMS[::2]))


def sampled() -> List[ConstantProduct]:
    chosen = [-256, -255, -128, -127, -2, -1, 0, 1, 2, 127, 128, 255, *WEIGHTS[7::43].tolist()]
    eight_bits = [ConstantProduct(weight, 8, signed) for weight in chosen for signed in (False, True)]
    return [Faulty(-77, 8, False), *eight_bits, *other_shapes()]


def test_constant_weights_as_primitives(constant_netlist):
    found = Evaluator(constant_netlist).vectors({"a": CODES})["p"]
    wrong = wrong_constants(found, described(sampled(), ROMS[::2]))
    assert wrong.pop(0) == 16
    assert set(wrong) == {0}


def test_predicted_luts_are_those_of_the_netlist(constant_netlist):
    """yosys removes a table whose digit has one bit; all others stay as they are written."""
    counts = Counter(cell.name.partition("_mul.")[0] for cell in constant_netlist.cells if "LUT" in cell.type)
    for index, product in enumerate(sampled()):
        if product.digit_bits == 4 and product.activation_bits > 1:
            assert counts[f"p{index}"] == product.lut6, product
        else:
            assert counts[f"p{index}"] <= product.lut6, product


@pytest.mark.parametrize(("bits", "most"), [(8, 18), (9, 19)])
def test_most_luts_of_a_constant_weight(bits, most):
    weights = range(-(1 << (bits - 1)), 1 << (bits - 1))
    assert max(ConstantProduct(weight, 8, signed).lut6 for weight in weights for signed in (False, True)) == most


@pytest.mark.parametrize("signed", [False, True])
def test_inits_are_the_tables_of_the_products(signed):
    weights = np.array([-201, 0, 93])
    table = products(Conventional(), weights, 4, signed)
    for row, weight in zip(table, weights.tolist(), strict=True):
        for inits in (digit_inits(weight, 13, 4, signed), rom_inits(weight, 9, 4, signed)):
            bits = [[inits >> (16 * bit + code) & 1 for code in range(16)] for bit in range(13)]
            assert np.array_equal(value((np.array(bits) << np.arange(13)[:, None]).sum(axis=0), 13), row)


def test_slang_finds_no_fault():
    pytest.importorskip("pyslang", reason="pyslang is not installed: pip install 'lutforge[synth]'")
    verilog_lint.lint({**LIBRARY, "bench.v": variables(forms())}, "bench")
    verilog_lint.lint({**LIBRARY, "bench.v": constants(sampled(), ROMS)}, "bench")


TOPS = ("constant", "lutrom", "digital", "digit", "lutram", "conventional_lutram", "cfglut")


@pytest.mark.parametrize("stem", TOPS)
def test_verilator_finds_no_fault(stem):
    try:
        verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    verilator.lint(LIBRARY, f"lutforge_{stem}_mul")
