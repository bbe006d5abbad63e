# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Whole output channels of a deep network taken out: what is left is a smaller network of the same kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Mapping

import torch
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.training.deep_net import DeepNet
from lutforge.training.deep_networks import Concatenation, Convolution, Dense, Sum
from lutforge.training.pruning import keep_mask

BY_OUTPUT = ("mac.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "ceiling")


def prunable(model: DeepNet) -> List[str]:
    """Return the layers whose channels are read by convolutions and dense layers alone.

    Sums, concatenations and pools between layers tie channels of several layers to each other.
    """
    readers: Dict[str, List[bool]] = {}
    for part in model.parts:
        for source in part.sources if isinstance(part, (Sum, Concatenation)) else (part.source,):
            readers.setdefault(source, []).append(isinstance(part, (Convolution, Dense)))
    return [part.name for part in model.parts if isinstance(part, Convolution) and all(readers[part.name])]


@torch.no_grad()
def strongest(model: DeepNet, keep: float) -> Dict[str, Tensor]:
    """Return for each prunable layer, bool [outputs], which channels are among the round(keep * all) strongest.

    Strength: the length of a channel's weights with the batch norm folded into them, over the root mean square of
    those of its layer. The strongest channel of each layer stays in any case.
    """
    names = prunable(model)
    if not names:
        raise TrainingError(f"{model.name}: no layer's channels are read by layers alone; prune by weight")
    strengths = []
    for name in names:
        length = model.layers[name].folded()[0].flatten(1).norm(dim=1)
        strength = (length / length.square().mean().sqrt().clamp(min=1e-12)).double()
        strength[strength.argmax()] = torch.inf
        strengths.append(strength)
    mask = keep_mask(torch.cat(strengths)[None], keep)[0]
    return dict(zip(names, mask.split([len(strength) for strength in strengths]), strict=True))


@torch.no_grad()
def narrow(model: DeepNet, kept: Mapping[str, Tensor]) -> None:
    """Take the other channels out of a floating network, in place; what a network of all channels adds is lost.

    kept: bool [outputs] for the layers of `prunable`, or some of them.
    """
    state, device = model.state_dict(), next(model.parameters()).device
    for part in model.parts:
        if not isinstance(part, (Convolution, Dense)):
            continue
        key = f"layers.{part.name}."
        if part.source in kept:
            channels = kept[part.source]
            weight = state[f"{key}mac.weight"]
            columns = channels.repeat(weight.shape[1] // len(channels))  # of a dense layer: position by position
            state[f"{key}mac.weight"] = weight[:, columns]
        if part.name in kept:
            state[f"{key}mac.weight"] = state[f"{key}mac.weight"][kept[part.name]]
            for name in BY_OUTPUT:
                state[key + name] = state[key + name][kept[part.name]]
    model.set_parts(
        [
            replace(part, outputs=int(kept[part.name].sum()))
            if isinstance(part, Convolution) and part.name in kept
            else part
            for part in model.parts
        ]
    )
    model.load_state_dict(state)
    model.to(device)
