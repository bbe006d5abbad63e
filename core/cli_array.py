# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge array`: the programmable array, whose overlay runs any network that fits its memories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional

import typer
from rich.table import Table

from lutforge import cli_sources as sources
from lutforge import store
from lutforge.array_geometry import Geometry
from lutforge.array_kernels import ARRAY_KERNELS
from lutforge.array_manifest import load_array
from lutforge.array_plan import ArrayPlan, plan_of
from lutforge.array_program import compile_program
from lutforge.boards import board_names, load_board, with_clock
from lutforge.cli_console import DIFFERENT, OK, emit, progress, say, simple_table
from lutforge.errors import LutforgeError
from lutforge.manifest import HWH

app = typer.Typer(
    no_args_is_help=True,
    help="The programmable array: one overlay runs any network that fits its memories; weights come with the images.",
)

DEFAULT = Geometry(16, 16, 8, 8, 16384, 2048)
"""Fits the PYNQ-Z2."""

Pe = Annotated[int, typer.Option("--pe", help="Outputs that are computed at the same time.")]
Simd = Annotated[int, typer.Option("--simd", help="Inputs of each, a multiple of --pe and of 8.")]
WeightBits = Annotated[int, typer.Option("--weight-bits", help="2 to 9.")]
Generators = Annotated[int, typer.Option("--generators", help="Rows of tables that grow at the same time.")]
ActivationWords = Annotated[int, typer.Option("--activation-words", help="Memory of --simd activations each.")]
SumWords = Annotated[int, typer.Option("--sum-words", help="Memory of --pe partial sums each.")]
RunImages = Annotated[Optional[int], typer.Option("--run-images", help="Images of one run; default: as many as fit.")]
BoardName = Annotated[str, typer.Option("--board", help=f"One of: {', '.join(board_names())}.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
NetworkFile = Annotated[Path, typer.Argument(help="A network file (.npz).", show_default=False)]
ArrayFolder = Annotated[
    Path, typer.Argument(help="An overlay folder, as `array generate` writes it.", show_default=False)
]


@app.command()
def generate(
    out: Annotated[Path, typer.Option("--out", "-o", help="The overlay folder to write.")] = Path("array"),
    board: BoardName = "pynq_z2",
    pe: Pe = DEFAULT.pe,
    simd: Simd = DEFAULT.simd,
    weight_bits: WeightBits = DEFAULT.weight_bits,
    generators: Generators = DEFAULT.generators,
    activation_words: ActivationWords = DEFAULT.activation_words,
    sum_words: SumWords = DEFAULT.sum_words,
    as_json: Json = False,
) -> None:
    """Write HLS C++, .hwh and manifest of an array; `lutforge csim` compiles its C simulation."""
    from lutforge.hls.array_generator import generate_array, write_array

    geometry = Geometry(pe, simd, weight_bits, generators, activation_words, sum_words)
    texts = generate_array(geometry, load_board(board))
    write_array(out, texts)
    document = {"overlay": str(out), "board": board, "files": len(texts), **geometry.to_document()}
    document.update(activation_bytes=geometry.activation_bytes, sum_bytes=geometry.sum_bytes)
    emit(document, as_json)


@app.command()
def plan(
    network: NetworkFile,
    overlay: Annotated[Optional[Path], typer.Option("--overlay", help="An array's folder, instead of sizes.")] = None,
    board: BoardName = "pynq_z2",
    pe: Pe = DEFAULT.pe,
    simd: Simd = DEFAULT.simd,
    weight_bits: WeightBits = DEFAULT.weight_bits,
    generators: Generators = DEFAULT.generators,
    activation_words: ActivationWords = DEFAULT.activation_words,
    sum_words: SumWords = DEFAULT.sum_words,
    run_images: RunImages = None,
    as_json: Json = False,
) -> None:
    """Compile a network for an array and print what every step takes."""
    loaded, clock_mhz = store.load(network), load_board(board).clock_mhz
    geometry = Geometry(pe, simd, weight_bits, generators, activation_words, sum_words)
    if overlay is not None:
        made = load_array(overlay)
        geometry, clock_mhz = made.geometry, made.clock_mhz
    found = plan_of(compile_program(loaded, geometry, run_images))
    document = {
        **found.to_document(),
        "geometry": geometry.to_document(),
        "clock_mhz": clock_mhz,
        "predicted_fps": found.images_per_second(clock_mhz),
    }
    emit(document, as_json, _plan_table(found, geometry, clock_mhz))


def _plan_table(found: ArrayPlan, geometry: Geometry, clock_mhz: float) -> Table:
    names = ["positions", "tiles", "skipped", "kept", "multiplications", "words", "cycles"]
    rows: List[List[object]] = [
        [step.node, *(f"{getattr(step, name):,}" for name in names)] for step in found.steps if step.words
    ]
    sums = [f"{sum(getattr(step, name) for step in found.steps):,}" for name in names[1:]]
    rows.append(["images", "", "", "", "", "", "", f"{found.input_cycles:,}"])
    rows.append(["total", "", *sums[:-1], f"{found.cycles:,}"])
    title = (
        f"{found.network} on {geometry.pe} x {geometry.simd}, {found.images} images a run; predicted at {clock_mhz:g} "
        f"MHz, not timing-closed: {found.images_per_second(clock_mhz):,.1f} images/s; activations "
        f"{found.activation_words:,} of {geometry.activation_words:,} words, sums {found.sum_words:,} of "
        f"{geometry.sum_words:,}; program {found.program_bytes:,} bytes; multiplications of one image"
    )
    return simple_table(title, ["node", *names], rows)


@app.command()
def overlay(
    out: Annotated[Path, typer.Option("--out", "-o", help="The plan folder to write.")] = Path("plan"),
    board: BoardName = "pynq_z2",
    route: Annotated[str, typer.Option("--route", help="hls (C synthesis) or rtl (Verilog as an IP).")] = "hls",
    pe: Pe = DEFAULT.pe,
    simd: Simd = DEFAULT.simd,
    weight_bits: WeightBits = DEFAULT.weight_bits,
    generators: Generators = DEFAULT.generators,
    activation_words: ActivationWords = DEFAULT.activation_words,
    sum_words: SumWords = DEFAULT.sum_words,
    clock: Annotated[Optional[float], typer.Option("--clock", help="MHz; default: the board file's.")] = None,
    as_json: Json = False,
) -> None:
    """Write a build plan of an array, which `lutforge overlay build` runs where Vivado is installed."""
    from lutforge.hls.array_generator import generate_array
    from lutforge.hls.array_rtl import generate_array_rtl
    from lutforge.overlays.plan import plan_array, write_plan

    geometry = Geometry(pe, simd, weight_bits, generators, activation_words, sum_words)
    chosen = load_board(board) if clock is None else with_clock(load_board(board), clock)
    texts = generate_array(geometry, chosen)
    if route == "rtl":
        texts = {**generate_array_rtl(geometry).texts, HWH: texts[HWH]}
    planned = plan_array(geometry, chosen, texts, route)
    write_plan(out, None, planned)
    emit({"plan": str(out), "route": route, "board": board, "files": len(planned), **geometry.to_document()}, as_json)
    say(f"next, where Vivado is installed: {out}/build.sh, or lutforge overlay build {out}")


@app.command()
def run(
    overlay: ArrayFolder,
    networks: Annotated[List[Path], typer.Argument(help="Network files, run one after the other.", show_default=False)],
    images: Annotated[Optional[Path], typer.Option("--images", help="An .npz with `images`, perhaps `labels`.")] = None,
    dataset: Annotated[Optional[str], typer.Option("--dataset", help="A data set's test images instead.")] = None,
    data: Annotated[Optional[Path], typer.Option("--data", help="Folder of data sets; default $LUTFORGE_DATA.")] = None,
    limit: Annotated[Optional[int], typer.Option("--limit", help="Only the first N images.")] = None,
    kernel: Annotated[
        str, typer.Option("--kernel", help=f"Behind the emulated device: {', '.join(ARRAY_KERNELS)}.")
    ] = "fast",
    run_images: RunImages = None,
    as_json: Json = False,
) -> None:
    """Load networks one after the other on one overlay, and compare every answer with the fast engine's."""
    from lutforge.host import ArrayAccelerator

    load_array(overlay)  # the better message, before anything is compiled
    if kernel not in ARRAY_KERNELS:
        raise LutforgeError(f"--kernel {kernel}: use one of {', '.join(ARRAY_KERNELS)}")
    given = sources.read_images(images, dataset, data, limit)
    sources.prepare_array(overlay, kernel)
    documents = []
    with ArrayAccelerator.open(overlay, kernel=kernel) as accelerator:
        for path in networks:
            documents.append(_run(accelerator, path, given, run_images))
    equal = all(document["equal"] for document in documents)
    rows = [list(document.values()) for document in documents]
    emit(
        {"overlay": str(overlay), "equal": equal, "runs": documents},
        as_json,
        simple_table("", list(documents[0]), rows),
    )
    raise typer.Exit(OK if equal else DIFFERENT)


def _run(accelerator: Any, path: Path, given: sources.Images, run_images: Optional[int]) -> Dict[str, Any]:
    network = store.load(path)
    sources.check_labels(given, network.classes)
    program = accelerator.load(network, run_images)
    with progress(f"{network.name} on {accelerator.name}", len(given.images)) as step:
        result = accelerator.predict(given.images, step)
    verified = accelerator.compare(given.images, result)
    say(str(verified))
    document: Dict[str, Any] = {
        "network": network.name,
        "executor": result.executor,
        "images": len(given.images),
        "run_images": program.images,
        "seconds": round(result.seconds, 3),
        "equal": verified.equal,
    }
    if given.labels is not None:
        document["accuracy_percent"] = round(100 * float((result.classes == given.labels).mean()), 2)
    return document
