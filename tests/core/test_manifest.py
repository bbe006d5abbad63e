# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""manifest.json: it comes back as it was, and a missing, newer or damaged one is refused."""

from __future__ import annotations

import json

import pytest

from lutforge.errors import OverlayError
from lutforge.manifest import MANIFEST, Manifest, TracedNode, load_manifest, to_json
from lutforge.network import TensorType
from lutforge.streams import InputStream, OutputStream

EXAMPLE = Manifest(
    name="digits",
    network_sha256="ab" * 32,
    board="pynq_z2",
    processing_system="processing_system7",
    arch="armv7l",
    beat_bits=64,
    clock_mhz=100.0,
    dma_length_bits=26,
    input=TensorType((8, 8, 1), 0, 16),
    classes=10,
    output="both",
    interval_cycles=128,
    emulated=True,
    trace=(TracedNode("fc1", (32,)), TracedNode("top", (1,))),
    lutforge="0.1.0",
)


def test_a_manifest_comes_back(tmp_path):
    (tmp_path / MANIFEST).write_text(to_json(EXAMPLE))
    assert load_manifest(tmp_path) == EXAMPLE
    assert to_json(load_manifest(str(tmp_path))) == to_json(EXAMPLE)


def test_it_gives_the_streams():
    assert EXAMPLE.input_stream == InputStream(64, 5, False, 64)
    assert EXAMPLE.output_stream == OutputStream(10, "both", 64)


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(
        OverlayError, match=r"manifest.json: no such file; `lutforge generate` writes an overlay folder"
    ):
        load_manifest(tmp_path)


def test_a_newer_manifest_is_refused(tmp_path):
    document = json.loads(to_json(EXAMPLE))
    (tmp_path / MANIFEST).write_text(json.dumps({**document, "format": 2}))
    with pytest.raises(OverlayError, match=r"manifest format 2; this lutforge reads up to 1. Update lutforge"):
        load_manifest(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("format"),
        lambda d: d.update(format="one"),
        lambda d: d.pop("classes"),
        lambda d: d.update(colour="red"),
        lambda d: d["input"].pop("low"),
        lambda d: d["trace"][0].pop("shape"),
        lambda d: d.update(trace=3),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path, change):
    document = json.loads(to_json(EXAMPLE))
    change(document)
    (tmp_path / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(OverlayError, match=r"manifest.json: cannot be read \(.*\); generate it again"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_text_that_is_no_manifest_is_refused(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(OverlayError, match="cannot be read"):
        load_manifest(tmp_path)
