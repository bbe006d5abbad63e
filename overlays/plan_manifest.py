# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""manifest.json of a build plan: what it builds, for what, by which route."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Dict, Tuple

from lutforge.errors import OverlayError

KIND, FORMAT = "plan", 1
MANIFEST = "manifest.json"
ROUTES = ("hls", "rtl")


@dataclass(frozen=True)
class PlanManifest:
    """Facts of one plan. tools: what it wants on the build machine; files: every path that was written.

    network_sha256: of a programmable array, the sha256 of its sizes.
    """

    name: str
    network_sha256: str
    board: str
    part: str
    board_part: str
    clock_mhz: float
    output: str
    route: str
    tools: str
    lutforge: str
    files: Tuple[str, ...]


def to_json(manifest: PlanManifest) -> str:
    """Return the text of manifest.json."""
    return json.dumps({"kind": KIND, "format": FORMAT, **asdict(manifest)}, indent=2, sort_keys=True) + "\n"


def load_plan(folder: Path | str) -> PlanManifest:
    """Read a plan's manifest; OverlayError if there is none, or it is damaged, newer or something else."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise OverlayError(f"{path}: no such file; `lutforge overlay NET --board B --out DIR` writes a plan")
    try:
        document: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("kind", None) != KIND:
            raise OverlayError(f"{path}: this is no plan; `lutforge overlay NET --board B --out DIR` writes one")
        if document.pop("format") != FORMAT:
            raise OverlayError(f"{path}: not plan format {FORMAT}, which this lutforge reads; write the plan again")
        result = PlanManifest(**{**document, "files": tuple(document["files"])})
        _check(result)
        return result
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OverlayError(f"{path}: cannot be read ({type(error).__name__}: {error}); write the plan again") from error


def _check(manifest: PlanManifest) -> None:
    for item in fields(manifest):
        value = getattr(manifest, item.name)
        if item.type == "str" and not isinstance(value, str):
            raise ValueError(f"{item.name} is {value!r}")
    if manifest.route not in ROUTES:
        raise ValueError(f"route is {manifest.route!r}")
    if not all(isinstance(name, str) for name in manifest.files):
        raise ValueError("files are not texts")
