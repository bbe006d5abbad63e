# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The command `lutforge`: one subcommand per stage, files in and files out.

Exit codes: 0 done and equal, 1 executors disagree, 2 wrong use or failure (the message says what to do).
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Dict, Optional

import typer

import lutforge
from lutforge import cli_array, cli_bits, cli_costs, cli_mix, cli_multipliers, cli_overlay, cli_rtl, cli_synth, store
from lutforge import cli_sources as sources
from lutforge.boards import board_names, load_board
from lutforge.cli_console import (
    DIFFERENT,
    FAILED,
    OK,
    comparison_document,
    comparison_table,
    cost_document,
    cost_table,
    emit,
    progress,
    say,
)
from lutforge.comparison import compare, run_blocks
from lutforge.cost import estimate, fits
from lutforge.errors import LutforgeError
from lutforge.manifest import NETWORK
from lutforge.schedule import DEFAULT_DEPTH

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Networks of look-up tables, bit for bit from PyTorch to a PYNQ board. "
    "The order of work: train, export, generate, csim, rtl, run, check, synth, report, overlay; "
    "`demo` does most of it on digits.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
Data = Annotated[Optional[Path], typer.Option("--data", help="Folder of data sets; default $LUTFORGE_DATA.")]
ImagesFile = Annotated[Optional[Path], typer.Option("--images", help="An .npz with `images` and perhaps `labels`.")]
DatasetName = Annotated[Optional[str], typer.Option("--dataset", help="Use a data set's test images instead.")]
Limit = Annotated[Optional[int], typer.Option("--limit", help="Only the first N images.")]
BoardName = Annotated[str, typer.Option("--board", help=f"One of: {', '.join(board_names())}.")]
ScheduleText = Annotated[
    str, typer.Option("--schedule", help="auto or PExSIMD (such as 8x4), perhaps with +carry behind, or a JSON file.")
]
NetworkFile = Annotated[Path, typer.Argument(help="A network file (.npz).", show_default=False)]
ALL = ", ".join(sources.EXECUTORS)
OverlayFolder = Annotated[Path, typer.Argument(help="An overlay folder, as `generate` writes it.", show_default=False)]
Overlay = Annotated[
    Optional[Path],
    typer.Option("--overlay", help="An overlay folder with its own board and schedule; default: a temporary one."),
]
Threads = Annotated[Optional[int], typer.Option("--threads", help="Of the fast engine; default: all processors.")]
MaxMemory = Annotated[Optional[int], typer.Option("--max-memory", help="MiB that the fast engine may take.")]
Checkpoint = Annotated[Optional[Path], typer.Option("--checkpoint", help="A frozen model, as `train` writes it.")]


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a .toml file; a wrong one lists them all.")] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the checkpoints and frozen.pt.")] = Path(
        "build/train"
    ),
    recipe_option: Annotated[str, typer.Option("--recipe", help="The same as the argument.")] = "",
    data: Data = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoints in --out.")] = False,
    begin: Annotated[
        Optional[str], typer.Option("--from", help="Train from this step on; those before it are in --out.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where torch trains: cpu, cuda, cuda:1, ...")] = "cpu",
    as_json: Json = False,
) -> None:
    """Train by a recipe, freeze the model to integers, and write it: OUT/RECIPE/frozen.pt."""
    from lutforge.cli_train import train_recipe

    emit(train_recipe(recipe or recipe_option, out, data, seed, resume, begin, device), as_json)


@app.command()
def export(
    frozen: Annotated[Path, typer.Argument(help="A frozen model (frozen.pt).", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The network file to write.")] = Path("network.npz"),
    as_json: Json = False,
) -> None:
    """Turn a frozen model into a network file."""
    from lutforge.training.export import to_network
    from lutforge.training.frozen import load_frozen

    network = to_network(load_frozen(frozen))
    sha256 = store.save(network, out)
    emit({"network": str(out), "name": network.name, "sha256": sha256, "nodes": len(network.nodes)}, as_json)


@app.command()
def generate(
    network: NetworkFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="The overlay folder to write.")] = Path("overlay"),
    board: BoardName = "pynq_z2",
    schedule: ScheduleText = "auto",
    output: Annotated[str, typer.Option("--output", help="What the design answers: logits, class or both.")] = "logits",
    as_json: Json = False,
) -> None:
    """Write HLS C++, LUT initialisation files, .hwh and manifest, and estimate the area."""
    from lutforge.hls.generator import generate as texts_of
    from lutforge.hls.generator import write_overlay

    loaded, chosen = store.load(network), load_board(board)
    folding = sources.read_schedule(schedule, loaded, chosen)
    texts = texts_of(loaded, folding, chosen, output)
    write_overlay(out, loaded, texts)
    cost = estimate(loaded, folding, chosen.beat_bits)
    fit = fits(cost, chosen)
    depths = dict(sorted(folding.depths.items()))
    document = {"overlay": str(out), "files": len(texts), "depths": depths, **cost_document(cost, fit, chosen)}
    emit(document, as_json, cost_table(cost, fit, chosen.name))
    if not fit.ok:
        say(f"warning: {', '.join(fit.exceeded)} exceed what {chosen.name} has; fold further or prune")
    if depths:
        told = ", ".join(f"{name} {depth}" for name, depth in depths.items())
        say(f"streams that are not {DEFAULT_DEPTH} beats deep: {told}")
    say(f"wrote {len(texts)} files to {out}")


