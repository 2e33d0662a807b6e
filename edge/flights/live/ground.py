"""Places of what a flying camera sees, by where it was when it saw it: see `edge.detectors.interface.GroundPort`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from contract.geometry import Location, Point
from edge.flights.flight_settings import LensSettings
from edge.flights.ground import Ground
from edge.flights.lenses import LensError, LensReading, lens_of
from edge.flights.live.track import Absent, LiveTrack, Moment
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.posing import Conditions, PosingError, Takeoff, pose_of
from edge.flights.telemetry import Fix
from edge.vision.lens import Lens
from edge.vision.pose import Pose

LEAST_SPEED_M_S = 2.0
"""From which a course says where a drone's nose points, if nothing else does."""
_MOST_LENSES = 64
"""A zoom goes through many; each is quickly made again."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a drone flies over, and what of its pictures does not change while it does."""

    plane: LocalPlane
    ground: Ground
    lens: LensSettings
    main_size: tuple[int, int]
    """Width and height that the lens's pixels are of."""
    decoded_size: tuple[int, int]
    conditions: Conditions
    clock_sigma_seconds: float
    pixel_error_px: float
    """Of the main size."""
    max_accuracy_m: float


@dataclass(frozen=True, slots=True)
class _View:
    """As `edge.flights.locating.View`."""

    lens: Lens
    pose: Pose


class DroneGround:
    """The ground that a flying camera sees. `axis` turns media time into the track's seconds; None: not yet known.

    For one thread, but for `problem` and `placed`.
    """

    def __init__(self, track: LiveTrack, scene: Scene, axis: Callable[[float], float | None]) -> None:
        self._track, self._scene, self._axis = track, scene, axis
        self._lenses: dict[object, LensReading | LensError] = {}
        self._latest = 0.0
        self._made: tuple[float, Locator | None] | None = None
        self.problem = ""
        """Why there was no place when one was last asked for; empty: there was."""
        self.placed = 0
        """How many places were given."""

    def follow(self, media_time: float) -> None:
        """A picture of this time is looked at: its place is what is asked for, if nothing else is said."""
        self._latest = media_time

    def at(self, x: float, y: float, media_time: float | None = None) -> Location | None:
        """See `GroundPort.at`. None also while the telemetry is silent, and where the place is known worse than
        `max_accuracy_m`."""
        locator = self.locator(self._latest if media_time is None else media_time)
        if locator is None:
            return None
        found = locator.at(x, y)
        self.problem = "" if found is not None else "it looks above the horizon, too far, or off the elevation model"
        self.placed += found is not None
        return found

    def metres_per_pixel(self, x: float, y: float, media_time: float | None = None) -> float | None:
        """See `GroundPort.metres_per_pixel`."""
        locator = self.locator(self._latest if media_time is None else media_time)
        return None if locator is None else locator.metres_per_pixel(x, y)

    def locator(self, media_time: float) -> Locator | None:
        """The ground as seen in the picture of a time; None says why in `problem`."""
        if self._made is None or self._made[0] != media_time or self._made[1] is None:
            self._made = media_time, self._locator(media_time)
        return self._made[1]

    def __deepcopy__(self, _memo: dict[int, Any]) -> DroneGround:
        """A drill's copy of a detector asks the same ground."""
        return self

    def _locator(self, media_time: float) -> Locator | None:
        seconds = self._axis(media_time)
        moment = Absent.SILENT if seconds is None else self._track.at(seconds)
        if isinstance(moment, Absent):
            self.problem = moment.value
            return None
        try:
            view = _View(self._lens(moment.fix), self._pose(moment))
        except (PosingError, LensError) as error:
            self.problem = str(error)
            return None
        scene = self._scene
        return Locator(
            view,
            scene.ground,
            scene.plane,
            pixel_sigma_px=scene.pixel_error_px * scene.decoded_size[0] / scene.main_size[0],
            max_accuracy_m=scene.max_accuracy_m,
        )

    def _pose(self, moment: Moment) -> Pose:
        east, north = float(moment.rate[0]), float(moment.rate[1])
        course = math.degrees(math.atan2(east, north)) % 360 if math.hypot(east, north) >= LEAST_SPEED_M_S else None
        pose = pose_of(moment.fix, self._scene.plane, self._scene.ground, self._conditions(), course).pose
        if not np.isfinite(pose.turn).all():
            raise PosingError("found an attitude that is none")
        return replace(pose, covariance=pose.covariance + moment.covariance(self._scene.clock_sigma_seconds))

    def _conditions(self) -> Conditions:
        """With the place that heights above takeoff count from, if the drone was seen there and nobody states it."""
        seen = self._track.on_the_ground
        if self._scene.conditions.takeoff is not None or seen is None:
            return self._scene.conditions
        return replace(self._scene.conditions, takeoff=Takeoff(Point(coordinates=(seen.longitude, seen.latitude))))

    def _lens(self, fix: Fix) -> Lens:
        said, (width, height) = self._scene.lens, self._scene.main_size
        equivalent = said.focal_35mm_mm or (None if fix.focal_35mm_mm is None else round(fix.focal_35mm_mm, 1))
        focal = said.focal_mm or (None if fix.focal_mm is None else round(fix.focal_mm, 2))
        zoom = None if fix.digital_zoom is None else round(fix.digital_zoom, 2)
        key = (equivalent, focal, zoom)
        if key not in self._lenses:
            if len(self._lenses) >= _MOST_LENSES:
                self._lenses.clear()
            try:
                self._lenses[key] = lens_of(
                    width=width,
                    height=height,
                    model=said.model,
                    focal_px=said.focal_px,
                    focal_mm=focal,
                    focal_35mm_mm=equivalent,
                    sensor_width_mm=said.sensor_width_mm,
                    centre_px=said.centre_px,
                    distortion=said.distortion,
                    calibrated=said.calibrated,
                    digital_zoom=zoom,
                    is_video=True,
                )
            except LensError as error:
                self._lenses[key] = error
        found = self._lenses[key]
        if isinstance(found, LensError):
            raise found
        return found.lens.scaled(*self._scene.decoded_size)
