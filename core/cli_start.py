# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Entry point of the command: says what to install where the packages of the command line are missing."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or name the extra that it needs (a board has numpy only, and needs no command)."""
    try:
        from lutforge.cli import main as run
    except ModuleNotFoundError as error:
        print(
            f"error: the command line needs {error.name}, which is not installed; pip install 'lutforge[cli]'. "
            "From Python, lutforge and lutforge.host work without it",
            file=sys.stderr,
        )
        sys.exit(2)
    run()
