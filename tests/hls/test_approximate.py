# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Approximate multipliers in C++ and Verilog: every weight times every activation, unrolled and folded."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge.boards import load_board
from lutforge.errors import ToolError
from lutforge.hls import verilator
from lutforge.hls.csim import CsimExecutor, compile_kernel
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.hls.rtlsim import RtlExecutor, compile_rtl, write_rtl
from lutforge.multipliers import Approximate, products
from lutforge.network import Network, Node
from lutforge.operations import Input, TableMac
from lutforge.rtl_kernel import FLOWING
from lutforge.schedule import Folded, Schedule, Unrolled

BOARD = load_board("pynq_z2")
FORMS = [
    Approximate(2, drop_digits=1),
    Approximate(2, drop_digits=3, constant=45),
    Approximate(4, drop_digits=1, constant=7),
    Approximate(round_bits=5),
    Approximate(round_bits=1),
    Approximate(truncate_bits=4),
    Approximate(truncate_bits=7),
]
WEIGHTS = np.arange(-256, 256)


def every_product(form, signed, weights):
    """A layer of one input whose outputs are all weights; and every image."""
    low, high = (-128, 127) if signed else (0, 255)
    bias = np.arange(len(weights)) * 37 - 9000
    op = TableMac(weights[:, None], bias, form)
    network = Network("all", (Node("x", Input((1,), low, high)), Node("y", op, ("x",))))
    return network, np.arange(low, high + 1)[:, None], bias


def wanted(form, signed, weights, images, bias):
    return products(form, weights, 8, signed)[:, images[:, 0] & 255].T + bias


def foldings(form):
    return [Unrolled()] if form.truncate_bits else [Unrolled(), Folded(4, 1)]


CASES = [(form, signed, folding) for form in FORMS for signed in (False, True) for folding in foldings(form)]
FAST = CASES[::5]
"""The rest is slow: a compiler runs for each."""
CHOSEN = [pytest.param(*case, marks=[] if case in FAST else pytest.mark.slow) for case in CASES]
EIGHTH = WEIGHTS[::8] + 3


@pytest.mark.parametrize(("form", "signed", "folding"), CHOSEN, ids=str)
def test_cpp(form, signed, folding, tmp_path):
    network, images, bias = every_product(form, signed, WEIGHTS)
    write_overlay(tmp_path, network, generate(network, Schedule({"y": folding}), BOARD))
    compile_kernel(tmp_path)
    got = CsimExecutor(tmp_path, network).run(images)
    assert np.array_equal(got, wanted(form, signed, WEIGHTS, images, bias))


@pytest.mark.parametrize(("form", "signed", "folding"), CHOSEN, ids=str)
def test_verilog(form, signed, folding, simulator, tmp_path):
    network, images, bias = every_product(form, signed, EIGHTH)
    write_overlay(tmp_path, network, generate(network, Schedule({"y": folding}), BOARD))
    write_rtl(tmp_path, generate_rtl(network, Schedule({"y": folding}), BOARD), network)
    compile_rtl(tmp_path, "verilator", quick=True)
    got = RtlExecutor(tmp_path, network, "verilator", FLOWING).run(images)
    assert np.array_equal(got, wanted(form, signed, EIGHTH, images, bias))


@pytest.fixture(scope="module")
def simulator():
    try:
        return verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
