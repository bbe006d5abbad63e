# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Operations of truth tables said as `LutNeurons`: the same function, or the part that hardware builds once."""

from __future__ import annotations

import numpy as np

from lutforge.lut_operations import LutNeurons, TiledLutNeurons, TruthTables
from lutforge.record import Array


def as_lut_neurons(op: LutNeurons | TruthTables | TiledLutNeurons) -> LutNeurons:
    """Return the same function in tables of one bit.

    Bit b of a code of `TruthTables` has weight 2**b. Of `TiledLutNeurons` each tile has tables of its own, from which
    the weight bits are gone: tables.shape[0] * T_out * T_in * levels tables of K - P inputs.
    """
    if isinstance(op, LutNeurons):
        return op
    if isinstance(op, TiledLutNeurons):
        return _untiled(op)
    table, bit = np.divmod(np.arange(op.neurons * op.code_bits), op.code_bits)
    bits = (op.tables[table] >> bit[:, None]) & 1
    return LutNeurons(op.neurons, op.elements, op.bits, op.wiring[table], table, 1 << bit, bits)


def _untiled(op: TiledLutNeurons) -> LutNeurons:
    (outer, inner), levels, read = op.tiles, len(op.levels), op.wiring.shape[1]
    to, table, ti, level = np.indices((outer, len(op.tables), inner, levels)).reshape(4, -1)
    element = ti[:, None] * op.tile_elements + op.wiring[table]
    word = op.weights[to, ti, table].astype(np.int64)
    return LutNeurons(
        neurons=op.neurons,
        elements=op.elements,
        bits=levels,
        wiring=element * levels + (levels - 1 - level)[:, None],
        neuron=to * op.tile_neurons + op.neuron[table],
        weight=np.asarray(op.levels)[level],
        tables=op.tables[table[:, None], (word << read)[:, None] + np.arange(1 << read)],
    )


def tile_array(op: TiledLutNeurons) -> LutNeurons:
    """Return the tables that stand in fabric, a copy per level, with the sums of one tile.

    Its vector is made of bits: the codes of a tile's elements (element * levels + bit), then the weight words (table *
    P + bit). A weight bit that is the same in all tiles is taken into its table, which then does not depend on it.
    """
    count, levels, bits = len(op.tables), len(op.levels), op.weight_bits
    codes = op.tile_elements * levels
    table, level = np.divmod(np.arange(count * levels), levels)
    return LutNeurons(
        neurons=op.tile_neurons,
        elements=codes + count * bits,
        bits=1,
        wiring=np.concatenate(
            [
                op.wiring[table] * levels + (levels - 1 - level)[:, None],
                codes + table[:, None] * bits + np.arange(bits),
            ],
            axis=1,
        ),
        neuron=op.neuron[table],
        weight=np.asarray(op.levels)[level],
        tables=_settled(op)[table],
    )


def _settled(op: TiledLutNeurons) -> Array:
    """Return the tables with both halves equal where a weight bit never changes."""
    tables, words = op.tables.copy(), op.weights.reshape(-1, len(op.tables))
    for place in range(op.weight_bits):
        bit = (words >> place) & 1
        halves = tables.reshape(len(tables), -1, 2, 1 << (op.wiring.shape[1] + place))
        for value in (0, 1):
            always = (bit == value).all(axis=0)
            halves[always, :, 1 - value] = halves[always, :, value]
    return tables
