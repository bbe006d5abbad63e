# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Every part of the static Verilog library, alone, for more than 10,000 cycles of random stalls on all its streams.

What a part must deliver is computed here in Python. A beat that is lost, repeated, taken back or changed while it
waits, and a part that gets stuck, fail the test.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import pytest

from lutforge.errors import ToolError
from lutforge.hls import verilator
from lutforge.network import Network, Node
from lutforge.numerics import argmax
from lutforge.operations import Input, Window
from lutforge.reference import run as reference_run
from lutforge.streams import OutputStream

sys.path.insert(0, str(Path(__file__).parent))
from stream_bench import Bench, Part, Wire, pack

LIBRARY = {path.name: path.read_text() for path in sorted((Path(__file__).parents[2] / "hls" / "rtl").glob("*.v"))}
WRAPPERS = {"rtl_wrappers.v": Path(__file__).with_name("rtl_wrappers.v").read_text()}
BEATS = 12000
RNG = np.random.default_rng(20261120)


def words(bits: int, count: int = BEATS, lanes: int = 1):
    return RNG.integers(0, 1 << min(bits, 62), (count, lanes))


def same(name: str, module: str, bits: int, parameters: Dict[str, int]) -> Part:
    """A part that delivers what it is given."""
    wire = pack(bits, words(bits))
    return Part(name, module, parameters, {"in": wire}, {"out": wire})


def pipes_and_fifos() -> List[Part]:
    pipes = [same(f"pipe{n}", "bench_pipe", 9, {"WIDTH": 9, "STAGES": n}) for n in (1, 2, 5)]
    return pipes + [same(f"fifo{n}", "lutforge_fifo", 7, {"WIDTH": 7, "DEPTH": n}) for n in (1, 2, 3, 4, 7, 8, 33)]


