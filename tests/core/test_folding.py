# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`auto` finds the fastest schedule that fits, and says what does not."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from lutforge import cost, folding, mac_area, schedule
from lutforge.boards import Resources, load_board
from lutforge.errors import ScheduleError
from lutforge.multipliers import Conventional
from lutforge.network import Network, Node
from lutforge.operations import (
    ArgMax,
    BinaryMac,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    TableMac,
    Threshold,
    TiledLutNeurons,
    Window,
)
from lutforge.schedule import Folded, Schedule, Unrolled

PYNQ = load_board("pynq_z2")


def board(lut6, bram36=140):
    return replace(PYNQ, name="small", resources=Resources(lut6, 10**6, bram36, 0))


def mac(outputs, fan_in, **fields):
    """Odd weights, so that outputs share no product unless their weights are equal; about 100 in the mean."""
    weights = 71 + 2 * (np.arange(outputs * fan_in) * 11 % 29).reshape(outputs, fan_in)
    return TableMac(weights, np.zeros(outputs, int), **fields)


def mlp():
    return Network(
        "mlp",
        (
            Node("x", Input((12,))),
            Node("fc1", mac(6, 12), ("x",)),
            Node("scale", Rescale([1], [8], 0, 255), ("fc1",)),
            Node("fc2", mac(4, 6), ("scale",)),
            Node("top", ArgMax(), ("fc2",)),
        ),
    )


def price(network, plan):
    """The cost of a schedule whose streams are deep enough."""
    return cost.quick_estimate(network, mac_area.survey(network), plan, 64)


def every_schedule(network):
    names, options = [], []
    for node in network.nodes:
        if schedule.is_foldable(node):
            outputs, fan_in = schedule.mac_shape(node)
            names.append(node.name)
            shapes = itertools.product(schedule.divisors(outputs), schedule.divisors(fan_in))
            options.append([Unrolled(), *(Folded(pe, simd) for pe, simd in shapes)])
    return [Schedule(dict(zip(names, choice, strict=True))) for choice in itertools.product(*options)]


@pytest.mark.parametrize("lut6", [4300, 4400, 4500, 5000, 5600, 6500, 8000, 20000])
def test_no_schedule_that_fits_is_faster(lut6):
    network, small = mlp(), board(lut6)
    priced = [price(network, plan) for plan in every_schedule(network)]
    fitting = [one.interval_cycles for one in priced if cost.fits(one, small, 0.99).ok]
    chosen = price(network, folding.auto(network, small))
    assert cost.fits(chosen, small, 0.99).ok
    assert chosen.interval_cycles == min(fitting)


def test_random_networks_get_a_schedule_at_least_as_fast_as_any_random_one(random_networks, network_kind):
    rng = np.random.default_rng(21)
    for _ in range(6):
        network = random_networks.make_random_network(rng, network_kind)
        chosen = price(network, schedule.check(network, folding.auto(network, PYNQ)))
        assert cost.fits(chosen, PYNQ, 0.99).ok
        for _ in range(5):
            other = price(network, random_networks.make_random_schedule(rng, network))
            assert chosen.interval_cycles <= other.interval_cycles or not cost.fits(other, PYNQ, 0.99).ok


def test_a_larger_board_is_never_slower_and_the_answer_repeats():
    network = mlp()
    cycles = [
        price(network, folding.auto(network, board(lut6))).interval_cycles
        for lut6 in (3800, 3900, 4100, 4400, 5000, 30000)
    ]
    assert cycles == sorted(cycles, reverse=True) and cycles[0] > cycles[-1]
    assert folding.auto(network, board(4300)) == folding.auto(network, board(4300))


def test_layers_are_no_faster_than_the_stream_that_feeds_them():
    """784 pixels arrive in 98 beats: on a huge board, layers that need fewer cycles would waste it."""
    nodes = (Node("x", Input((784,))), Node("fc", mac(16, 784), ("x",)), Node("top", ArgMax(), ("fc",)))
    network = Network("wide", nodes)
    plan = folding.auto(network, board(10**7, 10**4))
    priced = [price(network, other) for other in every_schedule(network)]
    assert price(network, plan).interval_cycles == 98 == min(one.interval_cycles for one in priced)
    assert price(network, plan).lut6 == min(one.lut6 for one in priced if one.interval_cycles == 98)


def test_what_does_not_fit_is_named():
    with pytest.raises(
        ScheduleError,
        match=r"network mlp does not fit small: lut6 \d+ estimated at the smallest folding, limit 2970 \(99 % of 3000\); "
        r"most goes to axi_dma \(AxiDma\): 3000. Prune it, lower its bit widths, or take a larger board",
    ):
        folding.auto(mlp(), board(3000))
    with pytest.raises(ScheduleError, match=r"bram36 2 estimated at the smallest folding, limit 0.99 \(99 % of 1\)"):
        folding.auto(mlp(), board(50000, bram36=1))


