# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""NSL-KDD, rows of a table about network connections, as 8-bit features; the label says whether it is an attack.

Tavallaee et al., "A detailed analysis of the KDD CUP 99 data set", 2009. Every word (protocol, service, flag) that
the training file holds becomes a feature of 0 or 255, so that `x > 127` asks for it; every number becomes how many of
at most 255 cut points, quantiles of the training file, it exceeds, spread over 0..255.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path
from typing import Any, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.errors import DataError

FILES = ("KDDTrain+_20Percent.txt", "KDDTest+.txt")
FEATURES = 41
WORDS = (1, 2, 3)
"""Columns of words; the others are numbers, but for the name of the attack (41) and its difficulty (42)."""

NORMAL = "normal"
HIGHEST = 255

Part = Tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


def read_nsl_kdd(folder: Path) -> Tuple[Part, Part]:
    """Return (features, labels) of the training and the test file, as they are or packed (.gz).

    features: uint8 [n, features]; labels: int64 [n], 0 normal, 1 attack.
    """
    train, test = (_rows(folder, name) for name in FILES)
    columns = [
        _word(train, test, column) if column in WORDS else _number(train, test, column) for column in range(FEATURES)
    ]
    features = [np.concatenate([column[part] for column in columns], axis=1) for part in (0, 1)]
    labels = [np.array([row[FEATURES] != NORMAL for row in rows], dtype=np.int64) for rows in (train, test)]
    return (features[0], labels[0]), (features[1], labels[1])


def _rows(folder: Path, name: str) -> List[List[str]]:
    text, path = _text(folder, name)
    rows = list(csv.reader(text.splitlines()))
    for line, row in enumerate(rows, start=1):
        if len(row) != FEATURES + 2:
            raise DataError(
                f"{path}, line {line}: {len(row)} fields; {FEATURES} features, the name of the attack and its "
                "difficulty are wanted. Copy the file again"
            )
    if not rows:
        raise DataError(f"{path}: it holds no rows. Copy the file again")
    return rows


def _text(folder: Path, name: str) -> Tuple[str, Path]:
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
    if path is None:
        raise DataError(
            f"data set nsl_kdd: neither {name} nor {name}.gz in {folder}. Get NSL-KDD from the University of New "
            "Brunswick and give the folder above nsl_kdd by --data DIR or LUTFORGE_DATA"
        )
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("ascii"), path
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: damaged ({type(error).__name__}: {error}). Copy it again") from error


def _word(train: List[List[str]], test: List[List[str]], column: int) -> List[npt.NDArray[np.uint8]]:
    """Return for each part uint8 [n, words], 255 where a row has the word; a word new in the test file is none."""
    words = np.array(sorted({row[column] for row in train}))
    return [
        np.where(np.array([row[column] for row in rows])[:, None] == words, HIGHEST, 0).astype(np.uint8)
        for rows in (train, test)
    ]


def _number(train: List[List[str]], test: List[List[str]], column: int) -> List[npt.NDArray[np.uint8]]:
    """Return for each part uint8 [n, 1]."""
    parts = [_floats(rows, name, column) for rows, name in zip((train, test), FILES, strict=True)]
    places = np.arange(1, HIGHEST + 1) / (HIGHEST + 1)
    cuts = np.unique(np.quantile(parts[0], places, method="lower"))
    cuts = cuts[cuts < parts[0].max()]
    return [
        (np.searchsorted(cuts, values, side="left") * HIGHEST // max(1, len(cuts))).astype(np.uint8)[:, None]
        for values in parts
    ]


def _floats(rows: List[List[str]], name: str, column: int) -> npt.NDArray[Any]:
    try:
        values = np.array([row[column] for row in rows]).astype(np.float64)
    except ValueError as error:
        raise DataError(f"{name}: field {column + 1} holds no number ({error}). Copy the file again") from error
    if not np.isfinite(values).all():
        raise DataError(f"{name}: field {column + 1} holds a value that is not finite. Copy the file again")
    return values
