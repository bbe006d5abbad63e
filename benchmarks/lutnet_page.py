# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""docs/results/lutnet.md and its figures, from the finished points of lutnet.py."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

Row = Dict[str, Any]
COLUMNS = (
    ("point", lambda row: row["name"]),
    ("validation", lambda row: f"{100 * row['validation']:.2f} %"),
    ("test", lambda row: f"{100 * row['test']:.2f} %"),
    ("synapses", lambda row: f"{row['synapses']:,}"),
    ("inputs per table", lambda row: f"{row['table_inputs'] / row['tables']:.2f}" if row["tables"] else ""),
    ("LUTs, whole", lambda row: f"{row['luts']:,}"),
    ("packed", lambda row: f"{row['packed']:,}"),
    ("target layers", lambda row: f"{row['layers']:,}"),
    ("of it tables", lambda row: f"{row['tables_luts']:,}"),
    ("thresholds", lambda row: f"{row['thresholds']:,}"),
    ("FF", lambda row: f"{row['ff']:,}"),
    ("BRAM36", lambda row: f"{row['bram36']:g}"),
    ("images/s", lambda row: f"{row['fps']:,}"),
    ("epochs", lambda row: str(row["epochs"])),
    ("s", lambda row: f"{sum(seconds for _, _, seconds in row['steps'].values()):,}"),
)


def write_page(rows: List[Row], folder: Path) -> None:
    """Write the page and its figures into a folder; nothing if there are no points yet."""
    if not rows:
        return
    once = {key: seconds for row in rows for key, (_, _, seconds) in row["steps"].items()}
    text = [_HEAD.format(yosys=rows[-1]["yosys"], first=rows[0]["date"], last=rows[-1]["date"])]
    text.append(
        f"{len(rows)} points, {sum(once.values()) / 3600:.1f} hours of training on one core in all, steps that points "
        "share counted once (wall time, other work beside it).\n"
    )
    for title, about, figure, mine in SECTIONS:
        members = [row for row in rows if mine(row)]
        if members:
            _draw(members, folder / figure)
            text += [f"## {title}\n", about, f"![accuracy against LUTs]({figure})\n", *_section(members)]
    text.append(_agreement(folder / "lutnet_agreement.jsonl"))
    (folder / "lutnet.md").write_text("\n".join(text), encoding="utf-8")


SECTIONS = (
    (
        "MNIST",
        "784-256-256-256-256-10, the first layer on pixels and folded; layers 2 to 5 are the target layers.\n",
        "lutnet.png",
        lambda row: row["recipe"] == "lfc_mnist" and not row["group"].startswith("whole"),
    ),
    (
        "MNIST, whole networks at an image per cycle",
        "Every pixel is compared with 127, and all layers are tables; everything is counted but what is said. LUT "
        "classifiers ([lut_classifier.md](lut_classifier.md)) are smaller and answer better.\n",
        "lutnet_whole.png",
        lambda row: row["group"].startswith("whole"),
    ),
    (
        "CIFAR-10",
        "The JPEG copy, CNV at half width; the largest convolution, the sixth, is the target layer, all others are "
        "folded. Few epochs, on a processor: what is compared is the two forms of that layer, not the accuracy that "
        "CNV can reach.\n",
        "lutnet_cnv.png",
        lambda row: row["recipe"] == "cnv_cifar10_half",
    ),
)
"""Title, text and figure of each part of the page, and which points it holds."""


def _section(rows: List[Row]) -> List[str]:
    groups: Dict[str, List[Row]] = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    text = []
    for group, members in groups.items():
        text.append(f"### {group}\n")
        ordered = sorted(members, key=lambda row: -row["layers"])
        text.append(_table([[name for name, _ in COLUMNS]] + [[show(row) for _, show in COLUMNS] for row in ordered]))
    return [*text, _by_accuracy(rows), _ratios(rows), _seeds(rows)]


_HEAD = """# LUTNet against the binarised network: what was measured

The epoch is chosen on 5,000 validation images; accuracies are of the integer network on all 10,000 test images. LUTs
are cells of yosys {yosys} for the 7 series (raw; "packed" is an estimate), answers by class, without place and route.
The target layers have hardware for every table or weight, and take a vector per cycle. Images/s are predicted at
100 MHz and not timing-closed; folded layers set them. {first} to {last}:

    OMP_NUM_THREADS=1 python benchmarks/lutnet.py --data DIR
"""


def _agreement(path: Path) -> str:
    """What lutnet_agreement.py has found equal."""
    if not path.is_file():
        return ""
    lines = [["network", "data set", "images", "in Verilator", "s in Verilator", "date"]]
    for text in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(text)
        simulated = next(seconds for name, seconds in row["seconds"].items() if name.startswith("rtl"))
        counts = [f"{row['images']:,}", f"{row['rtl_images']:,}", f"{simulated:g}"]
        lines.append([row["name"], row["dataset"], *counts, row["date"]])
    return (
        "## All executors\n\nEqual logits of all images in torch, the numpy reference, the fast engine, the compiled "
        "C++ and the emulated\ndevice, and of as many as said in Verilator:\n\n"
        "    OMP_NUM_THREADS=1 python benchmarks/lutnet_agreement.py --data DIR\n\n" + _table(lines)
    )


def _table(rows: List[List[str]]) -> str:
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body]) + "\n"


