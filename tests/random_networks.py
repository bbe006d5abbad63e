# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Small random networks that together hold every operation, and random images and schedules for them.

Tests reach this file through the fixture `random_networks` of tests/conftest.py. The same generator state
gives the same network, so a failing seed can be repeated.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.folding import flowing
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer, Multiplier, is_truncated
from lutforge.network import Network, Node, TensorType, infer
from lutforge.operations import (
    Add,
    Affine,
    ArgMax,
    BinaryMac,
    Concat,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Op,
    Rescale,
    Reshape,
    SumPool,
    TableMac,
    Threshold,
    TiledLutNeurons,
    TruthTables,
    Window,
)
from lutforge.schedule import (
    COUNTERS,
    MAX_BEAT_BITS,
    Folded,
    Folding,
    Schedule,
    Unrolled,
    check,
    divisors,
    is_foldable,
    mac_shape,
    stream_names,
)

Rng = np.random.Generator
BEAT_BITS = (32, 64, 128)
RANGES = ((0, 255), (-128, 127), (0, 15), (-8, 7), (0, 1), (3, 12), (0, 31))
MULTIPLIERS = (Conventional(), DivideConquer(2), DivideConquer(2, optimised=True), DivideConquer(4), Digital())


class Chain:
    """Nodes added one behind the other, or behind those that are named, with the type of the last edge at hand."""

    def __init__(self, source: Input):
        self.nodes: List[Node] = [Node("x", source)]
        self.kinds: Dict[str, TensorType] = {"x": infer(source, [])}

    @property
    def last(self) -> str:
        return self.nodes[-1].name

    @property
    def kind(self) -> TensorType:
        return self.kinds[self.last]

    def add(self, name: str, op: Op, *sources: str) -> str:
        inputs = sources or (self.last,)
        self.kinds[name] = infer(op, [self.kinds[source] for source in inputs])
        self.nodes.append(Node(name, op, inputs))
        return name

    def network(self, name: str) -> Network:
        return Network(name, tuple(self.nodes), {"made_by": "random_networks"})


def pick(rng: Rng, low: int, high: int) -> int:
    """An integer of low..high, both included."""
    return int(rng.integers(low, high + 1))


def per_channel(rng: Rng, kind: TensorType) -> int:
    """Rows of a parameter: one shared, or one per channel."""
    return kind.channels if rng.random() < 0.7 else 1


def table_mac(rng: Rng, kind: TensorType, outputs: int) -> TableMac:
    top = 1 << pick(rng, 1, 8)
    weights = rng.integers(-top, top, (outputs, kind.channels))
    weights[rng.random(weights.shape) < 0.2] = 0
    bias = rng.integers(-500, 500, outputs) * pick(rng, 0, 1)
    return TableMac(weights, bias, multiplier(rng, kind))


def multiplier(rng: Rng, kind: TensorType) -> Multiplier:
    """An exact multiplier, or any form of the approximate one."""
    if rng.random() < 0.6:
        return MULTIPLIERS[pick(rng, 0, len(MULTIPLIERS) - 1)]
    form = pick(rng, 0, 3)
    if form == 0:
        return Approximate(round_bits=pick(rng, 1, 7))
    if form == 1:
        return Approximate(truncate_bits=pick(rng, 1, 7))
    drops = (2, pick(rng, 1, 3)) if form == 2 else (4, 1)
    most = (1 << min(kind.bits - 1, drops[0] * drops[1])) - 1
    return Approximate(drops[0], drop_digits=drops[1], constant=pick(rng, 0, most) * pick(rng, 0, 1))


def binary_mac(rng: Rng, kind: TensorType, outputs: int, levels: Tuple[int, ...] = ()) -> BinaryMac:
    weights = rng.choice([-1, 1], (outputs, kind.channels))
    if rng.random() < 0.5:
        weights[rng.random(weights.shape) < 0.3] = 0
    return BinaryMac(weights, levels)


def random_levels(rng: Rng, count: int) -> Tuple[int, ...]:
    return tuple(sorted((pick(rng, 1, 6) for _ in range(count)), reverse=True))


def lut_neurons(rng: Rng, kind: TensorType, neurons: int) -> LutNeurons:
    bits = kind.channels * kind.bits
    inputs = min(pick(rng, 2, 6), bits)
    tables = pick(rng, neurons, 4 * neurons)
    wiring = np.stack([rng.choice(bits, inputs, replace=False) for _ in range(tables)])
    contents = rng.integers(0, 2, (tables, 1 << inputs))
    contents[rng.random(tables) < 0.1] = pick(rng, 0, 1)
    neuron = np.sort(rng.integers(0, neurons, tables))
    return LutNeurons(neurons, kind.channels, kind.bits, wiring, neuron, rng.integers(1, 5, tables), contents)


