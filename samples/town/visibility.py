"""How much of a structure's roof the pictures of a flight show: what no picture shows, no survey can find."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from edge.vision.arrays import Doubles
from samples.town.changes import Change
from samples.town.pairs import Flown
from samples.town.world import Building

ACROSS = 6
"""Points of a roof that are looked at, along each side."""


def visible_shares(flown: Flown, change: Change) -> Doubles:
    """(pictures,): the share of the roof's points that lie in each picture and that no other building hides.

    Trees and what stands about are left out: trees that would hide much of a new structure are felled.
    """
    points = _points(change)
    survey, centre = flown.survey, change.outline.mean(axis=0)
    higher = [b for b in flown.town.buildings if b.key != change.key and b.top_m > change.top_m + 0.3
              and np.hypot(b.east_m - centre[0], b.north_m - centre[1]) < 60 + b.radius_m]  # fmt: skip
    found = np.zeros(len(survey.shots))
    for n, shot in enumerate(survey.shots):
        seen = survey.true_lens.pixels(shot.true_pose.to_camera(points))
        inside = ((seen >= 0) & (seen <= (flown.plan.width - 1, flown.plan.height - 1))).all(axis=1)
        if inside.any():
            hidden = _hidden(points[inside], shot.true_pose.centre, higher)
            found[n] = (inside.sum() - hidden.sum()) / len(points)
    return found


def _points(change: Change) -> Doubles:
    a, b, _, d = change.outline
    shares = (np.arange(ACROSS) + 0.5) / ACROSS
    x, y = np.meshgrid(shares, shares)
    level = a + x.reshape(-1, 1) * (b - a) + y.reshape(-1, 1) * (d - a)
    return np.concatenate((level, np.full((len(level), 1), change.top_m)), axis=1)


def _hidden(points: Doubles, eye: Doubles, higher: list[Building]) -> NDArray[np.bool]:
    """(n,): whether the way to the camera leads through a building, below its roof's edge."""
    found = np.zeros(len(points), bool)
    for building in higher:
        top = building.eaves_m + building.parapet_m
        rise = (top - points[:, 2]) / (eye[2] - points[:, 2])
        ends = points[:, :2] + (eye[:2] - points[:, :2]) * np.clip(rise, 0, 1)[:, None]
        ways = shapely.linestrings(np.stack((points[:, :2], ends), axis=1))
        found |= shapely.intersects(ways, Polygon(building.corners())) & (rise > 0)
    return found
