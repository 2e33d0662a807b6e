"""Where a drone was at a time, from records that come as it flies: late, twice, out of order, with leaps, or no more.

No place is better than a wrong one. What does not fit is counted and left out, and in silence the drone is taken to go
on as it did for a little while only.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

import cv2
import numpy as np

from edge.flights.posing import coordinate_sigma_m
from edge.flights.reading.angles import attitude_of
from edge.flights.reading.plausible import FASTEST_M_S, JUMP_M, fault_of, metres_between
from edge.flights.telemetry import Attitude, Fix, Positioning
from edge.vision.arrays import Doubles
from edge.vision.pose import turned

KEPT_SECONDS = 120.0
"""Pictures are judged within seconds; a model's late answer within tens of them."""
KEPT_FIXES = 6_000
"""Fifty a second."""
RESTART_SECONDS = 2.0
"""A record that is older than the newest by more is of a clock that was set; by less it came late."""
BELIEVED_FROM = 3
"""Records in a row that agree with each other are believed against those before."""
ON_THE_GROUND_M = 3.0
"""Above the takeoff point: a drone that low is still there."""
BREAKING_M_S2 = 3.0
"""Of a drone that was flying steadily: what half a brake's strength does within a second of silence is 1.5 m."""
TURNING_DEGREES_S = 3.0
"""Of a gimbal or airframe that was turning steadily, or not at all."""
_METRES_PER_DEGREE = 111_320.0
_COARSE_OF = 50
"""Records that tell how finely positions are written."""
_TRUST = (Positioning.RTK_FIXED, Positioning.RTK_FLOAT, Positioning.GNSS, Positioning.UNKNOWN)


class Absent(StrEnum):
    """Why there is no record of a time."""

    SILENT = "no telemetry has come"
    STALE = "the latest telemetry is too old"
    GAP = "telemetry has a gap there"
    BEFORE = "telemetry began later"


@dataclass(frozen=True, slots=True)
class Moment:
    """A record as it would be at one time, how fast things were going, and what silence adds to the doubt."""

    fix: Fix
    rate: Doubles = field(default_factory=lambda: np.zeros(6))
    """(6,): metres a second east, north, up, and radians a second about these axes."""
    ahead_seconds: float = 0.0
    """How long after the last record it is."""
    rounding_sigma_m: float = 0.0
    """Of positions that are written coarsely."""

    def covariance(self, clock_sigma_seconds: float) -> Doubles:
        """(6, 6) as that of a pose: what is added because nobody knows the time, or the drone, more exactly.

        One error of time moves and turns the camera together, along `rate`; what silence hides does not.
        """
        late = self.rate * clock_sigma_seconds
        moved = 0.5 * BREAKING_M_S2 * self.ahead_seconds**2
        turned_by = math.radians(TURNING_DEGREES_S) * self.ahead_seconds
        level = moved**2 + self.rounding_sigma_m**2
        hidden = np.diag((level, level, moved**2, *(3 * (turned_by**2,))))
        return np.asarray(np.outer(late, late) + hidden)


