"""Whether a record can be true, by itself and beside its neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from contract.geometry import EARTH_RADIUS_M
from edge.flights.reading.logs import Collected
from edge.flights.telemetry import Attitude, Fix

FASTEST_M_S = 100.0
"""No survey drone is: racing quadcopters reach 100, small fixed wings 40."""
JUMP_M = 50.0
"""Steps of a log with four decimals are 11 m, and a first fix wanders."""
CLIMB_M_S = 50.0
GAP_SECONDS = 600.0
"""A log that is silent for longer goes on as another one."""
_TIME_JITTER = 0.001
_SOME = 10
"""Records, and a share of one in twenty: fewer are strays, not another log joined on."""
_SHARE = 20
_OPEN_RUNS = 8
_STRAYS = 2

TAKEOFF_M = (-500.0, 10_000.0)
ABSOLUTE_M = (-1_000.0, 20_000.0)
"""KLV is also sent from higher than drones fly."""
FOCAL_MM = (0.5, 2_000.0)


def fault_of(fix: Fix) -> str | None:
    """What cannot be true of a record, None if nothing."""
    if not abs(fix.latitude) <= 90:
        return f"latitude {fix.latitude:g}, expected -90 to 90"
    if not abs(fix.longitude) <= 180:
        return f"longitude {fix.longitude:g}, expected -180 to 180"
    if fix.latitude == 0 and fix.longitude == 0:
        return "no fix: latitude and longitude are 0"
    for name, height, (least, most) in (
        ("height above take-off", fix.above_takeoff_m, TAKEOFF_M),
        ("height above the sea", fix.above_sea_m, ABSOLUTE_M),
        ("height above the ellipsoid", fix.above_ellipsoid_m, ABSOLUTE_M),
        ("focal length", fix.focal_mm, FOCAL_MM),
        ("focal length of 35 mm film", fix.focal_35mm_mm, FOCAL_MM),
    ):
        if height is not None and not least <= height <= most:
            return f"{name} {height:g}, expected {least:g} to {most:g}"
    return _turn_fault("gimbal", fix.gimbal) or _turn_fault("platform", fix.platform)


def _turn_fault(whose: str, attitude: Attitude | None) -> str | None:
    if attitude is None:
        return None
    for name, angle in (("yaw", attitude.yaw), ("pitch", attitude.pitch), ("roll", attitude.roll)):
        if not abs(angle) <= 360:
            return f"{name} of the {whose} {angle:g}, expected -360 to 360"
    return None


def metres_between(one: Fix, other: Fix) -> float:
    """On the level, on a sphere: errs by 0.6 %."""
    north = math.radians(other.latitude - one.latitude)
    east = math.radians(math.remainder(other.longitude - one.longitude, 360)) * math.cos(math.radians(one.latitude))
    return EARTH_RADIUS_M * math.hypot(north, east)


@dataclass(slots=True)
class _Run:
    """Records that follow each other as a flight does."""

    first: Fix
    last: Fix
    count: int = 1
    strange: str = ""
    """Why it did not follow the run before it."""


def keep_track(collected: Collected) -> None:
    """Leaves the fixes of one flight: strays and what another flight left in the file become `unread`.

    One pass: each record joins a run that it can follow, or starts one. The longest run stands, and every other of
    some length that does not contradict it: a pause is no fault.
    """
    runs: list[_Run] = []
    owner: list[int] = []
    current = longest = -1
    for fix in collected.fixes:
        strange = ""
        for index in _to_try(runs, current, longest):
            why = _cannot_follow(runs[index].last, fix)
            if not why:
                runs[index].last = fix
                runs[index].count += 1
                current = index
                break
            strange = strange or why
        else:
            runs.append(_Run(fix, fix, strange=strange))
            current = len(runs) - 1
        owner.append(current)
        if longest < 0 or runs[current].count > runs[longest].count:
            longest = current
    if len(runs) < 2:
        return
    kept = _standing(runs)
    fixes = []
    for fix, index in zip(collected.fixes, owner, strict=True):
        if index in kept:
            fixes.append(fix)
        else:
            why = runs[index].strange or "does not belong to the rest of the log, which is longer"
            collected.refuse(fix.line, why)
    collected.fixes = fixes
    if len(kept) > 1:
        starts = ", ".join(str(runs[index].first.line) for index in sorted(kept)[:8])
        collected.read("track", f"{len(kept)} parts, from lines {starts}", "the log jumps or pauses", certain=False)


def _to_try(runs: list[_Run], current: int, longest: int) -> list[int]:
    """The run of the record before, if it is more than a stray or two, then the longer ones of the newest."""
    newest = list(range(max(0, len(runs) - _OPEN_RUNS), len(runs)))
    if 0 <= longest < len(runs) - _OPEN_RUNS:
        newest.append(longest)
    newest.sort(key=lambda index: -runs[index].count)
    if current >= 0 and runs[current].count > _STRAYS:
        return [current, *(index for index in newest if index != current)]
    return newest


def _cannot_follow(before: Fix, fix: Fix) -> str:
    """Why `fix` is no next record of `before`, or nothing."""
    seconds = _seconds_between(before, fix)
    if seconds is not None and seconds < -_TIME_JITTER:
        return f"time goes back by {-seconds:.3g} s"
    if seconds is not None and seconds > GAP_SECONDS:
        return f"time jumps ahead by {seconds:.3g} s"
    return _leap(before, fix)


def _leap(before: Fix, fix: Fix) -> str:
    """How far `fix` is from `before`, if no drone goes so fast, or nothing."""
    seconds = _seconds_between(before, fix)
    passed = max(seconds or 0.0, _wall_seconds(before, fix) or 0.0)
    if seconds is None:
        passed = GAP_SECONDS / 10  # without times a minute is allowed for
    moved = metres_between(before, fix)
    if moved > JUMP_M + FASTEST_M_S * passed:
        return f"jumps by {_metres(moved)} in {passed:.3g} s"
    for one, other in (
        (before.above_takeoff_m, fix.above_takeoff_m),
        (before.above_sea_m, fix.above_sea_m),
        (before.above_ellipsoid_m, fix.above_ellipsoid_m),
    ):
        if one is not None and other is not None and abs(other - one) > JUMP_M + CLIMB_M_S * passed:
            return f"height jumps by {_metres(abs(other - one))} in {passed:.3g} s"
    return ""


def _seconds_between(before: Fix, fix: Fix) -> float | None:
    if before.media_time is not None and fix.media_time is not None:
        return fix.media_time - before.media_time
    return _wall_seconds(before, fix)


def _wall_seconds(before: Fix, fix: Fix) -> float | None:
    if before.taken_at is None or fix.taken_at is None:
        return None
    return (fix.taken_at - before.taken_at).total_seconds()


def _metres(length: float) -> str:
    return f"{length:.0f} m" if length < 10_000 else f"{length / 1000:.0f} km"


def _standing(runs: list[_Run]) -> set[int]:
    """Runs that are kept, by number."""
    total = sum(run.count for run in runs)
    by_size = sorted(range(len(runs)), key=lambda index: (-runs[index].count, index))
    kept = [by_size[0]]
    for index in by_size[1:]:
        run = runs[index]
        if run.count < _SOME or run.count * _SHARE < total:
            break
        if not any(_contradict(run, runs[other]) for other in kept):
            kept.append(index)
    return set(kept)


def _contradict(one: _Run, other: _Run) -> bool:
    """Whether two runs cannot both be of this flight: they claim the same time, or lie too far apart for the pause."""
    if one.first.line > other.first.line:
        one, other = other, one
    between = _seconds_between(one.last, other.first)
    overlap = one.last.line > other.first.line or (between is not None and between < -_TIME_JITTER)
    return overlap or bool(_leap(one.last, other.first))


def refuse_faults(fixes: Iterable[Fix], collected: Collected) -> None:
    """Puts what can be true into `collected.fixes`, the rest into `unread`."""
    kept = []
    for fix in fixes:
        why = fault_of(fix)
        if why is None:
            kept.append(fix)
        else:
            collected.refuse(fix.line, why)
    collected.fixes = kept
