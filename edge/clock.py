"""The state of the machine's clock, as the kernel's time discipline (NTP, PTP) sees it."""

from __future__ import annotations

import ctypes
import time
from functools import lru_cache

from contract.events import Clock

_CHECK_EVERY_SECONDS = 30
_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_FIELDS = 64


def clock_state() -> Clock:
    """Whether the clock is synchronised, and its last known offset. Asked of the kernel every 30 s at most."""
    return _clock_state(int(time.monotonic() // _CHECK_EVERY_SECONDS))


@lru_cache(maxsize=1)
def _clock_state(_period: int) -> Clock:
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
