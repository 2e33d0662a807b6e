"""Which pictures belong to one flight: a folder may hold a day's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from edge.flights.flight_settings import FlightSettings
from edge.flights.material import FlightError
from edge.flights.shots import Shot, Tally

FARTHEST_M = 2_000.0
"""From one picture to the next of one flight."""
_METRES_PER_DEGREE = 111_320.0
_STRAYS = 2
"""Pictures: so few beside a flight of ten times as many are no flight, but left over from one."""
_MOST_LISTED = 10


def one_flight(shots: Sequence[Shot], settings: FlightSettings, tally: Tally) -> tuple[Shot, ...]:
    """The shots of the only flight, or of the part that the settings ask for.

    Raises:
        FlightError: there are several and none was asked for, or not so many.
    """
    parts = parted(_without_leaps(shots, tally), settings.longest_pause_minutes)
    if not parts:
        return ()
    if settings.part is not None:
        if settings.part > len(parts):
            raise FlightError(f"part {settings.part} was asked for, but there are {len(parts)}:\n{_listed(parts)}")
        return parts[settings.part - 1]
    largest = max(parts, key=len)
    strays = [part for part in parts if len(part) <= _STRAYS and 10 * len(part) <= len(largest)]
    if len(parts) - len(strays) > 1:
        raise FlightError(
            f"found {len(parts)} flights, more than {settings.longest_pause_minutes:g} minutes or "
            f"{FARTHEST_M / 1000:g} km apart:\n{_listed(parts)}\ngive one a folder, choose one (part), or allow longer "
            "pauses (longest_pause_minutes)"
        )
    for shot in (shot for part in strays for shot in part):
        tally.add("taken long before or after the flight, or elsewhere", shot.name)
    return largest


def parted(shots: Sequence[Shot], longest_pause_minutes: float) -> list[tuple[Shot, ...]]:
    """Divided where time or place leaps."""
    parts: list[list[Shot]] = []
    for shot in shots:
        if not parts or _apart(parts[-1][-1], shot, longest_pause_minutes):
            parts.append([])
        parts[-1].append(shot)
    return [tuple(part) for part in parts]


def _apart(before: Shot, after: Shot, longest_pause_minutes: float) -> bool:
    return _seconds(before, after) > 60 * longest_pause_minutes or _metres(before, after) > FARTHEST_M


def _without_leaps(shots: Sequence[Shot], tally: Tally) -> list[Shot]:
    """One picture far from its neighbours, which are near each other, is an error of the receiver."""
    leaps = {
        index
        for index, (before, shot, after) in enumerate(zip(shots, shots[1:], shots[2:], strict=False), start=1)
        if _metres(before, shot) > FARTHEST_M and _metres(shot, after) > FARTHEST_M >= _metres(before, after)
    }
    for index in sorted(leaps):
        tally.add("its position is a leap, kilometres from its neighbours", shots[index].name)
    return [shot for index, shot in enumerate(shots) if index not in leaps]


def _seconds(before: Shot, after: Shot) -> float:
    if before.fix.media_time is not None and after.fix.media_time is not None:
        return 0.0  # one video is one flight
    if before.fix.taken_at is None or after.fix.taken_at is None:
        return 0.0
    return (after.fix.taken_at - before.fix.taken_at).total_seconds()


def _metres(before: Shot, after: Shot) -> float:
    north = after.fix.latitude - before.fix.latitude
    east = (after.fix.longitude - before.fix.longitude + 180) % 360 - 180
    return math.hypot(north, east * math.cos(math.radians(after.fix.latitude))) * _METRES_PER_DEGREE


def _listed(parts: Sequence[Sequence[Shot]]) -> str:
    lines = []
    for number, part in enumerate(parts[:_MOST_LISTED], start=1):
        first, last = part[0], part[-1]
        place = f"{first.fix.latitude:.4f}, {first.fix.longitude:.4f}"
        lines.append(
            f"  {number}. {first.name} to {last.name}: {len(part)} pictures, {_clock(first.fix.taken_at)} to "
            f"{_clock(last.fix.taken_at)}, at {place}"
        )
    if len(parts) > _MOST_LISTED:
        lines.append(f"  … and {len(parts) - _MOST_LISTED} more")
    return "\n".join(lines)


def _clock(moment: datetime | None) -> str:
    return "unknown" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")
