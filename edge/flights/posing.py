"""From what a drone wrote down to where its camera was, how it was turned, and how well both are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.geometry import Point
from edge.flights.ground import Datum, Ground
from edge.flights.local import REACH_M, LocalPlane
from edge.flights.telemetry import Attitude, Fix, Interpretation, Positioning
from edge.flights.uncertainty import (
    ASSUMED_NADIR_TILT_DEGREES,
    BUDGETS,
    COURSE_HEADING_DEGREES,
    GEOID_SIGMA_M,
    PLATFORM_HEADING_DEGREES,
    Budget,
    PoseErrors,
    Split,
    pose_errors,
)
from edge.vision.pose import Pose, turned

_METRES_PER_DEGREE = 111_320.0
_COARSEST_DECIMALS, _FINEST_DECIMALS = 3, 7
_COURSE_SECONDS = 2.5
_LEAST_COURSE_M, _LEAST_COURSE_SIGMAS = 3.0, 5.0
"""From end to end of what a course is taken from: less may be noise of GNSS, or steps of rounded coordinates."""
_ON_THE_GROUND_M = 3.0
"""Above the takeoff point: a drone that low is still there."""


class PosingError(Exception):
    """A record from which no pose follows: the message says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Takeoff:
    """The place that heights "above takeoff" are above."""

    place: Point
    ground_m: float | None = None
    """Its height in the ground's datum; None: as the ground has it there."""
    sigma_m: float = 0.5
    """Of that height, or of the place where the height is looked up."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds for a whole flight, and is not in its records."""

    takeoff: Takeoff | None = None
    """Needed where heights above takeoff meet a ground of another datum."""
    geoid_m: float | None = None
    """The sea's level above the ellipsoid, where one kind of height must become the other."""
    assume_nadir: bool = False
    """A log without gimbal angles is read as that of a camera that looked straight down."""
    added_own_sigma_m: float = 0.0
    """Of each frame's position: a log's coarse coordinates, the lag of its clock times the speed (see `tracks`)."""
    added_own_heading_degrees: float = 0.0
    """Of each frame's heading: the lag times how fast it turned."""
    takeoff_height_sigma_m: float | None = None
    sea_height_sigma_m: float | None = None
    """Instead of the budget's, for makers whose heights are known to be better or worse."""


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A pose with the total of `errors` as its covariance, and how doubtful records were read."""

    pose: Pose
    errors: PoseErrors
    interpretations: tuple[Interpretation, ...] = ()


def pose_of(
    fix: Fix,
    plane: LocalPlane,
    ground: Ground,
    conditions: Conditions | None = None,
    course_degrees: float | None = None,
) -> Posed:
    """The camera's pose; its height is in the ground's datum.

    `course_degrees`: clockwise from north, where the drone was flying. Used for the heading only if the caller assumes
    nadir and the log has no yaw.

    Raises:
        PosingError: no position or height to work with, or no angles and no leave to assume them.
    """
    conditions = conditions or Conditions()
    budget = BUDGETS[fix.positioning]
    notes: list[Interpretation] = []
    east, north = _place(fix, plane)
    up, vertical = _height(fix, plane, ground, conditions, budget, notes)
    attitude, tilt, heading = _attitude(fix, conditions, course_degrees, budget, notes)
    horizontal = budget.horizontal_m
    if fix.horizontal_sigma_m is not None:
        horizontal = horizontal.scaled(_sane(fix, "horizontal sigma", fix.horizontal_sigma_m))
    elif fix.positioning is Positioning.UNKNOWN:
        notes.append(
            Interpretation(
                "positioning", "consumer GNSS", "the log does not say how it knew its position", certain=False
            )
        )
    heading = heading.and_own(conditions.added_own_heading_degrees)
    errors = pose_errors(horizontal.and_own(conditions.added_own_sigma_m), vertical, tilt, heading)
    turn = turned(attitude.yaw, attitude.pitch, attitude.roll)
    return Posed(Pose(east, north, up, turn, errors.total), errors, tuple(notes))


def takeoff_of(fixes: Sequence[Fix]) -> tuple[Takeoff | None, Interpretation | None]:
    """The takeoff place, as the log shows it: where it is first within 3 m of it in height.

    A log that begins in the air shows none. Then its first place is taken: near on flat ground, and said to be a guess.
    """
    flying = [fix for fix in fixes if fix.above_takeoff_m is not None]
    if not flying:
        return None, None
    for fix in flying:
        if abs(fix.above_takeoff_m or 0.0) <= _ON_THE_GROUND_M:
            return Takeoff(Point(coordinates=(fix.longitude, fix.latitude))), None
    first = flying[0]
    return Takeoff(Point(coordinates=(first.longitude, first.latitude)), sigma_m=3.0), Interpretation(
        "takeoff",
        "below the first record",
        f"the log begins {first.above_takeoff_m:.0f} m above it",
        certain=False,
    )


def courses(fixes: Sequence[Fix], plane: LocalPlane) -> tuple[float | None, ...]:
    """Of each fix, where the drone was flying: degrees clockwise from north; None where it hardly moved.

    From 2.5 s before to 2.5 s after, in logs without media time from the record before to the one after. The way must
    be long against the noise and the rounding of its ends.
    """
    if not fixes:
        return ()
    places = plane.metres(np.array([fix.longitude for fix in fixes]), np.array([fix.latitude for fix in fixes]))
    least_m = max(_LEAST_COURSE_M, _LEAST_COURSE_SIGMAS * coordinate_sigma_m(fixes))
    count = len(fixes)
    times = np.array([math.nan if fix.media_time is None else fix.media_time for fix in fixes])
    if np.isfinite(times).all() and (np.diff(times) >= 0).all():
        first = np.searchsorted(times, times - _COURSE_SECONDS)
        last = np.searchsorted(times, times + _COURSE_SECONDS, side="right") - 1
    else:
        first, last = np.maximum(np.arange(count) - 1, 0), np.minimum(np.arange(count) + 1, count - 1)
    ways = places[last] - places[first]
    moved = np.linalg.norm(ways, axis=1)
    angles = np.degrees(np.arctan2(ways[:, 0], ways[:, 1])) % 360
    return tuple(float(angle) if far >= least_m else None for angle, far in zip(angles, moved, strict=True))


def coordinate_sigma_m(fixes: Sequence[Fix]) -> float:
    """Standard deviation of positions that were rounded: some logs write four decimals, which are 11 m apart.

    The fewest decimals (3 to 7) that all coordinates have; a rounding error is evenly spread over its step.
    """
    values = [value for fix in fixes for value in (fix.latitude, fix.longitude)]
    for decimals in range(_COARSEST_DECIMALS, _FINEST_DECIMALS):
        if all(abs(value - round(value, decimals)) < 1e-9 for value in values):
            return float(10.0**-decimals * _METRES_PER_DEGREE / math.sqrt(12))
    return 0.0


def _place(fix: Fix, plane: LocalPlane) -> tuple[float, float]:
    if not (abs(fix.latitude) <= 90 and abs(fix.longitude) <= 180):
        raise PosingError(f"record {fix.line}: found position {fix.latitude}, {fix.longitude}, expected degrees")
    if fix.latitude == 0 and fix.longitude == 0:
        raise PosingError(f"record {fix.line}: found position 0, 0, which loggers write while they have none")
    east, north = plane.metres(np.array([fix.longitude]), np.array([fix.latitude]))[0]
    if not math.hypot(east, north) <= REACH_M:
        raise PosingError(
            f"record {fix.line}: found position {fix.latitude:.6f}, {fix.longitude:.6f}, over {REACH_M / 1000:g} km "
            "from the flight's origin: are latitude and longitude exchanged, or is it a leap of the receiver?"
        )
    return float(east), float(north)


@dataclass(frozen=True, slots=True)
class _Height:
    up_m: float
    sigma: Split
    note: Interpretation | None = None


def _height(
    fix: Fix, plane: LocalPlane, ground: Ground, conditions: Conditions, budget: Budget, notes: list[Interpretation]
) -> tuple[float, Split]:
    """Of all heights that can be brought into the ground's datum, the best known."""
    found = [
        height
        for height in (
            _above_takeoff(fix, plane, ground, conditions, budget),
            _above_sea(fix, ground, conditions, budget),
            _above_ellipsoid(fix, ground, conditions, budget),
        )
        if height is not None
    ]
    if not found:
        raise PosingError(f"record {fix.line}: {_why_no_height(fix, ground)}")
    best = min(found, key=lambda height: height.sigma.total)
    if not math.isfinite(best.up_m):
        raise PosingError(f"record {fix.line}: found a height that is no number")
    if best.note is not None:
        notes.append(best.note)
    return best.up_m, best.sigma


