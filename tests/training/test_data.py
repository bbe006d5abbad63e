# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets: shapes, splits, where files are looked for, and what is said when they are not there."""

from __future__ import annotations

import gzip
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lutforge.errors import DataError
from lutforge.training.data import CIFAR10_JPEG, IDX_FILES, load_dataset
from lutforge.training.torchvision_import import torchvision

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
TRAIN, TEST = 5_003, 4


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def idx_contents():
    numbers = np.random.default_rng(1)
    images = [numbers.integers(0, 256, (count, 28, 28), dtype=np.uint8) for count in (TRAIN, TEST)]
    labels = [numbers.integers(0, 10, count, dtype=np.uint8) for count in (TRAIN, TEST)]
    return dict(zip(IDX_FILES, (images[0], labels[0], images[1], labels[1]), strict=True))


def write_idx(root, kind, packed):
    folder = root / kind / "raw"
    folder.mkdir(parents=True)
    for name, array in idx_contents().items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array), 0, mtime=0))
        else:
            (folder / name).write_bytes(idx(array))
    return folder


def test_digits():
    data = load_dataset("digits")
    parts = (data.train_images, data.validation_images, data.test_images)
    assert [len(part) for part in parts] == [1078, 270, 449]
    assert data.shape == (8, 8, 1) and data.classes == 10 and (data.low, data.high) == (0, 16)
    assert data.train_images.dtype == np.uint8 and data.train_labels.dtype == np.int64
    assert data.train_images.min() == 0 and data.train_images.max() == 16


def test_digits_parts_are_disjoint_and_complete():
    from sklearn.datasets import load_digits

    data = load_dataset("digits")
    got = np.concatenate([data.train_images, data.validation_images, data.test_images]).reshape(1797, 64)
    labels = np.concatenate([data.train_labels, data.validation_labels, data.test_labels])
    bunch = load_digits()
    both = [
        sorted((tuple(image), int(label)) for image, label in zip(images.astype(int).tolist(), answers, strict=True))
        for images, answers in ((got, labels), (bunch.data, bunch.target))
    ]
    assert both[0] == both[1]


