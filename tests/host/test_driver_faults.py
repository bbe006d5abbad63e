# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The driver where an overlay does not do what its manifest says: a clear error, and nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge import reference
from lutforge.errors import DeviceError, DeviceTimeout, OverlayError
from lutforge.host import Accelerator
from lutforge.host.emulated import EmulatedDevice
from lutforge.host.kernels import ReferenceKernel


def open_reference(folder, **options):
    return Accelerator.open(folder, device="emulated", kernel="reference", timeout_s=0.02, **options)


def assert_recovers(accelerator, network, images):
    """Nothing is left behind: no buffer, and the next batch is right."""
    assert accelerator._device.memory.used_bytes == 0
    assert np.array_equal(accelerator.run(images), reference.run(network, images))
    assert accelerator._device.memory.used_bytes == 0


def test_kernel_that_wants_more_beats_is_a_timeout_that_counts_them(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 6)
    with open_reference(make_overlay(network)) as accelerator:
        accelerator.session.device.kernel.input_beats += 1
        with pytest.raises(DeviceTimeout) as caught:
            accelerator.run(images)
        text = str(caught.value)
        assert "emulated: reference: waited 0.0" in text
        assert (
            "for the answers of 6 images (12 output beats); the kernel took 12 of the 18 input beats it wants" in text
        )
        assert "send 0x1002 (idle), receive 0x0000 (running, transfer not finished)" in text
        assert "loaded again before the next batch" in text
        assert_recovers(accelerator, network, images)


@pytest.mark.parametrize(
    ("status", "words"), [(0x1002, "all 2 input beats were sent"), (0x0, "not all 2 input beats were taken")]
)
def test_timeout_of_a_board_says_what_was_sent(make_network, make_overlay, status, words):
    with open_reference(make_overlay(make_network())) as accelerator:
        accelerator.session.emulated = False
        link = accelerator._ready()
        assert words in link._explain(link.order(1), 0.1, status, 0)


def test_patience_grows_with_the_predicted_time(make_network, make_overlay, make_images):
    network = make_network()
    folder = make_overlay(network, interval_cycles=1_000_000)  # 10 ms an image at 100 MHz
    with open_reference(folder) as accelerator:
        accelerator.session.device.kernel.input_beats += 1
        with pytest.raises(DeviceTimeout, match=r"waited 0\.1[2-9]"):
            accelerator.run(make_images(network, 5))


def test_answers_longer_than_promised_are_a_dma_error(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 3)

    class Longer(ReferenceKernel):
        def stream(self, data, images):
            answers = super().stream(data, images)
            return answers if Longer.healed else np.concatenate([answers, answers[:1]])

    Longer.healed = False
    with Accelerator.open(make_overlay(network), device=EmulatedDevice(Longer)) as accelerator:
        with pytest.raises(DeviceError, match=r"DMA error; send .*, receive 0x4011 \(halted, internal error"):
            accelerator.run(images)
        Longer.healed = True
        assert_recovers(accelerator, network, images)


def test_answers_shorter_than_promised_are_named(make_network, make_overlay, make_images):
    network = make_network()

    class Shorter(ReferenceKernel):
        def stream(self, data, images):
            return super().stream(data, images)[:-1]

    with (
        Accelerator.open(make_overlay(network), device=EmulatedDevice(Shorter)) as accelerator,
        pytest.raises(DeviceError, match=r"the answers ended after 32 of 48 bytes \(TLAST too early\)"),
    ):
        accelerator.run(make_images(network, 3))


def test_busy_kernel_is_not_started_again(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 2)
    with open_reference(make_overlay(network)) as accelerator:
        session = accelerator.session
        session.ip.write(0x10, 1)
        session.ip.write(0x00, 1)
        with pytest.raises(DeviceError, match="the kernel is busy before its start"):
            accelerator.run(images)
        assert_recovers(accelerator, network, images)


