"""A flight from what a drone brought home: pictures with their poses, those worth using, and a report of the rest.

Files → pictures with records (`shots`) → one flight (`parts`) → poses (`posing`) → the ones to use (`selecting`) → a
`Flight` and its `FlightReport`. A picture is decoded only once it is chosen, two at a time, and never kept. Same files
and settings, same result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from shapely import Polygon

from contract.geometry import Point
from edge.flights.abreast import abreast
from edge.flights.flight import Flight, KeyFrame
from edge.flights.flight_settings import FlightSettings
from edge.flights.footprints import footprint_of
from edge.flights.ground import Datum, Ground, LevelGround, read_elevation
from edge.flights.local import REACH_M, LocalPlane
from edge.flights.locating import Locator
from edge.flights.material import FlightError, Material, material_of, shown
from edge.flights.parts import one_flight
from edge.flights.posing import (
    Conditions,
    Posed,
    PosingError,
    Takeoff,
    coordinate_sigma_m,
    courses,
    pose_of,
    takeoff_of,
)
from edge.flights.reporting import Facts, FlightReport, report_of
from edge.flights.selecting import by_overlap, sharp_ones, sharpness_of
from edge.flights.shots import NoProgress, Progress, Shot, Taken, Tally, stills_of, video_of
from edge.flights.telemetry import Fix, Interpretation
from edge.flights.uncertainty import PoseErrors
from edge.sources.errors import SourceError

_MARGIN_M = 300.0
"""Of an elevation model around the places of the drone."""
_LEVEL_SIGMA_M, _MODEL_SIGMA_M = 1.0, 3.0
_AT_ONCE = 2
"""Pictures that are decoded at the same time: each takes up to half a second, and its memory."""
_NUMBERED = re.compile(r"^record \d+: ")


@dataclass(frozen=True, slots=True, eq=False)
class Ingested:
    """A flight, and what was found on the way. `flight` may have no frames: the report then says why."""

    flight: Flight
    report: FlightReport
    ground: Ground
    """What the poses are above."""
    errors: tuple[PoseErrors, ...]
    """Of each frame of the flight: what frames share, and what is its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A picture that could be used."""

    shot: Shot
    posed: Posed
    footprint: Polygon
    """In metres of the plane."""
    height_m: float
    """Above the ground below."""


def ingest(path: Path, settings: FlightSettings | None = None, progress: Progress | None = None) -> Ingested:
    """The flight of a folder of stills, or of a video with its log.

    Raises:
        FlightError: no flight can be made of it, or it holds several.
        edge.flights.ground.GroundError: the elevation model cannot be used.
    """
    settings, progress = settings or FlightSettings(), progress or NoProgress()
    tally, material = Tally(), material_of(path)
    laid = laid_out(material, settings, tally, progress)
    candidates, readings = _candidates(laid, settings, tally)
    used, sharpness = _used(candidates, settings, tally, progress)
    frames = tuple(_key_frame(number, one) for number, one in enumerate(used))
    flight = Flight(_id_of(material), laid.plane, frames)
    errors = tuple(one.posed.errors for one in used)
    taken = laid.taken
    facts = Facts(
        path=shown(path),
        taken=replace(taken, interpretations=(*taken.interpretations, *laid.notes, *readings)),
        material=material,
        fixes=laid.fixes,
        flight=flight,
        ground=laid.ground,
        ground_said=laid.ground_said,
        footprints=tuple(one.footprint for one in used),
        heights_m=tuple(one.height_m for one in used),
        lenses=tuple(one.shot.lens for one in used),
        sharpness=sharpness,
        tally=tally,
        expected=settings.positioning,
    )
    return Ingested(flight, report_of(facts), laid.ground, errors)


@dataclass(frozen=True, slots=True, eq=False)
class LaidOut:
    """A flight's pictures and records, the plane and the ground they are in: all that a pose is made of."""

    taken: Taken
    shots: tuple[Shot, ...]
    """Of the one flight."""
    fixes: tuple[Fix, ...]
    plane: LocalPlane
    ground: Ground
    ground_said: str
    """For people."""
    takeoff: Takeoff | None
    notes: tuple[Interpretation, ...]


def laid_out(
    material: Material,
    settings: FlightSettings,
    tally: Tally,
    progress: Progress,
    at_seconds: float | None = None,
) -> LaidOut:
    """Reads what lies there, decodes nothing. `at_seconds`: of a video, the one picture to lay out.

    Raises:
        FlightError: as `ingest`.
        edge.flights.ground.GroundError: the elevation model cannot be used.
    """
    if material.video is not None:
        taken = video_of(material.video, settings, tally, progress, at_seconds)
    else:
        taken = stills_of(material.stills, settings, tally, progress)
    shots = one_flight(taken.shots, settings, tally)
    fixes = _records(taken, shots)
    plane = LocalPlane(_origin([shot.fix for shot in shots] or list(taken.fixes)))
    ground, ground_said, notes = _ground(settings, plane, fixes)
    takeoff, note = _takeoff(settings, fixes, ground)
    return LaidOut(taken, shots, fixes, plane, ground, ground_said, takeoff, (*notes, *note))


