# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Exact logic on tables whose outputs, -1 and +1, are summed with weights -1, 0 and +1: same sums, fewer tables.

Two tables are one function if they agree over the inputs that they depend on, whatever their pins were wired to;
a complement is the same function with the sign of its weights turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import TrainingError
from lutforge.schedule import MAX_BEAT_BITS

Ints = npt.NDArray[Any]
Key = Tuple[Tuple[int, ...], bytes]


@dataclass(frozen=True)
class Function:
    """A boolean function: the input bits that it depends on, rising, and its truth table over them.

    wires: bit numbers, wires[k] is address bit k; table: uint8 [2**len(wires)].
    """

    wires: Tuple[int, ...]
    table: Ints

    @property
    def key(self) -> Key:
        """Equal for equal functions."""
        return self.wires, self.table.tobytes()


@dataclass(frozen=True)
class SummedTables:
    """Tables and the weights of their outputs.

    wiring: int64 [tables, K], no bit twice in a row; tables: uint8 [tables, 2**K]; weights: int64
    [classes, tables], values -1..1; functions: what each table computes over the pins that matter.
    """

    wiring: Ints
    tables: Ints
    weights: Ints
    functions: Tuple[Function, ...]

    @property
    def live_tables(self) -> int:
        """Tables that are hardware: different functions of two inputs or more that some sum reads."""
        read = (self.weights != 0).any(axis=0)
        return len(
            {
                function.key
                for function, used in zip(self.functions, read, strict=True)
                if used and len(function.wires) > 1
            }
        )

    @property
    def slots(self) -> int:
        """Weights that are not 0."""
        return int(np.count_nonzero(self.weights))

    @property
    def bits_read(self) -> List[int]:
        """Numbers of the input bits that some table depends on, rising."""
        return sorted({wire for function in self.functions for wire in function.wires})


def simplify(wiring: Ints, tables: Ints, weights: Ints, bits: int) -> SummedTables:
    """Return the same sums with each function once, as far as weights of -1..1 allow, and none that nobody reads.

    wiring: [tables, K], numbers below `bits`; tables: [tables, 2**K], values 0..1; weights: [classes, tables],
    values -1..1. A function whose weights in a class add up to n is there |n| times; the copies are one table after
    synthesis. It is complemented where more of its weights would be negative than positive.
    """
    totals: Dict[Key, Ints] = {}
    known: Dict[Key, Function] = {}
    for wires, table, column in zip(wiring, tables, weights.T, strict=True):
        function, turned = canonical(wires, table)
        known.setdefault(function.key, function)
        totals[function.key] = totals.get(function.key, 0) + (-column if turned else column).astype(np.int64)
    functions: List[Function] = []
    columns: List[Ints] = []
    for key, total in totals.items():
        for copy in range(int(np.abs(total).max())):
            column, function = np.sign(total) * (np.abs(total) > copy), known[key]
            if column.sum() < 0:
                column, function = -column, Function(function.wires, 1 - function.table)
            functions.append(function)
            columns.append(column)
    if not functions:
        raise TrainingError("the sums are constant: no table has a weight. Give the head more slots, or train longer")
    _fill_beats(functions, columns)
    inputs = max(1, *(len(function.wires) for function in functions))
    rows = [_with_inputs(function, inputs, bits) for function in functions]
    return SummedTables(
        np.array([wires for wires, _ in rows], dtype=np.int64),
        np.array([table for _, table in rows], dtype=np.uint8),
        np.stack(columns, axis=1),
        tuple(functions),
    )


def canonical(wires: Ints, table: Ints) -> Tuple[Function, bool]:
    """Return the function of a table, or its complement, whichever is 0 at address 0, and whether it is turned."""
    inputs = len(wires)
    cube = table.reshape((2,) * inputs).transpose()  # axis k is address bit k
    depends = [axis for axis in range(inputs) if (cube.take(0, axis) != cube.take(1, axis)).any()]
    cube = cube[tuple(slice(None) if axis in depends else 0 for axis in range(inputs))]
    order = np.argsort(wires[depends])
    turned = bool(cube.flat[0])
    flat = np.ascontiguousarray(cube.transpose(order).transpose()).reshape(-1)
    return Function(tuple(int(wire) for wire in wires[depends][order]), (flat ^ turned).astype(np.uint8)), turned


def _with_inputs(function: Function, inputs: int, bits: int) -> Tuple[List[int], Ints]:
    """Return wires and table with this many inputs: pins that do not matter read the lowest bits not read yet."""
    spare = (bit for bit in range(bits) if bit not in function.wires)
    missing = inputs - len(function.wires)
    return [*function.wires, *(next(spare) for _ in range(missing))], np.tile(function.table, 1 << missing)


def _fill_beats(functions: List[Function], columns: List[Ints]) -> None:
    """Add constant tables without weights until the outputs divide into beats of equal width.

    A stream carries at most MAX_BEAT_BITS bits at once, and every beat the same number: 1,511 tables, a prime, would
    leave one by one.
    """
    beats = -(-len(functions) // MAX_BEAT_BITS)
    while len(functions) % beats:
        functions.append(Function((), np.zeros(1, dtype=np.uint8)))
        columns.append(np.zeros_like(columns[0]))
