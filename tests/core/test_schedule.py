# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Folding: what is refused and why, lanes and intervals counted by hand, and the text form."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge import schedule
from lutforge.errors import ScheduleError
from lutforge.multipliers import Conventional
from lutforge.network import Network, Node
from lutforge.operations import (
    ArgMax,
    BinaryMac,
    Encode,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    Reshape,
    TableMac,
    Threshold,
    TiledLutNeurons,
    Window,
)
from lutforge.schedule import Folded, Lanes, Schedule, Unrolled


def dense(outputs=6, fan_in=12, **table_mac):
    return TableMac(np.ones((outputs, fan_in), dtype=int), np.zeros(outputs, dtype=int), **table_mac)


@pytest.fixture
def network():
    """12 pixels -> 6 -> rescale -> LutNeurons of 4 -> the class."""
    luts = LutNeurons(4, 6, 1, [[0, 1]] * 4, [0, 1, 2, 3], [1] * 4, [[0, 0, 0, 1]] * 4)
    return Network(
        "n",
        (
            Node("x", Input((12,))),
            Node("fc", dense(), ("x",)),
            Node("code", Threshold([[100]]), ("fc",)),
            Node("luts", luts, ("code",)),
            Node("top", ArgMax(), ("luts",)),
        ),
    )


def test_a_good_schedule_passes(network):
    good = Schedule({"fc": Folded(3, 4), "luts": Unrolled()}, {"fc": 9})
    assert schedule.check(network, good) is good
    assert good.depth("fc") == 9 and good.depth("x") == schedule.DEFAULT_DEPTH


ERRORS = [
    ({"fc": Folded(4, 4), "luts": Unrolled()}, {}, r"node fc: pe 4 does not divide 6; use one of 1, 2, 3, 6"),
    ({"fc": Folded(3, 5), "luts": Unrolled()}, {}, r"node fc: simd 5 does not divide 12; use one of 1, 2, 3, 4, 6, 12"),
    ({"fc": Folded(0, 4), "luts": Unrolled()}, {}, r"node fc: pe 0 does not divide 6"),
    ({"fc": Folded(3, 4, "constant"), "luts": Unrolled()}, {}, r"node fc: constant tables in a folded layer"),
    ({"fc": Folded(3, 4), "luts": Folded(1, 1)}, {}, r"node luts: LutNeurons are constant tables.*schedule it unrolled"),
    ({"fc": Folded(3, 4)}, {}, r"node luts: the schedule does not say how it is folded"),
    ({"fc": Folded(3, 4), "luts": Unrolled(), "fc9": Unrolled()}, {}, r"names 'fc9', which cannot be folded; it may name fc, luts"),
    ({"fc": Folded(3, 4), "luts": Unrolled()}, {"fc": 0}, r"node fc: stream depth 0; the least is 1"),
    ({"fc": Folded(3, 4), "luts": Unrolled()}, {"fc.input": 0}, r"node fc: stream depth 0; the least is 1"),
    ({"fc": Folded(3, 4), "luts": Unrolled()}, {"fx": 4}, r"names 'fx', whose depth it gives but which is no node"),
]  # fmt: skip


@pytest.mark.parametrize(("foldings", "depths", "text"), ERRORS, ids=[text for _, _, text in ERRORS])
def test_a_bad_schedule_is_refused(network, foldings, depths, text):
    with pytest.raises(ScheduleError, match=text):
        schedule.check(network, Schedule(foldings, depths))


def test_registers_stand_a_level_apart_or_more(network):
    foldings = {"fc": Folded(3, 4), "luts": Unrolled()}
    assert schedule.check(network, Schedule(foldings, levels=1)).levels == 1
    with pytest.raises(ScheduleError, match="schedule: levels 0 between registers; the least is 1"):
        schedule.check(network, Schedule(foldings, levels=0))


def test_counters_are_of_a_known_make(network):
    foldings = {"fc": Folded(3, 4), "luts": Unrolled()}
    assert schedule.check(network, Schedule(foldings, counters="carry")).counters == "carry"
    assert Schedule(foldings).counters == "luts"
    with pytest.raises(ScheduleError, match=r"schedule: counters 'dsp' are unknown; use one of luts, carry"):
        schedule.check(network, Schedule(foldings, counters="dsp"))
    read = schedule.from_json('{"foldings": {"fc": "unrolled"}, "counters": 3}')
    with pytest.raises(ScheduleError, match="schedule: counters 3 are unknown"):
        schedule.check(network, read)
    assert schedule.from_json('{"foldings": {}}').counters == "luts"


def test_a_conventional_multiplier_cannot_be_folded():
    network = Network("n", (Node("x", Input((12,))), Node("fc", dense(multiplier=Conventional()), ("x",))))
    with pytest.raises(
        ScheduleError, match=r"node fc: constant tables in a folded layer.*unroll the layer, or use a divide"
    ):
        schedule.check(network, Schedule({"fc": Folded(1, 1)}))
    schedule.check(network, Schedule({"fc": Unrolled()}))


