# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""NSL-KDD: what words and numbers become, and what is said of files that are missing or damaged."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from lutforge.errors import DataError
from lutforge.training.data import load_dataset
from lutforge.training.nsl_kdd import FILES, read_nsl_kdd
from lutforge.training.recipe import follow, recipe_named

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"


def row(protocol="tcp", service="http", flag="SF", size="0", rate="0.00", attack="normal"):
    fields = ["0", protocol, service, flag, size, *["0"] * 35, rate, attack, "21"]
    assert len(fields) == 43
    return ",".join(fields)


TRAIN = [
    row("udp", size="10", rate="0.50"),
    row("tcp", "smtp", size="20", attack="neptune"),
    row("tcp", size="1000000", rate="1.00"),
    row("icmp", flag="S0", size="20", attack="smurf"),
]
TEST = [row("icmp", "new", size="15", rate="0.75"), row("udp", "smtp", size="2000000", attack="worm")]
NAMES = ["icmp", "tcp", "udp", "http", "smtp", "S0", "SF"]


def write(folder, train=TRAIN, test=TEST, packed=True):
    folder.mkdir(exist_ok=True)
    for name, rows in zip(FILES, (train, test), strict=True):
        text = "".join(f"{line}\n" for line in rows).encode()
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text))
        else:
            (folder / name).write_bytes(text)
    return folder


@pytest.mark.parametrize("packed", [True, False])
def test_features_and_labels(tmp_path, packed):
    (train, train_labels), (test, test_labels) = read_nsl_kdd(write(tmp_path / "nsl_kdd", packed=packed))
    assert train.shape == (4, 38 + len(NAMES)) and test.shape == (2, 45) and train.dtype == test.dtype == np.uint8
    assert train_labels.tolist() == [0, 1, 0, 1] and test_labels.tolist() == [0, 1]
    words = [[name for name, value in zip(NAMES, line[1:8], strict=True) if value == 255] for line in (*train, *test)]
    assert words == [
        ["udp", "http", "SF"],
        ["tcp", "smtp", "SF"],
        ["tcp", "http", "SF"],
        ["icmp", "http", "S0"],
        ["icmp", "SF"],  # its service is not in the training file
        ["udp", "smtp", "SF"],
    ]
    assert set(np.unique(train[:, 1:8])) == {0, 255}
    sizes, rates = 8, -1  # cut points 10 and 20; 0 and 0.5
    assert train[:, sizes].tolist() == [0, 127, 255, 127] and test[:, sizes].tolist() == [127, 255]
    assert train[:, rates].tolist() == [127, 0, 255, 0] and test[:, rates].tolist() == [255, 0]
    assert not train[:, [0, *range(9, 44)]].any(), "features of one value tell nothing"


def test_many_values_are_spread_over_8_bits(tmp_path):
    order = np.random.default_rng(0).permutation(2_000)
    folder = write(tmp_path / "nsl_kdd", [row(size=str(size)) for size in order])
    codes = read_nsl_kdd(folder)[0][0][:, 4]  # behind one word of each kind
    assert codes.min() == 0 and codes.max() == 255 and np.bincount(codes, minlength=256).max() <= 9
    assert (np.diff(codes[np.argsort(order)].astype(int)) >= 0).all()


def test_data_set_and_recipe(tmp_path):
    draw = np.random.default_rng(1)

    def rows(count):
        return [
            row(size=str(size), rate=f"{draw.random():.2f}", attack="neptune" if size > 500 else "normal")
            for size in draw.integers(0, 1_000, count)
        ]

    write(tmp_path / "nsl_kdd", rows(1_000), rows(200))
    data = load_dataset("nsl_kdd", tmp_path)
    assert data.train_images.shape == (800, 1, 41, 1) and len(data.validation_images) == 200 == len(data.test_images)
    assert data.label == "NSL-KDD" and data.classes == 2 and (data.low, data.high) == (0, 255)
    trained = follow(recipe_named("lut_classifier_nslkdd"), tmp_path)
    assert trained.report.frozen_accuracy > 0.9 and trained.report.differing == 0


def test_missing_files(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"neither KDDTrain\+_20Percent\.txt nor .*\.gz in .*nsl_kdd\. Get NSL-KDD"):
        load_dataset("nsl_kdd", tmp_path)
    (write(tmp_path / "nsl_kdd") / f"{FILES[1]}.gz").unlink()
    with pytest.raises(DataError, match=r"neither KDDTest\+\.txt nor KDDTest\+\.txt\.gz"):
        load_dataset("nsl_kdd", tmp_path)
    monkeypatch.delenv("LUTFORGE_DATA", raising=False)
    with pytest.raises(DataError, match=r"nsl_kdd: no data folder given"):
        load_dataset("nsl_kdd")


@pytest.mark.parametrize(
    ("train", "text"),
    [
        ([TRAIN[0], TRAIN[1][:-40]], r"20Percent\.txt\.gz, line 2: \d+ fields; 41 features, the name of the attack"),
        ([TRAIN[0], row(size="many")], r"20Percent\.txt: field 5 holds no number \(.*many.*Copy the file again"),
        ([TRAIN[0], row(rate="nan")], r"20Percent\.txt: field 41 holds a value that is not finite"),
        ([], r"20Percent\.txt\.gz: it holds no rows"),
    ],
)
def test_rows_that_make_no_sense(tmp_path, train, text):
    write(tmp_path / "nsl_kdd", train)
    with pytest.raises(DataError, match=text):
        load_dataset("nsl_kdd", tmp_path)


def test_damaged_files(tmp_path):
    path = write(tmp_path / "nsl_kdd") / f"{FILES[0]}.gz"
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(DataError, match=r"20Percent\.txt\.gz: damaged \(EOFError.*Copy it again"):
        load_dataset("nsl_kdd", tmp_path)
    path.write_bytes(gzip.compress(b"\xff\xfe" * 50))
    with pytest.raises(DataError, match=r"20Percent\.txt\.gz: damaged \(UnicodeDecodeError"):
        load_dataset("nsl_kdd", tmp_path)


def test_real_files():
    folder = Path(os.environ.get("LUTFORGE_DATA") or SHARED)
    if not (folder / "nsl_kdd").is_dir():
        pytest.skip("no NSL-KDD files: set LUTFORGE_DATA")
    data = load_dataset("nsl_kdd", folder)
    assert [len(part) for part in (data.train_images, data.validation_images, data.test_images)] == [20154, 5038, 22544]
    assert int((data.train_labels == 0).sum() + (data.validation_labels == 0).sum()) == 13_449
    assert int((data.test_labels == 0).sum()) == 9_711
    assert data.train_images.shape[1:] == (1, 118, 1)
