# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge demo`: two networks on handwritten digits, from training to the emulated PYNQ device."""

from __future__ import annotations

import time
from pathlib import Path
from typing import List

from rich.table import Table

from lutforge import cli_sources as sources
from lutforge import store
from lutforge.boards import Board
from lutforge.cli_console import emit, progress, say, simple_table
from lutforge.comparison import compare
from lutforge.cost import PARTS
from lutforge.report import Section, document_of, write_report

RECIPES = ("lutnet_digits", "lutna_mlp_digits")


def run_demo(out: Path, board: Board, seed: int, as_json: bool) -> bool:
    """Run the demo and print its table; returns whether all executors agree."""
    begun = time.perf_counter()
    sections = [_one(recipe, out / recipe, board, seed) for recipe in RECIPES]
    report = out / "report.html"
    write_report(report, sections)
    document = {"report": str(report), "networks": [document_of(section) for section in sections]}
    emit(document, as_json, _table(sections))
    equal = all(section.comparison.equal for section in sections)
    say(f"report: {report}   overlays: {', '.join(str(out / recipe / 'overlay') for recipe in RECIPES)}")
    say(f"{'every answer equal' if equal else 'DIFFERENT ANSWERS'}; {time.perf_counter() - begun:.0f} s in all")
    return equal


def _one(recipe: str, folder: Path, board: Board, seed: int) -> Section:
    from lutforge.training.export import to_network
    from lutforge.training.frozen import save_frozen
    from lutforge.training.recipe import Run, follow, recipe_named

    chosen = recipe_named(recipe)
    with progress(f"{recipe}: training", chosen.epochs, "epochs") as step:
        trained = follow(chosen, run=Run(seed=seed, on_epoch=lambda epoch: step(1)))
    say(
        f"{recipe}: trained in {trained.fitted.seconds:.0f} s, validation "
        f"{100 * trained.fitted.best_validation:.2f} %; frozen to integers, "
        f"{trained.report.differing} of {len(trained.data.test_labels)} test images answered differently"
    )
    save_frozen(trained.frozen, folder / "frozen.pt")
    network = to_network(trained.frozen)
    store.save(network, folder / "network.npz")
    overlay = folder / "overlay"
    schedule = sources.read_schedule("auto", network, board)
    with progress(f"{recipe}: generating and compiling HLS C++", None, "") as _:
        sources.build_overlay(overlay, network, schedule, board)
    sources.save_images(overlay / "images.npz", trained.data.test_images, trained.data.test_labels)
    executors = sources.make_executors(
        ["torch", "reference", "fast", "csim", "device"], network, overlay, folder / "frozen.pt", board, "auto"
    )
    images, labels = trained.data.test_images, trained.data.test_labels
    with progress(f"{recipe}: running and comparing", len(images) * len(executors)) as step:
        comparison = compare(network, executors, images, lambda name, done: step(done))
    for difference in comparison.differences:
        say(f"{recipe}: different: {difference}")
    return Section(network, schedule, board, comparison, images, labels, f"{trained.data.label}, test images")


def _table(sections: List[Section]) -> Table:
    """One column per network: accuracy and speed of each executor, equality, estimated area by part."""
    documents = [document_of(section) for section in sections]
    rows: List[List[object]] = []
    for index, run in enumerate(sections[0].comparison.runs):
        entries = [document["executors"][index] for document in documents]
        rows.append([f"accuracy, {run.name}", *(f"{entry['accuracy_percent']:.2f} %" for entry in entries)])
    rows.append(["bit-exact, logits included", *("yes" if document["equal"] else "NO" for document in documents)])
    for part in PARTS:
        rows.append([f"LUT6 {part}", *(f"{d['estimate']['lut6_by_part'][part]:,}" for d in documents)])
    rows.append(["LUT6 total", *(f"{document['estimate']['lut6']:,}" for document in documents)])
    for index, run in enumerate(sections[0].comparison.runs):
        entries = [document["executors"][index] for document in documents]
        speeds = (f"{entry['images_per_second_on_this_computer']:,}" for entry in entries)
        rows.append([f"images/s here, {run.name}", *speeds])
    rows.append(["images/s predicted", *(f"{document['estimate']['predicted_fps']:,.0f}" for document in documents)])
    board, label = sections[0].board, documents[0]["estimate"]["label"]
    title = (
        f"{len(sections[0].images)} {sections[0].images_label}; LUT6 {label}; "
        f"predicted at {board.clock_mhz:g} MHz on {board.title}, not timing-closed"
    )
    return simple_table(title, ["", *(section.network.name for section in sections)], rows)
