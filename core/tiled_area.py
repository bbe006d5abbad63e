# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of tiled layers of tables: what `hls/rtl_tiled.py` writes."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from lutforge.area import Parts, parts, rom
from lutforge.folded_area import kept_vector, loop
from lutforge.mac_shape import depends, tiled_shape
from lutforge.network import TensorType
from lutforge.operations import TiledLutNeurons
from lutforge.unrolled_area import bit_sum_parts, table_parts


def tiled_parts(op: TiledLutNeurons, kind: TensorType, levels: int, counters: str) -> Tuple[Parts, Parts]:
    """Return (the tables of a tile and what feeds them, their sums and the accumulators).

    Only bits that a table depends on are fetched: synthesis drops the others. levels, counters: as in `Schedule`.
    """
    shape = tiled_shape(op, counters)
    matters = depends(shape.array.tables)
    support, read = matters.sum(axis=1), np.unique(shape.array.wiring[matters])
    codes = shape.array.elements - shape.word
    beat, columns = int((read < codes).sum()), int((read >= codes).sum())
    tables = table_parts(shape.array, support, counters) + rom(shape.passes * shape.beats, shape.word, columns)
    tables += kept_vector(shape.passes, shape.beats, beat) + loop(shape.passes, shape.beats, shape.registers(levels))
    if shape.passes > 1 and shape.beats > 1:  # a choice stands between the fetched codes and the tables
        tables += parts(depth=levels + 1)
    totals = op.tile_neurons * kind.bits
    adders = totals if shape.beats > 1 else 0  # of one tile the sum is the total
    sums = bit_sum_parts(shape.sums, levels, int((support > 0).sum()))
    return tables, sums + parts(ff=totals, accumulator_bit=adders)
