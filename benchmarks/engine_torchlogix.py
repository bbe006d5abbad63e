# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Networks of single-bit tables in torchlogix 0.2.2, whose circuits of two-input gates become one C function.

torchlogix is installed without what it needs beside torch, into a folder of its own, and used with the torch of this
Python. Its metadata says Python 3.10, but one f-string needs 3.12: on an older one that string alone is moved into a
variable. Called as a program with the letter of a workload, this prints what was measured as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
from engine_meter import Row, rate_of
from engine_workloads import GROUP, GROUPS, Workload, bit_workloads, packed_lanes

from lutforge.network import Network
from lutforge.operations import TruthTables

VERSION = "0.2.2"
IMAGES = 4096
QUOTED = {"b": 34.4e6, "c": 3.3e6}
"""Vectors/s of the packed core, measured on 2026-11-20 on another computer (AMD Zen 5)."""


def install(folder: Path) -> str:
    """Install torchlogix if it is not there; return why it could not be, or nothing."""
    source = folder / "torchlogix" / "circuit.py"
    if not source.is_file():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        try:
            subprocess.run([*command, f"torchlogix=={VERSION}"], check=True, timeout=120, capture_output=True)
        except (subprocess.SubprocessError, OSError):
            return "pip could not install it"
    if sys.version_info < (3, 12):
        text = source.read_text(encoding="utf-8")
        moved = _moved(text)
        if moved != text:
            source.write_text(moved, encoding="utf-8")
    return ""


def _moved(text: str) -> str:
    """Return circuit.py with the f-string inside another one in a variable before it."""
    opening, closing = '{"" if pack_bits is None else f"""', '"""}"""'
    start = text.find(opening)
    if start < 0:
        return text
    end = text.index(closing, start)
    statement = text.rindex('        return f"""', 0, start)
    inner = text[start + len(opening) : end]
    variable = f'        tail = "" if pack_bits is None else f"""{inner}"""\n'
    return text[:statement] + variable + text[statement:start] + '{tail}"""' + text[end + len(closing) :]


