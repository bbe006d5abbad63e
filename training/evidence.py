# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What the layers of a network saw on some training images, for wirings that choose on data."""

from __future__ import annotations

from typing import Dict

import torch
from torch import Tensor, nn

from lutforge.training.data import Dataset
from lutforge.training.lutnet import LutNet
from lutforge.training.stage import Stage, windows
from lutforge.training.wiring import Evidence

IMAGES = 2000
POSITIONS = 4000
"""Window positions of a convolution that are looked at."""


@torch.no_grad()
def lost_by_pruning(model: LutNet, data: Dataset) -> Dict[int, Evidence]:
    """Return, by layer number, what the pruned synapses of each chosen layer would have added. model: binary."""
    images, _ = _some(model, data)
    found = {}
    for number, (stage, signs, _) in enumerate(_eval(model).walk(images), start=1):
        if number in model.targets:
            seen = _seen(stage, signs)
            layer = stage.binary
            found[number] = Evidence(seen, (layer.latent * ~layer.mask) @ seen)
    return found


def wanted_by_loss(model: LutNet, data: Dataset) -> Dict[int, Evidence]:
    """Return, by layer number, the descent of the loss with respect to each output of each chosen layer."""
    images, labels = _some(model, data)
    read, sums = {}, {}
    for number, (stage, signs, values) in enumerate(_eval(model).walk(images), start=1):
        if number in model.targets:
            values.retain_grad()
            read[number], sums[number] = _seen(stage, signs.detach()), values
    logits = values.T if values.ndim == 2 else values.flatten(1)
    nn.functional.cross_entropy(logits, labels, reduction="sum").backward()
    model.zero_grad()
    return {number: Evidence(read[number], -_by_output(sums[number].grad, read[number])) for number in read}


def _eval(model: LutNet) -> LutNet:
    model.eval()
    return model


def _some(model: LutNet, data: Dataset) -> tuple[Tensor, Tensor]:
    device = next(model.parameters()).device
    images = torch.from_numpy(data.train_images[:IMAGES]).to(device).float()
    return images, torch.from_numpy(data.train_labels[:IMAGES]).to(device)


def _seen(stage: Stage, signs: Tensor) -> Tensor:
    """Return the signs of the top level as [fan_in, positions], of a convolution the first POSITIONS."""
    return windows(signs[:1], stage.kernel)[0][:, :POSITIONS] if stage.kernel else signs[0]


def _by_output(gradient: Tensor | None, seen: Tensor) -> Tensor:
    """Return a gradient as [outputs, positions]; of a pooled convolution each value stands for its window."""
    assert gradient is not None
    flat = gradient if gradient.ndim == 2 else gradient.permute(3, 0, 1, 2).flatten(1)
    return flat[:, : seen.shape[1]]
