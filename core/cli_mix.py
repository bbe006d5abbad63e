# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge mix`: choose a multiplier for each layer of a network, within a loss of accuracy or within a price."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional

import typer

from lutforge import cli_sources as sources
from lutforge import store
from lutforge.cli_console import emit, progress, say, simple_table
from lutforge.cli_costs import Liberty
from lutforge.errors import InputError
from lutforge.mix import Layers, described, layers_of, right, yardsticks
from lutforge.mixed import Point, Search

CALIBRATION = 500
LAYER_COLUMNS = ("layer", "weights", "multiplier", "of exact")
NetworkFile = Annotated[Path, typer.Argument(help="A network file (.npz).", show_default=False)]


def mix(
    network: NetworkFile,
    images: Annotated[Optional[Path], typer.Option("--images", help="An .npz with `images` and `labels`.")] = None,
    dataset: Annotated[
        Optional[str],
        typer.Option("--dataset", help="Measure on a data set's validation images, calibrate on training images."),
    ] = None,
    data: Annotated[Optional[Path], typer.Option("--data", help="Folder of data sets; default $LUTFORGE_DATA.")] = None,
    limit: Annotated[Optional[int], typer.Option("--limit", min=1, help="Measure on the first N images only.")] = None,
    objective: Annotated[
        str, typer.Option("--objective", help="transistors, lut6, liberty or energy.")
    ] = "transistors",
    liberty: Liberty = None,
    loss: Annotated[float, typer.Option("--loss", min=0, help="Points of accuracy that may be lost.")] = 1.0,
    price: Annotated[
        Optional[float], typer.Option("--price", help="Instead: at most so much, in the objective's unit.")
    ] = None,
    exchanges: Annotated[int, typer.Option("--exchanges", min=0, help="Exchanges to try at most.")] = 60,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the exchanges.")] = 0,
    log: Annotated[Optional[Path], typer.Option("--log", help="Keep measurements here, and go on from them.")] = None,
    out: Annotated[Optional[Path], typer.Option("--out", "-o", help="Write the chosen network to this file.")] = None,
    plot: Annotated[Optional[Path], typer.Option("--plot", help="Draw the front to this PNG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Search a mix of exact and approximate multipliers, layer by layer: sensitivity, a front, exchanges."""
    from lutforge.cost_models import cost_model
    from lutforge.standard_cells import read_library

    loaded = store.load(network)
    library = None if liberty is None else read_library(liberty)
    measured, labels, calibration, label = _images(images, dataset, data, limit)
    model = cost_model(objective, loaded, calibration, library, seed)
    layers = layers_of(loaded, model, calibration)
    with progress("measuring mixes", None, "mixes") as step:
        search = Search(
            layers.prices,
            lambda mix: right(layers.network_of(mix), measured, labels),
            len(measured),
            seed,
            log,
            layers.key(measured, labels),
            lambda point: step(1),
        )
        found = search.within_loss(loss / 100, exchanges) if price is None else search.within_price(price, exchanges)
    _tell(search, found, layers, label, as_json)
    if out is not None:
        say(f"{out}: {store.save(layers.network_of(found.mix), out)}")
    if plot is not None:
        store.write_atomically(plot, _drawn(search, found, model.unit))


def _tell(search: Search, found: Point, layers: Layers, label: str, as_json: bool) -> None:
    """Print the mix layer by layer, and what it costs beside the exact network and the yardsticks."""
    exact, rows, model, images = (
        search.measured(search.exact),
        described(layers, found.mix),
        layers.model,
        search.images,
    )
    document: Dict[str, Any] = {
        "network": layers.network.name,
        "objective": model.name,
        "model": {"unit": model.unit, "kind": model.kind, "label": model.label},
        "images": label,
        "exact": _summary(exact, images),
        "mix": {**_summary(found, images), "layers": rows},
        "yardsticks": {name: round(value) for name, value in yardsticks(layers).items()},
        "measured_mixes": len(search.seen),
        "front": [_summary(point, images) for point in search.front()],
    }
    table: List[List[object]] = [
        [row["layer"], row["weights"], row["multiplier"], f"{row['of_exact']:.2f}"] for row in rows
    ]
    emit(document, as_json, simple_table(f"{layers.network.name}: {model.unit}, {model.kind}", LAYER_COLUMNS, table))
    say(
        f"exact: {100 * exact.right / images:.2f} % at {exact.price:,.0f} {model.unit}; mix: "
        f"{100 * found.right / images:.2f} % at {found.price:,.0f}, {exact.price / found.price:.2f} times less "
        f"({label}; {len(search.seen)} mixes measured)"
    )
    for name, value in document["yardsticks"].items():
        say(f"with {name}: {value:,} {model.unit}, {value / found.price:.2f} times the mix")


def _images(images: Optional[Path], dataset: Optional[str], data: Optional[Path], limit: Optional[int]) -> Any:
    """Return (images, labels) to measure on, images to calibrate on, and what they are."""
    if dataset is not None and images is None:
        from lutforge.training.calibration import calibration_images
        from lutforge.training.data import load_dataset

        loaded = load_dataset(dataset, data)
        chosen, labels = loaded.validation_images[:limit], loaded.validation_labels[:limit]
        return chosen, labels, calibration_images(loaded)[:CALIBRATION], f"{len(chosen)} validation images of {dataset}"
    given = sources.read_images(images, dataset, data, limit)
    if given.labels is None:
        raise InputError(f"{given.label}: it has no `labels`, and accuracy cannot be measured without")
    return given.images, given.labels, given.images[:CALIBRATION], f"{len(given.images)} images of {given.label}"


def _summary(point: Point, images: int) -> Dict[str, Any]:
    return {
        "accuracy_percent": round(100 * point.right / images, 4),
        "price": round(point.price),
        "mix": list(point.mix),
    }


def _drawn(search: Search, found: Point, unit: str) -> bytes:
    """Return a PNG of all measured mixes and the front."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    every = [search.measured(mix) for mix in list(search.seen)]
    front = search.front()
    axes.scatter([p.price for p in every], [100 * p.right / search.images for p in every], s=10, label="measured")
    axes.step([p.price for p in front], [100 * p.right / search.images for p in front], where="post", label="front")
    axes.scatter([found.price], [100 * found.right / search.images], marker="*", s=140, label="chosen")
    axes.set(xlabel=unit, ylabel="accuracy, %")
    axes.legend()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    return picture.getvalue()
