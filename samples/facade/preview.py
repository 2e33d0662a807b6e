"""Where a fall would be seen, without rendering anything."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from samples.facade.flight import fly
from samples.facade.scenario import Scenario
from samples.facade.seeding import stream
from samples.facade.solids import make_thing

LEAD_SECONDS = 1.0
"""A fall is over this long before its clip ends."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What the camera will see of a fall."""

    drop_m: float
    widest_px: float
    on_facade: float
    """Share of the time in the picture that it is seen before the building, not beside it."""


def preview_fall(scenario: Scenario) -> Preview | None:
    """The first fall of a scenario; None if it starts outside the picture or ends too late."""
    fall, camera = scenario.falls[0], scenario.camera
    rng = stream(scenario.seed, "fall", 0)
    mesh, body = make_thing(fall.thing, rng)
    path = fly(
        body,
        fall.release_seconds,
        scenario.building.release_point(fall.floor, fall.bay),
        (fall.sideways_m_s, fall.upward_m_s, fall.outward_m_s),
        wind=(scenario.wind_m_s, 0.0, 0.0),
        flutter_phase=float(rng.uniform(0, 2 * pi)),
    )
    pixels = camera.project(path.places)
    inside = camera.contains(pixels, 4.0)
    if not inside[0]:
        return None
    seen = np.flatnonzero(inside)
    if path.times[seen[-1]] > scenario.seconds - LEAD_SECONDS:
        return None
    heights = path.places[seen, 1]
    building = scenario.building
    wall = camera.to_facade(pixels[seen])
    before = (wall[:, 0] > building.left_m) & (wall[:, 0] < building.right_m) & (wall[:, 1] < building.height_m)
    on_facade = float(np.mean(before & (wall[:, 1] > 0)))
    depth = camera.depth(path.places[seen])
    return Preview(
        float(heights.max() - heights.min()), camera.focal_px * mesh.mean_diameter_m / float(depth.min()), on_facade
    )
