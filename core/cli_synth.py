# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge synth`: area and depth of a network's Verilog, counted by yosys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional

import typer
from rich.table import Table

from lutforge import cli_sources as sources
from lutforge import store
from lutforge.boards import board_names, load_board
from lutforge.cli_console import emit, progress, results, say, simple_table
from lutforge.errors import StoreError
from lutforge.network import Network

HEADINGS = ["LUT6 raw", "packed", "memory", "FF", "carry", "MUXF", "BRAM36", "DSP"]
MAIN_HEADINGS = ["LUT6 raw", "packed", "FF", "BRAM36"]
NetworkFile = Annotated[Path, typer.Argument(help="A network file (.npz).", show_default=False)]


def synth(
    network: NetworkFile,
    board: Annotated[str, typer.Option("--board", help=f"One of: {', '.join(board_names())}.")] = "pynq_z2",
    schedule: Annotated[
        str,
        typer.Option("--schedule", help="auto or PExSIMD (such as 8x4), perhaps with +carry behind, or a JSON file."),
    ] = "auto",
    output: Annotated[str, typer.Option("--output", help="What the design answers: logits, class or both.")] = "logits",
    out: Annotated[Optional[Path], typer.Option("--out", "-o", help="Write the JSON document to this file.")] = None,
    html: Annotated[Optional[Path], typer.Option("--html", help="Write the tables to this HTML file.")] = None,
    cache: Annotated[Optional[Path], typer.Option("--cache", help="Folder that keeps netlists for next time.")] = None,
    deadline_s: Annotated[float, typer.Option("--deadline", help="Seconds that each unit may take.")] = 900,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Synthesise a network's Verilog with yosys: LUTs, registers, memories and depth by layer; no vendor tool."""
    from lutforge.hls.rtl_generator import generate_rtl
    from lutforge.overlays.synthesis import synthesise_design
    from lutforge.overlays.synthesis_report import utilisation_document

    loaded, chosen = store.load(network), load_board(board)
    design = generate_rtl(loaded, sources.read_schedule(schedule, loaded, chosen), chosen, output)
    modules = {unit.module for unit in design.units}
    with progress(f"synthesising {loaded.name}", len(modules) + 1, "modules") as step:
        used = synthesise_design(design, chosen, cache=cache, deadline_s=deadline_s, progress=lambda module: step(1))
    document = {
        "network": loaded.name,
        "sha256": store.digest(loaded),
        **utilisation_document(used, {name: load_board(name) for name in board_names()}),
    }
    if out is not None:
        text = json.dumps(document, indent=2, sort_keys=True) + "\n"
        store.write_atomically(out, text.encode())
    if html is not None:
        from lutforge.report import write_report

        write_report(html, [], [document])
    if as_json:
        emit(document, as_json)
        return
    for table in synthesis_tables(document):
        results.print(table)
    for line in _sentences(document):
        say(line)


def synthesis_tables(document: Dict[str, Any]) -> List[Table]:
    """Return a table by layer, with totals and percent of the board, one by part, and one by size of table."""
    percent = {name: f"{value:.1f} %" for name, value in document["percent_of_board"].items()}
    layers: List[List[object]] = [
        [row["node"], row["op"], *_main_cells(row), row["depth"]] for row in document["by_layer"]
    ]
    layers.append(["total", "", *_main_cells(document["total"]), document["longest_path"]["lut_levels"]])
    shares = [percent[name] for name in ("lut6_raw", "lut6_packed", "ff", "bram36")]
    layers.append([f"of {document['board']}", "", *shares, ""])
    title = f"{document['network']}: {document['label']}; 'packed' is estimated"
    parts: List[List[object]] = [[row["part"], *_cells(row)] for row in document["by_part"]]
    sizes = document["total"]["luts_by_size"]
    return [
        simple_table(title, ["node", "operation", *MAIN_HEADINGS, "levels"], layers, words=2),
        simple_table("by part", ["part", *HEADINGS], parts),
        simple_table("tables by size", list(sizes), [[f"{count:,}" for count in sizes.values()]], words=0),
    ]


def _main_cells(counts: Dict[str, Any]) -> List[object]:
    """A row by layer has what fits a terminal of 80 columns; the table by part and the JSON file have all."""
    numbers = (counts["lut6_raw"], counts["lut6_packed_estimate"], counts["ff"])
    return [*(f"{number:,}" for number in numbers), f"{counts['bram36']:g}"]


def _cells(counts: Dict[str, Any]) -> List[object]:
    wide = sum(counts["wide_multiplexers"].values())
    numbers = [
        counts["lut6_raw"],
        counts["lut6_packed_estimate"],
        counts["memory_luts"],
        counts["ff"],
        counts["carry4"],
    ]
    return [*(f"{number:,}" for number in (*numbers, wide)), f"{counts['bram36']:g}", counts["dsp"]]


def _sentences(document: Dict[str, Any]) -> List[str]:
    path = document["longest_path"]
    return [
        *document["verdict"],
        f"longest path: {path['lut_levels']} levels ({path['levels_count']}), from {path['start']} "
        f"({path['start_node']}) to {path['end']} ({path['end_node']}): {' > '.join(path['cells'])}",
        *(f"note: {limit}" for limit in document["limits"]),
    ]


def read_synthesis(path: Path, network: Network) -> Dict[str, Any]:
    """Return the document that `lutforge synth --out` wrote; refused if it was made from another network."""
    try:
        document: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        made_from = str(document["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: no synthesis document ({error!r}); `lutforge synth --out` writes one") from error
    if made_from != store.digest(network):
        raise StoreError(
            f"{path}: made from another network (sha256 {made_from[:12]}, this one {store.digest(network)[:12]}); "
            "synthesise this one with `lutforge synth --out`"
        )
    return document
