# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Synthesis of Verilog to Xilinx primitives with yosys, which the Python package `pyosys` brings along.

yosys ends its process when it meets an error, so it runs in one of its own, which also can be stopped at a
deadline and whose memory can be measured. The result is what `write_json` says: cells and nets, no placement.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from lutforge import yosys_worker
from lutforge.errors import ToolError
from lutforge.store import write_atomically

FAMILIES = ("xc7", "xcup")
OPTIONS = "-noiopad -noclkbuf -nodsp"
"""No pads and clock buffers, since a design goes into a block design; products are made of LUTs."""

BOXES, HIDDEN = "yosys/boxes.v", "yosys/hidden.v"
RESULT = "../yosys/netlist.json"
"""Where passes leave what `run_passes` returns; seen from where they run."""

MODULE = re.compile(r"^[ \t]*(?:\(\*[^\n]*\*\)[ \t]*)?module\s+(\w+)\b.*?\bendmodule\b", re.M | re.S)
WORD = re.compile(r"\w+")
MEMORY_FILE = re.compile(r'"([^"\n]+)"')
POLL_S = 0.1


@dataclass(frozen=True)
class Synthesis:
    """What yosys made. json: text of `write_json`; peak_bytes: resident memory of yosys and abc together."""

    json: str
    version: str
    seconds: float
    peak_bytes: int
    top: str
    family: str


def synthesise(
    texts: Mapping[str, str],
    top: str,
    family: str = "xc7",
    *,
    black_boxes: Sequence[str] = (),
    defines: Sequence[str] = ("LUTFORGE_XILINX",),
    flatten: bool = True,
    deadline_s: float = 900,
    cache: Optional[Path] = None,
) -> Synthesis:
    """Return the netlist of module `top`.

    texts: path -> text; of the `.v` files those are read that `top` reaches, of the `.mem` files those that they
    name in quotes. black_boxes: modules of which only the ports are read. cache: folder of earlier results, default
    $LUTFORGE_CACHE, and none where that is not set.
    """
    if cache is None and os.environ.get("LUTFORGE_CACHE"):
        cache = Path(os.environ["LUTFORGE_CACHE"])
    version = yosys_version()
    if family not in FAMILIES:
        raise ToolError(f"yosys family {family!r} is unknown here; use one of {', '.join(FAMILIES)}")
    sources = _sources(texts, top, set(black_boxes))
    script = _script(sorted(name for name in sources if name.endswith(".v")), top, family, defines, flatten)
    worker = Path(yosys_worker.__file__).read_text(encoding="utf-8")
    key = hashlib.sha256(json.dumps([version, script, worker, sorted(sources.items())]).encode()).hexdigest()
    stored = cache / f"{top}.{family}.{key[:32]}.json" if cache else None
    if stored and stored.is_file():
        return Synthesis(**json.loads(stored.read_text(encoding="utf-8")))
    begun = time.monotonic()
    text, peak_bytes = run_passes(sources, script, f"yosys on {top}", deadline_s)
    made = Synthesis(text, version, round(time.monotonic() - begun, 2), peak_bytes, top, family)
    if stored:
        stored.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(stored, json.dumps(asdict(made)).encode())
    return made


def yosys_version() -> str:
    """Return the version of the pyosys that is installed."""
    if importlib.util.find_spec("pyosys") is None:
        raise ToolError(
            "pyosys (yosys as a Python package, 0.60 or newer) is not installed; `pip install 'lutforge[synth]'`. "
            "Verilog is emitted, and area estimated by formulas, without it"
        )
    return importlib.metadata.version("pyosys")


def _sources(texts: Mapping[str, str], top: str, boxes: set[str]) -> Dict[str, str]:
    """Return the files to write: modules that `top` reaches, black boxes apart, and the memory files they name."""
    home = {
        match[1]: (path, match[0])
        for path, text in sorted(texts.items())
        if path.endswith(".v")
        for match in MODULE.finditer(text)
    }
    if top not in home:
        raise ToolError(f"module {top!r} is in none of the {len(texts)} files; it has {', '.join(sorted(home)[:8])}")
    missing = sorted(boxes - set(home))
    if missing:
        raise ToolError(f"black box {missing[0]!r} is in none of the {len(texts)} files; name modules of the design")
    boxes = boxes - {top}
    reached, waiting = {top}, [top]
    while waiting:
        used = set(WORD.findall(home[waiting.pop()][1])) & set(home) - reached
        reached |= used
        waiting += sorted(used - boxes)
    sources: Dict[str, str] = {}
    for path in sorted({home[name][0] for name in reached - boxes}):
        sources[path] = MODULE.sub(lambda match: _blank(match, reached - boxes), texts[path])
    if boxes & reached:
        sources[BOXES] = "\n".join(_ports_only(home[name][1]) for name in sorted(boxes & reached))
    named = {name for text in sources.values() for name in MEMORY_FILE.findall(text)}
    memories = {PurePosixPath(path).name: text for path, text in texts.items() if not path.endswith(".v")}
    return {**sources, **{f"mem/{name}": memories[name] for name in sorted(named & set(memories))}}


