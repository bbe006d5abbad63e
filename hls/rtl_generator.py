# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Network, schedule and board in, Verilog out. Pure: the same arguments give the same bytes."""

from __future__ import annotations

from importlib.resources import files
from typing import Dict, List

from lutforge.boards import Board
from lutforge.branches import branches
from lutforge.errors import GenerationError
from lutforge.folding import require_flowing
from lutforge.hls.rtl_layers import RtlLayer, RtlSite, emit_layer
from lutforge.hls.rtl_text import check_style
from lutforge.hls.rtl_top import ANSWERS, RtlTop, answers_text, core_text, top_text
from lutforge.network import Network
from lutforge.operations import Encode, Input
from lutforge.rtl import RtlDesign, Unit
from lutforge.schedule import Schedule, check, is_layer, lanes
from lutforge.streams import output_stream


def generate_rtl(
    network: Network, schedule: Schedule, board: Board, output: str = "logits", luts: str = "xilinx"
) -> RtlDesign:
    """Return the Verilog of a network.

    output: what the design answers, 'logits', 'class' or 'both'. luts: 'xilinx' for LUT primitives with INIT,
    'generic' for `INIT >> address`.
    """
    check_style(luts)
    require_flowing(network, check(network, schedule), board.beat_bits)
    output_stream(network, output, board.beat_bits)
    widths = lanes(network, schedule, board.beat_bits)
    layers: Dict[str, RtlLayer] = {}
    units: List[Unit] = []
    weighted = [index for index, node in enumerate(network.nodes) if is_layer(node)]
    last = weighted[-1] if weighted else -1
    for index, node in enumerate(network.nodes):
        source, *more = [network.types[name] for name in node.inputs] or [network.types[node.name]]
        folding = schedule.of(node) if is_layer(node) else None
        site = RtlSite(
            node=node,
            source=source,
            kind=network.types[node.name],
            lanes=widths[node.name],
            folding=folding,
            beat_bits=board.beat_bits,
            style=luts,
            levels=schedule.levels,
            counters=schedule.counters,
            more=tuple(more),
        )
        layer = emit_layer(site)
        if layer:
            layers[node.name] = layer
            part = "encoder" if isinstance(node.op, (Input, Encode)) else "head" if index > last else "core"
            units.append(Unit(site.module, node.name, type(node.op).__name__, part))
    units.append(Unit(ANSWERS, "answers", "Answers", "head"))
    top = RtlTop(network, schedule, board, output, widths, layers, branches(network))
    texts = {f"rtl/{path}": text for path, text in rtl_library().items()}
    for name, layer in layers.items():
        texts[f"rtl/lutforge_node_{name}.v"] = layer.text
        texts.update({f"mem/{file}": text for file, text in layer.mems.items()})
    texts["rtl/lutforge_node_answers.v"] = answers_text(top)
    texts["rtl/lutforge_core.v"] = core_text(top)
    texts["rtl/lutforge_top.v"] = top_text(top)
    return RtlDesign("lutforge_top", dict(sorted(texts.items())), tuple(units), top.probes())


def rtl_library() -> Dict[str, str]:
    """Return the static Verilog by path below `rtl/`."""
    root = files("lutforge.hls") / "rtl"
    try:
        names = sorted(entry.name for entry in root.iterdir() if entry.name.endswith(".v"))
        return {f"lutforge/{name}": (root / name).read_text(encoding="utf-8") for name in names}
    except OSError as error:
        raise GenerationError(
            f"the Verilog library is missing from the package ({error}); install lutforge again"
        ) from error
