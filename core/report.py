# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A self-contained HTML report: comparison, confusion matrix, layers, images with answers, area.

Desktop only (matplotlib, jinja2); nothing else in the package imports it.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import jinja2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import lutforge
from lutforge import store
from lutforge.boards import Board
from lutforge.comparison import Comparison
from lutforge.cost import PARTS, Cost, Fit, estimate, fits
from lutforge.network import Network
from lutforge.schedule import Folded, Schedule, is_layer

Ints = npt.NDArray[Any]
PICTURED = 12
PART_COLOURS = dict(zip(PARTS, ("#4477aa", "#228833", "#ccbb44", "#999999"), strict=True))


@dataclass(frozen=True)
class Section:
    """Everything the report says about one network. images: [batch, ...]; labels: int [batch] or None.

    synthesis: the document that `lutforge synth` writes.
    """

    network: Network
    schedule: Schedule
    board: Board
    comparison: Comparison
    images: Ints
    labels: Optional[Ints]
    images_label: str
    synthesis: Optional[Mapping[str, Any]] = None

    @property
    def cost(self) -> Cost:
        """The estimate of the network under the schedule."""
        return estimate(self.network, self.schedule, self.board.beat_bits)

    @property
    def fit(self) -> Fit:
        """Whether the estimate fits the board."""
        return fits(self.cost, self.board)


def document_of(section: Section) -> Dict[str, Any]:
    """Return the numbers of a section for machines."""
    cost, fit = section.cost, section.fit
    return {
        "network": section.network.name,
        "sha256": store.digest(section.network),
        "board": section.board.name,
        "equal": section.comparison.equal,
        "images": len(section.images),
        "executors": [
            {
                "name": run.name,
                "accuracy_percent": None if section.labels is None else round(run.accuracy(section.labels), 4),
                "images_per_second_on_this_computer": round(run.throughput_fps),
            }
            for run in section.comparison.runs
        ],
        "estimate": {
            "label": cost.label,
            "lut6": cost.lut6,
            "lut6_by_part": cost.lut6_by_part(),
            "bram36": cost.bram36,
            "fits": fit.ok,
            "interval_cycles": cost.interval_cycles,
            "predicted_fps": cost.throughput_fps(section.board.clock_mhz),
        },
    }


def write_report(path: Path, sections: Sequence[Section], syntheses: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write the report of several networks to one HTML file that needs nothing beside it.

    syntheses: documents of `lutforge synth` for networks that have no section.
    """
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (files("lutforge") / "report.html.j2").read_text(encoding="utf-8")
    )
    contents = [_content(section) for section in sections]
    html = template.render(sections=contents, syntheses=syntheses, version=lutforge.__version__)
    store.write_atomically(path, html.encode())


def _content(section: Section) -> Dict[str, Any]:
    cost, fit, network = section.cost, section.fit, section.network
    return {
        "name": network.name,
        "sha256": store.digest(network),
        "about": dict(network.about),
        "images_label": section.images_label,
        "count": len(section.images),
        "comparison": section.comparison,
        "labels": section.labels,
        "cost": cost,
        "fit": fit,
        "board": section.board,
        "by_part": cost.lut6_by_part(),
        "predicted_fps": cost.throughput_fps(section.board.clock_mhz),
        "layers": _layers(section, cost),
        "confusion": _picture(_confusion(section)) if section.labels is not None else None,
        "samples": _picture(_samples(section)) if _is_picture(network) else None,
        "area": _picture(_area(cost)),
        "synthesis": section.synthesis,
        "json": json.dumps(document_of(section), indent=2, sort_keys=True),
    }


def _is_picture(network: Network) -> bool:
    """Whether the input can be shown: grey or three colours."""
    return len(network.input.shape) == 3 and network.input.channels in (1, 3)


def _layers(section: Section, cost: Cost) -> List[Dict[str, Any]]:
    """One row per node: operation, what its edge carries, folding, and the sum of its cost rows."""
    rows = []
    for node in section.network.nodes:
        own = [row for row in cost.rows if row.node == node.name]
        folding = ""
        if is_layer(node):
            shape = section.schedule.of(node)
            folding = f"PE {shape.pe}, SIMD {shape.simd}" if isinstance(shape, Folded) else "unrolled"
        rows.append(
            {
                "name": node.name,
                "op": type(node.op).__name__,
                "type": str(section.network.types[node.name]),
                "folding": folding,
                "lut6": sum(row.lut6 for row in own),
                "ff": sum(row.ff for row in own),
                "bram36": sum(row.bram36 for row in own),
                "cycles": max((row.interval_cycles for row in own), default=0),
            }
        )
    return rows


def _confusion(section: Section) -> Figure:
    assert section.labels is not None  # asked for only with labels
    classes = section.network.classes
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (np.asarray(section.labels), section.comparison.runs[-1].classes), 1)
    figure, axes = plt.subplots(figsize=(4.6, 4.2))
    shown = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shown, cmap="Blues", vmin=0, vmax=1)
    for truth, answer in np.ndindex(classes, classes):
        if counts[truth, answer]:
            colour = "white" if shown[truth, answer] > 0.5 else "black"
            axes.text(answer, truth, counts[truth, answer], ha="center", va="center", fontsize=7, color=colour)
    axes.set(xlabel=f"answer ({section.comparison.runs[-1].name})", ylabel="label")
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    return figure


def _samples(section: Section) -> Figure:
    """The first images, wrong answers first, so that a reader sees what the network finds hard."""
    answers = section.comparison.runs[-1].classes
    order = np.arange(len(section.images))
    if section.labels is not None:
        order = np.argsort(answers == section.labels, kind="stable")
        wrong = int((answers != section.labels).sum())
        order = np.concatenate([order[: min(wrong, PICTURED // 2)], order[wrong:]])
    chosen = order[:PICTURED]
    figure, grid = plt.subplots(2, PICTURED // 2, figsize=(8.2, 3.1))
    for axes in grid.ravel():
        axes.axis("off")
    images = section.images.reshape(len(section.images), *section.network.input.shape)
    for axes, index in zip(grid.ravel(), chosen, strict=False):
        image = images[index]
        axes.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray")
        truth = "" if section.labels is None else f" (label {section.labels[index]})"
        good = section.labels is None or answers[index] == section.labels[index]
        axes.set_title(f"{answers[index]}{truth}", fontsize=9, color="black" if good else "#cc3311")
    return figure


def _area(cost: Cost) -> Figure:
    names = list(dict.fromkeys(row.node for row in cost.rows if row.lut6))
    figure, axes = plt.subplots(figsize=(7.6, 0.32 * len(names) + 1.0))
    left = np.zeros(len(names))
    for part in PARTS:
        widths = np.array([sum(r.lut6 for r in cost.rows if r.node == name and r.part == part) for name in names])
        axes.barh(names, widths, left=left, label=part, color=PART_COLOURS[part])
        left += widths
    for index, total in enumerate(left):
        axes.text(total, index, f" {int(total):,}", va="center", fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(f"LUT6 ({cost.label})")
    axes.margins(x=0.12)
    axes.legend(fontsize=8, loc="lower right")
    return figure


def _picture(figure: Figure) -> str:
    """Return a figure as a data URL."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
