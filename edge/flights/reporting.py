"""What is said of a flight: where and how high it went, what it covers, what could not be used and why."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

import numpy as np
import shapely
from pydantic import TypeAdapter
from shapely import Polygon, affinity

from contract.geometry import Polygon as GeoPolygon
from contract.geometry import Position
from edge.flights.flight import Flight
from edge.flights.footprints import coverage_of, overlap
from edge.flights.ground import Ground
from edge.flights.lenses import LensReading
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.material import Material, shown
from edge.flights.shots import MOST_EXAMPLES, Taken, Tally
from edge.flights.telemetry import Fix, Interpretation, Positioning
from edge.vision.arrays import Doubles
from edge.vision.ground import radius_95

MOST_TRACK_POINTS = 5_000
MOST_GAPS = 50
_LEAST_GAP_M2 = 10.0
"""Smaller ones hold no structure that anybody looks for."""
_LOW_OVERLAP = 0.5
_CORE = 0.8
"""Of a picture's length and breadth."""
_DIGITS = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Spread:
    """Of several values."""

    least: float
    p5: float
    median: float
    p95: float
    most: float


@dataclass(frozen=True, slots=True)
class LineString:
    """GeoJSON, WGS-84, longitude first."""

    coordinates: tuple[Position, ...]
    type: Literal["LineString"] = "LineString"


@dataclass(frozen=True, slots=True)
class NotUsed:
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A reading of telemetry or lens, and how many pictures or files it was made for."""

    field: str
    taken_as: str
    because: str
    certain: bool
    count: int


@dataclass(frozen=True, slots=True)
class UnreadRecords:
    """Records that could not be used for one reason. `why` is as the first of them has it."""

    why: str
    count: int
    examples: tuple[str, ...]
    """File and line."""


@dataclass(frozen=True, slots=True)
class LensReport:
    source: str
    width: int
    height: int
    focal_px: float
    focal_sigma: float
    """As a share."""
    distortion: tuple[float, ...]
    pictures: int


@dataclass(frozen=True, slots=True)
class CoverageReport:
    area_m2: float
    twice_m2: float
    """Seen by two pictures at least: only there can a change be seen twice."""
    along: Spread | None
    """Overlap from each used picture to the next, 0 to 1."""
    across: Spread | None
    """Overlap of each used picture with the best one beside its line; None where no line has a neighbour."""
    gaps: tuple[GeoPolygon, ...]
    """Ground between pictures that none shows, largest first: holes, and what the drone crossed unseen."""
    gaps_m2: float
    """Of all of them."""


@dataclass(frozen=True, slots=True)
class FlightReport:
    """Lengths in metres, times aware, shares from 0 to 1."""

    flight: str
    path: str
    kind: str
    dialect: str
    log: str
    began_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    track: LineString
    length_m: float
    height_m: Spread | None
    """Of used pictures, above the ground below."""
    speed_m_s: Spread | None
    positioning: dict[str, int]
    """How many used pictures were positioned how."""
    ground: str
    pictures_found: int
    pictures_used: int
    not_used: tuple[NotUsed, ...]
    coverage: CoverageReport
    metres_per_pixel: Spread | None
    """On the ground, in the middle of pictures."""
    accuracy_m: Spread | None
    """95 % radius of places in the middle of pictures."""
    sharpness: Spread | None
    lenses: tuple[LensReport, ...]
    readings: tuple[Read, ...]
    """Doubtful ones first."""
    unread: tuple[UnreadRecords, ...]
    problems: tuple[str, ...]
    """What somebody should look at, with what to do; empty for a good flight."""

    @property
    def usable(self) -> bool:
        return self.pictures_used > 0

    def as_json(self) -> str:
        """One document; what is not known is null."""
        return TypeAdapter(FlightReport).dump_json(self, indent=2).decode()


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What a report is made of. Sequences of used pictures have the order of `flight.frames`."""

    path: str
    taken: Taken
    material: Material
    fixes: tuple[Fix, ...]
    flight: Flight
    ground: Ground
    ground_said: str
    footprints: tuple[Polygon, ...]
    heights_m: tuple[float, ...]
    lenses: tuple[LensReading, ...]
    sharpness: tuple[float, ...]
    tally: Tally
    expected: Positioning | None


def report_of(facts: Facts) -> FlightReport:
    """Of one flight."""
    taken, flight, plane = facts.taken, facts.flight, facts.flight.plane
    times = [fix.taken_at for fix in facts.fixes if fix.taken_at is not None]
    seconds = _seconds(facts.fixes, times)
    places, moments = _every_two_seconds(facts.fixes, plane)
    ways = np.linalg.norm(np.diff(places, axis=0), axis=1)
    accuracy, resolution = _centres(facts)
    coverage = _coverage(facts)
    positioning = Counter(str(frame.positioning) for frame in flight.frames)
    return FlightReport(
        flight=flight.id,
        path=facts.path,
        kind=taken.kind,
        dialect=taken.dialect,
        log=taken.log,
        began_at=min(times, default=None),
        ended_at=max(times, default=None),
        seconds=seconds,
        track=_track(facts.fixes),
        length_m=round(float(ways.sum()), 1),
        height_m=spread_of(facts.heights_m),
        speed_m_s=spread_of(ways / np.diff(moments)) if moments is not None else None,
        positioning=dict(sorted(positioning.items())),
        ground=facts.ground_said,
        pictures_found=taken.found,
        pictures_used=len(flight.frames),
        not_used=_not_used(facts.tally),
        coverage=coverage,
        metres_per_pixel=resolution,
        accuracy_m=accuracy,
        sharpness=spread_of(facts.sharpness),
        lenses=_lenses(facts.lenses),
        readings=_readings(taken.interpretations),
        unread=_unread(taken),
        problems=_problems(facts, coverage, accuracy),
    )


