# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The .hwh that a plan carries, read by pynq's own parser: what the driver will look for in Vivado's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lutforge.boards import board_names, load_board

sys.path.insert(0, str(Path(__file__).parent))
from plan_examples import ROUTES, small_plan


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", board_names())
def test_pynq_reads_the_expected_handoff(tmp_path, name, route):
    pytest.importorskip("pynq", reason="pynq is not installed (pip install 'lutforge[board]')")
    from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
    from pynqmetadata.frontends import Metadata

    board, texts = load_board(name), small_plan(route, name)
    path = tmp_path / "overlay.hwh"
    path.write_text(texts["expected.hwh"])
    parsed = RuntimeMetadataParser(Metadata(input=path))
    dma, ip = parsed.ip_dict["axi_dma_0"], parsed.ip_dict["lutforge_0"]
    assert ip["type"] == "lutforge:hls:lutforge_top:1.0"
    assert {key: facts["address_offset"] for key, facts in ip["registers"].items()} == {"CTRL": 0, "images": 0x10}
    assert dma["parameters"]["c_sg_length_width"] == "26"
    assert dma["parameters"]["c_m_axi_mm2s_data_width"] == str(board.beat_bits)
    # the block design says the same
    options = texts["options.tcl"]
    assert f"set beat_bits {{{board.beat_bits}}}" in options and "set dma_length_bits {26}" in options
    assert "set dma_name {axi_dma_0}" in options and "set ip_name {lutforge_0}" in options
