# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The process that runs yosys: `python -m lutforge.yosys_worker FOLDER`, for `yosys.synthesise`.

FOLDER/script holds one pass a line, and the two words below; FOLDER/high gets the peak memory in KiB.

hide, show: yosys 0.70 makes two modules out of every distinct INIT of a table that the design instantiates
(2.8 GB for 10,000 tables), though abc9 never looks inside one. Between `hide` and `show` such tables are boxes
without parameters (0.6 GB); what comes out is the same.
"""

from __future__ import annotations

import ctypes
import importlib
import signal
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

TABLES = ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2")
PREFIX = "LUTFORGE_"
PR_SET_PDEATHSIG = 1
Hidden = List[Tuple[str, str, str, Dict[Any, Any]]]


def hidden_modules() -> str:
    """Return the Verilog of the boxes that stand for tables."""
    lines = []
    for name in TABLES:
        inputs = ", ".join(f"I{pin}" for pin in range(int(name[3])))
        outputs = "O5, O6" if name == "LUT6_2" else "O"
        lines.append(f"module {PREFIX}{name}(output {outputs}, input {inputs}); endmodule\n")
    return "".join(lines)


def hide(libyosys: Any, design: Any) -> Hidden:
    """Turn tables into boxes; returns module, cell, type and parameters of each."""
    hidden: Hidden = []
    wanted = {f"\\{name}": libyosys.IdString(f"\\{PREFIX}{name}") for name in TABLES}
    for module in list(design.modules_.values()):
        for cell in list(module.cells_.values()):
            kind = cell.type.str()
            if kind in wanted:
                hidden.append((module.name.str(), cell.name.str(), kind, dict(cell.parameters.items())))
                cell.parameters = {}
                cell.type = wanted[kind]
    return hidden


def show(libyosys: Any, design: Any, hidden: Hidden) -> None:
    """Turn boxes into tables again; those that nobody reads have gone meanwhile."""
    for home, name, kind, parameters in hidden:
        cell = design.module(libyosys.IdString(home)).cell(libyosys.IdString(name))
        if cell is not None:
            cell.type = libyosys.IdString(kind)
            for key, value in parameters.items():
                cell.setParam(key, value)


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that waits for it is killed; elsewhere it runs to its end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(folder: Path) -> None:
    """Run the script; yosys ends the process with code 1 and an error line when a pass fails."""
    die_with_parent()
    libyosys = importlib.import_module("pyosys.libyosys")
    design = libyosys.Design()
    hidden: Hidden = []
    for line in (folder / "script").read_text(encoding="utf-8").splitlines():
        if line == "hide":
            hidden = hide(libyosys, design)
        elif line == "show":
            show(libyosys, design, hidden)
        else:
            libyosys.run_pass(line, design)
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    high = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    (folder / "high").write_text("".join(high) or "0", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
