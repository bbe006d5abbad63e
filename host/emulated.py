# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""A PYNQ device that exists in software: stock `pynq` loads overlays on it, allocates, transfers and reads registers.

Importing this module offers the device to pynq at the lowest priority, so that a board always comes first.
What lies behind the registers is built from the overlay's .hwh: AXI DMA, the kernel, and the streams between them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple, Union

import numpy as np
from pynq.buffer import PynqBuffer
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynq.pl_server.device import Device
from pynqmetadata.frontends import Metadata

from lutforge.array_kernels import ARRAY_KERNELS
from lutforge.array_manifest import ArrayManifest, load_overlay
from lutforge.errors import DeviceError, OverlayError
from lutforge.host.axi_dma import AxiDma, AxiStream
from lutforge.host.axi_kernel import Backend, Block, Registers, StreamKernel, TracedBackend
from lutforge.host.axi_registers import DMA_TYPE
from lutforge.host.device_memory import Allocation, ContiguousMemory
from lutforge.host.kernels import CompiledKernel, FastKernel, ReferenceKernel
from lutforge.host.register_array import RegisterArray
from lutforge.host.session import bind_clocks
from lutforge.manifest import IP_VLNV, Manifest, Overlay
from lutforge.rtl_kernel import RtlKernel

BackendFactory = Callable[[Path, Any], Backend]
KERNELS: Dict[str, Callable[[Path, Manifest], TracedBackend]] = {
    "fast": FastKernel,
    "csim": CompiledKernel,
    "rtl": RtlKernel,
    "reference": ReferenceKernel,
}
"""What can compute a network inside the emulated kernel, made from an overlay folder and its manifest.

`ARRAY_KERNELS` are those of programmable arrays.
"""

ARCHITECTURES = {"processing_system7": "armv7l", "zynq_ultra_ps_e": "aarch64"}
KERNEL_TYPE = IP_VLNV.rpartition(":")[0]
MEMORY_BYTES = 128 << 20
"""Contiguous memory of PYNQ's images for the PYNQ-Z2."""

PS_RESET = {
    0xF800_0108: 20 << 12,  # IO PLL of a Zynq-7000: 50 MHz * 20 = 1000 MHz, as pynq computes it
    **{0xF800_0170 + 16 * clock: 1 << 20 | 10 << 8 for clock in range(4)},
    0xFF5E_0020: 1 << 16 | 90 << 8,  # IO PLL of a Zynq UltraScale+: 33.333 MHz * 90 / 2 = 1500 MHz
    **{0xFF5E_00C0 + 4 * clock: 1 << 24 | 1 << 16 | 15 << 8 for clock in range(4)},
}
"""Clock registers after boot (UG585 appendix B, UG1087); pynq divides by them."""


