# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The driver on the emulated device whose kernel is the reference: every answer, every layout, every split."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge import reference
from lutforge.errors import DeviceError, InputError
from lutforge.executors import first_difference
from lutforge.host import Accelerator
from lutforge.host.emulated import EmulatedDevice
from lutforge.host.kernels import ReferenceKernel
from lutforge.network import Network, Node
from lutforge.numerics import argmax
from lutforge.operations import TableMac
from lutforge.reference import ReferenceExecutor

REFERENCE = {"device": "emulated", "kernel": "reference"}


@pytest.mark.parametrize("system", ["processing_system7", "zynq_ultra_ps_e"])
@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 3), (-4, 3), (0, 1), (0, 1023), (-30000, 30000)])
def test_answers_equal_the_reference(make_network, make_overlay, make_images, system, low, high):
    clip = high - low < 256  # a TableMac reads 8 bits; wider inputs go to the binary layer of another test
    network = make_network(1, (11,), low, high) if clip else wide_network(low, high)
    images = make_images(network, 23)
    with Accelerator.open(make_overlay(network, processing_system=system), **REFERENCE) as accelerator:
        result = accelerator.predict(images)
    wanted = reference.run(network, images)
    assert result.logits is not None and result.logits.dtype == np.int64
    assert np.array_equal(result.logits, wanted)
    assert np.array_equal(result.classes, argmax(wanted))
    assert result.executor == "emulated: reference"
    assert result.seconds > 0


def wide_network(low, high):
    from lutforge.operations import BinaryMac, Input

    weights = np.random.default_rng(3).integers(-1, 2, (4, 9), dtype=np.int8)
    return Network("wide", (Node("image", Input((9,), low, high)), Node("fc1", BinaryMac(weights), ("image",))))


@pytest.mark.parametrize("batch", [1, 2, 5, 22, 23, 100, None])
def test_every_batch_size_gives_the_same(make_network, make_overlay, make_images, batch):
    network = make_network(2)
    images = make_images(network, 23)
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        assert np.array_equal(accelerator.predict(images, batch=batch).logits, reference.run(network, images))


def test_without_a_batch_transfers_stay_below_some_megabytes(make_network, make_overlay, make_images, monkeypatch):
    monkeypatch.setattr("lutforge.host.transfer.PREFERRED_BYTES", 16 * 100)
    network = make_network(4)
    images = make_images(network, 150)
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        speed = accelerator.throughput(images, repeats=1)
        assert np.array_equal(accelerator.run(images), reference.run(network, images))
        assert accelerator.throughput(images, batch=140, repeats=1).times.batch == 140
    assert speed.times.batch == 100


def test_logits_of_an_image_network_keep_their_shape(make_network, make_overlay, make_images):
    network = make_network(5, (1, 1, 6))
    images = make_images(network, 4)
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        assert accelerator.run(images).shape == (4, 1, 1, 3)
        assert np.array_equal(accelerator.run(images), reference.run(network, images))
        assert accelerator.predict(images).logits.shape == (4, 3)
        assert accelerator.verify(images).equal


@pytest.mark.parametrize("beat_bits", [32, 64, 128])
@pytest.mark.parametrize("output", ["logits", "class", "both"])
def test_every_output_and_width(make_network, make_overlay, make_images, output, beat_bits):
    network = make_network(3)
    images = make_images(network, 9)
    with Accelerator.open(make_overlay(network, output=output, beat_bits=beat_bits), **REFERENCE) as accelerator:
        result = accelerator.predict(images)
        assert accelerator.verify(images).equal
    wanted = reference.run(network, images)
    assert np.array_equal(result.classes, argmax(wanted))
    if output == "class":
        assert result.logits is None
    else:
        assert np.array_equal(result.logits, wanted)


def test_class_only_overlay_refuses_run(make_network, make_overlay, make_images):
    network = make_network()
    with (
        Accelerator.open(make_overlay(network, output="class"), **REFERENCE) as accelerator,
        pytest.raises(DeviceError, match="sends the class only, not its logits; use predict"),
    ):
        accelerator.run(make_images(network, 1))