@app.command()
def csim(
    overlay: OverlayFolder,
    images: ImagesFile = None,
    out: Annotated[Optional[Path], typer.Option("--out", "-o", help="Write the logits to this .npz.")] = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Compile the C simulation of an overlay folder; with --images, run it too."""
    from lutforge.hls.csim import CsimExecutor, compile_kernel

    with progress("compiling", None, ""):
        kernel = compile_kernel(overlay)
    document: Dict[str, Any] = {"kernel": str(kernel)}
    if images is not None:
        document.update(_run(CsimExecutor(overlay), store.load(overlay / NETWORK), images, None, None, limit, out))
    emit(document, as_json)


app.command()(cli_rtl.rtl)
app.command()(cli_synth.synth)
app.command()(cli_multipliers.multipliers)
app.command()(cli_bits.bits)
app.command()(cli_costs.costs)
app.command()(cli_mix.mix)
app.add_typer(cli_overlay.app, name="overlay")
app.add_typer(cli_array.app, name="array")


@app.command()
def run(
    network: NetworkFile,
    executor: Annotated[
        Optional[str], typer.Option(help=f"One of: {', '.join(sources.EXECUTORS)}; instead of --engine.")
    ] = None,
    engine: Annotated[str, typer.Option(help=f"What emulates the network: {', '.join(sources.ENGINES)}.")] = "auto",
    images: ImagesFile = None,
    dataset: DatasetName = None,
    data: Data = None,
    limit: Limit = None,
    overlay: Overlay = None,
    checkpoint: Checkpoint = None,
    board: BoardName = "pynq_z2",
    schedule: ScheduleText = "auto",
    out: Annotated[Optional[Path], typer.Option("--out", "-o", help="Write the logits to this .npz.")] = None,
    threads: Threads = None,
    max_memory: MaxMemory = None,
    toggles: Annotated[
        Optional[Path],
        typer.Option("--toggles", help="Write how often each bit of each node flips from image to image (.npz)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run images through one executor and say what produced the answers."""
    loaded = store.load(network)
    names = sources.executor_names(executor or sources.engine_name(engine, loaded))[:1]
    limits = sources.Limits(threads, max_memory)
    chosen = sources.make_executors(names, loaded, overlay, checkpoint, load_board(board), schedule, limits)[0]
    document = _run(chosen, loaded, images, dataset, data, limit, out)
    if toggles is not None:
        given = sources.read_images(images, dataset, data, limit)
        document["flips_per_image"] = sources.write_toggles(toggles, chosen, given)
        document["toggles"] = str(toggles)
    emit(document, as_json)


def _run(
    executor: Any,
    network: lutforge.Network,
    images: Optional[Path],
    dataset: Optional[str],
    data: Optional[Path],
    limit: Optional[int],
    out: Optional[Path],
) -> Dict[str, Any]:
    given = sources.read_images(images, dataset, data, limit)
    with progress(f"running {executor.name}", len(given.images)) as step:
        answers = run_blocks(network, executor, given.images, step)
    document: Dict[str, Any] = {
        "executor": answers.name,
        "images": len(answers.logits),
        "of": given.label,
        "seconds": round(answers.seconds, 3),
        "images_per_second_on_this_computer": round(answers.throughput_fps),
    }
    if given.labels is not None:
        document["accuracy_percent"] = round(answers.accuracy(given.labels), 2)
    if out is not None:
        sources.save_answers(out, answers)
        document["answers"] = str(out)
    return document


@app.command()
def check(
    network: NetworkFile,
    executors: Annotated[str, typer.Option(help="Names, separated by commas.")] = "fast,csim,device",
    images: ImagesFile = None,
    dataset: DatasetName = None,
    data: Data = None,
    limit: Limit = None,
    overlay: Overlay = None,
    checkpoint: Checkpoint = None,
    board: BoardName = "pynq_z2",
    schedule: ScheduleText = "auto",
    as_json: Json = False,
) -> None:
    """Compare executors pairwise, image by image, logits included; exit 0 only if all are equal."""
    loaded = store.load(network)
    given = sources.read_images(images, dataset, data, limit)
    names = sources.executor_names(executors)
    if len(names) < 2:
        raise LutforgeError(f"--executors {executors}: nothing to compare; name at least two of {ALL}")
    chosen = sources.make_executors(names, loaded, overlay, checkpoint, load_board(board), schedule)
    with progress("checking", len(given.images) * len(chosen)) as step:
        comparison = compare(loaded, chosen, given.images, lambda name, done: step(done))
    emit(comparison_document(comparison, given.labels), as_json, comparison_table(comparison, given.labels))
    for difference in comparison.differences:
        say(f"different: {difference}")
    if comparison.equal:
        say(f"all {len(comparison.runs)} executors answer all {len(given.images)} images with equal integers")
    raise typer.Exit(OK if comparison.equal else DIFFERENT)


@app.command()
def report(
    network: NetworkFile,
    executors: Annotated[str, typer.Option(help="Names, separated by commas.")] = "fast,csim,device",
    images: ImagesFile = None,
    dataset: DatasetName = None,
    data: Data = None,
    limit: Limit = None,
    overlay: Overlay = None,
    checkpoint: Checkpoint = None,
    board: BoardName = "pynq_z2",
    schedule: ScheduleText = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file to write.")] = Path("report.html"),
    as_json: Json = False,
) -> None:
    """Run and compare executors, and write a self-contained HTML report with pictures."""
    from lutforge.report import Section, document_of, write_report

    loaded = store.load(network)
    given = sources.read_images(images, dataset, data, limit)
    sources.check_labels(given, loaded.classes)
    made_for, folding = sources.design_of(overlay, loaded, board, schedule)
    names = sources.executor_names(executors)
    chosen = sources.make_executors(names, loaded, overlay, checkpoint, made_for, schedule)
    with progress("comparing", len(given.images) * len(chosen)) as step:
        comparison = compare(loaded, chosen, given.images, lambda name, done: step(done))
    section = Section(loaded, folding, made_for, comparison, given.images, given.labels, given.label)
    write_report(out, [section])
    emit({"report": str(out), **document_of(section)}, as_json)
    raise typer.Exit(OK if comparison.equal else DIFFERENT)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything the demo makes.")] = Path(
        "build/demo"
    ),
    board: BoardName = "pynq_z2",
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    as_json: Json = False,
) -> None:
    """Train a LUTNet and a LUT-NA network on handwritten digits and take both to the emulated PYNQ device."""
    from lutforge.cli_demo import run_demo

    equal = run_demo(out, load_board(board), seed, as_json)
    raise typer.Exit(OK if equal else DIFFERENT)


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        print(lutforge.__version__)
        raise typer.Exit(OK)


class _Stopped(BaseException):
    """Ctrl-C; typer has an exit code of its own for KeyboardInterrupt."""


def _stop(*_: object) -> None:
    raise _Stopped


def main() -> None:
    """Run the command; a user's mistake becomes a message and exit code 2."""
    signal.signal(signal.SIGINT, _stop)
    try:
        app()
    except LutforgeError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.strerror or error}: {error.filename or 'no file named'}; check the path and its permissions")
    except ModuleNotFoundError as error:
        package = str(error.name).split(".")[0]
        _fail(f"this needs {package}, which is not installed; {_extra(package)}")
    except _Stopped:
        say("stopped")
        sys.exit(FAILED)


def _fail(message: str) -> None:
    say(f"error: {message}")
    sys.exit(FAILED)


def _extra(module: str) -> str:
    extras = {"train": ("torch", "torchvision", "brevitas", "sklearn", "PIL"), "board": ("pynq",)}
    names = [extra for extra, modules in extras.items() if module in modules]
    return f"pip install 'lutforge[{names[0]}]'" if names else f"pip install {module}"


if __name__ == "__main__":
    main()
