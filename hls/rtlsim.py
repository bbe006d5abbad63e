# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Put a design's Verilog into an overlay folder, compile a simulation of it, and run that as an executor.

Every stream has its scheduled depth there, so a simulation shows cycles, back-pressure and deadlocks, which the
C simulation does not.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np
import numpy.typing as npt

from lutforge import manifest as manifests
from lutforge.errors import OverlayError, ToolError
from lutforge.executors import check_images
from lutforge.hls import verilator
from lutforge.manifest import NETWORK, Manifest, load_manifest, require_network
from lutforge.network import Network
from lutforge.performance import Performance
from lutforge.rtl import RtlDesign
from lutforge.rtl_folder import FACTS, SIMULATORS, RtlFacts, count_words, load_facts, stamp_path, to_json
from lutforge.rtl_kernel import FLOWING, RtlKernel, Stalls
from lutforge.store import load, write_atomically

Ints = npt.NDArray[Any]
BLOCK_IMAGES = {"verilator": 500, "netlist": 16384}
"""Images of one simulation: enough for a steady interval, few enough for a progress bar that moves."""

NETLIST_FAMILIES = {"processing_system7": "xc7", "zynq_ultra_ps_e": "xcup"}
"""Cells that the netlist simulator's design is made of, by the board's processing system."""


def write_rtl(folder: Path | str, design: RtlDesign, network: Network) -> RtlFacts:
    """Write a design below an overlay folder that the generator has written, and rtl/rtl.json beside it.

    A simulator of earlier Verilog is removed. The folder's manifest then names these files too, so that the next
    generation removes them.
    """
    root = Path(folder)
    manifest = load_manifest(root)
    require_network(manifest, network)
    facts = facts_of(design, manifest)
    for name, path in SIMULATORS.items():
        (root / path).unlink(missing_ok=True)
        stamp_path(root, name).unlink(missing_ok=True)
    for path, text in design.texts.items():
        write_atomically(root / path, text.encode())
    write_atomically(root / FACTS, to_json(facts).encode())
    simulators = [name for path in SIMULATORS.values() for name in (path, f"{path}.sha256")]
    listed = tuple(sorted({*manifest.files, *design.texts, FACTS, *simulators}))
    text = manifests.to_json(dataclasses.replace(manifest, files=listed))
    write_atomically(root / manifests.MANIFEST, text.encode())
    return facts


def facts_of(design: RtlDesign, manifest: Manifest) -> RtlFacts:
    """Return what rtl.json says of a design."""
    state = hashlib.sha256()
    for path, text in sorted(design.texts.items()):
        state.update(f"{path}\n{len(text)}\n{text}".encode())
    memories = {path.rpartition("/")[2]: count_words(text) for path, text in design.texts.items() if _is_memory(path)}
    return RtlFacts(
        network_sha256=manifest.network_sha256,
        sources_sha256=state.hexdigest(),
        top=design.top,
        beat_bits=manifest.beat_bits,
        input_beats=manifest.input_stream.beats,
        answer_beats=manifest.output_stream.beats,
        probes=design.probes,
        memories=dict(sorted(memories.items())),
        files=tuple(sorted(path for path in design.texts if not _is_memory(path))),
    )


def _is_memory(path: str) -> bool:
    return path.endswith(".mem")


def compile_rtl(folder: Path | str, simulator: str = "verilator", *, quick: bool = False) -> Path:
    """Compile a folder's Verilog as it lies there to a simulation executable, and return its path.

    quick: see `verilator.build`; the netlist simulator does not need it.
    """
    root = Path(folder)
    if simulator not in SIMULATORS:
        raise ToolError(f"simulator {simulator!r} is unknown; use one of {', '.join(SIMULATORS)}")
    manifest = load_manifest(root)
    facts = load_facts(root, manifest)
    texts = _read_sources(root, facts)
    target = root / SIMULATORS[simulator]
    if simulator == "verilator":
        verilator.build(texts, facts, target, quick=quick)
    else:
        from lutforge.hls import netlist_streams  # needs pyosys, which Verilator's users may lack

        family = NETLIST_FAMILIES[manifest.processing_system]
        netlist_streams.build(texts, facts, target, family=family)
    write_atomically(stamp_path(root, simulator), f"{facts.sources_sha256}\n".encode())
    return target


def _read_sources(root: Path, facts: RtlFacts) -> Mapping[str, str]:
    texts = {}
    for path in (*facts.files, *(f"mem/{name}" for name in facts.memories)):
        if not (root / path).is_file():
            raise OverlayError(f"{root / path}: no such file; write the Verilog again with `lutforge rtl`")
        texts[path] = (root / path).read_text(encoding="utf-8")
    return texts


class RtlExecutor:
    """The simulated Verilog of an overlay folder, behind the interface that all executors share.

    `performance` says what the longest run measured.
    """

    def __init__(
        self,
        folder: Path | str,
        network: Optional[Network] = None,
        simulator: Optional[str] = None,
        stalls: Stalls = FLOWING,
    ):
        """network: refused if the folder was made from another one. simulator: default the first that is there."""
        self.manifest = load_manifest(folder)
        self.network = network or load(Path(folder) / NETWORK)
        require_network(self.manifest, self.network)
        self.kernel = RtlKernel(folder, self.manifest, simulator, stalls)
        self.name = f"rtl: {self.kernel.simulator}"
        self.performance: Optional[Performance] = None

    def run(self, images: Ints, progress: Optional[Callable[[int], None]] = None) -> npt.NDArray[np.int64]:
        """Return logits, int64 [batch, ..., classes]. progress: called with the images done in each step."""
        images = check_images(self.network, images)
        size = BLOCK_IMAGES[self.kernel.simulator]
        parts: List[npt.NDArray[np.int64]] = []
        for start in range(0, len(images), size):
            block = images[start : start + size]
            answers = self.kernel.stream(self.manifest.input_stream.pack(block), len(block))
            self._remember(self.kernel.performance)
            logits = self.manifest.output_stream.logits(answers)
            parts.append(logits.reshape(len(block), *self.network.logits.shape))
            if progress:
                progress(len(block))
        return np.concatenate(parts) if parts else np.zeros((0, *self.network.logits.shape), dtype=np.int64)

    def trace(self, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every probed edge carries, by node name: int64 [batch, *shape]."""
        images = check_images(self.network, images)
        return self.kernel.trace(self.manifest.input_stream.pack(images), len(images))

    def _remember(self, measured: Optional[Performance]) -> None:
        if measured and (self.performance is None or measured.images >= self.performance.images):
            self.performance = measured
