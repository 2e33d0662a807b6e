"""What a camera says of its own clock, from RTCP sender reports as libav hands them on with packets. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from statistics import median

NTP_TO_UNIX_SECONDS = 2_208_988_800
"""From 1900, where NTP begins, to 1970 (RFC 5905)."""


@dataclass(frozen=True, slots=True)
class CameraClock:
    """How far the camera's clock is ahead of ours, in seconds; the network's delay is inside, and makes it less."""

    ahead_seconds: float
    reports: int
    """Packets that carried the camera's time."""


def producer_time(side_data: bytes) -> float | None:
    """Unix seconds of `AVProducerReferenceTime`: int64 microseconds, int32 flags, in the machine's own order."""
    if len(side_data) < 8:
        return None
    (microseconds,) = struct.unpack_from("=q", side_data)
    return microseconds / 1e6 if microseconds > 0 else None


def clock_of(stamps: list[tuple[float, float]]) -> CameraClock | None:
    """The camera's clock from (its time, ours at arrival) of packets, in Unix seconds. None: it never said.

    A camera without a clock counts from its start, or from 1970: that is a clock, too, and one to be mended.
    """
    if not stamps:
        return None
    return CameraClock(round(median(theirs - ours for theirs, ours in stamps), 3), len(stamps))
