# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Save and load a network: one .npz that holds a JSON header, the arrays, and a sha256 over both.

Bytes of array entries are little-endian. The digest covers meaning (name, nodes, arrays) and not the
notes or the compression, so that it identifies the network in every artefact made from it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any, Dict, Tuple, Union, get_args

import numpy as np

from lutforge.errors import LutforgeError, StoreError
from lutforge.multipliers import Multiplier
from lutforge.network import Network, Node
from lutforge.operations import Array, Op

FORMAT = 1
PathLike = Union[str, "os.PathLike[str]"]
_OPS = {kind.__name__: kind for kind in get_args(Op)}
_MULTIPLIERS = {kind.__name__: kind for kind in get_args(Multiplier)}


def digest(network: Network) -> str:
    """Return the sha256, 64 hexadecimal digits, of what a network means."""
    header, arrays = _dismantle(network)
    return _digest(header, arrays)


def save(network: Network, path: PathLike) -> str:
    """Write a network file and return its digest. An interrupted save leaves an older file whole."""
    header, arrays = _dismantle(network)
    value = _digest(header, arrays)
    document = {"format": FORMAT, "sha256": value, "network": header, "about": dict(network.about)}
    entry = np.frombuffer(json.dumps(document, sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, header=entry, **arrays)
    write_atomically(path, buffer.getvalue())
    return value


def load(path: PathLike) -> Network:
    """Read a network file; StoreError if it is truncated, altered, newer or something else."""
    document, arrays = _read(Path(path))
    found = document.get("format")
    if type(found) is not int or not 1 <= found <= FORMAT:
        raise StoreError(
            f"{path}: file format {found}; this lutforge reads up to {FORMAT}. Update lutforge, or export again"
        )
    try:
        header = document["network"]
        if _digest(header, arrays) != document["sha256"]:
            raise StoreError(
                f"{path}: the content does not match its sha256 {str(document['sha256'])[:12]}...; "
                "the file was altered or damaged. Export it again"
            )
        nodes = tuple(_assemble(entry, arrays) for entry in header["nodes"])
        return Network(header["name"], nodes, dict(document.get("about", {})))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{path}: not a lutforge network ({type(error).__name__}: {error})") from error


def write_atomically(path: PathLike, data: bytes) -> None:
    """Write aside, flush to the disk, then rename: a reader sees the old file or the new one, never a part."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, target)
    except BaseException:
        os.unlink(aside)
        raise


def _dismantle(network: Network) -> Tuple[Dict[str, Any], Dict[str, Array]]:
    arrays: Dict[str, Array] = {}
    nodes = []
    for node in network.nodes:
        values: Dict[str, Any] = {}
        for item in fields(node.op):
            value = getattr(node.op, item.name)
            if item.metadata.get("later") and value == item.default:
                continue
            if isinstance(value, np.ndarray):
                key = f"{node.name}.{item.name}"
                arrays[key] = value.astype(value.dtype.newbyteorder("<"))
                values[item.name] = {"array": key}
            elif type(value).__name__ in _MULTIPLIERS:
                parts = {part.name: getattr(value, part.name) for part in fields(value)}
                values[item.name] = {"multiplier": type(value).__name__, **parts}
            else:
                values[item.name] = list(value) if isinstance(value, tuple) else value
        nodes.append({"name": node.name, "op": type(node.op).__name__, "inputs": list(node.inputs), "fields": values})
    return {"name": network.name, "nodes": nodes}, arrays


def _assemble(entry: Dict[str, Any], arrays: Dict[str, Array]) -> Node:
    kind = _OPS.get(entry["op"])
    if kind is None:
        raise StoreError(f"unknown operation {entry['op']!r} in node {entry['name']}; known: {', '.join(_OPS)}")
    values: Dict[str, Any] = {}
    for name, value in entry["fields"].items():
        if isinstance(value, dict) and "array" in value:
            values[name] = arrays[value["array"]]
        elif isinstance(value, dict):
            parts = dict(value)
            values[name] = _MULTIPLIERS[parts.pop("multiplier")](**parts)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return Node(entry["name"], kind(**values), tuple(entry["inputs"]))


def _digest(header: Dict[str, Any], arrays: Dict[str, Array]) -> str:
    state = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        state.update(f"{key}:{array.dtype.str}:{array.shape};".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def _read(path: Path) -> Tuple[Dict[str, Any], Dict[str, Array]]:
    if not path.is_file():
        raise StoreError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        document = json.loads(arrays.pop("header").tobytes())
    except LutforgeError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise StoreError(
            f"{path}: cannot be read as a network file ({type(error).__name__}: {error}); it is truncated, "
            "damaged or something else. Export it again"
        ) from error
    except Exception as error:  # zlib.error is not importable everywhere numpy reads npz
        raise StoreError(f"{path}: damaged ({type(error).__name__}: {error}). Export it again") from error
    if not isinstance(document, dict):
        raise StoreError(f"{path}: not a lutforge network")
    return document, arrays
