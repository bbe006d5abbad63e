# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Imports run one way: training, hls, overlays and host read core, never each other; core reads none of them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Set

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("training", "hls", "overlays", "host")
COMPOSING = ("cli", "report")
"""First words of the modules of core that put the parts together; nothing else in the package imports them."""

ONLY_IN = {
    "torch": "training",
    "torchvision": "training",
    "brevitas": "training",
    "sklearn": "training",
    "PIL": "training",
    "pynq": "host",
    "pynqmetadata": "host",
    "pynqutils": "host",
}
CORE_MAY_USE = {"numpy", "lutforge", "tomllib", "tomli"}


def imported(path: Path) -> Iterator[str]:
    """Absolute names of every module a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the module in full"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(folder: str) -> list[Path]:
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts]


def package_parts(path: Path) -> Set[str]:
    """First names below lutforge that a file imports: 'training', 'network' and so on."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("lutforge.")}


def roots(path: Path) -> Set[str]:
    return {name.split(".")[0] for name in imported(path)}


def composes(module: str) -> bool:
    return module.split("_")[0] in COMPOSING


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_core_and_itself_only(folder):
    for path in files(folder):
        strangers = {part for part in package_parts(path) if part in {*FOLDERS} - {folder} or composes(part)}
        assert not strangers, f"{path.relative_to(ROOT)} imports {sorted(strangers)}"


def test_core_imports_no_folder_and_nothing_beside_numpy():
    for path in files("core"):
        if composes(path.stem):
            continue
        strangers = {part for part in package_parts(path) if part in FOLDERS or composes(part)}
        assert not strangers, f"{path.relative_to(ROOT)} imports {sorted(strangers)}"
        outside = {name for name in roots(path) if name not in sys.stdlib_module_names} - CORE_MAY_USE
        assert not outside, f"{path.relative_to(ROOT)} imports {sorted(outside)}"


@pytest.mark.parametrize("folder", ["core", *FOLDERS])
def test_heavy_packages_stay_in_the_folder_that_owns_them(folder):
    for path in files(folder):
        wrong = {name for name in roots(path) if ONLY_IN.get(name, folder) != folder}
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


def test_the_command_line_imports_the_parts_inside_its_functions():
    for path in files("core"):
        if composes(path.stem):
            top = [
                node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ImportFrom)
            ]
            wrong = {
                node.module
                for node in top
                if (node.module or "").split(".")[1:2] and node.module.split(".")[1] in FOLDERS
            }
            assert not wrong, f"{path.relative_to(ROOT)} imports {wrong} at its top"


def test_importing_lutforge_loads_nothing_heavy():
    code = "import sys, lutforge; print(sorted({name.split('.')[0] for name in sys.modules} & set(sys.argv[1:])))"
    heavy = [*ONLY_IN, "matplotlib", "jinja2", "typer"]
    run = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
