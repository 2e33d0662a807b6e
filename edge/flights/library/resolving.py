"""Which flight of the library is meant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from edge.flights.library.entries import Kept, LibraryError, checked_area, checked_date
from edge.flights.library.store import Library

LEAST_SHARE = 0.5
"""Of an outline that a flight must show to cover it."""


def resolve_baseline(library: Path, spec: str, before: datetime | None = None) -> Path:
    """Where the flight lies that `AREA` or `AREA@DATE` names, as `gridsentry-edge survey --baseline` takes it.

    `AREA`: the newest one, before `before` where that is given (a flight is no baseline of itself). `AREA@DATE`: the
    newest of that day. `resolve` gives the entry, with the settings to read it.

    Raises:
        LibraryError: there is none, or its files are gone.
    """
    return resolve(library, spec, before).flight


def resolve(library: Path, spec: str, before: datetime | None = None) -> Kept:
    """As `resolve_baseline`."""
    area, at, date = spec.partition("@")
    area = checked_area(area)
    held = Library(library)
    if not library.is_dir():
        raise LibraryError(f"{library}: no such folder, expected a library of baselines")
    entries, problems = held.entries(area)
    if not entries:
        why = f"; the first problem: {problems[0]}" if problems else _known(held)
        raise LibraryError(f"{library}: holds no flight of the area {area!r}{why}")
    if at:
        date = checked_date(date)
        fitting = [each for each in entries if each.folder.name == date or each.folder.name.partition(".")[0] == date]
        if not fitting:
            raise LibraryError(f"{library}: holds no flight {spec!r}, but those of {_days(entries)}")
    else:
        fitting = [each for each in entries if before is None or each.entry.taken_at < before]
        if not fitting:
            raise LibraryError(f"{library}: holds no flight of {area!r} before {before}, but those of {_days(entries)}")
    newest = fitting[0]
    missing = newest.missing()
    if missing:
        raise LibraryError(
            f"{newest.name}: {len(missing)} of its {len(newest.entry.files)} files are gone or changed, the first "
            f"{missing[0]} of {newest.flight}: put them back, or remove the entry"
        )
    return newest


def covering(
    library: Path, outline: BaseGeometry, before: datetime | None = None, least_share: float = LEAST_SHARE
) -> list[Kept]:
    """Flights of any area that show at least this share of an outline in degrees: the newest first."""
    if not outline.area > 0:
        raise ValueError("an outline without an area cannot be covered")
    entries, _ = Library(library).entries()
    return [
        each
        for each in entries
        if (before is None or each.entry.taken_at < before)
        and each.outline.intersection(outline).area >= least_share * outline.area
    ]


def _known(library: Library) -> str:
    areas = library.areas()
    return f"; it has {', '.join(areas[:10])}" if areas else "; it is empty"


def _days(entries: Sequence[Kept]) -> str:
    return ", ".join(each.folder.name for each in entries[:10])
