# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Programs in compiled code: handed over once as numbers and arrays, then run without the interpreter lock."""

from __future__ import annotations

import ctypes
from typing import Any, List, Optional

import numpy as np
import numpy.typing as npt

from lutforge.engine.build import compiled
from lutforge.engine.program import (
    BYTES,
    PLANES,
    RAW,
    WORDS,
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
from lutforge.errors import EngineError, ToolError, unreachable

Ints = npt.NDArray[Any]
LOAD, SLICE, NETLIST, POINTWISE, MATMUL, GATHER, POOL, EXPAND, ARG_MAX, EXPORT, IMPORT, COUNT, COMBINE = range(13)
"""Kinds of stages, as StageKind of engine.cpp numbers them."""

FORMATS = {RAW: 0, BYTES: 1, WORDS: 2, PLANES: 3}
KINDS = ("identity", "threshold", "thermometer", "rescale", "affine", "digit", "shape", "equals")
"""Kinds of element-wise stages, in the order of Pointwise::Kind."""

MESSAGE_BYTES = 512
CODE_UNITS = 8
"""Machine code works on 512 images at a time."""

LEAST_BYTES, MOST_BYTES, GATE_BYTES = 36 << 10, 768 << 10, 96
"""Memory of a block: what a first-level cache holds where the code is as small, more where there is more code, which is
fetched once per block, up to what a second-level cache holds. About so many bytes of code make a gate."""

INTERPRETED_BYTES = 1536 << 10
"""The same where gates are interpreted: an operation is looked up once per block, so blocks are large."""


class _Array(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("count", ctypes.c_int64))


class _Writer:
    """Numbers and arrays of a program, in the order that engine.cpp reads them."""

    def __init__(self, program: Program):
        self.program = program
        self.numbers: List[int] = []
        self.arrays: List[Ints] = []

    def put(self, *numbers: int) -> None:
        self.numbers += [int(number) for number in numbers]

    def buffer(self, buffer: Buffer) -> None:
        offset = self.program.offsets[buffer.number] if buffer.number >= 0 else 0
        self.put(FORMATS[buffer.format], buffer.rows, buffer.low, buffer.bits, offset, buffer.number)

    def array(self, values: Ints, dtype: npt.DTypeLike) -> None:
        self.put(len(self.arrays))
        self.arrays.append(np.ascontiguousarray(values, dtype=dtype).ravel())

    def pointwise(self, stage: Pointwise) -> None:
        self.buffer(stage.source)
        self.buffer(stage.dest)
        self.put(stage.channels, KINDS.index(stage.kind), len(stage.first), stage.first.shape[1], len(stage.second))
        self.array(stage.first, np.int64)
        self.array(stage.second, np.int64)
        self.put(stage.low, stage.high, stage.wide)

    def stage(self, stage: Stage) -> None:
        match stage:
            case Load():
                self.put(LOAD)
                self._between(stage)
            case Import():
                self.put(IMPORT)
                self.buffer(stage.dest)
            case Slice():
                self.put(SLICE)
                self._between(stage)
                self.put(stage.thresholds.shape[1])
                self.array(stage.thresholds, np.int64)
            case Netlist():
                self.put(NETLIST)
                self._between(stage)
                self.put(stage.inputs)
                self.array(stage.sources, np.int32)
                self.array(stage.tables, np.uint64)
                self.array(stage.outputs, np.int32)
                self.put(*stage.positions, *stage.strides)
            case Pointwise():
                self.put(POINTWISE)
                self.pointwise(stage)
            case Matmul():
                self._matmul(stage)
            case Gather():
                self.put(GATHER)
                self._between(stage)
                self.array(stage.index, np.int32)
                self.put(stage.fill)
            case Pool():
                self.put(POOL)
                self._between(stage)
                self.put(stage.index.shape[1])
                self.array(stage.index, np.int32)
            case Combine():
                self.put(COMBINE, len(stage.sources))
                for source in stage.sources:
                    self.buffer(source)
                self.buffer(stage.dest)
                self.array(np.zeros(0) if stage.index is None else stage.index, np.int32)
            case Expand():
                self.put(EXPAND)
                self._between(stage)
                self.array(stage.values, np.int64)
            case ArgMax():
                self.put(ARG_MAX)
                self._between(stage)
                self.put(stage.classes)
            case Export():
                self.put(EXPORT)
                self.buffer(stage.source)
                self.put(stage.number)
            case Count():
                self.put(COUNT)
                self.buffer(stage.source)
                self.put(stage.number, stage.bits)
            case _:
                unreachable(stage)

    def _between(self, stage: Any) -> None:
        self.buffer(stage.source)
        self.buffer(stage.dest)

    def _matmul(self, stage: Matmul) -> None:
        self.put(MATMUL, len(stage.passes))
        for one in stage.passes:
            self.buffer(one.source)
            self.array(one.weights, np.int8)
            self.put(one.shift, one.pad)
        self.put(*stage.index.shape, len(stage.bias))
        self.array(stage.index, np.int32)
        self.array(stage.bias, np.int64)
        self.buffer(stage.dest)
        self.put(stage.then is not None)
        if stage.then is not None:
            self.pointwise(stage.then)


class NativeBackend:
    """Runs one program in compiled code. code: whether machine code may be made, where the processor has AVX-512.

    `name` says what the compiled code uses of the processor, and whether gates run as machine code. Calls may run side
    by side.
    """

    def __init__(
        self, program: Program, library: Optional[ctypes.CDLL] = None, code: bool = True, units: Optional[int] = None
    ):
        self.program = program
        self._library = library or compiled()
        self._library.lutforge_engine_make.restype = ctypes.c_void_p
        self._library.lutforge_engine_features.restype = ctypes.c_char_p
        for name in ("memory", "code"):
            getattr(self._library, f"lutforge_engine_{name}").restype = ctypes.c_int64
        coded = code and bool(self._library.lutforge_engine_has_code())
        self.block = 64 * (units or block_units(program, coded))
        self._handle: Optional[int] = self._make(coded)
        made = self._library.lutforge_engine_code(ctypes.c_void_p(self._handle))
        wanted = sum(isinstance(stage, Netlist) for stage in program.stages)
        how = ", executable memory refused" if coded and made < wanted else ", code" if made else ""
        self.name = f"{self._library.lutforge_engine_features().decode()}{how}"
        self.memory_bytes = int(self._library.lutforge_engine_memory(ctypes.c_void_p(self._handle)))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.lutforge_engine_free(ctypes.c_void_p(self._handle))
            self._handle = None

    def _make(self, code: bool) -> int:
        program, writer = self.program, _Writer(self.program)
        raw_bytes = program.raw_elements * (1 if program.raw_bytes else 4)
        writer.put(self.block // 64, program.unit_bytes, raw_bytes, program.packed, code)
        for stage in program.stages:
            writer.stage(stage)
        numbers = np.array(writer.numbers, dtype=np.int64)
        arrays = (_Array * max(1, len(writer.arrays)))()
        for place, array in enumerate(writer.arrays):
            arrays[place] = _Array(array.ctypes.data, array.size)
        message = ctypes.create_string_buffer(MESSAGE_BYTES)
        handle = self._library.lutforge_engine_make(
            ctypes.c_void_p(numbers.ctypes.data),
            ctypes.c_int64(len(numbers)),
            arrays,
            ctypes.c_int64(len(writer.arrays)),
            message,
            ctypes.c_size_t(MESSAGE_BYTES),
        )
        if not handle:
            raise ToolError(f"the engine refused a program: {message.value.decode(errors='replace')}")
        return int(handle)

    def run(self, raw: Ints, outputs: List[npt.NDArray[np.int64]]) -> None:
        """Evaluate raw images [batch, elements] into outputs, int64 [batch, rows] each, C-contiguous.

        A counting program adds to outputs of [elements, bits] instead.
        """
        self._call(raw, len(raw), outputs)

    def run_packed(self, lanes: npt.NDArray[np.uint64], count: int, outputs: List[npt.NDArray[np.int64]]) -> None:
        """Evaluate lanes [lanes, ceil(count / 64)] of a packed program."""
        self._call(lanes, count, outputs)

    def run_blocks(self, lanes: npt.NDArray[np.uint64], answers: npt.NDArray[np.uint64]) -> None:
        """Evaluate lanes where they lie: [blocks, lanes in, block / 64] into [blocks, lanes out, block / 64].

        For a packed program whose answers are lanes, in whole blocks: nothing is copied.
        """
        units = self.block // 64
        for name, array in (("lanes", lanes), ("answers", answers)):
            if array.dtype != np.uint64 or array.ndim != 3 or array.shape[2] != units or not array.flags.c_contiguous:
                raise EngineError(
                    f"{name}: {array.dtype} {array.shape} given, contiguous uint64 [blocks, lanes, {units}] wanted"
                )
        message = ctypes.create_string_buffer(MESSAGE_BYTES)
        failed = self._library.lutforge_engine_run_blocks(
            ctypes.c_void_p(self._handle),
            ctypes.c_void_p(lanes.ctypes.data),
            ctypes.c_void_p(answers.ctypes.data),
            ctypes.c_int64(len(lanes)),
            message,
            ctypes.c_size_t(MESSAGE_BYTES),
        )
        if failed:
            raise EngineError(f"the engine: {message.value.decode(errors='replace')}")

    def _call(self, images: Ints, count: int, outputs: List[npt.NDArray[np.int64]]) -> None:
        images = np.ascontiguousarray(images)
        pointers = (ctypes.c_void_p * len(outputs))(*[each.ctypes.data for each in outputs])
        rows = (ctypes.c_int64 * len(outputs))(*[0 if self.program.counting else each.shape[1] for each in outputs])
        message = ctypes.create_string_buffer(MESSAGE_BYTES)
        failed = self._library.lutforge_engine_run(
            ctypes.c_void_p(self._handle),
            ctypes.c_void_p(images.ctypes.data),
            ctypes.c_int64(count),
            pointers,
            rows,
            ctypes.c_int64(len(outputs)),
            message,
            ctypes.c_size_t(MESSAGE_BYTES),
        )
        if failed:
            raise ToolError(f"the engine failed: {message.value.decode(errors='replace')}")


def block_units(program: Program, code: bool) -> int:
    """Return how many times 64 images a block has: many for gates, so long as their lanes stay in the cache."""
    if not program.bit_sliced:
        return 1
    most, size = 16 * CODE_UNITS, INTERPRETED_BYTES
    if code:
        code_bytes = GATE_BYTES * sum(len(stage.tables) for stage in program.stages if isinstance(stage, Netlist))
        most, size = 6 * CODE_UNITS, min(MOST_BYTES, max(LEAST_BYTES, code_bytes))
    fitting = size // max(1, program.unit_bytes)
    return max(CODE_UNITS, min(most, fitting // CODE_UNITS * CODE_UNITS))


def has_code() -> bool:
    """Whether the engine on this computer makes machine code of its own (AVX-512)."""
    return bool(compiled().lutforge_engine_has_code())
