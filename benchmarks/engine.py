# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluators of networks side by side on one core: the engine, its interpreter, numpy, the reference, and others'.

    python benchmarks/engine.py [--data DIR] [--only a,b,c,d,e] [--skip verilator,torchlogix,onnx] [--flags FLAGS]

a: 10 x 1000 random LUT6; b: 3 x 100 random LUT6; c: 1500 LUT6 of thresholds, ten sums, the class, from ready bits and
from uint8 images; d: the trained networks of tests/golden on MNIST; e: a convolution network of table products.

Every evaluator's answers are compared with the reference before it is timed. Rates are the best of several repeats of
0.1 s at least; `prepare` is from the network to the first answer being possible, compilers included, but not the
engine's one compilation per computer; memory is what the evaluator added at its peak, images not counted. `engine is`
says how many times the rate of its row the workload's first row has. `ceiling` is the share of what this core could do
at most, by measurement (engine_ceiling.py). --flags goes to the engine's compiler: -march=x86-64-v3 gives AVX2 alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Optional, Tuple

if os.environ.get("OMP_NUM_THREADS") != "1":  # read once by numpy's and torch's libraries, as they are loaded
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    os.execv(sys.executable, [sys.executable, *sys.argv])

import engine_onnx
import engine_torchlogix
import engine_verilator
import numpy as np
from engine_ceiling import Core, measured_core
from engine_meter import Memory, Row, Table, fitting, rate_of
from engine_workloads import ROOT, Workload, bit_workloads, image_workloads, packed_lanes, unpacked_lanes

from lutforge import reference
from lutforge.engine.build import FLAGS_VARIABLE, compiled
from lutforge.engine.executor import FastExecutor
from lutforge.engine.native import NativeBackend
from lutforge.engine.numpy_backend import NumpyBackend
from lutforge.engine.planner import plan
from lutforge.engine.program import PLANES
from lutforge.errors import ToolError

BUILD = ROOT / "build" / "engine-benchmark"
PACKED_BYTES, NUMPY_IMAGES, CHECKED = 1 << 20, 4096, 1024
PRODUCT_CHECKED = 256
"""Checked images of networks whose reference takes long."""

