# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The side of the processor: driver for PYNQ boards, emulated device, verification. Import needs no pynq."""

from lutforge.host.array import ArrayAccelerator
from lutforge.host.driver import Accelerator

__all__ = ["Accelerator", "ArrayAccelerator"]
