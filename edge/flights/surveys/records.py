"""What is remembered of an area: its flights, what was compared with what, and the structures. Values only."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import shapely
from pydantic import TypeAdapter, ValidationError
from shapely.geometry.base import BaseGeometry

from edge.detectors.illegal_structure.sightings import Structure
from edge.flights.footprints import footprint_of
from edge.flights.ingesting import Ingested
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator

VERSION = 1
MOST_FLIGHTS = 1_000
"""Of one area. Weekly flights of twenty years."""
ENOUGH_SHARED = 0.5
"""Of a flight's ground that an earlier one must show, to be taken without looking for a better one."""
LEAST_SHARED_M2 = 100.0
"""Two flights side by side touch; nothing can be compared there."""
SIMPLER_M = 5.0
LOOKED_BACK = timedelta(days=400)
"""A baseline that is older than all seasons is no longer compared with: gardens have grown over it."""


class RecordsError(Exception):
    """What was remembered of an area cannot be read."""


@dataclass(frozen=True, slots=True)
class KnownFlight:
    """A flight that was taken in. Its files may be gone by now."""

    id: str
    path: str
    contents: str
    """SHA-256, see `contents.flight_sha256`."""
    began_at: datetime
    taken_at: datetime
    """Of its first picture, and of its last."""
    ground: tuple[tuple[tuple[float, float], ...], ...]
    """Outer rings of what it shows, longitude and latitude."""
    finished: bool = True
    """False: it was begun; what of it is done stands among the comparisons."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two flights that were compared, under which settings, and the structures that were found so."""

    flight: str
    baseline: str
    given: str
    """SHA-256, see `contents.given_sha256`."""
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """Everything that an area remembers."""

    flights: tuple[KnownFlight, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    structures: Mapping[str, Any] = field(default_factory=dict)
    """As the detector saves them."""

    def by_contents(self, contents: str) -> KnownFlight | None:
        """The flight that holds this."""
        return next((each for each in self.flights if each.contents == contents), None)

    def by_id(self, name: str) -> KnownFlight | None:
        """The flight of that name."""
        return next((each for each in self.flights if each.id == name), None)

    def half_of(self, flight: KnownFlight) -> KnownFlight | None:
        """What was taken in of this flight before all of it was there: from the same folder, at the same time."""
        return next(
            (
                each
                for each in self.flights
                if each.path == flight.path and each.began_at <= flight.taken_at and flight.began_at <= each.taken_at
            ),
            None,
        )

    def has_compared(self, flight: str, baseline: str, given: str) -> bool:
        """Whether these two were compared, under these settings."""
        return any((each.flight, each.baseline, each.given) == (flight, baseline, given) for each in self.comparisons)

    def first_against(self, baseline: str) -> datetime | None:
        """When the first flight was that was compared with a baseline of this name."""
        flights = {each.flight for each in self.comparisons if each.baseline == baseline}
        return min((each.taken_at for each in self.flights if each.id in flights), default=None)

    def with_flight(self, flight: KnownFlight) -> Records:
        """With this flight in place of the one of its name. Beyond `MOST_FLIGHTS` the oldest are forgotten."""
        kept = [each for each in self.flights if each.id != flight.id]
        kept = sorted([*kept, flight], key=lambda each: (each.taken_at, each.id))[-MOST_FLIGHTS:]
        names = {each.id for each in kept}
        compared = tuple(each for each in self.comparisons if each.flight in names)
        return replace(self, flights=tuple(kept), comparisons=compared)

    def with_comparison(self, comparison: Comparison, structures: Mapping[str, Any]) -> Records:
        """After a survey: what it found, and what is known now."""
        pair = (comparison.flight, comparison.baseline)
        others = tuple(each for each in self.comparisons if (each.flight, each.baseline) != pair)
        return replace(self, comparisons=(*others, comparison), structures=structures)

    def as_text(self) -> str:
        """JSON, for the outbox."""
        content = {
            "version": VERSION,
            "flights": _FLIGHTS.dump_python(self.flights, mode="json"),
            "comparisons": _COMPARISONS.dump_python(self.comparisons, mode="json"),
            "structures": dict(self.structures),
        }
        return json.dumps(content, ensure_ascii=False, sort_keys=True)


def records_from(text: str | None) -> Records:
    """The inverse of `Records.as_text`; nothing remembered is an empty one.

    Raises:
        RecordsError: it was written by another version, or is damaged: begun anew silently, every structure would be
            told again.
    """
    if text is None:
        return Records()
    try:
        content = json.loads(text)
        if content["version"] != VERSION:
            raise RecordsError(f"found version {content['version']!r}, expected {VERSION}")
        return Records(
            _FLIGHTS.validate_python(content["flights"]),
            _COMPARISONS.validate_python(content["comparisons"]),
            dict(content["structures"]),
        )
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise RecordsError(f"cannot be read: {str(error)[:200]}") from error


def known_flight(flight: Ingested, path: str, contents: str, taken_at: datetime) -> KnownFlight:
    """What is kept of a flight. Its name is its folder's and a part of its content's hash: cards are all alike."""
    times = [each.taken_at for each in flight.flight.frames if each.taken_at is not None]
    lasted = max(times) - min(times) if times else timedelta(0)
    plane = flight.flight.plane
    shapes = [footprint_of(Locator(each, flight.ground, plane).outline()) for each in flight.flight.frames]
    union = shapely.union_all([each for each in shapes if not each.is_empty]).simplify(SIMPLER_M)
    parts = [each for each in shapely.get_parts(union) if isinstance(each, shapely.Polygon) and not each.is_empty]
    rings = tuple(
        tuple((round(x, 6), round(y, 6)) for x, y in plane.degrees(np.asarray(each.exterior.coords)[:, :2]).tolist())
        for each in parts
    )
    name = name_of(flight.flight.id, contents)
    return KnownFlight(name, path, contents, taken_at - lasted, taken_at, rings, finished=False)


def name_of(folder: str, contents: str) -> str:
    """Of a flight, as events and files carry it."""
    plain = re.sub(r"[^\w.-]+", "-", folder).strip("-.")[:60]
    return f"{plain or 'flight'}-{contents[:8]}"


def earlier(records: Records, flight: KnownFlight, plane: LocalPlane) -> list[KnownFlight]:
    """What a flight may be compared with, the best first: the newest that shows enough of its ground, then the others
    by how much they show."""
    own = ground_of(flight, plane)
    found = []
    for each in records.flights:
        if each.taken_at >= flight.began_at or each.id == flight.id:
            continue
        shared_m2 = own.intersection(ground_of(each, plane)).area
        if shared_m2 >= LEAST_SHARED_M2:
            enough = shared_m2 >= ENOUGH_SHARED * own.area
            found.append((not enough, 0.0 if enough else -shared_m2, -each.taken_at.timestamp(), each.id, each))
    return [each for *_, each in sorted(found, key=lambda one: one[:-1])]


def shows_enough(earlier_one: KnownFlight, flight: KnownFlight, plane: LocalPlane) -> bool:
    """Whether an earlier flight shows the greater part of another one's ground."""
    own = ground_of(flight, plane)
    return bool(own.intersection(ground_of(earlier_one, plane)).area >= ENOUGH_SHARED * own.area)


def looking_back(
    records: Records, flight: KnownFlight, standing: Iterable[Structure], among: Mapping[str, datetime]
) -> str | None:
    """The baseline that most open structures were found against: compared with it again, they are seen again, or seen
    to be gone. Compared with a flight that had them already, nothing has changed (decision 0271).

    `among`: names, and the day from which on each is too old after `LOOKED_BACK`.
    """
    allowed = {name: day for name, day in among.items() if flight.taken_at - day <= LOOKED_BACK}
    votes: Counter[str] = Counter()
    for structure in standing:
        # One that had it already can only say that nothing has changed.
        votes.update(
            {
                each.baseline
                for each in records.comparisons
                if each.baseline in allowed and structure.key in each.found and each.baseline not in structure.flights
            }
        )
    if not votes:
        return None
    return max(votes, key=lambda name: (votes[name], allowed[name], name))


def ground_of(flight: KnownFlight, plane: LocalPlane) -> BaseGeometry:
    """What it shows, in metres of a plane."""
    rings = [np.array(ring, np.float64) for ring in flight.ground if len(ring) >= 4]
    shapes = [shapely.make_valid(shapely.Polygon(plane.metres(ring[:, 0], ring[:, 1]))) for ring in rings]
    return shapely.union_all(shapes) if shapes else shapely.Polygon()


_FLIGHTS = TypeAdapter(tuple[KnownFlight, ...])
_COMPARISONS = TypeAdapter(tuple[Comparison, ...])
