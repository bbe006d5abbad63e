# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Multipliers of `hls/rtl/`: the tables that they hold, and text that instantiates them.

A constant weight W is split into an odd number and a shift, which is wiring; only the odd number has tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping

import numpy as np
import numpy.typing as npt

from lutforge.hls.rtl_text import Value, constant, instance
from lutforge.multipliers import digit_table

TABLE_INPUTS = 4


def digit_inits(weight: int, bits: int, digit_bits: int, signed: bool) -> int:
    """Return INITS of `lutforge_table` and `lutforge_table_add`: bit i of weight * digit is at 16 * i + digit.

    bits: width of the products, two's complement. digit_bits: 1..4; a narrower table is repeated up to address 15.
    signed: the digit is two's complement.

    >>> hex(digit_inits(1, 3, 2, False))
    '0xccccaaaa'
    """
    table = digit_table(np.array([weight]), digit_bits, signed)[0]
    return _packed(np.tile(table, (1 << TABLE_INPUTS) >> digit_bits), bits)


def rom_inits(weight: int, weight_bits: int, activation_bits: int, signed: bool) -> int:
    """Return INITS of `lutforge_lutrom_mul`: bit i of weight * activation is at 2**activation_bits * i + its code."""
    return _packed(digit_table(np.array([weight]), activation_bits, signed)[0], weight_bits + activation_bits)


def _packed(table: npt.NDArray[Any], bits: int) -> int:
    columns = (table[None, :] >> np.arange(bits)[:, None]) & 1
    return int.from_bytes(np.packbits(columns.astype(np.uint8).ravel(), bitorder="little").tobytes(), "little")


@dataclass(frozen=True)
class ConstantProduct:
    """weight * activation by digits of `digit_bits` (1..4); what `lutforge_constant_mul` computes is odd * activation.

    >>> product = ConstantProduct(-96, activation_bits=8, signed=False)
    >>> product.odd, product.shift, product.weight_bits, product.lut6
    (-3, 5, 3, 10)
    """

    weight: int
    activation_bits: int
    signed: bool
    digit_bits: int = 4

    @property
    def shift(self) -> int:
        """Trailing zeros of the weight, 0 for a weight of 0."""
        return (self.weight & -self.weight).bit_length() - 1 if self.weight else 0

    @property
    def odd(self) -> int:
        """Weight without its trailing zeros; 0 for a weight of 0."""
        return self.weight >> self.shift

    @property
    def negative(self) -> bool:
        """Whether products can be below 0."""
        return self.signed or self.weight < 0

    @property
    def weight_bits(self) -> int:
        """Bits of `odd`: with a sign bit where products can be negative, else without."""
        return (~self.odd if self.odd < 0 else self.odd).bit_length() + self.negative

    @property
    def is_wiring(self) -> bool:
        """Whether the weight is 0, or a power of two above it, which need no table."""
        return self.odd in (0, 1)

    @property
    def lut6(self) -> int:
        """LUT6 of the product: half a LUT6 per bit of the lowest digit's table, one per bit of the others.

        At most 18 at 8 x 8 bits, 19 at 8 x 9. Source: Walters, Electronics 6(4) 101, 2017 (tables inside adders).
        Two bits of the lowest table may be none: its lowest one, the digit's as the weight is odd, and the sign
        where only the top digit can be negative. Equal to yosys's netlists for digits of 4 bits.
        """
        if self.is_wiring:
            return 0
        first, *rest = self.digits
        known = 1 + bool(rest and self.signed and self.odd > 0)
        return (self.weight_bits + first - known + 1) // 2 + sum(self.weight_bits + width for width in rest)

    @property
    def digits(self) -> List[int]:
        """Bits of each digit, lowest first."""
        full, rest = divmod(self.activation_bits, self.digit_bits)
        return [self.digit_bits] * full + ([rest] if rest else [])

    def parameters(self) -> Dict[str, Value]:
        """Return the parameters of `lutforge_constant_mul`."""
        low, top = self.weight_bits + self.digit_bits, self.weight_bits + self.digits[-1]
        return {
            "ACT": self.activation_bits,
            "WEIGHT": self.weight_bits,
            "DIGIT": self.digit_bits,
            "NEGATIVE": int(self.negative),
            "INITS": constant(16 * low, digit_inits(self.odd, low, self.digit_bits, False)),
            "TOP_INITS": constant(16 * top, digit_inits(self.odd, top, self.digits[-1], self.signed)),
        }


def constant_multiplier(name: str, activation: str, product: ConstantProduct, bits: int) -> str:
    """Return text that declares wire `name`, two's complement of `bits` bits, and drives it with the product.

    activation: name of a wire of `product.activation_bits`. bits: enough for every product, shift included.
    """
    odd_bits = product.activation_bits + product.weight_bits
    text = f"    wire [{bits - 1}:0] {name};\n"
    if not product.weight:
        return text + f"    assign {name} = {constant(bits, 0)};\n"
    odd, sign = f"{name}_odd", f"{name}_odd[{odd_bits - 1}]" if product.negative else "1'b0"
    if product.is_wiring:
        odd_bits = product.activation_bits
        odd, sign = activation, f"{activation}[{odd_bits - 1}]" if product.signed else "1'b0"
    else:
        text += f"    wire [{odd_bits - 1}:0] {odd};\n"
        text += instance("lutforge_constant_mul", f"{name}_mul", product.parameters(), {"a": activation, "p": odd})
    return text + f"    assign {name} = {_placed(odd, odd_bits, sign, product.shift, bits)};\n"


def _placed(signal: str, width: int, sign: str, shift: int, bits: int) -> str:
    """Return a signal times 2**shift as `bits` bits."""
    if width + shift > bits:
        signal, width = f"{signal}[{bits - shift - 1}:0]", bits - shift
    parts = [f"{{{bits - shift - width}{{{sign}}}}}"] if bits > shift + width else []
    return f"{{{', '.join([*parts, signal, *([constant(shift, 0)] if shift else [])])}}}"


@dataclass(frozen=True)
class Sizes:
    """Bits of the operands of a multiplier; weights are signed, activations are if `signed`."""

    activation_bits: int
    weight_bits: int
    signed: bool

    @property
    def product_bits(self) -> int:
        """Bits of every product."""
        return self.activation_bits + self.weight_bits


def lutrom_multiplier(name: str, activation: str, weight: int, sizes: Sizes) -> str:
    """Return text that declares wire `name` and drives it with a constant weight's product, from one table."""
    inits = rom_inits(weight, sizes.weight_bits, sizes.activation_bits, sizes.signed)
    parameters: Dict[str, Value] = {
        "ACT": sizes.activation_bits,
        "WEIGHT": sizes.weight_bits,
        "INITS": constant(sizes.product_bits << sizes.activation_bits, inits),
    }
    text = f"    wire [{sizes.product_bits - 1}:0] {name};\n"
    return text + instance("lutforge_lutrom_mul", f"{name}_mul", parameters, {"a": activation, "p": name})


def multiplier(module: str, name: str, sizes: Sizes, ports: Mapping[str, str]) -> str:
    """Return text that declares wire `name` and drives it with a product of two variables, or of a written weight.

    module: lutforge_digit_mul, _digital_mul, _lutram_mul or _cfglut_mul. ports: signal of every port but p.
    """
    parameters: Dict[str, Value] = {"ACT": sizes.activation_bits, "WEIGHT": sizes.weight_bits}
    parameters["SIGNED_ACT"] = int(sizes.signed)
    text = f"    wire [{sizes.product_bits - 1}:0] {name};\n"
    return text + instance(module, f"{name}_mul", parameters, {**ports, "p": name})
