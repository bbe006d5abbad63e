# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""docs/build.md explains every error of a plan's scripts, and explains no error that does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

ROOT = Path(__file__).parents[2]
SCRIPTS = [*sorted((ROOT / "overlays" / "tcl").glob("*.tcl")), ROOT / "overlays" / "tcl" / "build.sh"]
PYTHON = [
    "vivado was not found; looked on PATH",  # build._missing and vendor_reports._parse put these together from values
    "timing report: WNS(ns) is 'NA', a number is wanted",
    " ".join((ROOT / "overlays" / "build.py").read_text().split()),
]


def messages() -> List[str]:
    """Messages of the scripts, with … for each value."""
    found = []
    for path in SCRIPTS:
        for text in re.findall(r'(?:\berror|\bfail|check_clock) "((?:[^"\\]|\\.)*)"', path.read_text()):
            found.append(re.sub(r"'?\$(?:::)?\{?\w+\}?'?|\$\*|\[\w+\]", "…", text))
    # the message of check_clock begins with what its callers say
    found = [text for text in found if "no step" not in text and not text.startswith("… is … MHz") and text != "…"]
    return [
        f"{text} is …" if text.startswith("the ") and "clock" in text and "MHz" not in text else text for text in found
    ]


def phrases() -> List[str]:
    table = (ROOT / "docs" / "build.md").read_text().split("## 5.")[1].split("## 6.")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row)]


def fits(phrase: str, message: str) -> bool:
    return re.search(".*".join(re.escape(part.strip()) for part in phrase.split("…")), message) is not None


def test_every_message_is_explained():
    assert len(messages()) > 15
    missing = [message for message in messages() if not any(fits(phrase, message) for phrase in phrases())]
    assert not missing


def test_every_explanation_has_its_message():
    sources = [*messages(), *PYTHON]
    unknown = [phrase for phrase in phrases() if not any(fits(phrase, message) for message in sources)]
    assert len(phrases()) > 15 and not unknown
