# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge multipliers`: what each form of multiplier takes, and how far it is off."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional

import numpy as np
import typer

from lutforge.cli_console import emit, results, say, simple_table
from lutforge.multiplier_forms import FORMS, errors, measured, weights_of
from lutforge.multipliers import Approximate, Multiplier
from lutforge.store import write_atomically

CELLS = ("form", "SRAM", "mux", "FA", "HA", "AND", "trans.", "ratio")
ERRORS = ("form", "LUT6", "largest error", "mean", "mean absolute")


def multipliers(
    activation_bits: Annotated[int, typer.Option("--activation-bits", min=2, max=8, help="Unsigned activations.")] = 8,
    weight_bits: Annotated[int, typer.Option("--weight-bits", min=2, max=9, help="Two's complement weights.")] = 8,
    natural: Annotated[
        bool, typer.Option("--natural", help="Count cells for weights without sign, as in the published figures.")
    ] = False,
    surfaces: Annotated[
        Optional[Path], typer.Option("--surfaces", help="Draw the error over weights and activations to this PNG file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Count storage, cells, transistors and LUT6 of each multiplier, and its error over all products."""
    fitting = {
        name: form
        for name, form in FORMS.items()
        if not isinstance(form, Approximate) or form.constant < 1 << form.dropped(activation_bits)
    }
    found = [measured(name, form, activation_bits, weight_bits, not natural) for name, form in fitting.items()]
    widest = found[0].transistors
    cells: List[List[object]] = [
        [each.name, *each.cells.values(), f"{each.transistors:,}", f"{widest / each.transistors:.2f}"] for each in found
    ]
    misses: List[List[object]] = [
        [each.name, f"{each.lut6:.1f}", each.largest, f"{each.mean:.2f}", f"{each.mean_absolute:.1f}"] for each in found
    ]
    title = f"{activation_bits}-bit activations times {weight_bits}-bit weights"
    documents: List[Dict[str, Any]] = [
        {**asdict(each), "form": type(each.multiplier).__name__, "transistors": each.transistors} for each in found
    ]
    emit({"title": title, "multipliers": documents}, as_json, simple_table(title, CELLS, cells))
    if not as_json:
        results.print(simple_table("", ERRORS, misses))
    say(
        "Cells and transistors: a model of one multiplier in CMOS, built cell by cell (SRAM 6, multiplexer 6, FA 28, "
        "HA 14, AND 6); ratio: conventional / this. LUT6: estimated, mean of constant products over all weights."
    )
    if surfaces is not None:
        chosen: Dict[str, Multiplier] = {n: form for n, form in fitting.items() if isinstance(form, Approximate)}
        write_atomically(surfaces, _drawn(chosen, activation_bits, weight_bits))
        say(f"error surfaces: {surfaces}")


def _drawn(chosen: Dict[str, Multiplier], activation_bits: int, weight_bits: int) -> bytes:
    """Return a PNG of the error of each form, over weights and activations."""
    from matplotlib.figure import Figure

    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.6 * rows), layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    weights = weights_of(weight_bits)
    right, bottom, top = (1 << activation_bits) - 0.5, float(weights[0]) - 0.5, float(weights[-1]) + 0.5
    for place, (name, multiplier) in zip(places[: len(chosen)], chosen.items(), strict=True):
        error = errors(multiplier, activation_bits, weight_bits)
        limit = max(1, int(np.abs(error).max()))
        shown = place.imshow(
            error,
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            origin="lower",
            extent=(-0.5, right, bottom, top),
            aspect="auto",
        )
        place.set(title=f"{name}\nlargest error {np.abs(error).max():,}", xlabel="activation", ylabel="weight")
        figure.colorbar(shown, ax=place)
    for place in places[len(chosen) :]:
        place.set_axis_off()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=80)
    return picture.getvalue()