def _ports_only(module: str) -> str:
    """Cut the body off a module whose header names the directions of its ports; yosys would read it for nothing."""
    header, end, _ = module.partition(");")
    return f"{header}{end}\nendmodule\n" if re.search(r"\b(input|output)\b", header) else module


def _blank(match: re.Match[str], kept: set[str]) -> str:
    """Keep a module, or the line breaks of one that is not read, so that yosys names the right lines."""
    return match[0] if match[1] in kept else "\n" * match[0].count("\n")


def _script(paths: List[str], top: str, family: str, defines: Sequence[str], flatten: bool) -> List[str]:
    """Return the passes. `-defer` elaborates a module only with the parameters that somebody asks for."""
    given = " ".join(f"-D {name}" for name in defines)
    read = [f"read_verilog {'-lib' if path == BOXES else '-defer'} {given} ../{path}" for path in paths]
    shape = "-flatten " if flatten else ""
    synth = f"synth_xilinx -family {family} {shape}{OPTIONS} -top {top} -run"
    return [
        *read,
        f"{synth} begin:map_memory",
        # yosys takes "distributed" for LUTRAM, which no ROM maps to; Vivado takes it for tables made of LUTs
        'setattr -set ram_style "logic" -set rom_style "logic" '
        "t:$mem_v2 r:WR_PORTS=0 %i a:ram_style=distributed a:rom_style=distributed %u %i",
        f"{synth} map_memory:map_luts",
        f"read_verilog -lib ../{HIDDEN}",
        "hide",
        f"{synth} map_luts:finalize",
        "show",
        "opt_lut_ins -tech xilinx",  # as in map_luts, for the tables that were hidden there
        f"{synth} finalize:edif",
        "setattr -unset src *",  # a third of the text, and of no use behind abc
        "delete =A:blackbox =A:whitebox =A:abc9_box",  # the models of Xilinx's cells: ten megabytes
        f"write_json -noscopeinfo {RESULT}",
    ]


def run_passes(sources: Mapping[str, str], script: Sequence[str], what: str, deadline_s: float) -> Tuple[str, int]:
    """Run yosys passes in a process group of their own; returns the text they leave in RESULT, and peak memory, bytes.

    sources: path -> text, which passes find at `../path`. what: how messages call the run.
    """
    with tempfile.TemporaryDirectory(prefix="lutforge-yosys-") as name:
        folder, own = Path(name), Path(name) / "yosys"
        for path, text in {
            **sources,
            "mem/none": "",
            HIDDEN: yosys_worker.hidden_modules(),
            "yosys/script": "\n".join(script),
        }.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        log, high = own / "log", own / "high"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "lutforge.yosys_worker", str(own)],
                cwd=folder / "mem",
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "TMPDIR": name},
            )
            sampled = _wait(process, deadline_s, what)
        if process.returncode or not high.is_file():
            raise ToolError(_failure(what, process.returncode, log.read_text(encoding="utf-8", errors="replace")))
        peak = max(sampled, 1024 * int(high.read_text(encoding="utf-8")))
        return (folder / "mem" / RESULT).read_text(encoding="utf-8"), peak


def _wait(process: subprocess.Popen[bytes], deadline_s: float, what: str) -> int:
    """Wait for the end, sampling memory; at the deadline, or when interrupted, stop yosys and its abc."""
    end, peak = time.monotonic() + deadline_s, 0
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=POLL_S)
                return peak
            peak = max(peak, _resident_bytes(process.pid))
            if time.monotonic() > end:
                raise ToolError(
                    f"{what} was not done within {deadline_s:g} s; fold the network, split the layer or allow more time"
                )
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process and of its children; 0 for what has ended meanwhile or without /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE") + sum(_resident_bytes(int(child)) for child in children)


def _failure(what: str, code: int, log: str) -> str:
    """Return the message of a failed run: yosys's own error line, its paths as the design has them."""
    errors = [line.strip() for line in log.splitlines() if "ERROR" in line]
    if errors:
        return f"{what} failed: {errors[-1].replace('../', '')}"
    if code == -signal.SIGKILL:
        return f"{what} was killed, most likely for want of memory; fold the network or split the layer"
    end = " / ".join(log.splitlines()[-3:])
    return f"{what} ended with code {code} and no error line; its last words: {end}"