def _above_takeoff(
    fix: Fix, plane: LocalPlane, ground: Ground, conditions: Conditions, budget: Budget
) -> _Height | None:
    if fix.above_takeoff_m is None:
        return None
    sigma = budget.takeoff_height_m
    if conditions.takeoff_height_sigma_m is not None:
        sigma = sigma.scaled(conditions.takeoff_height_sigma_m)
    elif fix.vertical_sigma_m is not None and fix.above_sea_m is None and fix.above_ellipsoid_m is None:
        # With an absolute height beside it, the stated sigma is that one's.
        sigma = sigma.scaled(_sane(fix, "vertical sigma", fix.vertical_sigma_m))
    if ground.datum is Datum.TAKEOFF:
        return _Height(fix.above_takeoff_m, sigma)
    takeoff = conditions.takeoff
    if takeoff is None:
        return None
    level = takeoff.ground_m
    if level is None:
        level = float(ground.heights(np.array([plane.at(takeoff.place)]))[0])
        if not math.isfinite(level):
            return None
    return _Height(level + fix.above_takeoff_m, sigma.and_shared(takeoff.sigma_m))


def _above_sea(fix: Fix, ground: Ground, conditions: Conditions, budget: Budget) -> _Height | None:
    if fix.above_sea_m is None or ground.datum is Datum.TAKEOFF:
        return None
    note = None
    if fix.vertical_sigma_m is not None:
        sigma = budget.absolute_height_m.scaled(_sane(fix, "vertical sigma", fix.vertical_sigma_m))
    elif conditions.sea_height_sigma_m is not None:
        sigma = budget.sea_height_m.scaled(conditions.sea_height_sigma_m)
    else:
        sigma = budget.sea_height_m
        note = Interpretation(
            "above_sea_m",
            f"a height with a standard deviation of {sigma.total:.0f} m",
            "makers write the barometer's height there, or one above the ellipsoid, both tens of metres off; state "
            "how well it is known (sea_height_sigma_m) if this one means the sea",
            certain=False,
        )
    if ground.datum is Datum.SEA:
        return _Height(fix.above_sea_m, sigma, note)
    if conditions.geoid_m is None:
        return None
    return _Height(fix.above_sea_m + conditions.geoid_m, sigma.and_shared(GEOID_SIGMA_M), note)


