# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A minimal hardware handoff file (.hwh): what pynq 3.1 needs to know of the block design, and no more.

Vivado writes the real one when a bitstream is built. This one lets pynq, the driver and the emulated device
work before any vendor tool has run. The design: processing system, one AXI DMA in simple mode, the kernel.
pynq does not document the fields it reads; those below were found by leaving each out in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple
from xml.etree import ElementTree

from lutforge.errors import GenerationError
from lutforge.manifest import DMA_NAME, IP_NAME, IP_VLNV

Element = ElementTree.Element

INPUT_PORT, OUTPUT_PORT, CONTROL_PORT = "images_in", "answers_out", "s_axi_control"
CTRL_OFFSET, IMAGES_OFFSET = 0x00, 0x10
"""s_axilite layout of Vitis HLS: control at 0x00, the first scalar argument at 0x10 (UG1399, S_AXILITE)."""

MAX_DIVISOR = 63
CLOCK_TOLERANCE = 0.01
BLOCK_BYTES = 0x10000
_AXIMM, _AXIS = "xilinx.com:interface:aximm:1.0", "xilinx.com:interface:axis:1.0"


@dataclass(frozen=True)
class ProcessingSystem:
    """What differs between the two families. io_pll_mhz: what feeds the PL clocks (UG585, UG1085)."""

    vlnv: str
    arch: str
    master: str
    base: int
    io_pll_mhz: float


PROCESSING_SYSTEMS = {
    "processing_system7": ProcessingSystem(
        "xilinx.com:ip:processing_system7:5.5", "zynq", "M_AXI_GP0", 0x4000_0000, 1000.0
    ),
    "zynq_ultra_ps_e": ProcessingSystem(
        "xilinx.com:ip:zynq_ultra_ps_e:3.4", "zynquplus", "M_AXI_HPM0_FPD", 0xA000_0000, 1500.0
    ),
}


def hwh_text(
    *,
    processing_system: str,
    clock_mhz: float,
    beat_bits: int,
    dma_length_bits: int,
    dma: str = DMA_NAME,
    ip: str = IP_NAME,
    vlnv: str = IP_VLNV,
) -> str:
    """Return the text of a .hwh: the same arguments give the same text.

    processing_system: 'processing_system7' or 'zynq_ultra_ps_e'. beat_bits: width of both streams.
    dma_length_bits: width of the DMA's length field, 8 to 26 (PG021). dma, ip: instance names; vlnv: the kernel's type.
    """
    if processing_system not in PROCESSING_SYSTEMS:
        raise GenerationError(
            f"processing system {processing_system!r} is unknown; use one of {', '.join(PROCESSING_SYSTEMS)}"
        )
    system = PROCESSING_SYSTEMS[processing_system]
    divisors = clock_divisors(system.io_pll_mhz, clock_mhz)
    root = _element("EDKSYSTEM", {"EDWVERSION": "1.2", "VIVADOVERSION": "none"})
    root.append(_element("SYSTEMINFO", {"ARCH": system.arch, "NAME": "lutforge"}))
    root.append(_element("EXTERNALPORTS"))
    modules = [
        _processing_system(processing_system, system, divisors, clock_mhz, (dma, ip)),
        _dma(dma, ip, beat_bits, dma_length_bits),
        _kernel(ip, dma, vlnv),
    ]
    root.append(_element("MODULES", {}, *modules))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def clock_divisors(source_mhz: float, clock_mhz: float) -> Tuple[int, int]:
    """Return the two 6-bit divisors whose quotient comes closest to clock_mhz; GenerationError if none is within 1 %.

    >>> clock_divisors(1000.0, 100.0), clock_divisors(1500.0, 187.5)
    ((10, 1), (8, 1))
    """
    pairs = [(first, second) for second in range(1, MAX_DIVISOR + 1) for first in range(1, MAX_DIVISOR + 1)]
    first, second = min(pairs, key=lambda pair: abs(source_mhz / (pair[0] * pair[1]) - clock_mhz))
    nearest = source_mhz / (first * second)
    if abs(nearest - clock_mhz) > CLOCK_TOLERANCE * clock_mhz:
        raise GenerationError(
            f"clock_mhz {clock_mhz:g} cannot be made from the {source_mhz:g} MHz of the IO PLL; the nearest is "
            f"{nearest:.3f} MHz. Use that one"
        )
    return first, second


def _element(tag: str, attributes: dict[str, str] | None = None, *children: Element) -> Element:
    result = Element(tag, attributes or {})
    result.extend(children)
    return result


def _module(path: str, kind: str, vlnv: str, *children: Element) -> Element:
    return _element("MODULE", {"FULLNAME": f"/{path}", "INSTANCE": path, "MODTYPE": kind, "VLNV": vlnv}, *children)


def _parameters(values: dict[str, object]) -> Element:
    entries = [_element("PARAMETER", {"NAME": name, "VALUE": str(value)}) for name, value in values.items()]
    return _element("PARAMETERS", {}, *entries)


