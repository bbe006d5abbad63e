# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Deep networks from Brevitas to the programmable array: VGG11 and then ResNet18 on one overlay, and the others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from lutforge import reference
from lutforge.cli_array import DEFAULT
from lutforge.host import ArrayAccelerator
from lutforge.training.export import to_network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # brevitas warns about optional packages
    from lutforge.training.calibration import calibrate
    from lutforge.training.deep_net import DeepNet
    from lutforge.training.deep_networks import NETWORKS, deep_network

IMAGES = np.random.default_rng(5).integers(0, 256, (30, 4, 4, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
"""Coarse ones: a deep network of random weights makes nothing of fine noise."""


def network_of(name, weight_bits=8):
    torch.manual_seed(1)
    model = DeepNet(name, (32, 32, 3), 255, 10, deep_network(name, 1 / 16), weight_bits=weight_bits)
    model.train()
    model(torch.from_numpy(IMAGES).float())
    calibrate(model, IMAGES)
    return to_network(model.eval().freeze())


def equal_after_one_another(folder, names):
    with ArrayAccelerator.open(folder, device="emulated", kernel="csim") as accelerator:
        for name in names:
            network = network_of(name)
            accelerator.load(network)
            verified = accelerator.verify(IMAGES[:7])
            assert verified.equal, f"{name}: {verified}"
            found = accelerator.run(IMAGES[:2])
            assert np.array_equal(found, reference.run(network, IMAGES[:2]))
            assert len(np.unique(found)) > 2


def test_vgg11_and_then_resnet18(compiled_array):
    equal_after_one_another(compiled_array(DEFAULT), ["vgg11", "resnet18", "vgg11"])


@pytest.mark.slow
def test_all_of_them(compiled_array):
    equal_after_one_another(compiled_array(DEFAULT), NETWORKS)
