# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""One lane of an operation on single elements: its value and its constants, and the register of the answers."""

from __future__ import annotations

from typing import Dict

from lutforge.hls.rtl_layers import RtlSite
from lutforge.pipeline import PointwiseForm


def element_bits(site: RtlSite) -> int:
    """Return the bits that one input element becomes."""
    return site.out_bits // site.lanes.inputs


def output_register(bits: int, stage: int, value: str) -> str:
    """Return the register of the answers, loaded by load[stage]."""
    return (
        f"    reg [{bits - 1}:0] answer;\n    always @(posedge clk) if (load[{stage}]) answer <= {value};\n"
        "    assign out_data = answer;\n"
    )


class Lane:
    """Names of one lane: its value, and its constants, taken from the memory's word or written as constants."""

    def __init__(self, site: RtlSite, form: PointwiseForm, fields: Dict[str, int], counts: Dict[str, int], lane: int):
        self.site, self.form, self.fields, self.lane = site, form, fields, lane
        self.source = "x" if form.form == "memory" else "in_data"
        self.word = sum(bits * counts[name] for name, bits in fields.items())
        self.counts = counts

    def value(self) -> str:
        """Wire of the element."""
        bits = self.site.source.bits
        return f"{self.source}[{self.lane * bits + bits - 1}:{self.lane * bits}]"

    def stored(self, name: str, index: int = 0) -> str:
        """The part of the memory's word that holds a constant."""
        place = self.lane * self.word
        for other, bits in self.fields.items():
            if other == name:
                place += index * bits
                return f"words[{place + bits - 1}:{place}]"
            place += bits * self.counts[other]
        raise KeyError(name)


def lane_of(site: RtlSite, form: PointwiseForm, fields: Dict[str, int], lane: int, steps: int = 1) -> Lane:
    """Return lane `lane`. fields: bits of each constant in memory; steps: how many of each an element has."""
    return Lane(site, form, fields, dict.fromkeys(fields, steps), lane)
