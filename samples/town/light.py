"""How bright a face is under a day's sky, and where shadows fall."""

from __future__ import annotations

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats
from samples.town.state import FlightState
from samples.town.things import thing_corners
from samples.town.world import Building, Roof, Thing, ThingKind, Tree

GAMMA = 2.2
BLUE_OF_SHADE = np.array((1.09, 1.0, 0.94), np.float32)
"""Blue, green, red: shade is lit by the sky."""
PENUMBRA_M = 0.12


def face_gain(state: FlightState, normal: Doubles) -> float:
    """Brightness of a sunlit face, as shown, against level ground in the sun."""
    ambient = state.shade**GAMMA * (0.5 + 0.5 * float(normal[2]))
    sun = state.to_sun
    facing = max(0.0, float(normal @ sun)) / float(sun[2])
    return float(min(1.32, (ambient + (1 - state.shade**GAMMA) * facing) ** (1 / GAMMA)))


def light_map(shadow: np.ndarray, state: FlightState, texel_m: float, gain: float = 1.0) -> Floats:
    """(h, w, 3) factors for colours, from a (h, w) mask of shadow, 0 to 255, which is softened by the sun's width."""
    sigma = PENUMBRA_M / texel_m
    soft = cv2.GaussianBlur(shadow, (0, 0), sigma) if sigma > 0.4 else shadow
    shade = min(gain, state.shade) * (1 + (BLUE_OF_SHADE - 1) * (1 - state.overcast))
    steps = np.arange(256, dtype=np.float32)[:, None] / 255
    table = gain * (1 - steps) + shade * steps
    return np.asarray(cv2.LUT(cv2.merge([soft, soft, soft]), table.astype(np.float32).reshape(1, 256, 3)), np.float32)


def building_shadow(building: Building, state: FlightState, level_m: float) -> Doubles | None:
    """(n, 2) outline of its shadow on the level `level_m` metres above the ground; None if it does not rise over it."""
    if building.top_m <= level_m + 0.05:
        return None
    slide = state.shadow_per_metre
    outline = building.footprint()
    foot = building.eaves_m - 0.2 if building.open_sides else building.base_m
    edge = building.eaves_m + building.parapet_m
    points = [outline + slide * max(0.0, foot - level_m), outline + slide * max(0.0, edge - level_m)]
    if building.rise_m:
        half = building.length_m / 2 + building.overhang_m
        inset = min(building.width_m / 2, half - 0.2) if building.roof is Roof.HIP else 0.0
        ridge = building.to_world(np.array(((inset - half, 0), (half - inset, 0))))
        points.append(ridge + slide * max(0.0, building.eaves_m + building.rise_m - level_m))
    return _hull(np.concatenate(points))


def thing_shadow(thing: Thing, state: FlightState, level_m: float) -> Doubles | None:
    """As `building_shadow`."""
    top = thing.base_m + thing.height_m - level_m
    if top <= 0.05:
        return None
    corners = thing_corners(thing)
    foot = max(0.0, thing.base_m - level_m)
    if thing.kind is ThingKind.UMBRELLA:
        foot = top - 0.2
    if thing.kind is ThingKind.HEAP:
        centre = corners.mean(axis=0)
        ring = centre + (corners - centre) * 0.25
        return _hull(np.concatenate((ring, ring + state.shadow_per_metre * top)))
    return _hull(np.concatenate((corners + state.shadow_per_metre * foot, corners + state.shadow_per_metre * top)))


def tree_shadow(tree: Tree, state: FlightState, level_m: float, bare: bool) -> Doubles | None:
    """As `building_shadow`: of a crown that hangs in the upper two thirds of the tree."""
    if tree.height_m <= level_m + 0.5:
        return None
    angles = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    key = tree.key
    radii = tree.radius_m * (0.9 + 0.09 * np.sin(3 * angles + key) + 0.07 * np.sin(7 * angles + 2.3 * key))
    ring = np.stack((np.cos(angles), np.sin(angles)), axis=1) * radii[:, None] + (tree.east_m, tree.north_m)
    low, high = max(0.0, 0.4 * tree.height_m - level_m), 0.85 * tree.height_m - level_m
    if high <= 0:
        return None
    slide = state.shadow_per_metre
    if bare:
        return ring * 1.0 + slide * (low + high) / 2
    # The crown is a ball: stretched along the light, but not a box.
    middle = ring + slide * (low + high) / 2
    ends = (ring - ring.mean(axis=0)) * 0.7 + ring.mean(axis=0)
    return _hull(np.concatenate((middle, ends + slide * low, ends + slide * high)))


def _hull(points: Doubles) -> Doubles:
    return cv2.convexHull(points.astype(np.float32)).reshape(-1, 2).astype(np.float64)