def tiled_lut_neurons(rng: Rng, kind: TensorType, neurons: int, levels: Tuple[int, ...]) -> TiledLutNeurons:
    """Any tiles that divide the layer. Some tables are constant or hand an input on, and some weight bits never change."""
    outer, inner = (int(rng.choice(divisors(extent))) for extent in (neurons, kind.channels))
    elements, outputs = kind.channels // inner, neurons // outer
    inputs = pick(rng, 2, 6)
    read = pick(rng, 1, min(inputs - 1, elements))
    tables = pick(rng, outputs, 4 * outputs)
    wiring = np.stack([rng.choice(elements, read, replace=False) for _ in range(tables)])
    contents = rng.integers(0, 2, (tables, 1 << inputs))
    contents[rng.random(tables) < 0.1] = pick(rng, 0, 1)
    handed = rng.random(tables) < 0.1
    contents[handed] = (np.arange(1 << inputs) >> pick(rng, 0, inputs - 1)) & 1
    weights = rng.integers(0, 1 << (inputs - read), (outer, inner, tables))
    settled = rng.random(tables) < 0.1
    weights[..., settled] = weights[:1, :1, settled]
    neuron = np.sort(rng.integers(0, outputs, tables))
    return TiledLutNeurons(neurons, kind.channels, levels, wiring, neuron, contents, weights)


def truth_tables(rng: Rng, kind: TensorType, neurons: int, code_bits: int) -> TruthTables:
    bits = kind.channels * kind.bits
    inputs = min(pick(rng, 1, 6), bits)
    wiring = np.stack([rng.choice(bits, inputs, replace=False) for _ in range(neurons)])
    contents = rng.integers(0, 1 << code_bits, (neurons, 1 << inputs))
    contents[rng.random(neurons) < 0.1] = pick(rng, 0, (1 << code_bits) - 1)
    return TruthTables(kind.channels, kind.bits, code_bits, wiring, contents)


def thresholds(rng: Rng, kind: TensorType, bits: int) -> Threshold:
    """A code of exactly `bits` bits; some thresholds lie outside the bounds and some are equal."""
    low, high = kind.low - 2, kind.high + 2
    steps = rng.integers(low, high + 1, (per_channel(rng, kind), (1 << bits) - 1))
    return Threshold(np.sort(steps, axis=1))


def rescale(rng: Rng, kind: TensorType) -> Rescale:
    """Down to at most 8 bits, clamping or not."""
    low, high = RANGES[pick(rng, 0, len(RANGES) - 1)]
    rows = per_channel(rng, kind)
    shift = np.full(rows, max(0, kind.bits - 8)) + rng.integers(0, 3, rows)
    return Rescale(rng.integers(1, 1 + pick(rng, 1, 7), rows), shift, low, high)


def affine(rng: Rng, kind: TensorType) -> Affine:
    rows = per_channel(rng, kind)
    return Affine(rng.integers(-40, 41, rows), rng.integers(-1000, 1001, rows))


def window(rng: Rng, kind: TensorType) -> Window:
    height, width, _ = kind.shape
    kernel = (pick(rng, 1, min(3, height)), pick(rng, 1, min(3, width)))
    padding = tuple(pick(rng, 0, 1) for _ in range(4)) if rng.random() < 0.7 else (0, 0, 0, 0)
    stride = (pick(rng, 1, 2), pick(rng, 1, 2))
    return Window(kernel, stride, padding, pick(rng, kind.low, kind.high))


def max_pool(rng: Rng, kind: TensorType) -> MaxPool:
    """Kernels may overlap or leave gaps, and be padded."""
    height, width, _ = kind.shape
    kernel = (pick(rng, 1, min(3, height)), pick(rng, 1, min(3, width)))
    most = [kernel[0] - 1, kernel[0] - 1, kernel[1] - 1, kernel[1] - 1]
    padding = tuple(pick(rng, 0, each) for each in most) if rng.random() < 0.5 else (0, 0, 0, 0)
    return MaxPool(kernel, (pick(rng, 1, 2), pick(rng, 1, 2)), padding)


