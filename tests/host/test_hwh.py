# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The minimal .hwh, read by pynq's own parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynqmetadata.frontends import Metadata

from lutforge.errors import GenerationError
from lutforge.hls.hwh import clock_divisors, hwh_text

FACTS = {"beat_bits": 64, "dma_length_bits": 23}


def parse(folder: Path, text: str) -> RuntimeMetadataParser:
    path = folder / "overlay.hwh"
    path.write_text(text)
    return RuntimeMetadataParser(Metadata(input=path))


@pytest.mark.parametrize(
    ("system", "base", "clock_mhz", "divisor"),
    [("processing_system7", 0x4000_0000, 125.0, 8), ("zynq_ultra_ps_e", 0xA000_0000, 187.5, 8)],
)
def test_pynq_reads_addresses_registers_and_clock(tmp_path, system, base, clock_mhz, divisor):
    parsed = parse(tmp_path, hwh_text(processing_system=system, clock_mhz=clock_mhz, **FACTS))
    dma, ip = parsed.ip_dict["axi_dma_0"], parsed.ip_dict["lutforge_0"]
    assert parsed.family_ps == system
    assert (dma["phys_addr"], ip["phys_addr"]) == (base, base + 0x10000)
    assert dma["parameters"]["c_sg_length_width"] == "23"
    assert dma["parameters"]["c_m_axi_s2mm_data_width"] == "64"
    assert ip["type"] == "lutforge:hls:lutforge_top:1.0"
    assert {name: facts["address_offset"] for name, facts in ip["registers"].items()} == {"CTRL": 0, "images": 0x10}
    fields = {name: facts["bit_offset"] for name, facts in ip["registers"]["CTRL"]["fields"].items()}
    assert fields == {"AP_START": 0, "AP_DONE": 1, "AP_IDLE": 2, "AP_READY": 3, "AUTO_RESTART": 7}
    clock = parsed.clock_dict[0]
    assert clock["enable"] == 1 and clock["divisor0"] * clock["divisor1"] == divisor
    assert [parsed.clock_dict[index]["enable"] for index in (1, 2, 3)] == [0, 0, 0]


def test_names_can_be_chosen(tmp_path):
    text = hwh_text(
        processing_system="processing_system7", clock_mhz=100.0, dma="dma", ip="net", vlnv="a:b:net:2.0", **FACTS
    )
    parsed = parse(tmp_path, text)
    assert parsed.ip_dict["net"]["type"] == "a:b:net:2.0" and "dma" in parsed.ip_dict


def test_text_is_repeatable():
    one, two = (hwh_text(processing_system="zynq_ultra_ps_e", clock_mhz=300.0, **FACTS) for _ in range(2))
    assert one == two


@pytest.mark.parametrize(("source", "clock", "pair"), [(1000.0, 100.0, 10), (1000.0, 142.857, 7), (1500.0, 300.0, 5)])
def test_divisors_give_the_clock(source, clock, pair):
    first, second = clock_divisors(source, clock)
    assert first * second == pair


def test_clock_that_cannot_be_made_is_refused_with_the_nearest():
    with pytest.raises(GenerationError, match=r"clock_mhz 200 cannot be made from the 1500 MHz .* 187.500 MHz"):
        clock_divisors(1500.0, 200.0)


def test_unknown_processing_system_names_the_known():
    with pytest.raises(GenerationError, match="'versal' is unknown; use one of processing_system7, zynq_ultra_ps_e"):
        hwh_text(processing_system="versal", clock_mhz=100.0, **FACTS)
