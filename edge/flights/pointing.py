"""Where single pixels of a flight's picture are, how well that is known, and what the doubt is made of.

For whoever looks at a picture and asks "where is this?": any picture that has a record, also one that a survey would
not choose because it is oblique, low or blurred.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from contract.geometry import Point
from edge.flights.flight_settings import FlightSettings
from edge.flights.ground import Datum
from edge.flights.ingesting import LaidOut, laid_out, poses, without_number
from edge.flights.locating import MAX_ACCURACY_M, Locator
from edge.flights.material import FlightError, Material, material_of, shown
from edge.flights.posing import Posed, PosingError
from edge.flights.shots import NoProgress, Progress, Shot, Tally, stills_of
from edge.flights.telemetry import Interpretation, Positioning
from edge.vision.arrays import Doubles
from edge.vision.ground import radius_95
from edge.vision.lens import Lens
from edge.vision.pose import Pose
from edge.vision.rays import FARTHEST_M, FOCAL, GROUND, PIXEL_X, TURN_EAST, TURN_UP, UP

_TIME = re.compile(r"(?:(?:(\d{1,3}):)?([0-5]?\d):)?(\d{1,6}(?:\.\d{1,6})?)", re.ASCII)
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Share:
    """One thing that may be wrong, and what it alone would do to the place."""

    name: str
    sigma: float
    """Standard deviation of one axis, in `unit`."""
    unit: str
    radius_m: float
    """Holds 95 % of the errors that come of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pixel's place on the ground."""

    point: Point
    """WGS-84."""
    height_m: float
    """Of the ground there, above `Picture.datum`."""
    accuracy_m: float
    """95 % radius of all shares together, which add up as squares."""
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Pointed:
    """One pixel that was asked for: its place, or why it has none and what to do."""

    x: float
    y: float
    found: Found | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture that was pointed at, and how it lay."""

    flight: str
    name: str
    taken_at: datetime | None
    media_time: float | None
    width: int
    height: int
    positioning: Positioning
    camera: Point
    above_ground_m: float | None
    """None off the elevation model."""
    depression_degrees: float
    """Of the camera's axis below the horizon."""
    ground: str
    datum: Datum
    pixels: tuple[Pointed, ...]
    readings: tuple[Interpretation, ...]
    """How doubtful statements were read."""


class _View:
    """As `edge.flights.locating.View`."""

    def __init__(self, lens: Lens, pose: Pose) -> None:
        self.lens, self.pose = lens, pose


def point_at(
    path: Path,
    frame: str,
    pixels: Sequence[tuple[float, float]],
    settings: FlightSettings | None = None,
    progress: Progress | None = None,
) -> Picture:
    """Locates pixels (x, y) of one picture: a still by its name, a video's picture by its time (`83.2`, `1:23.2`).

    The centre of the upper left pixel is 0, 0, as stored: a viewer that turns pictures by EXIF shows another corner.

    Raises:
        FlightError: no such flight or picture, or the picture has no record, lens or pose; says what to do.
        edge.flights.ground.GroundError: the elevation model cannot be used.
    """
    settings, progress = settings or FlightSettings(), progress or NoProgress()
    material, tally = material_of(path), Tally()
    if material.video is not None:
        laid = laid_out(material, settings, tally, progress, seconds_of(frame))
        shot, posed = _of_video(laid, settings, tally, frame)
    else:
        still = _still_of(material, frame)
        laid = laid_out(material, settings, tally, progress)
        shot, posed = _of_still(laid, settings, still)
    view = _View(shot.lens.lens, posed.pose)
    locator = Locator(view, laid.ground, laid.plane)
    pose = posed.pose
    below = float(laid.ground.heights(np.array([(pose.east_m, pose.north_m)]))[0])
    readings = (*laid.taken.interpretations, *laid.notes, *posed.interpretations, *shot.lens.interpretations)
    return Picture(
        flight=shown(path),
        name=shown(shot.name),
        taken_at=shot.fix.taken_at,
        media_time=shot.fix.media_time if material.video is not None else None,
        width=view.lens.width,
        height=view.lens.height,
        positioning=shot.fix.positioning,
        camera=laid.plane.point(pose.east_m, pose.north_m),
        above_ground_m=pose.up_m - below if math.isfinite(below) else None,
        depression_degrees=math.degrees(math.asin(min(max(-float(pose.turn[2, 2]), -1.0), 1.0))),
        ground=laid.ground_said,
        datum=laid.ground.datum,
        pixels=tuple(_pointed(locator, x, y) for x, y in pixels),
        readings=tuple(dict.fromkeys(one for one in readings if not one.certain)),
    )


