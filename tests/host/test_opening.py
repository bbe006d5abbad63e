# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Opening an overlay: what is missing, what does not fit, which device answers."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import numpy as np
import pynq
import pytest

from lutforge import reference, save
from lutforge.errors import DeviceError, OverlayError, ToolError
from lutforge.host import Accelerator, session
from lutforge.host.emulated import EmulatedDevice

REFERENCE = {"device": "emulated", "kernel": "reference"}


@pytest.mark.parametrize("name", ["overlay.bit", "overlay.hwh", "network.npz", "manifest.json"])
def test_missing_file_is_named(make_network, make_overlay, name):
    folder = make_overlay(make_network())
    (folder / name).unlink()
    with pytest.raises(OverlayError, match=rf"{name}: no such file; .*lutforge generate"):
        Accelerator.open(folder, **REFERENCE)


def test_missing_kernel_is_named(make_network, make_overlay):
    with pytest.raises(OverlayError, match=r"kernel.so: no such file; `lutforge csim` compiles it"):
        Accelerator.open(make_overlay(make_network()), device="emulated", kernel="csim")


def test_other_network_is_refused_with_both_hashes(make_network, make_overlay):
    folder = make_overlay(make_network(1))
    other = save(make_network(2), folder / "network.npz")
    with pytest.raises(OverlayError) as caught:
        Accelerator.open(folder, **REFERENCE)
    made = json.loads((folder / "manifest.json").read_text())["network_sha256"]
    assert f"made from network {made}, but network.npz is network {other}" in str(caught.value)
    assert "Generate and build the overlay again" in str(caught.value)


@pytest.mark.parametrize(("old", "new"), [('"classes": 3', '"classes": 4'), ('"high": 255', '"high": 15')])
def test_manifest_that_does_not_describe_its_network(make_network, make_overlay, old, new):
    folder = make_overlay(make_network())
    text = (folder / "manifest.json").read_text()
    assert old in text
    (folder / "manifest.json").write_text(text.replace(old, new))
    with pytest.raises(
        OverlayError, match=r"says input uint\d\[11\] .* and \d classes, network.npz has uint8\[11\] 0..255 and 3. Gen"
    ):
        Accelerator.open(folder, **REFERENCE)


def test_unreadable_hwh(make_network, make_overlay):
    folder = make_overlay(make_network())
    (folder / "overlay.hwh").write_text("<EDKSYSTEM>")
    with pytest.raises(OverlayError, match="pynq cannot load the overlay on emulated: reference"):
        Accelerator.open(folder, **REFERENCE)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("axi_dma:7.1", "axi_cdma:7.1", "has 0 blocks of type xilinx.com:ip:axi_dma, one is wanted; it has: axi_dma_0"),
        ("lutforge:hls:lutforge_top:1.0", "a:b:other:1.0", "has 0 blocks of type lutforge:hls:lutforge_top"),
        (
            'REGISTER NAME="images"',
            'REGISTER NAME="count"',
            "gives lutforge_0 no register 'images'; it has: CTRL, count",
        ),
        (
            '"c_include_s2mm" VALUE="1"',
            '"c_include_s2mm" VALUE="0"',
            "c_include_s2mm=0 of axi_dma_0; the driver wants 1",
        ),
    ],
)
def test_hwh_of_another_design(make_network, make_overlay, monkeypatch, old, new, message):
    folder = make_overlay(make_network())
    text = (folder / "overlay.hwh").read_text()
    assert old in text
    (folder / "overlay.hwh").write_text(text.replace(old, new))
    monkeypatch.setattr("lutforge.host.emulated._connect", lambda *_: None)
    with pytest.raises(OverlayError, match=message):
        Accelerator.open(folder, **{**REFERENCE, "device": Tolerant("reference")})


class Tolerant(EmulatedDevice):
    """A device that models what it can of a foreign design."""

    _probe_priority_ = 10_001

    @classmethod
    def _probe_(cls):
        return []

    def _block(self, description, folder, manifest):
        try:
            return super()._block(description, folder, manifest)
        except KeyError:
            return session  # never read


def test_scatter_gather_is_refused(make_network, make_overlay):
    folder = make_overlay(make_network())
    text = (folder / "overlay.hwh").read_text()
    (folder / "overlay.hwh").write_text(text.replace('"c_include_sg" VALUE="0"', '"c_include_sg" VALUE="1"'))
    with pytest.raises(OverlayError, match=r"c_include_sg=1 of axi_dma_0; the driver wants 0 .simple mode"):
        Accelerator.open(folder, **REFERENCE)


