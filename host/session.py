# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Load an overlay on a device through pynq, and find in it what the driver talks to.

pynq is imported inside functions only, so that the package can be imported where pynq is not installed.
"""

from __future__ import annotations

import re
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

from lutforge.errors import DeviceError, OverlayError, ToolError
from lutforge.host.axi_registers import DMA_TYPE
from lutforge.manifest import BIT, HWH, IP_VLNV, Overlay
from lutforge.performance import Performance

PYNQ_WANTED = "pynq>=3.1.2,<4"
CLOCK_TOLERANCE = 0.01
KERNEL_TYPE = IP_VLNV.rpartition(":")[0]
REGISTERS = ("CTRL", "images")
AS_ROOT = (
    "as root with PYNQ's environment: sudo -i, then . /etc/profile.d/pynq_venv.sh and . /etc/profile.d/xrt_setup.sh "
    "(it sets XILINX_XRT=/usr)"
)
BOARD_MARK = Path("/proc/device-tree/chosen/pynq_board")
"""What PYNQ's images have and other computers have not."""

HARDWARE = threading.RLock()
"""Held around every use of a device: a process has one programmable logic, and pynq one set of clocks."""


@dataclass
class Session:
    """A loaded overlay. `label` says what answers: 'emulated: fast' or 'board pynq_z2'. clock_mhz: as read back."""

    device: Any
    overlay: Any
    dma: Any
    ip: Any
    offsets: Dict[str, int]
    label: str
    emulated: bool
    clock_mhz: float

    @property
    def performance(self) -> Optional[Performance]:
        """What the last batch took in cycles, where a simulation of the Verilog counts them."""
        backend = self.device.kernel.backend if self.emulated else None
        found: Optional[Performance] = getattr(backend, "performance", None)
        return found


def open_session(folder: Path, manifest: Overlay, device: Any, kernel: str) -> Session:
    """Load the overlay of a folder. device: None, 'emulated', 'board', or a pynq device."""
    _check_files(folder, manifest)
    pynq = import_pynq()
    chosen = select_device(pynq, device, kernel)
    emulated = bool(getattr(chosen, "emulated", False))
    _check_version(pynq.__version__, manifest, emulated)
    if manifest.emulated and not emulated:
        raise OverlayError(
            f"{folder / BIT}: a placeholder for emulation, no bitstream. Build the overlay, or open it with "
            "device='emulated'"
        )
    label = chosen.name if emulated else f"board {manifest.board}"
    overlay = _load(pynq, folder, chosen, label)
    dma, ip = _find(overlay, DMA_TYPE), _find(overlay, KERNEL_TYPE)
    _check_dma(overlay, dma)
    session = Session(
        chosen,
        overlay,
        _driver(overlay, dma),
        _driver(overlay, ip),
        _offsets(overlay, ip),
        label,
        emulated,
        float(pynq.Clocks.fclk0_mhz),
    )
    _check_clock(session.clock_mhz, manifest, label)
    return session


def import_pynq() -> Any:
    """Return the pynq module; ToolError if it is missing or cannot start."""
    try:
        import pynq
        import pynq.lib.dma
    except (ImportError, OSError) as error:
        raise ToolError(
            f"pynq cannot be imported ({error}); a board and the emulated device need it: "
            f"pip install '{PYNQ_WANTED}' 'pycparser<3'. Without it the executors reference, fast and csim still work"
        ) from error
    return pynq


def select_device(pynq: Any, device: Any, kernel: str) -> Any:
    """Return the device to use: the one given, else a board if pynq has one, else the emulated device.

    On a PYNQ image without a usable board the answer is an error and not an emulation.
    """
    if device is not None and not isinstance(device, str):
        return device
    if device not in (None, "board", "emulated"):
        raise DeviceError(f"device {device!r} is unknown; use 'board', 'emulated' or None for either")
    if device != "emulated":
        boards = _boards(pynq)
        if boards:
            return boards[0]
        if device == "board" or BOARD_MARK.exists():
            raise DeviceError(f"pynq finds no board. On a board run {AS_ROOT}; elsewhere use device='emulated'")
    from lutforge.host.emulated import EmulatedDevice

    return EmulatedDevice(kernel)


