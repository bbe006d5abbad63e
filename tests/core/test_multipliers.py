# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every multiplier is exact: its tables give weight * activation for every weight and every activation."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge.errors import NetworkError
from lutforge.multipliers import Conventional, Digital, DivideConquer, digit_table, digit_widths, products

MULTIPLIERS = [Conventional(), DivideConquer(2), DivideConquer(2, optimised=True), DivideConquer(4), Digital()]


def activations(bits: int, signed: bool) -> np.ndarray:
    codes = np.arange(1 << bits)
    return np.where(codes >= 1 << (bits - 1), codes - (1 << bits), codes) if signed else codes


@pytest.mark.parametrize("multiplier", MULTIPLIERS, ids=str)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("weight_bits", [8, 9])
def test_all_products_of_8_bit_activations(multiplier, signed, weight_bits):
    weights = np.arange(-(1 << (weight_bits - 1)), 1 << (weight_bits - 1))
    got = products(multiplier, weights, 8, signed)
    assert np.array_equal(got, weights[:, None] * activations(8, signed)[None, :])


@pytest.mark.parametrize("multiplier", MULTIPLIERS, ids=str)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", range(1, 8))
def test_all_products_of_narrow_activations(multiplier, signed, bits):
    weights = np.arange(-256, 256, 5)
    assert np.array_equal(
        products(multiplier, weights, bits, signed), weights[:, None] * activations(bits, signed)[None, :]
    )


def test_digit_widths_are_lowest_first_and_leave_the_rest_on_top():
    assert digit_widths(DivideConquer(4), 8) == [4, 4]
    assert digit_widths(DivideConquer(4), 7) == [4, 3]
    assert digit_widths(DivideConquer(2), 5) == [2, 2, 1]
    assert digit_widths(Conventional(), 8) == [8]
    assert digit_widths(Digital(), 8) == []


def test_a_signed_top_digit_counts_two_s_complement():
    assert digit_table(np.array([3]), 2, True).tolist() == [[0, 3, -6, -3]]


def test_an_unsupported_digit_is_refused():
    with pytest.raises(NetworkError, match=r"digit_bits 3 is not supported; use 2 or 4"):
        DivideConquer(3)


def test_optimised_storage_needs_digits_of_two_bits():
    with pytest.raises(NetworkError, match=r"holds W and 3W.*digit_bits is 4\. Set digit_bits=2"):
        DivideConquer(4, optimised=True)
