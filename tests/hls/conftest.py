# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""An overlay folder, generated and compiled once per session for equal text."""

from __future__ import annotations

import hashlib

import pytest

from lutforge.boards import load_board
from lutforge.errors import ToolError
from lutforge.hls.csim import compile_kernel, find_compiler, find_headers
from lutforge.hls.generator import generate, write_overlay


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """compiled(network, schedule, board or its name, output) -> overlay folder with kernel.so."""
    try:
        find_compiler(), find_headers()
    except ToolError as error:
        pytest.skip(str(error))
    root, made = tmp_path_factory.mktemp("overlays"), {}

    def build(network, schedule, board="pynq_z2", output="logits"):
        texts = generate(network, schedule, load_board(board) if isinstance(board, str) else board, output)
        key = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:16]
        if key not in made:
            made[key] = root / key
            write_overlay(made[key], network, texts)
            compile_kernel(made[key])
        return made[key]

    return build
