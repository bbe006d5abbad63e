# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge costs`: what networks cost with every form of multiplier, by every cost model, and published ratios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Dict, Optional

import typer
from rich.table import Table

from lutforge import cli_sources as sources
from lutforge import store
from lutforge.cli_console import emit, progress, results, say, simple_table
from lutforge.cost_models import ENERGY, LIBERTY, LUT6, TRANSISTORS, cost_model

NetworkFile = Annotated[Path, typer.Argument(help="A network file (.npz).", show_default=False)]
Liberty = Annotated[
    Optional[Path], typer.Option("--liberty", help="A Liberty file (.lib): area in its standard cells, by yosys.")
]


def costs(
    network: NetworkFile,
    mixed: Annotated[
        Optional[Path], typer.Option("--mix", help="The same network with other multipliers, as `mix` writes it.")
    ] = None,
    liberty: Liberty = None,
    images: Annotated[Optional[Path], typer.Option("--images", help="An .npz with `images`, for the energy.")] = None,
    dataset: Annotated[
        Optional[str], typer.Option("--dataset", help="Or a data set's test images, for the energy.")
    ] = None,
    data: Annotated[Optional[Path], typer.Option("--data", help="Folder of data sets; default $LUTFORGE_DATA.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The first N images only.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the weights and activations drawn for the energy.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
) -> None:
    """Price a network with conventional tables, array multipliers, digits and its own: area and energy, and ratios."""
    from lutforge.network_costs import costs_document, network_costs
    from lutforge.standard_cells import read_library

    loaded = store.load(network)
    others = {} if mixed is None else {f"mix ({mixed.name})": store.load(mixed)}
    library = None if liberty is None else read_library(liberty)
    given = None if images is None and dataset is None else sources.read_images(images, dataset, data, limit)
    names = [TRANSISTORS, LUT6, *([LIBERTY] if library else []), *([ENERGY] if given else [])]
    with progress("pricing", None, ""):
        models = [cost_model(name, loaded, given.images if given else None, library, seed) for name in names]
        rows = network_costs(loaded, models, others)
    document = costs_document(loaded, models, rows)
    if given:
        document["images"] = f"{len(given.images)} images of {given.label}"
    emit(document, as_json, _prices(document))
    if as_json:
        return
    for base in document["published_times_less_than"]["exact"]:
        results.print(_ratios(document, base))
    for name, model in document["models"].items():
        say(f"{name}: {model['kind']}, {model['unit']}; {model['label']}")
    if given:
        say(f"activations: {document['images']}")
    else:
        say("energy: left out; it wants activations, name images with --images or --dataset")
    say("published: quoted from the abstract of arXiv 2406.05282, 8-bit activations and 9-bit weights, other networks")


def _prices(document: Dict[str, Any]) -> Table:
    models = document["models"]
    rows = [[form["form"], *(_short(form["prices"][name]) for name in models)] for form in document["forms"]]
    title = f"{document['network']}: {document['weights_not_0']:,} weights that are not 0, of {document['weights']:,}"
    return simple_table(title, ["multipliers", *(f"{name}\n{models[name]['kind']}" for name in models)], rows)


def _ratios(document: Dict[str, Any], base: str) -> Table:
    """Return how many times less each form takes; published areas stand under transistors."""
    models = document["models"]
    rows = [
        [form["form"], *(f"{form['times_less_than'][base][name]:.2f}" for name in models)] for form in document["forms"]
    ]
    for what, published in document["published_times_less_than"].items():
        quoted = {TRANSISTORS: published[base]["area"], ENERGY: published[base]["energy"]}
        rows.append([f"published, {what}", *(quoted.get(name, "") for name in models)])
    return simple_table(f"times less than with {base}", ["multipliers", *models], rows)


def _short(price: int) -> str:
    """Return a price in at most 7 characters.

    >>> _short(9_999), _short(2_622_685_000)
    ('9,999', '2,623 M')
    """
    for power, suffix in ((9, "G"), (6, "M"), (3, "k")):
        if price >= 10 ** (power + 1):
            return f"{price / 10**power:,.0f} {suffix}"
    return f"{price:,}"
