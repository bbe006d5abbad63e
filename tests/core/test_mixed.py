# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The search for a mix of multipliers against all mixes, stopped and resumed, and budgets that cannot be met."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

from lutforge.errors import SearchError
from lutforge.mixed import Search

LAYERS, OPTIONS, IMAGES = 6, 4, 2000


class Problem:
    """Prices and a number of right answers with losses that add up badly: pairs of layers lose more, or less, together."""

    def __init__(self, seed):
        draw = np.random.default_rng(seed)
        weight = draw.uniform(1, 20, LAYERS)
        self.prices = (weight[:, None] * np.sort(draw.uniform(0.2, 1.0, (LAYERS, OPTIONS)))[:, ::-1]).tolist()
        self.alone = np.sort(draw.exponential(25, (LAYERS, OPTIONS)).round(), axis=1)
        self.alone[:, 0] = 0
        self.pairs = draw.normal(0, 0.02, (LAYERS, LAYERS))
        self.asked = []

    def right(self, mix):
        self.asked.append(mix)
        lost = np.array([self.alone[layer, option] for layer, option in enumerate(mix)])
        return int(IMAGES * 0.9 - lost.sum() - lost @ self.pairs @ lost / 10)

    def search(self, **more):
        return Search(self.prices, self.right, IMAGES, **more)

    def every(self):
        return list(product(range(OPTIONS), repeat=LAYERS))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("loss", [0.005, 0.01, 0.03])
def test_within_two_percent_of_all_mixes(seed, loss):
    problem = Problem(seed)
    search = problem.search()
    found = search.within_loss(loss)
    floor = problem.right(search.exact) - loss * IMAGES
    best = min(search.price(mix) for mix in problem.every() if problem.right(mix) >= floor)
    assert found.right >= floor and found.price <= 1.02 * best
    assert len(search.known) < 150


@pytest.mark.parametrize("seed", range(4))
def test_within_a_price(seed):
    problem = Problem(seed)
    search = problem.search()
    least = sum(min(row) for row in search.prices)
    budget = least + 0.4 * (search.price(search.exact) - least)
    found = search.within_price(budget)
    best = max(problem.right(mix) for mix in problem.every() if search.price(mix) <= budget)
    assert found.price <= budget and found.right >= best - 0.004 * IMAGES


def test_the_front_holds_what_no_other_mix_beats():
    search = Problem(1).search()
    search.within_loss(0.02)
    front = search.front()
    assert [point.price for point in front] == sorted(point.price for point in front)
    for one in front:
        for other in map(search.measured, list(search.seen)):
            assert not (other.price < one.price and other.right >= one.right)
    assert front[-1].right == max(search.known.values())


def test_a_stopped_search_goes_on_and_finds_the_same(tmp_path):
    whole = Problem(3)
    wanted = whole.search(seed=5).within_loss(0.02)
    stopped, log = Problem(3), tmp_path / "log.jsonl"

    def measure(mix):
        if len(stopped.asked) == 17:
            raise KeyboardInterrupt
        return stopped.right(mix)

    with pytest.raises(KeyboardInterrupt):
        Search(stopped.prices, measure, IMAGES, seed=5, log=log, key="k").within_loss(0.02)
    with log.open("a") as file:
        file.write('{"key": "k", "mi')  # killed while it wrote
    resumed = Problem(3)
    assert resumed.search(seed=5, log=log, key="k").within_loss(0.02) == wanted
    assert not set(resumed.asked) & set(stopped.asked) and len(resumed.asked) + 17 == len(whole.asked)
    again = Problem(3)
    assert again.search(seed=5, log=log, key="k").within_loss(0.02) == wanted and not again.asked


def test_the_same_seed_gives_the_same_mixes_in_the_same_order():
    runs = []
    for _ in range(2):
        problem = Problem(4)
        problem.search(seed=9).within_loss(0.02)
        runs.append(problem.asked)
    assert runs[0] == runs[1]


def test_each_measurement_is_told_once():
    told, problem = [], Problem(2)
    search = problem.search(told=told.append)
    search.within_loss(0.01)
    assert [point.mix for point in told] == problem.asked and len(set(problem.asked)) == len(problem.asked)


def test_budgets_and_logs_that_are_refused(tmp_path):
    search = Problem(0).search()
    least = sum(min(row) for row in search.prices)
    with pytest.raises(SearchError, match=r"no mix costs 0\.1: the cheapest options of all layers cost"):
        search.within_price(0.1)
    assert search.within_price(least).price == pytest.approx(least)
    with pytest.raises(SearchError, match="a search needs layers"):
        Search([], lambda mix: 0, 1)
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"key": "other", "mix": [0] * LAYERS, "right": 1}) + "\n")
    with pytest.raises(SearchError, match=r"log.jsonl, line 1: measured for other, this search is mine"):
        Problem(0).search(log=log, key="mine")
