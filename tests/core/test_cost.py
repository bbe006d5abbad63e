# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What networks cost: small ones counted by hand, and properties that must always hold."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge import cost, mac_area
from lutforge.area import Area, adder_tree, memory
from lutforge.boards import load_board
from lutforge.multipliers import DivideConquer
from lutforge.network import Network, Node
from lutforge.operations import Affine, ArgMax, BinaryMac, Encode, Input, LutNeurons, TableMac, Threshold
from lutforge.schedule import Folded, Schedule, Unrolled


def network(*ops):
    return Network("n", tuple(Node(f"n{i}", op, (f"n{i - 1}",) if i else ()) for i, op in enumerate(ops)))


def row(network, schedule, node, op):
    rows = [one for one in cost.estimate(network, schedule, 64).rows if (one.node, one.op) == (node, op)]
    assert len(rows) == 1
    return rows[0]


def test_an_unrolled_table_mac():
    """Two outputs of four 8 x 8 products, a zero among them; the one bias is one more operand."""
    weights = [[100, 100, 100, 100], [-100, 100, 0, 64]]
    net = network(Input((4,)), TableMac(weights, [5, 0], DivideConquer(4)))
    got = row(net, Schedule({"n1": Unrolled()}), "n1", "TableMac")
    tree = adder_tree(5, 16) + adder_tree(3, 16)
    assert tree == (2 * 17 + 18 + 19) + (17 + 18)
    assert (got.lut6, got.part, got.bram36, got.dsp) == (7 * 18 + tree, "core", 0, 0)


def test_a_folded_table_mac():
    """8 x 64 weights at PE 2, SIMD 4: eight products of 40 LUT6, W and 3W of 8 + 10 bits in 64 words."""
    weights = np.full((8, 64), 100)
    net = network(Input((64,)), TableMac(weights, np.zeros(8, int), DivideConquer(4)))
    got = row(net, Schedule({"n1": Folded(2, 4)}), "n1", "TableMac")
    accumulator = (100 * 64 * 255).bit_length()
    logic = 8 * 40 + 2 * (17 + 17 + 18) + 2 * accumulator
    assert got.lut6 == logic + 8 * 18 + 4 * 8 / 2 + 30  # weights in LUTs at 64 words, the vector in 16 words, control
    assert (got.interval_cycles, got.bram36) == (64, 0)
    deep = row(net, Schedule({"n1": Folded(1, 4)}), "n1", "TableMac")
    assert deep.bram36 == 1.0  # 128 words of 72 bits
    once = row(net, Schedule({"n1": Folded(8, 4)}), "n1", "TableMac")
    assert once.lut6 == 4 * logic + 32 * 18 / 2 + 30  # all outputs at once: the vector is not kept


def test_a_folded_binary_mac_on_integers():
    """Signs are folded into the adders; a pruned weight needs a mask and a second bit."""
    for zero, extra, bits in ((1, 0, 1), (0, 4 * 8, 2)):
        weights = np.ones((8, 64), int)
        weights[0, 0] = zero
        net = network(Input((64,)), BinaryMac(weights))
        got = row(net, Schedule({"n1": Folded(1, 4)}), "n1", "BinaryMac")
        tree, accumulator = 2 * 10 + 11, net.types["n1"].bits
        stored = memory(128, 4 * bits).lut6
        assert got.lut6 == extra + tree + accumulator + stored + 4 * 8 / 2 + 30


def test_a_binary_mac_on_codes():
    net = network(Input((10,), 0, 3), BinaryMac(np.ones((2, 10), int), (2, 1)))
    assert row(net, Schedule({"n1": Unrolled()}), "n1", "BinaryMac").lut6 == 2 * 18  # popcounts of 20 bits
    folded = row(net, Schedule({"n1": Folded(1, 5)}), "n1", "BinaryMac").lut6
    assert folded == 5 * (2 + 2 * 0.5) + net.types["n1"].bits + np.ceil(5 / 2) + 5 * 2 / 2 + 30


def test_lut_neurons_count_real_inputs():
    """A constant costs nothing, an inverter is wiring, an XOR is one LUT6; weight 3 counts twice."""
    tables = [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 1], [0, 1, 1, 1]]
    op = LutNeurons(2, 4, 1, [[0, 1]] * 4, [0, 0, 0, 1], [3, 1, 1, 1], tables)
    net = network(Input((4,), 0, 1), op)
    plan = Schedule({"n1": Unrolled()})
    assert row(net, plan, "n1", "LutNeurons").lut6 == 2
    assert row(net, plan, "n1", "popcount").lut6 == 3  # three bits at 0.9; neuron 1 has one bit and needs none
    assert row(net, plan, "n1", "popcount").part == "head"


def test_supports_finds_every_input():
    rng = np.random.default_rng(2)
    for inputs in range(1, 7):
        tables = rng.integers(0, 2, (40, 1 << inputs)).astype(np.uint8)
        tables[:20] &= tables[:20, ::-1]  # some with structure
        tables[0], tables[1] = 0, 1
        want = []
        for table in tables:
            reads = [any(table[a] != table[a ^ (1 << k)] for a in range(1 << inputs)) for k in range(inputs)]
            want.append(sum(reads))
        assert mac_area.supports(tables).tolist() == want


