# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""manifest.json of an overlay folder: what a driver must know, and what ties it to one network file.

An overlay folder holds overlay.bit, overlay.hwh, manifest.json and network.npz; for emulation also
kernel.so, the compiled C simulation. `src/` and `mem/` hold what the vendor's tools read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Tuple

from lutforge.errors import OverlayError
from lutforge.network import Network, TensorType
from lutforge.store import digest
from lutforge.streams import InputStream, OutputStream

FORMAT = 1
BIT, HWH, MANIFEST, NETWORK, KERNEL = "overlay.bit", "overlay.hwh", "manifest.json", "network.npz", "kernel.so"
SCHEDULE = "schedule.json"
DMA_NAME, IP_NAME = "axi_dma_0", "lutforge_0"
IP_VLNV = "lutforge:hls:lutforge_top:1.0"


@dataclass(frozen=True)
class TracedNode:
    """One edge that the compiled kernel can report; the order is that of the kernel's trace buffer."""

    name: str
    shape: Tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """Facts of one overlay.

    emulated: overlay.bit is a placeholder for `EmulatedDevice` and no bitstream.
    clock_mhz: the clock that the design was made for; interval_cycles: predicted cycles per image.
    """

    name: str
    network_sha256: str
    board: str
    processing_system: str
    arch: str
    beat_bits: int
    clock_mhz: float
    dma_length_bits: int
    input: TensorType
    classes: int
    output: str
    interval_cycles: int
    emulated: bool
    trace: Tuple[TracedNode, ...]
    lutforge: str

    @property
    def input_stream(self) -> InputStream:
        """Layout of an image on the input stream."""
        return InputStream(self.input.elements, self.input.bits, self.input.signed, self.beat_bits)

    @property
    def output_stream(self) -> OutputStream:
        """Layout of an answer on the output stream."""
        return OutputStream(self.classes, self.output, self.beat_bits)


def to_json(manifest: Manifest) -> str:
    """Return the text of manifest.json."""
    return json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2, sort_keys=True) + "\n"


def load_manifest(folder: Path | str) -> Manifest:
    """Read an overlay folder's manifest; OverlayError says which file is missing or wrong."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise OverlayError(f"{path}: no such file; `lutforge generate` writes an overlay folder")
    try:
        document: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] > FORMAT:
            raise OverlayError(
                f"{path}: manifest format {document['format']}; this lutforge reads up to {FORMAT}. Update lutforge"
            )
        del document["format"]
        kind = document.pop("input")
        nodes = tuple(TracedNode(entry["name"], tuple(entry["shape"])) for entry in document.pop("trace"))
        return Manifest(input=TensorType(tuple(kind["shape"]), kind["low"], kind["high"]), trace=nodes, **document)
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise OverlayError(f"{path}: cannot be read ({type(error).__name__}: {error}); generate it again") from error


def require_network(manifest: Manifest, network: Network) -> None:
    """Raise OverlayError unless an overlay was made from this network."""
    asked = digest(network)
    if asked != manifest.network_sha256:
        raise OverlayError(
            f"the overlay was made from network {manifest.network_sha256[:12]}..., asked to run {asked[:12]}...; "
            "generate and compile it again"
        )
