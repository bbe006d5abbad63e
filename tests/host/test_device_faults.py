# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Mistakes that would hang a board or go unseen there, made on the emulated device with stock pynq."""

from __future__ import annotations

import numpy as np
import pynq
import pytest

from lutforge import reference
from lutforge.errors import DeviceError
from lutforge.host.axi_registers import DECODE_ERROR, HALTED, IDLE, INTERNAL_ERROR, status_text
from lutforge.host.device_memory import ContiguousMemory
from lutforge.host.emulated import EmulatedDevice

SEND_STATUS, RECEIVE_STATUS = 0x04, 0x34
BYTES = 16  # of one image of the 11-input network, and of its three logits


class Bench:
    """An overlay on the emulated device, handled with stock pynq as a user would."""

    def __init__(self, folder):
        self.device = EmulatedDevice("reference")
        self.overlay = pynq.Overlay(str(folder / "overlay.bit"), device=self.device)
        self.dma, self.ip = self.overlay.axi_dma_0, self.overlay.lutforge_0

    def allocate(self, length):
        return pynq.allocate((length,), "u1", target=self.device)

    def start(self, images):
        self.ip.write(0x10, images)
        self.ip.register_map.CTRL.AP_START = 1

    def status(self, register):
        return self.dma.mmio.read(register)


@pytest.fixture
def bench(make_network, make_overlay):
    return Bench(make_overlay(make_network()))


def test_stock_pynq_code_runs(bench, make_network, make_images):
    network = make_network()
    images = make_images(network, 5)
    source, target = bench.allocate(5 * BYTES), bench.allocate(5 * BYTES)
    padded = np.zeros((5, BYTES), np.uint8)
    padded[:, :11] = images
    source[:] = padded.ravel()
    bench.start(5)
    bench.dma.recvchannel.transfer(target)
    bench.dma.sendchannel.transfer(source)
    bench.dma.sendchannel.wait()
    bench.dma.recvchannel.wait()
    assert np.array_equal(np.array(target).view("<i4").reshape(5, 4)[:, :3], reference.run(network, images))
    assert bench.ip.register_map.CTRL.AP_DONE == 1
    assert bench.ip.register_map.CTRL.AP_DONE == 0  # cleared by the read before
    assert bench.dma.recvchannel.transferred == 5 * BYTES
    assert pynq.Clocks.fclk0_mhz == 100.0


def test_forgotten_start_takes_no_beat(bench):
    bench.ip.write(0x10, 1)
    bench.dma.recvchannel.transfer(bench.allocate(BYTES))
    bench.dma.sendchannel.transfer(bench.allocate(BYTES))
    assert not bench.status(SEND_STATUS) & IDLE and not bench.status(RECEIVE_STATUS) & IDLE
    bench.start(1)  # the beats have waited
    assert bench.status(SEND_STATUS) & IDLE and bench.status(RECEIVE_STATUS) & IDLE


def test_short_stream_leaves_the_kernel_waiting(bench):
    bench.start(3)
    bench.dma.recvchannel.transfer(bench.allocate(3 * BYTES))
    bench.dma.sendchannel.transfer(bench.allocate(2 * BYTES))
    assert bench.status(SEND_STATUS) & IDLE and not bench.status(RECEIVE_STATUS) & IDLE
    assert bench.device.kernel.progress == (4, 6)
    assert bench.ip.register_map.CTRL.AP_IDLE == 0


def test_long_stream_leaves_the_sender_waiting(bench):
    bench.start(1)
    bench.dma.recvchannel.transfer(bench.allocate(BYTES))
    bench.dma.sendchannel.transfer(bench.allocate(2 * BYTES))
    assert bench.status(RECEIVE_STATUS) & IDLE and not bench.status(SEND_STATUS) & IDLE


def test_short_output_buffer_is_an_internal_error(bench):
    bench.start(2)
    bench.dma.recvchannel.transfer(bench.allocate(BYTES))
    bench.dma.sendchannel.transfer(bench.allocate(2 * BYTES))
    assert bench.status(RECEIVE_STATUS) & (INTERNAL_ERROR | HALTED) == INTERNAL_ERROR | HALTED


def test_plain_array_is_refused(bench):
    with pytest.raises(AttributeError, match="physical_address"):
        bench.dma.sendchannel.transfer(np.zeros(BYTES, np.uint8))


def test_freed_buffer_is_a_decode_error(bench):
    buffer = bench.allocate(BYTES)
    buffer.freebuffer()
    bench.dma.recvchannel.transfer(buffer)
    assert bench.status(RECEIVE_STATUS) & DECODE_ERROR


def test_buffer_freed_during_the_transfer_is_a_decode_error(bench):
    target = bench.allocate(BYTES)
    bench.start(1)
    bench.dma.recvchannel.transfer(target)
    target.freebuffer()
    bench.dma.sendchannel.transfer(bench.allocate(BYTES))
    assert bench.status(RECEIVE_STATUS) & DECODE_ERROR


def test_address_beyond_a_buffer_is_a_decode_error(bench):
    buffer = bench.allocate(BYTES)
    bench.dma.recvchannel.transfer(buffer, nbytes=2 * BYTES)
    assert bench.status(RECEIVE_STATUS) & DECODE_ERROR