def _above_ellipsoid(fix: Fix, ground: Ground, conditions: Conditions, budget: Budget) -> _Height | None:
    if fix.above_ellipsoid_m is None or ground.datum is Datum.TAKEOFF:
        return None
    sigma = budget.absolute_height_m
    if fix.vertical_sigma_m is not None:
        sigma = sigma.scaled(_sane(fix, "vertical sigma", fix.vertical_sigma_m))
    if ground.datum is Datum.ELLIPSOID:
        return _Height(fix.above_ellipsoid_m, sigma)
    if conditions.geoid_m is None:
        return None
    return _Height(fix.above_ellipsoid_m - conditions.geoid_m, sigma.and_shared(GEOID_SIGMA_M))


def _why_no_height(fix: Fix, ground: Ground) -> str:
    """And what to do."""
    logged = [
        name
        for name, value in (
            ("above takeoff", fix.above_takeoff_m),
            ("above the sea", fix.above_sea_m),
            ("above the ellipsoid", fix.above_ellipsoid_m),
        )
        if value is not None
    ]
    if not logged:
        return "no height in the log: a place on the ground needs one"
    if ground.datum is Datum.TAKEOFF:
        return (
            f"the log has heights {' and '.join(logged)} only, the ground's are above takeoff: state the ground's "
            "height above the sea, or give an elevation model"
        )
    return (
        f"the log has heights {' and '.join(logged)}, the ground's are above {ground.datum}: state the takeoff place "
        "(on the elevation model, or with its height), or the geoid's height"
    )


def _attitude(
    fix: Fix, conditions: Conditions, course: float | None, budget: Budget, notes: list[Interpretation]
) -> tuple[Attitude, Split, Split]:
    """With the errors of tilt and heading."""
    if fix.gimbal is not None:
        if not all(map(math.isfinite, (fix.gimbal.yaw, fix.gimbal.pitch, fix.gimbal.roll))):
            raise PosingError(f"record {fix.line}: found a gimbal angle that is no number")
        return fix.gimbal, budget.tilt_degrees, budget.heading_degrees
    if not conditions.assume_nadir:
        raise PosingError(
            f"record {fix.line}: no gimbal angles: if the camera looked straight down, say so (assume_nadir), "
            "else take them from another log of this flight"
        )
    if fix.platform is not None and math.isfinite(fix.platform.yaw):
        yaw, heading, source = fix.platform.yaw, PLATFORM_HEADING_DEGREES, "the airframe's heading"
    elif course is not None:
        yaw, heading, source = course, COURSE_HEADING_DEGREES, "the course over ground"
    else:
        raise PosingError(
            f"record {fix.line}: neither gimbal nor airframe angles, and it hardly moved: no telling where north is in "
            "the picture"
        )
    notes.append(
        Interpretation(
            "gimbal",
            f"straight down, its upper edge to {source}",
            "the log has no gimbal angles, and the caller said that it looked straight down",
            certain=False,
        )
    )
    return Attitude(yaw, -90.0, 0.0), ASSUMED_NADIR_TILT_DEGREES, heading


def _sane(fix: Fix, what: str, sigma_m: float) -> float:
    if not 0 < sigma_m < 1_000:
        raise PosingError(f"record {fix.line}: found a {what} of {sigma_m} m, expected more than 0 and less than 1000")
    return sigma_m
