# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What networks cost: parts against the Verilog that is emitted, totals, and properties that must always hold."""

from __future__ import annotations

import re
from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from lutforge import cost, mac_area, mac_shape, pipeline, stream_area
from lutforge.boards import load_board
from lutforge.cycles import count
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer
from lutforge.network import Network, Node
from lutforge.numerics import bits_for
from lutforge.operations import (
    Add,
    Affine,
    ArgMax,
    BinaryMac,
    Concat,
    Encode,
    Input,
    LutNeurons,
    Rescale,
    Reshape,
    TableMac,
    Threshold,
    TiledLutNeurons,
)
from lutforge.pointwise_area import pointwise_parts
from lutforge.schedule import Folded, Schedule, Unrolled, is_foldable
from lutforge.unrolled_area import product_parts

PYNQ = load_board("pynq_z2")


def network(*ops):
    return Network("n", tuple(Node(f"n{i}", op, (f"n{i - 1}",) if i else ()) for i, op in enumerate(ops)))


def emitted(net, plan, node="n1"):
    from lutforge.hls.rtl_generator import generate_rtl

    return generate_rtl(net, plan, PYNQ).texts[f"rtl/lutforge_node_{node}.v"]


def unrolled(net):
    return Schedule({node.name: Unrolled() for node in net.nodes if is_foldable(node)})


def facts_of(net, node="n1"):
    return mac_area.survey(net)[node]


def random_weights(seed, outputs, inputs, top=127):
    weights = np.random.default_rng(seed).integers(-top, top + 1, (outputs, inputs))
    weights[::2, ::3] = 0
    return weights


def lut_neurons(seed, neurons, tables, inputs, elements, bits):
    rng = np.random.default_rng(seed)
    total = neurons * tables
    wiring = np.stack([rng.choice(elements * bits, inputs, replace=False) for _ in range(total)])
    contents = rng.integers(0, 2, (total, 1 << inputs))
    contents[0], contents[1] = 1, [0, 1] * (1 << (inputs - 1))  # a constant, a wire
    neuron, weight = np.repeat(np.arange(neurons), tables), rng.integers(1, 4, total)
    return LutNeurons(neurons, elements, bits, wiring, neuron, weight, contents)


