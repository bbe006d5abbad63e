# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""docs/board.md explains every error of the driver, and explains no error that does not exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import List

ROOT = Path(__file__).parents[2]
ERRORS = {"DeviceError", "DeviceTimeout", "OverlayError", "ToolError"}
SOURCES = [
    *sorted((ROOT / "host").glob("*.py")),
    *(ROOT / "core" / f"{n}.py" for n in ("array_manifest", "kernel", "manifest", "rtl_folder", "rtl_kernel")),
]


def text_of(node: ast.expr) -> str:
    """Return a message with … for each value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "…"


def messages() -> List[str]:
    found = []
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                if ast.unparse(node.exc.func) in ERRORS:
                    found.append(text_of(node.exc.args[0]))
            elif isinstance(node, ast.FunctionDef) and node.name == "_explain":
                found.append(ast.unparse(node))
    return [message for message in found if message != "…"]  # a text made elsewhere, which is collected there


def phrases() -> List[str]:
    rows = re.findall(r"^\| `([^`]+)`", (ROOT / "docs" / "board.md").read_text(), flags=re.MULTILINE)
    return [row for row in rows if "." not in row]  # the others are file names


def fits(phrase: str, message: str) -> bool:
    return re.search(".*".join(map(re.escape, phrase.split("…"))), message, flags=re.DOTALL) is not None


def test_every_message_is_explained():
    known = phrases()
    assert len(messages()) > 30
    missing = [message for message in messages() if not any(fits(phrase, message) for phrase in known)]
    assert not missing


def test_every_explanation_has_its_message():
    assert len(phrases()) > 30
    unknown = [phrase for phrase in phrases() if not any(fits(phrase, message) for message in messages())]
    assert not unknown
