# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`in_process`: the command without a process of its own, for mistakes, which would wait for imports and nothing else."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
from typing import Callable

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def in_process() -> Command:
    """Return what runs `lutforge` with words: its exit code, and what it printed on both streams."""
    from lutforge import cli

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        given = list(map(str, words))
        handler = signal.getsignal(signal.SIGINT)
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.setattr(sys, "argv", ["lutforge", *given])
            try:
                cli.main()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            finally:
                signal.signal(signal.SIGINT, handler)
        return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())

    return run
