# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""manifest.json of a programmable array: its sizes in place of a network, which comes at run time."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Dict, Tuple

import lutforge
from lutforge.array_geometry import BEAT_BITS, Geometry
from lutforge.boards import Board
from lutforge.errors import OverlayError, ScheduleError
from lutforge.manifest import ARRAY, FORMAT, MANIFEST, Overlay, check, load_manifest, whole

KNOWN_KEYS = frozenset(("kind", "format", "geometry", "geometry_sha256"))


@dataclass(frozen=True, kw_only=True)
class ArrayManifest(Overlay):
    """Facts of the overlay of a programmable array."""

    geometry: Geometry

    source: ClassVar[str] = "geometry"
    command: ClassVar[str] = "lutforge array generate"

    @property
    def source_sha256(self) -> str:
        """Return the sha256 of the sizes."""
        return geometry_sha256(self.geometry)


def geometry_sha256(geometry: Geometry) -> str:
    """Return the sha256 of an array's sizes, which the compiled kernel carries too."""
    return hashlib.sha256(json.dumps(geometry.to_document(), sort_keys=True).encode()).hexdigest()


def array_manifest(geometry: Geometry, board: Board, *, emulated: bool, files: Tuple[str, ...]) -> ArrayManifest:
    """Return the manifest of an array on a board."""
    return ArrayManifest(
        name=f"array_{geometry.pe}x{geometry.simd}",
        board=board.name,
        processing_system=board.processing_system,
        arch=board.arch,
        beat_bits=BEAT_BITS,
        clock_mhz=board.clock_mhz,
        dma_length_bits=board.dma_length_bits,
        emulated=emulated,
        geometry=geometry,
        lutforge=lutforge.__version__,
        files=files,
    )


def to_json(manifest: ArrayManifest) -> str:
    """Return the text of manifest.json."""
    facts = {"kind": ARRAY, "format": FORMAT, **asdict(manifest), "geometry_sha256": manifest.source_sha256}
    return json.dumps(facts, indent=2, sort_keys=True) + "\n"


def is_array(folder: Path | str) -> bool:
    """Whether a folder holds a programmable array; False for one without a manifest that can be read."""
    try:
        document = json.loads((Path(folder) / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("kind") == ARRAY


def load_overlay(folder: Path | str) -> Overlay:
    """Read the manifest of a folder of either kind."""
    return load_array(folder) if is_array(folder) else load_manifest(folder)


def load_array(folder: Path | str) -> ArrayManifest:
    """Read the manifest of a programmable array; OverlayError says what is wrong with it."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise OverlayError(f"{path}: no such file; `lutforge array generate` writes the folder of an array")
    if not is_array(folder):
        load_manifest(folder)  # says more about a damaged one
        raise OverlayError(
            f"{Path(folder)}: the overlay of one network; open it with lutforge.host.Accelerator, or make an array "
            "with `lutforge array generate`"
        )
    try:
        document: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if whole(FORMAT + 1)(document["format"]):
            raise OverlayError(
                f"{path}: manifest format {document['format']}; this lutforge reads up to {FORMAT}. Update lutforge"
            )
        check(path, document)
        facts = {key: value for key, value in document.items() if key not in KNOWN_KEYS}
        geometry = Geometry(**document["geometry"])
        found = document["geometry_sha256"]
        manifest = ArrayManifest(**{**facts, "files": tuple(facts.get("files", ()))}, geometry=geometry)
    except (AttributeError, KeyError, ScheduleError, TypeError, ValueError) as error:
        raise OverlayError(f"{path}: cannot be read ({type(error).__name__}: {error}); generate it again") from error
    if found != manifest.source_sha256:
        raise OverlayError(f"{path}: its sizes are not those of geometry_sha256 {found!r}; generate it again")
    return manifest
