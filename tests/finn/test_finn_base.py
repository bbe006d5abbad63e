# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Our bit packing and `Threshold` against finn-base's own, where it is installed (docs/finn.md says how)."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge.network import TensorType
from lutforge.operations import Threshold
from lutforge.reference import apply
from lutforge.streams import InputStream

pytest.importorskip("finn.util.data_packing", reason="finn-base is not installed; docs/finn.md says how")


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 8, 16])
def test_a_beat_is_packed_as_finn_packs_it(bits):
    from finn.core.datatype import DataType
    from finn.util.data_packing import array2hexstring

    rng = np.random.default_rng(bits)
    lanes = 64 // bits
    values = rng.integers(0, 1 << bits, (20, lanes))
    kind = DataType["BINARY" if bits == 1 else f"UINT{bits}"]
    for row in values:
        ours = InputStream(lanes, bits, False, 64).pack(row[None])[0].tobytes()[::-1].hex()
        theirs = array2hexstring(row.astype(np.float32), kind, 64, prefix="", reverse=True)
        assert ours == theirs


def test_thresholds_count_as_finn_counts_them():
    from finn.custom_op.general.multithreshold import multithreshold

    rng = np.random.default_rng(0)
    thresholds = np.sort(rng.integers(-40, 40, (6, 7)), axis=1)
    values = rng.integers(-50, 50, (100, 6))
    ours = apply(Threshold(thresholds), values, TensorType((6,), -50, 49))
    # finn counts thresholds that are reached (>=); ours must be exceeded (>), which on integers is >= t + 1
    theirs = multithreshold(values.astype(np.float32), (thresholds + 1).astype(np.float32))
    assert np.array_equal(ours, theirs.astype(np.int64))
    assert not np.array_equal(ours, multithreshold(values.astype(np.float32), thresholds.astype(np.float32)))
