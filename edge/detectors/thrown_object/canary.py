"""A drill of `thrown_object`: a ball that falls along the façade, painted with the camera's own geometry.

It falls as a thing does, 9.81 m/s² from rest, so the detector finds it only if its calibration, its background and its
gates are right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.canary import NoCanaryError
from edge.detectors.interface import Image, Observation
from edge.detectors.registry import PictureSize
from edge.detectors.thrown_object.settings import FacadeSettings, ThrownObjectSettings
from edge.vision.arrays import Doubles, Mask
from edge.vision.plane import FacadePlane
from edge.vision.regions import depth_inside, polygon_mask, without

GRAVITY_MPS2 = 9.81
START_SPEED_MPS = 1.0
"""As of something that slips off a sill."""
STEP_SECONDS = 0.04
"""The path is judged at 25 points a second, as a camera sees it."""
MOST_SECONDS = 2.0
"""Free fall of 20 m; longer drops leave the gates' end speed behind and prove nothing more."""
SPARE = 1.5
"""How much more than the gates ask for is painted: the detector sees the first frames late."""
RADIUS_M = 0.12
"""A football. Smaller things are the detector's limit, and not what a drill is to prove."""
RADIUS_PX = (2.5, 12.0)
PATIENCE_SECONDS = 3.0
"""After its end. The detector answers within a frame; a stalled stream takes longer."""
DARK, BRIGHT = 20, 235
NEAR_SHARE = 0.7
"""So much of a track must lie on the painted path: the last points may be another thing's."""
_SHIFT = 4
_PLACES = 400
"""Tried for a path; a narrow façade between masks has few."""


@dataclass(frozen=True, slots=True)
class PathPoint:
    """Where the thing is at one time: pixels, and its radius in them."""

    x: float
    y: float
    radius: float


class PaintedFall:
    """One fall, see `edge.detectors.canary.CameraCanary`."""

    def __init__(self, plane: FacadePlane, start_m: tuple[float, float], seconds: float) -> None:
        self._plane = plane
        self._to_pixels: Doubles = np.asarray(np.linalg.inv(plane.matrix), np.float64)
        self._start_m = start_m
        self._seconds = seconds
        self._grey: int | None = None

    @property
    def seconds(self) -> float:
        return self._seconds

    @property
    def patience_seconds(self) -> float:
        return self._seconds + PATIENCE_SECONDS

    def at(self, seconds: float) -> PathPoint:
        """Where it is, `seconds` after its beginning."""
        x_m, start_m = self._start_m
        y_m = start_m - START_SPEED_MPS * seconds - GRAVITY_MPS2 * seconds * seconds / 2
        x, y, w = self._to_pixels @ (x_m, y_m, 1.0)
        x, y = float(x / w), float(y / w)
        radius = RADIUS_M / max(self._plane.at(x, y).per_pixel_m, 1e-6)
        return PathPoint(x, y, min(max(radius, RADIUS_PX[0]), RADIUS_PX[1]))

    def paint_luma(self, luma: Image, seconds: float) -> None:
        if not 0 <= seconds <= self._seconds:
            return
        if self._grey is None:
            self._grey = self._contrast(luma)
        self._draw(luma, self.at(seconds), 0, 0, float(self._grey))

    def paint_bgr(self, picture: Image, seconds: float, x: int, y: int) -> None:
        if 0 <= seconds <= self._seconds:
            grey = float(DARK if self._grey is None else self._grey)
            self._draw(picture, self.at(seconds), x, y, (grey, grey, grey))

    def recognises(self, observation: Observation, began_media_time: float) -> bool:
        return any(self._follows(mark.polyline, began_media_time) for mark in observation.marks)

    def _follows(self, track: tuple[tuple[float, float, float], ...], began: float) -> bool:
        near = 0
        for t, x, y in track:
            if -STEP_SECONDS <= t - began <= self._seconds + STEP_SECONDS:
                point = self.at(t - began)
                near += math.hypot(point.x - x, point.y - y) <= 2 * point.radius + 2
        return len(track) >= 3 and near >= NEAR_SHARE * len(track)

    def _contrast(self, luma: Image) -> int:
        """Dark before a bright wall and bright before a dark one, as it is along the path."""
        height, width = luma.shape
        seen = []
        for step in range(int(self._seconds / STEP_SECONDS) + 1):
            point = self.at(step * STEP_SECONDS)
            x, y = round(point.x), round(point.y)
            if 0 <= x < width and 0 <= y < height:
                seen.append(int(luma[y, x]))
        return DARK if not seen or sum(seen) / len(seen) >= (DARK + BRIGHT) / 2 else BRIGHT

    @staticmethod
    def _draw(picture: Image, point: PathPoint, left: int, top: int, colour: float | tuple[float, ...]) -> None:
        centre = (round((point.x - left) * (1 << _SHIFT)), round((point.y - top) * (1 << _SHIFT)))
        radius = round(point.radius * (1 << _SHIFT))
        scalar = colour if isinstance(colour, tuple) else (colour,)
        cv2.circle(picture, centre, radius, scalar, -1, cv2.LINE_AA, _SHIFT)


