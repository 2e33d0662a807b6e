"""The state of the machine's clock: as the kernel's time discipline (NTP, PTP) sees it, and whether it has jumped."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

from contract.events import Clock

CHECK_EVERY_SECONDS = 30.0
"""How old the kernel's answer may be."""
JUMP_SECONDS = 2.0
"""A leap second is 1 s, and NTP steers what is below 0.128 s; what moves the clock by this much has set it."""
STEERING = 0.0006
"""How fast a clock may be steered without having jumped: adjtimex allows 500 parts in a million, and a quartz drifts
by up to 100."""
DISTRUST_SECONDS = 300.0
"""How long a clock that has jumped is called unsynced, whatever the kernel says: chrony and ntpd take some polls (64 s
each) to be sure, and what was stamped before stands wrong beside what is stamped now."""
_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_FIELDS = 64


class ClockWatch:
    """Compares the wall clock with the steady one at every question. Safe for several threads.

    It needs no thread of its own: a jump between two questions is still there at the second one.
    """

    def __init__(
        self,
        kernel: Callable[[], Clock] | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kernel = kernel or kernel_clock
        self._wall = wall
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._asked: tuple[float, Clock] | None = None
        self._seen: tuple[float, float] | None = None
        """At the last question: the steady clock, and by how much the wall clock was ahead of it."""
        self._jumped_at: float | None = None
        self._jump = 0.0

    def state(self) -> Clock:
        """Whether the clock can be believed. After a jump it is unsynced, and the offset is by how much it jumped."""
        with self._lock:
            now = self._monotonic()
            self._look_for_jump(now)
            if self._jumped_at is not None and now - self._jumped_at < DISTRUST_SECONDS:
                return Clock(synced=False, offset_seconds=round(self._jump, 3))
            self._jumped_at = None
            if self._asked is None or now - self._asked[0] >= CHECK_EVERY_SECONDS:
                self._asked = (now, self._kernel())
            return self._asked[1]

    def _look_for_jump(self, now: float) -> None:
        ahead = self._wall() - now
        seen, self._seen = self._seen, (now, ahead)
        if seen is None:
            return
        moved = ahead - seen[1]
        if abs(moved) < JUMP_SECONDS + STEERING * (now - seen[0]):
            return
        distrusted = self._jumped_at is not None and now - self._jumped_at < DISTRUST_SECONDS
        # Set wrong and set right again: what counts is how far it is from where it was trusted.
        self._jump = self._jump + moved if distrusted else moved
        self._jumped_at = now
        self._asked = None


def clock_state() -> Clock:
    """The state of this machine's clock."""
    return _WATCH.state()


def kernel_clock() -> Clock:
    """What the kernel says: synchronised or not, and its last known offset."""
    # struct timex (adjtimex(2)): modes, offset, freq, maxerror, esterror, status as C ints and longs; asking with
    # modes = 0 changes nothing and needs no rights.
    buffer = (ctypes.c_long * _FIELDS)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(ctypes.byref(buffer)) < 0:
        return Clock(synced=False)
    offset, status = buffer[1], ctypes.cast(buffer, ctypes.POINTER(ctypes.c_int))[_status_index()]
    unit = 1e-9 if status & _STA_NANO else 1e-6
    return Clock(synced=not status & _STA_UNSYNC, offset_seconds=round(offset * unit, 6))


def _status_index() -> int:
    """Where `status` lies, counted in C ints: behind modes (padded to a long) and four longs."""
    return 5 * ctypes.sizeof(ctypes.c_long) // ctypes.sizeof(ctypes.c_int)


_WATCH = ClockWatch()
