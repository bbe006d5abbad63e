# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Tables that share a LUT: each is in one, none of a LUT reads more than five inputs, and few are left alone."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge.table_pairs import table_pairs

Tables = list[tuple[int, ...]]


def fits(tables: Tables, pair: tuple[int, ...]) -> bool:
    return len(set().union(*(tables[number] for number in pair))) <= 5


def most_pairs(tables: Tables, free: frozenset[int]) -> int:
    """The most pairs there can be, by trying all."""
    if len(free) < 2:
        return 0
    first, *others = sorted(free)
    best = most_pairs(tables, free - {first})
    for other in others:
        if fits(tables, (first, other)):
            best = max(best, 1 + most_pairs(tables, free - {first, other}))
    return best


tables_of = st.lists(st.lists(st.integers(0, 9), max_size=6, unique=True).map(tuple), max_size=60)


@settings(deadline=None, max_examples=200, print_blob=True)
@given(tables=tables_of)
def test_every_table_is_in_one_lut_that_it_fits(tables: Tables) -> None:
    found = table_pairs(tables)
    assert sorted(number for pair in found for number in pair) == list(range(len(tables)))
    assert all(len(pair) == 1 or fits(tables, pair) for pair in found)
    assert [pair[0] for pair in found] == sorted(pair[0] for pair in found)
    alone = [pair[0] for pair in found if len(pair) == 1]
    assert not any(fits(tables, pair) for pair in combinations(alone, 2))  # so at least half of the most pairs are made
    assert table_pairs(list(tables)) == found


@settings(deadline=None, max_examples=60, print_blob=True)
@given(tables=st.lists(st.lists(st.integers(0, 7), max_size=6, unique=True).map(tuple), max_size=9))
def test_at_least_half_of_the_most_pairs(tables: Tables) -> None:
    made = sum(len(pair) == 2 for pair in table_pairs(tables))
    most = most_pairs(tables, frozenset(range(len(tables))))
    assert most / 2 <= made <= most


@pytest.mark.parametrize(
    ("tables", "luts"),
    [
        ([], []),
        ([(1, 2, 3, 4, 5, 6)] * 2, [(0,), (1,)]),  # six inputs leave no room
        ([(1, 2, 3, 4, 5)] * 3, [(0, 1), (2,)]),
        ([(1, 2, 3), (4, 5, 6), (3, 7, 8)], [(0, 2), (1,)]),  # an input of both
        ([(1, 2), (3, 4), (5, 6, 7)], [(0, 2), (1,)]),  # the largest chooses first
        ([(1,), (2, 3, 4, 5), (6,)], [(0, 1), (2,)]),
    ],
)
def test_small_cases(tables: Tables, luts: list[tuple[int, ...]]) -> None:
    assert table_pairs(tables) == luts
