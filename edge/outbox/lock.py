"""Keeps a second program out of a state folder, for as long as any process of the first one lives."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

LOCK_NAME = "lock"
WAIT_SECONDS = 5.0
"""The children of a supervisor that was killed die within a second; so a service manager's restart need not fail."""
_RETRY_SECONDS = 0.05


class StateInUseError(Exception):
    """Another program works in the state folder, with its process id and the remedy."""


class StateLock:
    """An advisory lock on the state folder. The kernel frees it when the last process that inherited it has ended.

    Raises:
        StateInUseError: another program holds it, and still does after `wait_seconds`.
        OSError: the folder or the file in it cannot be made.
    """

    def __init__(self, state_dir: Path, wait_seconds: float = WAIT_SECONDS) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(state_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        until = time.monotonic() + wait_seconds
        while not self._try():
            if time.monotonic() >= until:
                holder = os.pread(self._descriptor, 32, 0).decode("ascii", errors="replace").strip()
                self.release()
                raise StateInUseError(f"{state_dir}: {_said_holder(holder)}")
            time.sleep(_RETRY_SECONDS)
        with contextlib.suppress(OSError):  # a full disk: the lock holds, and only its holder's number is missing
            number = str(os.getpid()).encode()
            os.pwrite(self._descriptor, number, 0)
            os.ftruncate(self._descriptor, len(number))

    @property
    def descriptor(self) -> int:
        """To be inherited by children: a lock of this kind belongs to the open file, not to the process."""
        return self._descriptor

    def release(self) -> None:
        """Lets go of it in this process."""
        os.close(self._descriptor)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _said_holder(holder: str) -> str:
    remedy = "stop it, or give this device another state_dir"
    if holder.isdecimal() and not Path("/proc", holder).exists():
        return f"in use by a child of gridsentry-edge (process {holder}, which has ended); {remedy}"
    return f"in use by another gridsentry-edge (process {holder or 'unknown'}); {remedy}"
