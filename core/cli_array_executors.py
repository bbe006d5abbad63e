# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Executors of the programmable array for `check` and `run`: on a given array, or on one made for the network."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from lutforge import cli_sources as sources
from lutforge.array_geometry import Geometry
from lutforge.array_kernels import ARRAY_KERNELS, ArrayExecutor
from lutforge.array_manifest import is_array, load_array
from lutforge.array_program import compile_program
from lutforge.boards import Board
from lutforge.cli_console import say
from lutforge.errors import ScheduleError
from lutforge.network import Network
from lutforge.operations import TableMac

MEMORIES = ((4096, 1024), (16384, 2048), (1 << 16, 1 << 14))
"""Words of activations and of partial sums that are tried, the smallest first."""


def array_executor(name: str, network: Network, overlay: Optional[Path], board: Board) -> ArrayExecutor:
    """Return an executor by its name in `ARRAY_EXECUTORS`. overlay: used if it is an array's folder."""
    folder = overlay if overlay is not None and is_array(overlay) else _made_for(network, board)
    kernel = sources.ARRAY_EXECUTORS[name]
    sources.prepare_array(folder, kernel)
    manifest = load_array(folder)
    return ArrayExecutor(network, manifest.geometry, ARRAY_KERNELS[kernel](folder, manifest), name)


def _made_for(network: Network, board: Board) -> Path:
    from lutforge.hls.array_generator import generate_array, write_array

    geometry = smallest(network)
    folder = sources.scratch_folder() / f"array_for_{network.name}"
    write_array(folder, generate_array(geometry, board))
    say(f"generating an array of {geometry.pe} x {geometry.simd} for {network.name} in {folder}")
    return folder


def smallest(network: Network) -> Geometry:
    """Return an array of 8 x 8 with the first memories that one image fits; ScheduleError where none is enough."""
    weights = [node.op.weights for node in network.nodes if isinstance(node.op, TableMac)]
    beyond = any(int(each.min()) < -128 or int(each.max()) > 127 for each in weights)
    for activation_words, sum_words in MEMORIES:
        geometry = Geometry(8, 8, 9 if beyond else 8, 4, activation_words, sum_words)
        try:
            compile_program(network, geometry, 1)
        except ScheduleError:
            if (activation_words, sum_words) == MEMORIES[-1]:
                raise
        else:
            return geometry
    raise AssertionError("MEMORIES are not empty")