Kind = Tuple[str, Callable[[Any], Any]]
KINDS: Tuple[Kind, ...] = (
    ("engine", lambda program: NativeBackend(program)),
    ("engine, interpreted", lambda program: NativeBackend(program, code=False)),
    ("engine, numpy", lambda program: NumpyBackend(program)),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--only", default="a,b,c,d,e", help="workloads, of a,b,c,d,e")
    parser.add_argument("--skip", default="", help="evaluators to leave out, of verilator,torchlogix,onnx")
    parser.add_argument("--flags", default="", help="further flags of the engine's compiler")
    parser.add_argument("--core", type=int, help="the core to stay on, else the last of those allowed")
    parser.add_argument("--deadline", type=float, default=240, help="seconds that another's compilation may take")
    options = parser.parse_args()
    core_number = max(os.sched_getaffinity(0)) if options.core is None else options.core
    os.sched_setaffinity(0, {core_number})
    if options.flags:
        os.environ[FLAGS_VARIABLE] = options.flags
    BUILD.mkdir(parents=True, exist_ok=True)
    only, skipped = options.only.split(","), options.skip.split(",")
    core = _head(core_number)
    table = Table()
    for work in bit_workloads(only):
        _on_bits(table, work, core)
        if "verilator" not in skipped:
            table.add(engine_verilator.measure(work, options.deadline))
        if "torchlogix" not in skipped:
            for row in engine_torchlogix.measure(work, ROOT / "build" / "torchlogix", options.deadline):
                table.add(row)
    works, said = image_workloads(only, options.data)
    for work in works:
        _on_images(table, work, core)
        if "onnx" not in skipped and work.letter in "de":
            for row in engine_onnx.measure(work):
                table.add(row)
    print("\n".join(["", *said]) if said else "")
    table.show()
    return 1 if any("DIFFERS" in row.note for row in table.rows) else 0


def _head(number: int) -> Optional[Core]:
    """Print the machine and the versions; return what its core can do."""
    model = platform.processor()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    said = [f"Python {platform.python_version()}, numpy {np.__version__}", *engine_onnx.version()]
    said += [engine_verilator.version() or "no Verilator", f"torchlogix {engine_torchlogix.VERSION}"]
    try:
        begun = time.perf_counter()
        compiled()
        seconds = time.perf_counter() - begun
        gcc = subprocess.run(["g++", "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
        said += [gcc, f"engine {_revision()}, compiled or loaded in {seconds:.1f} s"]
        core: Optional[Core] = measured_core(BUILD)
    except (ToolError, OSError, subprocess.SubprocessError) as error:
        said.append(f"no ceiling: {error}")
        core = None
    print(f"{model}, core {number} of {os.cpu_count()}; {'; '.join(said)}")
    if os.environ.get(FLAGS_VARIABLE):
        print(f"engine compiled with {os.environ[FLAGS_VARIABLE]}")
    print(f"one core: {core}" if core else "", flush=True)
    return core


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "of no known revision"


def _on_bits(table: Table, work: Workload, core: Optional[Core]) -> None:
    """Add the project's own evaluators of a network of single-bit inputs, given as lanes."""
    program = plan(work.network, packed=True, classes=work.classes)
    ceiling = core and core.ceiling(program)
    lanes_out = program.stages[-1].source.format == PLANES
    width = int(np.prod(program.outputs[0][1]))
    for name, make in KINDS:
        try:
            block = make(program).block
        except ToolError as error:
            table.add(Row(work.title, name, note=f"not measured: {error}"))
            continue
        count = NUMPY_IMAGES
        if make is not KINDS[-1][1]:
            image_bits = work.network.input.elements + (width if lanes_out else 64 * width)
            count = max(1, 8 * PACKED_BYTES // image_bits // block) * block
        bits = work.bit_images(count)
        images = packed_lanes(bits)
        found = np.zeros((width, count // 64) if lanes_out else (count, width), dtype=np.int64)
        memory, begun = Memory(), time.perf_counter()
        backend = make(plan(work.network, packed=True, classes=work.classes))
        prepare_s = time.perf_counter() - begun
        in_place = lanes_out and isinstance(backend, NativeBackend)
        if in_place:  # blocks of lanes, which are evaluated where they lie
            images = in_blocks(images, block)
            found = in_blocks(found.view(np.uint64), block)
        call = _call(backend, images, count, found)
        rate, peak = rate_of(call, count), memory.peak()
        if in_place:
            found = found.transpose(1, 0, 2).reshape(width, -1)
        answers = unpacked_lanes(found, count) if lanes_out else found
        note = f"{backend.name}; blocks of {block:,}"
        for part in (slice(0, CHECKED), slice(-64, None)):
            note += _differs(answers[part], work.golden(bits[part]))
        table.add(Row(work.title, name, prepare_s, rate, peak, ceiling, note))
    _reference(table, work, work.bit_images(CHECKED))


def in_blocks(lanes: np.ndarray, block: int) -> np.ndarray:
    """Return lanes uint64 [lanes, images / 64] as [blocks, lanes, block / 64]."""
    return np.ascontiguousarray(lanes.reshape(len(lanes), -1, block // 64).transpose(1, 0, 2))


def _call(backend: Any, images: np.ndarray, count: int, found: np.ndarray) -> Callable[[], object]:
    if images.ndim == 3:
        return lambda: backend.run_blocks(images, found)
    return lambda: backend.run_packed(images, count, [found])


def _on_images(table: Table, work: Workload, core: Optional[Core]) -> None:
    """Add the project's own evaluators of a network on bytes."""
    images = work.images
    assert images is not None
    flat = np.ascontiguousarray(images.reshape(len(images), -1))
    program = plan(work.network, classes=work.classes)
    ceiling = core and core.ceiling(program, flat.shape[1], flat.nbytes)
    width = int(np.prod(program.outputs[0][1]))
    checked = CHECKED if work.letter == "c" else PRODUCT_CHECKED
    golden = work.golden(images[:checked])
    for name, make in KINDS:
        memory, begun = Memory(), time.perf_counter()
        try:
            backend = make(plan(work.network, classes=work.classes))
        except ToolError as error:
            table.add(Row(work.title, name, note=f"not measured: {error}"))
            continue
        prepare_s = time.perf_counter() - begun
        found = np.zeros((len(images), width), dtype=np.int64)

        def run(count: int, backend: Any = backend, found: np.ndarray = found) -> None:
            backend.run(flat[:count], [found[:count]])

        run(checked - 1)  # no multiple of a block
        whole = len(flat) // backend.block * backend.block or len(flat)
        count = whole if isinstance(backend, NativeBackend) else fitting(run, len(flat))
        note = f"{backend.name}; blocks of {backend.block:,}" + _differs(found[: checked - 1], golden[:-1])
        rate = rate_of(lambda run=run, count=count: run(count), count)
        table.add(Row(work.title, name, prepare_s, rate, memory.peak(), ceiling, note))
    _executor(table, work, golden)
    _reference(table, work, images)


def _executor(table: Table, work: Workload, golden: np.ndarray) -> None:
    """Add what a caller of the executor gets, who pays for checks of the images and of the program."""
    images, name = work.images, "engine, by FastExecutor"
    memory, begun = Memory(), time.perf_counter()
    try:
        executor = FastExecutor(work.network, backend="native", threads=1)
        run = executor.classes if work.classes else executor.run
        found = run(images[: len(golden)]).reshape(len(golden), -1)
    except ToolError as error:
        table.add(Row(work.title, name, note=f"not measured: {error}"))
        return
    prepare_s = time.perf_counter() - begun
    note = "checks the range of the images, and each program against the reference" + _differs(found, golden)
    table.add(Row(work.title, name, prepare_s, rate_of(lambda: run(images), len(images)), memory.peak(), note=note))


def _differs(found: np.ndarray, golden: np.ndarray) -> str:
    return "" if np.array_equal(found, golden) else "; DIFFERS FROM THE REFERENCE"


def _reference(table: Table, work: Workload, images: np.ndarray) -> None:
    memory = Memory()
    count = fitting(lambda count: reference.run(work.network, images[:count]), len(images))
    rate = rate_of(lambda: reference.run(work.network, images[:count]), count)
    table.add(Row(work.title, "reference", 0.0, rate, memory.peak(), note="numpy, by element"))


if __name__ == "__main__":
    raise SystemExit(main())
