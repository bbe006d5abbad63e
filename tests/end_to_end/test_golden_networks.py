# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The committed trained networks through all executors: equal integers, logits included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lutforge
from lutforge.boards import load_board
from lutforge.comparison import compare, run_blocks
from lutforge.cost import estimate, fits
from lutforge.engine.executor import FastExecutor
from lutforge.folding import auto, folded
from lutforge.hls.csim import CsimExecutor, compile_kernel
from lutforge.hls.generator import generate, write_overlay
from lutforge.host import Accelerator
from lutforge.reference import ReferenceExecutor
from lutforge.training.export import from_network

GOLDEN = Path(__file__).parents[1] / "golden"
NETWORKS = ("lutnet_mnist", "lutna_mlp_mnist", "lutna_conv_mnist", "lut_classifier_mnist")
LEAST_ACCURACY = {
    "lutnet_mnist": 97.5,
    "lutna_mlp_mnist": 97.5,
    "lutna_conv_mnist": 98.8,
    "lut_classifier_mnist": 97.5,
    "lutna_vgg11_cifar10": 69.5,
}
BOARD = load_board("pynq_z2")


def chain(network, schedule, images, folder):
    write_overlay(folder, network, generate(network, schedule, BOARD))
    compile_kernel(folder)
    with Accelerator.open(folder, device="emulated", kernel="csim") as device:
        golden = ReferenceExecutor(network)
        executors = [from_network(network), golden, FastExecutor(network), CsimExecutor(folder, network), device]
        return compare(network, executors, images)


@pytest.mark.parametrize("name", NETWORKS)
def test_executors_agree(name, mnist_images, tmp_path):
    network = lutforge.load(GOLDEN / f"{name}.npz")
    images, _, _ = mnist_images
    result = chain(network, auto(network, BOARD), images[:40], tmp_path)
    assert result.equal, result.differences
    names = [run.name for run in result.runs]
    assert names[:2] == ["torch (network file)", "reference"] and names[2].startswith("fast (")
    assert names[3:] == ["csim", "device (emulated: csim)"]
    assert len(np.unique(result.runs[0].classes)) > 3  # equal for another reason than a constant answer


def test_executors_agree_on_a_deep_network(cifar10_images, tmp_path):
    network = lutforge.load(GOLDEN / "lutna_vgg11_cifar10.npz")
    images, _, _ = cifar10_images
    result = chain(network, auto(network, BOARD), images[:12], tmp_path)
    assert result.equal, result.differences
    assert len(np.unique(result.runs[0].classes)) > 3
    many = compare(network, [from_network(network), ReferenceExecutor(network), FastExecutor(network)], images[:200])
    assert many.equal, many.differences


def test_accuracy_of_a_deep_network(cifar10_images):
    images, labels, source = cifar10_images
    if source != "CIFAR-10 (JPEG q75 copy)":
        pytest.skip("no CIFAR-10 files: set LUTFORGE_DATA")
    network = lutforge.load(GOLDEN / "lutna_vgg11_cifar10.npz")
    found = run_blocks(network, FastExecutor(network), images).accuracy(labels)
    assert found == pytest.approx(100 * network.about["test_accuracy"], abs=1e-9)
    assert found >= LEAST_ACCURACY["lutna_vgg11_cifar10"]


@pytest.mark.parametrize("name", [*NETWORKS, "lutna_vgg11_cifar10"])
def test_the_network_fits_the_board_by_estimate(name):
    network = lutforge.load(GOLDEN / f"{name}.npz")
    fit = fits(estimate(network, auto(network, BOARD), BOARD.beat_bits), BOARD)
    assert fit.ok, fit.exceeded


def test_the_lutnet_is_as_sparse_as_it_should_be():
    network = lutforge.load(GOLDEN / "lutnet_mnist.npz")
    layers = [node.op for node in network.nodes if type(node.op).__name__ == "LutNeurons"]
    assert [layer.neurons for layer in layers] == [256, 256, 256, 10]
    kept = [len(layer.wiring) / 2 / (layer.neurons * layer.elements) for layer in layers]  # two levels a synapse
    assert all(0.0445 <= part <= 0.055 for part in kept[:3]) and 0.18 <= kept[3] <= 0.22
    assert all(layer.inputs == 4 and set(layer.weight.tolist()) == {1, 2} for layer in layers)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_executors_agree_on_all_test_images(name, mnist_images, tmp_path):
    network = lutforge.load(GOLDEN / f"{name}.npz")
    images, labels, source = mnist_images
    result = chain(network, auto(network, BOARD), images, tmp_path / "auto")
    assert result.equal, result.differences
    other = chain(network, folded(network, 2, 2), images[:500], tmp_path / "other")
    assert other.equal, other.differences
    for run in result.runs:
        assert source != "MNIST" or run.accuracy(labels) >= LEAST_ACCURACY[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_accuracy(name, mnist_images):
    """Of the reference; the executors agree, and the slow test runs all four on all images."""
    images, labels, source = mnist_images
    if source != "MNIST":
        pytest.skip("no MNIST files: set LUTFORGE_DATA")
    network = lutforge.load(GOLDEN / f"{name}.npz")
    count = len(images) if name != "lutna_conv_mnist" else 3000
    accuracy = run_blocks(network, ReferenceExecutor(network), images[:count]).accuracy(labels[:count])
    assert accuracy >= LEAST_ACCURACY[name] - (0.5 if count < len(images) else 0)  # fewer images, more noise
    assert count < len(images) or accuracy == pytest.approx(100 * network.about["test_accuracy"], abs=1e-9)
