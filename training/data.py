# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets as integer images, each split into training, validation and test; nothing is ever downloaded.

The validation set is a seeded part of the training set: epochs and settings are chosen on it, never on the
test set.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import DataError
from lutforge.store import write_atomically
from lutforge.training.nsl_kdd import read_nsl_kdd

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Part = Tuple[Images, Labels]

SPLIT_SEED = 2026
IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
CIFAR10_JPEG = "cifar10/cifar10_jpeg_q75_original_order.npz"


@dataclass(frozen=True)
class Dataset:
    """Images and labels of one data set.

    *_images: uint8 [n, height, width, channels], values low..high; *_labels: int64 [n]. Rows of a table are images
    of height 1 with one channel.
    label: the name to print, which says if the pixels are not the original ones.
    """

    name: str
    label: str
    train_images: Images
    train_labels: Labels
    validation_images: Images
    validation_labels: Labels
    test_images: Images
    test_labels: Labels
    low: int
    high: int

    @property
    def shape(self) -> Tuple[int, int, int]:
        """Height, width and channels of an image."""
        height, width, channels = self.train_images.shape[1:]
        return height, width, channels

    @cached_property
    def digest(self) -> str:
        """Sha256 of what a network is trained on."""
        parts = (self.train_images, self.train_labels, self.validation_images, self.validation_labels)
        return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.train_labels.max()) + 1


def load_dataset(name: str, data: Optional[Path] = None) -> Dataset:
    """Return a data set by name: digits, mnist, fashion_mnist, cifar10, cifar10_jpeg, svhn or nsl_kdd.

    data: folder that holds the files, else the environment variable LUTFORGE_DATA; digits needs none.
    """
    if name not in _LOADERS:
        raise DataError(f"data set {name!r} is unknown; use one of {', '.join(_LOADERS)}")
    return _LOADERS[name](data)


