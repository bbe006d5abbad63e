# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Which small tables share a LUT: a LUT6_2 makes two functions of five inputs that both of them may read."""

from __future__ import annotations

from collections import defaultdict
from typing import Dict, Hashable, Iterator, List, Sequence, Set, Tuple

PAIR_INPUTS = 5
MOST_TRIED = 64
"""Tables that are looked at for one that reads an input of them too."""

Inputs = Tuple[Hashable, ...]


def table_pairs(tables: Sequence[Inputs]) -> List[Tuple[int, ...]]:
    """Return the tables of each LUT, one or two, by number and in order of the first.

    tables: the inputs of each, none twice in a table. Greedy: the largest tables choose first, the largest table that
    still fits; the result is the same for the same tables.
    """
    small = [number for number, inputs in enumerate(tables) if len(inputs) <= PAIR_INPUTS]
    small.sort(key=lambda number: (-len(tables[number]), number))
    partners = _Partners(tables, small)
    mate: Dict[int, int] = {}
    for number in small:
        if number not in mate:
            found = partners.best(number, mate)
            if found is not None:
                mate[number], mate[found] = found, number
    return [
        (number, mate[number]) if number in mate else (number,)
        for number in range(len(tables))
        if mate.get(number, number) >= number
    ]


class _Partners:
    """Finds a free table for another: by an input of both, or by size alone. small: largest first."""

    def __init__(self, tables: Sequence[Inputs], small: List[int]):
        self.tables = tables
        self.reading: Dict[Hashable, List[int]] = defaultdict(list)
        self.by_size: Dict[int, List[int]] = defaultdict(list)
        for number in small:
            self.by_size[len(tables[number])].append(number)
            for wire in tables[number]:
                self.reading[wire].append(number)

    def best(self, number: int, taken: Dict[int, int]) -> int | None:
        """Return the largest free table whose inputs and this one's are PAIR_INPUTS at most, or None."""
        own = set(self.tables[number])
        room, found = PAIR_INPUTS - len(own), -1
        for other in self._sharing(number, taken):
            size = len(self.tables[other])
            if size > (len(self.tables[found]) if found >= 0 else room) and self._fit(own, other):
                found = other
        if found >= 0:
            return found
        for size in range(room, -1, -1):
            for other in self._free(self.by_size[size], taken):
                if other != number:
                    return other
        return None

    def _sharing(self, number: int, taken: Dict[int, int]) -> Iterator[int]:
        for wire in self.tables[number]:
            tried = 0
            for other in self._free(self.reading[wire], taken):
                if other != number:
                    yield other
                    tried += 1
                    if tried == MOST_TRIED:
                        break

    def _fit(self, own: Set[Hashable], other: int) -> bool:
        return len(own.union(self.tables[other])) <= PAIR_INPUTS

    @staticmethod
    def _free(numbers: List[int], taken: Dict[int, int]) -> Iterator[int]:
        """Yield those that are not taken; what is taken at the front is forgotten, for the next search."""
        start = 0
        while start < len(numbers) and numbers[start] in taken:
            start += 1
        del numbers[:start]
        return (other for other in list(numbers) if other not in taken)
