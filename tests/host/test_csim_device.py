# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated device with the compiled C simulation behind its registers: generate, compile, stream, compare."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge import reference, save
from lutforge.boards import load_board
from lutforge.errors import DeviceError, ToolError
from lutforge.executors import first_difference
from lutforge.hls.csim import compile_kernel, find_compiler, find_headers
from lutforge.hls.generator import generate, write_overlay
from lutforge.host import Accelerator, kernels
from lutforge.manifest import load_manifest
from lutforge.network import Network, Node
from lutforge.operations import ArgMax, Input, Rescale, TableMac
from lutforge.schedule import Schedule, Unrolled


@pytest.fixture(scope="module")
def network():
    draw = np.random.default_rng(11)
    first = TableMac(draw.integers(-128, 128, (8, 16), dtype=np.int16), draw.integers(-999, 999, 8))
    second = TableMac(draw.integers(-128, 128, (4, 8), dtype=np.int16), draw.integers(-99, 99, 4))
    return Network(
        "two_layers",
        (
            Node("image", Input((16,))),
            Node("fc1", first, ("image",)),
            Node("scale1", Rescale(np.array([1]), np.array([7]), 0, 255), ("fc1",)),
            Node("fc2", second, ("scale1",)),
            Node("head", ArgMax(), ("fc2",)),
        ),
    )


@pytest.fixture(scope="module")
def overlay(network, tmp_path_factory):
    try:
        find_compiler(), find_headers()
    except ToolError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("csim") / "overlay"
    schedule = Schedule({"fc1": Unrolled(), "fc2": Unrolled()})
    write_overlay(folder, network, generate(network, schedule, load_board("pynq_z2"), "both"))
    compile_kernel(folder)
    return folder


def images_of(network, count):
    return np.random.default_rng(5).integers(0, 256, (count, 16))


def test_device_equals_reference_edge_by_edge(network, overlay):
    images = images_of(network, 40)
    with Accelerator.open(overlay, device="emulated", kernel="csim") as accelerator:
        result = accelerator.predict(images, batch=16)
        assert result.executor == "emulated: csim" and accelerator.name == "device (emulated: csim)"
        assert np.array_equal(result.logits, reference.run(network, images))
        assert accelerator.verify(images).equal
        traced = accelerator.trace(images)
        golden = reference.trace(network, images)
        assert list(traced) == ["image", "fc1", "scale1", "fc2"]
        assert all(np.array_equal(traced[name], golden[name]) for name in traced)
        assert first_difference(network, accelerator, reference.ReferenceExecutor(network), images) is None


def test_large_batches_are_computed_in_blocks(network, overlay, monkeypatch):
    monkeypatch.setattr(kernels, "MAX_BLOCK_IMAGES", 7)
    images = images_of(network, 40)
    with Accelerator.open(overlay, device="emulated", kernel="csim") as accelerator:
        assert np.array_equal(accelerator.run(images), reference.run(network, images))


def test_short_stream_is_an_error_of_the_compiled_kernel(network, overlay):
    kernel = kernels.CompiledKernel(overlay, load_manifest(overlay))
    with pytest.raises(DeviceError, match=r"C simulation of two_layers: .+"):
        kernel._run(np.zeros(8, np.uint8), 1, None)


def test_kernel_of_a_flipped_network_is_found_out(network, overlay, tmp_path):
    """One bit of one weight of the compiled network is wrong, and its files say otherwise: verify names node, element."""
    weights = network.node("fc1").op.weights.copy()
    weights[3, 5] ^= 1
    nodes = tuple(Node(n.name, TableMac(weights, n.op.bias), n.inputs) if n.name == "fc1" else n for n in network.nodes)
    flipped = Network(network.name, nodes)
    folder = tmp_path / "flipped"
    schedule = Schedule({"fc1": Unrolled(), "fc2": Unrolled()})
    texts = generate(flipped, schedule, load_board("pynq_z2"))
    true_sha, flipped_sha = load_manifest(overlay).network_sha256, save(flipped, tmp_path / "flipped.npz")
    texts = {path: text.replace(flipped_sha, true_sha) for path, text in texts.items()}
    write_overlay(folder, network, texts)
    compile_kernel(folder)
    images = images_of(network, 6)
    images[:, 5] = 77
    with Accelerator.open(folder, device="emulated", kernel="csim") as accelerator:
        found = accelerator.verify(images)
    assert not found.equal and (found.first.node, found.first.element) == ("fc1", (3,))
    assert abs(found.first.left_value - found.first.right_value) == 77
