"""Positioning against rendered pictures: is what a pixel shows painted where its place is?

The renderer paints the ground of a town in true perspective by homographies and bends the picture by a map, both its
own; positions come from a record in degrees and lines of sight. They are compared by what is seen: the ground's own
plan, looked up at every pixel's place, must lie on the picture.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.flights.ground import LevelGround
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.posing import pose_of
from edge.flights.telemetry import Attitude, Fix
from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from samples.positioning.trials import Taken
from samples.town.layout import lay_out
from samples.town.render import Renderer
from samples.town.state import FlightState
from samples.town.world import Town

LENS = Lens(1600, 1200, 1067.0, 1067.0, 802.7, 597.4, (-0.05, 0.02, 0.0006, -0.0004, 0.0))
UP_M = 107.0
"""Ground in decimetres a pixel, straight down."""
PATCH_PX = 160
_LEAST_RESPONSE = 0.3
"""Of the correlation: bare ground shows too little to be compared."""


def flat_town(seed: int = 3) -> Town:
    """Roads, yards, fields: nothing that stands up, for that is not where its ground is."""
    return replace(lay_out(seed, 400.0), buildings=(), trees=(), stands=())


def rendered_errors(pitch: float, town: Town) -> Doubles:
    """(n,) metres, one of each patch of a picture with noise and JPEG that shows enough."""
    plane = LocalPlane(town.origin)
    place = plane.point(23.0, -31.0)
    attitude = Attitude(20.0, pitch, 0.7)
    fix = Fix(1, place.latitude, place.longitude, above_takeoff_m=UP_M, gimbal=attitude)
    pose = pose_of(fix, plane, LevelGround()).pose
    renderer = Renderer(town, FlightState(seed=5, overcast=1.0), 0.1)
    seen = cv2.cvtColor(renderer.picture(LENS, pose), cv2.COLOR_BGR2GRAY).astype(np.float64)
    locator = Locator(Taken(LENS, pose), LevelGround(), plane)
    across, down = np.meshgrid(np.arange(LENS.width), np.arange(LENS.height))
    pixels = np.stack((across.ravel(), down.ravel()), axis=1).astype(np.float64)
    expected = _looked_up(renderer, locator.points(pixels)[:, :2]).reshape(seen.shape)
    window = cv2.createHanningWindow((PATCH_PX, PATCH_PX), cv2.CV_64F)
    errors = []
    for top in range(0, LENS.height - PATCH_PX + 1, PATCH_PX):
        for left in range(0, LENS.width - PATCH_PX + 1, PATCH_PX):
            part = np.s_[top : top + PATCH_PX, left : left + PATCH_PX]
            (x, y), response = cv2.phaseCorrelate(expected[part], seen[part], window)
            if response >= _LEAST_RESPONSE:
                middle = np.array((left + PATCH_PX / 2, top + PATCH_PX / 2))
                ends = locator.points(np.stack((middle, middle + np.array((x, y)))))
                errors.append(math.dist(ends[0, :2], ends[1, :2]))
    return np.array(errors)


def _looked_up(renderer: Renderer, places: Doubles) -> NDArray[np.float64]:
    """(n,) grey of the town's plan at places (n, 2)."""
    plan, east, north = renderer.ground.window(places.min(axis=0) - 1, places.max(axis=0) + 1)
    texel = renderer.ground.texel_m
    maps = np.stack(((places[:, 0] - east) / texel, (north - places[:, 1]) / texel), axis=1).astype(np.float32)
    # OpenCV takes no side beyond 32,767.
    maps = maps.reshape(LENS.height, LENS.width, 2)
    grey = cv2.cvtColor(plan, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.remap(grey, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR), np.float64).ravel()
