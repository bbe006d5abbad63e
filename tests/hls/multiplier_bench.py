# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Modules that hold every form of multiplier, and Verilator as an engine with the calls of the netlist evaluator."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple

import numpy as np

from lutforge.hls.multipliers_rtl import ConstantProduct, Sizes, constant_multiplier, lutrom_multiplier, multiplier
from lutforge.hls.rtl_text import instance
from lutforge.hls.verilator import compile_objects, find_verilator, run_tool, write_sources

LIBRARY = {
    name: (Path(__file__).parents[2] / "hls" / "rtl" / name).read_text()
    for name in ("carry.v", "digit_add.v", "multipliers.v", "programmable.v")
}
PRODUCT_BITS = 17
SIZES = [Sizes(8, weight, signed) for weight in (8, 9) for signed in (False, True)]
NARROW = [Sizes(bits, 9, signed) for bits in range(1, 8) for signed in (False, True)]

CARRY_BITS = 5
CONTROL = {"rst": 1, "start": 1, "restart": 1, "refill": 1, "weight": 9, "bank": 1, "write_bank": 1, "a": 8, "w": 9}
"""Inputs of the bench of variables; start, restart, refill: the generators of LUTRAM, CFGLUT5, conventional tables."""


@dataclass(frozen=True)
class Form:
    """A multiplier of the bench, and the port that its product leaves by."""

    port: str
    module: str
    sizes: Sizes


def forms() -> List[Form]:
    """Return every multiplier whose weight is an input or can be written."""
    result = [Form(f"digit{index}", "lutforge_digit_mul", sizes) for index, sizes in enumerate(SIZES + NARROW)]
    for stem in ("digital", "lutram", "cfglut"):
        wanted = SIZES + (NARROW[8:] if stem in ("lutram", "cfglut") else [])  # 5 bits and more
        result += [Form(f"{stem}{index}", f"lutforge_{stem}_mul", sizes) for index, sizes in enumerate(wanted)]
    return result + [
        Form(f"conventional{i}", "lutforge_conventional_lutram_mul", sizes) for i, sizes in enumerate(SIZES)
    ]


def variables(chosen: Sequence[Form]) -> str:
    """Return module `bench`: multipliers, the generators of tables, and carry chains alone (s is a, di is w, in comes

    the highest bit of w; what comes out of the top is the highest bit of the output)."""
    ports = [f"input wire [{bits - 1}:0] {name}" for name, bits in CONTROL.items()]
    ports += [f"output wire [{bits - 1}:0] {name}" for name, bits in outputs(chosen).items()]
    body = "    wire signed [8:0] ws9 = w;\n    wire signed [7:0] ws8 = w[7:0];\n"
    body += "    wire [10:0] w39 = 3 * ws9;\n    wire [9:0] w38 = 3 * ws8;\n"
    body += "".join(_generators(sizes, index) for index, sizes in enumerate(SIZES))
    body += "".join(map(_variable, chosen))
    for bits in (1, CARRY_BITS):
        wires = {"carry": "w[8]", "s": f"a[{bits - 1}:0]", "di": f"w[{bits - 1}:0]"}
        wires |= {"o": f"carry{bits}[{bits - 1}:0]", "top": f"carry{bits}[{bits}]"}
        body += instance("lutforge_carry", f"chain{bits}", {"WIDTH": bits}, wires)
    return "module bench (\n    input wire clk,\n    " + ",\n    ".join(ports) + f"\n);\n{body}endmodule\n"


def outputs(chosen: Sequence[Form]) -> Dict[str, int]:
    """Return the bits of each output of `variables`."""
    return {
        **{form.port: form.sizes.product_bits for form in chosen},
        "carry1": 2,
        f"carry{CARRY_BITS}": CARRY_BITS + 1,
    }


