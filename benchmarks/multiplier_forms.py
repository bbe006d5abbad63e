# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The design that `multipliers.py` counts: every form of multiplier as a module of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Dict, List, Mapping, Sequence

from lutforge.hls.multipliers_rtl import ConstantProduct, Sizes, constant_multiplier, lutrom_multiplier, multiplier
from lutforge.hls.rtl_text import constant, instance
from lutforge.yosys import Synthesis, synthesise

LIBRARY = ("carry.v", "digit_add.v", "multipliers.v", "programmable.v")
DEADLINE_S = 3600
SHARED = ("tables", "one_table")
"""Constant forms whose cells keep their names, `q<i>_mul` for weight i, so that one module holds all weights."""

APART = ("generic", "plain")
"""Constant forms with a module per weight, for unsigned activations only: each module costs yosys about a second."""

MOST_TABLES = 6
"""Weights of `one_table`, of which yosys makes hundreds of modules each."""


@dataclass
class Design:
    """Modules that yosys keeps apart, and the top module that holds one of each."""

    modules: Dict[str, str] = field(default_factory=dict)
    ports: List[str] = field(default_factory=list)
    instances: str = ""

    def add(self, name: str, ports: Mapping[str, int], body: str) -> None:
        """ports: bits of each; `p` is the output."""
        declared = {port: f"{'output' if port == 'p' else 'input'} wire [{bits - 1}:0]" for port, bits in ports.items()}
        heads = ", ".join(f"{text} {port}" for port, text in declared.items())
        self.modules[name] = f"(* keep_hierarchy *)\nmodule {name} ({heads});\n{body}endmodule\n"
        self.ports += [f"{text} {name}_{port}" for port, text in declared.items()]
        self.instances += instance(name, f"u_{name}", {}, {port: f"{name}_{port}" for port in ports})

    def synthesised(self, family: str, defines: Sequence[str]) -> Synthesis:
        root = files("lutforge.hls") / "rtl"
        texts = {name: (root / name).read_text(encoding="utf-8") for name in LIBRARY}
        top = f"module top (\n    {(',' + chr(10) + '    ').join(self.ports)}\n);\n{self.instances}endmodule\n"
        texts |= {"forms.v": "".join(self.modules.values()), "top.v": top}
        return synthesise(texts, "top", family, defines=defines, deadline_s=DEADLINE_S)


def named(stem: str, sizes: Sizes) -> str:
    return f"{stem}_8x{sizes.weight_bits}{'s' if sizes.signed else 'u'}"


def add_constants(design: Design, weights: Sequence[int], sizes: Sizes, stems: Sequence[str]) -> None:
    """Add the constant forms."""
    bits = sizes.product_bits
    for stem in [stem for stem in SHARED if stem in stems]:
        body = ""
        sample = sample_of(stem, weights)
        for index, weight in enumerate(sample):
            body += f"    wire [7:0] a{index} = a[{8 * index} +: 8];\n"
            if stem == "tables":
                body += constant_multiplier(f"q{index}", f"a{index}", ConstantProduct(weight, 8, sizes.signed), bits)
            else:
                body += lutrom_multiplier(f"q{index}", f"a{index}", weight, sizes)
            body += f"    assign p[{bits * index} +: {bits}] = q{index};\n"
        design.add(named(stem, sizes), {"a": 8 * len(sample), "p": bits * len(sample)}, body)
    for index, weight in enumerate([] if sizes.signed else weights):
        product = constant_multiplier("q", "a", ConstantProduct(weight, 8, sizes.signed), bits)
        bodies = {
            "generic": product + "    assign p = q;\n",
            "plain": f"    assign p = $signed({{1'b0, a}}) * $signed({constant(sizes.weight_bits, weight)});\n",
        }
        for stem in [stem for stem in APART if stem in stems]:
            design.add(f"{named(stem, sizes)}_{index}", {"a": 8, "p": bits}, bodies[stem])


def sample_of(stem: str, weights: Sequence[int]) -> Sequence[int]:
    """Return the weights that a form is counted for."""
    return weights[:MOST_TABLES] if stem == "one_table" else weights


def add_variables(design: Design, sizes: Sizes, stems: Sequence[str]) -> None:
    """Add the forms whose weight is an input or is written, and the generators of tables."""
    w, bits = sizes.weight_bits, sizes.product_bits
    written = {"clk": 1, "write": 1, "write_bank": 1, "write_digit": 4, "low": w + 4, "high": w + 4, "bank": 1, "a": 8}
    shifted = {"clk": 1, "load": 1, "low_bits": (w + 5) // 2, "high_bits": w + 4, "a": 8}
    for stem, ports in {"digital": {"a": 8, "w": w}, "lutram": written, "cfglut": shifted}.items():
        if stem in stems:
            body = multiplier(f"lutforge_{stem}_mul", "q", sizes, {port: port for port in ports})
            design.add(named(stem, sizes), {**ports, "p": bits}, body + "    assign p = q;\n")
    if "digits" in stems:
        body = f"    reg [{w - 1}:0] x;\n    reg [{w}:0] x3;  // the lowest bits of W and 3W are one\n"
        body += f"    always @(posedge clk) if (load) begin x <= w; x3 <= w3[{w + 1}:1]; end\n"
        body += multiplier("lutforge_digit_mul", "q", sizes, {"a": "a", "w": "x", "w3": "{x3, x[0]}"})
        ports = {"clk": 1, "load": 1, "a": 8, "w": w, "w3": w + 2, "p": bits}
        design.add(named("digits", sizes), ports, body + "    assign p = q;\n")
    if "one_lutram" in stems:
        ports = {"clk": 1, "write": 1, "value": bits, "a": 8, "p": bits}
        wires = {port: port for port in ports}
        body = instance("lutforge_conventional_lutram_mul", "q", {"ACT": 8, "WEIGHT": w}, wires)
        design.add(named("one_lutram", sizes), ports, body)
    for passes, stem in ((1, "lutram_generator"), (2, "cfglut_generator")):
        if stem in stems:
            _add_generator(design, stem, sizes, passes)


def _add_generator(design: Design, stem: str, sizes: Sizes, passes: int) -> None:
    w, pairs = sizes.weight_bits, (sizes.weight_bits + 5) // 2
    body = f"    wire write, pass;\n    wire [3:0] digit;\n    wire [{w + 3}:0] low, high;\n"
    inputs = {"clk": 1, "rst": 1, "start": 1, "weight": w}
    outputs = ("write", "digit", "pass", "low", "high")
    parameters = {"WEIGHT": w, "DIGIT": 4, "SIGNED_ACT": int(sizes.signed), "PASSES": passes}
    wires = {name: name for name in (*inputs, *outputs)}
    body += instance("lutforge_table_generator", "g", parameters, wires)
    if passes == 1:
        out, joined = 2 * w + 13, "{write, digit, low, high}"
    else:
        out, joined = w + 5 + pairs, "{write, low_bits, high_bits}"
        body += f"    wire [{pairs - 1}:0] low_bits;\n    wire [{w + 3}:0] high_bits;\n"
        wires = {name: name for name in ("pass", "low", "high", "low_bits", "high_bits")}
        body += instance("lutforge_cfglut_bits", "b", {"WEIGHT": w}, wires)
    design.add(named(stem, sizes), {**inputs, "p": out}, body + f"    assign p = {joined};\n")
