# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Networks on which the cost model is fitted, and others on which it is judged: of about 1,000 to 50,000 LUT.

FIT and HELD_OUT share no network: those held out have other sizes, seeds and topologies, and three are trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

from cost_networks import (
    DC2,
    DC4,
    OPTIMISED,
    Case,
    conv_lut,
    conv_table,
    dense_binary,
    dense_table,
    encoded,
    lutnet,
    signs_of,
)

from lutforge import store
from lutforge.multipliers import Conventional, Digital
from lutforge.schedule import Folded, Schedule, Unrolled, check

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"


def _golden(name: str, file: str, foldings: Dict[str, Any], depths: Dict[str, int]) -> Case:
    network = store.load(GOLDEN / f"{file}.npz")
    return Case(name, network, check(network, Schedule(foldings, depths)))


FIT: Dict[str, Callable[[str], Case]] = {
    "table_folded_small": lambda n: dense_table(1, 24, (16, 10), 8).case(n, 4, 4),
    "table_folded_wide": lambda n: dense_table(2, 48, (32, 10), 8).case(n, 8, 12),
    "table_folded_w4a4": lambda n: dense_table(3, 64, (24, 10), 4, 4).case(n, 8, 8, board="zcu104"),
    "table_folded_w2a8": lambda n: dense_table(4, 40, (20, 8), 2, 8, shared=True).case(n, 5, 10, depth=20),
    "table_folded_signed": lambda n: dense_table(5, 32, (24, 16, 12), 6, 6, DC2, True).case(n, 4, 8),
    "table_folded_deep": lambda n: dense_table(6, 128, (64, 10), 8).case(n, 2, 16),
    "table_folded_odd": lambda n: dense_table(7, 35, (21, 9), 7, 5).case(n, 3, 7, levels=1),
    "table_folded_levels": lambda n: dense_table(8, 36, (18, 6), 8).case(n, 6, 9, levels=3, depth=5),
    "digital_folded": lambda n: dense_table(9, 32, (16, 10), 8, 8, Digital()).case(n, 4, 4),
    "digital_folded_narrow": lambda n: dense_table(10, 48, (20, 10), 5, 4, Digital(), True).case(n, 5, 8),
    "table_unrolled_dc4": lambda n: dense_table(11, 16, (12, 6), 8).case(n, 0, 0),
    "table_unrolled_dc2": lambda n: dense_table(12, 14, (10, 5), 6, 6, DC2).case(n, 0, 0),
    "table_unrolled_signed": lambda n: dense_table(13, 20, (10, 8), 5, 5, DC4, True).case(n, 0, 0, levels=1),
    "conventional": lambda n: dense_table(14, 12, (8, 5), 6, 6, Conventional()).case(n, 0, 0),
    "conventional_8": lambda n: dense_table(15, 8, (6, 4), 8, 8, Conventional()).case(n, 0, 0),
    "conventional_4": lambda n: dense_table(16, 24, (12, 6), 4, 4, Conventional(), True).case(n, 0, 0, board="zcu104"),
    "digital_unrolled": lambda n: dense_table(17, 12, (8, 5), 8, 8, Digital()).case(n, 0, 0),
    "optimised_unrolled": lambda n: dense_table(18, 10, (8, 6), 8, 8, OPTIMISED).case(n, 0, 0),
    "binary_folded": lambda n: dense_binary(19, 48, (32, 10), (2, 1)).case(n, 8, 12),
    "binary_folded_pruned": lambda n: dense_binary(20, 60, (30, 10), (4, 2, 1), pruned=0.3).case(n, 6, 10),
    "binary_unrolled": lambda n: dense_binary(21, 32, (24, 10), (2, 1)).case(n, 0, 0),
    "binary_unrolled_3": lambda n: dense_binary(22, 20, (24, 14, 8), (5, 3, 1), 4, 0.2).case(n, 0, 0, board="zcu104"),
    "binary_one_level": lambda n: dense_binary(23, 40, (48, 32, 10), (1,), 6).case(n, 4, 8, depth=3),
    "signs_folded": lambda n: signs_of(24, 64, (32, 10), 8, 0.2).case(n, 16, 8, depth=40),
    "lutnet_4": lambda n: lutnet(25, 48, 32, (32, 10), 10, 4).case(n, 2, 16),
    "lutnet_6": lambda n: lutnet(26, 32, 48, (40, 10), 8, 6, 1).case(n, 4, 8),
    "lutnet_weighted": lambda n: lutnet(27, 64, 40, (24, 10), 12, 5, 2, 6).case(n, 4, 16, output="both"),
    "lutnet_large": lambda n: lutnet(28, 64, 64, (64, 64, 10), 20, 4).case(n, 2, 16),
    "lutnet_three": lambda n: lutnet(29, 32, 32, (24, 24, 8), 9, 3, 3).case(n, 8, 8, levels=1, board="zcu104"),
    "conv_table": lambda n: conv_table(30, 12, 1, 8, 12).case(n, 4, 6),
    "conv_table_rgb": lambda n: conv_table(31, 10, 3, 6, 0, 5, 6, DC2).case(n, 3, 9, depth=9),
    "conv_table_large": lambda n: conv_table(32, 14, 2, 12, 12, 8, 8).case(n, 6, 9, board="zcu104"),
    "conv_lut": lambda n: conv_lut(33, 10, 1, 16, 6, 5).case(n, 0, 0),
    "conv_lut_2": lambda n: conv_lut(34, 9, 2, 12, 8, 4).case(n, 0, 0, output="class"),
    "encoded": lambda n: encoded(35, 16, 7, "thermometer", 32, 8).case(n, 0, 0),
    "encoded_bits": lambda n: encoded(36, 20, 3, "bits", 24, 10).case(n, 0, 0, board="zcu104"),
    "encoded_shared": lambda n: encoded(37, 12, 12, "thermometer", 40, 5, True).case(n, 0, 0, levels=3),
}

