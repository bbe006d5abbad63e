# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The search of `mixed` on a network: which multipliers a layer may have, what they cost, how a mix is measured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge import store
from lutforge.cells import multiplier_circuit
from lutforge.compensation import alternatives
from lutforge.engine.executor import FastExecutor
from lutforge.errors import SearchError
from lutforge.mixed import Mix
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer, Multiplier, said
from lutforge.network import Network
from lutforge.numerics import bits_for
from lutforge.operations import TableMac
from lutforge.unrolled_area import unrolled_parts

Ints = npt.NDArray[Any]
TRANSISTORS, LUT6 = "transistors", "lut6"
OBJECTIVES = (TRANSISTORS, LUT6)
OPTIONS: Dict[str, Tuple[Multiplier, ...]] = {
    TRANSISTORS: (
        DivideConquer(2, optimised=True),
        Approximate(2, drop_digits=1),
        Approximate(2, round_bits=5),
        Approximate(2, round_bits=4),
        Approximate(2, round_bits=3),
    ),
    LUT6: (
        DivideConquer(4),
        Approximate(4, truncate_bits=6),
        Approximate(4, round_bits=6),
        Approximate(4, round_bits=5),
        Approximate(4, round_bits=4),
    ),
}
"""The exact form first, which small means favour: digits of two bits in CMOS, of four in LUTs (docs/decisions/0010)."""


@dataclass(frozen=True)
class Layers:
    """What a mix chooses from. names: of the layers; options: of each, the exact one first; prices: alike."""

    network: Network
    objective: str
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


def layers_of(network: Network, objective: str, calibration: Ints) -> Layers:
    """Return the layers of a network with their options, approximate ones compensated on calibration images."""
    if objective not in OBJECTIVES:
        raise SearchError(f"objective {objective!r} is unknown; use one of {', '.join(OBJECTIVES)}")
    found = alternatives(network, OPTIONS[objective], calibration)
    if not found:
        raise SearchError(f"network {network.name} has no table multiplications, so there is nothing to mix")
    prices = tuple(tuple(priced(network, name, op, objective) for op in options) for name, options in found.items())
    return Layers(network, objective, tuple(found), tuple(map(tuple, found.values())), prices)


def priced(network: Network, name: str, op: TableMac, objective: str) -> float:
    """Return the price of a layer with hardware for every weight; a weight of 0 costs nothing.

    transistors: of the cell model, multipliers alone; lut6: estimated by the cost model, adder trees included.
    """
    source = network.types[network.node(name).inputs[0]]
    if objective == TRANSISTORS:
        weight_bits = max(2, bits_for(min(int(op.weights.min()), -1), int(op.weights.max())))
        return float(np.count_nonzero(op.weights)) * _transistors(op.multiplier, source.bits, weight_bits)
    array, _ = unrolled_parts(op, source, network.types[name], 2, "luts")
    return array.area().lut6


@lru_cache(maxsize=1024)
def _transistors(multiplier: Multiplier, activation_bits: int, weight_bits: int) -> int:
    return multiplier_circuit(multiplier, activation_bits, weight_bits, True).transistors


def yardsticks(layers: Layers) -> Dict[str, float]:
    """Return the price of the whole network with conventional tables and with array multipliers."""
    result = {}
    for title, form in (("conventional tables", Conventional()), ("array multipliers", Digital())):
        ops = [replace(options[0], multiplier=form) for options in layers.options]
        result[title] = sum(
            priced(layers.network, name, op, layers.objective) for name, op in zip(layers.names, ops, strict=True)
        )
    return result


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
