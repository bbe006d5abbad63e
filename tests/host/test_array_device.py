# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The driver of the programmable array on the emulated device: networks after one another, and what can go wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lutforge import reference
from lutforge.array_geometry import Geometry
from lutforge.array_kernels import ARRAY_KERNELS, ModelKernel
from lutforge.array_manifest import is_array, load_array
from lutforge.boards import load_board
from lutforge.errors import DeviceError, DeviceTimeout, InputError, OverlayError, ScheduleError
from lutforge.hls.array_generator import generate_array, write_array
from lutforge.host import Accelerator, ArrayAccelerator
from lutforge.host.emulated import EmulatedDevice
from lutforge.manifest import BIT, HWH, MANIFEST, load_manifest

GEOMETRY = Geometry(4, 8, 8, 2, 2048, 256)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("array") / "overlay"
    write_array(root, generate_array(GEOMETRY, load_board("pynq_z2")))
    return root


@pytest.fixture
def sample(array_networks, make_images):
    """sample(seed, count) -> (network, images, the reference's logits)."""

    def make(seed, count=5):
        network = array_networks.make_array_network(np.random.default_rng(seed))
        images = make_images(network, count)
        return network, images, reference.run(network, images)

    return make


def open_fast(folder, **options):
    return ArrayAccelerator.open(folder, **{"device": "emulated", "timeout_s": 0.02, **options})


def assert_recovers(accelerator, images, wanted):
    """Nothing is left behind: no buffer, and the next run is right."""
    assert accelerator._device.memory.used_bytes == 0
    assert np.array_equal(accelerator.run(images), wanted)
    assert accelerator._device.memory.used_bytes == 0


@pytest.mark.parametrize("kernel", ["fast", "csim"])
def test_networks_after_one_another(compiled_array, sample, kernel):
    """One download, however many networks; the last run of each is not full."""
    with open_fast(compiled_array(GEOMETRY), kernel=kernel) as accelerator:
        loaded = accelerator.session.overlay
        for seed in (3, 5, 3, 8):
            network, images, wanted = sample(seed, 7)
            assert accelerator.load(network, 3).images == 3
            result = accelerator.predict(images)
            assert np.array_equal(result.logits, wanted.reshape(7, -1))
            assert np.array_equal(result.classes, wanted.reshape(7, -1).argmax(axis=1))
            assert result.executor == f"emulated: {kernel}" and result.performance is None
            verified = accelerator.verify(images)
            assert verified.equal and verified.images == 7
            assert np.array_equal(accelerator.trace(images)[network.output.name], wanted)
        assert accelerator.session.overlay is loaded
        assert accelerator.name == f"device (emulated: {kernel})" and accelerator.geometry == GEOMETRY


def test_progress_and_no_images(folder, sample):
    network, images, wanted = sample(4, 7)
    done = []
    with open_fast(folder) as accelerator:
        accelerator.load(network, 3)
        assert np.array_equal(accelerator.run(images, done.append), wanted) and done == [3, 3, 1]
        assert accelerator.run(images[:0]).shape == (0, *network.logits.shape)
        with pytest.raises(InputError, match="verify of 0 images compares nothing"):
            accelerator.verify(images[:0])


def test_before_a_network_is_loaded(folder, sample):
    _, images, _ = sample(4)
    with open_fast(folder) as accelerator, pytest.raises(DeviceError, match=r"no network is loaded .* call load\("):
        accelerator.predict(images)


def test_a_network_that_does_not_fit_leaves_the_one_before(folder, sample, make_network):
    network, images, wanted = sample(4)
    with open_fast(folder) as accelerator:
        accelerator.load(network)
        with pytest.raises(ScheduleError, match="Build an array with activation_words"):
            accelerator.load(make_network(shape=(40_000,)))
        assert_recovers(accelerator, images, wanted)


def test_a_program_longer_than_the_length_field(folder, sample):
    network, _, _ = sample(4)
    with open_fast(folder) as accelerator:
        accelerator._ready().length_limit = 255
        with pytest.raises(ScheduleError, match=r"a run of 2 images takes \d+ bytes; the DMA moves at most 255"):
            accelerator.load(network, 2)


def test_a_difference_is_named(folder, sample):
    network, images, wanted = sample(4, 5)

    class Wrong(ModelKernel):
        def stream(self, data, beats):
            answers = super().stream(data, beats).copy()
            answers[0] ^= 1
            return answers

    with ArrayAccelerator.open(folder, device=EmulatedDevice(Wrong)) as accelerator:
        accelerator.load(network, 2)
        verified = accelerator.verify(images)
    assert not verified.equal and verified.differing == 3  # the first image of each run
    assert verified.first.image == 0 and verified.first.node == network.output.name and verified.first.element == (0,)
    assert verified.first.right_value == wanted.reshape(5, -1)[0, 0]
    assert verified.first.left_value == verified.first.right_value ^ 1


