# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parts that every folded layer has around its arithmetic: `lutforge_folded_operands` without its memory of words."""

from __future__ import annotations

from lutforge.area import Parts, counter, elastic, memory, parts, ram


def kept_vector(passes: int, beats: int, beat: int) -> Parts:
    """Return the vector that is passed over again. beat: bits of it that are read at a time."""
    if passes == 1 or beats == 1:
        return parts(ff=beat)
    stored = memory(beats, beat)
    kept = parts(bram36=stored.bram36) if stored.bram36 else ram(beats, beat, ports=1) + parts(ff=beat)
    return kept + parts(ff=beat + 1, vector_bit=beat)


def loop(passes: int, beats: int, registers: int) -> Parts:
    """Return the counters, the flags that travel with an item, and the control of so many registers."""
    flags = 2 * (registers - 1) + 1 if beats > 1 else 1
    loops = counter(beats) + counter(passes) + counter(passes * beats)
    return parts(ff=flags, unit=1, folded=1) + loops + elastic(registers)