class EmulatedDevice(Device):  # type: ignore[misc]  # pynq has no types
    """The device. kernel: 'fast', 'csim', 'rtl', 'reference', or a factory (folder, manifest) -> Backend."""

    emulated = True
    _probe_priority_ = 10_000

    @classmethod
    def _probe_(cls) -> List[EmulatedDevice]:
        return [cls()]

    def __init__(self, kernel: Union[str, BackendFactory] = "fast", memory_bytes: int = MEMORY_BYTES):
        super().__init__("lutforge_emulated")
        if isinstance(kernel, str) and kernel not in {**KERNELS, **ARRAY_KERNELS}:
            raise DeviceError(f"kernel {kernel!r} is unknown; use one of {', '.join(KERNELS)}")
        self.kernel_name = kernel if isinstance(kernel, str) else getattr(kernel, "__name__", "kernel")
        self._kernel = kernel
        self.name = f"emulated: {self.kernel_name}"
        self.capabilities = {"MEMORY_MAPPED": True}
        self.arch = "armv7l"
        self.memory = ContiguousMemory(memory_bytes)
        self._system = Registers(PS_RESET)
        self._blocks: Dict[str, Block] = {}
        self._map: List[Tuple[int, int, Block]] = []

    # What pynq.Overlay asks of a device

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """Return pynq's view of the .hwh beside the bitstream, and become a device of its family."""
        parser = RuntimeMetadataParser(Metadata(input=Path(bitfile_name).with_suffix(".hwh")))
        self.arch = ARCHITECTURES[parser.family_ps]
        bind_clocks(self)
        return parser

    def gen_cache(self, bitstream: Any, parser: Any = None) -> None:
        """Keep no cache: pynq's lies beside its own source and outlives a changed .hwh."""

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Build the models of an overlay in their state after configuration."""
        folder = Path(bitstream.bitfile_name).parent
        manifest = load_overlay(folder)
        self._blocks = {
            name: self._block(description, folder, manifest)
            for name, description in parser.ip_dict.items()
            if "phys_addr" in description
        }
        self._map = [
            (parser.ip_dict[name]["phys_addr"], parser.ip_dict[name]["addr_range"], block)
            for name, block in self._blocks.items()
        ]
        _connect(parser.systemgraph, self._blocks, manifest.beat_bits // 8)
        self.post_download(bitstream, parser, self.name)

    def _block(self, description: Any, folder: Path, manifest: Overlay) -> Block:
        kind = description["type"].rpartition(":")[0]
        if kind == DMA_TYPE:
            facts = description["parameters"]
            return AxiDma(self.memory, int(facts["c_sg_length_width"]), int(facts["c_m_axi_mm2s_data_width"]) // 8)
        if kind == KERNEL_TYPE:
            offsets = {name: facts["address_offset"] for name, facts in description["registers"].items()}
            beats = manifest.input_stream.beats if isinstance(manifest, Manifest) else 1
            return StreamKernel(self._backend(folder, manifest), beats, offsets)
        return Registers()

    def _backend(self, folder: Path, manifest: Overlay) -> Backend:
        if not isinstance(self._kernel, str):
            return self._kernel(folder, manifest)
        known: Dict[str, BackendFactory] = {**(ARRAY_KERNELS if isinstance(manifest, ArrayManifest) else KERNELS)}
        if self._kernel not in known:
            raise DeviceError(f"{folder}: kernel {self._kernel!r} cannot compute it; use one of {', '.join(known)}")
        return known[self._kernel](folder, manifest)

    # Registers

    def mmap(self, base_addr: int, length: int) -> RegisterArray:
        """Return the registers at a physical address as pynq.MMIO wants them: uint32 [length // 4]."""
        return RegisterArray(base_addr, length, self.read_register, self.write_register)

    def read_register(self, address: int) -> int:
        """Return one 32-bit register by physical address."""
        block, offset = self._find(address)
        return block.read(offset)

    def write_register(self, address: int, value: int) -> None:
        """Write one 32-bit register by physical address and let the models run until nothing moves."""
        block, offset = self._find(address)
        block.write(offset, value)
        while any(each.step() for each in self._blocks.values()):
            pass

    def _find(self, address: int) -> Tuple[Block, int]:
        for base, length, block in self._map:
            if base <= address < base + length:
                return block, address - base
        return self._system, address

    # Memory

    def allocate(self, shape: Any, dtype: Any = "u4", **_options: Any) -> PynqBuffer:
        """Return a pynq buffer in the emulated contiguous memory; RuntimeError if it is used up."""
        kind = np.dtype(dtype)
        allocation = self.memory.allocate(max(1, int(np.prod(shape)) * kind.itemsize))
        buffer = PynqBuffer(
            shape, kind, buffer=allocation.host, device=self, device_address=allocation.address, bo=allocation
        )
        # pynq's pool hook: freebuffer() then calls return_pointer() here and not the C library's munmap,
        # which it loads on boards only.
        buffer.memory = buffer.return_to = self
        buffer.pointer, buffer.freed = allocation.address, True
        return buffer

    def return_pointer(self, address: int) -> None:
        """Take back a buffer that pynq frees."""
        self.memory.free(address)

    def flush(self, bo: Allocation, offset: int, vaddr: int, nbytes: int) -> None:
        """Copy host to device, bytes offset..offset+nbytes-1 of a buffer."""
        bo.device[offset : offset + nbytes] = bo.host[offset : offset + nbytes]

    def invalidate(self, bo: Allocation, offset: int, vaddr: int, nbytes: int) -> None:
        """Copy device to host, bytes offset..offset+nbytes-1 of a buffer."""
        bo.host[offset : offset + nbytes] = bo.device[offset : offset + nbytes]

    # What a board cannot tell

    @property
    def kernel(self) -> StreamKernel:
        """The model of our kernel in the overlay that is loaded."""
        for block in self._blocks.values():
            if isinstance(block, StreamKernel):
                return block
        raise DeviceError("no overlay is loaded on the emulated device; open one first")


def _connect(graph: Any, blocks: Dict[str, Block], beat_bytes: int) -> None:
    """Join the streams as the .hwh wires them: each driving stream port to the port it feeds."""
    for block in graph.blocks.values():
        for port in block.ports.values():
            if type(port).__name__ != "StreamPort" or not port.driver:
                continue
            for signal in port.signals.values():
                for target in signal._connections.values():
                    _join(block.hierarchy_name, target.parent().parent().hierarchy_name, blocks, beat_bytes)
    for name, block in blocks.items():
        if isinstance(block, (AxiDma, StreamKernel)) and (block.source is None or block.sink is None):
            raise OverlayError(f"the .hwh leaves a stream of {name} unconnected; generate the overlay again")


def _join(sender: str, receiver: str, blocks: Dict[str, Block], beat_bytes: int) -> None:
    for name in (sender, receiver):
        if not isinstance(blocks.get(name), (AxiDma, StreamKernel)):
            raise OverlayError(
                f"the .hwh wires a stream to {name}, which has no model; only the DMA and the kernel have"
            )
    stream = AxiStream(beat_bytes)
    blocks[sender].sink = blocks[receiver].source = stream  # type: ignore[attr-defined]  # both kinds have them