def spread_of(values: Iterable[float]) -> Spread | None:
    """Of the finite ones, to four digits; None for none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    least, p5, middle, p95, most = (float(f"{value:.4g}") for value in np.percentile(finite, (0, 5, 50, 95, 100)))
    return Spread(least, p5, middle, p95, most)


def geo_polygon(shape: Polygon, plane: LocalPlane) -> GeoPolygon:
    """An outline in metres of the plane as GeoJSON, without its holes."""
    ring = [
        (round(float(longitude), 7), round(float(latitude), 7))
        for longitude, latitude in plane.degrees(np.asarray(shape.exterior.coords)[:, :2])
    ]
    return GeoPolygon(coordinates=((*ring[:-1], ring[0]),))


def _seconds(fixes: Sequence[Fix], times: Sequence[datetime]) -> float | None:
    media = [fix.media_time for fix in fixes if fix.media_time is not None]
    if media:
        return round(max(media) - min(media), 1)
    return round((max(times) - min(times)).total_seconds(), 1) if times else None


def _thinned(fixes: Sequence[Fix]) -> Sequence[Fix]:
    return fixes[:: -(-len(fixes) // MOST_TRACK_POINTS)] if fixes else fixes


def _track(fixes: Sequence[Fix]) -> LineString:
    return LineString(tuple((round(fix.longitude, 7), round(fix.latitude, 7)) for fix in _thinned(fixes)))


def _every_two_seconds(fixes: Sequence[Fix], plane: LocalPlane) -> tuple[Doubles, Doubles | None]:
    """Places (n, 2) and when the drone was there, if the log says so.

    From one record to the next, noise and rounding would look like speed.
    """
    timed = [(moment, fix) for fix in fixes if (moment := _moment(fix)) is not None]
    ends: list[tuple[float, Fix]] = []
    for moment, fix in sorted(timed, key=lambda each: each[0]):
        if not ends or moment - ends[-1][0] >= 2.0:
            ends.append((moment, fix))
    kept = [fix for _, fix in ends] if timed else _thinned(fixes)
    places = plane.metres(np.array([fix.longitude for fix in kept]), np.array([fix.latitude for fix in kept]))
    places = places.reshape(-1, 2)
    known = np.isfinite(places).all(axis=1)
    return places[known], np.array([moment for moment, _ in ends])[known] if timed else None


def _moment(fix: Fix) -> float | None:
    if fix.media_time is not None:
        return fix.media_time
    return None if fix.taken_at is None else fix.taken_at.timestamp()


def _centres(facts: Facts) -> tuple[Spread | None, Spread | None]:
    """Of the middle of each used picture: 95 % radius of its place, and metres a pixel."""
    radii, resolutions = [], []
    for frame in facts.flight.frames:
        locator = Locator(frame, facts.ground, facts.flight.plane)
        middle = ((frame.lens.width - 1) / 2, (frame.lens.height - 1) / 2)
        spread = locator.places(np.array([middle])).covariances_m2[0]
        if np.isfinite(spread).all():
            radii.append(radius_95(spread))
        resolutions.append(locator.metres_per_pixel(*middle) or math.nan)
    return spread_of(radii), spread_of(resolutions)


def _coverage(facts: Facts) -> CoverageReport:
    found = coverage_of(facts.footprints)
    gaps = _gaps(facts.footprints, [Polygon(gap.outline) for gap in found.gaps])
    return CoverageReport(
        area_m2=round(found.area_m2, 1),
        twice_m2=round(found.twice_m2, 1),
        along=spread_of(found.forward_overlap),
        across=spread_of(_across(facts)),
        gaps=tuple(geo_polygon(gap, facts.flight.plane) for gap in gaps[:MOST_GAPS]),
        gaps_m2=round(sum(gap.area for gap in gaps), 1),
    )


def _gaps(footprints: Sequence[Polygon], known: Sequence[Polygon]) -> list[Polygon]:
    """Largest first: those known already, and what the drone flew over from one used picture to the next unseen.

    A bay in what is covered is the shape of many a flight; one that its track crosses is not. Pictures are taken a
    little smaller there, so that corners beside a turn from one line to the next do not count.
    """
    cores = [affinity.scale(shape, _CORE, _CORE, origin="centroid") for shape in footprints]
    crossed = [
        shapely.union(here, there).convex_hull
        for (here, there), (seen, following) in zip(pairwise(cores), pairwise(footprints), strict=True)
        if overlap(seen, following) < _LOW_OVERLAP
    ]
    unseen = shapely.union_all(crossed).difference(shapely.union_all(footprints)) if crossed else Polygon()
    both = shapely.union_all([unseen, *known])
    pieces = [piece for piece in getattr(both, "geoms", [both]) if isinstance(piece, Polygon)]
    return sorted((piece for piece in pieces if piece.area >= _LEAST_GAP_M2), key=lambda piece: -piece.area)


def _across(facts: Facts) -> list[float]:
    """Of each picture that has others beside its line, the overlap with the best of them.

    Beside: rather to a side than ahead of or behind it, seen along the way to its neighbours in time.
    """
    places = np.array([(frame.pose.east_m, frame.pose.north_m) for frame in facts.flight.frames]).reshape(-1, 2)
    if len(places) < 3:
        return []
    tree = shapely.STRtree(list(facts.footprints))
    best = []
    for index, here in enumerate(places):
        way = places[min(index + 1, len(places) - 1)] - places[max(index - 1, 0)]
        length = float(np.linalg.norm(way))
        if length < 1.0:
            continue
        others = np.asarray(tree.query(facts.footprints[index], predicate="intersects"), np.int64)
        others = others[np.abs(others - index) > 1]
        to = places[others] - here
        ahead, aside = np.abs(to @ way) / length, np.abs(to @ np.array((way[1], -way[0]))) / length
        beside = others[aside > ahead]
        if len(beside):
            best.append(max(overlap(facts.footprints[index], facts.footprints[int(other)]) for other in beside))
    return best


def _not_used(tally: Tally) -> tuple[NotUsed, ...]:
    found = [NotUsed(reason, count, tuple(tally.examples[reason])) for reason, count in tally.counts.items()]
    return tuple(sorted(found, key=lambda each: (-each.count, each.reason)))


def _lenses(lenses: Sequence[LensReading]) -> tuple[LensReport, ...]:
    counted = Counter((reading.lens, reading.source) for reading in lenses)
    return tuple(
        LensReport(
            shown(source), lens.width, lens.height, round(lens.focal_x, 2), lens.focal_sigma, lens.distortion, count
        )
        for (lens, source), count in counted.most_common(MOST_EXAMPLES)
    )


def _readings(interpretations: Sequence[Interpretation]) -> tuple[Read, ...]:
    """Those that differ in numbers only are one, told by its first."""
    first: dict[tuple[str, str, bool], Interpretation] = {}
    counts: Counter[tuple[str, str, bool]] = Counter()
    for one in interpretations:
        key = (one.field, _DIGITS.sub("#", f"{one.taken_as} {one.because}"), one.certain)
        first.setdefault(key, one)
        counts[key] += 1
    found = [
        Read(shown(one.field), shown(one.taken_as), shown(one.because), one.certain, counts[key])
        for key, one in first.items()
    ]
    return tuple(sorted(found, key=lambda each: each.certain))


def _unread(taken: Taken) -> tuple[UnreadRecords, ...]:
    groups: dict[str, list[tuple[str, int, str]]] = {}
    for name, one in taken.unread:
        groups.setdefault(_DIGITS.sub("#", one.why), []).append((name, one.line, one.why))
    video = taken.kind == "video"
    found = [
        UnreadRecords(
            shown(rows[0][2]),
            len(rows),
            tuple(f"{name}: line {line}" if video else name for name, line, _ in rows[:MOST_EXAMPLES]),
        )
        for rows in groups.values()
    ]
    return tuple(sorted(found, key=lambda each: -each.count))


def _problems(facts: Facts, coverage: CoverageReport, accuracy: Spread | None) -> tuple[str, ...]:
    taken, used = facts.taken, len(facts.flight.frames)
    found = list(taken.remarks)
    if facts.material.left:
        names = ", ".join(facts.material.left[:MOST_EXAMPLES])
        found.append(f"{len(facts.material.left)} videos or raw pictures beside the stills were left out ({names}): "
                     "give a video by its own path")  # fmt: skip
    if not used:
        reasons = _not_used(facts.tally)
        why = f"mostly because: {reasons[0].reason} ({reasons[0].examples[0]})" if reasons else "there is none"
        found.append(f"none of {taken.found} pictures can be used, {why}")
        return tuple(found)
    others = sum(frame.positioning is not facts.expected for frame in facts.flight.frames)
    if facts.expected is not None and others:
        found.append(f"{others} of {used} pictures were not positioned by {facts.expected}, as was expected: look at "
                     "the drone's link to its base")  # fmt: skip
    if coverage.along is not None and coverage.along.median < _LOW_OVERLAP:
        found.append(f"pictures overlap by {coverage.along.median:.0%} only: fly slower, or take them more often")
    if coverage.gaps_m2:
        found.append(f"{coverage.gaps_m2:,.0f} m² between the pictures are not shown by any: see the map")
    if accuracy is not None and accuracy.median > 10:
        found.append(f"places are known to {accuracy.median:.0f} m only: give an elevation model or the ground's "
                     "height, and a drone that logs its camera's angles")  # fmt: skip
    return tuple(found)