class LiveTrack:
    """The latest records of one drone, on one axis of seconds. One thread may add while others ask."""

    def __init__(self, stale_after_seconds: float, longest_gap_seconds: float, *, whole: bool = False) -> None:
        """`whole`: it is a log that is kept from end to end."""
        self._stale_after, self._longest_gap = stale_after_seconds, longest_gap_seconds
        self._whole = whole
        self._fixes: deque[Fix] | list[Fix] = [] if whole else deque(maxlen=KEPT_FIXES)
        self._doubted: list[Fix] = []
        self._rounding = 0.0
        self._on_the_ground: Fix | None = None
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.latest_fault = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """Records by what became of them: `taken`, `late`, `impossible`, `leaps`, `restarts`."""
        with self._lock:
            return dict(self._counts)

    @property
    def newest(self) -> Fix | None:
        with self._lock:
            return self._fixes[-1] if self._fixes else None

    @property
    def on_the_ground(self) -> Fix | None:
        """Where the drone stood, or was about to: of a log the first such record, else the latest."""
        with self._lock:
            return self._on_the_ground

    @property
    def interval_seconds(self) -> float:
        """From one record to the next, the median of those that are kept; 0 with fewer than two."""
        with self._lock:
            steps = sorted(_time(after) - _time(before) for before, after in pairwise(self._fixes))
        return steps[len(steps) // 2] if steps else 0.0

    def put(self, fix: Fix) -> bool:
        """Adds a record whose `media_time` is on the track's axis. False: it was left out, `latest_fault` says why."""
        with self._lock:
            fault = self._fault(fix)
            if fault:
                self.latest_fault = fault
                return False
            self._fixes.append(fix)
            self._counts["taken"] += 1
            low = fix.above_takeoff_m is not None and abs(fix.above_takeoff_m) <= ON_THE_GROUND_M
            if low and (self._on_the_ground is None or not self._whole):
                self._on_the_ground = fix
            if not self._whole:
                while _time(fix) - _time(self._fixes[0]) > KEPT_SECONDS:
                    del self._fixes[0]
            if self._counts["taken"] % _COARSE_OF in {1, 10}:
                self._rounding = coordinate_sigma_m(list(self._fixes)[-_COARSE_OF:])
            return True

    def at(self, seconds: float) -> Moment | Absent:
        """The record of a time on the track's axis."""
        with self._lock:
            fixes = self._fixes
            if not fixes or not math.isfinite(seconds):
                return Absent.SILENT
            after = bisect_right(fixes, seconds, key=_time)
            rounding = self._rounding
            if after == 0:
                return self._before(fixes[0], seconds, rounding)
            if after == len(fixes):
                last, earlier = fixes[-1], self._earlier(fixes[-1])
                return self._beyond(earlier, last, seconds, rounding)
            before, following = fixes[after - 1], fixes[after]
        gap = _time(following) - _time(before)
        if gap > self._longest_gap and seconds > _time(before):
            return Absent.GAP
        share = (seconds - _time(before)) / gap
        return Moment(between(before, following, share), _rate(before, following), rounding_sigma_m=rounding)

    # ---- adding

    def _fault(self, fix: Fix) -> str:
        if fix.media_time is None or not math.isfinite(fix.media_time):
            self._counts["impossible"] += 1
            return "has no time"
        fault = fault_of(fix)
        if fault is not None:
            self._counts["impossible"] += 1
            return fault
        if not self._fixes:
            return ""
        newest = self._fixes[-1]
        back = _time(newest) - fix.media_time
        if back >= 0:
            if back <= RESTART_SECONDS or self._whole:
                self._counts["late"] += 1
                return f"is {back:.3g} s older than the record before it"
            self._begin_anew([])
            return ""
        return self._leap(newest, fix)

    def _leap(self, newest: Fix, fix: Fix) -> str:
        """A place that no drone reaches in the time is left out, until others agree with it."""
        if not _leaps(newest, fix):
            self._doubted.clear()
            return ""
        if self._doubted and (_leaps(self._doubted[-1], fix) or _time(fix) <= _time(self._doubted[-1])):
            self._doubted.clear()
        self._doubted.append(fix)
        if len(self._doubted) >= BELIEVED_FROM and not self._whole:
            self._begin_anew(self._doubted[:-1])
            return ""
        self._counts["leaps"] += 1
        return f"leaps by {metres_between(newest, fix):,.0f} m"

    def _begin_anew(self, fixes: list[Fix]) -> None:
        self._fixes.clear()
        self._fixes.extend(fixes)
        self._doubted = []
        self._counts["restarts"] += 1

    # ---- asking

    def _before(self, first: Fix, seconds: float, rounding: float) -> Moment | Absent:
        early = _time(first) - seconds
        if early > self._stale_after:
            return Absent.BEFORE
        following = self._fixes[1] if len(self._fixes) > 1 else None
        rate = np.zeros(6) if following is None else self._near_rate(first, following)
        return Moment(_shifted(first, rate, -early), rate, early, rounding)

    def _earlier(self, last: Fix) -> Fix | None:
        """A record some tenths of a second before the last: two in a row may differ by noise alone."""
        found = None
        for fix in reversed(list(self._fixes)[-_COARSE_OF:-1]):
            if _time(last) - _time(fix) > self._longest_gap:
                break
            found = fix
            if _time(last) - _time(fix) >= 0.4:
                break
        return found

    def _beyond(self, earlier: Fix | None, last: Fix, seconds: float, rounding: float) -> Moment | Absent:
        ahead = seconds - _time(last)
        if ahead > self._stale_after:
            return Absent.STALE
        rate = np.zeros(6) if earlier is None else self._near_rate(earlier, last)
        return Moment(_shifted(last, rate, ahead), rate, ahead, rounding)

    def _near_rate(self, before: Fix, after: Fix) -> Doubles:
        if _time(after) - _time(before) > self._longest_gap:
            return np.zeros(6)
        return _rate(before, after)


def between(before: Fix, after: Fix, share: float) -> Fix:
    """A record between two. What either does not say is not said, and the worse of two positionings holds.

    Turns go the short way, as one turn and not angle by angle: straight down yaw and roll are one and the same.
    """
    time = _time(before) + (_time(after) - _time(before)) * share
    longitude = before.longitude + _short_way(before.longitude, after.longitude) * share
    return replace(
        before if share < 0.5 else after,
        media_time=time,
        latitude=before.latitude + (after.latitude - before.latitude) * share,
        longitude=_wrapped(longitude),
        above_takeoff_m=_mixed(before.above_takeoff_m, after.above_takeoff_m, share),
        above_sea_m=_mixed(before.above_sea_m, after.above_sea_m, share),
        above_ellipsoid_m=_mixed(before.above_ellipsoid_m, after.above_ellipsoid_m, share),
        gimbal=_turned_between(before.gimbal, after.gimbal, share),
        platform=_turned_between(before.platform, after.platform, share),
        positioning=max(before.positioning, after.positioning, key=_TRUST.index),
        horizontal_sigma_m=_larger(before.horizontal_sigma_m, after.horizontal_sigma_m),
        vertical_sigma_m=_larger(before.vertical_sigma_m, after.vertical_sigma_m),
    )


def _time(fix: Fix) -> float:
    assert fix.media_time is not None, "checked where it was added"
    return fix.media_time


def _leaps(before: Fix, after: Fix) -> bool:
    return metres_between(before, after) > JUMP_M + FASTEST_M_S * abs(_time(after) - _time(before))


def _rate(before: Fix, after: Fix) -> Doubles:
    """(6,) as `Moment.rate`."""
    seconds = _time(after) - _time(before)
    east = _short_way(before.longitude, after.longitude) * math.cos(math.radians(after.latitude))
    ends = [(one.gimbal or one.platform) for one in (before, after)]
    turning = np.zeros(3)
    if ends[0] is not None and ends[1] is not None:
        turning = _rotation_vector(_matrix(ends[1]) @ _matrix(ends[0]).T)
    north = after.latitude - before.latitude
    moved = np.array((east * _METRES_PER_DEGREE, north * _METRES_PER_DEGREE, _climb(before, after)))
    return np.concatenate((moved, turning)) / seconds


def _climb(before: Fix, after: Fix) -> float:
    for one, other in (
        (before.above_takeoff_m, after.above_takeoff_m),
        (before.above_sea_m, after.above_sea_m),
        (before.above_ellipsoid_m, after.above_ellipsoid_m),
    ):
        if one is not None and other is not None:
            return other - one
    return 0.0


def _shifted(fix: Fix, rate: Doubles, seconds: float) -> Fix:
    """A record, moved and turned on for some seconds."""
    if not seconds:
        return fix
    east, north, up = (float(value) * seconds for value in rate[:3])
    latitude = min(max(fix.latitude + north / _METRES_PER_DEGREE, -90.0), 90.0)
    longitude = fix.longitude + east / (_METRES_PER_DEGREE * max(math.cos(math.radians(fix.latitude)), 1e-6))
    turn, _ = cv2.Rodrigues(rate[3:] * seconds)

    def turned_on(attitude: Attitude | None) -> Attitude | None:
        return None if attitude is None else attitude_of(np.asarray(turn, np.float64) @ _matrix(attitude))

    return replace(
        fix,
        media_time=_time(fix) + seconds,
        latitude=latitude,
        longitude=_wrapped(longitude),
        above_takeoff_m=_added(fix.above_takeoff_m, up),
        above_sea_m=_added(fix.above_sea_m, up),
        above_ellipsoid_m=_added(fix.above_ellipsoid_m, up),
        gimbal=turned_on(fix.gimbal),
        platform=turned_on(fix.platform) if fix.gimbal is None else fix.platform,
    )


def _turned_between(before: Attitude | None, after: Attitude | None, share: float) -> Attitude | None:
    if before is None or after is None:
        return None
    first = _matrix(before)
    part, _ = cv2.Rodrigues(_rotation_vector(_matrix(after) @ first.T) * share)
    return attitude_of(np.asarray(part, np.float64) @ first)


def _matrix(attitude: Attitude) -> Doubles:
    return turned(attitude.yaw, attitude.pitch, attitude.roll)


def _rotation_vector(turn: Doubles) -> Doubles:
    vector, _ = cv2.Rodrigues(turn)
    return np.asarray(vector, np.float64).ravel()


def _mixed(before: float | None, after: float | None, share: float) -> float | None:
    return None if before is None or after is None else before + (after - before) * share


def _larger(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(before, after)


def _added(value: float | None, more: float) -> float | None:
    return None if value is None else value + more


def _short_way(before: float, after: float) -> float:
    return (after - before + 180) % 360 - 180


def _wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180