def _origin(fixes: Sequence[Fix]) -> Point:
    """The middle of the flight, rounded: a plane's origin should be easy to read."""
    if not fixes:
        return Point(coordinates=(0.0, 0.0))
    longitudes = [fix.longitude for fix in fixes]
    # Across the date line the middle is not between the numbers.
    turned = [(longitude - longitudes[0] + 180) % 360 - 180 for longitude in longitudes]
    longitude = (longitudes[0] + median(turned) + 180) % 360 - 180
    return Point(coordinates=(round(longitude, 5), round(median(fix.latitude for fix in fixes), 5)))


def _records(taken: Taken, shots: Sequence[Shot]) -> tuple[Fix, ...]:
    """All records of the flight: of stills, those of the part that was chosen."""
    return taken.fixes if taken.kind == "video" else tuple(shot.fix for shot in shots)


def _ground(
    settings: FlightSettings, plane: LocalPlane, fixes: Sequence[Fix]
) -> tuple[Ground, str, tuple[Interpretation, ...]]:
    """With how it is said to people."""
    said = settings.ground
    if said.elevation is not None:
        if not fixes:
            return LevelGround(), "none: there is no record of the flight's place", ()
        model = read_elevation(
            said.elevation, plane, _bounds(plane, fixes), datum=said.datum, sigma_m=said.sigma_m or _MODEL_SIGMA_M
        )
        words = f"{shown(said.elevation.name)}: {'; '.join(model.notes)}; good to {model.sigma_m:g} m"
        return model, words, ()
    sigma = said.sigma_m or _LEVEL_SIGMA_M
    if said.height_m is not None:
        datum = said.datum or Datum.SEA
        above = "the takeoff point" if datum is Datum.TAKEOFF else f"the {datum}"
        words = f"level, {said.height_m:g} m above {above}, good to {sigma:g} m"
        return LevelGround(said.height_m, datum, sigma), words, ()
    note = Interpretation(
        "ground",
        "level, as high as the takeoff point",
        "neither a height nor an elevation model was given",
        certain=False,
    )
    words = f"taken as level, as high as the takeoff point, good to {sigma:g} m"
    return LevelGround(sigma_m=sigma), words, (note,)


def _bounds(plane: LocalPlane, fixes: Sequence[Fix]) -> tuple[float, float, float, float]:
    places = plane.metres(np.array([fix.longitude for fix in fixes]), np.array([fix.latitude for fix in fixes]))
    places = places[np.isfinite(places).all(axis=1) & (np.hypot(places[:, 0], places[:, 1]) <= REACH_M)]
    if not len(places):
        raise FlightError("no record of the flight has a place on the earth: is it a log of a test?")
    (west, south), (east, north) = places.min(axis=0) - _MARGIN_M, places.max(axis=0) + _MARGIN_M
    return float(west), float(south), float(east), float(north)


def _takeoff(
    settings: FlightSettings, fixes: Sequence[Fix], ground: Ground
) -> tuple[Takeoff | None, tuple[Interpretation, ...]]:
    found, note = takeoff_of(fixes)
    if found is None or ground.datum is Datum.TAKEOFF:
        return found, ()  # heights above takeoff are above the ground's own datum: its place does not matter
    if settings.takeoff_height_m is not None:
        return replace(found, ground_m=settings.takeoff_height_m, sigma_m=0.5), ()
    return found, () if note is None else (note,)


def poses(laid: LaidOut, settings: FlightSettings) -> Iterator[tuple[Shot, Posed | PosingError]]:
    """Of each shot its pose, or why it has none."""
    rounding = coordinate_sigma_m(laid.fixes)
    conditions = Conditions(
        takeoff=laid.takeoff,
        geoid_m=settings.ground.geoid_m,
        assume_nadir=settings.assume_nadir,
        takeoff_height_sigma_m=settings.takeoff_height_sigma_m,
        sea_height_sigma_m=settings.sea_height_sigma_m,
    )
    for shot, course in zip(laid.shots, _courses(laid.shots, laid.fixes, laid.plane), strict=True):
        own = replace(
            conditions,
            added_own_sigma_m=math.hypot(rounding, shot.added_sigma_m),
            added_own_heading_degrees=shot.added_heading_degrees,
        )
        try:
            yield shot, pose_of(shot.fix, laid.plane, laid.ground, own, course)
        except PosingError as error:
            yield shot, error


def _candidates(
    laid: LaidOut, settings: FlightSettings, tally: Tally
) -> tuple[list[Candidate], tuple[Interpretation, ...]]:
    """Those with a pose, high enough and looking down enough, and how their records were read."""
    found, readings = [], []
    for shot, posed in poses(laid, settings):
        if isinstance(posed, PosingError):
            tally.add("has no pose", f"{shot.name}: {without_number(posed)}")
            continue
        one, why = _checked(shot, posed, laid.plane, laid.ground, settings)
        if one is None:
            tally.add(why, shot.name)
            continue
        found.append(one)
        readings += [*posed.interpretations, *shot.lens.interpretations]
    return found, tuple(readings)


