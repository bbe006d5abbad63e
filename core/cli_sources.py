# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Where the command line's images, schedules and executors come from: the one place that joins the packages."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional

import numpy as np
import numpy.typing as npt

from lutforge import store
from lutforge.boards import Board
from lutforge.cli_console import say
from lutforge.comparison import Run
from lutforge.errors import InputError, LutforgeError, ScheduleError
from lutforge.executors import Executor
from lutforge.manifest import KERNEL, MANIFEST, SCHEDULE, load_manifest, require_network
from lutforge.network import Network
from lutforge.reference import ReferenceExecutor
from lutforge.schedule import Schedule, check, from_json

Ints = npt.NDArray[Any]
EXECUTORS = ("torch", "reference", "csim", "device")


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
    if limit is not None and limit < 1:
        raise InputError(f"--limit {limit}: at least one image is wanted")
    labels = found.labels[:limit] if found.labels is not None else None
    return Images(found.images[:limit], labels, found.label)


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


def overlay_schedule(overlay: Optional[Path]) -> Optional[Schedule]:
    """Return the schedule that an overlay folder was made with."""
    path = overlay / SCHEDULE if overlay else None
    return from_json(path.read_text(encoding="utf-8")) if path and path.is_file() else None


def read_schedule(text: str, network: Network, board: Board) -> Schedule:
    """Return a schedule: 'auto', 'PExSIMD' for the same folding everywhere, or a JSON file."""
    from lutforge.folding import auto, folded

    if text == "auto":
        return auto(network, board)
    parts = text.split("x")
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        return folded(network, int(parts[0]), int(parts[1]))
    path = Path(text)
    if not path.is_file():
        raise ScheduleError(f"schedule {text!r}: neither 'auto', nor PExSIMD like 8x4, nor a file")
    return check(network, from_json(path.read_text(encoding="utf-8")))


def build_overlay(folder: Path, network: Network, schedule: Schedule, board: Board, output: str = "logits") -> None:
    """Generate an overlay folder and compile its C simulation."""
    from lutforge.hls.csim import compile_kernel
    from lutforge.hls.generator import generate, write_overlay

    write_overlay(folder, network, generate(network, schedule, board, output))
    compile_kernel(folder)


def make_executors(
    names: List[str], network: Network, overlay: Optional[Path], checkpoint: Optional[Path], board: Board, schedule: str
) -> List[Executor]:
    """Return the executors asked for. Without an overlay folder one is generated and compiled for the occasion."""
    unknown = [name for name in names if name not in EXECUTORS]
    if unknown:
        raise LutforgeError(f"executor {unknown[0]!r} is unknown; use some of {', '.join(EXECUTORS)}")
    if overlay is None and {"csim", "device"} & set(names):
        overlay = Path(tempfile.mkdtemp(prefix="lutforge-")) / network.name
        say(f"generating and compiling {network.name} for {board.name}, schedule {schedule}, in {overlay}")
        build_overlay(overlay, network, read_schedule(schedule, network, board), board)
    return [_executor(name, network, overlay, checkpoint) for name in names]


def _executor(name: str, network: Network, overlay: Optional[Path], checkpoint: Optional[Path]) -> Executor:
    if name == "reference":
        return ReferenceExecutor(network)
    if name == "torch":
        from lutforge.training.export import from_network
        from lutforge.training.frozen import load_frozen

        return load_frozen(checkpoint) if checkpoint else from_network(network)
    assert overlay is not None  # make_executors made one
    if name == "csim":
        from lutforge.hls.csim import CsimExecutor

        compile_if_needed(overlay)
        return CsimExecutor(overlay, network)
    from lutforge.host import Accelerator

    compile_if_needed(overlay)
    require_network(load_manifest(overlay), network)
    return Accelerator.open(overlay)


def compile_if_needed(overlay: Path) -> None:
    """Compile the C simulation of a generated folder that has none yet."""
    from lutforge.hls.csim import compile_kernel

    if (overlay / MANIFEST).is_file() and not (overlay / KERNEL).is_file():
        say(f"compiling the C simulation of {overlay}")
        compile_kernel(overlay)