def painted_fall(settings: ThrownObjectSettings, size: PictureSize, variant: int) -> PaintedFall:
    """A fall somewhere on the façade where it must be found; another place for another `variant`.

    Raises:
        NoCanaryError: no place on the façade is high enough, or the masks leave none.
    """
    facade = settings.facade
    plane = facade.plane(size)
    watch = without(polygon_mask(facade.polygon, size.width, size.height), facade.ignore)
    needed = _needed_seconds(settings)
    least_depth = SPARE * settings.gates.border_share * size.width + 2
    best: PaintedFall | None = None
    for fall in _tried(facade, plane, watch, least_depth, variant):
        if best is None or fall.seconds > best.seconds:
            best = fall
        if fall.seconds >= SPARE * needed:
            return fall
    if best is None or best.seconds < needed:
        found = 0.0 if best is None else best.seconds
        raise NoCanaryError(
            f"found no place on the façade for a fall of {needed:.1f} s (the longest was {found:.1f} s): the polygon "
            "is too low, or too much of it is ignored"
        )
    return best


def _needed_seconds(settings: ThrownObjectSettings) -> float:
    """How long a fall must be seen to be an alarm."""
    drop_m = max(settings.gates.drop_m, settings.tier.drop_m) * 1.2
    falling = (math.sqrt(START_SPEED_MPS**2 + 2 * GRAVITY_MPS2 * drop_m) - START_SPEED_MPS) / GRAVITY_MPS2
    return max(falling, settings.tier.observations * STEP_SECONDS * 1.3)


def _tried(
    facade: FacadeSettings, plane: FacadePlane, watch: Mask, least_depth: float, variant: int
) -> Iterator[PaintedFall]:
    """Falls from places in the upper half of what is watched, as far as each can be seen."""
    random = np.random.default_rng(variant)
    rows, columns = np.nonzero(watch)
    upper = rows <= np.quantile(rows, 0.5)
    rows, columns = rows[upper], columns[upper]
    for chosen in random.integers(0, len(rows), _PLACES):
        x, y = float(columns[chosen]), float(rows[chosen])
        if depth_inside(facade.polygon, x, y) < least_depth:
            continue
        place = plane.at(x, y)
        seconds = _seen_seconds(PaintedFall(plane, (place.x_m, place.y_m), MOST_SECONDS), watch)
        if seconds > 0:
            yield PaintedFall(plane, (place.x_m, place.y_m), seconds)


def _seen_seconds(fall: PaintedFall, watch: Mask) -> float:
    """Until when it has not left what is watched."""
    height, width = watch.shape
    for step in range(int(MOST_SECONDS / STEP_SECONDS) + 1):
        point = fall.at(step * STEP_SECONDS)
        x, y = round(point.x), round(point.y)
        if not (0 <= x < width and 0 <= y < height) or not watch[y, x]:
            return (step - 1) * STEP_SECONDS
    return MOST_SECONDS
