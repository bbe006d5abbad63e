# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Compile an overlay folder's HLS C++ with g++, and run it: the C simulation.

It runs the layers one after the other on unbounded streams, so it shows values and neither cycles,
back-pressure nor depths.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np
import numpy.typing as npt

from lutforge.errors import OverlayError, ToolError
from lutforge.executors import check_images
from lutforge.kernel import Kernel
from lutforge.manifest import KERNEL, NETWORK, load_manifest, require_network
from lutforge.network import Network
from lutforge.store import load

Ints = npt.NDArray[Any]
BATCH_BYTES = 64 << 20
FLAGS = ["-std=c++14", "-O3", "-fPIC", "-shared", "-DLUTFORGE_TRACE", "-Wno-unknown-pragmas", "-Wno-attributes"]
COMPILE_DEADLINE_S = 900


def compile_kernel(folder: Path | str, compiler: Optional[str] = None, headers: Optional[Path] = None) -> Path:
    """Compile `src/` of an overlay folder to kernel.so and return its path.

    compiler: g++ or another of its kind, default $CXX or g++. headers: folder of ap_int.h, default
    $LUTFORGE_AP_TYPES or the one that hls4ml installs.
    """
    root = Path(folder)
    source = root / "src" / "lutforge_top.cpp"
    if not source.is_file():
        raise OverlayError(f"{source}: no such file; `lutforge generate` writes it")
    tool = find_compiler(compiler)
    include = headers or find_headers()
    with as_file(files("lutforge.hls") / "shims") as shims:
        entry = shims / "csim_entry.cpp"
        aside = root / f".{KERNEL}.{os.getpid()}"
        command = [tool, *FLAGS, f"-I{shims}", f"-I{root / 'src'}", f"-I{include}", str(entry)]
        try:
            done = subprocess.run(
                [*command, "-o", str(aside)], capture_output=True, text=True, timeout=COMPILE_DEADLINE_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ToolError(
                f"{tool}: {source} was not compiled within {COMPILE_DEADLINE_S} s; fold the network or split it"
            ) from error
        if done.returncode:
            raise ToolError(f"{tool} failed on {source}:\n{_first_errors(done.stderr)}")
        os.replace(aside, root / KERNEL)
    return root / KERNEL


def find_compiler(name: Optional[str] = None) -> str:
    """Return the path of the C++ compiler."""
    wanted = name or os.environ.get("CXX") or "g++"
    found = shutil.which(wanted)
    if not found:
        raise ToolError(
            f"C++ compiler {wanted!r} was not found; the C simulation needs g++ 9 or newer (apt install g++) or $CXX. "
            "The reference executor and file generation work without it"
        )
    return found


def find_headers() -> Path:
    """Return the folder of the Apache-licensed ap_int.h."""
    chosen = os.environ.get("LUTFORGE_AP_TYPES")
    spec = importlib.util.find_spec("hls4ml") if not chosen else None
    places: List[Path] = [Path(chosen)] if chosen else []
    if spec and spec.submodule_search_locations:
        places += [Path(place) / "templates" / "vivado" / "ap_types" for place in spec.submodule_search_locations]
    for place in places:
        if (place / "ap_int.h").is_file():
            return place
    raise ToolError(
        f"ap_int.h was not found (looked in: {', '.join(map(str, places)) or 'the installed packages'}); "
        "install it with `pip install --no-deps 'hls4ml>=1.3,<2'` or set LUTFORGE_AP_TYPES to its folder"
    )


def _first_errors(text: str) -> str:
    lines = [line for line in text.splitlines() if "error" in line or "undefined" in line] or text.splitlines()
    return "\n".join(lines[:8])


class CsimExecutor:
    """The compiled C simulation of an overlay folder, behind the interface that all executors share."""

    name = "csim"

    def __init__(self, folder: Path | str, network: Optional[Network] = None):
        """network: refused if the folder was made from another one; default: the folder's own file."""
        self.manifest = load_manifest(folder)
        self.network = network or load(Path(folder) / NETWORK)
        require_network(self.manifest, self.network)
        self.kernel = Kernel(folder, self.manifest)

    def run(self, images: Ints, progress: Optional[Callable[[int], None]] = None) -> npt.NDArray[np.int64]:
        """Return logits, int64 [batch, ..., classes]. progress: called with the images done in each step."""
        images = check_images(self.network, images)
        parts = []
        for block in self._blocks(images):
            answers = self.kernel.stream(self.manifest.input_stream.pack(block), len(block))
            logits = self.manifest.output_stream.logits(answers)
            parts.append(logits.reshape(len(block), *self.network.logits.shape))
            if progress:
                progress(len(block))
        return np.concatenate(parts) if parts else np.zeros((0, *self.network.logits.shape), dtype=np.int64)

    def trace(self, images: Ints) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every edge carries, by node name: int64 [batch, *shape]."""
        images = check_images(self.network, images)
        return self.kernel.trace(self.manifest.input_stream.pack(images), len(images))

    def _blocks(self, images: Ints) -> List[Ints]:
        """Split a batch so that the streams of one call, up to 16 bytes an element, stay near BATCH_BYTES."""
        elements = sum(kind.elements for kind in self.network.types.values())
        size = max(1, min(1000, BATCH_BYTES // (16 * elements)))
        return [images[start : start + size] for start in range(0, len(images), size)]