def sum_pool(rng: Rng, kind: TensorType) -> SumPool:
    """Kernels may overlap or leave gaps."""
    height, width, _ = kind.shape
    kernel = (pick(rng, 1, min(4, height)), pick(rng, 1, min(4, width)))
    return SumPool(kernel, (pick(rng, 1, 2), pick(rng, 1, 2)))


def vector_input(rng: Rng) -> Input:
    low, high = RANGES[pick(rng, 0, len(RANGES) - 1)]
    return Input((pick(rng, 3, 19),), low, high)


def image_input(rng: Rng) -> Input:
    low, high = RANGES[pick(rng, 0, len(RANGES) - 1)]
    return Input((pick(rng, 4, 7), pick(rng, 4, 7), pick(rng, 1, 3)), low, high)


def finish(rng: Rng, chain: Chain, name: str) -> Network:
    if rng.random() < 0.5:
        chain.add("head", affine(rng, chain.kind))
    if rng.random() < 0.7:
        chain.add("argmax", ArgMax())
    return chain.network(name)


def dense_table(rng: Rng) -> Network:
    chain = Chain(vector_input(rng))
    for layer in range(pick(rng, 1, 2)):
        chain.add(f"fc{layer}", table_mac(rng, chain.kind, pick(rng, 2, 12)))
        chain.add(f"scale{layer}", rescale(rng, chain.kind))
    chain.add("last", table_mac(rng, chain.kind, pick(rng, 2, 10)))
    return finish(rng, chain, "dense_table")


def dense_binary(rng: Rng) -> Network:
    chain = Chain(vector_input(rng))
    chain.add("first", binary_mac(rng, chain.kind, pick(rng, 2, 12)))
    for layer in range(pick(rng, 1, 2)):
        bits = pick(rng, 1, 3)
        chain.add(f"code{layer}", thresholds(rng, chain.kind, bits))
        chain.add(f"fc{layer}", binary_mac(rng, chain.kind, pick(rng, 2, 12), random_levels(rng, bits)))
    return finish(rng, chain, "dense_binary")


def lut(rng: Rng) -> Network:
    chain = Chain(vector_input(rng))
    for layer in range(pick(rng, 1, 3)):
        chain.add(f"code{layer}", thresholds(rng, chain.kind, pick(rng, 1, 3)))
        chain.add(f"luts{layer}", lut_neurons(rng, chain.kind, pick(rng, 2, 12)))
    return finish(rng, chain, "lut")


def truth_table(rng: Rng) -> Network:
    """Codes to codes, on vectors or on the windows of an image."""
    chain = Chain(image_input(rng) if rng.random() < 0.5 else vector_input(rng))
    chain.add("code", thresholds(rng, chain.kind, pick(rng, 1, 3)))
    if len(chain.kind.shape) == 3:
        chain.add("window", window(rng, chain.kind))
        chain.add("tables0", truth_tables(rng, chain.kind, pick(rng, 2, 6), pick(rng, 1, 3)))
        chain.add("flat", Reshape((chain.kind.elements,)))
    for layer in range(1, pick(rng, 2, 4)):
        chain.add(f"tables{layer}", truth_tables(rng, chain.kind, pick(rng, 3, 14), pick(rng, 1, 3)))
    chain.add("last", truth_tables(rng, chain.kind, pick(rng, 2, 10), pick(rng, 1, 8)))
    return finish(rng, chain, "truth_table")


def conv_table(rng: Rng) -> Network:
    chain = Chain(image_input(rng))
    chain.add("window0", window(rng, chain.kind))
    chain.add("conv0", table_mac(rng, chain.kind, pick(rng, 2, 6)))
    chain.add("scale0", rescale(rng, chain.kind))
    chain.add("pool", max_pool(rng, chain.kind))
    chain.add("window1", window(rng, chain.kind))
    chain.add("conv1", table_mac(rng, chain.kind, pick(rng, 2, 6)))
    chain.add("scale1", rescale(rng, chain.kind))
    if rng.random() < 0.5:
        chain.add("total", sum_pool(rng, chain.kind))
        chain.add("mean", rescale(rng, chain.kind))
    chain.add("flat", Reshape((chain.kind.elements,)))
    chain.add("last", table_mac(rng, chain.kind, pick(rng, 2, 10)))
    return finish(rng, chain, "conv_table")