def interpolated(curve: List[Tuple[float, float]], accuracy: float) -> Optional[float]:
    """Return the LUTs at which a curve reaches an accuracy, by straight lines between (accuracy, log LUTs).

    curve: (accuracy, LUTs); points that a smaller one beats are left out. None outside of it.
    """
    front: List[Tuple[float, float]] = []
    for reached, luts in sorted(curve, key=lambda point: (point[1], -point[0])):
        if not front or reached > front[-1][0]:
            front.append((reached, luts))
    if len(front) < 2 or not front[0][0] <= accuracy <= front[-1][0]:
        return None
    places, values = zip(*front, strict=True)
    return float(np.exp(np.interp(accuracy, places, np.log(values))))


def _by_accuracy(rows: List[Row]) -> str:
    """The LUTs that each curve needs for some accuracies, where it reaches from one side of them to the other."""
    groups: Dict[str, List[List[Row]]] = defaultdict(list)
    for members in _by_seed(rows):
        groups[members[0]["group"]].append(members)
    tests = [row["test"] for row in rows]
    wanted = [step / 1000 for step in range(0, 1001, 5) if min(tests) <= step / 1000 <= max(tests)]
    lines = [["curve", *(f"{100 * accuracy:.1f} %" for accuracy in wanted)]]
    for group, members in groups.items():
        curve = [(_mean(each, "test"), _mean(each, "layers")) for each in members]
        found = [interpolated(curve, accuracy) for accuracy in wanted]
        if any(found):
            lines.append([group, *(f"{luts:,.0f}" if luts else "" for luts in found)])
    if len(lines) < 2:
        return ""
    return "### LUTs of the target layers by test accuracy\n\nInterpolated between points.\n\n" + _table(lines)


def _ratios(rows: List[Row]) -> str:
    """The LUTs of the baseline at each point's test accuracy, over the point's own; seeds by their means."""
    points = _by_seed(rows)
    baseline = [members for members in points if not members[0]["tables"]]
    if not baseline:
        return ""
    lines = [["point", "seeds", "test", "target layers, baseline / LUTNet", "whole design, baseline / LUTNet"]]
    for members in points:
        if not members[0]["tables"]:
            continue
        test = _mean(members, "test")
        cells = [members[0]["name"], str(len(members)), f"{100 * test:.2f} %"]
        for what in ("layers", "luts"):
            curve = [(_mean(each, "test"), _mean(each, what)) for each in baseline]
            wanted = interpolated(curve, test)
            cells.append(f"{wanted / _mean(members, what):.2f}" if wanted else "outside the baseline's curve")
        lines.append(cells)
    return (
        "### LUTs of the baseline at equal accuracy\n\nRead off the baseline's curve by interpolation. Tiled layers "
        "read weights from BRAM and take a cycle\nfor every pair of tiles, the others one for all.\n\n" + _table(lines)
    )


def _by_seed(rows: List[Row]) -> List[List[Row]]:
    """Return the points in groups that differ in their seed alone."""
    groups: Dict[str, List[Row]] = defaultdict(list)
    for row in rows:
        groups[f"{row['group']} {sorted(row['changes'].items())}"].append(row)
    return list(groups.values())


def _seeds(rows: List[Row]) -> str:
    """Mean and spread of points that differ in their seed alone."""
    lines = [["points", "seeds", "validation", "test, mean", "least", "most", "LUTs, whole", "target layers"]]
    for members in _by_seed(rows):
        if len(members) < 2:
            continue
        tests = [row["test"] for row in members]
        cells = [members[0]["name"], ", ".join(str(row["seed"]) for row in members)]
        cells.append(f"{100 * _mean(members, 'validation'):.2f} %")
        cells += [f"{100 * value:.2f} %" for value in (_mean(members, "test"), min(tests), max(tests))]
        cells += [f"{_mean(members, what):,.0f}" for what in ("luts", "layers")]
        lines.append(cells)
    return "### Seeds\n\n" + _table(lines) if len(lines) > 1 else ""


def _mean(rows: List[Row], what: str) -> float:
    return float(np.mean([row[what] for row in rows]))


def _draw(rows: List[Row], path: Path) -> None:
    """Draw a curve per group; seeds are one point, with the least and the most accuracy as its bar."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, axes = pyplot.subplots(1, 2, figsize=(13, 5), sharey=True)
    curves: Dict[str, List[List[Row]]] = defaultdict(list)
    for members in _by_seed(rows):
        curves[members[0]["group"]].append(members)
    for axis, what, title in zip(axes, ("layers", "luts"), ("target layers", "whole design"), strict=True):
        for number, (group, points) in enumerate(curves.items()):
            ordered = sorted((_mean(each, what), 100 * _mean(each, "test"), each) for each in points)
            spread = [[y - 100 * min(row["test"] for row in each) for _, y, each in ordered]]
            spread.append([100 * max(row["test"] for row in each) - y for _, y, each in ordered])
            style = "s-" if group.startswith("baseline") else "o--"
            places, heights = [x for x, _, _ in ordered], [y for _, y, _ in ordered]
            colour = pyplot.get_cmap("tab20")(number % 10 * 2 + number // 10)
            axis.errorbar(places, heights, yerr=spread, fmt=style, color=colour, label=group, ms=5, capsize=3)
        axis.set_xscale("log")
        low, high = min(row[what] for row in rows), max(row[what] for row in rows)
        axis.set_xlim(low / 1.5, high * 1.5)
        axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.xaxis.set_minor_formatter(ticker.NullFormatter())
        axis.set_xlabel(f"LUTs, {title} (yosys, raw)")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("test accuracy, %")
    axes[1].legend(fontsize=7, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
