# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The examples in the docstrings of core run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "core"
HAS_COMMAND_LINE = importlib.util.find_spec("typer") is not None  # a board has none
WITH_EXAMPLES = sorted(
    path.stem
    for path in CORE.glob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
    and path.stem != "__init__"
    and (HAS_COMMAND_LINE or not path.stem.startswith("cli"))
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"lutforge.{name}"))
    assert result.attempted and not result.failed


def test_there_are_examples():
    assert {"numerics", "area", "mac_shape"} <= set(WITH_EXAMPLES)
