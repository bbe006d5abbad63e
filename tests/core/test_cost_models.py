# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Prices of layers by each model, and of networks with each form of multiplier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lutforge import cost_models
from lutforge.cells import multiplier_circuit
from lutforge.compensation import with_multipliers
from lutforge.cost_models import Energy, StandardCells, Transistors, cost_model
from lutforge.errors import NetworkError, SearchError
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer, products
from lutforge.network import Network, Node
from lutforge.network_costs import CONVENTIONAL, DIGITAL, FORMS, costs_document, network_costs
from lutforge.operations import Input, Rescale, TableMac
from lutforge.standard_cells import Library, StandardCellArea
from lutforge.toggles import switched_transistors, toggles
from lutforge.unrolled_area import product_parts, unrolled_parts

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (7, 6))
LIBRARY = Library(Path("none.lib"), "", frozenset())


def network(seed=0):
    rng = np.random.default_rng(seed)

    def mac(outputs, fan_in, high):
        weights = rng.integers(-high, high + 1, (outputs, fan_in))
        weights[rng.random(weights.shape) < 0.3] = 0
        weights[0, 0] = high
        return TableMac(weights, [0] * outputs)

    nodes = [Node("x", Input((6,), 0, 255)), Node("fc1", mac(5, 6, 120), ("x",))]
    nodes += [Node("scale", Rescale([1], [10], 0, 15), ("fc1",)), Node("fc2", mac(4, 5, 7), ("scale",))]
    return Network("two", tuple(nodes))


def test_transistors_are_those_of_every_weight_that_is_not_0():
    net = network()
    for name, activation_bits, weight_bits in (("fc1", 8, 8), ("fc2", 4, 4)):
        op = net.node(name).op
        for form in (Conventional(), Digital(), DivideConquer(2, True), Approximate(2, drop_digits=1)):
            each = multiplier_circuit(form, activation_bits, weight_bits, True).transistors
            wanted = each * np.count_nonzero(op.weights)
            assert Transistors().price(net, name, replace(op, multiplier=form)) == wanted


def test_energy_is_the_switching_of_all_weights():
    """The layer is small, so that nothing is drawn: every weight, and every change from image to image."""
    net, model = network(), cost_model("energy", network(), IMAGES)
    op = net.node("fc1").op
    for form in (Digital(), DivideConquer(2), Approximate(2, round_bits=4)):
        circuit, total = multiplier_circuit(form, 8, 8, True), 0.0
        codes = products(form, np.array([1]), 8, False)[0][IMAGES] if isinstance(form, Approximate) else IMAGES
        for output, element in zip(*np.nonzero(op.weights), strict=True):
            weight = op.weights[output, element].astype(np.int64)
            total += switched_transistors(circuit, toggles(circuit, weight[None], codes[:, element : element + 1]))
        assert model.price(net, "fc1", replace(op, multiplier=form)) == pytest.approx(total / 6)  # a mean: of floats
    empty = replace(op, weights=np.zeros_like(op.weights))
    nothing = Network("nothing", (net.nodes[0], replace(net.nodes[1], op=empty)))
    assert cost_model("energy", nothing, IMAGES).price(nothing, "fc1", empty) == 0
    live = np.count_nonzero(op.weights)
    assert f"; {live} of {live} weights, up to 6 activations each;" in Energy({"fc1": model.samples["fc1"]}).label


def test_a_signed_activation_is_rounded_as_one_and_passes_as_its_code():
    nodes = (Node("x", Input((1,), -128, 127)), Node("fc", TableMac([[100]], [0]), ("x",)))
    net, form = Network("signed", nodes), Approximate(2, round_bits=4)
    images = np.arange(-128, 128)[:, None]
    price = cost_model("energy", net, images).price(net, "fc", replace(net.node("fc").op, multiplier=form))
    circuit = multiplier_circuit(form, 8, 8, True)
    codes = products(form, np.array([1]), 8, True)[0][images % 256] & 255
    assert price == pytest.approx(switched_transistors(circuit, toggles(circuit, np.array([100]), codes)) / 255)


def test_each_circuit_is_synthesised_once(monkeypatch):
    asked = []

    def synthesised(circuit, library):
        asked.append(circuit.transistors)
        return StandardCellArea(100.0 + len(asked), 9.0, {}, "0.0")

    monkeypatch.setattr(cost_models, "synthesised_area", synthesised)
    net, model = network(), StandardCells(Library(Path("once.lib"), "", frozenset()))
    op = net.node("fc1").op
    live = np.count_nonzero(op.weights)
    for _ in range(2):
        assert model.price(net, "fc1", op) == 101 * live
        assert model.price(net, "fc1", replace(op, multiplier=Digital())) == 102 * live
    assert model.price(net, "fc2", net.node("fc2").op) == 103 * np.count_nonzero(net.node("fc2").op.weights)
    assert len(asked) == 3 and "once.lib" in model.label