def test_answers_are_not_there_before_invalidate(bench):
    source, target = bench.allocate(BYTES), bench.allocate(BYTES)
    source[:11] = 200
    bench.start(1)
    bench.dma.recvchannel.transfer(target)
    bench.dma.sendchannel.transfer(source)
    assert not target.any()
    bench.dma.recvchannel.wait()
    assert target.any()


def test_input_changed_without_flush_is_not_seen(bench):
    source = bench.allocate(BYTES)
    source[:] = 1
    assert not bench.device.memory.view(source.physical_address, BYTES).any()
    source[4:8].flush()
    assert bench.device.memory.view(source.physical_address, BYTES).tolist() == [0] * 4 + [1] * 4 + [0] * 8


def test_unaligned_address_is_refused_by_pynq_and_by_the_model(bench):
    buffer = bench.allocate(4 * BYTES)
    with pytest.raises(RuntimeError, match="unaligned"):
        bench.dma.sendchannel.transfer(buffer, start=4)
    bench.dma.mmio.write(0x18, buffer.physical_address + 4)
    with pytest.raises(DeviceError, match="not a multiple of 8 bytes; without a realignment engine"):
        bench.dma.mmio.write(0x28, BYTES)


def test_length_written_twice_is_refused(bench):
    buffer = bench.allocate(BYTES)
    bench.dma.recvchannel.transfer(buffer)
    with pytest.raises(RuntimeError, match="not idle"):
        bench.dma.recvchannel.transfer(buffer)
    with pytest.raises(DeviceError, match="a length while a transfer is under way"):
        bench.dma.mmio.write(0x58, BYTES)


def test_length_zero_is_an_internal_error(bench):
    bench.dma.mmio.write(0x28, 0)
    assert bench.status(SEND_STATUS) & INTERNAL_ERROR


def test_halted_channel_ignores_a_length(bench):
    bench.dma.mmio.write(0x00, 0)
    bench.dma.mmio.write(0x28, BYTES)
    assert bench.status(SEND_STATUS) == HALTED


def test_stop_waits_for_the_transfer_and_reset_does_not(bench):
    bench.dma.recvchannel.transfer(bench.allocate(BYTES))
    bench.dma.mmio.write(0x30, 0)
    assert not bench.status(RECEIVE_STATUS) & HALTED
    bench.dma.mmio.write(0x30, 4)
    assert bench.status(RECEIVE_STATUS) == HALTED


def test_reset_drops_the_beats_that_wait(bench):
    bench.dma.sendchannel.transfer(bench.allocate(BYTES))
    bench.dma.mmio.write(0x00, 4)
    bench.start(1)
    assert bench.device.kernel.progress == (0, 2)


def test_start_of_a_busy_kernel_is_ignored(bench):
    bench.start(2)
    bench.dma.sendchannel.transfer(bench.allocate(BYTES))
    bench.start(7)
    assert bench.device.kernel.progress == (2, 4)


def test_batch_of_no_images_is_done_at_once(bench):
    bench.ip.write(0x10, 0)
    bench.ip.write(0x00, 0x81)  # with auto restart, which must not go round for ever
    assert bench.device.kernel.control & 0x2


def test_auto_restart_takes_the_next_batch(bench):
    source, target = bench.allocate(BYTES), bench.allocate(BYTES)
    bench.ip.write(0x10, 1)
    bench.ip.write(0x00, 0x81)
    for _ in range(2):
        bench.dma.recvchannel.transfer(target)
        bench.dma.sendchannel.transfer(source)
        bench.dma.recvchannel.wait()
    assert bench.device.kernel.progress == (0, 2)


def test_interrupt_bits_are_cleared_by_writing_ones(bench):
    bench.start(1)
    bench.dma.recvchannel.transfer(bench.allocate(BYTES))
    bench.dma.sendchannel.transfer(bench.allocate(BYTES))
    assert bench.status(SEND_STATUS) & 0x1000
    bench.dma.mmio.write(SEND_STATUS, 0x1000)
    assert bench.status(SEND_STATUS) == IDLE


def test_registers_behave_like_a_mapped_array(bench):
    array = bench.ip.mmio.array
    array[4:6] = np.array([7, 8], np.uint32)
    assert array[4] == 7 and np.array(array[4:6]).tolist() == [7, 8]
    bench.ip.write(0x10, 9)
    assert bench.ip.register_map.images.images == 9
    assert (array[4:5] + 1).tolist() == [10]


def test_memory_addresses_do_not_come_back_at_once():
    memory = ContiguousMemory(1 << 20)
    first = memory.allocate(100)
    memory.free(first.address)
    second = memory.allocate(100)
    assert second.address > first.address and second.address % 4096 == 0
    with pytest.raises(RuntimeError, match="allocation failed: 2097152 bytes asked, 1048476 of 1048576 left"):
        memory.allocate(2 << 20)


def test_memory_addresses_begin_again_around_live_buffers(monkeypatch):
    monkeypatch.setattr("lutforge.host.device_memory.LAST_ADDRESS", 0x1000_0000 + 8 * 4096)
    memory = ContiguousMemory(1 << 20)
    kept = memory.allocate(1)
    for _ in range(10):
        one = memory.allocate(4097)
        assert abs(one.address - kept.address) >= 2 * 4096
        memory.free(one.address)


@pytest.mark.parametrize(
    ("status", "text"),
    [(0, "0x0000 (running, transfer not finished)"), (0x4051, "0x4051 (halted, internal error: length 0, or a packet")],
)
def test_status_in_words(status, text):
    assert status_text(status).startswith(text)
