# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""How accurate a deep network is with fewer bits: activations of 2 to 8, weights of 2 to 9, without retraining.

Each point is calibrated for itself, on one sample of what reaches the quantisers of the floating network. Pixels keep
their own bits. Retraining is a recipe with other bits whose `settle` has epochs.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence, Tuple

from torch import Tensor

from lutforge.training.calibration import observed, set_ranges
from lutforge.training.data import Images, Labels
from lutforge.training.deep_net import DeepNet
from lutforge.training.fit import accuracy

ALL_WEIGHT_BITS = tuple(range(2, 10))
ALL_ACTIVATION_BITS = tuple(range(2, 9))


def with_bits(model: DeepNet, weight_bits: int, activation_bits: int) -> DeepNet:
    """Return a floating copy of a network for other bits; it has to be calibrated."""
    copy = DeepNet(model.name, model.shape, model.high, model.classes, model.parts, weight_bits, activation_bits)
    copy.load_state_dict(model.state_dict())
    copy.floating_validation = model.floating_validation
    copy.weights, copy.multiplications = model.weights, model.multiplications  # before channels were taken out
    return copy.to(next(model.parameters()).device)


def accuracies(
    model: DeepNet,
    calibration: Images,
    images: Images,
    labels: Labels,
    points: Optional[Sequence[Tuple[int, int]]] = None,
    on_point: Optional[Callable[[int, int, float], None]] = None,
) -> Dict[Tuple[int, int], float]:
    """Return the part of images answered right, by (weight bits, activation bits); of all bits without `points`.

    model: floating, not changed; calibration: images, uint8 [n, height, width, channels], on which ranges are found.
    The answers are those of the integers, for the quantised module computes them exactly.
    """
    samples: Dict[str, Tensor] = observed(model, calibration)
    wanted = points if points is not None else _grid()
    result: Dict[Tuple[int, int], float] = {}
    for weight_bits, activation_bits in wanted:
        quantised = with_bits(model, weight_bits, activation_bits)
        set_ranges(quantised, samples)
        result[weight_bits, activation_bits] = accuracy(quantised, images, labels, batch_size=250)
        if on_point is not None:
            on_point(weight_bits, activation_bits, result[weight_bits, activation_bits])
    return result


def _grid() -> List[Tuple[int, int]]:
    return [(weight, activation) for weight in ALL_WEIGHT_BITS for activation in ALL_ACTIVATION_BITS]
