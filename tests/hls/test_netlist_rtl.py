# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog in a simulator equals its netlist in the evaluator, for all that yosys infers, over 10,000 random cycles."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lutforge.hls.netlist_executor import Evaluator

sys.path.insert(0, str(Path(__file__).parent))
from netlist_simulation import evaluated, need_tools, random_inputs, simulate, synthesised

DESIGNS = Path(__file__).with_name("netlist_designs.v").read_text()
CYCLES, LANES, SIMULATED = 10_000, 4, (0, 3)

CELLS = {
    ("block_memories", "xc7"): {"RAMB18E1", "RAMB36E1"},
    ("block_memories", "xcup"): {"RAMB18E2", "RAMB36E2"},
    ("small_memories", "xc7"): {"RAM32M", "RAM64M", "RAM64X1D", "RAM128X1D", "RAM256X1S", "SRL16E", "SRLC32E"},
    ("small_memories", "xcup"): {"RAM32M16", "RAM64M8", "SRL16E", "SRLC32E"},
    ("logic_and_counters", "xc7"): {"CARRY4", "FDRE", "FDSE", "FDCE", "FDPE", "INV", "LUT6"},
}


def stimulus(rng, netlist, cycles, lanes):
    """Random bits; half of the time few addresses, so that reads meet writes; resets are rare."""
    inputs = random_inputs(rng, netlist, cycles, lanes)
    few = rng.integers(0, 2, (cycles, lanes, 1), dtype=np.uint8)
    for name in set(inputs) & {"a", "b", "high"}:
        inputs[name][..., 2:] &= few
    inputs["rst"] &= rng.integers(0, 16, (cycles, lanes, 1), dtype=np.uint8) == 0
    return inputs


SLOW = {("block_memories", "xc7"), ("block_memories", "xcup"), ("small_memories", "xcup")}
DESIGNS_OF = [
    pytest.param(each, marks=[pytest.mark.slow] * (each in SLOW), id=" ".join(each)) for each in sorted(CELLS)
]


@pytest.fixture(scope="module", params=DESIGNS_OF)
def design(request):
    """A netlist, random inputs, and what the evaluator makes of them."""
    need_tools("iverilog")
    top, family = request.param
    netlist = synthesised(DESIGNS, top, family)
    assert CELLS[request.param] <= set(netlist.counts()), netlist.counts()
    inputs = stimulus(np.random.default_rng(len(top)), netlist, CYCLES, LANES)
    return netlist, inputs, evaluated(Evaluator(netlist), netlist, inputs)


def test_equals_its_verilog(design, tmp_path):
    netlist, inputs, found = design
    for lane in SIMULATED:
        wanted = simulate([DESIGNS], netlist, {name: bits[:, lane] for name, bits in inputs.items()}, tmp_path)
        for name, letters in wanted.items():
            known = letters != "x"  # of registers without an initial value, until they are written
            assert known.mean() > 0.99, name
            wrong = np.argwhere(known & (found[name][:, lane] != (letters == "1")))
            assert not len(wrong), f"{name}, lane {lane}: cycle and bit {wrong[0]} of {len(wrong)}"
