# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Run a plan where the vendor's tools are installed: step by step, log line by line, each step with a deadline.

The steps themselves, and what makes a finished one stay finished, are in the plan's own build.sh, so that a machine
without lutforge does the same.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from lutforge.errors import OverlayError, ToolError
from lutforge.overlays.plan_manifest import PlanManifest, load_plan
from lutforge.overlays.vendor_reports import VendorReports, read_reports

STEPS = {"hls": ("hls", "block_design", "implement"), "rtl": ("package_ip", "block_design", "implement")}
HLS_TOOLS = ("vitis-run", "vitis_hls", "vivado_hls")
VIVADO_TOOLS = ("vivado",)
ROOTS = ("XILINX_VITIS", "XILINX_HLS", "XILINX_VIVADO")
DEADLINE_MINUTES = {"hls": 240.0, "package_ip": 30.0, "block_design": 60.0, "implement": 720.0}
GRACE_S = 10.0
"""Seconds between asking a tool to end and ending it."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class StepResult:
    """One step of a build. done_before: an earlier build finished it, and nothing that it reads has changed."""

    name: str
    seconds: float
    done_before: bool


@dataclass(frozen=True)
class BuildResult:
    """What a build did; reports only once the last step is through."""

    plan: PlanManifest
    steps: Tuple[StepResult, ...]
    overlay: Path
    reports: Optional[VendorReports]


def build(
    folder: Path | str,
    *,
    say: Say,
    steps: Sequence[str] = (),
    deadlines: Optional[Mapping[str, float]] = None,
    edited: bool = False,
    environ: Optional[Mapping[str, str]] = None,
) -> BuildResult:
    """Build a plan, or some of its steps, and return what was done.

    say: called with each line of the log. deadlines: minutes by step, default DEADLINE_MINUTES. edited: build although
    files differ from what was written. environ: default the process's own; PATH and XILINX_* say where tools are.
    """
    root = Path(folder)
    plan = load_plan(root)
    chosen = _chosen(plan, steps)
    surroundings = dict(os.environ if environ is None else environ)
    surroundings.update(_tools(root, plan, chosen, surroundings))
    surroundings.pop("EDITED", None)
    if edited:
        surroundings["EDITED"] = "1"
    minutes = {**DEADLINE_MINUTES, **(deadlines or {})}
    done = tuple(_step(root, name, minutes[name], surroundings, say) for name in chosen)
    finished = chosen[-1] == "implement"
    return BuildResult(plan, done, root / "overlay", read_reports(root / "reports") if finished else None)


def _chosen(plan: PlanManifest, steps: Sequence[str]) -> Tuple[str, ...]:
    known = STEPS[plan.route]
    unknown = [name for name in steps if name not in known]
    if unknown:
        raise OverlayError(f"step {unknown[0]!r} is unknown; a plan of route {plan.route} has {', '.join(known)}")
    return tuple(name for name in known if not steps or name in steps)


def find_tool(names: Sequence[str], environ: Mapping[str, str]) -> Optional[str]:
    """Return the path of the first of some tools that is there: on PATH, then in bin/ of the XILINX_ folders."""
    for name in names:
        found = shutil.which(name, path=environ.get("PATH", ""))
        if found:
            return found
        for root in ROOTS:
            path = Path(environ[root]) / "bin" / name if environ.get(root) else None
            if path and os.access(path, os.X_OK) and path.is_file():
                return str(path)
    return None


def _tools(root: Path, plan: PlanManifest, steps: Sequence[str], environ: Mapping[str, str]) -> Dict[str, str]:
    """Return the variables that tell build.sh its tools; ToolError says what was looked for and what works without."""
    if not shutil.which("bash", path=environ.get("PATH", "")):
        raise ToolError("bash was not found; build.sh needs it, and sha256sum. The vendor's tools run on Linux")
    wanted = {
        "LUTFORGE_HLS": HLS_TOOLS if "hls" in steps else (),
        "LUTFORGE_VIVADO": VIVADO_TOOLS if set(steps) - {"hls"} else (),
    }
    found: Dict[str, str] = {}
    for variable, names in wanted.items():
        if not names:
            continue
        path = environ.get(variable) or find_tool(names, environ)
        if not path:
            raise ToolError(_missing(root, plan, names, environ))
        found[variable] = path
    return found


def _missing(root: Path, plan: PlanManifest, names: Sequence[str], environ: Mapping[str, str]) -> str:
    places = ", ".join(f"{name}={environ[name]}" if environ.get(name) else f"{name} (not set)" for name in ROOTS)
    which = names[0] if len(names) == 1 else f"none of {', '.join(names)}"
    verb = "was not found" if len(names) == 1 else "was found"
    return (
        f"{which} {verb}; looked on PATH and below {places}. Wanted: {plan.tools}; source their settings64.sh first. "
        f"What works without them: emulation (`lutforge run --executor device`), `lutforge csim` and `lutforge synth`. "
        f"Or copy {root} to a machine that has them and run its build.sh there (docs/build.md)"
    )


def _step(root: Path, name: str, minutes: float, environ: Mapping[str, str], say: Say) -> StepResult:
    """Run one step; ToolError says what the tool said last, or that the deadline passed."""
    begun = time.monotonic()
    lines: List[str] = []

    def note(line: str) -> None:
        lines.append(line)
        say(line)

    run_minutes = max(1, int(minutes))
    code = _run(
        ["bash", "build.sh", name], root, {**environ, "LUTFORGE_RUN_MINUTES": str(run_minutes)}, 60 * minutes, note
    )
    if code is None:
        raise ToolError(
            f"step {name} was not done within {minutes:g} minutes and was stopped; its log is "
            f"{root / 'logs'}/{name}.log. Give it more with --deadline {name}=MINUTES; finished steps are kept"
        )
    if code:
        raise ToolError(
            f"step {name} failed with exit code {code}; its log is {root / 'logs'}/{name}.log. It says:\n"
            f"{_last_errors(lines)}\nRun the build again when this is cured: finished steps are kept"
        )
    return StepResult(name, time.monotonic() - begun, any(line == f"step {name}: done before" for line in lines))


def _last_errors(lines: Sequence[str]) -> str:
    errors = [line for line in lines if line.lstrip().upper().startswith(("ERROR", "CRITICAL WARNING"))]
    return "\n".join((errors or list(lines))[-5:])


def _run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], deadline_s: float, say: Say
) -> Optional[int]:
    """Run a command, calling `say` with each line as it comes; returns its exit code, None after the deadline."""
    end = time.monotonic() + deadline_s
    process = subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # a tool starts others, and all of them must end with it
    )
    assert process.stdout is not None
    lines: queue.Queue[Optional[str]] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    try:
        while (line := lines.get(timeout=max(0.0, end - time.monotonic()))) is not None:
            say(line)
        return process.wait(timeout=max(0.0, end - time.monotonic()))
    except (queue.Empty, subprocess.TimeoutExpired):
        return None
    finally:
        _end(process)


def _read(stream: IO[str], lines: queue.Queue[Optional[str]]) -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and those that it started, first asking."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            continue