def _generators(sizes: Sizes, index: int) -> str:
    """The generators of a weight's width and signedness. Wires of generator `index`: their names end with it."""
    text = ""
    for stem, start, digit, passes in (("g", "start", 4, 1), ("c", "restart", 4, 2), ("v", "refill", 8, 1)):
        width = sizes.weight_bits + digit - 1
        wires = f"{stem}_write{index}, {stem}_pass{index}"
        text += f"    wire {wires};\n    wire [{digit - 1}:0] {stem}_digit{index};\n"
        text += f"    wire [{width}:0] {stem}_low{index}, {stem}_high{index};\n"
        parameters = {"WEIGHT": sizes.weight_bits, "DIGIT": digit, "SIGNED_ACT": int(sizes.signed), "PASSES": passes}
        made = {port: f"{stem}_{port}{index}" for port in ("write", "digit", "pass", "low", "high")}
        inputs = {"clk": "clk", "rst": "rst", "start": start, "weight": f"weight[{sizes.weight_bits - 1}:0]"}
        text += instance("lutforge_table_generator", f"{stem}{index}", parameters, {**inputs, **made})
    pairs = (sizes.weight_bits + 5) // 2
    text += f"    wire [{pairs - 1}:0] low_bits{index};\n    wire [{sizes.weight_bits + 3}:0] high_bits{index};\n"
    inputs = {"pass": f"c_pass{index}", "low": f"c_low{index}", "high": f"c_high{index}"}
    made = {"low_bits": f"low_bits{index}", "high_bits": f"high_bits{index}"}
    return text + instance("lutforge_cfglut_bits", f"b{index}", {"WEIGHT": sizes.weight_bits}, {**inputs, **made})


def _variable(form: Form) -> str:
    sizes = form.sizes
    g = next(i for i, s in enumerate(SIZES) if (s.weight_bits, s.signed) == (sizes.weight_bits, sizes.signed))
    a, w = f"a[{sizes.activation_bits - 1}:0]", f"w[{sizes.weight_bits - 1}:0]"
    written = {"clk": "clk", "a": a}
    match form.module:
        case "lutforge_conventional_lutram_mul":
            entry = {"write": f"v_write{g}", "value": f"v_high{g}", "a": f"v_write{g} ? v_digit{g} : a"}
            parameters = {"ACT": sizes.activation_bits, "WEIGHT": sizes.weight_bits}
            return instance(form.module, f"{form.port}_mul", parameters, {**written, **entry, "p": form.port})
        case "lutforge_lutram_mul":
            entry = {"write": f"g_write{g}", "write_bank": "write_bank", "write_digit": f"g_digit{g}"}
            ports = {**written, **entry, "low": f"g_low{g}", "high": f"g_high{g}", "bank": "bank"}
        case "lutforge_cfglut_mul":
            ports = {**written, "load": f"c_write{g}", "low_bits": f"low_bits{g}", "high_bits": f"high_bits{g}"}
        case "lutforge_digit_mul":
            ports = {"a": a, "w": w, "w3": f"w3{sizes.weight_bits}"}
        case _:
            ports = {"a": a, "w": w}
    return _undeclared(multiplier(form.module, form.port, sizes, ports))


def _undeclared(text: str) -> str:
    """Leave out the declaration of the product's wire, which is a port here."""
    return text.partition("\n")[2]


def constants(products: Sequence[ConstantProduct], rom: Sequence[Tuple[int, Sizes]] = ()) -> str:
    """Return module `bench` with one constant multiplier after the other in `p`, 17 bits each; then `rom`, one table."""
    names, body = [], ""
    for index, product in enumerate(products):
        names.append(f"p{index}")
        body += constant_multiplier(f"p{index}", f"a{product.activation_bits}", product, PRODUCT_BITS)
    for index, (weight, sizes) in enumerate(rom):
        names.append(f"r{index}_wide")
        body += lutrom_multiplier(f"r{index}", "a8", weight, sizes)
        sign = f"r{index}[{sizes.product_bits - 1}]"
        body += f"    wire [16:0] r{index}_wide = {{{{{PRODUCT_BITS - sizes.product_bits}{{{sign}}}}}, r{index}}};\n"
    for bits in sorted({product.activation_bits for product in products} | {8}):
        body = f"    wire [{bits - 1}:0] a{bits} = a[{bits - 1}:0];\n" + body
    joined = "".join(f"    assign p[{PRODUCT_BITS * i} +: 17] = {name};\n" for i, name in enumerate(names))
    ports = f"input wire [7:0] a, output wire [{PRODUCT_BITS * len(names) - 1}:0] p"
    return f"module bench ({ports});\n{body}{joined}endmodule\n"


