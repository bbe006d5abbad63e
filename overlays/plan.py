# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Build plans: everything a machine with the vendor's tools needs to turn a network into a bitstream.

`plan` is pure: the same arguments give the same bytes. `write_plan` puts them on disk. The scripts are real files in
`tcl/`; generated are the options that they read (`plan_options`), the manifests, and a digest over all of it.

Two routes lead to the same block design. `hls`: the C++ is synthesised by Vitis HLS, LUT arrays as RTL black boxes.
`rtl`: the Verilog is packaged as an IP.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence, Tuple

import lutforge
from lutforge import manifest as manifests
from lutforge import store
from lutforge.array_geometry import BEAT_BITS, Geometry
from lutforge.array_manifest import array_manifest
from lutforge.array_manifest import to_json as to_array_json
from lutforge.boards import Board
from lutforge.branches import branches
from lutforge.errors import GenerationError
from lutforge.network import Network
from lutforge.overlays.black_box import BlackBox, check, description
from lutforge.overlays.plan_manifest import MANIFEST, ROUTES, PlanManifest, load_plan, to_json
from lutforge.overlays.plan_options import Facts, options_text
from lutforge.schedule import Schedule, intervals
from lutforge.schedule import to_json as schedule_json
from lutforge.streams import output_stream

DIGEST, OVERLAY, EXPECTED_HWH = "digest.sha256", "overlay", "expected.hwh"
TOOLS = {"hls": "Vitis HLS and Vivado, 2022.1 or newer", "rtl": "Vivado, 2022.1 or newer"}
"""What a route needs. Nothing older was looked up, and none was run (docs/build.md)."""

SCRIPTS = {
    "hls": ("common.tcl", "hls.tcl", "block_design.tcl", "implement.tcl", "constraints.xdc", "build.sh"),
    "rtl": ("common.tcl", "package_ip.tcl", "block_design.tcl", "implement.tcl", "constraints.xdc", "build.sh"),
}
XILINX = "`define LUTFORGE_XILINX  // a packaged IP carries no definitions of its project\n"


def plan(
    network: Network,
    schedule: Schedule,
    board: Board,
    texts: Mapping[str, str],
    *,
    output: str = "logits",
    route: str = "hls",
    black_boxes: Sequence[BlackBox] = (),
) -> Dict[str, str]:
    """Return every text file of a plan by its path; the network file comes with `write_plan`.

    texts: the design by path. Route hls: `src/` and `mem/` of the HLS generator. Route rtl: `rtl/` and `mem/` of the
    RTL generator. An `overlay.hwh` among them is kept as expected.hwh. black_boxes: of route hls, one per LUT array;
    a LUT array without one goes through C synthesis.
    """
    if route not in ROUTES:
        raise GenerationError(f"route {route!r} is unknown; use one of {', '.join(ROUTES)}")
    output_stream(network, output, board.beat_bits)
    result = _hls_sources(texts, black_boxes) if route == "hls" else _rtl_sources(texts)
    source = Source(network.name, store.digest(network), output, branches(network).forks)
    extras = {
        manifests.SCHEDULE: schedule_json(schedule),
        f"{OVERLAY}/{manifests.MANIFEST}": _driver_manifest(network, schedule, board, output),
    }
    return _complete(source, board, route, result, {**_expected_hwh(texts), **extras})


def plan_array(geometry: Geometry, board: Board, texts: Mapping[str, str], route: str = "hls") -> Dict[str, str]:
    """Return every text file of the plan of a programmable array, which has no network file.

    texts: the design by path, of `generate_array` (route hls) or `generate_array_rtl` with an `overlay.hwh` or without.
    """
    if route not in ROUTES:
        raise GenerationError(f"route {route!r} is unknown; use one of {', '.join(ROUTES)}")
    design = _hls_sources(texts, ()) if route == "hls" else _rtl_sources(texts)
    built = tuple(sorted((manifests.BIT, manifests.HWH, manifests.MANIFEST)))
    made = array_manifest(geometry, board, emulated=False, files=built)
    source = Source(made.name, made.source_sha256, "sums")
    extras = {f"{OVERLAY}/{manifests.MANIFEST}": to_array_json(made)}
    return _complete(source, replace(board, beat_bits=BEAT_BITS), route, design, {**_expected_hwh(texts), **extras})


@dataclass(frozen=True)
class Source:
    """What a plan is made from: its name, the sha256 of the network or of an array's sizes, what it answers, and
    whether its streams fork and meet again."""

    name: str
    sha256: str
    output: str
    forks: bool = False


def _expected_hwh(texts: Mapping[str, str]) -> Dict[str, str]:
    return {EXPECTED_HWH: texts[manifests.HWH]} if manifests.HWH in texts else {}


def _complete(
    source: Source, board: Board, route: str, design: Mapping[str, str], extras: Mapping[str, str]
) -> Dict[str, str]:
    """Return a plan: the design, the scripts and what they read, the manifest and the digest."""
    facts = Facts(source.name, source.sha256, board, route, tuple(sorted(design)), design, source.forks)
    result = {**design, "options.tcl": options_text(facts)}
    for name in SCRIPTS[route]:
        result[name] = _script(name)
    result["processing_system.tcl"] = _script(f"processing_system_{board.family}.tcl")
    result.update(extras)
    written = [*result, MANIFEST, DIGEST]
    result[MANIFEST] = to_json(_plan_manifest(source, board, route, written))
    result[DIGEST] = digest_text(result)
    return dict(sorted(result.items()))