def test_kernel_that_wants_more_beats_is_a_timeout(folder, sample):
    network, images, wanted = sample(4, 3)
    with open_fast(folder) as accelerator:
        program = accelerator.load(network, 3)
        beats = len(program.stream(images))
        accelerator.session.device.kernel.input_beats = 2
        with pytest.raises(DeviceTimeout) as caught:
            accelerator.run(images)
        assert f"for the answers of 3 images ({program.answer_beats} output beats)" in str(caught.value)
        assert f"the kernel took {beats} of the {2 * beats} input beats it wants" in str(caught.value)
        assert_recovers(accelerator, images, wanted)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda answers: answers[:-8], r"the answers ended after \d+ of \d+ bytes \(TLAST too early\)"),
        (lambda answers: np.concatenate([answers, answers[:8]]), "DMA error; send .*, receive .*internal error"),
    ],
    ids=["shorter", "longer"],
)
def test_answers_of_another_length(folder, sample, change, text):
    network, images, wanted = sample(4)

    class Other(ModelKernel):
        healed = False

        def stream(self, data, beats):
            answers = super().stream(data, beats)
            return answers if Other.healed else change(answers)

    with ArrayAccelerator.open(folder, device=EmulatedDevice(Other)) as accelerator:
        accelerator.load(network)
        with pytest.raises(DeviceError, match=text):
            accelerator.run(images)
        Other.healed = True
        assert_recovers(accelerator, images, wanted)


def test_no_memory_for_a_run(folder, sample):
    network, images, _ = sample(4)
    with ArrayAccelerator.open(folder, device=EmulatedDevice(memory_bytes=100)) as accelerator:
        accelerator.load(network, 2)
        with pytest.raises(
            DeviceError, match=r"no contiguous memory for one run of 2 images, \d+ bytes with the weights"
        ):
            accelerator.run(images)
        assert accelerator._device.memory.used_bytes == 0


def test_patience_grows_with_the_program(folder, sample):
    network, images, _ = sample(4)
    with open_fast(folder) as accelerator:
        program = accelerator.load(network, 2)
        accelerator.session.clock_mhz = 1e-6 * (len(program.stream(images[:2])) / 0.05)  # the beats alone take 50 ms
        accelerator.session.device.kernel.input_beats = 2
        with pytest.raises(DeviceTimeout, match=r"waited (0\.[1-9]|[1-9])"):
            accelerator.run(images)


def test_closed_and_other_overlay(folder, sample, make_network, make_overlay):
    network, images, _ = sample(4)
    device = EmulatedDevice()
    accelerator = open_fast(folder, device=device)
    accelerator.load(network)
    Accelerator.open(make_overlay(make_network()), device=device)
    with pytest.raises(DeviceError, match="another overlay was loaded since"):
        accelerator.run(images)
    accelerator.close()
    with pytest.raises(DeviceError, match=r"is closed. Open it again with ArrayAccelerator.open"):
        accelerator.run(images)


def test_each_driver_names_the_other(folder, make_network, make_overlay):
    with pytest.raises(OverlayError, match=r"is a programmable array; open it with lutforge.host.ArrayAccelerator"):
        Accelerator.open(folder, device="emulated")
    network = make_overlay(make_network())
    with pytest.raises(OverlayError, match=r"the overlay of one network; open it with lutforge.host.Accelerator"):
        ArrayAccelerator.open(network, device="emulated")
    assert is_array(folder) and not is_array(network) and not is_array(folder.parent)
    assert load_manifest(network).source == "network" and load_array(folder).source == "geometry"


def test_kernels(folder, monkeypatch):
    with pytest.raises(DeviceError, match=r"kernel 'psim' is unknown; use one of fast, csim, rtl, reference"):
        open_fast(folder, kernel="psim")
    monkeypatch.delitem(ARRAY_KERNELS, "csim")
    with pytest.raises(DeviceError, match=r"kernel 'csim' cannot compute it; use one of fast, "):
        open_fast(folder, kernel="csim")


def test_missing_files_are_named(tmp_path):
    write_array(tmp_path / "array", generate_array(GEOMETRY, load_board("zcu104")))
    for name in (HWH, BIT):
        (tmp_path / "array" / name).unlink()
        text = (
            f"{name}: no such file; an overlay folder holds {BIT}, {HWH}, manifest.json. `lutforge array generate` wr"
        )
        with pytest.raises(OverlayError, match=text):
            open_fast(tmp_path / "array")


def test_the_other_family(tmp_path, sample):
    network, images, wanted = sample(6)
    write_array(tmp_path / "array", generate_array(GEOMETRY, load_board("zcu104")))
    assert load_array(tmp_path / "array").beat_bits == 64
    with open_fast(tmp_path / "array") as accelerator:
        accelerator.load(network)
        assert_recovers(accelerator, images, wanted)


def damaged(folder, **changes):
    return json.dumps({**json.loads((folder / MANIFEST).read_text()), **changes})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"format": 2}, "manifest format 2; this lutforge reads up to 1. Update lutforge"),
        ({"format": "1"}, "format is '1', but an integer 1..1 is wanted"),
        ({"clock_mhz": 0}, "clock_mhz is 0, but a number above 0"),
        ({"geometry": {"pe": 3}}, r"cannot be read \(ScheduleError: array: "),
        ({"geometry": {"rows": 3}}, r"cannot be read \(TypeError"),
        ({"colour": "red"}, r"cannot be read \(TypeError"),
        ({"geometry_sha256": "ab"}, "its sizes are not those of geometry_sha256 'ab'; generate it again"),
    ],
)
def test_damaged_manifests(folder, tmp_path, changes, text):
    (tmp_path / MANIFEST).write_text(damaged(folder, **changes))
    with pytest.raises(OverlayError, match=text):
        load_array(tmp_path)


def test_no_manifest(tmp_path):
    with pytest.raises(OverlayError, match=r"no such file; `lutforge array generate` writes the folder of an array"):
        load_array(tmp_path)