def _digits(data: Optional[Path]) -> Dataset:
    """scikit-learn's 1,797 handwritten digits, 8 x 8, values 0..16: 60 % training, 15 % validation, 25 % test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = bunch.images.astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images))
    train, test = round(0.60 * len(images)), round(0.75 * len(images))
    parts = [(images[index], labels[index]) for index in np.split(order, [train, test])]
    return Dataset("digits", "scikit-learn digits", *parts[0], *parts[1], *parts[2], low=0, high=16)


def _mnist(data: Optional[Path]) -> Dataset:
    return _from_torchvision("mnist", "MNIST", "MNIST", data, validation=5_000, prepare=_unpacked_idx)


def _fashion_mnist(data: Optional[Path]) -> Dataset:
    return _from_torchvision(
        "fashion_mnist", "Fashion-MNIST", "FashionMNIST", data, validation=5_000, prepare=_unpacked_idx
    )


def _cifar10(data: Optional[Path]) -> Dataset:
    return _from_torchvision("cifar10", "CIFAR-10", "CIFAR10", data, validation=5_000, prepare=_cifar10_folder)


def _cifar10_jpeg(data: Optional[Path]) -> Dataset:
    """CIFAR-10 from lossy JPEG copies of its images (quality 75, 4:2:0), in the original order."""
    path = _folder("cifar10_jpeg", data) / CIFAR10_JPEG
    if not path.is_file():
        raise DataError(
            f"data set cifar10_jpeg: no file {path}. It is an .npz of jpeg_train, offsets_train, y_train, "
            "jpeg_test, offsets_test and y_test; give the folder above it by --data DIR or LUTFORGE_DATA"
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            parts = [
                (_decoded(archive[f"jpeg_{part}"], archive[f"offsets_{part}"]), archive[f"y_{part}"].astype(np.int64))
                for part in ("train", "test")
            ]
    except Exception as error:  # zip, zlib, numpy and PIL each raise their own on a damaged file
        raise DataError(f"{path}: damaged ({type(error).__name__}: {error}). Copy it again") from error
    return _split("cifar10_jpeg", "CIFAR-10 (JPEG q75 copy)", parts[0], parts[1], validation=5_000)


def _svhn(data: Optional[Path]) -> Dataset:
    return _from_torchvision("svhn", "SVHN", "SVHN", data, validation=5_000, prepare=_svhn_files)


def _nsl_kdd(data: Optional[Path]) -> Dataset:
    """Network connections, normal (0) or attack (1), from the training file of 20 % and the test file."""
    parts = read_nsl_kdd(_folder("nsl_kdd", data) / "nsl_kdd")
    train, test = ((features[:, None, :, None], labels) for features, labels in parts)
    return _split("nsl_kdd", "NSL-KDD", train, test, validation=len(train[0]) // 5)


def _decoded(stream: Images, offsets: npt.NDArray[Any]) -> Images:
    """Decode concatenated JPEG files. stream: uint8 [bytes]; offsets: [n] starts or [n + 1] with the end."""
    from PIL import Image

    raw = stream.tobytes()
    ends = [int(offset) for offset in offsets]
    if ends[-1] != len(raw):
        ends.append(len(raw))
    pieces = (raw[start:end] for start, end in pairwise(ends))
    return np.stack([np.asarray(Image.open(io.BytesIO(piece)).convert("RGB")) for piece in pieces])


def _from_torchvision(
    name: str, label: str, kind: str, data: Optional[Path], validation: int, prepare: Callable[[str, str, Path], Path]
) -> Dataset:
    from lutforge.training.torchvision_import import torchvision

    root = prepare(name, kind, _folder(name, data))
    reader = getattr(torchvision().datasets, kind)
    try:
        pairs = [_part(reader, str(root), part) for part in ("train", "test")]
    except Exception as error:  # torchvision raises RuntimeError, ValueError, AssertionError and others
        raise DataError(
            f"data set {name}: the files under {root} cannot be read ({type(error).__name__}: {error}). "
            f"Remove them and get them again: {_how_to_get(kind)}"
        ) from error
    return _split(name, label, pairs[0], pairs[1], validation)


def _part(reader: Any, root: str, name: str) -> Part:
    """Return uint8 [n, height, width, channels] and labels of what torchvision holds, which differs by data set."""
    if reader.__name__ == "SVHN":
        held = reader(root, split=name, download=False)
        return np.ascontiguousarray(held.data.transpose(0, 2, 3, 1)), np.asarray(held.labels, dtype=np.int64)
    held = reader(root, train=name == "train", download=False)
    array = np.asarray(held.data)
    return array[..., None] if array.ndim == 3 else array, np.asarray(held.targets, dtype=np.int64)


def _split(name: str, label: str, train: Part, test: Part, validation: int) -> Dataset:
    order = np.random.default_rng(SPLIT_SEED).permutation(len(train[0]))
    held, kept = order[:validation], order[validation:]
    images, labels = train
    return Dataset(name, label, images[kept], labels[kept], images[held], labels[held], *test, low=0, high=255)


def _folder(name: str, data: Optional[Path]) -> Path:
    chosen = data or os.environ.get("LUTFORGE_DATA")
    if not chosen:
        raise DataError(
            f"data set {name}: no data folder given. Name it by --data DIR or the environment variable "
            "LUTFORGE_DATA, or use the embedded data set digits, which needs none"
        )
    return Path(chosen).expanduser()


def _how_to_get(kind: str) -> str:
    calls = [f"{kind}('DIR', download=True)"]
    if kind == "SVHN":
        calls = [f"SVHN('DIR', split='{part}', download=True)" for part in ("train", "test")]
    return f'python -c "from torchvision.datasets import {kind}; {"; ".join(calls)}", then --data DIR'


def _svhn_files(name: str, kind: str, root: Path) -> Path:
    for part in ("train", "test"):
        if not (root / f"{part}_32x32.mat").is_file():
            raise DataError(f"data set {name}: no file {root / part}_32x32.mat. Get it with {_how_to_get(kind)}")
    return root


def _cifar10_folder(name: str, kind: str, root: Path) -> Path:
    folder = root / "cifar-10-batches-py"
    if not folder.is_dir():
        raise DataError(f"data set {name}: no folder {folder}. Get it with {_how_to_get(kind)}")
    return root


def _unpacked_idx(name: str, kind: str, root: Path) -> Path:
    """Return a root with uncompressed idx files, as torchvision wants them; .gz files are unpacked into a cache."""
    raw = root / kind / "raw"
    missing = [file for file in IDX_FILES if not (raw / file).is_file()]
    if not missing:
        return root
    for file in missing:
        if not (raw / f"{file}.gz").is_file():
            raise DataError(
                f"data set {name}: neither {file} nor {file}.gz in {raw}. Get the files with {_how_to_get(kind)}"
            )
    cache = _cache(raw) / kind / "raw"
    for file in IDX_FILES:
        _unpack(raw, file, cache)
    return cache.parent.parent


def _unpack(raw: Path, file: str, cache: Path) -> None:
    if os.path.isfile(cache / file):  # Path.is_file() raises in a folder that may not be read
        return
    content = _plain(raw, file)
    try:
        write_atomically(cache / file, content)
    except OSError as error:
        raise DataError(
            f"{raw / file}.gz: cannot be unpacked into the cache {cache} ({type(error).__name__}: {error}). Set "
            f"XDG_CACHE_HOME to a folder that can be written, or unpack the .gz files in {raw}"
        ) from error


def _plain(raw: Path, file: str) -> bytes:
    if (raw / file).is_file():
        return (raw / file).read_bytes()
    try:
        return gzip.decompress((raw / f"{file}.gz").read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{raw / file}.gz: damaged ({type(error).__name__}: {error}). Copy it again") from error


def _cache(raw: Path) -> Path:
    """A folder under the user's cache that changes when the files do."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    stamp = hashlib.sha256(str(raw.resolve()).encode())
    for file in sorted(raw.iterdir()):
        status = file.stat()
        stamp.update(f"{file.name}:{status.st_size}:{status.st_mtime_ns};".encode())
    return base / "lutforge" / "idx" / stamp.hexdigest()[:16]


_LOADERS: Dict[str, Callable[[Optional[Path]], Dataset]] = {
    "digits": _digits,
    "mnist": _mnist,
    "fashion_mnist": _fashion_mnist,
    "cifar10": _cifar10,
    "cifar10_jpeg": _cifar10_jpeg,
    "svhn": _svhn,
    "nsl_kdd": _nsl_kdd,
}