def test_products_of_a_large_layer_are_all_counted():
    """Adder trees are sampled there, but products are those of all outputs, which share them but for sign and shift."""
    weights = np.random.default_rng(1).integers(-9, 10, (60, 400))
    nodes = (Node("x", Input((400,), 0, 255)), Node("fc", TableMac(weights, [0] * 60, Digital()), ("x",)))
    net = Network("large", nodes)
    array, _ = unrolled_parts(net.node("fc").op, net.types["x"], net.types["fc"], 2, "luts")
    pairs = {
        (e, abs(weight) // (weight & -weight)) for row in weights.tolist() for e, weight in enumerate(row) if weight
    }
    each = [product_parts(Digital(), weight, 8, False, 2).counts for _, weight in pairs]
    assert array.counts["constant_multiplier_bit"] == sum(one.get("constant_multiplier_bit", 0) for one in each)


def test_what_models_want():
    net = network()
    with pytest.raises(
        SearchError, match="cost model 'area' is unknown; use one of transistors, lut6, liberty, energy"
    ):
        cost_model("area", net)
    with pytest.raises(SearchError, match="cost model 'liberty' wants standard cells; name their file with --liberty"):
        cost_model("liberty", net)
    with pytest.raises(SearchError, match="cost model 'energy' wants activations; name images with --images or --data"):
        cost_model("energy", net)
    assert isinstance(cost_model("liberty", net, library=LIBRARY), StandardCells)
    assert [cost_model(name, net).kind for name in ("transistors", "lut6")] == ["counted", "estimated"]


def test_a_network_with_every_form_and_with_a_mix():
    net = network()
    mix = with_multipliers(net, {"fc1": Approximate(2, round_bits=4), "fc2": DivideConquer(2, True)})
    models = [Transistors(), cost_model("energy", net, IMAGES)]
    rows = network_costs(net, models, {"the mix": mix})
    assert [row.title for row in rows] == [*FORMS, "its own", "the mix"]
    by_title = {row.title: row for row in rows}
    assert by_title["its own"].layers == by_title["digits of 4"].layers
    assert (
        by_title["the mix"].layers["transistors"]["fc2"]
        == by_title["digits of 2, W and 3W"].layers["transistors"]["fc2"]
    )
    document = costs_document(net, models, rows)
    forms = {form["form"]: form for form in document["forms"]}
    mixed = forms["the mix"]
    assert mixed["multipliers"] == ["round to 4 bits, digits of 2", "digits of 2, W and 3W"]
    for base in (CONVENTIONAL, DIGITAL):
        wanted = round(by_title[base].price("energy") / by_title["the mix"].price("energy"), 3)
        assert mixed["times_less_than"][base]["energy"] == wanted
    assert forms[CONVENTIONAL]["times_less_than"] == {
        CONVENTIONAL: {"transistors": 1.0, "energy": 1.0},
        DIGITAL: {
            name: round(by_title[DIGITAL].price(name) / by_title[CONVENTIONAL].price(name), 3)
            for name in ("transistors", "energy")
        },
    }
    assert document["weights"] == 50 and document["weights_not_0"] == sum(
        np.count_nonzero(net.node(name).op.weights) for name in ("fc1", "fc2")
    )
    assert document["published_times_less_than"]["exact"][DIGITAL] == {"area": "1.23", "energy": "1.80"}


def test_networks_that_cannot_be_compared():
    net, other = network(), network(seed=1)
    with pytest.raises(
        NetworkError, match="layer fc1 of two has other weights in two; --mix wants the same network wi"
    ):
        network_costs(net, [Transistors()], {"mix": other})
    with pytest.raises(
        NetworkError, match="layer fc2 of two is missing in half; --mix wants the same network with oth"
    ):
        network_costs(net, [Transistors()], {"mix": Network("half", net.nodes[:2])})
    with pytest.raises(NetworkError, match="network bare has no table multiplications, so there is nothing to price"):
        network_costs(Network("bare", (net.nodes[0], Node("y", Rescale([1], [1], 0, 9), ("x",)))), [Transistors()], {})


def test_weights_of_0_alone_have_no_ratio():
    net = network()
    empty = Network("empty", (net.nodes[0], replace(net.nodes[1], op=TableMac([[0] * 6], [0]))))
    rows = network_costs(empty, [Transistors()], {})
    assert costs_document(empty, [Transistors()], rows)["forms"][0]["times_less_than"][DIGITAL] == {"transistors": 0.0}
