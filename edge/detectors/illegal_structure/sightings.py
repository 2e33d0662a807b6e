"""What was built over an area since it is surveyed, from flight to flight. Values only; what follows is `survey`'s.

Places are kept in WGS-84 degrees: each flight has a plane of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import shapely
from shapely import Polygon

from edge.detectors.illegal_structure.context import SurveyContext
from edge.detectors.illegal_structure.finding import Change, Finding
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.flights.local import LocalPlane

MOST_FLIGHTS = 24
"""Whose names are kept with a structure. Two years of monthly flights."""
MOST_STRUCTURES = 20_000
"""Of one area. A district files some hundred cases a year; beyond, what ended longest ago is forgotten."""
MOST_CUES = 8
MOST_CORNERS = 200
BETTER = 1.2
"""An outline whose uncertainty is at most so many times the old one's takes its place: the newer is the truer."""


@dataclass(frozen=True, slots=True)
class Structure:
    """Something that was built, as of the latest flight that saw it."""

    key: str
    """Its place when it was first seen: the same in every flight."""
    ring: tuple[tuple[float, float], ...]
    """Closed, longitude and latitude."""
    sigma_m: float
    change: Change
    confidence: float
    """The highest of its sightings': that it stands there is no less sure when a cloud's shadow lies on it."""
    frames: int
    flights: tuple[str, ...]
    """The newest of those that found it."""
    flights_total: int
    first_seen: datetime
    last_seen: datetime
    cues: tuple[str, ...] = ()
    grown: bool = False
    rebuilt: bool = False
    told: bool = False
    missed: int = 0
    """Flights in a row that looked and found the place as it was before, or less of it than the register approves."""
    missed_by: tuple[str, ...] = ()
    ended: datetime | None = None
    last_found: datetime | None = None
    """By the newest flight that found it, and not only saw no change."""
    firm_flights: int = 0
    """Of `flights_total`, those that saw it as something that is no vehicle's size."""
    height_m: float | None = None
    """By the newest flight that found it."""

    @property
    def may_drive(self) -> bool:
        """No flight has seen it as anything else."""
        return self.firm_flights == 0

    def outline(self, plane: LocalPlane) -> Polygon:
        """In metres of a flight's plane."""
        places = np.array(self.ring)
        return _sound(Polygon(plane.metres(places[:, 0], places[:, 1])))

    def as_finding(self, plane: LocalPlane) -> Finding:
        """What is known of it, to be judged anew: permits end while a structure stands."""
        outline = self.outline(plane)
        return Finding(
            outline, self.sigma_m, outline.area, self.change, self.confidence, self.cues, self.frames, self.frames
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that was built over one area since it is surveyed."""

    structures: tuple[Structure, ...] = ()

    @property
    def standing(self) -> Sequence[Structure]:
        """What has not ended."""
        return tuple(one for one in self.structures if one.ended is None)

    def find(self, key: str) -> Structure | None:
        """The structure of that name."""
        return next((one for one in self.structures if one.key == key), None)

    def with_all(self, changed: Iterable[Structure]) -> Memory:
        """With these in place of those of their names, or at the end."""
        known = {one.key: one for one in self.structures}
        known.update((one.key, one) for one in changed)
        kept = list(known.values())
        if len(kept) > MOST_STRUCTURES:
            kept.sort(key=lambda one: (one.ended is None, one.ended or one.last_seen))
            kept = kept[len(kept) - MOST_STRUCTURES :]
        return Memory(tuple(kept))


def ring_of(outline: Polygon, plane: LocalPlane) -> tuple[tuple[float, float], ...]:
    """Its outer ring in degrees, to a centimetre."""
    corners = np.asarray(outline.exterior.coords)[:, :2]
    if len(corners) > MOST_CORNERS:
        corners = np.asarray(outline.simplify(0.2).exterior.coords)[:, :2]
    places = plane.degrees(corners)
    return tuple((round(x, 7), round(y, 7)) for x, y in places.tolist())


def key_of(outline: Polygon, plane: LocalPlane, taken: Iterable[str]) -> str:
    """A name that says where it is, to a metre; what was built there again has another one."""
    point = plane.point(outline.centroid.x, outline.centroid.y)
    east = f"{'E' if point.longitude >= 0 else 'W'}{abs(point.longitude):.5f}"
    north = f"{'N' if point.latitude >= 0 else 'S'}{abs(point.latitude):.5f}"
    name, number, used = f"{east}{north}", 1, set(taken)
    while (key := name if number == 1 else f"{name}-{number}") in used:
        number += 1
    return key


def is_loose(finding: Finding, settings: IllegalStructureSettings) -> bool:
    """Whether it counts as seen by less than one flight's worth of pictures: it may drive away."""
    return finding.frames < settings.min_frames


def begun(
    finding: Finding,
    key: str,
    context: SurveyContext,
    settings: IllegalStructureSettings,
    *,
    rebuilt: bool,
) -> Structure:
    """A structure that is seen for the first time."""
    at = context.taken_at
    return Structure(
        key=key,
        ring=ring_of(finding.outline, context.plane),
        sigma_m=finding.sigma_m,
        change=finding.change,
        confidence=finding.confidence,
        frames=finding.frames,
        flights=(context.flight,),
        flights_total=1,
        first_seen=at,
        last_seen=at,
        last_found=at,
        cues=finding.cues[:MOST_CUES],
        rebuilt=rebuilt,
        firm_flights=int(not is_loose(finding, settings)),
        height_m=finding.height_m,
    )


def still_there(known: Structure, at: datetime) -> Structure:
    """After a flight that was compared with one that had it, and found no change. That is no second sighting: what was
    taken for a structure then, a shadow or a dry field, has not changed either."""
    if at < known.last_seen:
        return known
    return replace(known, last_seen=at, missed=0, missed_by=())


def seen_again(
    known: Structure, finding: Finding | None, context: SurveyContext, settings: IllegalStructureSettings
) -> Structure:
    """After one more flight that found it; without a finding of its own it lies inside of a larger one.

    The same flight surveyed again counts no second time, nor does one of the same hours.
    """
    flight, at, plane = context.flight, context.taken_at, context.plane
    again = flight in known.flights
    same_hours = known.last_found is not None and abs(at - known.last_found) < timedelta(hours=settings.apart_hours)
    later = at >= known.last_seen
    counts = not again and not same_hours
    is_firm = finding is None or not is_loose(finding, settings)
    firm_flights = max(known.firm_flights + counts, 1) if is_firm else known.firm_flights
    structure = replace(
        still_there(known, at),
        flights=known.flights if again else (*known.flights, flight)[-MOST_FLIGHTS:],
        flights_total=known.flights_total + counts,
        firm_flights=firm_flights,
        first_seen=min(known.first_seen, at),
        last_found=at if known.last_found is None else max(known.last_found, at),
    )
    if finding is None:
        return structure
    before = known.outline(plane).area
    grown = finding.outline.area - before >= max(settings.min_area_m2, settings.grown_share * before)
    structure = replace(
        structure,
        confidence=max(known.confidence, finding.confidence),
        frames=known.frames + (0 if again else finding.frames),
        cues=tuple(dict.fromkeys((*finding.cues, *known.cues)))[:MOST_CUES],
        grown=known.grown or (grown and not again),
        height_m=known.height_m if finding.height_m is None else finding.height_m,
    )
    if later and (grown or finding.sigma_m <= BETTER * known.sigma_m):
        structure = replace(structure, ring=ring_of(finding.outline, plane), sigma_m=finding.sigma_m)
    return structure


def as_drawn_before(known: Structure, seen: Structure, flight: str) -> Structure:
    """After one more flight that drew it so small that nothing would be left to tell: with the outline that it had."""
    is_new = flight not in known.missed_by
    return replace(
        seen,
        ring=known.ring,
        sigma_m=known.sigma_m,
        missed=known.missed + is_new,
        missed_by=(*known.missed_by, flight)[-MOST_FLIGHTS:] if is_new else known.missed_by,
    )


def missed(known: Structure, flight: str) -> Structure:
    """After one more flight that looked and found the place as it was before."""
    if flight in known.missed_by or flight in known.flights:
        return known
    return replace(known, missed=known.missed + 1, missed_by=(*known.missed_by, flight)[-MOST_FLIGHTS:])


def matched(
    findings: Sequence[Finding], standing: Sequence[tuple[Structure, Polygon]], settings: IllegalStructureSettings
) -> dict[int, int]:
    """Which finding (by its number) is which structure (by its), one to one, the best first."""
    tree = shapely.STRtree([outline for _, outline in standing])
    pairs = []
    for number, finding in enumerate(findings):
        for index in tree.query(finding.outline, predicate="intersects").tolist():
            structure, outline = standing[index]
            shared = finding.outline.intersection(outline).area
            smaller = min(finding.outline.area, outline.area)
            union = finding.outline.area + outline.area - shared
            least = _least_share(finding, structure, smaller, settings) * smaller
            if structure.may_drive and is_loose(finding, settings):
                # Another van in the bay is no second sighting of the first, nor a lorry where a container stood.
                if not _as_high(finding, structure, settings):
                    continue
                least = max(least, settings.steady_share * union)
            if shared >= least:
                pairs.append((-shared / union, structure.key, number, index))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, number, index in sorted(pairs):
        if number not in found and index not in taken:
            found[number] = index
            taken.add(index)
    return found


def _as_high(finding: Finding, structure: Structure, settings: IllegalStructureSettings) -> bool:
    """What nobody measured differs from nothing."""
    if finding.height_m is None or structure.height_m is None:
        return True
    return abs(finding.height_m - structure.height_m) <= settings.steady_height_m


def _sound(polygon: Polygon) -> Polygon:
    """The largest part of it that is valid. What was saved damaged may have none: then a metre around its middle."""
    if polygon.is_valid and polygon.area > 0:
        return polygon
    parts = shapely.get_parts(shapely.make_valid(polygon, method="structure", keep_collapsed=False))
    areas = [part for part in parts if isinstance(part, Polygon) and part.area > 0]
    return max(areas, key=lambda part: float(part.area)) if areas else polygon.centroid.buffer(1.0)


def _least_share(
    finding: Finding, structure: Structure, smaller_m2: float, settings: IllegalStructureSettings
) -> float:
    """Small things overlap less: two flights a few decimetres apart draw a shed beside itself."""
    apart = float(np.hypot(finding.sigma_m, structure.sigma_m))
    side = float(np.sqrt(max(smaller_m2, 1e-6)))
    return settings.same_share * max(0.2, 1 - apart / side)