@pytest.mark.parametrize(("name", "kind"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_packed_or_not(tmp_path, name, kind, packed):
    write_idx(tmp_path, kind, packed)
    data = load_dataset(name, tmp_path)
    assert data.train_images.shape == (TRAIN - 5_000, 28, 28, 1) and data.validation_images.shape[0] == 5_000
    assert np.array_equal(data.test_images[..., 0], idx_contents()[IDX_FILES[2]])
    assert np.array_equal(data.test_labels, idx_contents()[IDX_FILES[3]])
    everything = np.concatenate([data.train_images, data.validation_images])
    assert everything.astype(int).sum() == idx_contents()[IDX_FILES[0]].astype(int).sum()


def test_unpacked_copy_follows_its_source(tmp_path):
    folder = write_idx(tmp_path, "MNIST", packed=True)
    load_dataset("mnist", tmp_path)
    answers = np.full(TEST, 7, dtype=np.uint8)
    size = (folder / f"{IDX_FILES[3]}.gz").stat().st_size
    (folder / f"{IDX_FILES[3]}.gz").write_bytes(gzip.compress(idx(answers), 0, mtime=0))
    os.utime(folder / f"{IDX_FILES[3]}.gz", ns=(1, 1))
    assert (folder / f"{IDX_FILES[3]}.gz").stat().st_size == size, "only the time tells the two apart"
    assert load_dataset("mnist", tmp_path).test_labels.tolist() == [7] * TEST


def test_cache_that_cannot_be_written(tmp_path, monkeypatch):
    write_idx(tmp_path, "MNIST", packed=True)
    (tmp_path / "file").write_text("no folder")  # not even the superuser makes a folder inside a file
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    text = r"idx3-ubyte\.gz: cannot be unpacked into the cache .*file/lutforge.*Set XDG_CACHE_HOME to a folder that can"
    with pytest.raises(DataError, match=text):
        load_dataset("mnist", tmp_path)


def test_folder_from_the_environment(tmp_path, monkeypatch):
    write_idx(tmp_path, "MNIST", packed=False)
    monkeypatch.setenv("LUTFORGE_DATA", str(tmp_path))
    assert len(load_dataset("mnist").test_images) == TEST


def test_jpeg_copy(tmp_path):
    pictures = []
    for level in (40, 200):
        buffer = io.BytesIO()
        Image.fromarray(np.full((32, 32, 3), level, dtype=np.uint8)).save(buffer, "JPEG", quality=75)
        pictures.append(buffer.getvalue())
    train = [pictures[0]] * 5_001
    test = [pictures[1], pictures[0]]
    path = tmp_path / CIFAR10_JPEG
    path.parent.mkdir()
    arrays = {}
    for part, files in (("train", train), ("test", test)):
        arrays[f"jpeg_{part}"] = np.frombuffer(b"".join(files), dtype=np.uint8)
        arrays[f"offsets_{part}"] = np.cumsum([0, *map(len, files)]).astype(np.uint32)
        arrays[f"y_{part}"] = np.arange(len(files)).astype(np.uint8) % 10
    np.savez(path, **arrays)
    data = load_dataset("cifar10_jpeg", tmp_path)
    assert data.label == "CIFAR-10 (JPEG q75 copy)"
    assert data.shape == (32, 32, 3) and len(data.train_images) == 1 and len(data.validation_images) == 5_000
    assert data.test_images[0].min() == data.test_images[0].max() == 200 and data.test_images[1].max() == 40
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(DataError, match=r"q75_original_order\.npz: damaged \(.*Copy it again"):
        load_dataset("cifar10_jpeg", tmp_path)


def test_svhn(tmp_path, monkeypatch):
    from scipy.io import savemat

    rng = np.random.default_rng(4)
    images = {"train": rng.integers(0, 256, (5_040, 32, 32, 3), dtype=np.uint8)}
    images["test"] = rng.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    labels = {part: 1 + np.arange(len(held)) % 10 for part, held in images.items()}  # the files write 10 for zero
    with pytest.raises(
        DataError, match=r"svhn: no file .*train_32x32\.mat\. Get it with .*split='test', download=True"
    ):
        load_dataset("svhn", tmp_path)
    for part, held in images.items():
        savemat(tmp_path / f"{part}_32x32.mat", {"X": held.transpose(1, 2, 3, 0), "y": labels[part][:, None]})
    with pytest.raises(DataError, match=r"svhn: the files under .* cannot be read \(RuntimeError: .*corrupted"):
        load_dataset("svhn", tmp_path)  # torchvision knows the sums of the real files
    monkeypatch.setattr(torchvision().datasets.SVHN, "_check_integrity", lambda self: True)
    data = load_dataset("svhn", tmp_path)
    assert (data.shape, data.classes, len(data.train_images)) == ((32, 32, 3), 10, 40)
    assert np.array_equal(data.test_images, images["test"])
    assert data.test_labels.tolist() == [*range(1, 10), 0, 1, 2]


def test_no_folder_given(monkeypatch):
    monkeypatch.delenv("LUTFORGE_DATA", raising=False)
    with pytest.raises(DataError, match=r"mnist: no data folder given.*--data DIR.*LUTFORGE_DATA.*digits"):
        load_dataset("mnist")


def test_unknown_name():
    with pytest.raises(DataError, match=r"'minst' is unknown; use one of digits, mnist, fashion_mnist, cifar10"):
        load_dataset("minst")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mnist", r"neither train-images-idx3-ubyte nor train-images-idx3-ubyte\.gz in .*MNIST/raw.*download=True"),
        ("cifar10", r"cifar10: no folder .*cifar-10-batches-py.*download=True"),
        ("cifar10_jpeg", r"cifar10_jpeg: no file .*npz.*LUTFORGE_DATA"),
    ],
)
def test_missing_files(tmp_path, name, text):
    with pytest.raises(DataError, match=text):
        load_dataset(name, tmp_path)


def test_damaged_packed_file(tmp_path):
    path = write_idx(tmp_path, "MNIST", packed=True) / f"{IDX_FILES[0]}.gz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: damaged \(EOFError.*Copy it again"):
        load_dataset("mnist", tmp_path)


def test_damaged_plain_file(tmp_path):
    path = write_idx(tmp_path, "MNIST", packed=False) / IDX_FILES[0]
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"mnist: the files under .* cannot be read.*get them again"):
        load_dataset("mnist", tmp_path)


def test_damaged_cifar10(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(DataError, match=r"cifar10: the files under .* cannot be read \(RuntimeError"):
        load_dataset("cifar10", tmp_path)


def test_torchvision_beside_any_torch():
    package = torchvision()
    assert package is torchvision() and hasattr(package.datasets, "CIFAR10")


def test_real_mnist():
    folder = Path(os.environ.get("LUTFORGE_DATA") or SHARED)
    if not (folder / "MNIST").is_dir():
        pytest.skip("no MNIST files: set LUTFORGE_DATA")
    data = load_dataset("mnist", folder)
    assert [len(part) for part in (data.train_images, data.validation_images, data.test_images)] == [55000, 5000, 10000]
    assert data.test_labels[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    assert int(data.train_images.sum(dtype=np.int64) + data.validation_images.sum(dtype=np.int64)) == 1567298545