def conv_lut(rng: Rng) -> Network:
    chain = Chain(image_input(rng))
    chain.add("code0", thresholds(rng, chain.kind, pick(rng, 1, 2)))
    chain.add("window", window(rng, chain.kind))
    chain.add("luts0", lut_neurons(rng, chain.kind, pick(rng, 2, 8)))
    chain.add("code1", thresholds(rng, chain.kind, pick(rng, 1, 2)))
    chain.add("pool", max_pool(rng, chain.kind))
    chain.add("flat", Reshape((chain.kind.elements,)))
    chain.add("luts1", lut_neurons(rng, chain.kind, pick(rng, 2, 10)))
    return finish(rng, chain, "conv_lut")


def tiled(rng: Rng) -> Network:
    """Tiled layers of tables, on vectors or on the windows of an image first."""
    chain = Chain(image_input(rng) if rng.random() < 0.5 else vector_input(rng))
    for layer in range(pick(rng, 1, 3)):
        bits = pick(rng, 1, 3)
        chain.add(f"code{layer}", thresholds(rng, chain.kind, bits))
        if len(chain.kind.shape) == 3 and layer == 0:
            chain.add("window", window(rng, chain.kind))
        chain.add(f"tiled{layer}", tiled_lut_neurons(rng, chain.kind, pick(rng, 2, 12), random_levels(rng, bits)))
        if len(chain.kind.shape) == 3:
            chain.add("flat", Reshape((chain.kind.elements,)))
    return finish(rng, chain, "tiled")


def encoded(rng: Rng) -> Network:
    chain = Chain(vector_input(rng))
    rows, steps = per_channel(rng, chain.kind), pick(rng, 1, 5)
    edges = np.sort(rng.integers(chain.kind.low - 1, chain.kind.high + 2, (rows, steps)), axis=1)
    chain.add("encode", Encode(edges, "thermometer" if rng.random() < 0.5 else "bits"))
    chain.add("luts", lut_neurons(rng, chain.kind, pick(rng, 2, 12)))
    chain.add("code", thresholds(rng, chain.kind, 2))
    chain.add("last", binary_mac(rng, chain.kind, pick(rng, 2, 10), random_levels(rng, 2)))
    return finish(rng, chain, "encoded")


def residual(rng: Rng) -> Network:
    """Branches summed: the edge itself, rescaled, or behind a layer of its own; on images and on vectors."""
    chain = Chain(image_input(rng) if rng.random() < 0.7 else vector_input(rng))
    layer(rng, chain, "stem", pick(rng, 2, 4), size=1)
    for block in range(pick(rng, 1, 2)):
        entry, channels = chain.last, chain.kind.channels
        long = layer(rng, chain, f"long{block}", channels, size=3)
        kind = rng.random()
        short = entry
        if kind < 0.4:
            short = chain.add(f"short{block}", rescale(rng, chain.kinds[entry]), entry)
        elif kind < 0.7:
            short = layer(rng, chain, f"short{block}", channels, 1, entry)
        chain.add(f"sum{block}", Add(), *((long, short) if rng.random() < 0.7 else (short, long)))
        if rng.random() < 0.2:
            chain.add(f"twice{block}", Add(), chain.last, chain.last)
        chain.add(f"code{block}", rescale(rng, chain.kind))
    if len(chain.kind.shape) == 3:
        chain.add("pool", MaxPool((2, 2), (2, 2)))
        chain.add("flat", Reshape((chain.kind.elements,)))
    chain.add("last", table_mac(rng, chain.kind, pick(rng, 2, 6)))
    return finish(rng, chain, "residual")


def inception(rng: Rng) -> Network:
    """Branches side by side: layers, pools, codes, the edge itself, even twice; some behind a window that they share."""
    chain = Chain(image_input(rng))
    entry = layer(rng, chain, "stem", pick(rng, 2, 6), size=1)
    height, width, _ = chain.kind.shape
    ends = [entry] if rng.random() < 0.4 else []
    shared = chain.add("shared", same_window(rng, chain.kind, 3), entry)
    for branch in range(pick(rng, 2, 4 - len(ends))):
        kind = pick(rng, 0, 4)
        if kind == 0:
            ends.append(layer(rng, chain, f"b{branch}", pick(rng, 1, 6), 1, entry))
        elif kind == 1:
            ends.append(layer(rng, chain, f"b{branch}", pick(rng, 1, 6), 3, entry))
        elif kind == 2:
            chain.add(f"b{branch}_pool", MaxPool((3, 3), (1, 1), (1, 1, 1, 1)), entry)
            ends.append(layer(rng, chain, f"b{branch}", pick(rng, 1, 6), 1))
        elif kind == 3:
            ends.append(chain.add(f"b{branch}", thresholds(rng, chain.kinds[entry], pick(rng, 1, 3)), entry))
        else:
            ends.append(layer(rng, chain, f"b{branch}", pick(rng, 1, 6), 1, shared))
    ends.append(layer(rng, chain, "wide", pick(rng, 1, 6), 1, shared))
    chain.add("all", Concat(), *ends)
    if rng.random() < 0.5:
        chain.add("total", SumPool((height, width), (height, width)))
    else:
        chain.add("pool", MaxPool((3, 3), (2, 2)))
    chain.add("mean", rescale(rng, chain.kind))
    chain.add("flat", Reshape((chain.kind.elements,)))
    if rng.random() < 0.5:  # vectors that fork behind wiring
        left, right = (layer(rng, chain, name, pick(rng, 2, 8), 1, "flat") for name in ("left", "right"))
        chain.add("both", Concat(), left, right, left)
        chain.add("code", rescale(rng, chain.kind))
    chain.add("last", table_mac(rng, chain.kind, pick(rng, 2, 6)))
    return finish(rng, chain, "inception")


