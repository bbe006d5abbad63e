# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge bits`: the accuracy of a trained deep network over weight and activation bits, without retraining."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional, Sequence

import typer

from lutforge.cli_console import emit, progress, say, simple_table
from lutforge.errors import InputError
from lutforge.store import write_atomically


def bits(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe of kind deep, or a .toml file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder that `train` wrote its checkpoints to.")] = Path(
        "build/train"
    ),
    data: Annotated[Optional[Path], typer.Option("--data", help="Folder of data sets; default $LUTFORGE_DATA.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Measure on the first N test images.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="As given to `train`.")] = 0,
    plot: Annotated[Optional[Path], typer.Option("--plot", help="Draw a heat map to this PNG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Calibrate a trained network for weights of 2 to 9 and activations of 2 to 8 bits, and measure each pair."""
    from lutforge.training.bit_widths import ALL_ACTIVATION_BITS, ALL_WEIGHT_BITS, accuracies
    from lutforge.training.calibration import calibration_images
    from lutforge.training.data import load_dataset
    from lutforge.training.deep_plan import DeepPlan
    from lutforge.training.deep_training import floating_network
    from lutforge.training.fit import accuracy
    from lutforge.training.recipe import recipe_named

    chosen = recipe_named(recipe)
    if not isinstance(chosen.plan, DeepPlan):
        raise InputError(f"recipe {chosen.name} is of kind {chosen.kind}; bits are varied in recipes of kind deep")
    images = load_dataset(chosen.dataset, data)
    model = floating_network(chosen.plan, images, out / chosen.name, seed)
    tested, labels = images.test_images[:limit], images.test_labels[:limit]
    with progress("measuring bits", len(ALL_WEIGHT_BITS) * len(ALL_ACTIVATION_BITS), "pairs") as step:
        found = accuracies(
            model, calibration_images(images, seed), tested, labels, on_point=lambda weight, activation, part: step(1)
        )
    grid = [[round(100 * found[w, a], 2) for a in ALL_ACTIVATION_BITS] for w in ALL_WEIGHT_BITS]
    floating = round(100 * accuracy(model, tested, labels), 2)
    document: Dict[str, Any] = {
        "recipe": chosen.name,
        "images": len(tested),
        "floating_percent": floating,
        "weight_bits": list(ALL_WEIGHT_BITS),
        "activation_bits": list(ALL_ACTIVATION_BITS),
        "accuracy_percent": grid,
    }
    title = f"{chosen.name}: accuracy in percent, {len(tested):,} test images of {images.label}"
    rows: List[List[object]] = [[w, *(f"{x:.2f}" for x in line)] for w, line in zip(ALL_WEIGHT_BITS, grid, strict=True)]
    emit(document, as_json, simple_table(title, ("weights \\ activations", *map(str, ALL_ACTIVATION_BITS)), rows))
    say(f"floating: {floating:.2f} %")
    if plot is not None:
        write_atomically(plot, _drawn(title, grid, ALL_WEIGHT_BITS, ALL_ACTIVATION_BITS))
        say(f"heat map: {plot}")


def _drawn(title: str, grid: List[List[float]], weight_bits: Sequence[int], activation_bits: Sequence[int]) -> bytes:
    """Return a PNG of accuracies by bits."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(grid, origin="lower", aspect="auto")
    axes.set_xticks(range(len(activation_bits)), [str(bits) for bits in activation_bits])
    axes.set_yticks(range(len(weight_bits)), [str(bits) for bits in weight_bits])
    axes.set(xlabel="activation bits", ylabel="weight bits")
    axes.set_title(title, fontsize=8)
    figure.colorbar(shown, ax=axes)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    return picture.getvalue()
