# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Known HLS pragmas. A C++ compiler ignores a misspelt one, so generated and static files are checked here.

Names and options: UG1399, Vitis High-Level Synthesis User Guide, chapter "HLS Pragmas".
"""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, List

from lutforge.errors import GenerationError

KNOWN: Dict[str, FrozenSet[str]] = {
    "INTERFACE": frozenset({"axis", "s_axilite", "ap_ctrl_hs", "port", "bundle", "register"}),
    "DATAFLOW": frozenset(),
    "STREAM": frozenset({"variable", "depth"}),
    "PIPELINE": frozenset({"II", "off", "rewind", "style"}),
    "UNROLL": frozenset({"factor"}),
    "INLINE": frozenset({"off", "recursive"}),
    "ARRAY_PARTITION": frozenset({"variable", "complete", "block", "cyclic", "dim", "factor"}),
    "ARRAY_RESHAPE": frozenset({"variable", "complete", "block", "cyclic", "dim", "factor"}),
    "BIND_STORAGE": frozenset({"variable", "type", "impl", "latency"}),
}
_LINE = re.compile(r"^\s*#\s*pragma\s+(.*)$", re.MULTILINE)


def check(path: str, text: str) -> None:
    """Raise GenerationError for a pragma of `text` whose name or option is not known. path: for the message."""
    for match in _LINE.finditer(text):
        words = match.group(1).split()
        problem = _problem(words)
        if problem:
            raise GenerationError(f"{path}: `{match.group(0).strip()}`: {problem}")


def _problem(words: List[str]) -> str:
    if not words or words[0] != "HLS":
        return "not an HLS pragma"
    if len(words) < 2 or words[1] not in KNOWN:
        return f"unknown pragma {' '.join(words[1:2])!r}; known: {', '.join(KNOWN)}"
    for word in words[2:]:
        option = word.split("=")[0]
        if option not in KNOWN[words[1]]:
            return f"unknown option {option!r} of {words[1]}; known: {', '.join(sorted(KNOWN[words[1]])) or 'none'}"
    return ""
