# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Overlay folders of the programmable array: what is in them, and what the writer refuses."""

from __future__ import annotations

import pytest

from lutforge.array_geometry import Geometry
from lutforge.array_manifest import geometry_sha256, load_array, load_overlay
from lutforge.boards import board_names, load_board
from lutforge.errors import GenerationError, OverlayError
from lutforge.hls.array_generator import generate_array, write_array
from lutforge.hls.generator import generate, library, write_overlay
from lutforge.hls.pragmas import check
from lutforge.manifest import KERNEL, MANIFEST
from lutforge.network import Network, Node
from lutforge.operations import Input, TableMac
from lutforge.schedule import Schedule, Unrolled

GEOMETRY = Geometry(4, 8, 8, 2, 2048, 256)


def texts_of(geometry=GEOMETRY, board="pynq_z2"):
    return generate_array(geometry, load_board(board))


@pytest.mark.parametrize("board", board_names())
def test_every_board(board, tmp_path):
    texts = texts_of(board=board)
    assert texts == texts_of(board=board)
    write_array(tmp_path / "array", texts)
    made = load_overlay(tmp_path / "array")
    assert made == load_array(tmp_path / "array")
    assert (made.board, made.beat_bits, made.geometry, made.emulated) == (board, 64, GEOMETRY, True)
    assert set(made.files) == set(texts) - {MANIFEST}
    assert f'LUTFORGE_NETWORK_SHA256 "{geometry_sha256(GEOMETRY)}"' in texts["src/lutforge_top.hpp"]


def test_the_top_function_is_this_text():
    assert texts_of()["src/lutforge_top.cpp"].split("\n\n", 1)[1] == (
        "void lutforge_top(hls::stream<lutforge_axis>& images_in, hls::stream<lutforge_axis>& answers_out, "
        "unsigned images) {\n"
        "#pragma HLS INTERFACE axis port=images_in\n"
        "#pragma HLS INTERFACE axis port=answers_out\n"
        "#pragma HLS INTERFACE s_axilite port=images bundle=control\n"
        "#pragma HLS INTERFACE s_axilite port=return bundle=control\n"
        "#pragma HLS INTERFACE ap_ctrl_hs port=return\n"
        "    lutforge::array<LUTFORGE_PE, LUTFORGE_SIMD, LUTFORGE_WEIGHT_BITS, LUTFORGE_GENERATORS, "
        "LUTFORGE_ACTIVATION_WORDS, LUTFORGE_SUM_WORDS>(images_in, answers_out, images);\n}\n"
    )


def test_libraries_are_apart():
    """An overlay folder of a network does not grow by the array, nor the other way round."""
    array, network = library(array=True), library()
    assert set(array) & set(network) == {"lutforge/types.hpp"}
    assert "lutforge/mac.hpp" in network and "lutforge/array.hpp" in array
    for path, text in array.items():
        check(path, text)


def test_written_again(tmp_path):
    folder = tmp_path / "array"
    write_array(folder, texts_of())
    (folder / KERNEL).write_text("old")
    (folder / "src" / "mine.txt").write_text("a user's")
    manifest = (folder / MANIFEST).read_text()
    (folder / "src" / "old.hpp").write_text("an earlier generation's")
    (folder / MANIFEST).write_text(manifest.replace('"files": [', '"files": [\n    "src/old.hpp",'))
    write_array(folder, texts_of(Geometry(8, 8)))
    assert load_array(folder).geometry == Geometry(8, 8)
    assert not (folder / KERNEL).exists() and not (folder / "src" / "old.hpp").exists()
    assert (folder / "src" / "mine.txt").is_file()


def test_folders_of_the_other_kind_are_refused(tmp_path):
    dense = TableMac([[1, 2], [3, 4]], [0, 0])
    network = Network("tiny", (Node("x", Input((2,))), Node("fc", dense, ("x",))))
    texts = generate(network, Schedule({"fc": Unrolled()}), load_board("pynq_z2"))
    write_array(tmp_path / "array", texts_of())
    write_overlay(tmp_path / "network", network, texts)
    with pytest.raises(OverlayError, match="is a programmable array"):
        write_overlay(tmp_path / "array", network, texts)
    with pytest.raises(OverlayError, match="the overlay of one network"):
        write_array(tmp_path / "network", texts_of())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    with pytest.raises(GenerationError, match="the folder is not empty and holds no overlay"):
        write_array(tmp_path / "other", texts_of())


def test_memories_larger_than_the_board():
    text = r"activation_words 65536 and sum_words 1024 fill at least 242 BRAM36; pynq_z2 has 140\. Make them smaller"
    with pytest.raises(GenerationError, match=text):
        generate_array(Geometry(16, 16, 8, 4, 65536, 1024), load_board("pynq_z2"))