def test_unconnected_and_foreign_streams(make_network, make_overlay):
    folder = make_overlay(make_network())
    text = (folder / "overlay.hwh").read_text()
    start = text.index('<BUSINTERFACE NAME="answers_out"')
    end = text.index("</BUSINTERFACE>", start) + len("</BUSINTERFACE>")
    (folder / "overlay.hwh").write_text(text[:start] + text[end:])
    with pytest.raises(OverlayError, match=r"the .hwh leaves a stream of .* unconnected"):
        Accelerator.open(folder, **REFERENCE)
    (folder / "overlay.hwh").write_text(text.replace("lutforge:hls:lutforge_top:1.0", "a:b:other:1.0"))
    with pytest.raises(OverlayError, match="wires a stream to lutforge_0, which has no model"):
        Accelerator.open(folder, **REFERENCE)


def test_clock_above_the_timed_one_is_refused(make_network, make_overlay):
    folder = make_overlay(make_network())
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"clock_mhz": 100.0', '"clock_mhz": 98.0'))
    with pytest.raises(
        DeviceError, match=r"runs at 100.00 MHz, the overlay was made for 98.00 MHz; answers could be wro"
    ):
        Accelerator.open(folder, **REFERENCE)


def test_clock_below_the_timed_one_warns(make_network, make_overlay, make_images):
    network = make_network()
    folder = make_overlay(network)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"clock_mhz": 100.0', '"clock_mhz": 102.0'))
    with pytest.warns(UserWarning, match=r"runs at 100.00 MHz, .* answers are right and come slower"):
        accelerator = Accelerator.open(folder, **REFERENCE)
    assert accelerator.verify(make_images(network, 2)).equal


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("system", "clock_mhz"), [("processing_system7", 142.857), ("zynq_ultra_ps_e", 300.0), ("processing_system7", 50.0)]
)
def test_each_device_reads_its_own_clock(make_network, make_overlay, system, clock_mhz):
    """pynq keeps one clock object per process; two devices must not read each other's."""
    one = Accelerator.open(make_overlay(make_network(), "one", clock_mhz=125.0), **REFERENCE)
    two = Accelerator.open(
        make_overlay(make_network(), "two", processing_system=system, clock_mhz=clock_mhz), **REFERENCE
    )
    assert one.session.clock_mhz == 125.0
    assert two.session.clock_mhz == pytest.approx(clock_mhz, rel=1e-4)  # pynq takes 33.333 MHz for the crystal
    assert two._device.arch == {"processing_system7": "armv7l", "zynq_ultra_ps_e": "aarch64"}[system]


def test_two_accelerators_work_side_by_side(make_network, make_overlay, make_images):
    networks = make_network(1), make_network(2, (20,), 0, 15)
    opened = [Accelerator.open(make_overlay(n, n.name), **REFERENCE) for n in networks]
    for _ in range(2):
        for network, accelerator in zip(networks, opened, strict=True):
            images = make_images(network, 3)
            assert np.array_equal(accelerator.run(images), reference.run(network, images))


def test_clocks_of_an_older_pynq_are_left_alone(monkeypatch):
    monkeypatch.setattr(pynq, "Clocks", type("Clocks", (), {}))
    session.bind_clocks(Board())


# Which device answers


class Board:
    """Stands for a board that pynq has found."""

    name = "Pynq-Z2"


@pytest.fixture
def no_board(monkeypatch):
    monkeypatch.setattr(type(pynq.Device), "devices", property(lambda _: []))


def test_a_board_wins_over_the_emulated_device(monkeypatch):
    board, emulated = Board(), EmulatedDevice("reference")
    monkeypatch.setattr(type(pynq.Device), "devices", property(lambda _: [emulated, board]))
    assert session.select_device(pynq, None, "reference") is board
    assert session.select_device(pynq, "board", "reference") is board
    assert session.select_device(pynq, "emulated", "reference").kernel_name == "reference"


def test_without_a_board_the_emulated_device_answers(no_board, make_network, make_overlay, make_images):
    network = make_network()
    with Accelerator.open(make_overlay(network), kernel="reference") as accelerator:
        assert accelerator.predict(make_images(network, 1)).executor == "emulated: reference"


def test_asking_for_a_board_where_none_is(no_board, make_network, make_overlay):
    with pytest.raises(
        DeviceError, match=r"pynq finds no board. On a board run as root .*xrt_setup.sh .* XILINX_XRT=/usr"
    ):
        Accelerator.open(make_overlay(make_network()), device="board")