def same_window(rng: Rng, kind: TensorType, size: int) -> Window:
    """A square window that keeps the extent of an image."""
    edge = size // 2
    return Window((size, size), (1, 1), (edge, edge, edge, edge), pick(rng, kind.low, kind.high))


def layer(rng: Rng, chain: Chain, name: str, outputs: int, size: int, *sources: str) -> str:
    """A window of an image, where it has a size, a layer and its rescaling; the name of its last node."""
    source = sources[0] if sources else chain.last
    if size > 1 and len(chain.kinds[source].shape) == 3:
        source = chain.add(f"{name}_window", same_window(rng, chain.kinds[source], size), source)
    source = chain.add(f"{name}_mac", table_mac(rng, chain.kinds[source], outputs), source)
    return chain.add(name, rescale(rng, chain.kinds[source]), source)


MAKERS: Dict[str, Callable[[Rng], Network]] = {
    "dense_table": dense_table,
    "dense_binary": dense_binary,
    "lut": lut,
    "truth_table": truth_table,
    "conv_table": conv_table,
    "conv_lut": conv_lut,
    "encoded": encoded,
    "tiled": tiled,
    "residual": residual,
    "inception": inception,
}
KINDS = tuple(MAKERS)


def make_random_network(rng: Rng, kind: str) -> Network:
    """A network of one of KINDS."""
    return MAKERS[kind](rng)


def make_random_images(rng: Rng, network: Network, count: int) -> npt.NDArray[np.int64]:
    """Images [count, *input shape]; the first two hold the lowest and the highest value throughout."""
    kind = network.input
    images = rng.integers(kind.low, kind.high + 1, (count, *kind.shape))
    images[:1], images[1:2] = kind.low, kind.high
    return images


def make_random_schedule(rng: Rng, network: Network) -> Schedule:
    """A valid schedule: every layer unrolled, or any PE and SIMD that divide it; some deeper streams; any counters.

    Streams of branches that meet again are deep enough for the beats of every board.
    """
    foldings = {node.name: random_folding(rng, network, node) for node in network.nodes if is_foldable(node)}
    depths = {node.name: pick(rng, 3, 40) for node in network.nodes if rng.random() < 0.2}
    counters = COUNTERS[pick(rng, 0, 1)]
    more = [name for name in sorted(stream_names(network)) if name.rpartition(".")[2] not in ("input", name)]
    depths.update({name: pick(rng, 1, 9) for name in more if rng.random() < 0.3})
    schedule = check(network, Schedule(foldings, depths, counters=counters))
    for beat_bits in BEAT_BITS:
        schedule = flowing(network, schedule, beat_bits)
    return schedule


def random_folding(rng: Rng, network: Network, node: Node) -> Folding:
    fixed = isinstance(node.op, (LutNeurons, TruthTables)) or (
        isinstance(node.op, TableMac)
        and (isinstance(node.op.multiplier, Conventional) or is_truncated(node.op.multiplier))
    )
    if fixed or rng.random() < 0.25:
        return Unrolled()
    outputs, fan_in = mac_shape(node)
    pe = [n for n in divisors(outputs) if n * network.types[node.name].bits <= MAX_BEAT_BITS]
    simd = [n for n in divisors(fan_in) if n * network.input_type(node).bits <= MAX_BEAT_BITS]
    return Folded(int(rng.choice(pe)), int(rng.choice(simd)))