def tiled(seed, tiles=(4, 4), inputs=(4, 1), levels=(2, 1)):
    """32 outputs of 64 elements, eight tables per output of a tile. inputs: activations and weight bits."""
    rng = np.random.default_rng(seed)
    (outer, inner), (read, bits) = tiles, inputs
    tables = 32 // outer * 8
    wiring = np.stack([rng.choice(64 // inner, read, replace=False) for _ in range(tables)])
    contents = rng.integers(0, 2, (tables, 1 << (read + bits)))
    weights = rng.integers(0, 1 << bits, (outer, inner, tables))
    return TiledLutNeurons(32, 64, levels, wiring, np.arange(tables) // 8, contents, weights)


@pytest.mark.parametrize("multiplier", [DivideConquer(2), DivideConquer(4)], ids=str)
@pytest.mark.parametrize("low", [0, -32])
def test_products_are_those_of_the_verilog(multiplier, low):
    net = network(Input((9,), low, low + 63), TableMac(random_weights(1, 5, 9), np.arange(5), multiplier))
    text = emitted(net, unrolled(net))
    tables = sum(ceil(int(width) / 2) for width in re.findall(r"lutforge_table #\(\.WIDTH\((\d+)\)", text))
    adders = sum(int(width) for width in re.findall(r"lutforge_table_add #\(\.WIDTH\((\d+)\)", text))
    counts = facts_of(net).unrolled.counts
    assert counts["product_bit"] == tables + adders
    assert counts["adder_bit"] == sum(adder_bits(text, low, low + 63).values())


def adder_bits(text, low, high):
    """LUTs of each different adder of terms: not of bits that an operand leaves as they are, nor of a constant sign."""
    read = re.findall(r"(a\d+_\d+_\d+) <= (.+?)(?: ([+-]) (.+))?;", text)
    sums = {name: (left, sign, right) for name, left, sign, right in read}
    found = {}

    def term(name):
        """What a wire is, its bounds, and how many low bits are always 0."""
        if name in sums:
            left, sign, right = sums[name]
            return pair(term(left), sign, term(right)) if sign else term(left)
        weight = re.search(r"p(\d+)_(m?)(\d+)", name)
        if weight is None:
            bits, code = re.fullmatch(r"\$signed\((\d+)'h(\w+)\)", name).groups()
            value = int(code, 16) - (int(code, 16) >> (int(bits) - 1) << int(bits))
            return name, value, value, 0
        shift = re.search(r"(\d+)'h0+}", name)
        zeros, value = int(shift[1]) if shift else 0, int(weight[3]) * (-1 if weight[2] else 1)
        ends = sorted((value * low << zeros, value * high << zeros))
        return name, *ends, zeros

    def pair(left, sign, right):
        if sign == "+":
            least, most, free = left[1] + right[1], left[2] + right[2], max(left[3], right[3])
        else:
            least, most, free = left[1] - right[2], left[2] - right[1], right[3]
        width = bits_for(min(least, -1), max(most, 0)) - (least >= 0 or most < 0)
        name = f"({left[0]} {sign} {right[0]})"
        found[name] = max(0, width - free)
        return name, least, most, min(left[3], right[3])

    for name in sums:
        term(name)
    return found


def test_tables_of_products_are_those_of_the_verilog():
    net = network(Input((4,), 0, 31), TableMac(random_weights(2, 6, 4), np.zeros(6, int), Conventional()))
    text = emitted(net, unrolled(net))
    inits = [int(digits, 16) for digits in re.findall(r"LUT5 #\(\.INIT\(32'h([0-9a-f]+)\)", text)]
    assert facts_of(net).unrolled.counts["table"] == sum(0 < init < 2**32 - 1 for init in inits)


def test_tables_and_counters_are_those_of_the_verilog():
    net = network(Input((20,), 0, 3), lut_neurons(3, 6, 11, 4, 20, 2))
    facts, text = facts_of(net), emitted(net, unrolled(net))
    tables = facts.unrolled.counts["table"] + facts.popcount.counts["table"]
    assert tables == pytest.approx(len(re.findall(r"\bLUT\d\b", text)), abs=3)  # counters that a constant enters
    registers = sum(int(top) + 1 for top in re.findall(r"reg \[(\d+):0\] (?:q\d+|sums);", text))
    stages = mac_shape.neuron_sums(net.nodes[1].op, mac_shape.supports(net.nodes[1].op.tables), 7).registers(2)
    assert facts.popcount.ff == pytest.approx(registers + stages, rel=0.02)


def test_tables_of_tiles_are_those_of_the_verilog():
    """A table per level; a weight bit that never changes, or that a table ignores, costs neither table nor memory."""
    op = tiled(11)
    contents, weights = op.tables.copy(), op.weights.copy()
    contents[0], contents[1], contents[2] = 1, [0, 1] * 16, np.tile(contents[2, :16], 2)  # constant, wire, no weight
    weights[:, :, 3] = 1
    contents[3, 16:] = 0
    op = TiledLutNeurons(32, 64, (2, 1), op.wiring, op.neuron, contents, weights)
    net = network(Input((64,), 0, 3), op)
    facts, text = facts_of(net), emitted(net, Schedule({}))
    made = facts.parts(Folded(8, 16))
    assert made.counts["table"] == 2 * (64 - 3)
    counters = facts.popcount.counts["table"]
    assert made.counts["table"] + counters == pytest.approx(len(re.findall(r"\bLUT\d\b", text)), abs=3)
    assert made.counts["rom_column_16"] == pytest.approx(64 - 4, abs=0.1)  # the chance of equal columns
    registers = sum(int(top) + 1 for top in re.findall(r"reg \[(\d+):0\] (?:q\d+|sums);", text))
    assert facts.popcount.ff == pytest.approx(registers + 8 * net.types["n1"].bits, rel=0.02)
    assert (
        facts_of(network(Input((64,), 0, 3), tiled(12, (1, 1))))
        .parts(Folded(32, 64))
        .counts.keys()
        .isdisjoint({"rom_column_16", "ram_site", "vector_bit"})
    )


def test_equal_sums_of_signs_are_counted_once():
    weights = np.ones((8, 16), int)
    weights[4:] = -1
    one = facts_of(network(Input((16,)), BinaryMac(weights[[0, 4]]))).unrolled.counts["adder_bit"]
    assert facts_of(network(Input((16,)), BinaryMac(weights))).unrolled.counts["adder_bit"] == one


def test_a_folded_layer():
    """Eight 8 x 8 products of four digits: rows of W + 2 bits, sums held at 12 and 16 bits, digits and W between."""
    weights = random_weights(4, 8, 64)
    weights[0, 1] = 127
    net = network(Input((64,)), TableMac(weights, np.zeros(8, int), DivideConquer(4)))
    made = facts_of(net).parts(Folded(2, 4))
    width = net.types["n1"].bits
    assert made.counts["product_bit"] == 8 * 4 * 10
    assert made.counts["adder_bit"] == 2 * (2 * 17 + 18)
    assert made.counts["accumulator_bit"] == 2 * width
    assert made.counts["rom_column_64"] == pytest.approx(8 * 16)  # of 18 bits two are always equal to others
    assert made.counts["ram_site"] == 4 * 4  # 16 words of 32 bits, read where they are written
    assert made.counts["stage"] == 2 + 2 + 2
    assert facts_of(net).parts(Folded(1, 4)).bram36 == 1.0  # 128 words of 72 bits
    once = facts_of(net).parts(Folded(8, 4))
    assert "ram_site" not in once.counts and "vector_bit" not in once.counts


def test_a_pruned_layer_needs_masks():
    weights = np.ones((8, 64), int)
    assert "mask_bit" not in facts_of(network(Input((64,)), BinaryMac(weights))).parts(Folded(2, 4)).counts
    weights[0, 0] = 0
    made = facts_of(network(Input((64,)), BinaryMac(weights))).parts(Folded(2, 4))
    assert made.counts["mask_bit"] == made.counts["sign_bit"] == 2 * 4 * 9


def test_streams():
    assert stream_area.fifo(8, 1).ff == 8 + 1
    assert stream_area.fifo(4, 2).ff == 2 * 4 + 2
    assert stream_area.fifo(12, 2).counts["ram_site"] == 8
    assert stream_area.fifo(12, 40).counts["ram_site"] == 16
    assert stream_area.resized(8, 8, 4, 2).counts == {}
    there = stream_area.resized(6, 4, 8, 2)  # through two lanes
    assert there.counts["narrow"] == there.counts["widen"] == 1
    assert there.counts["fifo"] == 2


def test_thresholds_as_tables_and_as_comparisons():
    six = network(Input((5,), 0, 63), Threshold([[5, 10, 20]] * 5))
    source, kind = six.types["n0"], six.types["n1"]
    assert pointwise_parts(six.nodes[1].op, source, kind, 5).counts["table"] == 5 * 2
    eight = network(Input((2,)), Threshold([[31, 100, 200]] * 2))
    made = pointwise_parts(eight.nodes[1].op, *[eight.types[name] for name in ("n0", "n1")], 2)
    # bit 1 changes within one quarter of the values; bit 0 within two, and 31 is inside a quarter
    assert made.counts["table"] == 2 * (1 + 3)
    wide = network(Input((2,), 0, 1023), Threshold([[511], [7]]))
    made = pointwise_parts(wide.nodes[1].op, *[wide.types[name] for name in ("n0", "n1")], 2)
    assert made.counts["table"] == 1 + 2  # the top bit; seven bits above the lowest three
    never = network(Input((1,)), Threshold([[300]]))
    assert "table" not in pointwise_parts(never.nodes[1].op, never.types["n0"], never.types["n1"], 1).counts


def test_constants_that_take_turns_come_from_memory():
    own = network(Input((128,), 0, 4095), Threshold(np.arange(128)[:, None] + [0, 40, 80]))
    made = pointwise_parts(own.nodes[1].op, own.types["n0"], own.types["n1"], 2)
    assert made.counts["compare_bit"] == 2 * 3 * 13
    shared = network(Input((128,), 0, 4095), Threshold([[50, 90, 130]]))
    assert "compare_bit" not in pointwise_parts(shared.nodes[1].op, shared.types["n0"], shared.types["n1"], 2).counts


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
    priced = cost.estimate(net, unrolled(net), 64)
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
        ("answers", "Answers"): "head",
    }
    assert priced.label == "estimated, calibrated with yosys 0.70"
    assert sum(priced.lut6_by_part().values()) == priced.lut6
    assert list(priced.lut6_by_part()) == ["encoder", "core", "head", "stream"]
    guess = [one for one in priced.rows if one.node == "axi_dma"]
    assert priced.lut6 - priced.generated().lut6 == sum(one.lut6 for one in guess) == 3000


def test_totals_throughput_and_fit():
    rows = (
        cost.Row("a", "x", "core", 30000, 10, 70.5, 0, 7, 100),
        cost.Row("b", "y", "head", 20000, 5, 70.0, 0, 9, 400),
    )
    priced = cost.Cost(rows, 400, 416)
    assert (priced.lut6, priced.ff, priced.bram36, priced.dsp, priced.depth) == (
        50000,
        15,
        140.5,
        0,
        9 + cost.HANDSHAKE,
    )
    assert (priced.interval_cycles, priced.latency_cycles) == (400, 416)
    assert priced.throughput_fps(100.0) == 250_000
    fit = cost.fits(priced, PYNQ)
    assert not fit.ok and fit.exceeded == ("bram36",)
    assert fit.utilisation["lut6"] == pytest.approx(93.98, abs=0.01)  # percent, rounded here for reading
    assert cost.fits(priced, PYNQ, fill=0.9).exceeded == ("lut6", "bram36")
    assert cost.fits(priced, load_board("zcu104")).ok


def test_everything_is_priced(random_networks, network_kind):
    rng = np.random.default_rng(8)
    for output in ("logits", "class", "both"):
        net = random_networks.make_random_network(rng, network_kind)
        plan = random_networks.make_random_schedule(rng, net)
        priced = cost.estimate(net, plan, 64, output)
        assert {one.node for one in priced.rows} == {"axi_dma", "kernel", "answers", *net.types}
        assert all(
            one.lut6 >= 0 and one.ff >= 0 and one.bram36 >= 0 and one.interval_cycles >= 0 for one in priced.rows
        )
        assert priced.bram36 * 2 == int(priced.bram36 * 2)
        assert priced == cost.estimate(net, plan, 64, output)
        measured = count(pipeline.stages(net, plan, 64, output), 4)
        assert (priced.interval_cycles, priced.latency_cycles) == (measured.interval, measured.latency)


def test_more_hardware_is_never_slower():
    net = network(Input((48,)), TableMac(np.full((24, 48), 77), np.zeros(24, int)))
    for simd in (1, 3, 16):
        priced = [cost.estimate(net, Schedule({"n1": Folded(pe, simd)}), 64) for pe in (1, 2, 4, 12, 24)]
        cycles = [one.interval_cycles for one in priced]
        assert cycles == sorted(cycles, reverse=True) and cycles[0] > cycles[-1]
        products = [facts_of(net).parts(Folded(pe, simd)).counts["product_bit"] for pe in (1, 2, 4, 12, 24)]
        assert products == sorted(products)


def test_deeper_streams_and_more_registers_take_more():
    net = network(Input((24,)), TableMac(random_weights(5, 12, 24), np.arange(12)), Rescale([3], [8], 0, 255))
    plan = Schedule({"n1": Folded(4, 4)})
    shallow, deep = (cost.estimate(net, replace(plan, depths={"n1": depth}), 64) for depth in (2, 100))
    assert deep.lut6 > shallow.lut6 and deep.ff > shallow.ff
    each, second = (cost.estimate(net, replace(plan, levels=levels), 64) for levels in (1, 2))
    assert each.ff > second.ff and each.latency_cycles > second.latency_cycles and each.depth <= second.depth


def test_areas_of_layers_do_not_depend_on_how_often_they_are_asked():
    facts = facts_of(network(Input((8,)), TableMac(np.full((4, 8), 3), np.ones(4, int))))
    assert facts.parts(Folded(2, 2)) == facts.parts(Folded(2, 2))
    assert facts.parts(Unrolled()) == facts.parts(Unrolled())


def test_a_large_layer_is_sampled():
    """Of adders, which outputs hardly share; products are those of all outputs."""
    weights = np.random.default_rng(6).integers(-127, 128, (64, 600))
    small = facts_of(network(Input((600,)), TableMac(weights[:16], np.zeros(16, int)))).unrolled
    large = facts_of(network(Input((600,)), TableMac(weights, np.zeros(64, int)))).unrolled
    assert large.counts["adder_bit"] == pytest.approx(4 * small.counts["adder_bit"], rel=0.02)
    odd = np.abs(weights) // np.maximum(1, weights & -weights)
    shared = [set(column.tolist()) - {0, 1} for column in odd.T]
    products = sum(product_parts(DivideConquer(4), w, 8, False, 2).counts["product_bit"] for s in shared for w in s)
    assert large.counts["product_bit"] == products < 3 * small.counts["product_bit"]


TRUNCATED = Approximate(4, truncate_bits=6)
LAYERS = {
    "folded": (Input((24,)), TableMac(random_weights(7, 16, 24), np.arange(16) * 99), Folded(4, 4)),
    "digital": (Input((12,)), TableMac(random_weights(8, 6, 12), np.arange(6), Digital()), Folded(2, 4)),
    "signs": (Input((40,)), BinaryMac(np.sign(random_weights(9, 20, 40)) | 1), Folded(4, 10)),
    "unrolled": (Input((12,)), TableMac(random_weights(12, 24, 12, 20), np.arange(24)), Unrolled()),
    "arrays": (Input((12,), -128, 127), TableMac(random_weights(12, 24, 12, 20), np.arange(24), Digital()), Unrolled()),
    "truncated": (Input((12,)), TableMac(random_weights(12, 9, 12), np.arange(9), TRUNCATED), Unrolled()),
    "tables": (Input((24,), 0, 3), lut_neurons(10, 16, 9, 4, 24, 2), Unrolled()),
    "tiles": (Input((64,), 0, 3), tiled(13), None),
    "tiles of one pass": (Input((64,), 0, 7), tiled(14, (1, 4), (2, 2), (5, 2, 1)), None),
}


SLOW = {"folded", "unrolled", "arrays", "truncated", "digital", "signs", "tiles of one pass", "small tables", "codes"}


@pytest.mark.yosys
@pytest.mark.parametrize("layer", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in LAYERS])
def test_a_layer_takes_about_what_was_estimated(layer):
    from lutforge.hls.rtl_generator import generate_rtl
    from lutforge.netlist import read_netlist
    from lutforge.overlays.synthesis_cells import count_cells
    from lutforge.yosys import synthesise

    source, op, folding = LAYERS[layer]
    net = network(source, op)
    plan = Schedule({"n1": folding} if folding else {})
    design = generate_rtl(net, plan, PYNQ)
    made = synthesise(design.texts, "lutforge_node_n1", "xc7")
    real = count_cells(read_netlist(made.json, "lutforge_node_n1"), 0)
    facts = facts_of(net)
    told = (facts.parts(plan.of(net.node("n1"))) + facts.popcount).area()
    assert told.lut6 == pytest.approx(real.raw, rel=0.15)
    assert told.ff == pytest.approx(real.ff, rel=0.05)
    assert (told.bram36, told.dsp) == (real.bram36, real.dsp)


@pytest.mark.yosys
@pytest.mark.parametrize("op", [Add(), Concat()], ids=["sum", "concatenation"])
def test_nodes_of_two_inputs_take_about_what_was_estimated(op):
    from lutforge.hls.rtl_generator import generate_rtl
    from lutforge.netlist import read_netlist
    from lutforge.overlays.synthesis_cells import count_cells
    from lutforge.yosys import synthesise

    edges = [Node(name, Rescale([1], [0], low, 200), ("x",)) for name, low in (("left", -99), ("right", 0))]
    net = Network("n", (Node("x", Input((3, 4))), *edges, Node("both", op, ("left", "right"))))
    flat = Network("n", (*net.nodes, Node("logits", Reshape((net.logits.elements,)), ("both",))))
    made = synthesise(generate_rtl(flat, Schedule({}), PYNQ).texts, "lutforge_node_both", "xc7")
    real = count_cells(read_netlist(made.json, "lutforge_node_both"), 0)
    told = next(row for row in cost.estimate(flat, Schedule({}), 64).rows if row.node == "both" and row.op != "stream")
    assert told.lut6 == pytest.approx(real.raw, rel=0.15) and told.ff == real.ff


def test_each_reader_of_a_stream_has_a_fifo_of_its_own():
    ends = [Node(name, Rescale([1], [0], 0, 255), ("x",)) for name in "abc"]
    net = Network("n", (Node("x", Input((8,))), *ends, Node("all", Concat(), ("a", "b", "c"))))
    depths = {"x": 2, "x.output1": 40, "x.output2": 100}
    (streams,) = (
        row for row in cost.estimate(net, Schedule({}, depths), 64).rows if (row.node, row.op) == ("x", "stream")
    )
    fifos = [stream_area.fifo(64, depth).area() for depth in depths.values()]
    assert streams.ff == sum(one.ff for one in fifos)
    assert streams.lut6 == pytest.approx(sum(one.lut6 for one in fifos), abs=3)


def binary_codes(seed, outputs, inputs, levels):
    rng = np.random.default_rng(seed)
    weights = rng.choice([-1, 1], (outputs, inputs))
    weights[rng.random(weights.shape) < 0.2] = 0
    return network(Input((inputs,), 0, (1 << len(levels)) - 1), BinaryMac(weights, levels))


def inverters():
    """Three sums of 30 bits of which about half are inverted: tables of one input."""
    rng = np.random.default_rng(4)
    wiring = np.concatenate([rng.choice(40, 30, replace=False) for _ in range(3)])[:, None]
    contents = np.array([[0, 1], [1, 0]])[rng.integers(0, 2, 90)]
    op = LutNeurons(3, 40, 1, wiring, np.repeat(np.arange(3), 30), np.ones(90, int), contents)
    return network(Input((40,), 0, 1), op)


CARRIED = {
    "tables": (network(Input((40,), 0, 3), lut_neurons(11, 8, 40, 6, 40, 2)), 1),
    "small tables": (network(Input((40,), 0, 3), lut_neurons(12, 8, 40, 3, 40, 2)), 1),
    "inverters": (inverters(), 1),
    "codes": (binary_codes(1, 6, 40, (2, 1)), 2),
}


@pytest.mark.yosys
@pytest.mark.parametrize("layer", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CARRIED])
def test_counters_on_carry_chains_take_the_luts_that_were_told(layer):
    """Each is a LUT6_2, as two small tables are; inverted bits cost nothing, and control is all that synthesis adds."""
    from lutforge.hls.rtl_generator import generate_rtl
    from lutforge.netlist import read_netlist
    from lutforge.overlays.synthesis_cells import count_cells
    from lutforge.overlays.synthesis_depth import longest_path
    from lutforge.yosys import synthesise

    net, levels = CARRIED[layer]
    plan = replace(unrolled(net), counters="carry", levels=levels)
    netlist = read_netlist(synthesise(generate_rtl(net, plan, PYNQ).texts, "lutforge_node_n1").json, "lutforge_node_n1")
    real, facts = count_cells(netlist, 0), mac_area.survey(net, levels, "carry")["n1"]
    told = facts.unrolled + facts.popcount
    alone = sum(count for kind, count in real.luts.items() if kind != "LUT6_2")
    assert real.luts["LUT6_2"] >= told.counts["table"] - alone  # control takes some LUTs that are no tables
    assert layer != "small tables" or alone < 40
    assert real.luts["LUT1"] == 0
    assert told.area().lut6 == pytest.approx(real.raw, rel=0.03, abs=4)
    assert told.ff == pytest.approx(real.ff, rel=0.05)
    assert told.depth == longest_path(netlist).levels


def test_counters_on_carry_chains_are_half_of_those_of_tables():
    net = binary_codes(1, 6, 40, (2, 1))
    costs = [cost.estimate(net, replace(unrolled(net), counters=make), 64) for make in ("luts", "carry")]
    assert costs[1].generated().lut6 < 0.7 * costs[0].generated().lut6
    assert costs[1].latency_cycles <= costs[0].latency_cycles