def measure(work: Workload, folder: Path, deadline_s: float) -> List[Row]:
    """Return rows of the packed core and of the call on bools, or the quoted one."""
    name = f"torchlogix {VERSION}"
    why = install(folder)
    if not why:
        environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        process = subprocess.Popen(
            [sys.executable, __file__, work.letter],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, errors = process.communicate(timeout=deadline_s)
            if process.returncode == 0:
                return _rows(work, name, json.loads(out))
            why = (errors.splitlines() or ["no message"])[-1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            why = f"no answer within {deadline_s:.0f} s"
    rate = QUOTED.get(work.letter)
    note = f"not measured: {why}" + ("; the rate is QUOTED from the research page, another computer" if rate else "")
    return [Row(work.title, f"{name} packed core", rate=rate, note=note, quoted=rate is not None)]


def _rows(work: Workload, name: str, found: Dict[str, Any]) -> List[Row]:
    head = ", with group sums, no argmax" if work.letter == "c" else ""
    note = f"{found['gates']:,} two-input gates{head}; memory: gcc's at most" + (
        "" if found["equal"] else "; DIFFERS FROM THE REFERENCE"
    )
    common = {"prepare_s": found["prepare_s"], "memory": found["memory"]}
    return [
        Row(work.title, f"{name} packed core", rate=found["packed"], note=note, **common),
        Row(work.title, f"{name} on bools", rate=found["bools"], note=f"{note}; packs in C", **common),
    ]


class Gates:
    """Two-input gates, equal ones shared. Bit 2 * b + a of a code is the output for inputs a and b."""

    def __init__(self, inputs: int):
        self.inputs = inputs
        self.rows: List[Tuple[int, int, int]] = []
        self._known: Dict[Tuple[int, int, int], int] = {}

    def gate(self, code: int, a: int, b: int) -> int:
        key = (code, a, b)
        if key not in self._known:
            self._known[key] = self.inputs + len(self.rows)
            self.rows.append(key)
        return self._known[key]

    def table(self, table: int, wires: List[int]) -> int:
        """Return the wire of a truth table, by Shannon expansion down to two inputs."""
        if len(wires) == 2:
            return self.gate(table, *wires)
        half, rest, x = 1 << (len(wires) - 1), wires[:-1], wires[-1]
        every = (1 << half) - 1
        low, high = table & every, table >> half
        if low == high:
            return self.table(low, rest)
        if low in (0, every):  # x & high, ~x | high
            return self.gate(0xB if low else 0x8, self.table(high, rest), x)
        first = self.table(low, rest)
        if high in (0, every):  # ~x & low, x | low
            return self.gate(0xE if high else 0x2, first, x)
        if high == low ^ every:
            return self.gate(0x6, first, x)
        changes = self.gate(0x6, first, self.table(high, rest))
        return self.gate(0x6, first, self.gate(0x8, changes, x))


def gates_of(network: Network) -> Tuple[Gates, List[int]]:
    """Return the tables of a network as two-input gates, and the wires of the last layer."""
    gates = Gates(network.input.elements)
    wires = list(range(network.input.elements))
    for node in network.nodes:
        if isinstance(node.op, TruthTables):
            tables = (node.op.tables.astype(object) << np.arange(64)).sum(axis=1).tolist()
            wires = [
                gates.table(table, [wires[source] for source in sources])
                for table, sources in zip(tables, node.op.wiring.tolist(), strict=True)
            ]
    return gates, wires


def work_on(letter: str) -> Dict[str, Any]:
    """Build, check and time one workload's circuit; torchlogix must be importable."""
    from torchlogix.circuit import Circuit, Gate, GateOp, SumReduction

    names = ["CONST_FALSE", "NOR", "AND_NOT_B", "NOT_B", "AND_NOT_A", "NOT_A", "XOR", "NAND"]
    names += ["AND", "XNOR", "WIRE", "OR_NOT_B", "WIRE", "OR_NOT_A", "OR", "CONST_TRUE"]
    (work,) = bit_workloads([letter])
    begun = time.perf_counter()
    gates, wires = gates_of(work.network)
    circuit = Circuit(gates.inputs, [gates.inputs], output_shape=[len(wires)])
    for number, (code, a, b) in enumerate(gates.rows):
        first = b if code in (0x3, 0xC) else a  # those two read b alone
        op = GateOp.NOT if code in (0x3, 0x5) else GateOp[names[code]]
        circuit.gates.append(Gate(gates.inputs + number, op, first, b))
    if letter == "c":
        base = gates.inputs + len(gates.rows)
        sums = [SumReduction(base + group, wires[GROUP * group : GROUP * (group + 1)]) for group in range(GROUPS)]
        circuit.sum_nodes, circuit.outputs, circuit.output_shape = sums, [each.node_id for each in sums], [GROUPS]
    else:
        circuit.outputs = wires
    circuit.compile(pack_bits=64)
    prepare_s = time.perf_counter() - begun
    bits = work.bit_images(IMAGES)
    found = circuit(bits.astype(np.bool_), use_compiled=True)
    from lutforge import reference

    equal = bool(np.array_equal(found.astype(np.int64), reference.run(work.network, bits)))
    lanes = np.ascontiguousarray(packed_lanes(bits).T)  # [words, bits]
    answers = np.zeros(IMAGES * len(circuit.outputs), dtype=np.uint64)
    library = ctypes.CDLL(circuit._lib._name)
    arguments = ctypes.c_void_p(lanes.ctypes.data), ctypes.c_void_p(answers.ctypes.data), ctypes.c_int(len(lanes))
    packed = rate_of(lambda: library.circuit_bench(*arguments), IMAGES)
    bools = bits.astype(np.bool_)
    return {
        "gates": len(gates.rows),
        "equal": equal,
        "prepare_s": prepare_s,
        "packed": packed,
        "bools": rate_of(lambda: circuit(bools, use_compiled=True), IMAGES),
        "memory": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    }


if __name__ == "__main__":
    print(json.dumps(work_on(sys.argv[1])))