def test_batches_are_split_above_the_length_field(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 200)
    with Accelerator.open(make_overlay(network, dma_length_bits=8), **REFERENCE) as accelerator:
        writes = record_writes(accelerator)
        assert np.array_equal(accelerator.run(images), reference.run(network, images))
    each = 255 // 16  # 11 bytes padded to two beats of 8; three logits take two beats as well
    lengths = [value for name, value in writes if name == "send length"]
    assert lengths == [each * 16] * (200 // each) + [200 % each * 16]


def test_batches_are_split_above_the_contiguous_memory(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 100)
    device = EmulatedDevice("reference", memory_bytes=400)
    with Accelerator.open(make_overlay(network), device=device) as accelerator:
        writes = record_writes(accelerator)
        assert np.array_equal(accelerator.run(images), reference.run(network, images))
    assert max(value for name, value in writes if name == "images") == 7
    assert device.memory.used_bytes == 0


def record_writes(accelerator):
    """Note every register write to the DMA and the kernel, by name, from now on."""
    session = accelerator.session
    dma, ip = (session.overlay.ip_dict[name]["phys_addr"] for name in ("axi_dma_0", "lutforge_0"))
    names = {
        ip + 0x10: "images",
        ip: "CTRL",
        dma + 0x28: "send length",
        dma + 0x58: "receive length",
        dma + 0x18: "send address",
        dma + 0x48: "receive address",
        dma: "send control",
        dma + 0x30: "receive control",
    }
    writes, write = [], session.device.write_register

    def record(address, value):
        writes.append((names.get(address, hex(address)), value))
        write(address, value)

    session.device.write_register = record
    for block in (session.dma, session.ip):
        block.mmio.array._write = record
    return writes


def test_registers_are_written_in_order(make_network, make_overlay, make_images):
    network = make_network()
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        writes = record_writes(accelerator)
        accelerator.run(make_images(network, 4))
    written = [write for write in writes if write[0] in ("images", "CTRL", "send length", "receive length")]
    assert written == [("images", 4), ("CTRL", 1), ("receive length", 4 * 16), ("send length", 4 * 16)]


def test_no_images_give_no_answers_and_touch_nothing(make_network, make_overlay, make_images):
    network = make_network()
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        writes = record_writes(accelerator)
        result = accelerator.predict(make_images(network, 0))
    assert result.logits.shape == (0, 3) and result.classes.shape == (0,) and not writes


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 12), np.uint8), r"shape \(2, 12\)"),
        (np.zeros((2, 11)), "dtype float64"),
        (np.full((2, 11), 256), r"256\.\.256"),
    ],
)
def test_bad_images_are_refused_before_any_register(make_network, make_overlay, images, message):
    with Accelerator.open(make_overlay(make_network()), **REFERENCE) as accelerator:
        writes = record_writes(accelerator)
        for call in (accelerator.predict, accelerator.verify, accelerator.throughput, accelerator.trace):
            with pytest.raises(InputError, match=message):
                call(images)
        assert not writes


def test_bad_batch_and_repeats(make_network, make_overlay, make_images):
    network = make_network()
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        with pytest.raises(InputError, match="batch 0 images; the least is 1"):
            accelerator.predict(make_images(network, 1), batch=0)
        with pytest.raises(InputError, match="throughput of 1 images, 0 repeats"):
            accelerator.throughput(make_images(network, 1), repeats=0)


def test_verify_of_no_images_is_refused(make_network, make_overlay, make_images):
    network = make_network()
    accelerator = Accelerator.open(make_overlay(network), **REFERENCE)
    with pytest.raises(InputError, match="verify of 0 images compares nothing; at least one image is wanted"):
        accelerator.verify(make_images(network, 0))


def test_progress_counts_the_images(make_network, make_overlay, make_images):
    network, done = make_network(), []
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        accelerator.predict(make_images(network, 7), batch=3, progress=done.append)
        accelerator.run(make_images(network, 7), done.append)
    assert done == [3, 3, 1, 7]


