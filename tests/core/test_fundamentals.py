# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Weights as a product that outputs share, times a shift and a sign."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lutforge.mac_shape import fundamentals
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer
from lutforge.operations import TableMac

PROPORTIONAL = [Conventional(), DivideConquer(2), DivideConquer(4), Digital(), Approximate(2, round_bits=4)]
WEIGHTS = arrays.arrays(np.int64, (4, 3), elements=st.integers(-256, 255))
BIASES = arrays.arrays(np.int64, 4, elements=st.integers(-2, 2))


@pytest.mark.parametrize("multiplier", PROPORTIONAL, ids=str)
@given(weights=WEIGHTS, bias=BIASES)
def test_a_weight_is_its_fundamental_shifted_and_turned(multiplier, weights, bias):
    fundamental, factor = fundamentals(TableMac(weights, bias, multiplier))
    assert np.array_equal(fundamental * factor, weights)
    used = weights != 0
    assert not (np.abs(factor) & (np.abs(factor) - 1)).any() and (np.abs(fundamental[used]) % 2 == 1).all()
    for index, row in enumerate(fundamental):
        own = row[weights[index] != 0]
        kept = (factor[index][weights[index] != 0] > 0).any() or bias[index] != 0
        assert kept or not own.size, "a sum of nothing but subtrahends"
        alone = own.size and bool((weights[index] <= 0).all()) and not bias[index]
        assert (own < 0).sum() == int(bool(alone))


def test_known_weights():
    fundamental, factor = fundamentals(TableMac([[12, -12, 0, 3], [-6, 0, -128, 0]], [0, 0]))
    assert fundamental.tolist() == [[3, 3, 0, 3], [-3, 0, 1, 0]]
    assert (factor * (fundamental != 0)).tolist() == [[4, -4, 0, 1], [2, 0, -128, 0]]


@given(weights=WEIGHTS)
def test_truncated_tables_are_shared_by_equal_weights_alone(weights):
    fundamental, factor = fundamentals(TableMac(weights, np.zeros(4, int), Approximate(4, truncate_bits=3)))
    assert np.array_equal(fundamental, weights) and (factor == 1).all()
