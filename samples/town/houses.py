"""Draws buildings: walls that face the camera, roofs where they really are, parapets, shadows of the neighbours."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.interface import Image
from edge.vision.arrays import Doubles
from samples.town.brush import fill, lay
from samples.town.camera import Camera
from samples.town.light import building_shadow, face_gain, light_map, thing_shadow, tree_shadow
from samples.town.roofs import Wall, roof_plan, wall_colour, wall_of, wall_plan
from samples.town.state import FlightState, Season
from samples.town.world import Building, Roof, Thing, Tree

KEPT_BYTES = 160_000_000
KEPT_WALL_BYTES = 60_000_000
PARAPET_M = 0.24


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A face of a roof: outline (n, 2) along and across from the building's middle; its height is
    `level + rise[0] * along + rise[1] * across`."""

    outline: Doubles
    level: float
    rise: tuple[float, float]

    def heights(self, local: Doubles) -> Doubles:
        """(n,) of places (n, 2)."""
        return np.asarray(self.level + local @ np.array(self.rise))


def planes_of(building: Building) -> tuple[Plane, ...]:
    """The faces of its roof."""
    along, across = building.length_m / 2 + building.overhang_m, building.width_m / 2 + building.overhang_m
    corners = np.array(((-along, -across), (along, -across), (along, across), (-along, across)))
    eaves, rise = building.eaves_m, building.rise_m
    if building.roof is Roof.FLAT or rise == 0:
        return (Plane(corners, eaves, (0.0, 0.0)),)
    slope = rise / across
    top = eaves + rise
    inset = min(across, along - 0.2) if building.roof is Roof.HIP else 0.0
    west, east = np.array((inset - along, 0.0)), np.array((along - inset, 0.0))
    faces = [
        Plane(np.stack((corners[0], corners[1], east, west)), top, (0.0, slope)),
        Plane(np.stack((corners[2], corners[3], west, east)), top, (0.0, -slope)),
    ]
    if inset:
        steep = rise / inset
        faces.append(Plane(np.stack((corners[1], corners[2], east)), top + steep * east[0], (-steep, 0.0)))
        faces.append(Plane(np.stack((corners[3], corners[0], west)), top - steep * west[0], (steep, 0.0)))
    return tuple(faces)


def solid(building: Building, local: Doubles, heights: Doubles | float) -> Doubles:
    """(n, 3) east, north, up of places (n, 2) along and across."""
    level = building.to_world(local)
    return np.concatenate((level, np.broadcast_to(np.asarray(heights, np.float64).reshape(-1, 1), (len(level), 1))), 1)


