# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Multipliers as Verilog: every product of it, and its area in a library whose cells and areas are invented here."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from lutforge.cells import multiplier_circuit
from lutforge.circuit_verilog import PROGRAMMED, circuit_verilog
from lutforge.errors import LibraryError
from lutforge.hls.netlist_executor import Evaluator
from lutforge.multiplier_forms import weights_of
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer, products
from lutforge.netlist import read_netlist
from lutforge.standard_cells import read_library, synthesised_area
from lutforge.yosys import synthesise

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
INVENTED = Path(__file__).parents[1] / "invented_cells.lib"
AREAS = {"INV": 1.0, "BUF": 1.5, "NAND2": 2.0, "MUX2": 4.0, "DFF": 9.0}
MULTIPLIERS = [
    *[(form, 4) for form in (Conventional(), DivideConquer(2), DivideConquer(2, True), Digital())],
    *[(form, 8) for form in (DivideConquer(2, True), DivideConquer(4), Digital(), Approximate(4, truncate_bits=5))],
]


def altered(folder, left_out="", old="", new=""):
    """The invented library without one of its cells, or with another text."""
    lines = [line for line in INVENTED.read_text().splitlines() if not left_out or f"({left_out})" not in line]
    path = folder / "altered.lib"
    path.write_text("\n".join(lines).replace(old, new))
    return path


def packed(circuit, weights):
    """What a weight's SRAM cells hold, as the port `stored` takes it."""
    bits = np.stack(circuit.stored_bits(weights), axis=-1).astype(np.uint64)
    return bits if bits.shape[-1] > 64 else (bits << np.arange(bits.shape[-1], dtype=np.uint64)).sum(axis=-1)


def operands(form, bits):
    """All pairs of 4 bits, or as many random ones of 8; the products, of approximate forms as they are defined."""
    weights, codes = np.repeat(weights_of(4), 16), np.tile(np.arange(16), 16)
    if bits == 8:
        rng = np.random.default_rng(8)
        weights, codes = rng.integers(-128, 128, 256), rng.integers(0, 256, 256)
    if isinstance(form, Approximate):
        return weights, codes, products(form, weights, bits, False)[np.arange(256), codes]
    return weights, codes, weights * codes


@pytest.mark.yosys
@needs_compiler
def test_the_verilog_multiplies():
    """All multipliers in one design, one run of yosys; its netlist is evaluated."""
    texts, ports, instances, inputs, wanted = {}, [], "", {}, {}
    for place, (form, bits) in enumerate(MULTIPLIERS):
        circuit = multiplier_circuit(form, bits, bits, True)
        texts |= circuit_verilog(circuit, f"m{place}")
        ports += [f"input [{bits - 1}:0] a{place}", f"input [{len(circuit.stored) - 1}:0] s{place}"]
        ports += [f"output [{2 * bits - 1}:0] p{place}"]
        instances += f"m{place} u{place} (a{place}, s{place}, p{place});\n"
        weights, codes, answers = operands(form, bits)
        inputs |= {f"a{place}": codes, f"s{place}": packed(circuit, weights)}
        wanted[f"p{place}"] = answers & ((1 << 2 * bits) - 1)
    texts["top.v"] = f"module top ({', '.join(ports)});\n{instances}endmodule\n"
    found = Evaluator(read_netlist(synthesise(texts, "top").json, "top")).vectors(inputs)
    assert len(wanted) == len(MULTIPLIERS)
    for name, answers in wanted.items():
        assert np.array_equal(found[name].astype(np.int64), answers), MULTIPLIERS[int(name[1:])]


@pytest.mark.yosys
@needs_compiler
def test_a_weight_is_shifted_into_the_chain():
    circuit, top = multiplier_circuit(DivideConquer(2, True), 4, 4, True), f"{PROGRAMMED}multiplier"
    weights, length = weights_of(4), len(circuit.stored)
    once = Evaluator(read_netlist(synthesise(circuit_verilog(circuit), top).json, top))
    chain = np.stack(circuit.stored_bits(weights))[::-1]  # what goes in first ends in the highest place
    inputs = {"next": np.concatenate([chain, np.zeros((1, 16), dtype=bool)]).astype(int)}
    for code in range(16):
        once.reset()
        found = once.cycles({**inputs, "activation": np.full(length + 1, code)})["product"][-1].astype(np.int64)
        assert np.array_equal(found, weights * code & 255), code


@pytest.mark.yosys
def test_area_is_that_of_the_cells():
    areas = {}
    for form in (Conventional(), DivideConquer(2), DivideConquer(2, True), Digital()):
        circuit = multiplier_circuit(form, 4, 4, True)
        found = synthesised_area(circuit, read_library(INVENTED))
        assert found.area == sum(AREAS[name] * count for name, count in found.cells.items())
        assert found.cells["DFF"] == len(circuit.stored) and found.stored == 9 * len(circuit.stored)
        areas[form] = found.area
    assert areas[Conventional()] > 3 * areas[DivideConquer(2)] > 3 * areas[DivideConquer(2, True)]


def test_files_that_are_no_library(tmp_path):
    with pytest.raises(LibraryError, match=r"none.lib: no such file; --liberty wants the .lib file of a standard-cell"):
        read_library(tmp_path / "none.lib")
    with pytest.raises(
        LibraryError, match=r"altered.lib: no Liberty file: it does not begin with `library \(name\) {`"
    ):
        read_library(altered(tmp_path, old="library (invented)", new="cells"))
    with pytest.raises(LibraryError, match=r"altered.lib: none of its 5 cells has a flip-flop \(`ff`\), and what a mu"):
        read_library(altered(tmp_path, old="ff (IQ, IQN)", new="latch (IQ, IQN)"))
    (tmp_path / "packed.lib").write_bytes(b"\x1f\x8b\xff\xff")
    with pytest.raises(LibraryError, match=r"packed.lib: not text \(.*\); unpack it first if it is compressed"):
        read_library(tmp_path / "packed.lib")
    assert read_library(INVENTED).with_area == set(AREAS)


@pytest.mark.yosys
def test_libraries_that_lack_something(tmp_path):
    circuit = multiplier_circuit(DivideConquer(2, True), 2, 2, True)
    with pytest.raises(
        LibraryError, match=r"altered.lib: abc cannot map logic to its cells \(.*ABC.*\); an inverter, a"
    ):
        synthesised_area(circuit, read_library(altered(tmp_path, "BUF")))
    with pytest.raises(
        LibraryError, match=r"altered.lib: cell NAND2 has no `area`; give it one, or leave the cell out"
    ):
        synthesised_area(circuit, read_library(altered(tmp_path, old="area : 2.0;")))