def _boards(pynq: Any) -> List[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pynq warns that it found nothing; select_device says more
        try:
            return [each for each in pynq.Device.devices if not getattr(each, "emulated", False)]
        except (RuntimeError, OSError) as error:
            raise DeviceError(f"pynq cannot look for a board ({error}); run {AS_ROOT}") from error


def bind_clocks(device: Any) -> None:
    """Make pynq's clocks those of a device: pynq keeps the clocks of the first device it met for ever."""
    from pynq import Clocks

    if not hasattr(Clocks, "set_device"):  # pynq 3.0 knows the clocks of its own board only
        return
    if Clocks.device is not device and "_real_instance" in vars(Clocks):
        del Clocks._real_instance
    Clocks.set_device(device)


def _check_files(folder: Path, manifest: Overlay) -> None:
    for name in manifest.needed:
        if not (folder / name).is_file():
            first, *others = manifest.needed
            held = ", ".join((first, *others[:1])) + ", manifest.json" + "".join(f" and {name}" for name in others[1:])
            raise OverlayError(
                f"{folder / name}: no such file; an overlay folder holds {held}. `{manifest.command}` writes one"
            )


def _check_version(version: str, manifest: Overlay, emulated: bool) -> None:
    found = re.match(r"(\d+)(?:\.(\d+))?", version)  # "3.1rc1" and "3.1.2.dev0" are versions too
    major, minor = (int(part or 0) for part in found.groups()) if found else (0, 0)
    if emulated and (major, minor) != (3, 1):
        raise ToolError(f"the emulated device works with pynq 3.1, this is {version}: pip install '{PYNQ_WANTED}'")
    if major > 3 and manifest.processing_system == "processing_system7":
        raise ToolError(
            f"pynq {version} cannot drive the Zynq-7000 of {manifest.board}; version 4 dropped it. "
            "Use the SD image 3.0.1 or 3.1"
        )


def _load(pynq: Any, folder: Path, device: Any, label: str) -> Any:
    bind_clocks(device)
    try:
        return pynq.Overlay(str((folder / BIT).resolve()), device=device)
    except PermissionError as error:
        raise DeviceError(f"{label}: no permission ({error}). Run {AS_ROOT}") from error
    except (RuntimeError, OSError, ValueError, KeyError, AttributeError, TypeError, SyntaxError) as error:
        raise OverlayError(
            f"{folder}: pynq cannot load the overlay on {label} ({type(error).__name__}: {error}). "
            f"Are {BIT} and {HWH} of one build, and are you root?"
        ) from error


def _find(overlay: Any, kind: str) -> str:
    """Return the full name of the one block of a kind, whatever its version."""
    found: List[str] = [
        name for name, facts in overlay.ip_dict.items() if str(facts["type"]).rpartition(":")[0] == kind
    ]
    if len(found) != 1:
        known = ", ".join(f"{name} ({facts['type']})" for name, facts in overlay.ip_dict.items())
        raise OverlayError(f"the .hwh has {len(found)} blocks of type {kind}, one is wanted; it has: {known}")
    return found[0]


def _driver(overlay: Any, path: str) -> Any:
    result = overlay
    for name in path.split("/"):
        result = getattr(result, name)
    return result


def _check_dma(overlay: Any, name: str) -> None:
    facts = overlay.ip_dict[name]["parameters"]
    wanted = {"c_include_sg": 0, "c_include_mm2s": 1, "c_include_s2mm": 1}
    for key, value in wanted.items():
        if int(facts.get(key, value)) != value:
            raise OverlayError(
                f"the .hwh says {key}={facts[key]} of {name}; the driver wants {value} (simple mode, both directions). "
                "Build the overlay with the generated script"
            )


def _offsets(overlay: Any, name: str) -> Dict[str, int]:
    registers = overlay.ip_dict[name].get("registers") or {}
    missing = [register for register in REGISTERS if register not in registers]
    if missing:
        raise OverlayError(
            f"the .hwh gives {name} no register {missing[0]!r}; it has: {', '.join(registers) or 'none'}. "
            "Build the overlay from this lutforge's sources"
        )
    return {register: int(registers[register]["address_offset"]) for register in REGISTERS}


def _check_clock(clock_mhz: float, manifest: Overlay, label: str) -> None:
    """Refuse a clock faster than the overlay was timed for, whose answers may be wrong; warn of a slower one."""
    if clock_mhz > manifest.clock_mhz * (1 + CLOCK_TOLERANCE):
        raise DeviceError(
            f"{label}: the clock runs at {clock_mhz:.2f} MHz, the overlay was made for {manifest.clock_mhz:.2f} MHz; "
            "answers could be wrong. Build it for that clock, or set the divisors of the processing system"
        )
    if clock_mhz < manifest.clock_mhz * (1 - CLOCK_TOLERANCE):
        warnings.warn(
            f"{label}: the clock runs at {clock_mhz:.2f} MHz, the overlay was made for {manifest.clock_mhz:.2f} MHz; "
            "answers are right and come slower",
            stacklevel=4,
        )
