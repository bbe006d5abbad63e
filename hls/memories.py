# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Memory files for `$readmemh`: INIT vectors of look-up tables, and the weight words of folded layers.

One hexadecimal word per line, comments behind `//`. The words come from the same arrays as the C++ constants.
"""

from __future__ import annotations

from typing import Any, List

import numpy as np
import numpy.typing as npt

from lutforge.errors import GenerationError
from lutforge.operations import TiledLutNeurons


def mem_text(comment: str, words: List[int], bits: int) -> str:
    """Return the text of a .mem file. words: unsigned, below 2**bits."""
    digits = -(-bits // 4)
    return f"// {comment}\n" + "".join(f"{word:0{digits}x}\n" for word in words)


def parse_mem(path: str, text: str, count: int, bits: int) -> List[int]:
    """Return the words of a .mem file; GenerationError if there are not `count` words of `bits` bits."""
    lines = [line.split("//")[0].strip() for line in text.splitlines()]
    try:
        words = [int(line, 16) for line in lines if line]
    except ValueError as error:
        raise GenerationError(f"{path}: not hexadecimal ({error})") from error
    if len(words) != count:
        raise GenerationError(f"{path}: {len(words)} words; {count} are wanted. A short table would read as zeros")
    wide = [word for word in words if word >> bits]
    if wide:
        raise GenerationError(f"{path}: word {wide[0]:x} does not fit {bits} bits")
    return words


def product_inits(tables: npt.NDArray[Any], bits: int) -> List[int]:
    """Return one INIT vector per table and product bit, lowest bit first.

    tables: int [..., 2**digit_bits], products in address order. Bit a of an INIT vector is that product bit
    at address a. Result: len = tables * bits words of 2**digit_bits bits.
    """
    flat = tables.reshape(-1, tables.shape[-1]).astype(np.int64)
    planes = (flat[:, None, :] >> np.arange(bits)[:, None]) & 1
    packed = np.packbits(planes.astype(np.uint8), axis=-1, bitorder="little")
    return [int.from_bytes(word.tobytes(), "little") for word in packed.reshape(-1, packed.shape[-1])]


def packed_words(rows: npt.NDArray[Any], bits: int) -> List[int]:
    """Return each row of signed values packed into one word, value 0 lowest. rows: int [words, values]."""
    codes = (rows.astype(np.int64) & ((1 << bits) - 1)).astype(np.uint64)
    planes = ((codes[..., None] >> np.arange(bits, dtype=np.uint64)) & np.uint64(1)).astype(np.uint8)
    packed = np.packbits(planes.reshape(len(rows), -1), axis=-1, bitorder="little")
    return [int.from_bytes(word.tobytes(), "little") for word in packed]


def tile_words(name: str, op: TiledLutNeurons) -> str:
    """Return the memory file of a tiled layer: a word per pair of tiles, the weight bits of table 0 lowest."""
    rows, bits = op.weights.reshape(-1, len(op.tables)), op.weight_bits
    text = f"{name}: one word per cycle, per table {bits} weight bits"
    return mem_text(text, packed_words(rows, bits), bits * rows.shape[1])
