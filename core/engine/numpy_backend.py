# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Programs in plain numpy: what runs where no compiler is, and the plainest statement of what a stage does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

import numpy as np
import numpy.typing as npt

from lutforge.engine.program import (
    BYTES,
    PAD,
    PLANES,
    RAW,
    UNIT,
    ArgMax,
    Buffer,
    Combine,
    Count,
    Expand,
    Export,
    Gather,
    Import,
    Load,
    Matmul,
    Netlist,
    Pointwise,
    Pool,
    Program,
    Slice,
    Stage,
)
from lutforge.errors import EngineError, unreachable

Ints = npt.NDArray[Any]
MAX_BLOCK, BLOCK_BYTES = 4096, 8 << 20
"""Images of a block at most, since gates are cheap only if one numpy call works on many words, and its memory."""


@dataclass(frozen=True)
class Level:
    """Gates that need only lanes made before. targets: their lanes; sources: [gates, K]; tables: [gates]."""

    targets: Ints
    sources: Ints
    tables: npt.NDArray[np.uint64]


class NumpyBackend:
    """Runs one program; `name` says what it is."""

    name = "numpy"

    def __init__(self, program: Program):
        self.program = program
        self.block = UNIT * max(1, min(MAX_BLOCK // UNIT, BLOCK_BYTES // max(1, program.unit_bytes)))
        self.memory_bytes = 16 * program.unit_bytes * (self.block // UNIT)  # with numpy's intermediates, about
        self.levels = {id(stage): _levels(stage) for stage in program.stages if isinstance(stage, Netlist)}

    def run(self, raw: Ints, outputs: List[npt.NDArray[np.int64]]) -> None:
        """Evaluate raw images [batch, elements] into outputs, int64 [batch, rows] each."""
        if self.program.packed:
            raise EngineError("a packed program reads lanes: call run_packed")
        last: Dict[int, Ints] = {}
        for start in range(0, len(raw), self.block):
            part = raw[start : start + self.block]
            padded = np.zeros((-(-len(part) // UNIT) * UNIT, raw.shape[1]), dtype=raw.dtype)
            padded[: len(part)] = part
            self._evaluate(padded, start, len(part), outputs, last)

    def run_packed(self, lanes: npt.NDArray[np.uint64], count: int, outputs: List[npt.NDArray[np.int64]]) -> None:
        """Evaluate lanes [lanes, ceil(count / 64)] of a packed program."""
        last: Dict[int, Ints] = {}
        for start in range(0, count, self.block):
            words = lanes[:, start // UNIT : (start + self.block) // UNIT]
            self._evaluate(words, start, min(self.block, count - start), outputs, last)

    def _evaluate(
        self, raw: Ints, start: int, images: int, outputs: List[npt.NDArray[np.int64]], last: Dict[int, Ints]
    ) -> None:
        """Evaluate a block, the images from `start` on. last: bits of the image before, for counts."""
        values: Dict[int, Ints] = {}
        for stage in self.program.stages:
            if isinstance(stage, Count):
                self._count(stage, values, images, outputs[stage.number], last)
            elif isinstance(stage, Export):
                found = values[stage.source.number]
                if stage.source.format == PLANES:
                    outputs[stage.number][:, start // UNIT :][:, : found.shape[1]] = found.view(np.int64)
                    continue
                low = stage.source.low if stage.source.format == BYTES else 0
                outputs[stage.number][start : start + images] = found.T[:images].astype(np.int64) + low
            else:
                values[stage.dest.number] = self._stage(stage, values, raw)

    @staticmethod
    def _count(stage: Count, values: Dict[int, Ints], images: int, sums: Ints, last: Dict[int, Ints]) -> None:
        """Add the flips of a block, and of its first image against the block before."""
        found = values[stage.source.number]
        if stage.source.format == PLANES:
            bits: Ints = unpacked(found).reshape(stage.source.rows * stage.source.bits, -1)[:, :images]
        else:
            low = stage.source.low if stage.source.format == BYTES else 0
            x = found[:, None, :images].astype(np.int64) + low
            bits = ((x >> np.arange(stage.bits)[:, None]) & 1).reshape(-1, images)
        before = last.get(stage.number, bits[:, :1])
        sums += (
            (np.diff(bits.astype(np.int8), axis=1, prepend=before.astype(np.int8)) != 0).sum(axis=1).reshape(sums.shape)
        )
        last[stage.number] = bits[:, -1:]

    def _stage(self, stage: Stage, values: Dict[int, Ints], raw: Ints) -> Ints:
        def numbers(buffer: Buffer) -> Ints:
            return values[buffer.number].astype(np.int64) + (buffer.low if buffer.format == BYTES else 0)

        match stage:
            case Load():
                return np.ascontiguousarray(raw.T)
            case Import():
                return raw
            case Slice():
                return packed((raw.T[:, None, :].astype(np.int64) > stage.thresholds[..., None]).reshape(-1, len(raw)))
            case Netlist():
                return _netlist(stage, self.levels[id(stage)], values[stage.source.number])
            case Pointwise():
                return stored(pointwise(stage, numbers(stage.source)), stage)
            case Matmul():
                return _matmul(stage, values, raw)
            case Gather():
                source = values[stage.source.number]
                bits = stage.dest.bits if stage.dest.format == PLANES else 1
                rows = source.reshape(-1, bits, source.shape[-1])[stage.index]
                if (stage.index == PAD).any():
                    rows[stage.index == PAD] = _fill(stage, bits, rows.dtype)
                return np.asarray(rows.reshape(-1, source.shape[-1]))
            case Pool():
                return np.asarray(values[stage.source.number][stage.index].max(axis=1))
            case Combine():
                return _combined(stage, [numbers(source) for source in stage.sources])
            case Expand():
                lanes = unpacked(values[stage.source.number]).reshape(stage.source.rows, stage.source.bits, -1)
                total = (lanes.astype(np.int64) * stage.values[:, None]).sum(axis=1)
                return np.asarray(total - stage.dest.low, dtype=np.uint8 if stage.dest.format == BYTES else np.int32)
            case ArgMax():
                found = numbers(stage.source)
                vectors = found.reshape(-1, stage.classes, found.shape[-1])
                return np.asarray(vectors.argmax(axis=1), dtype=np.int32)
            case Export() | Count():
                raise AssertionError("exported by the caller")
            case _:
                unreachable(stage)


def packed(bits: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Return lanes of bits [lanes, images] as words: bit i of a word is image i."""
    return np.packbits(np.ascontiguousarray(bits), axis=-1, bitorder="little").view("<u8")


def unpacked(words: Ints) -> npt.NDArray[np.uint8]:
    """Return the bits [lanes, images] of lanes of words."""
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")


def pointwise(stage: Pointwise, x: Ints) -> Ints:
    """Return the result of an element-wise stage, int64 [rows, images], or [rows, steps, images] of a thermometer."""
    rows = np.arange(len(x)) % stage.channels
    first = stage.first[rows % len(stage.first)]
    match stage.kind:
        case "identity":
            return x
        case "threshold":
            return np.asarray((x[:, None, :] > first[..., None]).sum(axis=1))
        case "thermometer":
            return np.asarray(x[:, None, :] > first[..., None])
        case "digit":
            return np.asarray(((x - stage.high) >> (8 * stage.low)) & 255)
        case "equals":
            return np.asarray((x & stage.high) == stage.low, dtype=np.int64)
    second = stage.second[rows % len(stage.second)]
    if stage.kind == "shape":
        half = (x >> np.maximum(second - 1, 0)) & first
        return np.asarray(np.minimum((x >> second) + half, stage.high) << second)
    if stage.kind == "affine":
        return np.asarray(x * first + second)
    assert stage.kind == "rescale"
    half = (np.int64(1) << second) >> 1
    return np.asarray(np.clip((x * first + half) >> second, stage.low, stage.high))


def _combined(stage: Combine, sources: List[Ints]) -> Ints:
    if stage.index is None:
        x: Ints = np.sum(sources, axis=0)
    else:
        x = np.empty((len(stage.index), sources[0].shape[-1]), dtype=np.int64)
        for number, source in enumerate(sources):
            chosen = stage.index[:, 0] == number
            x[chosen] = source[stage.index[chosen, 1]]
    dest = stage.dest
    return np.asarray(x - dest.low, dtype=np.uint8) if dest.format == BYTES else np.asarray(x, dtype=np.int32)


def stored(x: Ints, stage: Pointwise) -> Ints:
    """Return the values of an element-wise stage in the format of its destination."""
    dest = stage.dest
    if dest.format == PLANES:
        if stage.kind != "thermometer":
            x = (x[:, None, :] >> np.arange(dest.bits)[:, None]) & 1
        return packed(x.astype(bool).reshape(-1, x.shape[-1]))
    return (x - dest.low).astype(np.uint8) if dest.format == BYTES else x.astype(np.int32)


def _fill(stage: Gather, bits: int, dtype: Any) -> Ints:
    if stage.dest.format != PLANES:
        return np.asarray(stage.fill, dtype=dtype)
    ones = (stage.fill >> np.arange(bits)) & 1
    return np.where(ones == 1, ~np.uint64(0), np.uint64(0))[:, None].astype(dtype)


def _matmul(stage: Matmul, values: Dict[int, Ints], raw: Ints) -> Ints:
    positions = len(stage.index)
    images = len(raw)
    total: Ints = np.zeros((positions, len(stage.bias), images), dtype=np.int64)
    for one in stage.passes:
        source = (raw.T if one.source.format == RAW else values[one.source.number]).astype(np.float64)
        operand = source[stage.index]
        operand[stage.index == PAD] = one.pad
        # exact: bytes times bytes, fewer than 2**37 of them
        total = (total << one.shift) + (one.weights.astype(np.float64) @ operand).astype(np.int64)
    words = (total + stage.bias[:, None]).astype(np.uint64).astype(np.uint32).astype(np.int32)  # modulo 2**32
    rows: Ints = words.reshape(-1, images)
    if stage.then is None:
        return rows
    return stored(pointwise(stage.then, rows.astype(np.int64)), stage.then)


def _levels(stage: Netlist) -> Tuple[Level, ...]:
    """Sort gates by how far they are from the inputs, and by how many sources they read."""
    depth = np.zeros(stage.inputs + len(stage.tables), dtype=np.int64)
    used = stage.sources >= 0
    for gate, row in enumerate(stage.sources.tolist()):
        depth[stage.inputs + gate] = 1 + max((depth[lane] for lane in row if lane >= 0), default=0)
    found = []
    made = depth[stage.inputs :]
    for level in range(1, int(made.max(initial=0)) + 1):
        for inputs in range(stage.sources.shape[1] + 1):
            gates = np.flatnonzero((made == level) & (used.sum(axis=1) == inputs))
            if len(gates):
                found.append(Level(stage.inputs + gates, stage.sources[gates, :inputs], stage.tables[gates]))
    return tuple(found)


def _netlist(stage: Netlist, levels: Tuple[Level, ...], planes: Ints) -> Ints:
    rows, columns = stage.positions
    words = planes.shape[-1]
    lanes = np.zeros((stage.inputs + len(stage.tables), words), dtype=np.uint64)
    result = np.empty((rows * columns, len(stage.outputs), words), dtype=np.uint64)
    for row in range(rows):
        for column in range(columns):
            start = row * stage.strides[0] + column * stage.strides[1]
            window = planes[start : start + stage.inputs]
            lanes[: len(window)] = window
            for level in levels:
                lanes[level.targets] = _shannon(level.tables, lanes, level.sources)
            result[row * columns + column] = lanes[stage.outputs]
    return result.reshape(-1, words)


def _shannon(tables: npt.NDArray[np.uint64], lanes: Ints, sources: Ints) -> Ints:
    """Return the gates' outputs [gates, words] by a tree of multiplexers, the last source first."""
    entries = 1 << sources.shape[1]
    bits = (tables[:, None] >> np.arange(entries, dtype=np.uint64)) & np.uint64(1)
    held = (np.uint64(0) - bits)[..., None]  # all ones where the entry is 1
    for position in range(sources.shape[1]):
        chosen = lanes[sources[:, position]][:, None, :]
        low, high = held[:, 0::2], held[:, 1::2]
        held = low ^ ((low ^ high) & chosen)
    return np.broadcast_to(held[:, 0], (len(sources), lanes.shape[-1]))


def raw_format(program: Program) -> npt.DTypeLike:
    """Return the dtype that images enter as."""
    return np.uint8 if program.raw_bytes else np.int32
