# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluate a synthesised netlist, 256 lanes at a time: vectors through logic, or cycles of a design with a clock."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence

import numpy as np
import numpy.typing as npt

from lutforge.errors import InputError, NetlistError
from lutforge.hls.netlist_compiler import LIBRARY, compile_engine
from lutforge.hls.netlist_program import make_program
from lutforge.netlist import Netlist, Port

Ints = npt.NDArray[Any]
Words = npt.NDArray[np.uint64]

LANES = 256
WORD_BITS = 64
MESSAGE_BYTES = 1024


class Evaluator:
    """A flat netlist, compiled to a program. The values of a port are unsigned integers, or bits where it is wider.

    A port of at most 64 bits takes and gives integers; a wider one has a last axis of its bits, lowest first, uint8.
    """

    def __init__(self, netlist: Netlist, *, folder: Optional[Path] = None, compiler: Optional[str] = None):
        """folder: where the compiled engine is kept; compiler: default $CXX or g++."""
        self.program = make_program(netlist)
        self._library = _load(compile_engine(LIBRARY, folder, compiler))
        message = ctypes.create_string_buffer(MESSAGE_BYTES)
        words = self.program.words
        self._engine = self._library.lutforge_netlist_open(_pointer(words), len(words), message, MESSAGE_BYTES)
        if not self._engine:
            raise NetlistError(message.value.decode())

    def __del__(self) -> None:
        if getattr(self, "_engine", None):
            self._library.lutforge_netlist_close(self._engine)

    def vectors(self, inputs: Mapping[str, Ints], edges: int = 0) -> Dict[str, Ints]:
        """Return the outputs for n vectors of inputs, each [n] or [n, bits].

        edges: for how many clock edges the inputs are held before the outputs are read; each vector starts from the
        state after configuration.
        """
        self._check_names(inputs)
        arrays = [_rows(port, np.asarray(inputs[port.name])) for port in self.program.inputs]
        count = _same([len(array) for array in arrays], "vectors")
        blocks, width = -(-count // LANES), sum(array.shape[-1] for array in arrays)
        rows = np.zeros((blocks * LANES, width), dtype=np.uint64)
        np.concatenate(arrays, axis=-1, out=rows[:count])
        return self._unpack(self._call(self._library.lutforge_netlist_vectors, rows, blocks, edges)[:count])

    def cycles(self, inputs: Mapping[str, Ints]) -> Dict[str, Ints]:
        """Return the outputs of each cycle, [cycles, lanes]; the state is kept for the next call.

        inputs: [cycles] for all lanes alike or [cycles, lanes], lanes 1..256, with a last axis of bits for a wide
        port. Outputs are those that follow from the inputs before the clock edge that ends the cycle.
        """
        self._check_names(inputs)
        arrays = [_rows(port, _with_lanes(port, np.asarray(inputs[port.name]))) for port in self.program.inputs]
        cycles = _same([len(array) for array in arrays], "cycles")
        lanes = _same([array.shape[1] for array in arrays if array.shape[1] > 1] or [1], "lanes")
        if lanes > LANES:
            raise InputError(f"{lanes} lanes were given; at most {LANES} fit, evaluate the others in a second call")
        rows = np.zeros((cycles, LANES, sum(array.shape[-1] for array in arrays)), dtype=np.uint64)
        first = 0
        for array in arrays:
            rows[:, :lanes, first : first + array.shape[-1]] = array
            first += array.shape[-1]
        return self._unpack(self._call(self._library.lutforge_netlist_cycles, rows, cycles)[:, :lanes])

    def reset(self) -> None:
        """Return to the state after configuration: every INIT value."""
        self._library.lutforge_netlist_reset(self._engine)

    def _check_names(self, inputs: Mapping[str, Ints]) -> None:
        wanted = [port.name for port in self.program.inputs]
        if not wanted or sorted(inputs) != sorted(wanted):
            raise InputError(
                f"inputs {', '.join(sorted(inputs)) or 'none'} were given; the design has {', '.join(wanted) or 'none'}"
            )

    def _call(self, function: Any, rows: Words, count: int, *more: int) -> Words:
        """Return the outputs that the engine gives for rows [..., words of all inputs]: uint64 [..., words]."""
        outputs = np.empty((*rows.shape[:-1], sum(map(_words, self.program.outputs))), dtype=np.uint64)
        function(self._engine, count, *more, _pointer(rows), _pointer(outputs))
        return outputs

    def _unpack(self, rows: Words) -> Dict[str, Ints]:
        """Return each output, integers [...] or bits [..., width]."""
        result, first = {}, 0
        for port in self.program.outputs:
            part = rows[..., first : first + _words(port)]
            first += _words(port)
            if len(port.bits) <= WORD_BITS:
                result[port.name] = np.ascontiguousarray(part[..., 0])
            else:
                octets = np.ascontiguousarray(part).view(np.uint8)
                result[port.name] = np.unpackbits(octets, axis=-1, bitorder="little", count=len(port.bits))
        return result


def _words(port: Port) -> int:
    return -(-len(port.bits) // WORD_BITS)


def _same(sizes: Sequence[int], what: str) -> int:
    if len(set(sizes)) != 1:
        raise InputError(f"inputs have {sorted(set(sizes))} {what}; all inputs need as many")
    return sizes[0]


def _with_lanes(port: Port, values: Ints) -> Ints:
    """Return values with an axis of lanes behind that of cycles."""
    alike = values.ndim == (1 if len(port.bits) <= WORD_BITS else 2)
    return values[:, None] if alike else values


def _rows(port: Port, values: Ints) -> Words:
    """Return what the engine takes: uint64 [..., words], lowest first."""
    width = len(port.bits)
    if width <= WORD_BITS:
        if values.size and (int(values.min()) < 0 or int(values.max()) >> width):
            raise InputError(
                f"input {port.name} is given {values.min()}..{values.max()}; its {width} bits hold 0..{2**width - 1}"
            )
        return values.astype(np.uint64)[..., None]
    if values.ndim < 2 or values.shape[-1] != width:
        raise InputError(f"input {port.name} has shape {values.shape}; its last axis must be its {width} bits")
    octets = np.packbits(values.astype(np.bool_), axis=-1, bitorder="little")
    rows = np.zeros((*values.shape[:-1], 8 * _words(port)), dtype=np.uint8)
    rows[..., : octets.shape[-1]] = octets
    return rows.view(np.uint64)


def _load(path: Path) -> Any:
    library = ctypes.CDLL(str(path))
    pointer, count = ctypes.c_void_p, ctypes.c_uint64
    library.lutforge_netlist_open.argtypes = [pointer, count, ctypes.c_char_p, count]
    library.lutforge_netlist_open.restype = pointer
    library.lutforge_netlist_close.argtypes = library.lutforge_netlist_reset.argtypes = [pointer]
    library.lutforge_netlist_cycles.argtypes = [pointer, count, pointer, pointer]
    library.lutforge_netlist_vectors.argtypes = [pointer, count, count, pointer, pointer]
    return library


def _pointer(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
