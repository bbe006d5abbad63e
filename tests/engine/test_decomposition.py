# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Gates of up to six inputs in compiled code, as machine code and interpreted, against their truth tables.

The six address bits of a block of 64 images are the lanes, so the word of an output is the table itself.
"""

from __future__ import annotations

import numpy as np
import pytest

from lutforge import reference
from lutforge.engine.build import compiled
from lutforge.engine.executor import FastExecutor
from lutforge.engine.gates import NO_LANE, widened
from lutforge.engine.native import NativeBackend
from lutforge.engine.planner import plan
from lutforge.engine.program import PLANES, RAW, Buffer, Export, Import, Netlist, Program, placed
from lutforge.errors import ToolError
from lutforge.network import Network, Node
from lutforge.operations import Input, LutNeurons, TruthTables

ADDRESSES = np.arange(64)
ADDRESS_BITS = np.array(
    [sum(1 << address for address in range(64) if address >> bit & 1) for bit in range(6)], dtype=np.uint64
)[:, None]
"""Lanes [6, 1]: image `address` holds the bits of `address`."""

both_evaluators = pytest.mark.parametrize("code", [True, False], ids=["machine_code", "interpreted"])


def packed_program(inputs, sources, tables, outputs, positions=(1, 1), strides=(0, 0), lanes=None):
    """A program that reads lanes and writes lanes. lanes: of the source, where they are more than a position reads."""
    lanes, count = lanes or inputs, len(outputs) * positions[0] * positions[1]
    buffers = [Buffer(0, RAW, lanes), Buffer(1, PLANES, lanes), Buffer(2, PLANES, count)]
    wires = np.full((len(sources), 6), NO_LANE, dtype=np.int32)
    for gate, row in enumerate(sources):
        wires[gate, : len(row)] = row
    netlist = Netlist(
        buffers[1],
        buffers[2],
        inputs,
        wires,
        np.array(tables, dtype=np.uint64),
        np.array(outputs, dtype=np.int32),
        positions,
        strides,
    )
    stages = [Import(buffers[0], buffers[1]), netlist, Export(buffers[2], 0)]
    offsets, total = placed(stages, buffers)
    shape = (("lanes", (count,)),)
    return Program(tuple(stages), tuple(buffers), shape, offsets, total, lanes, 0, True, True)


def run_packed(program, lanes, code, count=None, units=None):
    """Lanes of the output, uint64 [lanes, words]."""
    backend = NativeBackend(program, code=code, units=units)
    assert backend.name.endswith(", code") == (code and bool(compiled().lutforge_engine_has_code()))
    found = np.zeros((program.outputs[0][1][0], lanes.shape[1]), dtype=np.int64)
    backend.run_packed(lanes, lanes.shape[1] * 64 if count is None else count, [found])
    return found.view(np.uint64)


def words_of(tables, inputs, code):
    """The output words of gates that read the first `inputs` address bits."""
    tables = widened(np.asarray(tables, dtype=np.uint64), inputs)
    gates = len(tables)
    program = packed_program(6, [range(inputs)] * gates, tables, range(6, 6 + gates))
    return run_packed(program, ADDRESS_BITS, code)[:, 0], tables


def simulated(lanes, inputs, sources, tables, outputs):
    """What the outputs hold, a gate and an image at a time. lanes: bits [lanes, images]."""
    values = list(lanes[:inputs].astype(np.int64))
    for row, table in zip(sources, tables, strict=True):
        address = np.zeros(lanes.shape[1], dtype=np.int64)
        for place, lane in enumerate(row):
            address |= values[lane] << place
        entries = np.array([int(table) >> entry & 1 for entry in range(64)])
        values.append(entries[address])
    return np.array([values[lane] for lane in outputs])


def packed_bits(bits):
    """Bits [lanes, images] as words, the last one filled up with zeros."""
    images = -(-bits.shape[1] // 64) * 64
    whole = np.zeros((len(bits), images), dtype=np.uint8)
    whole[:, : bits.shape[1]] = bits
    return np.packbits(whole, axis=1, bitorder="little").view("<u8")


def unpacked_bits(words, images):
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")[:, :images]


@both_evaluators
@pytest.mark.parametrize("inputs", range(5))
def test_every_table_of_up_to_four_inputs(inputs, code):
    found, wanted = words_of(np.arange(1 << (1 << inputs)), inputs, code)
    assert len(found) == (2, 4, 16, 256, 65536)[inputs] and np.array_equal(found, wanted)


@both_evaluators
@pytest.mark.parametrize("inputs", [5, 6])
def test_random_tables(inputs, code):
    tables = np.random.default_rng(inputs).integers(0, 2**64, 20_000, dtype=np.uint64)
    if inputs == 5:
        tables &= np.uint64(0xFFFFFFFF)
    found, wanted = words_of(tables, inputs, code)
    assert np.array_equal(found, wanted)


def structured_tables():
    """Tables of six inputs that are nearly simple: few ones, few zeros, sums, comparisons, a table of fewer inputs."""
    rng = np.random.default_rng(7)
    address = np.arange(64)
    bits = (address[:, None] >> np.arange(6)) & 1
    values = [np.zeros(64), np.ones(64), bits.sum(axis=1) & 1]
    values += [bits.sum(axis=1) > limit for limit in range(6)]
    values += [bits.sum(axis=1) == count for count in range(7)]
    values += [address == one for one in range(64)] + [address != one for one in range(64)]
    values += [address > limit for limit in range(64)]
    values += [(address & 7) > (address >> 3), (address & 7) == (address >> 3), (address & 7) * (address >> 3) > 9]
    values += [bits[:, (address >> 4)[0]], bits[address, address & 3], np.where(bits[:, 5], bits[:, 0], bits[:, 1])]
    for _ in range(400):  # some inputs do not matter, or only through the exclusive or with another
        matter = rng.permutation(6)[: rng.integers(1, 6)]
        inner = (bits[:, matter] << np.arange(len(matter))).sum(axis=1)
        value = rng.integers(0, 2, 64)[inner]
        values += [value, value ^ bits[:, rng.integers(6)], value & bits[:, rng.integers(6)]]
    return [sum(int(bit) << place for place, bit in enumerate(np.asarray(value).astype(int))) for value in values]


@both_evaluators
def test_tables_with_structure_and_inputs_that_do_not_matter(code):
    found, wanted = words_of(structured_tables(), 6, code)
    assert np.array_equal(found, wanted)


@both_evaluators
def test_sources_in_any_order_and_repeated(code):
    rng = np.random.default_rng(8)
    bits = unpacked_bits(ADDRESS_BITS, 64)
    sources, tables = [], []
    for _ in range(4000):
        fan_in = int(rng.integers(0, 7))
        sources.append(rng.integers(0, int(rng.integers(1, 7)), fan_in).tolist())
        table = np.array([rng.integers(0, 2**64, dtype=np.uint64) & np.uint64((1 << (1 << fan_in)) - 1)])
        tables.append(int(widened(table, fan_in)[0]))
    assert any(len(set(row)) < len(row) for row in sources)
    outputs = range(6, 6 + len(sources))
    found = run_packed(packed_program(6, sources, tables, outputs), ADDRESS_BITS, code)
    assert np.array_equal(unpacked_bits(found, 64), simulated(bits, 6, sources, tables, outputs))


NOT, SAME, ONE = 0x5555555555555555, 0xAAAAAAAAAAAAAAAA, 0xFFFFFFFFFFFFFFFF
AND2, XOR2 = 0x8888888888888888, 0x6666666666666666


@both_evaluators
@pytest.mark.parametrize(
    "sources, tables, outputs",
    [
        ([], [], [0, 5, 0, 0]),  # no gate: outputs are inputs
        ([[], []], [0, ONE], [6, 7, 6, 7]),  # constants, twice
        ([[2], [6], [7]], [NOT, NOT, NOT], [6, 7, 8, 2, 6]),  # inverters of inverters
        ([[3], [6], [7]], [SAME, SAME, NOT], [8, 7, 6]),  # wires
        ([[0, 1], [6, 6], [6, 7]], [AND2, XOR2, XOR2], [6, 7, 8, 6]),  # x ^ x, and a gate that reads it
        ([[0, 1], [6], [6, 7], [6, 7]], [XOR2, NOT, AND2, XOR2], [8, 9, 7, 7]),  # x & ~x, x ^ ~x; only ~x is output
        ([[], [0, 6], [], [0, 8], [7, 9]], [ONE, AND2, 0, XOR2, XOR2], [7, 9, 10]),  # gates that read constants
        ([[0, 1], [0, 1], [6, 7]], [AND2, AND2, XOR2], [8]),  # two equal gates
        ([[0, 1], [2, 3], [4, 5]], [AND2, AND2, XOR2], [7]),  # gates that nothing reads
        ([[0, 1], [6, 2], [7, 3], [8, 4]], [XOR2] * 4, [9, 6, 8, 0]),  # outputs that other gates read
        ([[5, 5, 5, 5, 5, 5]], [1 << 63], [6]),
        ([[5, 5, 5, 0, 0, 0]], [0x8000000000000001], [6, 6]),
    ],
)
def test_netlists_of_special_kinds(sources, tables, outputs, code):
    found = run_packed(packed_program(6, sources, tables, outputs), ADDRESS_BITS, code)
    wanted = simulated(unpacked_bits(ADDRESS_BITS, 64), 6, sources, tables, outputs)
    assert np.array_equal(unpacked_bits(found, 64), wanted)


def random_netlist(rng, inputs, gates, near):
    """Gates that read whatever was made before, or mostly (near) what was made lately; outputs of any kind."""
    sources, tables = [], []
    for gate in range(gates):
        fan_in = int(rng.choice(7, p=[0.02, 0.08, 0.2, 0.2, 0.2, 0.15, 0.15]))
        first = max(0, inputs + gate - near) if rng.random() < 0.8 else 0
        sources.append(rng.integers(first, inputs + gate, fan_in).tolist())
        tables.append(
            int(rng.choice(structured)) if rng.random() < 0.3 else int(rng.integers(0, 2**64, dtype=np.uint64))
        )
    outputs = rng.integers(0, inputs + gates, int(rng.integers(1, 30))).tolist()
    return sources, tables, outputs + ([inputs + gates - 1] if gates else [])


structured = np.array(structured_tables(), dtype=np.uint64)


@both_evaluators
@pytest.mark.parametrize("seed", range(40))
def test_random_netlists_on_many_images(seed, code):
    rng = np.random.default_rng([9, seed])
    inputs = int(rng.integers(1, 40))
    sources, tables, outputs = random_netlist(rng, inputs, int(rng.integers(0, 400)), int(rng.integers(1, 60)))
    images = int(rng.choice([1, 63, 64, 65, 511, 512, 513, 1500, 2048]))
    bits = rng.integers(0, 2, (inputs, images))
    program = packed_program(inputs, sources, tables, outputs)
    units = int(rng.choice([8, 16, 24]))
    found = run_packed(program, packed_bits(bits), code, count=images, units=units)
    assert np.array_equal(unpacked_bits(found, images), simulated(bits, inputs, sources, tables, outputs))


@both_evaluators
def test_positions_read_lanes_further_on(code):
    rng = np.random.default_rng(10)
    sources, tables, outputs = random_netlist(rng, 7, 60, 20)
    rows, columns, row_stride, column_stride = 3, 4, 11, 2
    lanes = (rows - 1) * row_stride + (columns - 1) * column_stride + 7
    bits = rng.integers(0, 2, (lanes, 700))
    program = packed_program(7, sources, tables, outputs, (rows, columns), (row_stride, column_stride), lanes)
    found = unpacked_bits(run_packed(program, packed_bits(bits), code, count=700), 700)
    for row in range(rows):
        for column in range(columns):
            start, place = row * row_stride + column * column_stride, row * columns + column
            wanted = simulated(bits[start:], 7, sources, tables, outputs)
            assert np.array_equal(found[place * len(outputs) :][: len(outputs)], wanted)


@both_evaluators
@pytest.mark.parametrize("alive", [31, 32, 33, 90, 105, 120, 150, 300])
def test_more_values_alive_than_registers(alive, code):
    """A chain whose links are each read once more, in another order, after the last was made."""
    rng = np.random.default_rng(alive)
    order = 6 + rng.permutation(alive)
    sources = [[0, 1], *([5 + link, link % 6] for link in range(1, alive))]
    sources += [order[start : start + 3].tolist() for start in range(0, alive - 2, 3)]
    tables = [(XOR2, AND2, XOR2 ^ AND2)[rng.integers(3)] for _ in range(alive)]
    tables += [(0x96, 0xE8)[rng.integers(2)] * 0x0101010101010101 for _ in range(alive // 3)]
    outputs = [5 + alive, *range(6 + alive, 6 + len(sources))]  # the end of the chain first, so all links are made
    found = run_packed(packed_program(6, sources, tables, outputs), ADDRESS_BITS, code)
    wanted = simulated(unpacked_bits(ADDRESS_BITS, 64), 6, sources, tables, outputs)
    assert np.array_equal(unpacked_bits(found, 64), wanted)


@pytest.mark.parametrize("tables", [*range(40, 131, 2), 5, 200, 500])
def test_a_neuron_of_many_tables_runs_natively(tables):
    """Its sum is a tree of adders, with all tables alive at once; tables of three inputs are one operation each."""
    rng = np.random.default_rng(tables)
    wiring = np.stack([rng.choice(256, 3, replace=False) for _ in range(tables)])
    ones = np.ones(tables, dtype=np.int64)
    op = LutNeurons(1, 256, 1, wiring, 0 * ones, ones, rng.integers(0, 2, (tables, 8)))
    network = Network("popcount", (Node("x", Input((256,), 0, 1)), Node("luts", op, ("x",))))
    images = rng.integers(0, 2, (600, 256))
    engine = FastExecutor(network, backend="native", threads=1)
    assert np.array_equal(engine.run(images), reference.run(network, images))


@both_evaluators
@pytest.mark.parametrize("inputs", range(1, 7))
def test_truth_tables_of_a_network_from_lanes_to_lanes(inputs, code):
    rng = np.random.default_rng([11, inputs])
    wiring = np.stack([rng.choice(6, inputs, replace=False) for _ in range(500)])
    contents = rng.integers(0, 4, (500, 1 << inputs))
    contents[0], contents[1] = 0, 3
    op = TruthTables(6, 1, 2, wiring, contents)
    network = Network("tables", (Node("x", Input((6,), 0, 1)), Node("tables", op, ("x",))))
    images = (ADDRESSES[:, None] >> np.arange(6)) & 1
    program = plan(network, packed=True)
    backend = NativeBackend(program, code=code)
    found = np.zeros((1000, 1), dtype=np.int64)
    backend.run_packed(ADDRESS_BITS, 64, [found])
    codes = unpacked_bits(found.view(np.uint64), 64).reshape(500, 2, 64)
    address = (images[:, wiring] << np.arange(inputs)).sum(axis=2)  # [images, neurons]
    wanted = contents[np.arange(500), address]
    assert np.array_equal((codes[:, 0] + 2 * codes[:, 1]).T, wanted)
    assert np.array_equal(reference.run(network, images), wanted)


@both_evaluators
def test_a_gate_that_reads_a_later_one_is_refused(code):
    with pytest.raises(ToolError, match="a gate reads a later one"):
        NativeBackend(packed_program(2, [[0, 3], [0, 1]], [AND2, AND2], [2, 3]), code=code)
