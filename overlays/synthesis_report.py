# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The synthesis of a design for machines: one JSON document, the same bytes for the same design and yosys."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from lutforge.boards import Board
from lutforge.overlays.synthesis import Utilisation, board_percent, fits, verdict
from lutforge.overlays.synthesis_cells import Counts


def utilisation_document(utilisation: Utilisation, others: Mapping[str, Board]) -> Dict[str, Any]:
    """Return everything that was counted, with percent of the board and what would fit. others: boards by name."""
    path = utilisation.path
    return {
        "label": utilisation.label,
        "yosys": utilisation.version,
        "family": utilisation.family,
        "board": utilisation.board.name,
        "board_title": utilisation.board.title,
        "fits": fits(utilisation.total, utilisation.board),
        "verdict": list(verdict(utilisation, others)),
        "total": counts_document(utilisation.total),
        "percent_of_board": {name: round(value, 2) for name, value in board_percent(utilisation).items()},
        "by_part": [{"part": part, **counts_document(counts)} for part, counts in utilisation.by_part().items()],
        "by_layer": [
            {"node": row.node, "op": row.op, "part": row.part, "depth": row.depth, **counts_document(row.counts)}
            for row in utilisation.rows
        ],
        "longest_path": {
            "lut_levels": path.levels,
            "start": path.start.name,
            "start_node": utilisation.path_nodes[0],
            "end": path.end.name,
            "end_node": utilisation.path_nodes[1],
            "cells": list(path.cells),
            "levels_count": "table 1, carry chain 1, wide multiplexer 0",
        },
        "limits": list(utilisation.limits),
    }


def counts_document(counts: Counts) -> Dict[str, Any]:
    """Return one row of counts."""
    return {
        "lut6_raw": counts.raw,
        "lut6_packed_estimate": counts.packed,
        "luts_by_size": dict(counts.luts),
        "memory_luts": counts.memory_sites,
        "memory_cells": dict(counts.memory),
        "ff": counts.ff,
        "carry4": counts.carry,
        "wide_multiplexers": dict(counts.wide),
        "ramb18": counts.ramb18,
        "ramb36": counts.ramb36,
        "bram36": counts.bram36,
        "dsp": counts.dsp,
    }
