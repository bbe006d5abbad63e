# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Network, schedule and board in, the text of an overlay folder out: HLS C++, memory files, .hwh, manifest.

`generate` is pure: the same arguments give the same bytes. `write_overlay` puts them on disk.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Callable, Dict, Iterable, Tuple

import lutforge
from lutforge import manifest as manifests
from lutforge import store
from lutforge.boards import Board
from lutforge.branches import branches
from lutforge.errors import GenerationError
from lutforge.folding import require_flowing
from lutforge.hls import pragmas
from lutforge.hls.hwh import hwh_text
from lutforge.hls.layers import Layer, Site, emit
from lutforge.hls.text import LIBRARY, header
from lutforge.hls.top import Design, top_header, top_source
from lutforge.network import Network
from lutforge.operations import ArgMax
from lutforge.schedule import Schedule, check, intervals, is_layer, lanes, to_json
from lutforge.streams import output_stream

IMAGES = "images.npz"
"""Test images that may lie in an overlay folder before anything is generated."""

TYPES = "types.hpp"
ARRAY_HEADERS = ("array", TYPES)
"""How the headers of the programmable array begin."""


def generate(network: Network, schedule: Schedule, board: Board, output: str = "logits") -> Dict[str, str]:
    """Return every text file of an overlay folder by its path.

    output: what the design answers, 'logits', 'class' or 'both'.
    """
    require_flowing(network, check(network, schedule), board.beat_bits)
    output_stream(network, output, board.beat_bits)
    result = _sources(network, schedule, board, output)
    for path, text in result.items():
        if path.endswith((".cpp", ".hpp")):
            pragmas.check(path, text)
    result[manifests.SCHEDULE] = to_json(schedule)
    result[manifests.HWH] = hwh_text(
        processing_system=board.processing_system,
        clock_mhz=board.clock_mhz,
        beat_bits=board.beat_bits,
        dma_length_bits=board.dma_length_bits,
    )
    result[manifests.BIT] = _placeholder(network, result[manifests.HWH])
    manifest = _manifest(network, schedule, board, output, tuple(sorted(result)))
    result[manifests.MANIFEST] = manifests.to_json(manifest)
    return dict(sorted(result.items()))


def write_overlay(folder: Path | str, network: Network, texts: Dict[str, str]) -> None:
    """Write what `generate` returned, and the network file, each aside and then renamed.

    What an earlier generation wrote and this one does not is removed, its compiled kernel too, so that it cannot be
    taken for this one. Files of the user's are never touched.
    """
    root = Path(folder)
    write_texts(root, texts, lambda: manifests.load_manifest(root).files)
    store.save(network, root / manifests.NETWORK)


def write_texts(root: Path, texts: Dict[str, str], earlier: Callable[[], Iterable[str]]) -> None:
    """Write the texts of an overlay folder in place of those that an earlier generation wrote.

    earlier: returns their paths, where the folder has a manifest. GenerationError if it holds something else.
    """
    stale = set(_earlier_files(root, earlier)) - set(texts)
    root.mkdir(parents=True, exist_ok=True)
    (root / manifests.KERNEL).unlink(missing_ok=True)
    for path in stale:
        if (root / path).resolve().is_relative_to(root.resolve()):
            (root / path).unlink(missing_ok=True)
    for path, text in texts.items():
        store.write_atomically(root / path, text.encode())


def _earlier_files(root: Path, earlier: Callable[[], Iterable[str]]) -> Iterable[str]:
    if (root / manifests.MANIFEST).is_file():
        return earlier()
    if root.is_dir() and any(entry.name != IMAGES for entry in root.iterdir()):
        raise GenerationError(f"{root}: the folder is not empty and holds no overlay; name an empty or a new folder")
    return ()


def _placeholder(network: Network, hwh: str) -> str:
    """A stand-in for the bitstream; it names both hashes because pynq caches metadata by the .bit's hash."""
    return (
        "lutforge emulation: this is no bitstream\n"
        f"network sha256 {store.digest(network)}\nhwh sha256 {hashlib.sha256(hwh.encode()).hexdigest()}\n"
    )


def _manifest(
    network: Network, schedule: Schedule, board: Board, output: str, written: Tuple[str, ...]
) -> manifests.Manifest:
    traced = tuple(
        manifests.TracedNode(node.name, network.types[node.name].shape)
        for node in network.nodes
        if not isinstance(node.op, ArgMax)
    )
    return manifests.Manifest(
        name=network.name,
        network_sha256=store.digest(network),
        board=board.name,
        processing_system=board.processing_system,
        arch=board.arch,
        beat_bits=board.beat_bits,
        clock_mhz=board.clock_mhz,
        dma_length_bits=board.dma_length_bits,
        input=network.input,
        classes=network.classes,
        output=output,
        interval_cycles=max(intervals(network, schedule, board.beat_bits, output).values()),
        emulated=True,
        trace=traced,
        lutforge=lutforge.__version__,
        files=written,
    )


def _sources(network: Network, schedule: Schedule, board: Board, output: str) -> Dict[str, str]:
    widths = lanes(network, schedule, board.beat_bits)
    layers: Dict[str, Layer] = {}
    for node in network.nodes:
        kind = network.types[node.name]
        source, *more = [network.types[name] for name in node.inputs] or [kind]
        folding = schedule.of(node) if is_layer(node) else None
        layer = emit(Site(node, source, kind, widths[node.name], folding, board.beat_bits, tuple(more)))
        if layer:
            layers[node.name] = layer
    design = Design(network, schedule, board, output, widths, layers, branches(network))
    texts = {f"src/{path}": text for path, text in library().items()}
    for name, layer in layers.items():
        if layer.params:
            path = f"params/{name}.hpp"
            texts[f"src/{path}"] = header(path, f"#include <{LIBRARY}/types.hpp>\n\n{layer.params}")
        if layer.box:
            texts[f"src/{name}_lut_array.cpp"] = layer.box
        texts.update({f"mem/{file}": text for file, text in layer.mems.items()})
    texts["src/lutforge_top.hpp"] = top_header(design)
    texts["src/lutforge_top.cpp"] = top_source(design)
    return texts


def library(array: bool = False) -> Dict[str, str]:
    """Return the static C++ by path below `src/`: of networks, with the testbench, or of the programmable array."""
    root = files("lutforge.hls") / "include"
    try:
        headers = sorted(entry.name for entry in (root / LIBRARY).iterdir() if entry.name.endswith(".hpp"))
        of_array = [name for name in headers if name.startswith(ARRAY_HEADERS)]
        chosen = of_array if array else [name for name in headers if name not in of_array or name == TYPES]
        paths = [*(f"{LIBRARY}/{name}" for name in chosen), *([] if array else ["testbench.cpp"])]
        return {path: (root / path).read_text(encoding="utf-8") for path in paths}
    except OSError as error:
        raise GenerationError(
            f"the C++ library is missing from the package ({error}); install lutforge again"
        ) from error