def test_thresholds_take_the_cheaper_form():
    """Five channels of 6-bit values: a code bit is one LUT6; one constant comparison too."""
    net = network(Input((5,), 0, 63), Threshold([[5, 10, 20]] * 5))
    assert row(net, Schedule({}), "n1", "Threshold").lut6 == 5 * 2
    # a wire, a comparison, two constants, a comparison
    one = network(Input((5,), 0, 63), Threshold([[31], [5], [-1], [63], [62]]))
    assert row(one, Schedule({}), "n1", "Threshold").lut6 == 2


def test_thresholds_that_take_turns_cost_more():
    own = network(Input((128,), 0, 255), Threshold(np.arange(128)[:, None] + [0, 40, 80]))
    shared = network(Input((128,), 0, 255), Threshold([[50, 90, 130]]))
    assert row(own, Schedule({}), "n1", "Threshold").lut6 > 2 * row(shared, Schedule({}), "n1", "Threshold").lut6


def test_an_encoder_compares_with_what_can_be_exceeded():
    net = network(Input((4,)), Encode([[100, 300, 127]]))
    assert row(net, Schedule({}), "n1", "Encode").lut6 == 4 * 2  # 300 is never exceeded, 127 is the top bit


def test_the_parts_of_a_network():
    op = LutNeurons(3, 8, 1, [[0, 1]] * 6, [0, 0, 1, 1, 2, 2], [1] * 6, [[0, 1, 1, 0]] * 6)
    net = network(
        Input((4,)),
        Encode([[50, 99]]),
        op,
        Threshold([[0]]),
        LutNeurons(2, 3, 1, [[0, 1]] * 4, [0, 0, 1, 1], [1] * 4, [[0, 1, 1, 0]] * 4),
        Affine([3, -3], [1, 1]),
        ArgMax(),
    )
    priced = cost.estimate(net, Schedule({"n2": Unrolled(), "n4": Unrolled()}), 64)
    parts = {(one.node, one.op): one.part for one in priced.rows if one.part != "stream"}
    assert parts == {
        ("n0", "Input"): "encoder",
        ("n1", "Encode"): "encoder",
        ("n2", "LutNeurons"): "core",
        ("n2", "popcount"): "core",
        ("n3", "Threshold"): "core",
        ("n4", "LutNeurons"): "core",
        ("n4", "popcount"): "head",
        ("n5", "Affine"): "head",
        ("n6", "ArgMax"): "head",
    }
    assert priced.label == "estimated, uncalibrated"
    assert sum(priced.lut6_by_part().values()) == priced.lut6
    assert list(priced.lut6_by_part()) == ["encoder", "core", "head", "stream"]


def test_totals_throughput_and_fit():
    rows = (
        cost.Row("a", "x", "core", 30000, 10, 70.5, 0, 100, 7),
        cost.Row("b", "y", "head", 20000, 5, 70.0, 0, 400, 9),
    )
    priced = cost.Cost(rows)
    assert (priced.lut6, priced.ff, priced.bram36, priced.dsp) == (50000, 15, 140.5, 0)
    assert (priced.interval_cycles, priced.latency_cycles) == (400, 416)
    assert priced.throughput_fps(100.0) == 250_000
    fit = cost.fits(priced, load_board("pynq_z2"))
    assert not fit.ok and fit.exceeded == ("bram36",)
    assert fit.utilisation["lut6"] == pytest.approx(93.98, abs=0.01)  # percent, rounded here for reading
    assert cost.fits(priced, load_board("pynq_z2"), fill=0.9).exceeded == ("lut6", "bram36")
    assert cost.fits(priced, load_board("zcu104")).ok


def test_everything_is_priced(random_networks, network_kind):
    rng = np.random.default_rng(8)
    for _ in range(15):
        net = random_networks.make_random_network(rng, network_kind)
        plan = random_networks.make_random_schedule(rng, net)
        priced = cost.estimate(net, plan, 64)
        assert {one.node for one in priced.rows} == {"axi_dma", "kernel", *net.types}
        assert all(
            one.lut6 >= 0 and one.ff >= 0 and one.bram36 >= 0 and one.interval_cycles >= 0 for one in priced.rows
        )
        assert priced.bram36 * 2 == int(priced.bram36 * 2)
        assert priced == cost.estimate(net, plan, 64)


def test_more_hardware_is_never_slower():
    net = network(Input((48,)), TableMac(np.full((24, 48), 77), np.zeros(24, int)))
    for simd in (1, 3, 16):
        priced = [cost.estimate(net, Schedule({"n1": Folded(pe, simd)}), 64) for pe in (1, 2, 4, 12, 24)]
        cycles = [one.interval_cycles for one in priced]
        assert cycles == sorted(cycles, reverse=True) and cycles[0] > cycles[-1]
        logic = [one.lut6 + 100 * one.bram36 for one in priced]
        assert logic == sorted(logic)


def test_areas_of_layers_do_not_depend_on_how_often_they_are_asked():
    net = network(Input((8,)), TableMac(np.full((4, 8), 3), np.ones(4, int)))
    facts = mac_area.survey(net)["n1"]
    assert facts.area(Folded(2, 2)) == facts.area(Folded(2, 2))
    assert isinstance(facts.area(Unrolled()), Area)
