# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Post-training quantisation of a deep network: power-of-two ranges of least squared error, found on training images.

Activations: the range of each quantiser is chosen on a sample of what reaches it in the floating network. Weights,
batch norm folded: each output has its own range, the logits share one.
"""

from __future__ import annotations

from typing import Dict, List

import torch
from torch import Tensor

from lutforge.training.data import Dataset, Images
from lutforge.training.deep_net import DeepNet
from lutforge.training.table_mac import QuantisedRelu, TableMacLayer

IMAGES = 2000
SAMPLE, BATCH = 1 << 17, 250
TRIED = 6
"""Ranges tried: the least power of two that holds every value, and so many halvings of it."""


def calibration_images(data: Dataset, seed: int = 0) -> Images:
    """Return training images drawn at random, uint8 [IMAGES, height, width, channels]."""
    draw = torch.Generator().manual_seed(seed)
    return data.train_images[torch.randperm(len(data.train_images), generator=draw)[:IMAGES].numpy()]


def calibrate(model: DeepNet, images: Images) -> None:
    """Set all ranges of a floating network and make it a quantised one, in place."""
    set_ranges(model, observed(model, images))


@torch.no_grad()
def set_ranges(model: DeepNet, samples: Dict[str, Tensor]) -> None:
    """Set all ranges by what was `observed`, and make a floating network a quantised one, in place."""
    for name, activation in model.activations.items():
        assert isinstance(activation, QuantisedRelu)
        activation.set_range(best_range(torch.relu(samples[name])[None], activation.bits, signed=False)[0])
    for layer in model.layers.values():
        assert isinstance(layer, TableMacLayer)
        weight = layer.folded()[0].flatten(1)
        rows = weight.reshape(1, -1) if layer.head else weight
        ranges = best_range(rows, layer.weight_bits, signed=True)
        # a weight scale is that of the largest weight: clamping to the largest code is what sets it
        top = torch.tensor([2.0**exponent for exponent in ranges], device=weight.device)
        layer.ceiling.copy_((top * (1 - 2.0 ** (1 - layer.weight_bits))).expand(len(weight)))
    model.set_floating(False)


@torch.no_grad()
def observed(model: DeepNet, images: Images) -> Dict[str, Tensor]:
    """Return a sample of what reaches each quantiser of the floating network: float [n], by name."""
    model.set_floating(True)
    model.eval()
    found: Dict[str, List[Tensor]] = {name: [] for name in model.activations}
    draw = torch.Generator().manual_seed(0)
    share = max(1, SAMPLE * BATCH // len(images))

    def keep(name: str, values: Tensor) -> None:
        flat = values.flatten()
        found[name].append(flat[torch.randint(len(flat), (share,), generator=draw).to(flat.device)])

    for name, activation in model.activations.items():
        activation.observe = lambda values, name=name: keep(name, values)
    try:
        device = next(model.parameters()).device
        for block in torch.from_numpy(images).split(BATCH):
            model(block.to(device).float())
    finally:
        for activation in model.activations.values():
            activation.observe = None
    return {name: torch.cat(values) for name, values in found.items()}


def best_range(values: Tensor, bits: int, signed: bool) -> List[int]:
    """Return for each row of values, float [rows, n], the exponent of the range of least squared rounding error.

    Codes are 0..2**bits - 1 for 0..2**exponent, or signed and symmetric for -2**exponent..2**exponent.
    """
    largest = values.abs().amax(dim=1).clamp(min=2.0**-8)
    first = torch.ceil(torch.log2(largest))
    top = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    errors = []
    for halvings in range(TRIED):
        unit = (2.0 ** (first - halvings) / 2 ** (bits - 1 if signed else bits))[:, None]
        codes = torch.floor(values / unit + 0.5).clamp(-top if signed else 0, top)
        errors.append(((codes * unit - values) ** 2).sum(dim=1))
    chosen = first - torch.stack(errors).argmin(dim=0)
    return [int(exponent) for exponent in chosen]