def without_number(error: PosingError) -> str:
    """Its message, where the picture is named instead of the record."""
    return _NUMBERED.sub("", str(error))


def _courses(shots: Sequence[Shot], fixes: Sequence[Fix], plane: LocalPlane) -> list[float | None]:
    """Of each shot, by the record nearest to it: key frames alone may be too few to tell."""
    ways = courses(fixes, plane)
    times = [fix.media_time for fix in fixes]
    if len(fixes) == len(shots) or any(time is None for time in times):
        return list(courses([shot.fix for shot in shots], plane))
    order = np.argsort(np.array(times, np.float64), kind="stable")
    sorted_times = np.array(times, np.float64)[order]
    found = []
    for shot in shots:
        at = int(np.searchsorted(sorted_times, shot.log_seconds))
        near = [each for each in (at - 1, at) if 0 <= each < len(order)]
        found.append(ways[order[min(near, key=lambda each: abs(sorted_times[each] - shot.log_seconds))]])
    return found


def _checked(
    shot: Shot, posed: Posed, plane: LocalPlane, ground: Ground, settings: FlightSettings
) -> tuple[Candidate | None, str]:
    """Or why it cannot be used."""
    choice, pose = settings.choice, posed.pose
    below = float(ground.heights(np.array([(pose.east_m, pose.north_m)]))[0])
    height = pose.up_m - below
    if not math.isfinite(height):
        return None, "the elevation model has no height below it"
    if height < choice.least_height_m:
        return None, f"lower than {choice.least_height_m:g} m above the ground: takeoff, landing, or a wrong height"
    depression = math.degrees(math.asin(min(max(-float(pose.turn[2, 2]), -1.0), 1.0)))
    if depression < choice.least_depression_degrees:
        return None, f"looks down by less than {choice.least_depression_degrees:g}°: its places would be too uncertain"
    seen = footprint_of(Locator(_View(shot, posed), ground, plane).outline())
    if seen.is_empty:
        return None, "shows no ground that is known"
    return Candidate(shot, posed, seen, height), ""


class _View:
    """As `edge.flights.locating.View`."""

    def __init__(self, shot: Shot, posed: Posed) -> None:
        self.lens, self.pose = shot.lens.lens, posed.pose


def _used(
    candidates: Sequence[Candidate], settings: FlightSettings, tally: Tally, progress: Progress
) -> tuple[list[Candidate], tuple[float, ...]]:
    """Chosen by overlap, then by sharpness, for which they are decoded."""
    choice = settings.choice
    chosen = by_overlap([one.footprint for one in candidates], choice.overlap)
    shots = {index: candidates[index].shot for index in chosen}
    works = [partial(_looked_at, dict([*shots.items()][first::_AT_ONCE])) for first in range(_AT_ONCE)]
    known = {index: found for part in abreast(works, progress) for index, found in part.items()}
    broken = set[int]()

    def measure(index: int) -> float | None:
        found = known[index] if index in known else _sharpness(candidates[index].shot)
        if isinstance(found, SourceError):
            broken.add(index)
            tally.add("is broken", str(found))
            return None
        return found

    used, left = sharp_ones(chosen, len(candidates), measure, choice.least_sharpness)
    for index in left:
        tally.add("blurred: far less sharp than its neighbours", candidates[index].shot.name)
    for index, one in enumerate(candidates):
        if index not in used and index not in left and index not in broken:
            tally.add("not needed: its neighbours overlap enough", one.shot.name)
    return [candidates[index] for index in used], tuple(used.values())


def _looked_at(shots: Mapping[int, Shot], progress: Progress) -> dict[int, float | SourceError]:
    """How sharp each is, or why it cannot be read."""
    progress.begins("looking", len(shots))
    found = {}
    for index, shot in shots.items():
        progress.advances()
        found[index] = _sharpness(shot)
    return found


def _sharpness(shot: Shot) -> float | SourceError:
    try:
        return sharpness_of(shot.read_bgr())
    except SourceError as error:
        return error


def _key_frame(number: int, one: Candidate) -> KeyFrame:
    shot = one.shot
    return KeyFrame(
        name=shot.name,
        index=number,
        taken_at=shot.fix.taken_at,
        media_time=shot.fix.media_time,
        lens=shot.lens.lens,
        pose=one.posed.pose,
        positioning=shot.fix.positioning,
        read_bgr=shot.read_bgr,
    )


def _id_of(material: Material) -> str:
    """The folder's name, or the video's without its ending."""
    path = material.video or material.path
    name = (path if path.is_dir() else path.with_suffix("")).absolute().name
    return shown(name)[:100] or "flight"