class Houses:
    """Draws the buildings of one day. Roofs are lit once and kept as long as there is room."""

    def __init__(self, state: FlightState, buildings: Sequence[Building], trees: Sequence[Tree],
                 things: Sequence[Thing], texel_m: float) -> None:  # fmt: skip
        self._state, self._texel = state, texel_m
        self._casters: list[Building | Tree | Thing] = [*buildings, *trees, *things]
        self._where = np.array([(c.east_m, c.north_m) for c in self._casters]).reshape(-1, 2)
        self._tops = np.array([_top(c) for c in self._casters])
        self._reach = np.array([_radius(c) for c in self._casters])
        self._roofs: OrderedDict[int, Image] = OrderedDict()
        self._walls: dict[tuple[Wall, float], Image] = {}
        self._bytes = self._wall_bytes = 0

    def draw(self, canvas: Image, camera: Camera, building: Building) -> None:
        """One building, over what is behind it."""
        self._draw_walls(canvas, camera, building)
        if building.parapet_m:
            self._draw_tray(canvas, camera, building)
        else:
            for plane in planes_of(building):
                self._draw_plane(canvas, camera, building, plane, ())

    def _draw_walls(self, canvas: Image, camera: Camera, building: Building) -> None:
        corners = building.corners()
        top = building.eaves_m + building.parapet_m
        foot = top - 0.25 if building.open_sides else building.base_m
        centre = camera.pose.centre
        for side in range(4):
            a, b = corners[side], corners[(side + 1) % 4]
            edge = b - a
            normal = np.array((edge[1], -edge[0], 0.0)) / np.hypot(*edge)
            if normal[:2] @ (centre[:2] - a) <= 0:
                continue
            face = np.array(((*a, foot), (*b, foot), (*b, top), (*a, top)))
            seen = camera.pixels(face)
            if side % 2 and building.rise_m and building.roof is Roof.GABLE and not building.open_sides:
                peak = np.array([(*((a + b) / 2), building.eaves_m + building.rise_m)])
                seen = np.concatenate((seen[:3], camera.pixels(peak), seen[3:]))
            gain = face_gain(self._state, normal)
            if building.open_sides or min(*np.ptp(seen, axis=0)) < 7 or building.eaves_m - foot < 2:
                fill(canvas, seen, wall_colour(building) * gain)
                continue
            plan = self._wall(wall_of(building, float(np.hypot(*edge)), side), gain)
            across, up = edge / plan.shape[1], np.array((0.0, 0.0, (top - foot) / plan.shape[0]))
            matrix = camera.homography(face[0] + up / 2, np.array((*across, 0.0)), up)
            lay(canvas, plan, matrix, (seen,))

    def _wall(self, wall: Wall, gain: float) -> Image:
        key = wall, round(gain * 20) / 20
        found = self._walls.get(key)
        if found is None:
            found = np.asarray(cv2.convertScaleAbs(wall_plan(wall, self._texel), alpha=key[1]), np.uint8)
            self._walls[key] = found
            self._wall_bytes += found.nbytes
            while self._wall_bytes > KEPT_WALL_BYTES and len(self._walls) > 1:
                self._wall_bytes -= self._walls.pop(next(iter(self._walls))).nbytes
        return found

    def _draw_plane(self, canvas: Image, camera: Camera, building: Building, plane: Plane,
                    within: Sequence[Doubles]) -> None:  # fmt: skip
        seen = camera.pixels(solid(building, plane.outline, plane.heights(plane.outline)))
        along, across = building.length_m / 2 + building.overhang_m, building.width_m / 2 + building.overhang_m
        steps = np.array(((-along, across), (-along + 1, across), (-along, across - 1)))
        at, right, down = solid(building, steps, plane.heights(steps))
        right, down = (right - at) * self._texel, (down - at) * self._texel
        matrix = camera.homography(at + (right + down) / 2, right, down)
        lay(canvas, self._lit(building), matrix, (seen, *within))

    def _draw_tray(self, canvas: Image, camera: Camera, building: Building) -> None:
        """A flat roof within its parapet: the rim, the insides of the far walls, the floor."""
        top = building.eaves_m + building.parapet_m
        outer, inner = building.corners(), building.corners(-PARAPET_M)
        level = np.full((4, 1), top)
        rim = camera.pixels(np.concatenate((outer, level), axis=1))
        opening = camera.pixels(np.concatenate((inner, level), axis=1))
        stone = wall_colour(building) * 0.5 + np.array((78, 82, 84))
        fill(canvas, rim, stone * face_gain(self._state, np.array((0.0, 0.0, 1.0))))
        if building.parapet_m > 1.5 * self._texel:
            self._draw_insides(canvas, camera, building, opening)
        along, across = building.length_m / 2 - PARAPET_M, building.width_m / 2 - PARAPET_M
        local = np.array(((-along, -across), (along, -across), (along, across), (-along, across)))
        self._draw_plane(canvas, camera, building, Plane(local, building.eaves_m, (0.0, 0.0)), (opening,))

    def _draw_insides(self, canvas: Image, camera: Camera, building: Building, opening: Doubles) -> None:
        inner = building.corners(-PARAPET_M)
        floor = camera.pixels(np.concatenate((inner, np.full((4, 1), building.eaves_m)), axis=1))
        fill(canvas, opening, wall_colour(building) * (self._state.shade * 0.95))
        for side in range(4):
            a, b = inner[side], inner[(side + 1) % 4]
            edge = b - a
            inward = np.array((-edge[1], edge[0], 0.0)) / np.hypot(*edge)
            if inward[:2] @ (camera.pose.centre[:2] - a) > 0:
                ends = [side, (side + 1) % 4]
                quad = np.concatenate((opening[ends], floor[ends][::-1]))
                fill(canvas, quad, wall_colour(building) * face_gain(self._state, inward) * 0.96)

    def _lit(self, building: Building) -> Image:
        found = self._roofs.get(building.key)
        if found is None:
            found = self._roofs[building.key] = self._make_lit(building)
            self._bytes += found.nbytes
            while self._bytes > KEPT_BYTES and len(self._roofs) > 1:
                self._bytes -= self._roofs.popitem(last=False)[1].nbytes
        else:
            self._roofs.move_to_end(building.key)
        return found

    def _make_lit(self, building: Building) -> Image:
        plan = roof_plan(building, self._state, self._texel)
        shadow = np.zeros(plan.shape[:2], np.uint8)
        level = building.eaves_m + building.rise_m * 0.4
        if self._state.overcast < 0.97:
            self._shade(shadow, building, level)
        lit = plan.copy()
        for plane in planes_of(building):
            normal = np.array((-plane.rise[0], -plane.rise[1], 1.0))
            normal[:2] = building.to_world(normal[None, :2])[0] - (building.east_m, building.north_m)
            normal /= np.linalg.norm(normal)
            light = light_map(shadow, self._state, self._texel, face_gain(self._state, normal))
            part = np.asarray(cv2.multiply(plan, light, dtype=cv2.CV_8U), np.uint8)
            if building.rise_m == 0:
                lit = part
                break
            here = np.zeros(shadow.shape, np.uint8)
            cv2.fillPoly(here, [np.round(self._texels(building, plane.outline) * 16).astype(np.int32)], 255, 8, 4)
            cv2.copyTo(part, here, lit)
        lit.setflags(write=False)
        return lit

    def _texels(self, building: Building, local: Doubles) -> Doubles:
        along, across = building.length_m / 2 + building.overhang_m, building.width_m / 2 + building.overhang_m
        return np.stack(((local[:, 0] + along) / self._texel - 0.5, (across - local[:, 1]) / self._texel - 0.5), axis=1)

    def _shade(self, shadow: Image, building: Building, level: float) -> None:
        """Shadows of whatever is higher, and of the roof's own parapet."""
        slide = self._state.shadow_per_metre
        place = np.array((building.east_m, building.north_m))
        reach = building.radius_m + self._reach + float(np.hypot(*slide)) * np.maximum(0, self._tops - level)
        near = (self._tops > level + 0.3) & (np.hypot(*(self._where - place).T) < reach)
        leafless = self._state.season is Season.WINTER
        for n in np.flatnonzero(near):
            caster = self._casters[n]
            strength = 255
            if isinstance(caster, Building):
                if caster.key == building.key:
                    continue
                outline = building_shadow(caster, self._state, level)
            elif isinstance(caster, Tree):
                bare = leafless and not caster.evergreen
                outline, strength = tree_shadow(caster, self._state, level, bare), 75 if bare else 225
            else:
                outline = thing_shadow(caster, self._state, level)
            if outline is not None:
                self._cast(shadow, building, outline, strength)
        if building.parapet_m:
            lit = np.full_like(shadow, 255)
            inner = building.corners(-PARAPET_M) + slide * building.parapet_m
            self._cast(lit, building, inner, 0)
            cv2.max(shadow, lit, shadow)

    def _cast(self, shadow: Image, building: Building, outline: Doubles, value: int) -> None:
        c, s = np.cos(building.turn), np.sin(building.turn)
        local = (outline - (building.east_m, building.north_m)) @ np.array(((c, -s), (s, c)))
        points = np.round(self._texels(building, local) * 16).astype(np.int32)
        cv2.fillPoly(shadow, [points], value, cv2.LINE_AA, 4)


def _top(caster: Building | Tree | Thing) -> float:
    if isinstance(caster, Building):
        return caster.top_m
    return caster.height_m + (caster.base_m if isinstance(caster, Thing) else 0.0)


def _radius(caster: Building | Tree | Thing) -> float:
    if isinstance(caster, Thing):
        return float(np.hypot(caster.length_m, caster.width_m)) / 2
    return caster.radius_m
