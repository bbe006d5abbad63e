# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of what carries data: FIFOs, width converters, windows, the input, the answers and the control registers.

Each function counts what the module of the same name in `hls/rtl` holds.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import Mapping, Sequence

from lutforge.area import Parts, bits_of, counter, elastic, memory, parts, ram
from lutforge.branches import Branches, is_wiring
from lutforge.network import Network, Node, TensorType
from lutforge.operations import MaxPool, SumPool, Window
from lutforge.pipeline import answer_registers, resize_widths
from lutforge.schedule import DEFAULT_DEPTH, Lanes, Schedule
from lutforge.streams import input_stream, output_stream

PART_BITS = 16
"""Width of the counter of parts in `lutforge_narrow`, and of the next position in `lutforge_window`."""

NARROW = 4
"""Bits of a beat up to which two of them are registers in `lutforge_fifo`."""

SENT_BITS = 32
"""Width of the counter of images in `lutforge_answers`."""


def fifo(width: int, depth: int) -> Parts:
    """Return a FIFO: registers for one beat or two narrow ones, else LUTs used as memory with two pointers."""
    count = bits_of(depth)
    if depth == 1 or (depth == 2 and width <= NARROW):
        return parts(ff=depth * width + count, fifo=1, fifo_counter_bit=count, fifo_bit=(depth - 1) * width)
    place = bits_of(depth - 1)  # the read pointer is there twice: yosys makes a copy of it for the memory's port
    control = parts(ff=count + 3 * place, fifo=1, fifo_counter_bit=count + 2 * place, depth=3)
    return control + ram(depth, width, ports=2)


def narrow(width: int, count: int, total: int) -> Parts:
    """Return the converter of one beat into `count` beats of `width` bits; total: beats until it starts again."""
    if total == 1:  # nothing to count: a register
        return parts(ff=count * width) + elastic(1)
    return (
        parts(ff=count * width + PART_BITS, narrow=1, shift_bit=(count - 1) * width, depth=4)
        + counter(total)
        + elastic(1)
    )


def widen(width: int, count: int) -> Parts:
    """Return the converter of `count` beats of `width` bits into one."""
    return parts(ff=count * width + 1, widen=1, depth=2) + counter(count) + elastic(1)


def resized(before: int, after: int, bits: int, depth: int) -> Parts:
    """Return the converters between streams of so many elements per beat, each with its FIFO."""
    result, steps = Parts(), resize_widths(before, after)
    for one, other in pairwise(steps):
        count = max(one, other) // min(one, other)
        made = narrow(other * bits, count, count) if one > other else widen(one * bits, count)
        result += made + fifo(other * bits, depth if other == steps[-1] else DEFAULT_DEPTH)
    return result


def streams_of(network: Network, schedule: Schedule, node: Node, widths: Mapping[str, Lanes], ways: Branches) -> Parts:
    """Return the FIFOs that a node writes, one per reader, and the width converters in front of it."""
    if is_wiring(node):
        return Parts()
    result = Parts()
    for branch in ways.read.get(node.name, ()):
        bits, after = network.types[branch.source].bits, widths[node.name].inputs
        result += resized(widths[branch.source].outputs, after, bits, schedule.depth(branch.converted))
    written, beat = ways.written[node.name], widths[node.name].outputs * network.types[node.name].bits
    for branch in written:
        result += fifo(beat, schedule.depth(branch.stream))
    return result + parts(fork=len(written) - 1)


def add_parts(kind: TensorType, lanes: int) -> Parts:
    """Return a sum of two streams (`lutforge_add`): an adder per lane."""
    return parts(unit=1, ff=lanes * kind.bits, adder_bit=lanes * kind.bits, join=1, depth=3) + elastic(1)


def concat_parts(sources: Sequence[TensorType], kind: TensorType, lanes: int) -> Parts:
    """Return streams in turn (`lutforge_concat`): whose turn it is, and the choice of its beat."""
    ports, beat = len(sources), lanes * kind.bits
    steps = sum(source.channels for source in sources) // lanes
    choices, left = 0, ports
    while left > 1:  # a tree of choices among four
        left = ceil(left / 4)
        choices += left
    made = parts(unit=1, ff=beat + bits_of(ports - 1), turn=ports, choice_bit=beat * choices, depth=3)
    return made + counter(steps) + elastic(1)