def narrow(name: str, wide: int, lane: int, parts: int, total: int) -> Part:
    """parts: of one beat; total: of one image, whose last beat may hold padding."""
    per_image = -(-total // parts)
    images = BEATS // total + 1
    values = words(lane, images * total).reshape(images, total)
    rows = words(lane, images * per_image * parts).reshape(images, per_image * parts)  # padding is no matter what
    rows[:, :total] = values
    inside = pack(lane, rows.reshape(-1, parts))
    padded = Wire(wide, np.pad(inside.beats, ((0, 0), (0, -(-wide // 8) - inside.beats.shape[1]))))
    parameters = {"IN": wide, "OUT": lane, "PARTS": parts, "TOTAL": total}
    return Part(name, "lutforge_narrow", parameters, {"in": padded}, {"out": pack(lane, values.reshape(-1))})


def widen(name: str, lane: int, parts: int) -> Part:
    values = words(lane, BEATS // parts * parts)
    sinks = {"out": pack(lane, values.reshape(-1, parts))}
    return Part(name, "lutforge_widen", {"IN": lane, "PARTS": parts}, {"in": pack(lane, values)}, sinks)


def width_converters() -> List[Part]:
    return [
        narrow("narrow_even", 16, 4, 4, 4),
        narrow("narrow_whole", 24, 8, 3, 3 * 5),
        narrow("narrow_padded", 64, 5, 12, 31),
        narrow("narrow_one_part", 8, 8, 1, 3),
        narrow("narrow_single", 64, 8, 8, 5),
        widen("widen2", 8, 2),
        widen("widen7", 5, 7),
        widen("widen3", 1, 3),
    ]


def forks_and_joins() -> List[Part]:
    wire, other = pack(11, words(11)), pack(3, words(3))
    both = words(8)
    left, right = both & 31, both >> 5
    joined = pack(8, both)
    depths = {"LEFT": 2, "RIGHT": 5}
    return [
        Part("fork", "bench_fork", {"WIDTH": 11}, {"in": wire}, {"left": wire, "right": wire}),
        Part("fork_deep", "bench_fork", {"WIDTH": 3, **depths}, {"in": other}, {"left": other, "right": other}),
        Part(
            "join",
            "lutforge_join",
            {"LEFT": 5, "RIGHT": 3},
            {"left": pack(5, left), "right": pack(3, right)},
            {"out": joined},
            clocked=False,
        ),
        *(addition(*case) for case in ((4, 1, 4, 0, 6), (3, 0, 7, 1, 8), (5, 1, 5, 1, 3))),
        concatenation("concat", (1, 1, 1)),
        concatenation("concat_parts", (2, 1, 3)),
    ]


def addition(left: int, left_signed: int, right: int, right_signed: int, out: int) -> Part:
    """Three lanes; sums beyond `out` bits lose their upper ones."""
    x, y = words(left, lanes=3), words(right, lanes=3)
    sizes = {"LANES": 3, "LEFT": left, "LEFT_SIGNED": left_signed, "RIGHT": right, "RIGHT_SIGNED": right_signed}
    sums = np.where(x >> (left - 1) & left_signed, x - (1 << left), x)
    sums = sums + np.where(y >> (right - 1) & right_signed, y - (1 << right), y)
    sinks = {"out": pack(out, sums & ((1 << out) - 1))}
    return Part(
        f"add{left}_{right}", "lutforge_add", {**sizes, "OUT": out}, {"in": pack(left, x), "in1": pack(right, y)}, sinks
    )


def concatenation(name: str, beats: Tuple[int, int, int]) -> Part:
    """beats: of each stream in turn."""
    positions, bits = BEATS // sum(beats), 5
    parts = [words(bits, positions * count).reshape(positions, count) for count in beats]
    ends = sum((end - 1) << 16 * place for place, end in enumerate(np.cumsum(beats).tolist()))
    sources = {port: pack(bits, part.reshape(-1)) for port, part in zip("abc", parts, strict=True)}
    sinks = {"out": pack(bits, np.concatenate(parts, axis=1).reshape(-1))}
    return Part(name, "bench_concat", {"BITS": bits, "TOTAL": sum(beats), "ENDS": f"48'd{ends}"}, sources, sinks)


def counters() -> List[Part]:
    result = []
    for count in (1, 2, 5, 8):
        steps = words(1)[:, 0]
        values = (np.cumsum(steps) - steps) % count
        wanted = values << 2 | (values == count - 1) << 1 | (values == 0)
        sinks = {"out": pack(34, wanted)}
        result.append(Part(f"counter{count}", "bench_counter", {"COUNT": count}, {"in": pack(1, steps)}, sinks))
    return result


def memories() -> List[Part]:
    addresses = RNG.integers(0, len(ROM), BEATS)
    parameters = {"WIDTH": 13, "DEPTH": len(ROM), "FILE": '"rom.mem"'}
    rom = Part("rom", "bench_rom", parameters, {"in": pack(32, addresses)}, {"out": pack(13, ROM[addresses])})
    return [rom, *(vector(depth) for depth in (1, 2, 6)), *(delay(depth) for depth in (1, 2, 3, 10))]


ROM = RNG.integers(0, 1 << 13, 21)


def vector(depth: int) -> Part:
    """Beats are kept and read again, at random after the first of each place."""
    kept: Dict[int, int] = {}
    given, wanted = [], []
    for address, value, replay in zip(
        RNG.integers(0, depth, BEATS), RNG.integers(0, 64, BEATS), words(1)[:, 0], strict=True
    ):
        place, again = int(address), int(replay) if int(address) in kept else 0
        if not again:
            kept[place] = int(value)
        given.append(again << 14 | place << 6 | int(value))
        wanted.append(kept[place])
    parameters = {"WIDTH": 6, "DEPTH": depth}
    return Part(f"vector{depth}", "bench_vector", parameters, {"in": pack(15, given)}, {"out": pack(6, wanted)})


def delay(depth: int) -> Part:
    values = words(6)[:, 0]
    late = np.concatenate([np.zeros(depth, dtype=int), values[:-depth]])  # the first ones are not compared
    sinks = {"out": pack(6, late)}
    return Part(f"delay{depth}", "bench_delay", {"WIDTH": 6, "DEPTH": depth}, {"in": pack(6, values)}, sinks)


def window_part(name: str, op: Window, shape, lanes_in: int, lanes_out: int, images: int, bits: int = 5) -> Part:
    network = Network("window", (Node("x", Input(shape, 0, 31)), Node("y", op, ("x",))))
    values = RNG.integers(0, 32, (images, *shape))
    wanted = reference_run(network, values)
    top, bottom, left, right = op.padding
    parameters = {
        "IN": lanes_in * bits, "OUT": lanes_out * bits, "PARTS": shape[2] // lanes_in, "HEIGHT": shape[0],
        "WIDTH": shape[1], "TOP": top, "BOTTOM": bottom, "LEFT": left, "RIGHT": right, "KH": op.kernel[0],
        "KW": op.kernel[1], "SH": op.stride[0], "SW": op.stride[1],
        "BEATS": op.kernel[0] * op.kernel[1] * shape[2] // lanes_out,
        "PAD": sum(op.pad_code << bits * lane for lane in range(lanes_in)),
    }  # fmt: skip
    parameters["PAD"] = f"{lanes_in * bits}'d{parameters['PAD']}"
    sources = {"in": pack(bits, values.reshape(-1, lanes_in))}
    sinks = {"out": pack(bits, wanted.reshape(-1, lanes_out))}
    return Part(name, "lutforge_window", parameters, sources, sinks)


def windows() -> List[Part]:
    return [
        window_part("window_plain", Window((2, 2)), (5, 4, 1), 1, 4, 600),
        window_part("window_padded", Window((3, 3), (1, 1), (1, 1, 1, 1), 9), (4, 5, 2), 2, 6, 160),
        window_part("window_strided", Window((2, 3), (2, 3), (1, 0, 0, 2), 3), (6, 7, 2), 1, 4, 160),
        window_part("window_gaps", Window((1, 2), (3, 3)), (7, 6, 1), 1, 1, 300),
        window_part("window_one", Window((1, 1), (2, 2), (0, 1, 0, 0), 31), (3, 3, 1), 1, 1, 1000),
        window_part("window_tall", Window((3, 1), (1, 2), (2, 2, 1, 1), 7), (3, 4, 4), 2, 12, 250),
        window_part("window_blind", Window((1, 1), (2, 2), (0, 0, 1, 0), 9), (1, 1, 3), 1, 3, 2000),
    ]


def taps(name: str, parts: int, lanes: int, count: int, signed: bool, sums: bool = False) -> Part:
    """Windows in the order tap, channel; the largest or the sum of each channel comes out."""
    low, high = (-16, 16) if signed else (0, 32)
    values = RNG.integers(low, high, (BEATS // (parts * count), count, parts * lanes))
    bits, wanted = (9, values.sum(axis=1)) if sums else (5, values.max(axis=1))
    parameters = {"LANES": lanes, "BITS": 5, "SIGNED": int(signed), "PARTS": parts, "TAPS": count}
    parameters |= {"SUM": int(sums), "OUT": bits}
    sources, sinks = pack(5, values.reshape(-1, lanes)), pack(bits, wanted.reshape(-1, lanes))
    return Part(name, "lutforge_fold_taps", parameters, {"in": sources}, {"out": sinks})


def pools() -> List[Part]:
    return [
        taps("max_one", 1, 2, 4, False),
        taps("max_parts", 3, 2, 4, True),
        taps("max_single_tap", 2, 1, 1, True),
        taps("sum_one", 1, 2, 7, False, sums=True),
        taps("sum_parts", 3, 2, 4, True, sums=True),
    ]


def answers(name: str, classes: int, lanes: int, bits: int, signed: bool, output: str, beat: int) -> Part:
    """Batches of IMAGES images; ties of the largest logit are frequent."""
    layout = OutputStream(classes, output, beat)
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    logits = RNG.integers(low, high, (BEATS // max(classes // lanes + layout.beats, 1) // IMAGES * IMAGES, classes))
    logits[::3] = np.minimum(logits[::3], (low + high) // 2)
    parameters = {
        "CLASSES": classes, "LANES": lanes, "BITS": bits, "SIGNED": int(signed), "LOGITS": int(output != "class"),
        "CLASS": int(output != "logits"), "BEAT": beat, "BEATS": layout.beats, "LEVELS": (lanes - 1).bit_length(),
    }  # fmt: skip
    beats = layout.pack(logits).reshape(-1, beat // 8)
    last = np.zeros((len(logits) // IMAGES, IMAGES * layout.beats, 1), dtype=np.uint8)
    last[:, -1] = 1
    sinks = {"out": Wire(beat + 1, np.concatenate([beats, last.reshape(-1, 1)], axis=1))}
    assert (argmax(logits) > 0).any()
    sources = {"in": pack(bits, logits.reshape(-1, lanes))}
    return Part(name, "bench_answers", parameters, sources, sinks)


IMAGES = 3


def answer_stages() -> List[Part]:
    return [
        answers("answers_logits", 10, 1, 20, True, "logits", 64),
        answers("answers_class", 10, 2, 9, True, "class", 64),
        answers("answers_both", 7, 7, 9, False, "both", 128),
        answers("answers_both32", 5, 1, 32, True, "both", 32),
        answers("answers_few", 3, 3, 4, True, "class", 32),
        answers("answers_wide", 12, 6, 6, False, "logits", 128),
    ]


CTRL, GIER, IER, ISR, IMAGES_REGISTER = 0x00, 0x04, 0x08, 0x0C, 0x10


def control() -> List[Part]:
    """Batches through the gate, each between the register accesses of a driver; see bench_control for the fields."""
    ops: List[int] = []
    read: List[int] = []

    def access(
        register: int, value: int | None, wanted: int, strobe: int = 15, wait: bool = False, irq: int = 0
    ) -> None:
        ops.append(int(wait) << 43 | (value is not None) << 42 | register << 36 | strobe << 32 | (value or 0))
        read.append(irq << 33 | wanted)

    beats, images = 3, 0
    for batch in range(220):
        access(CTRL, None, 4)
        count = batch % 5 + 1
        access(IMAGES_REGISTER, count | 0x77665500, 0)
        access(IMAGES_REGISTER, 0, 0, strobe=0b1110)
        access(IMAGES_REGISTER, None, count)
        interrupts = batch % 4  # none, done, ready, both
        access(IER, interrupts, 0)
        access(IER, None, interrupts)
        access(GIER, 1, 0)
        access(GIER, None, 1)
        access(CTRL, 1, 0, strobe=0b1110)  # the start bit is not written
        access(CTRL, None, 4)
        access(CTRL, 1, 0)
        access(CTRL, None, 14, wait=True, irq=int(interrupts > 0))
        access(CTRL, None, 4, irq=int(interrupts > 0))
        access(ISR, None, interrupts, irq=int(interrupts > 0))
        access(ISR, interrupts, 0, irq=0) if interrupts == 0 else access(ISR, interrupts, 0)
        access(ISR, None, 0)
        access(0x20, None, 0)
        images += count
    access(IMAGES_REGISTER, 2, 0)
    access(IER, 0, 0)
    access(CTRL, 0x81, 0)  # restarts by itself: the third batch begins before the bit is taken back
    access(CTRL, None, 128 + 11, wait=True)
    access(CTRL, None, 128 + 11, wait=True)
    access(CTRL, 0, 0)
    wire = pack(8, words(8, (images + 3 * 2) * beats))
    sources = {"op": pack(44, ops), "in": wire}
    return [Part("control", "bench_control", {"BEATS": beats}, sources, {"read": pack(34, read), "gated": wire})]


SKIPPED = {f"delay{depth}": depth for depth in (1, 2, 3, 10)}
"""Beats at the beginning that may be anything."""

GROUPS = (
    pipes_and_fifos, width_converters, forks_and_joins, counters, memories, windows, pools, answer_stages, control
)  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    try:
        verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    parts = [part for group in GROUPS for part in group()]
    rom = "".join(f"{word:04x}\n" for word in ROM)
    return Bench(tmp_path_factory.mktemp("parts"), parts, {**LIBRARY, **WRAPPERS}, {"rom.mem": rom})


@pytest.mark.parametrize("seed", [1, 2])
def test_every_part_under_random_stalls(bench, seed):
    outcome = bench.run(seed)
    assert not outcome.errors and not outcome.stuck and not outcome.left
    for part in bench.parts:
        for name, wire in part.sinks.items():
            skip = SKIPPED.get(part.name, 0)
            found = outcome.beats[part.name, name]
            assert len(found) == len(wire.beats), f"{part.name}.{name}"
            assert np.array_equal(found[skip:], wire.beats[skip:]), f"{part.name}.{name}"
        assert outcome.cycles[part.name] > 10_000, f"{part.name} ran {outcome.cycles[part.name]} cycles only"
