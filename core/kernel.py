# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Call a compiled C simulation (kernel.so of an overlay folder) through its C interface."""

from __future__ import annotations

import ctypes
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import DeviceError, OverlayError
from lutforge.manifest import KERNEL, Manifest, Overlay, load_manifest

Bytes = npt.NDArray[np.uint8]
MESSAGE_BYTES = 512


class CompiledLibrary:
    """kernel.so of an overlay folder, made from what its manifest says.

    A stream that ends early is an error of the call, named by the kernel, and never a wait.
    """

    def __init__(self, folder: Path | str, manifest: Overlay):
        path, self._name = Path(folder) / KERNEL, manifest.name
        if not path.is_file():
            raise OverlayError(f"{path}: no such file; `lutforge csim` compiles it")
        try:
            library = _load_library(path)
            self._call = library.lutforge_kernel
            sha256 = library.lutforge_network_sha256
        except (OSError, AttributeError) as error:
            raise OverlayError(f"{path}: cannot be loaded ({error}); compile it again with `lutforge csim`") from error
        sha256.restype = ctypes.c_char_p
        found = sha256().decode()
        if found != manifest.source_sha256:
            raise OverlayError(
                f"{path}: compiled from {manifest.source} {found[:12]}..., the manifest says "
                f"{manifest.source_sha256[:12]}...; compile it again with `lutforge csim`"
            )
        self._call.restype = ctypes.c_int

    def call(self, data: Bytes, count: int, answers: Bytes, trace: Optional[npt.NDArray[np.int64]] = None) -> None:
        """Fill `answers` with the output bytes. count: what the register `images` would hold."""
        source = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
        message = ctypes.create_string_buffer(MESSAGE_BYTES)
        failed = self._call(
            *_pointer(source),
            *_pointer(answers),
            ctypes.c_uint32(count),
            *(_pointer(trace) if trace is not None else (None, ctypes.c_size_t(0))),
            message,
            ctypes.c_size_t(MESSAGE_BYTES),
        )
        if failed:
            raise DeviceError(f"C simulation of {self._name}: {message.value.decode(errors='replace')}")


class Kernel:
    """The compiled kernel of one network's overlay: bytes of the input stream in, bytes of the output stream out."""

    def __init__(self, folder: Path | str, manifest: Optional[Manifest] = None):
        self.manifest = manifest or load_manifest(folder)
        self._library = CompiledLibrary(folder, self.manifest)

    def stream(self, data: Bytes, images: int) -> Bytes:
        """Return the output bytes, uint8 [images, bytes_per_image], for `images` images packed in data."""
        return self._run(data, images, None)

    def trace(self, data: Bytes, images: int) -> Dict[str, npt.NDArray[np.int64]]:
        """Return what every traced edge carried: int64 [images, *shape] by node name."""
        sizes = [int(np.prod(node.shape)) for node in self.manifest.trace]
        buffer = np.zeros(images * sum(sizes), dtype=np.int64)
        self._run(data, images, buffer)
        result, start = {}, 0
        for node, size in zip(self.manifest.trace, sizes, strict=True):
            part = buffer[start : start + images * size]
            result[node.name] = part.reshape(images, *node.shape)
            start += images * size
        return result

    def _run(self, data: Bytes, images: int, trace: Optional[npt.NDArray[np.int64]]) -> Bytes:
        answers = np.zeros((images, self.manifest.output_stream.bytes_per_image), dtype=np.uint8)
        self._library.call(data, images, answers, trace)
        return answers


def _load_library(path: Path) -> ctypes.CDLL:
    """Load a copy: under a path that it has loaded before, the loader returns the library that was there then."""
    if _is_cut(path.read_bytes()):
        raise OSError("the file is cut short")  # mapped and read beyond its end, it would kill the process
    with tempfile.TemporaryDirectory(prefix="lutforge-") as aside:
        return ctypes.CDLL(shutil.copy(path, aside))


def _is_cut(data: bytes) -> bool:
    """Whether a 64-bit little-endian ELF file ends before its section headers do (ELF-64 object file format)."""
    if data[:6] != b"\x7fELF\x02\x01":
        return False  # another format; the loader judges it
    if len(data) < 64:
        return True
    (offset,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    return bool(len(data) < offset + size * count)


def _pointer(array: npt.NDArray[Any]) -> Tuple[ctypes.c_void_p, ctypes.c_size_t]:
    return ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
