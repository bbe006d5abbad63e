# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Compile the netlist engine, which is one fixed source, with g++: for the computer that it runs on."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import tempfile
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Optional

from lutforge.errors import ToolError
from lutforge.hls.csim import find_compiler

FLAGS = ("-std=c++17", "-O3", "-march=native", "-Wno-psabi")
"""Native, since 256 lanes are one or two registers there; what was compiled is never moved to another computer."""

LIBRARY, STREAMS = "netlist_engine.so", "netlist_engine"
_EXTRA = {LIBRARY: ("netlist_engine.cpp", "-fPIC", "-shared"), STREAMS: ("netlist_streams.cpp",)}
COMPILE_DEADLINE_S = 300


def compile_engine(product: str, folder: Optional[Path] = None, compiler: Optional[str] = None) -> Path:
    """Return the path of the compiled LIBRARY (a C interface) or STREAMS (a simulation executable).

    folder: where it is kept and looked for again; by default it is compiled once in the life of the process.
    compiler: default $CXX or g++.
    """
    tool = find_compiler(compiler)
    if folder is None:
        return _compiled_once(product, tool)
    return _compile(product, tool, folder)


@cache
def _folder_of_process() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lutforge-netlist-")  # removed when the process ends


@cache
def _compiled_once(product: str, tool: str) -> Path:
    return _compile(product, tool, Path(_folder_of_process().name))


def _compile(product: str, tool: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("lutforge.hls") / "sim") as sources:
        name, *extra = _EXTRA[product]
        path = folder / f"{_key(sources, tool)}-{product}"
        if path.is_file():
            return path
        aside = folder / f".{path.name}.{os.getpid()}"
        command = [tool, *FLAGS, *extra, f"-I{sources}", str(sources / name), "-o", str(aside)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_DEADLINE_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"{tool}: {name} was not compiled within {COMPILE_DEADLINE_S} s") from error
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
            raise ToolError(f"{tool} failed on {name}; g++ 9 or newer is wanted:\n" + "\n".join(errors[:8]))
        os.replace(aside, path)
    return path


def _key(sources: Path, tool: str) -> str:
    """Return a name for what is compiled from these sources, by this compiler, for this kind of processor."""
    digest = hashlib.sha256(repr((tool, FLAGS, platform.machine(), _processor())).encode())
    for path in sorted(sources.glob("*.[ch]pp")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """Return the processor's features as Linux lists them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.lower().startswith(("flags", "features"))), platform.processor())
