# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""LUT arrays as RTL black boxes of Vitis HLS: their JSON descriptions, checked against the Verilog they describe.

The C model of a box is the generated C++ function of the same name, in a file of its own. Rules and keys of the
description: UG1399, "Adding RTL Blackbox Functions" and "JSON File for RTL Blackbox".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from lutforge.errors import GenerationError, ToolError
from lutforge.schedule import MAX_BEAT_BITS

PLAN = "@PLAN@"
"""Stands for the plan's folder in a description: the tools want whole paths, which hls.tcl puts in."""

MODEL_FLAGS = f"-I{PLAN}/src"

STREAM_IN = {"FIFO_empty_flag": "in_empty_n", "FIFO_read_enable": "in_read", "FIFO_data_read_in": "in_dout"}
STREAM_OUT = {"FIFO_full_flag": "out_full_n", "FIFO_write_enable": "out_write", "FIFO_data_write_out": "out_din"}
"""Ports of the two streams. As in the tool's own FIFOs, both flags are high where the stream is ready."""

COMMON = {
    "module_clock": "ap_clk",
    "module_reset": "ap_rst",
    "module_clock_enable": "ap_ce",
    "ap_ctrl_chain_protocol_idle": "ap_idle",
    "ap_ctrl_chain_protocol_start": "ap_start",
    "ap_ctrl_chain_protocol_ready": "ap_ready",
    "ap_ctrl_chain_protocol_done": "ap_done",
    "ap_ctrl_chain_protocol_continue": "ap_continue",
}
_DRIVEN = {"in_read", "out_write", "out_din", "ap_idle", "ap_ready", "ap_done"}

PRIMITIVES = "".join(
    f"(* blackbox *) module LUT{size} #(parameter [{(1 << size) - 1}:0] INIT = 0) "
    f"(output O, input {', '.join(f'I{pin}' for pin in range(size))}); endmodule\n"
    for size in range(1, 7)
) + "".join(f"module MUXF{size} (output O, input I0, I1, S); endmodule\n" for size in (7, 8))
"""What a LUT array instantiates of the vendor's library (UG953), so that a module can be elaborated without it."""

Port = Tuple[str, int]
"""Direction, 'input', 'output' or 'inout', and width in bits."""


@dataclass(frozen=True)
class BlackBox:
    """One LUT array: the Verilog module that stands in for the C++ function `<node>_lut_array`.

    in_bits, out_bits: width of a beat, at most 1,024. verilog: files by their path in a plan, the module among them.
    latency, interval: cycles of one vector as the RTL simulation measured them. lut, ff: estimates, for the report.
    """

    node: str
    in_bits: int
    out_bits: int
    verilog: Mapping[str, str]
    latency: int
    interval: int
    lut: int = 0
    ff: int = 0

    def __post_init__(self) -> None:
        for name, bits in (("in", self.in_bits), ("out", self.out_bits)):
            if not 1 <= bits <= MAX_BEAT_BITS:
                raise GenerationError(
                    f"black box {self.function}: stream {name} has {bits} bits; the limit is {MAX_BEAT_BITS} (UG1399)"
                )
        if self.latency < 0 or self.interval < 1:
            raise GenerationError(
                f"black box {self.function}: latency {self.latency} and interval {self.interval} cannot be; take both "
                "from the RTL simulation"
            )

    @property
    def function(self) -> str:
        """Name of the C++ function and of the module; the tool wants them to be the same."""
        return f"{self.node}_lut_array"

    @property
    def path(self) -> str:
        """Path of the description in a plan."""
        return f"black_boxes/{self.function}.json"

    @property
    def ports(self) -> Dict[str, Port]:
        """Every port that the module must have."""
        names = [*COMMON.values(), *STREAM_IN.values(), *STREAM_OUT.values()]
        widths = {"in_dout": self.in_bits, "out_din": self.out_bits}
        return {name: ("output" if name in _DRIVEN else "input", widths.get(name, 1)) for name in names}


def description(box: BlackBox) -> str:
    """Return the JSON text that describes a black box to Vitis HLS."""
    document = {
        "c_function_name": box.function,
        "rtl_top_module_name": box.function,
        "c_files": [{"c_file": f"{PLAN}/src/{box.function}.cpp", "cflag": MODEL_FLAGS}],
        "rtl_files": [f"{PLAN}/{path}" for path in sorted(box.verilog)],
        "c_parameters": [
            {"c_name": "in", "c_port_direction": "in", "rtl_ports": STREAM_IN},
            {"c_name": "out", "c_port_direction": "out", "rtl_ports": STREAM_OUT},
        ],
        "rtl_common_signal": COMMON,
        "rtl_performance": {"latency": str(box.latency), "II": str(box.interval)},
        "rtl_resource_usage": {"FF": str(box.ff), "LUT": str(box.lut), "BRAM": "0", "URAM": "0", "DSP": "0"},
    }
    return json.dumps(document, indent=2) + "\n"


def check(box: BlackBox, text: str) -> None:
    """Raise GenerationError unless a description names just the ports that the parsed Verilog module has.

    text: the description. A port that is missing, left over, of another direction or width is named: the tool would
    find it out after hours, or tie it to 0.
    """
    document: Dict[str, Any] = json.loads(text)
    if document["rtl_top_module_name"] != document["c_function_name"]:
        raise GenerationError(
            f"black box {box.function}: module {document['rtl_top_module_name']!r} must be named as the function "
            f"{document['c_function_name']!r}"
        )
    named = list(document["rtl_common_signal"].values())
    for parameter in document["c_parameters"]:
        named += parameter["rtl_ports"].values()
    found = module_ports(box.verilog, document["rtl_top_module_name"])
    for name in sorted({*named, *box.ports}):
        if name not in found:
            raise GenerationError(f"black box {box.function}: the module has no port {name!r}, which its JSON names")
    for name in sorted({*found, *box.ports}):
        if name not in named:
            raise GenerationError(f"black box {box.function}: port {name!r} of the module is not in its JSON")
        if found[name] != box.ports[name]:
            raise GenerationError(
                f"black box {box.function}: port {name!r} is {_words(found[name])}, {_words(box.ports[name])} is wanted"
            )


def _words(port: Port) -> str:
    return f"{port[0]} of {port[1]} bits"


def module_ports(verilog: Mapping[str, str], module: str) -> Dict[str, Port]:
    """Return direction and width of each port of a module, as pyslang elaborates it."""
    try:
        from pyslang import ast, syntax
    except ImportError as error:
        raise ToolError(
            f"the ports of {module} are checked with pyslang, which is not installed; pip install 'lutforge[synth]'. "
            "Plans of the RTL route need no such check"
        ) from error
    compilation = ast.Compilation()
    compilation.addSyntaxTree(syntax.SyntaxTree.fromText(PRIMITIVES, name="primitives.v"))
    for path in sorted(verilog):
        compilation.addSyntaxTree(syntax.SyntaxTree.fromText(verilog[path], name=path))
    errors = [item for item in compilation.getAllDiagnostics() if item.isError()]
    if errors:
        raise GenerationError(f"black box {module}: its Verilog does not parse ({errors[0].code})")
    found = [top for top in compilation.getRoot().topInstances if top.name == module]
    if not found:
        raise GenerationError(f"black box {module}: no top module of that name in {', '.join(sorted(verilog))}")
    words = {"In": "input", "Out": "output"}
    ports: Dict[str, Port] = {}
    for port in found[0].body.portList:
        direction = str(port.direction).rsplit(".", 1)[-1]
        ports[port.name] = (words.get(direction, direction.lower()), int(port.type.bitWidth))
    return ports