def digest_text(texts: Mapping[str, str]) -> str:
    """Return the sha256 of every text in the form of sha256sum, in the order of their paths."""
    lines = [f"{hashlib.sha256(texts[path].encode()).hexdigest()}  {path}\n" for path in sorted(texts)]
    return "".join(lines)


def write_plan(folder: Path | str, network: Optional[Network], texts: Mapping[str, str]) -> None:
    """Write what `plan` returned, and the network file beside the driver's manifest; an array has none.

    What an earlier plan wrote and this one does not is removed. Its bitstream is removed too unless the plans are
    equal, so that it cannot be taken for this one's. Files of the user's are never touched.
    """
    root = Path(folder)
    earlier = earlier_files(root)
    root.mkdir(parents=True, exist_ok=True)
    digest = root / DIGEST
    if not digest.is_file() or digest.read_text(encoding="utf-8") != texts[DIGEST]:
        for built in (manifests.BIT, manifests.HWH):
            (root / OVERLAY / built).unlink(missing_ok=True)
    for stale in set(earlier) - set(texts):
        if (root / stale).resolve().is_relative_to(root.resolve()):
            (root / stale).unlink(missing_ok=True)
    for path, text in texts.items():
        store.write_atomically(root / path, text.encode())
    (root / "build.sh").chmod(0o755)
    if network is None:
        (root / OVERLAY / manifests.NETWORK).unlink(missing_ok=True)
    else:
        store.save(network, root / OVERLAY / manifests.NETWORK)


def earlier_files(root: Path) -> Tuple[str, ...]:
    """Return the paths of an earlier plan in a folder; GenerationError for a folder that holds something else."""
    if (root / MANIFEST).is_file():
        return load_plan(root).files
    if root.is_dir() and any(root.iterdir()):
        raise GenerationError(f"{root}: the folder is not empty and holds no plan; name an empty or a new folder")
    return ()


def _script(name: str) -> str:
    return (files("lutforge.overlays") / "tcl" / name).read_text(encoding="utf-8")


def _hls_sources(texts: Mapping[str, str], black_boxes: Sequence[BlackBox]) -> Dict[str, str]:
    result = {path: text for path, text in texts.items() if path.startswith(("src/", "mem/"))}
    if "src/lutforge_top.cpp" not in result:
        raise GenerationError("route hls needs src/lutforge_top.cpp, which the HLS generator writes; it was not given")
    for box in black_boxes:
        if f"src/{box.function}.cpp" not in result:
            raise GenerationError(f"black box {box.function}: its C model src/{box.function}.cpp was not given")
        text = description(box)
        check(box, text)
        result[box.path] = text
        result.update(box.verilog)
    models = {path for path in result if path.endswith("_lut_array.cpp")}
    boxed = {f"src/{box.function}.cpp" for box in black_boxes}
    if boxed and models != boxed:  # one macro says for all of them where the model is
        raise GenerationError(f"{min(models - boxed)} has no black box; give one for every LUT array, or for none")
    return result


def _rtl_sources(texts: Mapping[str, str]) -> Dict[str, str]:
    result = {f"ip/{path}": text for path, text in texts.items() if path.startswith(("rtl/", "mem/"))}
    if "ip/rtl/lutforge_top.v" not in result:
        raise GenerationError("route rtl needs rtl/lutforge_top.v, which the RTL generator writes; it was not given")
    return {path: XILINX + text if "LUTFORGE_XILINX" in text else text for path, text in result.items()}


def _plan_manifest(source: Source, board: Board, route: str, written: Sequence[str]) -> PlanManifest:
    return PlanManifest(
        name=source.name,
        network_sha256=source.sha256,
        board=board.name,
        part=board.part,
        board_part=board.board_part,
        clock_mhz=board.clock_mhz,
        output=source.output,
        route=route,
        tools=TOOLS[route],
        lutforge=lutforge.__version__,
        files=tuple(sorted(written)),
    )


def _driver_manifest(network: Network, schedule: Schedule, board: Board, output: str) -> str:
    """The manifest that goes to the board with the bitstream."""
    built = tuple(sorted((manifests.BIT, manifests.HWH, manifests.MANIFEST, manifests.NETWORK)))
    return manifests.to_json(
        manifests.Manifest(
            name=network.name,
            network_sha256=store.digest(network),
            board=board.name,
            processing_system=board.processing_system,
            arch=board.arch,
            beat_bits=board.beat_bits,
            clock_mhz=board.clock_mhz,
            dma_length_bits=board.dma_length_bits,
            input=network.input,
            classes=network.classes,
            output=output,
            interval_cycles=max(intervals(network, schedule, board.beat_bits, output).values()),
            emulated=False,
            trace=(),
            lutforge=lutforge.__version__,
            files=built,
        )
    )
