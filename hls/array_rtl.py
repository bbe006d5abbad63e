# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of the programmable array behind AXI. All of it is static but the sizes: no network is in it."""

from __future__ import annotations

from typing import Dict, List

from lutforge.array_geometry import BEAT_BITS, Geometry
from lutforge.hls.rtl_generator import rtl_library
from lutforge.hls.rtl_text import CLOCKED, LICENCE, Value, instance, stream, stream_module
from lutforge.hls.rtl_top import AXI_PORTS, control_ports
from lutforge.rtl import RtlDesign, Unit

TOP = "lutforge_top"
CORE = "lutforge_core"


def parameters(geometry: Geometry) -> Dict[str, Value]:
    """Return the parameters of `lutforge_array`."""
    return {
        "PE": geometry.pe,
        "SIMD": geometry.simd,
        "WEIGHT": geometry.weight_bits,
        "GENERATORS": geometry.generators,
        "ACTIVATION_WORDS": geometry.activation_words,
        "SUM_WORDS": geometry.sum_words,
    }


def generate_array_rtl(geometry: Geometry) -> RtlDesign:
    """Return the Verilog of an array: the static library and a top module of its sizes."""
    texts = {f"rtl/{name}": text for name, text in rtl_library().items()}
    texts[f"rtl/{CORE}.v"] = core_text(geometry)
    texts[f"rtl/{TOP}.v"] = top_text(geometry)
    return RtlDesign(TOP, texts, (Unit(CORE, "array", "Array", "core"),), ())


def core_text(geometry: Geometry) -> str:
    """Return the array in its sizes, a module without parameters, which is what is synthesised on its own."""
    ports = {**CLOCKED, **stream("in", "in"), **stream("out", "out"), "out_last": "out_last"}
    body = instance("lutforge_array", "array", parameters(geometry), ports)
    comment = f"{geometry.pe} x {geometry.simd} table multipliers"
    text = stream_module(CORE, comment, BEAT_BITS, BEAT_BITS, body)
    return text.replace("    output wire out_valid,\n", "    output wire out_last,\n    output wire out_valid,\n", 1)


def top_text(geometry: Geometry) -> str:
    """Return lutforge_top: control registers and the array. The register `images` counts beats of a program."""
    streams = {
        "in_data": "images_in_TDATA",
        "in_valid": "in_valid",
        "in_ready": "in_ready",
        "out_data": "answers_out_TDATA",
        "out_last": "answers_out_TLAST",
        "out_valid": "answers_out_TVALID",
        "out_ready": "answers_out_TREADY",
    }
    keep = BEAT_BITS // 8
    text: List[str] = [
        f"{LICENCE}// {geometry.pe} x {geometry.simd} table multipliers behind AXI: programs in, sums out\n",
        f"module {TOP} (\n{AXI_PORTS.format(beat=BEAT_BITS - 1, bytes=keep - 1)});\n",
        "    wire clk = ap_clk;\n    reg rst;\n    always @(posedge ap_clk) rst <= ~ap_rst_n;\n",
        "    wire in_valid, in_ready;\n    wire [31:0] images;\n",
        instance("lutforge_control", "control", {"BEATS": 1}, control_ports()),
        instance(CORE, "core", {}, {**CLOCKED, **streams}),
        f"    assign answers_out_TKEEP = {{{keep}{{1'b1}}}};\n    assign answers_out_TSTRB = {{{keep}{{1'b1}}}};\n",
        "    wire unused = &{1'b0, images_in_TKEEP, images_in_TSTRB, images_in_TLAST, images};\nendmodule\n",
    ]
    return "".join(text)
