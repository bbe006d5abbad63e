# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How often the cells of a multiplier switch when activations pass one after the other: an estimate of its energy.

Every cell takes one unit of time, so that hazards are counted: an output that rises and falls again before all is still
switches twice. A switch of an output counts the transistors of its cell, shared evenly among its outputs; SRAM cells
keep still. No wires, no clock, no leakage, no voltage: figures compare multipliers with each other, they are no joules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.cells import TRANSISTORS, Circuit, cell_outputs
from lutforge.compensation import walk
from lutforge.errors import InputError
from lutforge.network import Network, Node
from lutforge.operations import TableMac

Ints = npt.NDArray[Any]
ONES = np.array([bin(pattern).count("1") for pattern in range(256)], dtype=np.uint8)
WEIGHTS = 512
"""Weights of a layer that are looked at, at most, drawn from those that are not 0."""

WINDOWS, WINDOW = 4, 257
"""Runs of activations, and the activations of each, that pass a weight's circuit."""


def toggles(circuit: Circuit, weights: Ints, activations: Ints) -> npt.NDArray[np.int64]:
    """Return how often each signal of a circuit switches, int64 [signals], in total over n multipliers.

    weights: int [n]; activations: codes [steps, n] that pass each of them in order, at intervals in which all settles.
    """
    bits = [np.packbits(activations >> place & 1 == 1, axis=1) for place in circuit.places]
    stored = [np.packbits(held)[None] for held in circuit.stored_bits(weights)]
    values = [value[:-1] if len(value) > 1 else value for value in circuit.settled(stored, bits)]
    counts = np.zeros(circuit.signals, dtype=np.int64)
    pending: Dict[int, Ints] = {signal: bit[1:] for signal, bit in zip(circuit.activation, bits, strict=True)}
    readers = _readers(circuit)
    while pending:
        changed = []
        for signal, value in pending.items():
            switched = int(ONES[value ^ values[signal]].sum(dtype=np.int64))
            counts[signal] += switched
            values[signal] = value
            if switched:
                changed.append(signal)
        pending = {}
        for place in dict.fromkeys(place for signal in changed for place in readers[signal]):
            kind, inputs, outputs = circuit.cells[place]
            pending.update(zip(outputs, cell_outputs(kind, [values[each] for each in inputs]), strict=True))
    return counts


def _readers(circuit: Circuit) -> List[List[int]]:
    """Return the places of the cells that read each signal."""
    readers: List[List[int]] = [[] for _ in range(circuit.signals)]
    for place, (_, inputs, _) in enumerate(circuit.cells):
        for signal in inputs:
            readers[signal].append(place)
    return readers


def switched_transistors(circuit: Circuit, counts: npt.NDArray[np.int64]) -> float:
    """Return the switches of all cells' outputs, each weighted by its cell's transistors per output."""
    return float(
        sum(TRANSISTORS[kind] * counts[list(outputs)].sum() / len(outputs) for kind, _, outputs in circuit.cells)
    )


@dataclass(frozen=True)
class LayerSample:
    """Activations on their way through weights of a layer, and what they stand for.

    weights: int64 [n], not 0; windows: activations int64 [steps, n], one after the other in each; live: weights of the
    layer that are not 0; vectors: activations of each weight in an image.
    """

    weights: npt.NDArray[np.int64]
    windows: Tuple[npt.NDArray[np.int64], ...]
    live: int
    vectors: int

    @property
    def steps(self) -> int:
        """Changes of activation that each weight sees."""
        return sum(len(window) - 1 for window in self.windows)


def layer_samples(network: Network, images: Ints, seed: int = 0) -> Dict[str, LayerSample]:
    """Return what passes the weights of each `TableMac` layer, in the order in which images and positions come.

    images: integers [batch, *input shape]. Of a layer with more than WEIGHTS weights or WINDOWS * WINDOW activations
    some are drawn.
    """
    found: Dict[str, LayerSample] = {}
    rng = np.random.default_rng(seed)

    def see(node: Node, x: Ints) -> Node:
        if isinstance(node.op, TableMac):
            found[node.name] = _sampled(node.name, node.op, x, rng)
        return node

    walk(network, images, see)
    return found


def _sampled(name: str, op: TableMac, x: Ints, rng: np.random.Generator) -> LayerSample:
    stream = x.reshape(-1, x.shape[-1])
    if len(stream) < 2:
        raise InputError(f"layer {name}: 1 activation of each weight; energy wants at least 2, give more images")
    live = np.flatnonzero(op.weights)
    chosen = np.sort(rng.choice(live, min(WEIGHTS, len(live)), replace=False))
    weights, elements = op.weights.reshape(-1)[chosen].astype(np.int64), chosen % x.shape[-1]
    windows = [stream[start:end, elements].astype(np.int64) for start, end in _windows(len(stream), rng)]
    return LayerSample(weights, tuple(windows), len(live), len(stream) // len(x))


def _windows(vectors: int, rng: np.random.Generator) -> Sequence[Tuple[int, int]]:
    """Return where runs start and end: one of all, or some at random."""
    if vectors <= WINDOWS * WINDOW:
        return [(0, vectors)]
    return [(int(start), int(start) + WINDOW) for start in np.sort(rng.integers(0, vectors - WINDOW + 1, WINDOWS))]
