# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated device with the simulated Verilog behind its registers: answers, edges, and the cycles it counts."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from lutforge import reference
from lutforge.errors import DeviceError, OverlayError, ToolError
from lutforge.hls.rtlsim import compile_rtl
from lutforge.hls.verilator import find_verilator
from lutforge.host import Accelerator
from lutforge.manifest import MANIFEST, load_manifest, to_json

sys.path.insert(0, str(Path(__file__).parents[1] / "hls"))
from mirror_network import mirror_network, mirror_overlay


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    try:
        find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    folder = mirror_overlay(tmp_path_factory.mktemp("rtl") / "overlay")
    compile_rtl(folder, quick=True)
    return folder


def images_of(count):
    return np.random.default_rng(5).integers(0, 256, (count, 16))


def test_device_equals_reference_edge_by_edge(overlay):
    network, images = mirror_network(), images_of(40)
    with Accelerator.open(overlay, device="emulated", kernel="rtl") as accelerator:
        result = accelerator.predict(images, batch=16)
        assert result.executor == "emulated: rtl" and accelerator.name == "device (emulated: rtl)"
        assert np.array_equal(result.logits, reference.run(network, images))
        assert accelerator.verify(images).equal
        traced, golden = accelerator.trace(images), reference.trace(network, images)
        assert list(traced) == ["x", "mirror"]
        assert all(np.array_equal(traced[name], golden[name]) for name in traced)


def test_results_tell_the_cycles_of_the_largest_batch(overlay):
    with Accelerator.open(overlay, device="emulated", kernel="rtl") as accelerator:
        measured = accelerator.predict(images_of(40), batch=25).performance
        assert (measured.images, measured.interval_cycles, measured.latency_cycles) == (25, 32.0, 43)
        assert measured.predicted_fps == 100e6 / 32
        text = str(accelerator.throughput(images_of(10), repeats=1))
        assert text.startswith("emulated: rtl: measured") and "that is the speed of this computer" in text
        assert (
            "Verilog: measured by verilator on 10 images: 32.0 cycles per image" in text and "not timing-closed" in text
        )
    with Accelerator.open(overlay, device="emulated", kernel="reference") as accelerator:
        assert accelerator.predict(images_of(3)).performance is None
        assert "Verilog" not in str(accelerator.throughput(images_of(3), repeats=1))


def test_without_a_simulation(overlay, tmp_path):
    folder = mirror_overlay(tmp_path / "overlay")
    with pytest.raises(OverlayError, match=r"sim_verilator: no such file; `lutforge rtl` compiles the RTL simulation"):
        Accelerator.open(folder, device="emulated", kernel="rtl")


def test_a_fault_of_the_design_is_an_error_of_the_batch(overlay):
    """mirror_top.v sends TLAST too early when it is started for 102 images."""
    with Accelerator.open(overlay, device="emulated", kernel="rtl") as accelerator:
        with pytest.raises(
            DeviceError, match=r"RTL simulation \(verilator\) of mirror_net: cycle \d+: TLAST came too early"
        ):
            accelerator.predict(images_of(102))
        assert accelerator.verify(images_of(5)).equal


def test_a_flipped_bit_of_the_verilog_is_named(tmp_path, overlay):
    folder = mirror_overlay(tmp_path / "flipped")
    top = folder / "rtl" / "lutforge_top.v"
    top.write_text(top.read_text().replace("wire [8:0] sum = {1'b0", "wire [8:0] sum = 9'd4 ^ {1'b0"))
    compile_rtl(folder, quick=True)
    with Accelerator.open(folder, device="emulated", kernel="rtl") as accelerator:
        found = accelerator.verify(images_of(6))
    assert found.differing == 6 and (found.first.node, found.first.element) == ("mirror", (0,))
    assert found.first.left_value ^ found.first.right_value == 4
    other = dataclasses.replace(load_manifest(folder), network_sha256="0" * 64)
    (folder / MANIFEST).write_text(to_json(other))
    with pytest.raises(OverlayError, match=r"made from network 0{64}, but network.npz is network"):
        Accelerator.open(folder, device="emulated", kernel="rtl")
