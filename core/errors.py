# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Everything lutforge raises on purpose.

A message says what is wrong, the value, the limit and the remedy, in that order.
"""

from __future__ import annotations

from typing import NoReturn


class LutforgeError(Exception):
    """Root of all errors that a user can cause and cure."""


class NetworkError(LutforgeError):
    """A network that cannot be built: wrong shapes, tables, fan-ins, or an accumulator that could overflow."""


class StoreError(LutforgeError):
    """A network file that cannot be read: truncated, altered, newer than this program, or no network at all."""


class InputError(LutforgeError):
    """Images of a wrong shape, dtype or range."""


class ScheduleError(LutforgeError):
    """A folding that does not fit the layer, or that hardware cannot honour."""


class BoardError(LutforgeError):
    """An unknown board, or a board file with a missing or impossible value."""


class GenerationError(LutforgeError):
    """A network and schedule for which no hardware description can be written."""


class NetlistError(LutforgeError):
    """A synthesised netlist that cannot be read or evaluated: an unknown cell, a loop, two clocks."""


class ToolError(LutforgeError):
    """An outside program that is missing or failed (g++, header files, pynq)."""


class EngineError(LutforgeError):
    """The fast engine was asked for what it does not know, or does not answer as the reference does."""


class OverlayError(LutforgeError):
    """An overlay folder that is incomplete, or that was made from another network."""


class DeviceError(LutforgeError):
    """The board or its emulation did not do what the driver asked."""


class DeviceTimeout(DeviceError):
    """A wait that passed its deadline; the message says what was waited for."""


class MismatchError(LutforgeError):
    """Two executors that disagree."""


class DataError(LutforgeError):
    """A data set that is not where it was looked for, or is damaged."""


class LibraryError(LutforgeError):
    """A Liberty file that is missing, is none, or lacks what multipliers are built of."""


class SearchError(LutforgeError):
    """A search for a mix of multipliers whose budget cannot be met, or whose log belongs to another one."""


class TrainingError(LutforgeError):
    """A recipe or checkpoint that cannot be used."""


def unreachable(value: NoReturn) -> NoReturn:
    """Close a `match` over a union: mypy rejects the call while a member is not handled.

    `typing.assert_never` is not in Python 3.10, which boards run.
    """
    raise AssertionError(f"unhandled case: {value!r}")
