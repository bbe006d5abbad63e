# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Approximate multipliers: each form against plain loops over digits, in tables and in layers; errors and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge.errors import NetworkError, ScheduleError
from lutforge.mac_shape import shaped_mac
from lutforge.multipliers import Approximate, DivideConquer, digit_widths, products, shaped
from lutforge.network import Network, Node
from lutforge.operations import Input, TableMac
from lutforge.reference import run
from lutforge.schedule import Folded, Schedule, check

FORMS = [
    Approximate(2, drop_digits=1),
    Approximate(2, drop_digits=2, constant=9),
    Approximate(2, drop_digits=3, constant=1),
    Approximate(4, drop_digits=1),
    Approximate(4, drop_digits=1, constant=7),
    *(Approximate(round_bits=bits) for bits in range(1, 8)),
    *(Approximate(truncate_bits=bits) for bits in (1, 4, 7)),
]
WEIGHTS = np.arange(-256, 256)


def activations(bits, signed):
    codes = np.arange(1 << bits)
    return np.where(codes >= 1 << (bits - 1), codes - (1 << bits), codes) if signed else codes


def by_hand(form, weight, activation, bits, signed):
    """The product as the docstring of `Approximate` says it."""
    if form.truncate_bits:
        low = activation % 16 if bits > 4 else activation
        return (activation - low) * weight + (low * weight) // 2**form.truncate_bits * 2**form.truncate_bits
    if form.drop_digits:
        step = 2 ** min(form.digit_bits * form.drop_digits, bits - 1)
        return weight * (activation // step * step + form.constant)
    step = 2 ** max(0, bits - form.round_bits)
    most = (2 ** (bits - signed) - 1) // step
    return weight * min((activation + step // 2) // step, most) * step


def has_its_digits(form, bits):
    """Whether activations of so many bits have the digits that the form's constant stands for."""
    return form.constant < 1 << form.dropped(bits)


@pytest.mark.parametrize(
    ("form", "bits"), [(form, bits) for form in FORMS for bits in (8, 7, 4) if has_its_digits(form, bits)], ids=str
)
@pytest.mark.parametrize("signed", [False, True])
def test_every_product_is_what_the_form_says(form, bits, signed):
    weights = WEIGHTS if bits == 8 else WEIGHTS[::17]
    values = activations(bits, signed)
    wanted = [[by_hand(form, int(w), int(a), bits, signed) for a in values] for w in weights]
    assert products(form, weights, bits, signed).tolist() == wanted


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("signed", [False, True])
def test_every_weight_and_activation_in_a_layer(form, signed):
    low, high = (-128, 127) if signed else (0, 255)
    bias = np.arange(512) * 37 - 9000
    network = Network(
        "n", (Node("x", Input((1,), low, high)), Node("y", TableMac(WEIGHTS[:, None], bias, form), ("x",)))
    )
    values = np.arange(low, high + 1)
    sums = run(network, values[:, None])
    assert np.array_equal(sums.T - bias[:, None], products(form, WEIGHTS, 8, signed)[:, values & 255])
    kind = network.types["y"]
    assert kind.low <= sums.min() and sums.max() <= kind.high
    tight = 512 * ((1 << form.truncate_bits) - 1) if form.truncate_bits else 0
    assert sums.min() - kind.low <= tight and kind.high - sums.max() <= tight


ENDS = {(0, 255): 8, (-128, 127): 8, (-3, 90): 8, (0, 9): 4}
SHAPING = [
    (form, ends) for form in FORMS for ends in ENDS if not form.truncate_bits and has_its_digits(form, ENDS[ends])
]


@pytest.mark.parametrize(("form", "ends"), SHAPING, ids=str)
def test_hardware_forms_the_same_sums_from_fewer_bits(form, ends):
    low, high = ends
    op = TableMac(WEIGHTS[::5, None], np.arange(len(WEIGHTS[::5])) * 11 - 300, form)
    network = Network("n", (Node("x", Input((1,), low, high)), Node("y", op, ("x",))))
    values = np.arange(low, high + 1)
    shape = shaped_mac(op, network.input)
    codes = shaped(form, values, network.input.bits, low < 0) >> shape.shift
    assert shape.source.low <= codes.min() and codes.max() <= shape.source.high
    assert shape.source.bits <= network.input.bits - shape.shift
    sums = (codes[:, None] * shape.op.weights[:, 0] + shape.op.bias << shape.shift) + shape.low_bias
    assert np.array_equal(sums, run(network, values[:, None]))


def test_digits_that_are_left():
    assert digit_widths(Approximate(2, drop_digits=1), 8) == [2, 2, 2]
    assert digit_widths(Approximate(round_bits=5), 8) == [4, 1]
    assert digit_widths(Approximate(truncate_bits=3), 8) == digit_widths(DivideConquer(4), 8)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no form given; give one of drop_digits, round_bits, truncate_bits"),
        ({"drop_digits": 1, "round_bits": 4}, "drop_digits and round_bits given; give one of"),
        ({"digit_bits": 3, "drop_digits": 1}, "digit_bits 3 is not supported; use 2 or 4"),
        ({"drop_digits": 2}, r"drop_digits 2 with digits of 4 bits; the limits are 1\.\.1"),
        ({"digit_bits": 2, "drop_digits": -1}, r"drop_digits -1 with digits of 2 bits; the limits are 1\.\.3"),
        ({"round_bits": 8}, r"round_bits 8 with digits of 4 bits; the limits are 1\.\.7"),
        ({"truncate_bits": 8}, r"truncate_bits 8 with digits of 4 bits; the limits are 1\.\.7"),
        ({"truncate_bits": 1, "digit_bits": 2}, "truncate_bits with digit_bits 2; a digit of 4 bits is wanted"),
        ({"drop_digits": 1, "constant": 16}, r"constant 16 for 1 dropped digits of 4 bits; the limits are 0\.\.15"),
        ({"round_bits": 4, "constant": 1}, r"constant 1 for 0 dropped digits of 4 bits; the limits are 0\.\.0"),
    ],
)
def test_forms_that_are_none(values, message):
    with pytest.raises(NetworkError, match=message):
        Approximate(**values)


def layer(form, high=255):
    op = TableMac(np.array([[1, -2], [3, 4]]), np.zeros(2, int), form)
    return Network("n", (Node("x", Input((2,), 0, high)), Node("y", op, ("x",))))


def test_a_constant_for_digits_that_are_not_there():
    with pytest.raises(NetworkError, match=r"constant 9 stands .* of 3 bits, of which 2 are dropped; the limit is 3"):
        layer(Approximate(4, drop_digits=1, constant=9), high=7)


def test_a_truncated_table_cannot_be_folded():
    with pytest.raises(ScheduleError, match=r"node y: a truncated table belongs to one weight, .*; unroll the layer"):
        check(layer(Approximate(truncate_bits=4)), Schedule({"y": Folded(1, 1)}))
    check(layer(Approximate(round_bits=5)), Schedule({"y": Folded(1, 1)}))