def test_a_beat_wider_than_a_stream_is_refused():
    network = Network("n", (Node("x", Input((256,))), Node("fc", dense(64, 256), ("x",))))
    with pytest.raises(
        ScheduleError, match=r"node fc: simd 256 x 8 bits is a beat of 2048 bits; the limit is 1024. Lower simd"
    ):
        schedule.check(network, Schedule({"fc": Folded(1, 256)}))
    with pytest.raises(
        ScheduleError, match=r"node fc: pe 64 x 17 bits is a beat of 1088 bits; the limit is 1024. Lower pe"
    ):
        schedule.check(
            Network(
                "n", (Node("x", Input((256,))), Node("fc", TableMac(np.full((64, 256), 2), np.zeros(64, int)), ("x",)))
            ),
            Schedule({"fc": Folded(64, 1)}),
        )
    schedule.check(network, Schedule({"fc": Folded(32, 128)}))


def tiled(outputs, elements, outer, inner):
    """A table of an activation and a weight bit per output of a tile."""
    tables = outputs // outer
    wiring = np.zeros((tables, 1), int)
    weights = np.zeros((outer, inner, tables), int)
    return TiledLutNeurons(outputs, elements, (1,), wiring, np.arange(tables), [[0, 1, 1, 0]] * tables, weights)


def tiled_network(*layout):
    op = tiled(*layout)
    return Network("n", (Node("x", Input((op.elements,), 0, 1)), Node("tiles", op, ("x",))))


def test_a_tiled_layer_is_folded_by_its_own_definition():
    network, plan = tiled_network(12, 32, 3, 4), Schedule({})
    assert schedule.check(network, plan) is plan
    assert plan.of(network.node("tiles")) == Folded(4, 8)
    assert schedule.lanes(network, plan, 64)["tiles"] == Lanes(8, 4)
    assert schedule.intervals(network, plan, 64, "class")["tiles"] == 3 * 4
    with pytest.raises(ScheduleError, match=r"schedule names 'tiles', which cannot be folded; it may name nothing"):
        schedule.check(network, Schedule({"tiles": Folded(4, 8)}))


def test_a_window_sends_a_tile_at_a_time():
    nodes = (
        Node("x", Input((4, 4, 2), 0, 1)),
        Node("window", Window((3, 3)), ("x",)),
        Node("tiles", tiled(4, 18, 2, 6), ("window",)),
    )
    network, plan = Network("n", nodes), Schedule({})
    assert schedule.lanes(network, plan, 64)["window"] == Lanes(2, 3)
    assert schedule.intervals(network, plan, 64)["tiles"] == 2 * 2 * 2 * 6


def test_a_tile_wider_than_a_beat_is_refused():
    with pytest.raises(
        ScheduleError,
        match=r"node tiles: simd 1026 x 1 bits is a beat of 1026 bits; the limit is 1024. Cut its inputs into more tiles",
    ):
        schedule.check(tiled_network(2, 2052, 1, 2), Schedule({}))
    with pytest.raises(
        ScheduleError,
        match=r"node tiles: pe 600 x 2 bits is a beat of 1200 bits; the limit is 1024. Cut its outputs into more tiles",
    ):
        schedule.check(tiled_network(600, 2, 1, 2), Schedule({}))
    schedule.check(tiled_network(1024, 1024, 1, 1), Schedule({}))


def test_an_operation_without_weights_has_no_shape_to_fold(network):
    with pytest.raises(ScheduleError, match="node code: a Threshold has no weights to fold"):
        schedule.mac_shape(network.node("code"))


def test_lanes_and_intervals_of_a_dense_network(network):
    plan = Schedule({"fc": Folded(3, 4), "luts": Unrolled()})
    assert schedule.lanes(network, plan, 64) == {
        "x": Lanes(8, 4),  # 12 pixels are one and a half beats of 8: the rest is handed on by four
        "fc": Lanes(4, 3),
        "code": Lanes(3, 3),
        "luts": Lanes(6, 4),
        "top": Lanes(4, 4),
    }
    assert schedule.intervals(network, plan, 64) == {
        "x": 3,
        "fc": 2 * 3,  # 6 / 3 rows of 12 / 4 beats
        "code": 2,
        "luts": 3,  # its answer: one beat of 4 logits is gathered, then two beats of two words are sent
        "top": 1,
    }
    assert schedule.intervals(network, plan, 64, "class")["luts"] == 2  # a converter from 3 to 6 lanes reads two beats