HELD_OUT: Dict[str, Callable[[str], Case]] = {
    "held_table_tall": lambda n: dense_table(101, 96, (20, 10), 8).case(n, 10, 6),
    "held_table_three": lambda n: dense_table(102, 30, (40, 28, 7), 6, 7).case(n, 4, 10, board="zcu104"),
    "held_table_signed": lambda n: dense_table(103, 45, (27, 12), 5, 4, DC4, True, True).case(n, 9, 5, depth=12),
    "held_digital": lambda n: dense_table(104, 24, (20, 5), 6, 6, Digital()).case(n, 5, 6),
    "held_unrolled": lambda n: dense_table(105, 18, (14, 10), 7, 7).case(n, 0, 0),
    "held_conventional": lambda n: dense_table(106, 15, (9, 7), 5, 5, Conventional()).case(n, 0, 0),
    "held_binary": lambda n: dense_binary(107, 80, (40, 24, 10), (3, 1), 8, 0.1).case(n, 8, 8),
    "held_binary_unrolled": lambda n: dense_binary(108, 28, (36, 12), (4, 2, 1), 5).case(n, 0, 0),
    "held_signs": lambda n: signs_of(109, 40, (20, 20, 6), 6, 0.0).case(n, 10, 5, board="zcu104"),
    "held_lutnet": lambda n: lutnet(110, 56, 44, (52, 10), 14, 5).case(n, 4, 14),
    "held_lutnet_deep": lambda n: lutnet(111, 40, 30, (30, 26, 20, 12), 11, 4, 1, 3).case(n, 5, 8, board="zcu104"),
    "held_lutnet_6": lambda n: lutnet(112, 72, 80, (48, 10), 16, 6, 2).case(n, 8, 12, levels=1),
    "held_conv": lambda n: conv_table(113, 16, 1, 12, 16, 7, 7).case(n, 6, 9),
    "held_conv_rgb": lambda n: conv_table(114, 12, 3, 10, 0, 8, 8).case(n, 5, 27, output="both"),
    "held_conv_lut": lambda n: conv_lut(115, 12, 2, 20, 7, 6).case(n, 0, 0, board="zcu104"),
    "held_encoded": lambda n: encoded(116, 28, 5, "thermometer", 36, 9).case(n, 0, 0),
    "golden_mlp": lambda n: _golden(
        n,
        "lutna_mlp_mnist",
        {"fc1": Folded(8, 56), "fc2": Folded(1, 64), "fc3": Folded(1, 8)},
        {"fc1.input": 12, "fc3.input": 3},
    ),
    "golden_conv": lambda n: _golden(
        n,
        "lutna_conv_mnist",
        {"conv1": Unrolled(), "conv2": Folded(32, 16), "fc1": Folded(5, 2)},
        {"conv1_pool": 45, "fc1.input": 322},
    ),
    "golden_lutnet": lambda n: _golden(
        n,
        "lutnet_mnist",
        {"fc1": Folded(2, 56), "fc2": Unrolled(), "fc3": Unrolled(), "fc4": Unrolled(), "fc5": Unrolled()},
        {"fc1.input": 12},
    ),
}
"""The golden networks' schedules are what `auto` chose for PYNQ-Z2 once, fixed so that the comparison stays."""
