# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Where the command line's images, schedules and executors come from: the one place that joins the packages."""

from __future__ import annotations

import atexit
import io
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

from lutforge import store
from lutforge.array_manifest import is_array
from lutforge.boards import Board, load_board
from lutforge.cli_console import say
from lutforge.comparison import Run
from lutforge.engine.build import has_compiler, is_compiled
from lutforge.engine.executor import FastExecutor
from lutforge.errors import InputError, LutforgeError, OverlayError, ScheduleError
from lutforge.executors import Executor
from lutforge.manifest import KERNEL, MANIFEST, SCHEDULE, load_manifest, require_network
from lutforge.network import Network
from lutforge.operations import LutNeurons, TiledLutNeurons, TruthTables
from lutforge.reference import ReferenceExecutor
from lutforge.schedule import CARRY, LUTS, Schedule, check, from_json

Ints = npt.NDArray[Any]
ARRAY_EXECUTORS = {"array": "fast", "array-csim": "csim", "array-rtl": "rtl"}
"""Executors of the programmable array, and the kernel of each (`array_kernels.ARRAY_KERNELS`)."""

EXECUTORS = (
    "torch",
    "reference",
    "fast",
    "csim",
    "rtl",
    "rtl-netlist",
    "device",
    "device-csim",
    "device-rtl",
    *ARRAY_EXECUTORS,
)
"""`rtl` is Verilator where it is installed, else the netlist evaluator. Behind the emulated device `fast` computes, or
`csim` or `rtl` where its name says so."""

ENGINES = ("auto", "reference", "fast")


@dataclass(frozen=True)
class Images:
    """Images to run, and their labels where known. label: what to call them."""

    images: Ints
    labels: Optional[Ints]
    label: str


def read_images(path: Optional[Path], dataset: Optional[str], data: Optional[Path], limit: Optional[int]) -> Images:
    """Return images from an .npz (arrays `images` and, if there, `labels`) or a data set's test part."""
    if (path is None) == (dataset is None):
        raise InputError("say where the images are: either --images FILE.npz or --dataset NAME")
    if path is not None:
        found = _images_file(path)
    else:
        from lutforge.training.data import load_dataset

        loaded = load_dataset(str(dataset), data)
        found = Images(loaded.test_images, loaded.test_labels, f"{loaded.label}, test images")
    _check_arrays(found)
    if limit is not None and limit < 1:
        raise InputError(f"--limit {limit}: at least one image is wanted")
    labels = found.labels[:limit] if found.labels is not None else None
    return Images(found.images[:limit], labels, found.label)


def _check_arrays(given: Images) -> None:
    """Raise InputError unless images are a batch, and labels one integer for each."""
    if given.images.ndim < 2:
        raise InputError(f"{given.label}: images have shape {given.images.shape}; [batch, ...] is wanted")
    if given.labels is None:
        return
    if given.labels.dtype.kind not in "iu" or given.labels.shape != given.images.shape[:1]:
        raise InputError(
            f"{given.label}: labels have shape {given.labels.shape} and dtype {given.labels.dtype}; "
            f"{len(given.images)} integers are wanted, one for each image"
        )


def check_labels(given: Images, classes: int) -> None:
    """Raise InputError for a label that is no class of the network."""
    if given.labels is not None and len(given.labels) and not 0 <= given.labels.min() <= given.labels.max() < classes:
        raise InputError(
            f"{given.label}: labels {given.labels.min()}..{given.labels.max()}; the network has the classes "
            f"0..{classes - 1}"
        )


def _images_file(path: Path) -> Images:
    if not path.is_file():
        raise InputError(f"{path}: no such file; an .npz with an array `images` is wanted")
    try:
        with np.load(path, allow_pickle=False) as archive:
            labels = archive["labels"] if "labels" in archive.files else None
            return Images(archive["images"], labels, path.name)
    except Exception as error:  # numpy, zipfile and zlib each raise their own
        raise InputError(
            f"{path}: cannot be read ({type(error).__name__}: {error}); an .npz with an array `images` is wanted"
        ) from error


def save_images(path: Path, images: Ints, labels: Ints) -> None:
    """Write an images file that `read_images` and the notebook read."""
    _save(path, images=images, labels=labels)


def save_answers(path: Path, run: Run) -> None:
    """Write logits (int64 [images, classes]), classes, and the name of what produced them."""
    _save(path, logits=run.logits, classes=run.classes, executor=np.array(run.name))