def test_a_pynq_image_without_a_usable_board_is_not_emulated(
    no_board, make_network, make_overlay, tmp_path, monkeypatch
):
    monkeypatch.setattr(session, "BOARD_MARK", tmp_path)
    with pytest.raises(DeviceError, match="pynq finds no board"):
        Accelerator.open(make_overlay(make_network()), kernel="reference")
    assert Accelerator.open(make_overlay(make_network(), "two"), **REFERENCE).executor == "emulated: reference"


def test_pynq_that_cannot_look_for_boards(monkeypatch):
    def fail(_):
        raise RuntimeError("no XRT")

    monkeypatch.setattr(type(pynq.Device), "devices", property(fail))
    with pytest.raises(DeviceError, match=r"pynq cannot look for a board \(no XRT\); run as root"):
        session.select_device(pynq, None, "reference")


def test_unknown_device_and_kernel(make_network, make_overlay):
    folder = make_overlay(make_network())
    with pytest.raises(DeviceError, match="device 'fpga' is unknown; use 'board', 'emulated' or None"):
        Accelerator.open(folder, device="fpga")
    with pytest.raises(DeviceError, match="kernel 'verilog' is unknown; use one of fast, csim, rtl, reference"):
        Accelerator.open(folder, device="emulated", kernel="verilog")


def test_device_without_overlay_has_no_kernel():
    with pytest.raises(DeviceError, match="no overlay is loaded on the emulated device"):
        _ = EmulatedDevice("reference").kernel


def test_placeholder_is_not_loaded_on_a_board(make_network, make_overlay):
    with pytest.raises(OverlayError, match=r"overlay.bit: a placeholder for emulation, no bitstream"):
        Accelerator.open(make_overlay(make_network()), device=Board())


def test_a_board_that_refuses_permission(make_network, make_overlay, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("/dev/mem")

    monkeypatch.setattr(pynq, "Overlay", refuse)
    with pytest.raises(DeviceError, match=r"board pynq_z2: no permission \(/dev/mem\). Run as root"):
        Accelerator.open(make_overlay(make_network(), emulated=False), device=Board())


@pytest.mark.parametrize(
    ("version", "options", "message"),
    [
        ("4.0.0", {"emulated": True}, "the emulated device works with pynq 3.1, this is 4.0.0"),
        ("3.0.1", {"emulated": True}, "the emulated device works with pynq 3.1, this is 3.0.1"),
        ("4.0.0", {"emulated": False}, "pynq 4.0.0 cannot drive the Zynq-7000 of pynq_z2; .* 3.0.1 or 3.1"),
    ],
)
def test_versions_of_pynq(make_network, make_overlay, monkeypatch, version, options, message):
    monkeypatch.setattr(pynq, "__version__", version)
    device = EmulatedDevice("reference") if options["emulated"] else Board()
    with pytest.raises(ToolError, match=message):
        Accelerator.open(make_overlay(make_network(), **options), device=device)


@pytest.mark.parametrize("version", ["3.1", "3.1rc1", "3.1.2.dev0", "3.1+local"])
def test_versions_of_pynq_that_are_no_plain_numbers(make_network, make_overlay, monkeypatch, version):
    monkeypatch.setattr(pynq, "__version__", version)
    with Accelerator.open(make_overlay(make_network()), **REFERENCE) as accelerator:
        assert accelerator.executor == "emulated: reference"


@pytest.mark.parametrize("version", ["unknown", "3", "4rc1"])
def test_odd_versions_of_pynq_are_refused_and_not_a_crash(make_network, make_overlay, monkeypatch, version):
    monkeypatch.setattr(pynq, "__version__", version)
    with pytest.raises(ToolError, match=f"works with pynq 3.1, this is {version}"):
        Accelerator.open(make_overlay(make_network()), **REFERENCE)


def test_import_works_without_pynq_and_opening_names_it(make_network, make_overlay):
    folder = make_overlay(make_network())
    program = textwrap.dedent(
        f"""
        import sys
        sys.modules["pynq"] = None
        import lutforge.host, lutforge.host.driver
        from lutforge.errors import ToolError
        try:
            lutforge.host.Accelerator.open({str(folder)!r})
        except ToolError as error:
            print(error)
        print(sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "pynqmetadata", "typer")))
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    error, modules = done.stdout.splitlines()
    assert "pynq cannot be imported" in error and "pip install 'pynq>=3.1.2,<4' 'pycparser<3'" in error
    assert "reference, fast and csim still work" in error
    assert modules == "[]"


def test_stock_pynq_finds_the_emulated_device_last():
    program = textwrap.dedent(
        """
        import warnings
        import pynq
        import lutforge.host.emulated
        registry = type(pynq.Device)._subclasses
        print(registry[max(registry)].__name__)
        print([device.name for device in pynq.Device.devices][-1])
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["EmulatedDevice", "emulated: fast"]
