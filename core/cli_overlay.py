# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge overlay`: write a build plan for a board, and run it where the vendor's tools are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Dict, List, Optional

import typer
from typer.core import TyperGroup

from lutforge import cli_sources as sources
from lutforge import store
from lutforge.boards import Board, board_names, load_board, with_clock
from lutforge.cli_console import emit, say, simple_table
from lutforge.errors import LutforgeError
from lutforge.network import Network
from lutforge.schedule import Schedule


class _PlanUnlessNamed(TyperGroup):
    """A group whose first word is a network file unless it names a command: `overlay NET` writes a plan."""

    def parse_args(self, ctx: Any, args: List[str]) -> List[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["plan", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_PlanUnlessNamed,
    no_args_is_help=True,
    help="Write a build plan (`lutforge overlay NET --board B --out DIR`), or run one (`lutforge overlay build DIR`).",
)


@app.command()
def plan(
    network: Annotated[Path, typer.Argument(help="A network file (.npz).", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The plan folder to write.")] = Path("plan"),
    board: Annotated[str, typer.Option("--board", help=f"One of: {', '.join(board_names())}.")] = "pynq_z2",
    route: Annotated[str, typer.Option("--route", help="hls (C synthesis) or rtl (Verilog as an IP).")] = "hls",
    schedule: Annotated[
        str,
        typer.Option("--schedule", help="auto or PExSIMD (such as 8x4), perhaps with +carry behind, or a JSON file."),
    ] = "auto",
    output: Annotated[str, typer.Option("--output", help="What the design answers: logits, class or both.")] = "logits",
    clock: Annotated[Optional[float], typer.Option("--clock", help="MHz; default: the board file's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Write everything that a machine with Vivado needs to make the bitstream."""
    from lutforge.overlays.plan import write_plan

    loaded, chosen = store.load(network), load_board(board)
    if clock is not None:
        chosen = with_clock(chosen, clock)
    folding = sources.read_schedule(schedule, loaded, chosen)
    texts = plan_texts(loaded, folding, chosen, output, route)
    write_plan(out, loaded, texts)
    document = {
        "plan": str(out),
        "route": route,
        "board": chosen.name,
        "part": chosen.part,
        "clock_mhz": chosen.clock_mhz,
        "files": len(texts),
        "network_sha256": store.digest(loaded),
    }
    emit(document, as_json)
    say(f"next, where Vivado is installed: {out}/build.sh, or lutforge overlay build {out}")


def plan_texts(network: Network, schedule: Schedule, board: Board, output: str, route: str) -> Dict[str, str]:
    """Return the texts of a plan: the one place that joins the generators with the plan."""
    from lutforge.hls.generator import generate
    from lutforge.manifest import HWH
    from lutforge.overlays.plan import plan as make_plan

    texts = generate(network, schedule, board, output)
    if route != "rtl":
        boxes = _black_boxes(network, schedule, board)
        return make_plan(network, schedule, board, texts, output=output, route=route, black_boxes=boxes)
    from lutforge.hls.rtl_generator import generate_rtl

    design = generate_rtl(network, schedule, board, output, luts="xilinx")
    return make_plan(network, schedule, board, {**design.texts, HWH: texts[HWH]}, output=output, route=route)


def _black_boxes(network: Network, schedule: Schedule, board: Board) -> List[Any]:
    """Return a black box for every array of tables, its cycles from the model that simulation confirms."""
    from lutforge.cost import estimate
    from lutforge.hls.black_box import black_box
    from lutforge.operations import LutNeurons, TruthTables
    from lutforge.overlays.black_box import BlackBox

    rows = estimate(network, schedule, board.beat_bits).rows
    boxes = []
    for node in network.nodes:
        if not isinstance(node.op, (LutNeurons, TruthTables)):
            continue
        made = black_box(network, schedule, board, node.name)
        own = [row for row in rows if row.node == node.name and row.part != "stream"]
        lut, ff = sum(row.lut6 for row in own), sum(row.ff for row in own)
        boxes.append(
            BlackBox(made.node, made.in_bits, made.out_bits, made.verilog, made.latency, made.interval, lut, ff)
        )
    return boxes


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="A plan folder, as `overlay` writes it.", show_default=False)],
    step: Annotated[Optional[List[str]], typer.Option("--step", help="Only this step; can be given again.")] = None,
    deadline: Annotated[
        Optional[List[str]], typer.Option("--deadline", help="MINUTES for every step, or STEP=MINUTES.")
    ] = None,
    edited: Annotated[bool, typer.Option("--edited", help="Build although files of the plan were changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Run a plan with the installed tools; a build that was interrupted goes on where it stopped."""
    from lutforge.overlays.build import build as run_plan

    result = run_plan(folder, say=say, steps=step or (), deadlines=_deadlines(deadline or []), edited=edited)
    document: Dict[str, Any] = {
        "overlay": str(result.overlay),
        "steps": [
            {"name": one.name, "seconds": round(one.seconds, 1), "done_before": one.done_before} for one in result.steps
        ],
    }
    if result.reports is None:
        emit(document, as_json)
        return
    used, timing, power = result.reports.utilisation, result.reports.timing, result.reports.power
    document.update(
        {
            "tool": used.tool,
            "device": used.device,
            "used": used.used,
            "available": used.available,
            "wns_ns": timing.wns_ns,
            "whs_ns": timing.whs_ns,
            "clocks_mhz": timing.clocks_mhz,
            "power_estimate_w": power.total_w,
            "power_confidence": power.confidence,
        }
    )
    rows = [
        [name, f"{used.used[name]:g}", f"{used.available[name]:g}", f"{used.percent(name):.1f} %"] for name in used.used
    ]
    title = f"{used.tool}, {used.device}: WNS {timing.wns_ns:g} ns, power {power.total_w:g} W (estimate)"
    emit(document, as_json, simple_table(title, ["", "used", "available", "percent"], rows))
    say(f"the overlay is in {result.overlay}; copy that folder to the board (docs/board.md)")


def _deadlines(texts: List[str]) -> Dict[str, float]:
    """Return minutes by step from '600' or 'implement=600'."""
    from lutforge.overlays.build import DEADLINE_MINUTES

    result: Dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        names = [name] if name else list(DEADLINE_MINUTES)
        try:
            minutes = float(number)
        except ValueError:
            minutes = 0.0
        if not set(names) <= set(DEADLINE_MINUTES) or not 0 < minutes < float("inf"):
            raise LutforgeError(
                f"--deadline {text}: MINUTES or STEP=MINUTES is wanted, steps are {', '.join(DEADLINE_MINUTES)}"
            )
        result.update(dict.fromkeys(names, minutes))
    return result