def test_many_logits_take_as_long_as_their_beats():
    network = Network("n", (Node("x", Input((8,), 0, 1)), Node("fc", dense(200, 8), ("x",))))
    plan = Schedule({"fc": Unrolled()})
    width = schedule.lanes(network, plan, 64)["fc"].outputs
    assert schedule.intervals(network, plan, 64)["fc"] == 200 // width + 100
    assert schedule.intervals(network, plan, 64, "class")["fc"] == 200 // width + 1


def test_an_unrolled_layer_takes_a_vector_in_beats_of_at_most_1024_bits():
    network = Network("n", (Node("x", Input((256,))), Node("fc", dense(4, 256), ("x",))))
    plan = Schedule({"fc": Unrolled()})
    assert schedule.lanes(network, plan, 64)["fc"] == Lanes(128, 4)
    assert schedule.intervals(network, plan, 64) == {"x": 32, "fc": 32}  # eight pixels a beat come in 32 beats
    assert schedule.intervals(network, plan, 128)["fc"] == 16


def test_lanes_and_intervals_of_an_image_network():
    network = Network(
        "n",
        (
            Node("x", Input((6, 5, 2))),
            Node("window", Window((3, 3), (1, 1), (1, 1, 1, 1)), ("x",)),
            Node("conv", dense(4, 18), ("window",)),
            Node("scale", Rescale([1], [4], 0, 255), ("conv",)),
            Node("pool", MaxPool((2, 2), (2, 2)), ("scale",)),
            Node("flat", Reshape((3 * 2 * 4,)), ("pool",)),
            Node("fc", dense(3, 24), ("flat",)),
        ),
    )
    plan = Schedule({"conv": Folded(2, 6), "fc": Folded(3, 8)})
    assert schedule.lanes(network, plan, 64) == {
        "x": Lanes(8, 4),
        "window": Lanes(2, 6),
        "conv": Lanes(6, 2),
        "scale": Lanes(2, 2),
        "pool": Lanes(4, 4),
        "flat": Lanes(4, 4),
        "fc": Lanes(8, 3),
    }
    assert schedule.intervals(network, plan, 64) == {
        "x": 15,
        "window": 8 * 7 + 30 * (3 - 1),  # padded pixels, and two more beats at each of 6 x 5 positions
        "conv": 30 * 2 * 3,
        "scale": 60,
        "pool": max(6 * 5 + 3 * 2 * (4 - 1), 120 // 2),
        "flat": 6,
        "fc": 6,
    }


def test_encode_keeps_its_features_together():
    network = Network(
        "n",
        (
            Node("x", Input((12,))),
            Node("encode", Encode([[50, 100, 150]]), ("x",)),
            Node("fc", BinaryMac(np.ones((2, 36), int)), ("encode",)),
        ),
    )
    plan = Schedule({"fc": Folded(1, 9)})
    assert schedule.lanes(network, plan, 64)["encode"] == Lanes(4, 12)
    assert schedule.intervals(network, plan, 64)["encode"] == 3
    assert schedule.intervals(network, plan, 64)["fc"] == 36 // 3  # 12 lanes to 9 go through their divisor 3


def test_a_schedule_comes_back_from_its_text(random_networks, network_kind):
    rng = np.random.default_rng(11)
    for _ in range(5):
        network = random_networks.make_random_network(rng, network_kind)
        plan = random_networks.make_random_schedule(rng, network)
        assert schedule.from_json(schedule.to_json(plan)) == plan
        assert schedule.to_json(schedule.from_json(schedule.to_json(plan))) == schedule.to_json(plan)


def test_the_text_of_a_schedule():
    plan = Schedule({"b": Unrolled(), "a": Folded(2, 4)}, {"a": 8})
    assert schedule.to_json(plan).split() == (
        [
            "{",
            '"counters":',
            '"luts",',
            '"depths":',
            "{",
            '"a":',
            "8",
            "},",
            '"foldings":',
            "{",
            '"a":',
            "{",
            '"pe":',
            "2,",
            '"simd":',
            "4",
            "},",
            '"b":',
            '"unrolled"',
            "},",
            '"levels":',
            "2",
            "}",
        ]
    )


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"foldings": 3}',
        '{"foldings": {"a": "folded"}}',
        '{"foldings": {"a": {"pe": 2}}}',
        '{"foldings": {"a": {"pe": 2, "simd": 1.5}}}',
        '{"foldings": {"a": {"pe": "2", "simd": 1}}}',
        '{"foldings": {"a": {"pe": 2, "simd": 1, "tile": 3}}}',
        '{"foldings": {}, "depths": {"a": 2.5}}',
        '{"foldings": {}, "depths": {"a": true}}',
    ],
)
def test_a_schedule_text_that_cannot_be_read_is_refused(text):
    with pytest.raises(ScheduleError, match=r"the schedule cannot be read \(.*\); wanted: \{.foldings"):
        schedule.from_json(text)