def input_parts(kind: TensorType, width: Lanes, beat_bits: int) -> Parts:
    """Return what takes beats of the AXI stream apart."""
    groups = input_stream(kind, beat_bits).lanes // width.outputs
    unit = parts(unit=1)
    return unit + narrow(width.outputs * kind.bits, groups, kind.elements // width.outputs)


def delay(width: int, depth: int) -> Parts:
    """Return a line buffer (`lutforge_delay`): the last word in a register, the others in a memory."""
    if depth <= 2:
        return parts(ff=depth * width)
    place = counter(depth - 1)
    if memory(depth, width).bram36:
        return place + parts(bram36=memory(depth - 1, width).bram36)
    return place + parts(ff=width) + ram(depth - 1, width, ports=1)


def window_parts(op: Window, source: TensorType, lanes_in: int, lanes_out: int) -> Parts:
    """Return a sliding window: position, line buffers, the window's registers, and the choice of the beat to send."""
    height, width, channels = source.shape
    top, bottom, left, right = op.padding
    rows, columns = op.kernel
    count, beat, answer = channels // lanes_in, lanes_in * source.bits, lanes_out * source.bits
    slots, beats = (left + width + right) * count, rows * columns * channels // lanes_out
    position = counter(beats) + counter(slots) + counter(top + height + bottom) + elastic(2)
    registers = rows * columns * count * beat + answer + 2 + 2 * PART_BITS + bits_of(beats - 1)
    result = position + parts(
        ff=registers,
        window=1,
        pad_bit=beat if any(op.padding) else 0,
        mux=answer * ceil((beats - 1) / 3),
        depth=5,
    )
    for _ in range(rows - 1):
        result += delay(beat, slots)
    return result


def pool_parts(op: MaxPool | SumPool, source: TensorType, kind: TensorType, lanes: int) -> Parts:
    """Return a sliding window, and one compare and select, or one addition, per lane; channels wait in a ring."""
    bits, taps = lanes * source.bits, op.kernel[0] * op.kernel[1]
    ring = counter(source.channels // lanes) + counter(taps) + elastic(1)
    each = parts(accumulator_bit=lanes * kind.bits) if isinstance(op, SumPool) else parts(pool_bit=bits)
    best = ring + each + parts(ff=source.channels * kind.bits + 1, depth=3)
    return window_parts(op.windows(source.low), source, lanes, lanes) + fifo(bits, DEFAULT_DEPTH) + best


def answers_parts(network: Network, last: int, output: str, beat_bits: int) -> Parts:
    """Return the output stage. last: logits per beat that arrive."""
    kind, classes = network.logits, network.classes
    if kind.elements != classes:
        return Parts()
    beats, words, steps = output_stream(network, output, beat_bits).beats, beat_bits // 32, classes // last
    stages, arrived = answer_registers(last, output), last * kind.bits
    control = (stages - 1) * bits_of(steps + beats - 1) + SENT_BITS + 3
    result = counter(steps + beats) + elastic(stages) + parts(ff=control, unit=1, answers=1, depth=4) + equal(SENT_BITS)
    if output != "class":
        held, beat = classes * kind.bits, words * kind.bits
        if last == words and classes % words == 0:  # shifts the same way always: SRL16E
            result += parts(ff=beat, ram_site=beat)
        else:
            result += parts(ff=held, answer_bit=held - (0 if steps > 1 else beat))
        result += parts(ff=(stages - 1) * arrived)
    if output != "logits":
        result += _tournament(last, kind.bits, steps)
        # in front of the first round are registers that logits have too; behind them the class takes its turn in a word
        result += parts(ff=arrived) if output == "class" else parts(ff=1, table=kind.bits)
    return result


def _tournament(lanes: int, bits: int, steps: int) -> Parts:
    """Return the rounds of compare and select among the lanes, and the best of all beats, if there is more than one.

    Comparisons and choices of values are LUTs of two bits each (`hls/rtl/compare.v`); the last value of one beat is not
    chosen. Indices grow by a bit per round.
    """
    pair, index = ceil(bits / 2), bits_of(lanes * steps - 1)
    result, left, rounds = parts(ff=index), lanes, (lanes - 1).bit_length()
    for level in range(rounds):
        pairs, valued = left // 2, level < rounds - 1 or steps > 1
        left -= pairs
        result += parts(
            ff=left * (level + 1 + (bits if valued else 0)), table=pairs * pair * (1 + valued), class_bit=pairs * level
        )
    if steps > 1:
        result += parts(ff=bits + index, table=pair, class_bit=2 * index)
    return result


def equal(bits: int) -> Parts:
    """Return the comparison of two words (`lutforge_equal`)."""
    return parts(table=ceil(bits / 3))


def control_parts(beats: int) -> Parts:
    """Return the AXI-Lite registers and the gate behind the AXI input. beats: of an image.

    Flip-flops: ten flags, two of the handshakes, the reset, three words of 32 bits and the nine bits of a read that
    can be other than those of `images`.
    """
    return counter(beats) + equal(SENT_BITS) + parts(ff=10 + 2 + 1 + 3 * SENT_BITS, control=1, depth=5)