def test_it_is_an_executor(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 6)
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        assert accelerator.name == "device (emulated: reference)"
        assert first_difference(network, accelerator, reference.ReferenceExecutor(network), images) is None
        traced = accelerator.trace(images)
    golden = reference.trace(network, images)
    assert list(traced) == list(golden)
    assert all(np.array_equal(traced[name], golden[name]) for name in golden)


def flip_one_bit(network):
    dense = network.node("fc1").op
    weights = dense.weights.copy()
    weights[1, 4] ^= 1
    nodes = [Node(n.name, TableMac(weights, dense.bias), n.inputs) if n.name == "fc1" else n for n in network.nodes]
    return Network(network.name, tuple(nodes))


class FlippedKernel(ReferenceKernel):
    """A kernel with one bit of one weight wrong."""

    def __init__(self, folder, manifest):
        super().__init__(folder, manifest)
        self.executor = ReferenceExecutor(flip_one_bit(self.executor.network))


@pytest.mark.parametrize("output", ["logits", "both"])
def test_verify_names_node_and_element_of_a_flipped_bit(make_network, make_overlay, make_images, output):
    network = make_network()
    images = make_images(network, 12)
    images[:5, 4] = 0  # the wrong weight meets a zero: these answers are right
    images[5:, 4] = 9
    with Accelerator.open(make_overlay(network, output=output), device=EmulatedDevice(FlippedKernel)) as accelerator:
        found = accelerator.verify(images)
    assert not found.equal and found.differing == 7 and found.images == 12
    assert (found.first.image, found.first.node, found.first.element) == (5, "fc1", (1,))
    assert abs(found.first.left_value - found.first.right_value) == 9
    assert "7 of 12 answers differ; first: image 5, node fc1, element [1]: device (emulated: FlippedKernel)" in str(
        found
    )


def test_verify_sees_a_wrong_class(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 12)

    class Reversed(ReferenceKernel):
        def stream(self, data, images):
            answers = super().stream(data, images).view("<i4")
            answers[3, 0] = (answers[3, 0] + 1) % 3
            return answers.view(np.uint8)

    with Accelerator.open(make_overlay(network, output="class"), device=EmulatedDevice(Reversed)) as accelerator:
        found = accelerator.verify(images)
    assert found.differing == 1 and (found.first.image, found.first.node) == (3, "class")


def test_verify_names_the_output_where_no_trace_can_be_had(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 2)
    images[:, 4] = 5
    with Accelerator.open(make_overlay(network), device=EmulatedDevice(FlippedKernel)) as accelerator:
        accelerator.session.emulated = False
        found = accelerator.verify(images)
        with pytest.raises(DeviceError, match="a board cannot say what its inner edges carry"):
            accelerator.trace(images)
    assert (found.first.image, found.first.node, found.first.element) == (0, "fc1", (1,))


def test_throughput_is_labelled_and_split(make_network, make_overlay, make_images):
    network = make_network()
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        speed = accelerator.throughput(make_images(network, 50), batch=20, repeats=2)
    assert (speed.images, speed.times.batch, speed.repeats) == (50, 20, 2)
    assert min(speed.times.pack_s, speed.times.transfer_s, speed.times.unpack_s) > 0
    assert speed.throughput_fps == 100 / speed.times.total_s
    assert speed.dma_limit_fps == 100e6 / 2 and speed.design_limit_fps == 100e6 / 12
    assert speed.percent_of_design_limit == 100 * speed.transfer_fps / speed.design_limit_fps
    assert speed.percent_of_dma_limit == 100 * speed.transfer_fps / speed.dma_limit_fps
    text = str(speed)
    assert text.startswith("emulated: reference: measured ") and "speed of this computer" in text
    assert "Computed limit of a board at 100.0 MHz: 8,333,333 images/s" in text


def test_throughput_of_a_board_names_percentages(make_network, make_overlay, make_images):
    network = make_network()
    with Accelerator.open(make_overlay(network), **REFERENCE) as accelerator:
        accelerator.session.emulated = False
        speed = accelerator.throughput(make_images(network, 5), repeats=1)
    assert "% of the DMA's limit and " in str(speed) and "this computer" not in str(speed)
