# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""manifest.json of an overlay folder: what a driver must know, and what ties it to one network file.

An overlay folder holds overlay.bit, overlay.hwh, manifest.json and network.npz; for emulation also
kernel.so, the compiled C simulation. `src/` and `mem/` hold what the vendor's tools read. The folder of a programmable
array has no network file (`array_manifest`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, ClassVar, Dict, Optional, Tuple

from lutforge.errors import OverlayError
from lutforge.network import Network, TensorType
from lutforge.store import digest
from lutforge.streams import OUTPUTS, InputStream, OutputStream

FORMAT = 1
BIT, HWH, MANIFEST, NETWORK, KERNEL = "overlay.bit", "overlay.hwh", "manifest.json", "network.npz", "kernel.so"
SCHEDULE = "schedule.json"
ARRAY = "array"
"""`kind` in the manifest of a programmable array; a network's has none."""

DMA_NAME, IP_NAME = "axi_dma_0", "lutforge_0"
IP_VLNV = "lutforge:hls:lutforge_top:1.0"
MAX_CLOCK_MHZ = 10_000  # no device is near it; infinity and NaN, which Python reads in JSON, are beyond


@dataclass(frozen=True)
class TracedNode:
    """One edge that the compiled kernel can report; the order is that of the kernel's trace buffer."""

    name: str
    shape: Tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """What every overlay has, whatever computes in it.

    emulated: overlay.bit is a placeholder for `EmulatedDevice` and no bitstream.
    files: paths of what was generated.
    clock_mhz: the clock that the design was made for.
    """

    name: str
    board: str
    processing_system: str
    arch: str
    beat_bits: int
    clock_mhz: float
    dma_length_bits: int
    emulated: bool
    lutforge: str
    files: Tuple[str, ...] = ()

    needed: ClassVar[Tuple[str, ...]] = (BIT, HWH)
    """Files without which the folder cannot be opened."""

    source: ClassVar[str] = ""
    """What the overlay was made from, in a word."""

    command: ClassVar[str] = ""
    """What writes its folder."""

    @property
    def source_sha256(self) -> str:
        """Return the sha256 of what the overlay was made from; the compiled kernel carries the same."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Manifest(Overlay):
    """Facts of the overlay of one network. interval_cycles: predicted cycles per image."""

    network_sha256: str
    input: TensorType
    classes: int
    output: str
    interval_cycles: int
    trace: Tuple[TracedNode, ...]

    needed: ClassVar[Tuple[str, ...]] = (BIT, HWH, NETWORK)
    source: ClassVar[str] = "network"
    command: ClassVar[str] = "lutforge generate"

    @property
    def source_sha256(self) -> str:
        """Return the network's sha256."""
        return self.network_sha256

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


def whole(low: Optional[int] = None, high: Optional[int] = None) -> Callable[[Any], bool]:
    """Return a test for an integer in low..high; True and False are none."""
    return lambda value: type(value) is int and (low is None or value >= low) and (high is None or value <= high)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _list_of(good: Callable[[Any], bool], least: int = 0) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(good, value))


TEXTS = ("name", "network_sha256", "board", "processing_system", "arch", "lutforge")
WANTED: Dict[str, Tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(TEXTS, (_text, "a text")),
    "format": (whole(1, FORMAT), f"an integer 1..{FORMAT}"),
    "beat_bits": (lambda value: whole()(value) and value in (32, 64, 128), "32, 64 or 128"),
    "clock_mhz": (
        lambda value: type(value) in (int, float) and 0 < value <= MAX_CLOCK_MHZ,
        f"a number above 0, up to {MAX_CLOCK_MHZ},",
    ),
    "dma_length_bits": (whole(8, 26), "an integer 8..26"),
    "classes": (whole(1), "an integer of at least 1"),
    "output": (lambda value: value in OUTPUTS, f"one of {', '.join(OUTPUTS)}"),
    "interval_cycles": (whole(1), "an integer of at least 1"),
    "emulated": (lambda value: isinstance(value, bool), "true or false"),
    "files": (_list_of(_text), "a list of texts"),
    "input.shape": (_list_of(whole(1), least=1), "a list of integers of at least 1"),
    "input.low": (whole(), "an integer"),
    "input.high": (whole(), "an integer"),
    "trace.name": (_text, "a text"),
    "trace.shape": (_list_of(whole(1)), "a list of integers of at least 1"),
}
"""What a value of manifest.json must be, by key: the test, and its words."""


def check(path: Path, values: Dict[str, Any], prefix: str = "") -> None:
    """Raise OverlayError at the first value of a wrong type or range; keys are left to the caller."""
    for key, value in values.items():
        good, words = WANTED.get(prefix + key, (lambda _: True, ""))
        if not good(value):
            raise OverlayError(f"{path}: {prefix}{key} is {value!r}, but {words} is wanted; generate the overlay again")


def _check_input(path: Path, low: int, high: int, beat_bits: int) -> None:
    """Raise OverlayError unless low..high is a range whose values fit a beat."""
    if low > high or TensorType((1,), low, high).bits > beat_bits:
        raise OverlayError(
            f"{path}: input is {low}..{high}, but a range that fits {beat_bits} bits is wanted; "
            "generate the overlay again"
        )


def load_manifest(folder: Path | str) -> Manifest:
    """Read an overlay folder's manifest; OverlayError says which file is missing, or which value is wrong."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise OverlayError(f"{path}: no such file; `lutforge generate` writes an overlay folder")
    try:
        document: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if whole(FORMAT + 1)(document["format"]):
            raise OverlayError(
                f"{path}: manifest format {document['format']}; this lutforge reads up to {FORMAT}. Update lutforge"
            )
        if document.get("kind") == ARRAY:
            raise OverlayError(
                f"{Path(folder)}: this is a programmable array; open it with lutforge.host.ArrayAccelerator, or "
                "`lutforge array run`"
            )
        check(path, document)
        del document["format"]
        kind = document.pop("input")
        check(path, kind, "input.")
        _check_input(path, kind["low"], kind["high"], document["beat_bits"])
        for entry in document["trace"]:
            check(path, entry, "trace.")
        nodes = tuple(TracedNode(entry["name"], tuple(entry["shape"])) for entry in document.pop("trace"))
        return Manifest(
            input=TensorType(tuple(kind["shape"]), kind["low"], kind["high"]),
            trace=nodes,
            files=tuple(document.pop("files", ())),
            **document,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OverlayError(f"{path}: cannot be read ({type(error).__name__}: {error}); generate it again") from error


def require_network(manifest: Manifest, network: Network) -> None:
    """Raise OverlayError unless an overlay was made from this network."""
    asked = digest(network)
    if asked != manifest.network_sha256:
        raise OverlayError(
            f"the overlay was made from network {manifest.network_sha256[:12]}..., asked to run {asked[:12]}...; "
            "generate and compile it again"
        )
