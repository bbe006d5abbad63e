# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What every test may use: `random_networks` (the module of that name), and `network_kind`, which runs a test per
kind, slow ones of a module's SLOW_KINDS."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Callable, Iterator, Tuple

import numpy as np
import numpy.typing as npt
import pytest

from lutforge.array_geometry import Geometry
from lutforge.errors import ToolError


def _load(name: str) -> ModuleType:
    """Load a module by path: tests are no package, because pynq installs one of that name."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: two threads on a busy machine are far slower
RANDOM_NETWORKS = _load("random_networks")
ARRAY_NETWORKS = _load("array_networks")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One synthesis of each design in a run, and one compilation of Verilator's library, whoever needs them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUTFORGE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def random_networks() -> ModuleType:
    return RANDOM_NETWORKS


@pytest.fixture(scope="session")
def array_networks() -> ModuleType:
    return ARRAY_NETWORKS


@pytest.fixture(scope="session")
def compiled_array(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Geometry], Path]:
    """Return a maker of array overlays with kernel.so, each geometry compiled once."""
    from lutforge.boards import load_board
    from lutforge.hls.array_generator import generate_array, write_array
    from lutforge.hls.csim import compile_kernel, find_compiler, find_headers

    try:
        find_compiler(), find_headers()
    except ToolError as error:
        pytest.skip(str(error))
    root, made = tmp_path_factory.mktemp("arrays"), {}

    def build(geometry: Geometry) -> Path:
        if geometry not in made:
            made[geometry] = root / str(len(made))
            write_array(made[geometry], generate_array(geometry, load_board("pynq_z2")))
            compile_kernel(made[geometry])
        return made[geometry]

    return build


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "network_kind" in metafunc.fixturenames:
        slow = getattr(metafunc.module, "SLOW_KINDS", ())
        marks = {kind: [pytest.mark.slow] * (kind in slow) for kind in RANDOM_NETWORKS.KINDS}
        metafunc.parametrize("network_kind", [pytest.param(kind, marks=found) for kind, found in marks.items()])


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("yosys") and importlib.util.find_spec("pyosys") is None:
        pytest.skip("pyosys is not installed: pip install 'lutforge[synth]'")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With LUTFORGE_FORBID_SKIPS a skip is a failure: whoever sets it has installed everything."""
    outcome = yield
    report = outcome.get_result()
    forbidden = report.skipped and not hasattr(report, "wasxfail") and os.environ.get("LUTFORGE_FORBID_SKIPS")
    if forbidden and "files: set LUTFORGE_DATA" not in str(report.longrepr):  # data cannot be installed, only given
        report.outcome = "failed"
        report.longrepr = f"skips are forbidden here, and this was skipped: {report.longrepr}"


DATA = Path(os.environ.get("LUTFORGE_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def mnist_images() -> Tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], str]:
    """MNIST test images uint8 [n, 28, 28, 1], labels, and what they are; enlarged digits of scikit-learn elsewhere."""
    from lutforge.errors import DataError
    from lutforge.training.data import load_dataset

    try:
        data = load_dataset("mnist", DATA)
        return data.test_images, data.test_labels, "MNIST"
    except DataError:
        data = load_dataset("digits")
        digits = data.test_images.astype(np.uint8)
        large = np.minimum(digits * 16, 255).repeat(3, axis=1).repeat(3, axis=2)
        warnings.warn("MNIST was not found; the tests use scikit-learn's digits, enlarged", stacklevel=2)
        return np.pad(large, ((0, 0), (2, 2), (2, 2), (0, 0))), data.test_labels, "digits, enlarged"


@pytest.fixture(scope="session")
def cifar10_images() -> Tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], str]:
    """CIFAR-10 test images uint8 [n, 32, 32, 3], labels, and what they are; tinted digits of scikit-learn elsewhere."""
    from lutforge.errors import DataError
    from lutforge.training.data import load_dataset

    try:
        data = load_dataset("cifar10_jpeg", DATA)
        return data.test_images, data.test_labels, data.label
    except DataError:
        data = load_dataset("digits")
        large = np.minimum(data.test_images.astype(np.uint8) * 16, 255).repeat(4, axis=1).repeat(4, axis=2)
        tints = np.random.default_rng(0).integers(1, 256, (len(large), 1, 1, 3))
        warnings.warn("CIFAR-10 was not found; the tests use scikit-learn's digits, tinted", stacklevel=2)
        return (large * tints // 255).astype(np.uint8), data.test_labels, "digits, tinted"