def test_tables_that_do_not_fit_are_named():
    rng = np.random.default_rng(0)
    wiring = np.argsort(rng.random((9000, 64)), axis=1)[:, :6]
    op = LutNeurons(100, 64, 1, wiring, np.arange(9000) // 90, np.ones(9000, int), rng.integers(0, 2, (9000, 64)))
    network = Network("wide", (Node("x", Input((64,), 0, 1)), Node("luts", op, ("x",))))
    with pytest.raises(ScheduleError, match=r"most goes to luts \((LutNeurons|popcount)\): \d\d\d\d"):
        folding.auto(network, board(10000))


def test_what_cannot_be_folded_is_unrolled():
    luts = LutNeurons(2, 6, 1, [[0, 1], [2, 3]], [0, 1], [1, 1], [[0, 1, 1, 0]] * 2)
    network = Network(
        "n",
        (
            Node("x", Input((12,))),
            Node("fc", mac(6, 12, multiplier=Conventional()), ("x",)),
            Node("code", Threshold([[9000]]), ("fc",)),
            Node("luts", luts, ("code",)),
        ),
    )
    assert folding.auto(network, PYNQ).foldings == {"fc": Unrolled(), "luts": Unrolled()}
    assert folding.folded(network, 3, 4).foldings == {"fc": Unrolled(), "luts": Unrolled()}
    with pytest.raises(ScheduleError, match="network n does not fit small: lut6"):
        folding.auto(network, board(7000))


def tiled(outputs, elements, outer, inner, tables):
    """So many tables of four activations and a weight bit per output of a tile."""
    rng = np.random.default_rng(3)
    count = outputs // outer * tables
    wiring = np.argsort(rng.random((count, elements // inner)), axis=1)[:, :4]
    weights, contents = rng.integers(0, 2, (outer, inner, count)), rng.integers(0, 2, (count, 32))
    return TiledLutNeurons(outputs, elements, (1,), wiring, np.arange(count) // tables, contents, weights)


def test_tiled_layers_are_not_asked_how_they_fold():
    """A layer behind others is as fast as the tiles let it be; alone, its streams are still made deep enough."""
    x, code = Node("x", Input((64,), 0, 1)), Threshold([[20]])
    layers = (Node("tiles", tiled(64, 64, 4, 4, 3), ("x",)), Node("code", code, ("tiles",)))
    both = Network("both", (x, *layers, Node("fc", BinaryMac(np.ones((8, 64), int), (1,)), ("code",))))
    chosen = folding.auto(both, PYNQ)
    assert list(chosen.foldings) == ["fc"]
    assert price(both, chosen).interval_cycles == 16
    assert schedule.intervals(both, chosen, 64)["fc"] == 16  # hardware for fewer cycles would wait for the tiles
    alone = Network("alone", (x, *layers))
    assert folding.auto(alone, PYNQ).foldings == folding.folded(alone, 2, 2).foldings == {}
    deepened = folding.auto(alone, PYNQ)
    assert cost.estimate(alone, deepened, 64).interval_cycles <= cost.estimate(alone, Schedule({}), 64).interval_cycles
    with pytest.raises(ScheduleError, match=r"network alone does not fit small: lut6 \d+ .*most goes to axi_dma"):
        folding.auto(alone, board(3000))


def test_a_network_without_weights_needs_no_folding():
    network = Network("n", (Node("x", Input((4, 4, 1))), Node("pool", MaxPool((2, 2), (2, 2)), ("x",))))
    assert folding.auto(network, PYNQ) == Schedule({})


def test_folded_takes_the_largest_divisors():
    assert folding.folded(mlp(), 4, 8).foldings == {"fc1": Folded(3, 6), "fc2": Folded(4, 6)}
    assert folding.folded(mlp(), 1, 1).foldings == {"fc1": Folded(1, 1), "fc2": Folded(1, 1)}
    with pytest.raises(ScheduleError, match="pe 0 and simd 4 must be at least 1"):
        folding.folded(mlp(), 0, 4)


def test_folded_keeps_beats_within_a_stream():
    network = Network("n", (Node("x", Input((512,))), Node("fc", BinaryMac(np.ones((256, 512), int)), ("x",))))
    plan = folding.folded(network, 512, 512)
    assert plan.foldings == {"fc": Folded(32, 128)}  # 18-bit results, 8-bit pixels, 1024 bits


def test_folded_fits_every_random_network(random_networks, network_kind):
    rng = np.random.default_rng(4)
    for pe, simd in ((1, 1), (3, 5), (64, 64)):
        network = random_networks.make_random_network(rng, network_kind)
        schedule.check(network, folding.folded(network, pe, simd))


def test_thirteen_convolutions_are_folded():
    """The shapes of VGG-16 on 32 x 32 images, on a board that is large enough to leave a choice."""
    nodes, channels, extent = [Node("x", Input((32, 32, 3)))], 3, 32
    plan = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)
    for index, outputs in enumerate(plan):
        before = nodes[-1].name
        if not outputs:
            nodes.append(Node(f"pool{index}", MaxPool((2, 2), (2, 2)), (before,)))
            extent //= 2
            continue
        nodes.append(Node(f"window{index}", Window((3, 3), (1, 1), (1, 1, 1, 1)), (before,)))
        nodes.append(Node(f"conv{index}", mac(outputs, 9 * channels), (f"window{index}",)))
        nodes.append(Node(f"scale{index}", Rescale([1], [12], 0, 255), (f"conv{index}",)))
        channels = outputs
    network = Network("vgg", tuple(nodes))
    chosen = folding.auto(network, replace(load_board("zcu104"), resources=Resources(900_000, 10**7, 12_000, 0)))
    assert len(set(map(str, chosen.foldings.values()))) > 3
