# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Compile the engine's one fixed source, once per computer: kept in the user's cache folder by its content's hash."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Optional, Tuple

from lutforge.errors import ToolError
from lutforge.store import write_atomically

FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-march=native")
COMPILE_DEADLINE_S = 300
NAME = "engine.so"
CACHE_VARIABLE, FLAGS_VARIABLE = "LUTFORGE_ENGINE_CACHE", "LUTFORGE_ENGINE_FLAGS"
"""Where compiled engines are kept, and further compiler flags: a sanitizer, or -march=x86-64-v3 for AVX2 alone."""


def cache_folder() -> Path:
    """Return the folder of compiled engines: $LUTFORGE_ENGINE_CACHE, or lutforge under the user's cache folder."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "lutforge" / "engine"


def find_compiler(name: Optional[str] = None) -> str:
    """Return the path of a C++ compiler: `name`, $CXX, g++ or clang++; ToolError if there is none."""
    wanted = [name] if name else [os.environ.get("CXX"), "g++", "clang++"]
    for each in wanted:
        found = shutil.which(each) if each else None
        if found:
            return found
    raise ToolError(
        "no C++ compiler was found; the fast engine wants g++ 9 or newer or clang++ (apt install g++) or $CXX. Without "
        "one it runs in numpy, some ten times slower"
    )


def compiled(compiler: Optional[str] = None) -> ctypes.CDLL:
    """Return the loaded engine, compiling it where the cache has none that is whole.

    Two processes that compile at once both succeed; a damaged file is made again. Where the cache folder cannot be
    written, the engine is compiled anew by each process.
    """
    return _loaded(find_compiler(compiler), _extra_flags(), str(cache_folder()))


def has_compiler() -> bool:
    """Whether there is a compiler."""
    try:
        find_compiler()
    except ToolError:
        return False
    return True


def is_compiled() -> bool:
    """Whether `compiled` would find the engine in the cache, or nothing to compile it with."""
    if not has_compiler():
        return True
    compiler = find_compiler()
    with as_file(files("lutforge.engine") / "src") as sources:
        return _whole(cache_folder() / f"{_key(sources, compiler, _extra_flags())}-{NAME}") is not None


def _extra_flags() -> Tuple[str, ...]:
    return tuple(os.environ.get(FLAGS_VARIABLE, "").split())


@lru_cache(maxsize=8)
def _loaded(compiler: str, extra: Tuple[str, ...], folder: str) -> ctypes.CDLL:
    try:
        with as_file(files("lutforge.engine") / "src") as sources:
            path = Path(folder) / f"{_key(sources, compiler, extra)}-{NAME}"
            found = _whole(path)
            if found is not None:
                return _open(found)
            made = _compile(sources, compiler, extra)
            library = _open(made)
            with suppress(OSError):  # a full disk or a folder that may not be written: compiled again next time
                write_atomically(path, _sealed(made))
            return library
    except OSError as error:  # a compiler that cannot be run, no room for its output, a library that cannot be loaded
        raise ToolError(f"the fast engine cannot be built with {compiler}: {error}") from error


def _open(data: bytes) -> ctypes.CDLL:
    """Load a copy: the loader would return the library it knows under a path, even after the file was made anew."""
    with tempfile.TemporaryDirectory(prefix="lutforge-engine-") as aside:
        copy = Path(aside) / NAME
        copy.write_bytes(data)
        return ctypes.CDLL(str(copy))


def _sealed(data: bytes) -> bytes:
    return hashlib.sha256(data).digest() + data


def _whole(path: Path) -> Optional[bytes]:
    """Return a cached library, or None where there is none or it is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data[32:] if hashlib.sha256(data[32:]).digest() == data[:32] else None


def _compile(sources: Path, compiler: str, extra: Tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="lutforge-engine-") as aside:
        made = Path(aside) / NAME
        command = [compiler, *FLAGS, *extra, str(sources / "engine.cpp"), "-o", str(made)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_DEADLINE_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"{compiler}: the engine was not compiled within {COMPILE_DEADLINE_S} s") from error
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
            raise ToolError(f"{compiler} failed on the engine; g++ 9 or newer is wanted:\n" + "\n".join(errors[:8]))
        if not made.is_file():
            raise ToolError(f"{compiler} made no library of the engine; g++ 9 or newer or clang++ is wanted")
        return made.read_bytes()


def _key(sources: Path, compiler: str, extra: Tuple[str, ...]) -> str:
    """Return a name for what these sources become with this compiler on this kind of processor."""
    digest = hashlib.sha256(repr((compiler, FLAGS, extra, platform.machine(), _processor())).encode())
    for path in sorted(sources.glob("*.[ch]pp")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:24]


def _processor() -> str:
    """Return the processor's features as Linux lists them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.lower().startswith(("flags", "features"))), platform.processor())