def seconds_of(text: str) -> float:
    """Of a time in a video: `83.2`, `1:23.2`, `0:01:23.2`.

    Raises:
        FlightError: it is none.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None or (found[2] is not None and float(found[3]) >= 60):
        raise FlightError(f"found {shown(text)}, expected a time of the video as 83.2, 1:23.2 or 0:01:23.2")
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)


# ---- the picture


def _still_of(material: Material, frame: str) -> Path:
    """The only still of this name, with or without its ending, in small or capital letters."""
    wanted = frame.lower()
    found = [each for each in material.stills if wanted in {each.name.lower(), each.stem.lower()}]
    exact = [each for each in found if each.name == frame]
    if len(exact or found) == 1:
        return (exact or found)[0]
    names = [shown(each.name) for each in (found or material.stills)[:_MOST_NAMED]]
    more = " …" if len(found or material.stills) > _MOST_NAMED else ""
    many = "several pictures" if found else "no picture"
    raise FlightError(
        f"{shown(material.path)}: found {many} called {shown(frame)}, expected one of {', '.join(names)}{more}"
    )


def _of_still(laid: LaidOut, settings: FlightSettings, still: Path) -> tuple[Shot, Posed]:
    name = shown(still.name)
    for shot, posed in poses(laid, settings):
        if shot.name == name:
            return shot, _posed(name, posed)
    # Whatever is wrong with it was counted among others: looked at alone, it says what.
    alone = Tally()
    stills_of([still], settings, alone, NoProgress())
    why = next((one for reasons in alone.examples.values() for one in reasons), "")
    raise FlightError(
        why or f"{name}: belongs to another flight of this folder than the one that was laid out: state part"
    )


def _of_video(laid: LaidOut, settings: FlightSettings, tally: Tally, frame: str) -> tuple[Shot, Posed]:
    for shot, posed in poses(laid, settings):
        return shot, _posed(f"{shown(frame)} of the video", posed)
    times = [fix.media_time for fix in laid.fixes if fix.media_time is not None]
    lens = tally.examples.get("has no usable lens")
    if lens:
        raise FlightError(lens[0])
    offset = settings.log_offset_s or 0.0
    raise FlightError(
        f"{shown(frame)}: the log {laid.taken.log} has no record of that time; it goes from {min(times) - offset:.1f} "
        f"to {max(times) - offset:.1f} s of the video, and pauses of some seconds are not bridged: choose another time"
    )


def _posed(name: str, posed: Posed | PosingError) -> Posed:
    if isinstance(posed, PosingError):
        raise FlightError(f"{name}: has no pose: {without_number(posed)}")
    return posed


# ---- its pixels


def _pointed(locator: Locator, x: float, y: float) -> Pointed:
    lens = locator.lens
    if not (-0.5 <= x <= lens.width - 0.5 and -0.5 <= y <= lens.height - 0.5):
        return Pointed(x, y, None, f"lies outside of the picture of {lens.width} x {lens.height} pixels")
    pixel = np.array([(x, y)], np.float64)
    places = locator.places(pixel)
    if not (np.isfinite(places.points).all() and np.isfinite(places.covariances_m2).all()):
        return Pointed(x, y, None, _why_nowhere(locator, pixel))
    accuracy = radius_95(places.covariances_m2[0])
    east, north, up = (float(value) for value in places.points[0])
    if accuracy > MAX_ACCURACY_M:
        away = math.dist((east, north), (locator.pose.east_m, locator.pose.north_m))
        return Pointed(
            x,
            y,
            None,
            f"is some {away:,.0f} m away, and known to {accuracy:,.0f} m only, which says no more than where the drone "
            "is: take a picture that looks down more steeply, or a place nearer to the drone",
        )
    found = Found(locator.plane.point(east, north), up, accuracy, _shares(locator, places.sensitivity[0]))
    return Pointed(x, y, found)


def _why_nowhere(locator: Locator, pixel: Doubles) -> str:
    direction = locator.pose.to_world(locator.lens.directions(pixel))[0]
    rises = math.degrees(math.asin(float(direction[2]) / float(np.linalg.norm(direction))))
    if rises >= 0:
        return f"looks {rises:.1f}° above the horizon: choose a pixel that shows the ground"
    if rises > -0.5:
        return "looks along the horizon: choose a pixel that shows nearer ground"
    here = locator.ground.heights(np.array([(locator.pose.east_m, locator.pose.north_m)]))
    if float(here[0]) >= locator.pose.up_m:
        return (
            "no place, for by its records the camera was below the ground: check the takeoff height, and what the "
            "heights of log and ground are above"
        )
    return (
        f"looks down by {-rises:.1f}°, but meets no known ground within {FARTHEST_M / 1000:g} km: the elevation model "
        "ends before, or has a gap on the way; give one that covers it"
    )


def _shares(locator: Locator, sensitivity: Doubles) -> tuple[Share, ...]:
    """Each alone; `sensitivity` (2, 10) as `edge.vision.rays.sensitivities`."""
    covariance = locator.pose.covariance

    def posed(first: int, last: int) -> float:
        part = sensitivity[:, first:last]
        return radius_95(part @ covariance[first:last, first:last] @ part.T)

    def single(first: int, last: int, sigma: float) -> float:
        part = sensitivity[:, first:last] * sigma
        return radius_95(part @ part.T)

    sigmas = np.sqrt(np.diag(covariance))
    focal, ground, pixel = locator.lens.focal_sigma, locator.ground.sigma_m, locator.pixel_sigma_px
    return (
        Share("position of the drone", float(sigmas[:UP].max()), "m", posed(0, UP)),
        Share("height of the drone", float(sigmas[UP]), "m", posed(UP, TURN_EAST)),
        Share(
            "which way is down", math.degrees(float(sigmas[TURN_EAST:TURN_UP].max())), "°", posed(TURN_EAST, TURN_UP)
        ),
        Share("heading", math.degrees(float(sigmas[TURN_UP])), "°", posed(TURN_UP, FOCAL)),
        Share("focal length", 100 * focal, "%", single(FOCAL, GROUND, focal)),
        Share("height of the ground", ground, "m", single(GROUND, PIXEL_X, ground)),
        Share("the pixel itself", pixel, "px", single(PIXEL_X, PIXEL_X + 2, pixel)),
    )