def _processing_system(
    kind: str, system: ProcessingSystem, divisors: Tuple[int, int], clock_mhz: float, slaves: Tuple[str, str]
) -> Element:
    """The processing system: four PL clocks, of which the first runs, and the addresses of both slaves."""
    clocks: dict[str, object] = {}
    for index in range(4):
        if kind == "processing_system7":
            clock = f"PCW_FCLK{index}_PERIPHERAL"
            clocks[f"PCW_FPGA_FCLK{index}_ENABLE"] = int(index == 0)
            clocks[f"{clock}_CLKSRC"] = "IO PLL"
        else:
            clock = f"PSU__CRL_APB__PL{index}_REF_CTRL_"
            clocks[f"PSU__FPGA_PL{index}_ENABLE"] = int(index == 0)
            clocks[f"{clock}_SRCSEL"] = "IOPLL"
            clocks[f"{clock}_ACT_FREQMHZ"] = f"{clock_mhz:g}"
        clocks[f"{clock}_DIVISOR0"], clocks[f"{clock}_DIVISOR1"] = divisors
    dma, ip = slaves
    ranges = [
        _memory_range(system.master, dma, "S_AXI_LITE", system.base),
        _memory_range(system.master, ip, CONTROL_PORT, system.base + BLOCK_BYTES),
    ]
    return _module(
        "ps",
        kind,
        system.vlnv,
        _parameters(clocks),
        _element("BUSINTERFACES", {}, _memory_bus(system.master, "MASTER")),
        _element("MEMORYMAP", {}, *ranges),
    )


def _dma(name: str, ip: str, beat_bits: int, length_bits: int) -> Element:
    values: dict[str, object] = {"c_include_sg": 0, "c_micro_dma": 0, "c_sg_length_width": length_bits}
    for direction in ("mm2s", "s2mm"):
        values[f"c_include_{direction}"] = 1
        values[f"c_include_{direction}_dre"] = 0
        values[f"c_m_axi_{direction}_data_width"] = beat_bits
    return _module(
        name,
        "axi_dma",
        "xilinx.com:ip:axi_dma:7.1",
        _parameters(values),
        _element(
            "PORTS",
            {},
            _data_port("O", "m_axis_mm2s_tdata", ip, f"{INPUT_PORT}_TDATA"),
            _data_port("I", "s_axis_s2mm_tdata", ip, f"{OUTPUT_PORT}_TDATA"),
        ),
        _element(
            "BUSINTERFACES",
            {},
            _memory_bus("S_AXI_LITE", "SLAVE"),
            _stream_bus("M_AXIS_MM2S", "INITIATOR", "m_axis_mm2s_tdata"),
            _stream_bus("S_AXIS_S2MM", "TARGET", "s_axis_s2mm_tdata"),
        ),
    )


def _kernel(name: str, dma: str, vlnv: str) -> Element:
    control = [("AP_START", 0), ("AP_DONE", 1), ("AP_IDLE", 2), ("AP_READY", 3), ("AUTO_RESTART", 7)]
    registers = [
        _register("CTRL", CTRL_OFFSET, [(field, offset, 1) for field, offset in control]),
        _register("images", IMAGES_OFFSET, [("images", 0, 32)]),
    ]
    block = _element(
        "ADDRESSBLOCK",
        {"INTERFACE": CONTROL_PORT, "NAME": "Reg", "RANGE": str(BLOCK_BYTES), "USAGE": "register"},
        _element("REGISTERS", {}, *registers),
    )
    return _module(
        name,
        vlnv.split(":")[2],
        vlnv,
        _element("ADDRESSBLOCKS", {}, block),
        _element("PARAMETERS"),
        _element(
            "PORTS",
            {},
            _data_port("I", f"{INPUT_PORT}_TDATA", dma, "m_axis_mm2s_tdata"),
            _data_port("O", f"{OUTPUT_PORT}_TDATA", dma, "s_axis_s2mm_tdata"),
        ),
        _element(
            "BUSINTERFACES",
            {},
            _memory_bus(CONTROL_PORT, "SLAVE"),
            _stream_bus(INPUT_PORT, "TARGET", f"{INPUT_PORT}_TDATA"),
            _stream_bus(OUTPUT_PORT, "INITIATOR", f"{OUTPUT_PORT}_TDATA"),
        ),
    )


def _memory_range(master: str, instance: str, slave: str, base: int) -> Element:
    return _element(
        "MEMRANGE",
        {
            "ADDRESSBLOCK": "Reg",
            "BASEVALUE": f"{base:#x}",
            "HIGHVALUE": f"{base + BLOCK_BYTES - 1:#x}",
            "INSTANCE": instance,
            "MASTERBUSINTERFACE": master,
            "MEMTYPE": "REGISTER",
            "SLAVEBUSINTERFACE": slave,
        },
    )


def _memory_bus(name: str, role: str) -> Element:
    return _element("BUSINTERFACE", {"NAME": name, "TYPE": role, "VLNV": _AXIMM})


def _stream_bus(name: str, role: str, port: str) -> Element:
    portmap = _element("PORTMAP", {"LOGICAL": "TDATA", "PHYSICAL": port})
    return _element("BUSINTERFACE", {"NAME": name, "TYPE": role, "VLNV": _AXIS}, _element("PORTMAPS", {}, portmap))


def _data_port(direction: str, name: str, instance: str, port: str) -> Element:
    connection = _element("CONNECTION", {"INSTANCE": instance, "PORT": port})
    return _element("PORT", {"DIR": direction, "NAME": name}, _element("CONNECTIONS", {}, connection))


def _register(name: str, offset: int, fields: List[Tuple[str, int, int]]) -> Element:
    entries = [
        _element(
            "FIELD", {"NAME": field}, *_properties({"BIT_OFFSET": bit, "BIT_WIDTH": width, "ACCESS": "read-write"})
        )
        for field, bit, width in fields
    ]
    facts = _properties({"ADDRESS_OFFSET": f"{offset:#x}", "SIZE": 32, "ACCESS": "read-write", "IS_ENABLED": "true"})
    return _element("REGISTER", {"NAME": name}, *facts, _element("FIELDS", {}, *entries))


def _properties(values: dict[str, object]) -> List[Element]:
    return [_element("PROPERTY", {"NAME": name, "VALUE": str(value)}) for name, value in values.items()]
