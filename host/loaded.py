# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""An overlay on a device, as every driver holds it: loaded when opened, and again after an exchange that failed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Iterator, Optional, TypeVar

from lutforge.errors import DeviceError
from lutforge.host.session import HARDWARE, Session, open_session
from lutforge.host.transfer import Exchange
from lutforge.manifest import Overlay

Link = TypeVar("Link", bound=Exchange)
Self = TypeVar("Self", bound="LoadedOverlay[Any]")
DEFAULT_TIMEOUT_S = 10.0


class LoadedOverlay(ABC, Generic[Link]):
    """A context manager. `name` says what answers, for instance 'device (emulated: fast)'.

    Threads may share it: one after another uses the hardware.
    """

    def __init__(self, folder: Path, overlay: Overlay, device: Any, kernel: str, timeout_s: float):
        self.folder, self._overlay = folder, overlay
        self._kernel, self._timeout_s = kernel, timeout_s
        self._device = device
        self._link: Optional[Link] = None
        self._open = True
        self._load()
        self.name = f"device ({self.executor})"

    @abstractmethod
    def _make_link(self, session: Session) -> Link:
        """Return the streams of a session."""

    def _load(self) -> Link:
        """Load the overlay, for the first time or after a batch that failed, and return its streams."""
        with HARDWARE:
            session = open_session(self.folder, self._overlay, self._device, self._kernel)
            self._device, self.executor = session.device, session.label
            self._link = self._make_link(session)
            return self._link

    def _ready(self) -> Link:
        if not self._open:
            raise DeviceError(
                f"the accelerator of {self.folder} is closed. Open it again with {type(self).__name__}.open"
            )
        with HARDWARE:  # two threads must not both load
            link = self._link or self._load()
        if not link.session.overlay.is_loaded():  # the registers are somebody else's now: touch none of them
            raise DeviceError(
                f"{self.executor}: another overlay was loaded since {self.folder} was opened. Open it again"
            )
        return link

    @contextmanager
    def _loaded_again_if_it_fails(self) -> Iterator[None]:
        """Forget the loaded overlay where an exception comes through: the kernel may hold half a batch.

        Only loading the overlay again empties it.
        """
        try:
            yield
        except BaseException:
            self._link = None
            raise

    @property
    def session(self) -> Session:
        """The loaded overlay: pynq's objects, register offsets and the clock read back."""
        return self._ready().session

    def close(self) -> None:
        """Let go of the overlay; the board keeps it loaded until the next one."""
        self._link, self._open = None, False

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