MAIN = """
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>
#include "Vbench.h"
template <typename Port> void put(Port& port, const uint64_t*& from) { std::memcpy(&port, from++, sizeof port); }
template <typename Port> void get(const Port& port, std::FILE* to) {
    uint64_t words[(sizeof port + 7) / 8] = {0};
    std::memcpy(words, &port, sizeof port);
    std::fwrite(words, sizeof words, 1, to);
}
int main() {
    Vbench model;
    std::FILE *in = std::fopen("in.bin", "rb"), *out = std::fopen("out.bin", "wb");
    std::vector<uint64_t> row(INPUTS);
    while (std::fread(row.data(), 8, INPUTS, in) == INPUTS) {
        const uint64_t* next = row.data();
        PUTS
        model.eval();
        GETS
        CLOCK
    }
    std::fclose(out);
    return 0;
}
"""
EDGE = "model.clk = 1; model.eval(); model.clk = 0;"


class Verilated:
    """Module `bench`, compiled by Verilator; `cycles` as the netlist evaluator has it, one lane after the other."""

    def __init__(
        self,
        folder: Path,
        texts: Mapping[str, str],
        inputs: Sequence[str],
        outputs: Mapping[str, int],
        *,
        clocked: bool,
        optimise: str = "-O1",
        options: Sequence[str] = (),
    ):
        """outputs: bits of each port; optimise: g++'s option; options: more of Verilator's."""
        self.folder, self.inputs, self.outputs = folder, list(inputs), dict(outputs)
        names = write_sources(folder, texts)
        main = MAIN.replace("INPUTS", str(len(self.inputs))).replace("CLOCK", EDGE if clocked else "")
        main = main.replace("PUTS", "".join(f"put(model.{name}, next);" for name in self.inputs))
        (folder / "main.cpp").write_text(main.replace("GETS", "".join(f"get(model.{name}, out);" for name in outputs)))
        flags = ["--cc", "--exe", "-O3", "--no-timing", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-UNOPTFLAT"]
        verilator = find_verilator()
        command = [verilator, *flags, "--Mdir", "obj", "--top-module", "bench", *options]
        run_tool([*command, *names, "main.cpp"], folder)
        compile_objects(folder / "obj", optimise, verilator)

    def cycles(self, inputs: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
        """inputs: [cycles, lanes]. Result: [cycles, lanes], or bits, lowest first, as a last axis of a wide port."""
        arrays = np.broadcast_arrays(*(inputs[name] for name in self.inputs))
        count, lanes = arrays[0].shape
        np.stack(arrays, axis=-1).transpose(1, 0, 2).astype(np.uint64).tofile(self.folder / "in.bin")
        subprocess.run([self.folder / "obj" / "Vbench"], cwd=self.folder, check=True, timeout=600)
        words = [-(-bits // 64) for bits in self.outputs.values()]
        rows = np.fromfile(self.folder / "out.bin", dtype="<u8").reshape(lanes, count, sum(words)).transpose(1, 0, 2)
        result, first = {}, 0
        for (name, bits), size in zip(self.outputs.items(), words, strict=True):
            part = rows[..., first : first + size]
            first += size
            result[name] = part[..., 0] if bits <= 64 else _bits(part, bits)
        return result


def _bits(words: np.ndarray, bits: int) -> np.ndarray:
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")[..., :bits]
