"""How a commit in one process wakes the uplink in another: an eventfd that all of them inherit."""

from __future__ import annotations

import contextlib
import os
import select


class Bell:
    """One end of the wire; every process has the same descriptor. Ringing never waits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def ring(self) -> None:
        """Wakes who waits, once, however often it is rung until then."""
        # Full after 2⁶⁴ - 2 rings that nobody heard: then somebody is woken anyway.
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._descriptor, 1)

    def wait(self, seconds: float) -> bool:
        """Waits for a ring; returns whether there was one."""
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return False
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._descriptor)
        return True


def new_bell() -> int:
    """A descriptor for the bell; it is closed by who made it."""
    return os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
