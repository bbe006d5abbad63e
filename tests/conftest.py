# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What every test may use: `random_networks` (the module of that name), and `network_kind`, which runs a test per kind."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load_random_networks() -> ModuleType:
    """Load the module by path: tests are no package, because pynq installs one of that name."""
    path = Path(__file__).with_name("random_networks.py")
    spec = importlib.util.spec_from_file_location("random_networks", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


RANDOM_NETWORKS = _load_random_networks()


@pytest.fixture(scope="session")
def random_networks() -> ModuleType:
    return RANDOM_NETWORKS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "network_kind" in metafunc.fixturenames:
        metafunc.parametrize("network_kind", RANDOM_NETWORKS.KINDS)
