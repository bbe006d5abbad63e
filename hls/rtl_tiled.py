# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of tiled layers of tables: the tables of one tile, used for every tile with other weight words."""

from __future__ import annotations

from typing import Any, Dict

from lutforge.hls.memories import tile_words
from lutforge.hls.rtl_layers import RtlLayer, RtlSite, memory_style, wrapped
from lutforge.hls.rtl_mac import neurons
from lutforge.hls.rtl_text import CLOCKED, instance, stream
from lutforge.mac_shape import tiled_shape
from lutforge.operations import TiledLutNeurons


def tiled_layer(site: RtlSite, op: TiledLutNeurons) -> RtlLayer:
    """Return the module of a tiled layer: operands of a tile, its tables and their sums, accumulators."""
    shape, words = tiled_shape(op, site.counters), f"{site.name}.words.mem"
    last, sum_bits = shape.registers(site.levels) - 1, shape.sums.width
    sizes: Dict[str, Any] = {
        "IN": site.in_bits,
        "WORD": shape.word,
        "SF": shape.beats,
        "NF": shape.passes,
        "STAGES": last + 1,
        "WORDS_FILE": f'"{words}"',
        "WORDS_STYLE": f'"{memory_style(shape.passes * shape.beats, shape.word)}"',
        "VECTOR_STYLE": f'"{memory_style(shape.beats, site.in_bits)}"',
    }
    ports = {**CLOCKED, **stream("in", "in"), "out_valid": "out_valid", "out_ready": "out_ready", "load": "items"}
    ports |= {"x": "codes", "words": "weights", "starts": "starts", "pass": ""}
    body, sums = neurons(site, shape.array, "vector", sum_bits)
    totals: Dict[str, Any] = {"COUNT": op.tile_neurons, "IN": sum_bits, "SIGNED": 0, "WIDTH": site.kind.bits}
    fresh = f"{{{op.tile_neurons}{{1'b0}}}}"
    text = (
        f"    wire [{last}:0] items;\n    wire [{site.in_bits - 1}:0] codes;\n"
        f"    wire [{shape.word - 1}:0] weights;\n    wire starts;\n"
        + instance("lutforge_folded_operands", "operands", sizes, ports)
        + f"    wire [{last - 2}:0] load = items[{last - 1}:1];  // between operands and accumulators\n"
        f"    wire [{site.in_bits + shape.word - 1}:0] vector = {{weights, codes}};\n"
        "    wire unused_vector = &{1'b0, vector};\n"
        + body
        + instance(
            "lutforge_accumulators",
            "accumulate",
            totals,
            {
                "clk": "clk",
                "load": f"items[{last}]",
                "starts": "starts",
                "sums": sums,
                "fresh": fresh,
                "totals": "out_data",
            },
        )
    )
    return wrapped(site, text, {words: tile_words(site.name, op)})
