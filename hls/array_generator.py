# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes and a board in, the text of a programmable array's overlay folder out: HLS C++, .hwh, manifest.

`generate_array` is pure: the same arguments give the same bytes. `write_array` puts them on disk.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Dict

from lutforge import array_manifest as manifests
from lutforge.array_geometry import BEAT_BITS, Geometry
from lutforge.boards import Board
from lutforge.errors import GenerationError
from lutforge.hls import pragmas
from lutforge.hls.generator import library, write_texts
from lutforge.hls.hwh import hwh_text
from lutforge.hls.text import LIBRARY, LICENCE, header, pragma
from lutforge.hls.top import SIGNATURE
from lutforge.manifest import BIT, HWH, MANIFEST

BRAM36_BITS = 36 * 1024
"""Bits of a block of memory, its parity included (UG473)."""


def generate_array(geometry: Geometry, board: Board) -> Dict[str, str]:
    """Return every text file of an array's overlay folder by its path.

    Beats have 64 bits on every board, so that a program is the same for all.
    """
    _check_memories(geometry, board)
    result = {f"src/{path}": text for path, text in library(array=True).items()}
    result["src/lutforge_top.hpp"] = _top_header(geometry)
    result["src/lutforge_top.cpp"] = _top_source(geometry)
    for path, text in result.items():
        pragmas.check(path, text)
    result[HWH] = hwh_text(
        processing_system=board.processing_system,
        clock_mhz=board.clock_mhz,
        beat_bits=BEAT_BITS,
        dma_length_bits=board.dma_length_bits,
    )
    result[BIT] = (
        "lutforge emulation: this is no bitstream\n"
        f"geometry sha256 {manifests.geometry_sha256(geometry)}\n"
        f"hwh sha256 {hashlib.sha256(result[HWH].encode()).hexdigest()}\n"
    )
    manifest = manifests.array_manifest(geometry, board, emulated=True, files=tuple(sorted(result)))
    result[MANIFEST] = manifests.to_json(manifest)
    return dict(sorted(result.items()))


def write_array(folder: Path | str, texts: Dict[str, str]) -> None:
    """Write what `generate_array` returned; files of an earlier generation that are not among them are removed."""
    root = Path(folder)
    write_texts(root, texts, lambda: manifests.load_array(root).files)


def _check_memories(geometry: Geometry, board: Board) -> None:
    blocks = 8 * (geometry.activation_bytes + geometry.sum_bytes) / BRAM36_BITS
    if blocks > board.resources.bram36:
        raise GenerationError(
            f"array: activation_words {geometry.activation_words} and sum_words {geometry.sum_words} fill at least "
            f"{blocks:.0f} BRAM36; {board.name} has {board.resources.bram36}. Make them smaller"
        )


def _top_header(geometry: Geometry) -> str:
    sizes = "".join(
        f"#define LUTFORGE_{name.upper()} {value}\n" for name, value in sorted(geometry.to_document().items())
    )
    body = (
        f"#include <{LIBRARY}/array.hpp>\n\n"
        "// What the compiled simulation says it was made from; of an array the sha256 of its sizes.\n"
        f'#define LUTFORGE_NETWORK_SHA256 "{manifests.geometry_sha256(geometry)}"\n'
        f"#define LUTFORGE_BEAT_BITS {BEAT_BITS}\n{sizes}\n"
        "typedef ap_axiu<LUTFORGE_BEAT_BITS, 0, 0, 0> lutforge_axis;\n\n"
        "// images: the beats of the program; the register keeps its name, so that one driver serves all overlays.\n"
        f"{SIGNATURE};\n"
    )
    return header("lutforge_top.hpp", body)


def _top_source(geometry: Geometry) -> str:
    sizes = ", ".join(
        f"LUTFORGE_{name}" for name in ("PE", "SIMD", "WEIGHT_BITS", "GENERATORS", "ACTIVATION_WORDS", "SUM_WORDS")
    )
    interfaces = [
        pragma("INTERFACE", "axis", "port=images_in"),
        pragma("INTERFACE", "axis", "port=answers_out"),
        pragma("INTERFACE", "s_axilite", "port=images", "bundle=control"),
        pragma("INTERFACE", "s_axilite", "port=return", "bundle=control"),
        pragma("INTERFACE", "ap_ctrl_hs", "port=return"),
    ]
    return (
        f'{LICENCE}#include "lutforge_top.hpp"\n\n{SIGNATURE} {{\n{"".join(interfaces)}'
        f"    lutforge::array<{sizes}>(images_in, answers_out, images);\n}}\n"
    )
