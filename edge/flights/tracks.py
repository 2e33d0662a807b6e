"""Where a drone was between two records, and what it costs that nobody wrote it down.

Logs of videos hold a record a picture, or one a second. A record that is shown for a second may be of any moment in it,
so what a clock leaves open is the drone's speed, and its turning, times a part of that second.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from edge.flights.telemetry import Attitude, Fix, Positioning

CLOCK_SIGMA_SECONDS = 0.1
"""Between a picture and the record of the very same moment: exposure, encoder, and the receiver's own lag."""
LONGEST_GAP_SECONDS = 3.0
"""Between two records. In a longer gap a drone may have done anything."""
_METRES_PER_DEGREE = 111_320.0
_TRUST = (Positioning.RTK_FIXED, Positioning.RTK_FLOAT, Positioning.GNSS, Positioning.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Moment:
    """A record as it would be at one time of the video, and the error that the time adds to it."""

    fix: Fix
    added_sigma_m: float
    """Of the place: for `Conditions.added_own_sigma_m`."""
    added_heading_degrees: float
    """Of the yaw: for `Conditions.added_own_heading_degrees`."""


class Track:
    """The records of one log in the order of their media time. Immutable."""

    def __init__(self, fixes: Sequence[Fix], longest_gap_seconds: float = LONGEST_GAP_SECONDS) -> None:
        """Records without media time are left out; of several at one time the first counts."""
        kept: list[Fix] = []
        timed = [fix for fix in fixes if fix.media_time is not None and math.isfinite(fix.media_time)]
        for fix in sorted(timed, key=_time_of):
            if not kept or _time_of(fix) > _time_of(kept[-1]):
                kept.append(fix)
        self._fixes, self._times = kept, [_time_of(fix) for fix in kept]
        self._longest_gap = longest_gap_seconds
        gaps = sorted(end - start for start, end in pairwise(self._times))
        interval = min(gaps[len(gaps) // 2], longest_gap_seconds) if gaps else 0.0
        self.interval_seconds = interval
        """From one record to the next, usually."""
        # Evenly spread over the interval for which a record is shown.
        self.time_sigma_seconds = math.hypot(CLOCK_SIGMA_SECONDS, interval / math.sqrt(12))

    def at(self, media_time: float) -> Moment | None:
        """The record of that time; None in gaps, and beyond the ends by more than one interval."""
        after = bisect_right(self._times, media_time)
        if not self._fixes or not math.isfinite(media_time):
            return None
        if after in (0, len(self._fixes)):
            end = self._fixes[0 if after == 0 else -1]
            if abs(media_time - _time_of(end)) > self.interval_seconds:
                return None
            neighbours = self._fixes[:2] if after == 0 else self._fixes[-2:]
            return self._moment(replace(end, media_time=media_time), neighbours[0], neighbours[-1])
        before, following = self._fixes[after - 1], self._fixes[after]
        gap = _time_of(following) - _time_of(before)
        if gap > self._longest_gap and media_time > _time_of(before):
            return None
        share = (media_time - _time_of(before)) / gap
        return self._moment(_between(before, following, share, media_time), before, following)

    def _moment(self, fix: Fix, before: Fix, after: Fix) -> Moment:
        seconds = _time_of(after) - _time_of(before)
        if not 0 < seconds <= self._longest_gap:
            return Moment(fix, 0.0, 0.0)
        east = _turn(before.longitude, after.longitude) * math.cos(math.radians(fix.latitude))
        speed = math.hypot(after.latitude - before.latitude, east) * _METRES_PER_DEGREE / seconds
        ends = [one.gimbal or one.platform for one in (before, after)]
        turning = abs(_turn(ends[0].yaw, ends[1].yaw)) / seconds if ends[0] and ends[1] else 0.0
        return Moment(fix, speed * self.time_sigma_seconds, turning * self.time_sigma_seconds)


def _time_of(fix: Fix) -> float:
    assert fix.media_time is not None
    return fix.media_time


def _between(before: Fix, after: Fix, share: float, media_time: float) -> Fix:
    """What either does not say is not said, and the worse of two positionings holds."""
    nearer = before if share < 0.5 else after
    longitude = before.longitude + _turn(before.longitude, after.longitude) * share
    return replace(
        nearer,
        media_time=media_time,
        latitude=before.latitude + (after.latitude - before.latitude) * share,
        longitude=(longitude + 180) % 360 - 180,
        above_takeoff_m=_mixed(before.above_takeoff_m, after.above_takeoff_m, share),
        above_sea_m=_mixed(before.above_sea_m, after.above_sea_m, share),
        above_ellipsoid_m=_mixed(before.above_ellipsoid_m, after.above_ellipsoid_m, share),
        gimbal=_turned(before.gimbal, after.gimbal, share),
        platform=_turned(before.platform, after.platform, share),
        positioning=max(before.positioning, after.positioning, key=_TRUST.index),
        horizontal_sigma_m=_larger(before.horizontal_sigma_m, after.horizontal_sigma_m),
        vertical_sigma_m=_larger(before.vertical_sigma_m, after.vertical_sigma_m),
    )


def _mixed(before: float | None, after: float | None, share: float) -> float | None:
    return None if before is None or after is None else before + (after - before) * share


def _larger(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(before, after)


def _turned(before: Attitude | None, after: Attitude | None, share: float) -> Attitude | None:
    if before is None or after is None:
        return None
    return Attitude(
        (before.yaw + _turn(before.yaw, after.yaw) * share) % 360,
        before.pitch + (after.pitch - before.pitch) * share,
        before.roll + _turn(before.roll, after.roll) * share,
    )


def _turn(before: float, after: float) -> float:
    """The short way round, in degrees."""
    return (after - before + 180) % 360 - 180