def _save(path: Path, **arrays: npt.NDArray[Any]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    store.write_atomically(path, buffer.getvalue())


def read_schedule(text: str, network: Network, board: Board) -> Schedule:
    """Return a schedule: 'auto', 'PExSIMD' for the same folding everywhere, or a JSON file.

    '+carry' behind either of the first two asks for counters on carry chains.
    """
    from lutforge.folding import auto, flowing, folded

    plain = text.removesuffix(f"+{CARRY}")
    counters = LUTS if plain == text else CARRY
    if plain == "auto":
        return auto(network, board, counters=counters)
    if shape := re.fullmatch(r"([0-9]+)x([0-9]+)", plain):
        made = folded(network, int(shape[1]), int(shape[2]), counters=counters)
        return flowing(network, made, board.beat_bits)
    path = Path(text)
    if not path.is_file():
        raise ScheduleError(
            f"schedule {text!r}: neither 'auto', nor PExSIMD like 8x4 (with '+{CARRY}' behind or without), nor a file"
        )
    return check(network, _schedule_file(path))


def _schedule_file(path: Path) -> Schedule:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ScheduleError(f"{path}: not text ({error}); a JSON schedule is wanted") from error


def design_of(overlay: Optional[Path], network: Network, board: str, schedule: str) -> Tuple[Board, Schedule]:
    """Return the board and schedule of an overlay folder, or those asked for where there is no folder."""
    if overlay is None:
        chosen = load_board(board)
        return chosen, read_schedule(schedule, network, chosen)
    return load_board(load_manifest(overlay).board), check(network, _schedule_file(overlay / SCHEDULE))


def build_overlay(folder: Path, network: Network, schedule: Schedule, board: Board, output: str = "logits") -> None:
    """Generate an overlay folder and compile its C simulation."""
    from lutforge.hls.csim import compile_kernel

    write_sources(folder, network, schedule, board, output)
    compile_kernel(folder)


def executor_names(text: str) -> List[str]:
    """Return the executors named in a text such as 'reference,csim', each once."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    unknown = [name for name in names if name not in EXECUTORS]
    if unknown:
        raise LutforgeError(f"executor {unknown[0]!r} is unknown; use some of {', '.join(EXECUTORS)}")
    return names


@dataclass(frozen=True)
class Limits:
    """What the fast engine may take: threads (None: all processors) and memory in MiB (None: no limit)."""

    threads: Optional[int] = None
    max_memory: Optional[int] = None


def engine_name(engine: str, network: Network) -> str:
    """Return the executor that emulates a network: 'fast', or 'reference' where numpy alone would be no faster."""
    if engine not in ENGINES:
        raise LutforgeError(f"--engine {engine}: use one of {', '.join(ENGINES)}")
    if engine != "auto":
        return engine
    gates = any(isinstance(node.op, (LutNeurons, TiledLutNeurons, TruthTables)) for node in network.nodes)
    if gates or has_compiler():
        return "fast"
    say("no C++ compiler was found, and the network has no gates: the reference is as fast as numpy can be")
    return "reference"


def fast_executor(network: Network, limits: Limits) -> FastExecutor:
    """Return the fast engine; the first one on a computer compiles it, and without a compiler it says what runs."""
    if not is_compiled():
        say("compiling the fast engine, once on this computer")
    memory = None if limits.max_memory is None else limits.max_memory << 20
    made = FastExecutor(network, threads=limits.threads, max_memory=memory)
    if made.why_numpy:
        say(made.why_numpy)
    return made


def write_toggles(path: Path, executor: Executor, given: Images) -> Dict[str, float]:
    """Write the flips of each bit, int64 [elements, bits] by node; return the mean of all bits per image and node."""
    if not isinstance(executor, FastExecutor):
        raise LutforgeError(f"--toggles: {executor.name} counts no flips; use --engine fast")
    counts = executor.toggles(given.images)
    _save(path, **counts)
    pairs = max(1, len(given.images) - 1)
    return {name: round(float(flips.sum()) / pairs, 2) for name, flips in counts.items()}


def make_executors(
    names: List[str],
    network: Network,
    overlay: Optional[Path],
    checkpoint: Optional[Path],
    board: Board,
    schedule: str,
    limits: Limits = Limits(),  # immutable
) -> List[Executor]:
    """Return the executors asked for. Without an overlay folder one is generated and compiled for the occasion."""
    streams = set(names) - {"torch", "reference", "fast", *ARRAY_EXECUTORS}  # what an array's folder has nothing for
    if overlay is not None and (streams or not is_array(overlay)):
        require_network(load_manifest(overlay), network)
    elif streams:
        overlay = scratch_folder() / network.name
        say(f"generating and compiling {network.name} for {board.name}, schedule {schedule}, in {overlay}")
        folding = read_schedule(schedule, network, board)
        if {"csim", "device-csim"} & set(names):
            build_overlay(overlay, network, folding, board)
        else:
            write_sources(overlay, network, folding, board)
    return [
        _array_executor(name, network, overlay, board)
        if name in ARRAY_EXECUTORS
        else _executor(name, network, overlay, checkpoint, limits)
        for name in names
    ]


def _array_executor(name: str, network: Network, overlay: Optional[Path], board: Board) -> Executor:
    from lutforge.cli_array_executors import array_executor

    return array_executor(name, network, overlay, board)


def _executor(
    name: str, network: Network, overlay: Optional[Path], checkpoint: Optional[Path], limits: Limits
) -> Executor:
    if name == "reference":
        return ReferenceExecutor(network)
    if name == "fast":
        return fast_executor(network, limits)
    if name == "torch":
        from lutforge.training.export import from_network
        from lutforge.training.frozen import load_frozen

        return load_frozen(checkpoint) if checkpoint else from_network(network)
    assert overlay is not None  # make_executors made one
    if name == "csim":
        from lutforge.hls.csim import CsimExecutor

        compile_if_needed(overlay)
        return CsimExecutor(overlay, network)
    if name in ("rtl", "rtl-netlist"):
        from lutforge.hls.rtlsim import RtlExecutor

        simulator = default_simulator() if name == "rtl" else "netlist"
        if simulator != default_simulator():  # one folder holds the Verilog of one style
            overlay = _copy_of(overlay, network)
        simulate_if_needed(overlay, network, simulator)
        return RtlExecutor(overlay, network, simulator)
    from lutforge.host import Accelerator

    if name == "device-rtl":
        simulate_if_needed(overlay, network, default_simulator())
        return Accelerator.open(overlay, device="emulated", kernel="rtl")
    if name == "device-csim":
        compile_if_needed(overlay)
        return Accelerator.open(overlay, device="emulated", kernel="csim")
    return Accelerator.open(overlay)


def scratch_folder() -> Path:
    """Return a new folder that goes when the command ends."""
    folder = tempfile.mkdtemp(prefix="lutforge-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _copy_of(overlay: Path, network: Network) -> Path:
    """Generate an overlay once more in a temporary folder."""
    made = load_manifest(overlay)
    board, schedule = design_of(overlay, network, made.board, "")
    folder = scratch_folder() / network.name
    write_sources(folder, network, schedule, board, made.output)
    return folder


def default_simulator() -> str:
    """Return 'verilator' where it is installed, else 'netlist', which pip alone brings."""
    return "verilator" if shutil.which("verilator") else "netlist"


def write_sources(folder: Path, network: Network, schedule: Schedule, board: Board, output: str = "logits") -> None:
    """Generate an overlay folder and compile nothing."""
    from lutforge.hls.generator import generate, write_overlay

    write_overlay(folder, network, generate(network, schedule, board, output))


def simulate_if_needed(overlay: Path, network: Network, simulator: str) -> None:
    """Write and compile the Verilog of a generated folder that has no such simulation yet."""
    from lutforge.rtl_folder import SIMULATORS

    if not (overlay / SIMULATORS[simulator]).is_file():
        build_simulation(overlay, network, simulator)


def build_simulation(overlay: Path, network: Network, simulator: str) -> None:
    """Write the Verilog of a generated folder and compile it.

    Verilator reads tables as `INIT >> address`; the netlist evaluator reads primitives, as Vivado does.
    """
    from lutforge.hls.rtl_generator import generate_rtl
    from lutforge.hls.rtlsim import compile_rtl, write_rtl

    made = load_manifest(overlay)
    board, schedule = design_of(overlay, network, made.board, "")
    style = "generic" if simulator == "verilator" else "xilinx"
    say(f"compiling the Verilog of {overlay} with {'Verilator' if simulator == 'verilator' else 'yosys'}")
    write_rtl(overlay, generate_rtl(network, schedule, board, made.output, style), network)
    compile_rtl(overlay, simulator)


def compile_if_needed(overlay: Path) -> None:
    """Compile the C simulation of a generated folder that has none yet."""
    from lutforge.hls.csim import compile_kernel

    if (overlay / MANIFEST).is_file() and not (overlay / KERNEL).is_file():
        say(f"compiling the C simulation of {overlay}")
        compile_kernel(overlay)


def prepare_array(folder: Path, kernel: str) -> None:
    """Compile what a kernel of an array's folder needs and is not there, or there for other sizes."""
    if kernel == "csim":
        compile_if_needed(folder)
    elif kernel == "rtl":
        from lutforge.array_manifest import load_array
        from lutforge.array_simulation import find_simulation
        from lutforge.hls.array_rtlsim import compile_array_rtl

        try:
            find_simulation(folder, load_array(folder).source_sha256)
        except OverlayError:
            say(f"compiling the Verilog of {folder} with Verilator")
            compile_array_rtl(folder)