def test_halted_dma_is_a_refused_transfer(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 2)
    with open_reference(make_overlay(network)) as accelerator:
        accelerator.session.dma.mmio.write(0x30, 0)
        with pytest.raises(DeviceError, match="pynq refuses the transfer \\(DMA channel not started\\)"):
            accelerator.run(images)
        assert_recovers(accelerator, network, images)


def test_interrupted_batch_leaves_nothing_behind(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 4)

    class Interrupted(ReferenceKernel):
        def stream(self, data, images):
            if not Interrupted.healed:
                raise KeyboardInterrupt
            return super().stream(data, images)

    Interrupted.healed = False
    with Accelerator.open(make_overlay(network), device=EmulatedDevice(Interrupted)) as accelerator:
        with pytest.raises(KeyboardInterrupt):
            accelerator.run(images)
        Interrupted.healed = True
        assert_recovers(accelerator, network, images)


def test_buffers_are_freed_after_the_reset(make_network, make_overlay, make_images):
    """A DMA that still runs would write into memory that is somebody else's by then."""
    network = make_network()
    with open_reference(make_overlay(network)) as accelerator:
        device, order = accelerator.session.device, []
        device.kernel.input_beats += 1
        write, free = device.write_register, device.return_pointer
        accelerator.session.dma.mmio.array._write = lambda address, value: (
            order.append("reset") if value == 4 else None,
            write(address, value),
        )
        device.return_pointer = lambda address: (order.append("free"), free(address))
        with pytest.raises(DeviceTimeout):
            accelerator.run(make_images(network, 2))
    assert order == ["reset", "free", "free"]


def test_reset_that_never_ends_is_a_timeout(make_network, make_overlay, make_images, monkeypatch):
    monkeypatch.setattr("lutforge.host.transfer.RESET_TIMEOUT_S", 0.01)
    network = make_network()
    with open_reference(make_overlay(network)) as accelerator:
        accelerator.session.device.kernel.input_beats += 1
        read = accelerator.session.dma.mmio.array._read
        accelerator.session.dma.mmio.array._read = lambda address: read(address) | (4 if address == 0x4000_0000 else 0)
        with pytest.raises(DeviceTimeout, match=r"waited 0\.01 s for the DMA to reset. Power the board off and on"):
            accelerator.run(make_images(network, 2))
        assert accelerator._device.memory.used_bytes == 0


def test_no_memory_for_one_image(make_network, make_overlay, make_images):
    network = make_network()
    device = EmulatedDevice("reference", memory_bytes=20)
    with (
        Accelerator.open(make_overlay(network), device=device) as accelerator,
        pytest.raises(DeviceError, match="no contiguous memory for one image, 16 bytes"),
    ):
        accelerator.run(make_images(network, 4))
    assert device.memory.used_bytes == 0


def test_image_longer_than_the_length_field(make_network, make_overlay):
    network = make_network(shape=(300,))
    with pytest.raises(OverlayError, match=r"one image takes 304 bytes in and 16 out; the DMA moves at most 255"):
        open_reference(make_overlay(network, dma_length_bits=8))


def test_another_overlay_on_the_same_device_is_noticed(make_network, make_overlay, make_images):
    network = make_network()
    device = EmulatedDevice("reference")
    first = Accelerator.open(make_overlay(network, "first"), device=device)
    second = Accelerator.open(make_overlay(network, "second"), device=device)
    with pytest.raises(DeviceError, match=r"another overlay was loaded since .*first was opened. Open it again"):
        first.run(make_images(network, 1))
    second.run(make_images(network, 1))


def test_closed_accelerator_says_so(make_network, make_overlay, make_images):
    network = make_network()
    accelerator = open_reference(make_overlay(network))
    accelerator.close()
    accelerator.close()
    with pytest.raises(DeviceError, match=r"is closed. Open it again with Accelerator.open"):
        accelerator.run(make_images(network, 1))
