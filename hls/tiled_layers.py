# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""C++ of tiled layers of tables."""

from __future__ import annotations

import numpy as np

from lutforge.hls.layers import Layer, Site, call
from lutforge.hls.memories import mem_text, tile_words
from lutforge.hls.text import complete, pragma, rom, unsigned_array
from lutforge.numerics import pack_init
from lutforge.operations import TiledLutNeurons


def tiled_lut_neurons(site: Site, op: TiledLutNeurons) -> Layer:
    """Return a layer whose tables are constants and whose weight words come from memory, one word per pair of tiles."""
    name, bits, count = site.name, op.weight_bits, len(op.tables)
    words = op.weights.reshape(-1, count).astype(np.int64)
    signed = np.where(words >> (bits - 1), words - (1 << bits), words)  # a constant is two's complement of P bits
    members = {
        "unsigned long long init(int table)": (unsigned_array(f"{name}_init", pack_init(op.tables)), "init[table]"),
        "int wiring(int table, int k)": (unsigned_array(f"{name}_wiring", op.wiring), "wiring[table][k]"),
        "int neuron(int table)": (unsigned_array(f"{name}_neuron", op.neuron), "neuron[table]"),
        "int word(int tile, int table)": (rom(f"{name}_words", signed), "words[tile][table]"),
        "int level(int index)": (unsigned_array(f"{name}_levels", np.asarray(op.levels)), "levels[index]"),
    }
    functions = "".join(
        f"    static {signature} {{\n{pragma('INLINE')}        return {name}_{read};\n    }}\n"
        for signature, (_, read) in members.items()
    )
    shape = [site.vectors, *op.tiles, count, op.inputs, bits, len(op.levels), op.tile_neurons, op.tile_elements]
    comment = f"{name}: INIT of {count} tables of {op.inputs} inputs, bit a is the output at address a"
    inits = [int(word) for word in pack_init(op.tables)]
    return Layer(
        params="".join(text for text, _ in members.values()),
        body=complete("ARRAY_RESHAPE", f"{name}_words", 2)
        + call("tiled_lut_neurons", [f"{name}_layer", *shape, site.kind.bits]),
        code=f"struct {name}_layer {{\n{functions}}};\n",
        mems={
            f"{name}.init.mem": mem_text(comment, inits, 1 << op.inputs),
            f"{name}.weights.mem": tile_words(name, op),
        },
    )
