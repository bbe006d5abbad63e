# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Register facts that the driver and the models share: AXI DMA 7.1 (PG021) and an ap_ctrl_hs kernel (UG1399)."""

from __future__ import annotations

MM2S, S2MM = 0x00, 0x30
"""Where the registers of the sending and of the receiving channel begin (PG021, register space)."""

CONTROL, STATUS, ADDRESS, ADDRESS_HIGH, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28

RUN, RESET = 1 << 0, 1 << 2
CONTROL_AFTER_RESET = 0x0001_0002

HALTED, IDLE = 1 << 0, 1 << 1
INTERNAL_ERROR, SLAVE_ERROR, DECODE_ERROR = 1 << 4, 1 << 5, 1 << 6
ERRORS = INTERNAL_ERROR | SLAVE_ERROR | DECODE_ERROR
DONE_INTERRUPT, ERROR_INTERRUPT, INTERRUPTS = 1 << 12, 1 << 14, 0x7000

CTRL_START, CTRL_DONE, CTRL_IDLE, CTRL_READY, CTRL_RESTART = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 7

DMA_TYPE = "xilinx.com:ip:axi_dma"


def status_text(status: int) -> str:
    """Return a DMA channel's status register in words.

    >>> status_text(0x4041)
    '0x4041 (halted, decode error: no memory at that address)'
    """
    names = {
        HALTED: "halted",
        IDLE: "idle",
        INTERNAL_ERROR: "internal error: length 0, or a packet longer than the buffer",
        SLAVE_ERROR: "slave error: the memory refused",
        DECODE_ERROR: "decode error: no memory at that address",
    }
    words = [name for bit, name in names.items() if status & bit]
    return f"{status:#06x} ({', '.join(words) or 'running, transfer not finished'})"
