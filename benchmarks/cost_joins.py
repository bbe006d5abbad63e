# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Sums, concatenations and forks of a few sizes as yosys makes them, and what the cost model says of them.

    python benchmarks/cost_joins.py

A node alone, and FIFOs behind a fork; some seconds each.
"""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

import numpy as np

from lutforge.area import parts
from lutforge.boards import load_board
from lutforge.hls.rtl_generator import generate_rtl, rtl_library
from lutforge.netlist import read_netlist
from lutforge.network import Network, Node
from lutforge.operations import Add, Concat, Input, Op, Rescale, Reshape
from lutforge.overlays.synthesis_cells import count_cells
from lutforge.schedule import Schedule, lanes
from lutforge.stream_area import add_parts, concat_parts, fifo
from lutforge.yosys import synthesise

BOARD = load_board("pynq_z2")
POSITIONS = 4
Range = Tuple[int, int]

BYTE, NIBBLE, SIGNED, WORD = (0, 255), (0, 15), (-8, 7), (0, 65535)
NODES: Dict[str, Tuple[Op, int, Tuple[Range, ...]]] = {
    "1 sum of 8 and 8 bits": (Add(), 1, (BYTE, BYTE)),
    "4 sums of 8 and 8 bits": (Add(), 4, ((-128, 127), BYTE)),
    "8 sums of 4 and 4 bits": (Add(), 8, (NIBBLE, NIBBLE)),
    "8 sums of 16 and 17 bits": (Add(), 8, (WORD, (-30000, 65535))),
    "2 sums of 20 and 20 bits": (Add(), 2, ((-500000, 500000), (-400000, 500000))),
    "2 in turn, 8 bits": (Concat(), 1, (BYTE, BYTE)),
    "2 in turn, 8 x 5 bits": (Concat(), 8, (NIBBLE, SIGNED)),
    "2 in turn, 6 channels": (Concat(), 6, (BYTE, BYTE)),
    "3 in turn, 8 x 8 bits": (Concat(), 8, (BYTE, BYTE, NIBBLE)),
    "4 in turn, 8 x 9 bits": (Concat(), 8, (BYTE, BYTE, NIBBLE, SIGNED)),
    "4 in turn, 8 x 4 bits": (Concat(), 8, (NIBBLE,) * 4),
    "6 in turn, 2 x 8 bits": (Concat(), 2, (BYTE,) * 6),
}
FORKS = [(readers, *sizes) for sizes in ((8, 2), (16, 40)) for readers in (1, 2, 3, 4)]


def node_network(op: Op, channels: int, ranges: Tuple[Range, ...]) -> Network:
    """Edges of these bounds into one node."""
    names = tuple(f"edge{index}" for index in range(len(ranges)))
    edges = [
        Node(name, Rescale(np.array([1]), np.array([0]), *each), ("x",))
        for name, each in zip(names, ranges, strict=True)
    ]
    elements = POSITIONS * channels * (1 if isinstance(op, Add) else len(names))
    ends = (Node("node", op, names), Node("logits", Reshape((elements,)), ("node",)))
    return Network("joins", (Node("x", Input((POSITIONS, channels))), *edges, *ends))


def fork_text(readers: int, width: int, depth: int) -> str:
    """Return FIFOs that are written at once."""
    fork = f"lutforge_fork #(.READERS({readers})) fork_all (.in_valid(in_valid), .in_ready(in_ready), "
    fork += ".out_valid(valid), .out_ready(ready));\n"
    fifos = "".join(
        f"    lutforge_fifo #(.WIDTH({width}), .DEPTH({depth})) fifo{index} (.clk(clk), .rst(rst), .in_data(in_data), "
        f".in_valid(valid[{index}]), .in_ready(ready[{index}]), .out_data(out_data[{index * width} +: {width}]), "
        f".out_valid(out_valid[{index}]), .out_ready(out_ready[{index}]));\n"
        for index in range(readers)
    )
    each = f"[{readers - 1}:0]"
    return (
        f"module forked (input wire clk, input wire rst, input wire [{width - 1}:0] in_data, input wire in_valid, "
        f"output wire in_ready, output wire [{readers * width - 1}:0] out_data, output wire {each} out_valid, "
        f"input wire {each} out_ready);\n    wire {each} valid, ready;\n    {fork}{fifos}endmodule\n"
    )


def counted(texts: Mapping[str, str], top: str) -> Tuple[int, int]:
    """Return (LUT, FF) of a module."""
    made = count_cells(read_netlist(synthesise(texts, top, "xc7").json, top), 0)
    return made.raw, made.ff


def show(name: str, real: Tuple[int, int], told: Tuple[float, float]) -> None:
    """Print one line."""
    print(f"{name:28}{real[0]:6}{told[0]:8.1f}{told[0] / real[0] - 1:+8.1%}{real[1]:6}{told[1]:6.0f}", flush=True)


def main() -> None:
    """Synthesise and compare."""
    print(f"{'':28}{'LUT':>6}{'told':>8}{'error':>8}{'FF':>6}{'told':>6}")
    for name, case in NODES.items():
        network = node_network(*case)
        width, kind = lanes(network, Schedule({}), BOARD.beat_bits)["node"].inputs, network.types["node"]
        sources = [network.types[source] for source in network.node("node").inputs]
        told = add_parts(kind, width) if isinstance(case[0], Add) else concat_parts(sources, kind, width)
        design = generate_rtl(network, Schedule({}), BOARD)
        show(name, counted(design.texts, "lutforge_node_node"), (told.area().lut6, told.area().ff))
    library = {f"rtl/{path}": text for path, text in rtl_library().items()}
    for readers, width, depth in FORKS:
        told = fifo(width, depth).scaled(readers) + parts(fork=readers - 1)
        texts = {**library, "rtl/forked.v": fork_text(readers, width, depth)}
        name = f"{readers} FIFOs of {depth} x {width} bits"
        show(name, counted(texts, "forked"), (told.area().lut6, told.area().ff))


if __name__ == "__main__":
    main()
