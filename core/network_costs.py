# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A whole network priced with one multiplier form after the other, by every cost model, beside the published ratios."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from lutforge.cost_models import CostModel
from lutforge.errors import NetworkError
from lutforge.multipliers import Conventional, Digital, DivideConquer, Multiplier, said
from lutforge.network import Network
from lutforge.operations import TableMac

CONVENTIONAL, DIGITAL = "conventional tables", "array multipliers"
FORMS: Dict[str, Multiplier] = {
    CONVENTIONAL: Conventional(),
    DIGITAL: Digital(),
    "digits of 2": DivideConquer(2),
    "digits of 2, W and 3W": DivideConquer(2, optimised=True),
    "digits of 4": DivideConquer(4),
}
"""What a network is priced with beside its own multipliers; all of them exact."""


PUBLISHED: Dict[str, Dict[str, Dict[str, str]]] = {
    "exact": {CONVENTIONAL: {"area": "29.54", "energy": "3.34"}, DIGITAL: {"area": "1.23", "energy": "1.80"}},
    "mixed": {
        CONVENTIONAL: {"area": "32.22-50.95", "energy": "3.68-6.25"},
        DIGITAL: {"area": "1.35-2.14", "energy": "1.99-3.38"},
    },
}
"""Times less than with conventional tables and with array multipliers, 8 x 9 bits, mixed at about 1 % of accuracy lost:
quoted from the abstract of LUT-NA, arXiv 2406.05282. A range is that over its networks."""


@dataclass(frozen=True)
class FormCosts:
    """A network with one form of multiplier, or with its own. layers: prices by model and layer."""

    title: str
    multipliers: Tuple[Multiplier, ...]
    layers: Mapping[str, Mapping[str, float]]

    def price(self, model: str) -> float:
        """Return the price of all layers."""
        return sum(self.layers[model].values())


def table_layers(network: Network) -> Dict[str, TableMac]:
    """Return the layers of table multiplications by name; NetworkError where there is none."""
    found = {node.name: node.op for node in network.nodes if isinstance(node.op, TableMac)}
    if not found:
        raise NetworkError(f"network {network.name} has no table multiplications, so there is nothing to price")
    return found


def network_costs(network: Network, models: Sequence[CostModel], others: Mapping[str, Network]) -> List[FormCosts]:
    """Return the costs of a network with each of FORMS, with its own multipliers, and with those of others by title.

    others: the same network with other multipliers, as `lutforge mix` writes it.
    """
    layers = table_layers(network)
    rows = {title: {name: replace(op, multiplier=form) for name, op in layers.items()} for title, form in FORMS.items()}
    rows["its own"] = layers
    for title, other in others.items():
        rows[title] = _same_layers(network, layers, other)
    return [
        FormCosts(
            title,
            tuple(dict.fromkeys(op.multiplier for op in ops.values())),
            {model.name: {name: model.price(network, name, op) for name, op in ops.items()} for model in models},
        )
        for title, ops in rows.items()
    ]


def _same_layers(network: Network, layers: Mapping[str, TableMac], other: Network) -> Dict[str, TableMac]:
    found = table_layers(other)
    for name, op in layers.items():
        if name not in found or not np.array_equal(found[name].weights, op.weights):
            what = "has other weights" if name in found else "is missing"
            raise NetworkError(
                f"layer {name} of {network.name} {what} in {other.name}; --mix wants the same network with other "
                "multipliers, as `lutforge mix` writes it"
            )
    return {name: found[name] for name in layers}


def costs_document(network: Network, models: Sequence[CostModel], rows: Sequence[FormCosts]) -> Dict[str, Any]:
    """Return costs for machines: what each model is, prices and ratios of each form, and the published ratios."""
    by_title = {row.title: row for row in rows}
    layers = table_layers(network)
    return {
        "network": network.name,
        "weights": sum(op.weights.size for op in layers.values()),
        "weights_not_0": sum(int(np.count_nonzero(op.weights)) for op in layers.values()),
        "models": {model.name: {"unit": model.unit, "kind": model.kind, "label": model.label} for model in models},
        "forms": [
            {
                "form": row.title,
                "multipliers": [said(form) for form in row.multipliers],
                "prices": {model.name: round(row.price(model.name)) for model in models},
                "times_less_than": {
                    base: {model.name: ratio(by_title[base], row, model.name) for model in models}
                    for base in (CONVENTIONAL, DIGITAL)
                },
                "layers": {m.name: {name: round(price) for name, price in row.layers[m.name].items()} for m in models},
            }
            for row in rows
        ],
        "published_times_less_than": PUBLISHED,
    }


def ratio(base: FormCosts, row: FormCosts, model: str) -> float:
    """Return how many times less a form costs than another; 0 for a network whose weights are all 0."""
    price = row.price(model)
    return round(base.price(model) / price, 3) if price else 0.0
