# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A multiplier for each layer: the cheapest mix within a loss of accuracy, or the most accurate one within a price.

Each layer's loss is measured alone first (sensitivity). Added up, these losses predict that of a mix; a dynamic
program over layers gives all mixes that are cheapest at a predicted loss. Losses are not additive in truth, so mixes
along that front are measured, and the best of them is improved by exchanges. Every measured mix is kept in a log, from
which a stopped search goes on.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from lutforge.errors import SearchError

Mix = Tuple[int, ...]
"""The number of the option of each layer; 0 is exact."""

STATES = 4000
"""Predicted mixes that the dynamic program keeps after each layer, at most."""


@dataclass(frozen=True)
class Point:
    """A measured mix: its price, and how many images it answers right."""

    mix: Mix
    price: float
    right: int


Lack = Callable[[Point], float]
"""By how much a mix misses what is wanted; 0 or less where it does not."""
Order = Callable[[Point], Tuple[float, float]]
ROUNDING = 1e-9
"""Part of a price by which sums of the same prices may differ."""


@dataclass
class Search:
    """prices: of each option of each layer, [layers][options]; measure: images that a mix answers right, of `images`.

    log: file of measured mixes, None: none is kept; key: what they belong to; told: called after each measurement.
    known: what was measured, by this search or one before it; seen: what this search has asked for, in order. All
    choices rest on `seen`, so that a search that goes on takes the way that an uninterrupted one takes.
    """

    prices: Sequence[Sequence[float]]
    measure: Callable[[Mix], int]
    images: int
    seed: int = 0
    log: Optional[Path] = None
    key: str = ""
    told: Optional[Callable[[Point], None]] = None
    known: Dict[Mix, int] = field(default_factory=dict)
    seen: Dict[Mix, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.prices or min(len(row) for row in self.prices) < 1:
            raise SearchError("a search needs layers with at least one option each; there is none")
        if self.log is not None and self.log.is_file():
            self.known.update(_read(self.log, self.key))

    @property
    def exact(self) -> Mix:
        """The mix of exact multipliers alone."""
        return (0,) * len(self.prices)

    def price(self, mix: Mix) -> float:
        """Return the sum of the layers' prices."""
        return sum(row[option] for row, option in zip(self.prices, mix, strict=True))

    def measured(self, mix: Mix) -> Point:
        """Return a mix with its measurement, which is made once."""
        self.seen[mix] = None
        if mix not in self.known:
            self.known[mix] = self.measure(mix)
            if self.log is not None:
                _append(self.log, self.key, mix, self.known[mix])
            if self.told is not None:
                self.told(Point(mix, self.price(mix), self.known[mix]))
        return Point(mix, self.price(mix), self.known[mix])

    def sensitivity(self) -> List[List[int]]:
        """Return how many answers more are wrong with one option in one layer alone: [layers][options], at least 0."""
        base = self.measured(self.exact).right
        return [
            [max(0, base - self.measured(self._single(layer, option)).right) for option in range(len(row))]
            for layer, row in enumerate(self.prices)
        ]

    def _single(self, layer: int, option: int) -> Mix:
        return tuple(option if place == layer else 0 for place in range(len(self.prices)))

    def predicted_front(self) -> List[Tuple[int, Mix]]:
        """Return (predicted loss, mix), losses rising and prices falling."""
        losses = self.sensitivity()
        states: List[Tuple[int, float, Mix]] = [(0, 0.0, ())]
        for layer, row in enumerate(self.prices):
            grown = [
                (loss + losses[layer][option], price + row[option], (*mix, option))
                for loss, price, mix in states
                for option in range(len(row))
            ]
            states = _thinned(_undominated(grown))
        return [(loss, mix) for loss, _, mix in states]

    def within_loss(self, loss: float, exchanges: int = 60) -> Point:
        """Return the cheapest mix found that answers at most loss * images fewer right than the exact one."""
        floor = self.measured(self.exact).right - int(loss * self.images)
        front = self.predicted_front()
        low, high = 0, len(front) - 1
        while low < high:  # losses rise along the front, about
            middle = (low + high + 1) // 2
            if self.measured(front[middle][1]).right >= floor:
                low = middle
            else:
                high = middle - 1
        return self._improved(
            low, lambda point: floor - point.right, lambda point: (point.price, -point.right), exchanges
        )

    def within_price(self, price: float, exchanges: int = 60) -> Point:
        """Return the most accurate mix found of at most this price; SearchError names the least there is."""
        least = sum(min(row) for row in self.prices)
        if least > price * (1 + ROUNDING):
            raise SearchError(
                f"no mix costs {price:g}: the cheapest options of all layers cost {least:g}. Allow at least that, or "
                "add cheaper options"
            )
        limit = price * (1 + ROUNDING)
        place = next(i for i, (_, mix) in enumerate(self.predicted_front()) if self.price(mix) <= limit)
        return self._improved(
            place, lambda point: point.price - limit, lambda point: (-point.right, point.price), exchanges
        )

    def _improved(self, place: int, lack: Lack, order: Order, exchanges: int) -> Point:
        """Measure the predicted front about a place, and exchange options of the best mix of all that were measured."""
        for _, mix in self.predicted_front()[max(0, place - 3) : place + 5]:
            self.measured(mix)
        fitting = [point for point in map(self.measured, list(self.seen)) if lack(point) <= 0]
        best = min(fitting, key=lambda point: (*order(point), point.mix))
        return self._exchanged(best, lack, order, exchanges)

    def _exchanged(self, best: Point, lack: Lack, order: Order, tries: int) -> Point:
        """Change one layer or two at a time, the promising ones first: of the best mix, then of better ones that lack a
        little, since losses do not add up and two changes can make good what one has lost."""
        draw = random.Random(self.seed)
        done: Dict[Mix, None] = {}
        while tries > 0:
            points = [point for point in map(self.measured, list(self.seen)) if point.mix not in done]
            bases = [point for point in points if point.mix == best.mix or order(point) < order(best)]
            if not bases:
                break
            base = min(bases, key=lambda point: (max(0.0, lack(point)), *order(point), point.mix))
            found = None
            for mix in self._neighbours(base.mix, draw):
                if mix in self.seen:
                    continue
                if tries == 0:
                    return best
                tries -= 1
                point = self.measured(mix)
                if lack(point) <= 0 and order(point) < order(best):
                    found = point
                    break
            if found is None:
                done[base.mix] = None
            else:
                best = found
        return best

    def _neighbours(self, mix: Mix, draw: random.Random) -> List[Mix]:
        """Return mixes that differ in one layer, then as many in two at random; by predicted loss per price saved."""
        losses, found = self.sensitivity(), []
        for layer, row in enumerate(self.prices):
            for option in range(len(row)):
                if option != mix[layer]:
                    found.append((*mix[:layer], option, *mix[layer + 1 :]))
        pairs = []
        for _ in range(len(found)):
            one, other = (draw.choice(found) for _ in range(2))
            joined = tuple(b if b != a else c for a, b, c in zip(mix, one, other, strict=True))
            pairs.append(joined)

        def promise(other: Mix) -> float:
            saved = self.price(mix) - self.price(other)
            lost = sum(losses[layer][b] - losses[layer][a] for layer, (a, b) in enumerate(zip(mix, other, strict=True)))
            return lost - saved / max(1e-9, self.price(self.exact)) * self.images

        return sorted(dict.fromkeys([*found, *pairs]), key=lambda each: (promise(each), each))

    def front(self) -> List[Point]:
        """Return the measured mixes that no other one beats in both price and accuracy, the cheapest first."""
        points = sorted((self.measured(mix) for mix in list(self.seen)), key=lambda point: (point.price, -point.right))
        result: List[Point] = []
        for point in points:
            if not result or point.right > result[-1].right:
                result.append(point)
        return result


def _undominated(states: List[Tuple[int, float, Mix]]) -> List[Tuple[int, float, Mix]]:
    result: List[Tuple[int, float, Mix]] = []
    for state in sorted(states):
        if not result or state[1] < result[-1][1]:
            result.append(state)
    return result


def _thinned(states: List[Tuple[int, float, Mix]]) -> List[Tuple[int, float, Mix]]:
    """Return at most STATES of them, evenly, both ends kept."""
    if len(states) <= STATES:
        return states
    return [states[place * (len(states) - 1) // (STATES - 1)] for place in range(STATES)]


def _append(log: Path, key: str, mix: Mix, right: int) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    torn = log.is_file() and log.stat().st_size > 0 and not log.read_bytes().endswith(b"\n")
    with log.open("a", encoding="utf-8") as file:
        file.write("\n" * torn + json.dumps({"key": key, "mix": mix, "right": right}) + "\n")


def _read(log: Path, key: str) -> Mapping[Mix, int]:
    """Return the measurements of a log; a last line that was cut off is left out."""
    known: Dict[Mix, int] = {}
    for number, line in enumerate(log.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            found, mix, right = entry["key"], tuple(entry["mix"]), int(entry["right"])
        except (json.JSONDecodeError, KeyError, TypeError, ValueError):
            continue  # a run was stopped while it wrote
        if found != key:
            raise SearchError(
                f"{log}, line {number}: measured for {found[:12]}, this search is {key[:12]} (network, images or "
                "options differ). Name another log, or remove this one"
            )
        known[mix] = right
    return known
