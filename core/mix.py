# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The search of `mixed` on a network: which multipliers a layer may have, what they cost, how a mix is measured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge import store
from lutforge.compensation import alternatives
from lutforge.cost_models import CostModel
from lutforge.engine.executor import FastExecutor
from lutforge.errors import SearchError
from lutforge.mixed import Mix
from lutforge.multipliers import Conventional, Digital, Multiplier, said
from lutforge.network import Network
from lutforge.operations import TableMac

Ints = npt.NDArray[Any]
YARDSTICKS: Dict[str, Multiplier] = {"conventional tables": Conventional(), "array multipliers": Digital()}


@dataclass(frozen=True)
class Layers:
    """What a mix chooses from. names: of the layers; options: of each, the exact one first; prices: alike."""

    network: Network
    model: CostModel
    names: Tuple[str, ...]
    options: Tuple[Tuple[TableMac, ...], ...]
    prices: Tuple[Tuple[float, ...], ...]

    def network_of(self, mix: Mix) -> Network:
        """Return the network with the options of a mix."""
        chosen = {name: ops[option] for name, ops, option in zip(self.names, self.options, mix, strict=True)}
        nodes = tuple(
            replace(node, op=chosen[node.name]) if node.name in chosen else node for node in self.network.nodes
        )
        return Network(self.network.name, nodes, self.network.about)

    def key(self, images: Ints, labels: Ints) -> str:
        """Return what measurements belong to: network, options with their biases, images and labels."""
        state = hashlib.sha256(store.digest(self.network).encode())
        for ops in self.options:
            for op in ops:
                state.update(repr(op.multiplier).encode() + op.bias.tobytes())
        state.update(np.ascontiguousarray(images).tobytes() + np.ascontiguousarray(labels).tobytes())
        return state.hexdigest()


def layers_of(network: Network, model: CostModel, calibration: Ints) -> Layers:
    """Return the layers of a network with their options, approximate ones compensated on calibration images."""
    found = alternatives(network, model.forms, calibration)
    if not found:
        raise SearchError(f"network {network.name} has no table multiplications, so there is nothing to mix")
    prices = tuple(tuple(model.price(network, name, op) for op in options) for name, options in found.items())
    return Layers(network, model, tuple(found), tuple(map(tuple, found.values())), prices)


def yardsticks(layers: Layers) -> Dict[str, float]:
    """Return the price of the whole network with conventional tables and with array multipliers."""
    exact = {name: options[0] for name, options in zip(layers.names, layers.options, strict=True)}
    return {
        title: sum(layers.model.price(layers.network, name, replace(op, multiplier=form)) for name, op in exact.items())
        for title, form in YARDSTICKS.items()
    }


def right(network: Network, images: Ints, labels: Ints) -> int:
    """Return how many images a network answers with their label."""
    return int((FastExecutor(network).classes(images).reshape(-1) == labels).sum())


def described(layers: Layers, mix: Mix) -> List[Dict[str, Any]]:
    """Return what each layer has in a mix, for tables and JSON."""
    return [
        {
            "layer": name,
            "weights": int(np.count_nonzero(options[0].weights)),
            "multiplier": said(options[option].multiplier),
            "price": round(prices[option]),
            "of_exact": round(prices[option] / prices[0], 4) if prices[0] else 1.0,
        }
        for name, options, prices, option in zip(layers.names, layers.options, layers.prices, mix, strict=True)
    ]
