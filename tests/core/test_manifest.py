# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""manifest.json: it comes back as it was, and a missing, newer or damaged one is refused."""

from __future__ import annotations

import json
import re

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
    files=("overlay.hwh", "src/lutforge_top.cpp"),
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


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("format", 0, "an integer 1..1"),
        ("format", True, "an integer 1..1"),
        ("format", "1", "an integer 1..1"),
        ("name", None, "a text"),
        ("network_sha256", 7, "a text"),
        ("board", "", "a text"),
        ("processing_system", ["ps"], "a text"),
        ("arch", 7, "a text"),
        ("lutforge", 0.1, "a text"),
        ("beat_bits", 63, "32, 64 or 128"),
        ("beat_bits", 64.0, "32, 64 or 128"),
        ("clock_mhz", 0, "a number above 0, up to 10000,"),
        ("clock_mhz", True, "a number above 0, up to 10000,"),
        ("clock_mhz", float("inf"), "a number above 0, up to 10000,"),
        ("clock_mhz", float("nan"), "a number above 0, up to 10000,"),
        ("dma_length_bits", 7, "an integer 8..26"),
        ("dma_length_bits", 27, "an integer 8..26"),
        ("classes", "10", "an integer of at least 1"),
        ("classes", 0, "an integer of at least 1"),
        ("classes", True, "an integer of at least 1"),
        ("output", 7, "one of logits, class, both"),
        ("output", ["logits"], "one of logits, class, both"),
        ("interval_cycles", -1, "an integer of at least 1"),
        ("interval_cycles", 1.5, "an integer of at least 1"),
        ("emulated", 1, "true or false"),
        ("files", "overlay.bit", "a list of texts"),
        ("files", [1], "a list of texts"),
        ("input.shape", [], "a list of integers of at least 1"),
        ("input.shape", [8, "8"], "a list of integers of at least 1"),
        ("input.low", False, "an integer"),
        ("input.high", 16.0, "an integer"),
        ("trace.name", 3, "a text"),
        ("trace.shape", [0], "a list of integers of at least 1"),
    ],
)
def test_a_value_of_wrong_type_or_range_is_named(tmp_path, key, value, wanted):
    document = json.loads(to_json(EXAMPLE))
    section, _, inner = key.partition(".")
    place = {"input": document["input"], "trace": document["trace"][1]}.get(section, document)
    place[inner or key] = value
    (tmp_path / MANIFEST).write_text(json.dumps(document))
    text = f"manifest.json: {key} is {value!r}, but {wanted} is wanted; generate the overlay again"
    with pytest.raises(OverlayError, match=re.escape(text)):
        load_manifest(tmp_path)


@pytest.mark.parametrize(("low", "high"), [(5, 4), (0, 1 << 64)])
def test_an_input_that_fits_no_beat_is_refused(tmp_path, low, high):
    document = json.loads(to_json(EXAMPLE))
    document["input"].update(low=low, high=high)
    (tmp_path / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(OverlayError, match=rf"input is {low}..{high}, but a range that fits 64 bits is wanted; gen"):
        load_manifest(tmp_path)


def test_a_manifest_without_files_is_read(tmp_path):
    """Overlays made before the field was added have none."""
    document = json.loads(to_json(EXAMPLE))
    del document["files"]
    (tmp_path / MANIFEST).write_text(json.dumps(document))
    assert load_manifest(tmp_path).files == ()


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_text_that_is_no_manifest_is_refused(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(OverlayError, match="cannot be read"):
        load_manifest(tmp_path)
