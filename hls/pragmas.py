# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Known HLS pragmas. A C++ compiler ignores a misspelt one, so generated and static files are checked here.

Names and options: UG1399, Vitis High-Level Synthesis User Guide, chapter "HLS Pragmas", 2020.2 to 2024.1.
Modes and types are written as bare words, the form of 2020.2; later releases, which prefer `mode=` and
`type=`, read both.
"""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, List

from lutforge.errors import GenerationError

_ARRAY = "variable= type= complete block cyclic factor= dim= off="
_OPTIONS = {
    "AGGREGATE": "variable= compact=",
    "ALIAS": "ports= distance= offset=",
    "ALLOCATION": "function operation instances= limit=",
    "ARRAY_PARTITION": _ARRAY,
    "ARRAY_RESHAPE": _ARRAY,
    "BIND_OP": "variable= op= impl= latency=",
    "BIND_STORAGE": "variable= type= impl= latency=",
    "DATAFLOW": "disable_start_propagation",
    "DEPENDENCE": "variable= array pointer inter intra RAW WAR WAW distance= true false "
    "class= type= direction= dependent=",
    "DISAGGREGATE": "variable=",
    "EXPRESSION_BALANCE": "off",
    "FUNCTION_INSTANTIATE": "variable=",
    "INLINE": "off recursive",
    "INTERFACE": "ap_ctrl_chain ap_ctrl_hs ap_ctrl_none ap_fifo ap_hs ap_memory ap_none ap_vld axis m_axi s_axilite "
    "mode= port= bundle= depth= latency= name= offset= register register_mode= storage_impl= storage_type=",
    "LATENCY": "min= max=",
    "LOOP_FLATTEN": "off",
    "LOOP_MERGE": "force",
    "LOOP_TRIPCOUNT": "min= max= avg=",
    "OCCURRENCE": "cycle=",
    "PIPELINE": "II= off rewind style=",
    "PROTOCOL": "mode= floating fixed",
    "RESET": "variable= off",
    "STABLE": "variable=",
    "STREAM": "variable= type= depth= off",
    "TOP": "name=",
    "UNROLL": "factor= skip_exit_check off=",
}
KNOWN: Dict[str, FrozenSet[str]] = {name: frozenset(options.split()) for name, options in _OPTIONS.items()}
"""Options of each pragma; one that takes a value ends in `=`."""

_LINE = re.compile(r"^[ \t]*#[ \t]*pragma\b(.*)$", re.MULTILINE)


def check(path: str, text: str) -> None:
    """Raise GenerationError for a pragma of `text` whose name, option or variable is not known.

    path: for the message. A variable must be named by the code of the same file.
    """
    names = frozenset(re.findall(r"\w+", _LINE.sub("", text)))
    for match in _LINE.finditer(text):
        problem = _problem(match.group(1).split(), names)
        if problem:
            raise GenerationError(f"{path}: `{match.group(0).strip()}`: {problem}")


def _problem(words: List[str], names: FrozenSet[str]) -> str:
    if not words or words[0] != "HLS":
        return "not an HLS pragma"
    if len(words) < 2 or words[1] not in KNOWN:
        return f"unknown pragma {' '.join(words[1:2])!r}; known: {', '.join(KNOWN)}"
    for word in words[2:]:
        option, equals, value = word.partition("=")
        if option + equals not in KNOWN[words[1]] or (equals and not value):
            return f"unknown option {word!r} of {words[1]}; known: {' '.join(sorted(KNOWN[words[1]])) or 'none'}"
        if option == "variable" and value not in names:
            return f"no variable {value!r} in this file"
    return ""
