"""A town as a drone's camera sees it on one day: true perspective, painted from the far to the near."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np

from edge.detectors.interface import Image
from edge.vision.arrays import Doubles, Floats
from edge.vision.lens import Lens
from edge.vision.pose import Pose
from samples.facade.seeding import stream
from samples.town.brush import stamp
from samples.town.camera import Camera
from samples.town.clouds import under_clouds
from samples.town.clutter import draw_thing
from samples.town.crowns import STOREYS, Crowns
from samples.town.ground import GroundTiles
from samples.town.houses import Houses
from samples.town.state import FlightState
from samples.town.things import thing_corners, things_of
from samples.town.world import Building, Thing, Town, Tree

Seen = TypeVar("Seen", Building, Tree, Thing)
SMALL_CROWN_PX = 14
"""Crowns of a smaller radius are drawn without their middle storey: nobody sees it."""


class Renderer:
    """Pictures of one town on one day at about one resolution."""

    def __init__(self, town: Town, state: FlightState, gsd_m: float) -> None:
        """`gsd_m`: metres a pixel on the ground, for the resolution of what is painted. Raises ValueError outside
        0.02 to 1."""
        if not 0.02 <= gsd_m <= 1:
            raise ValueError(f"gsd_m is {gsd_m}; expected 0.02 to 1 metres a pixel")
        self.town, self.state = town, state
        self.things = things_of(town, state.seed)
        self.ground = GroundTiles(town, state, self.things, gsd_m)
        self._houses = Houses(state, town.buildings, town.trees, self.things, self.ground.texel_m)
        self._crowns = Crowns(state, round(2 * 3.0 / self.ground.texel_m))
        self._rooms: dict[int, list[Building]] = {}
        for building in town.buildings:
            if building.parent is not None:
                self._rooms.setdefault(building.parent, []).append(building)
        self._on_roofs = self._roof_things()

    def picture(self, lens: Lens, pose: Pose, number: int = 0, *, squeezed: bool = True) -> Image:
        """(lens.height, lens.width, 3) BGR. `number` decides the noise; not `squeezed`: without JPEG.

        Raises ValueError if the camera sees the horizon, or is among the roofs.
        """
        clean = self.clean(lens, pose)
        if self.state.clouds > 0:
            clean = under_clouds(clean, Camera(lens, pose), self.state)
        return self._taken(clean, number, squeezed)

    def clean(self, lens: Lens, pose: Pose) -> Image:
        """As `picture`, before the camera's noise, exposure and JPEG."""
        camera = Camera(lens, pose)
        canvas = self._floor(camera)
        for item in self._order(camera):
            if isinstance(item, Building):
                self._draw_house(canvas, camera, item)
            elif isinstance(item, Tree):
                self._draw_tree(canvas, camera, item)
            else:
                draw_thing(canvas, camera, item, self.state, False)
        return camera.bend(canvas)

    def _floor(self, camera: Camera) -> Image:
        low, high = camera.ground_box()
        plan, east, north = self.ground.window(low, high)
        texel = self.ground.texel_m
        matrix = camera.homography(
            np.array((east, north, 0.0)), np.array((texel, 0.0, 0.0)), np.array((0.0, -texel, 0.0))
        )
        return np.asarray(
            cv2.warpPerspective(plan, matrix, (camera.width, camera.height), flags=cv2.INTER_LINEAR,
                                borderMode=cv2.BORDER_REPLICATE), np.uint8)  # fmt: skip

    def _draw_house(self, canvas: Image, camera: Camera, building: Building) -> None:
        self._houses.draw(canvas, camera, building)
        above: list[Building | Thing] = [*self._rooms.get(building.key, ()), *self._on_roofs.get(building.key, ())]
        if len(above) > 1:
            above.sort(key=lambda a: -np.hypot(a.east_m - camera.pose.east_m, a.north_m - camera.pose.north_m))
        for item in above:
            if isinstance(item, Building):
                self._draw_house(canvas, camera, item)
            else:
                draw_thing(canvas, camera, item, self.state, False)

    def _draw_tree(self, canvas: Image, camera: Camera, tree: Tree) -> None:
        crown = self._crowns.of(tree.key, tree.evergreen)
        size = crown.storeys[0][1].shape[0]
        place = np.array((tree.east_m, tree.north_m))
        levels = [tree.height_m * share for share in STOREYS]
        points = np.array([(*place, z) for z in levels])
        step = np.array(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))) * tree.radius_m
        middles = camera.pixels(points)
        small = tree.radius_m < SMALL_CROWN_PX * self.ground.texel_m
        for n, (picture, alpha) in enumerate(crown.storeys):
            if small and n == 1:
                continue
            arms = camera.pixels(points[n] + step) - middles[n]
            # A crown's picture has its rows southwards.
            scale = np.stack((arms[0], -arms[1]), axis=1) * (2 / size)
            stamp(canvas, picture, alpha, middles[n], scale)

    def _roof_things(self) -> dict[int, list[Thing]]:
        raised = [thing for thing in self.things if thing.base_m > 0]
        if not raised:
            return {}
        roofs = [b for b in self.town.buildings if b.parent is None]
        where = np.array([(b.east_m, b.north_m) for b in roofs])
        found: dict[int, list[Thing]] = {}
        for thing in raised:
            near = np.hypot(*(where - (thing.east_m, thing.north_m)).T)
            for n in np.argsort(near)[:6]:
                if abs(roofs[n].eaves_m - thing.base_m) < 0.01 and _inside(roofs[n], thing):
                    found.setdefault(roofs[n].key, []).append(thing)
                    break
        return found

    def _order(self, camera: Camera) -> list[Building | Tree | Thing]:
        """What is seen, the far before the near."""
        houses = _seen(camera, [b for b in self.town.buildings if b.parent is None])
        small: list[Tree | Thing] = [
            *_seen(camera, self.town.trees),
            *_seen(camera, [thing for thing in self.things if thing.base_m == 0]),
        ]
        items: list[Building | Tree | Thing] = [*houses, *small]
        if not items:
            return []
        eye = camera.pose.centre[:2]
        where = np.array([(i.east_m, i.north_m) for i in items])
        distance = np.hypot(*(where - eye).T)
        return [items[n] for n in _sorted(items, len(houses), where, distance, eye)]

    def _taken(self, clean: Image, number: int, squeezed: bool) -> Image:
        """What the camera makes of it: exposure, white balance, haze, noise, JPEG."""
        state = self.state
        levels = np.arange(256, dtype=np.float32)
        # The camera meters every picture anew.
        metered = 1 + 0.025 * float(stream(state.seed, "metering", number).standard_normal())
        gains = state.exposure * metered * np.array((1 - state.warmth, 1.0, 1 + state.warmth), np.float32)
        table = levels[:, None] * gains
        # A soft shoulder: highlights do not burn out at once.
        table = np.where(table > 200, 200 + 55 * np.tanh((table - 200) / 55), table)
        table = table * (1 - state.haze) + state.haze * np.array((206, 200, 194), np.float32)
        shown = np.asarray(cv2.LUT(clean, np.clip(table, 0, 255).astype(np.uint8).reshape(1, 256, 3)), np.uint8)
        if state.blur_px > 0.2:
            shown = np.asarray(cv2.GaussianBlur(shown, (0, 0), state.blur_px), np.uint8)
        if state.vignette > 0:
            shown = np.asarray(cv2.multiply(shown, _corners(*shown.shape[:2], state.vignette), scale=1 / 255), np.uint8)
        if state.noise_sigma > 0:
            shown = self._noisy(shown, number)
        if squeezed and state.jpeg_quality is not None:
            _, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, state.jpeg_quality])
            shown = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return shown

    def _noisy(self, shown: Image, number: int) -> Image:
        field = _noise()
        side = len(field)
        rng = stream(self.state.seed, "noise", number)
        for top in range(0, shown.shape[0], side):
            for left in range(0, shown.shape[1], side):
                part = shown[top : top + side, left : left + side]
                shifts = rng.integers(side, size=(3, 2)).tolist()
                grains = [np.roll(field, shift, (0, 1))[: part.shape[0], : part.shape[1]] for shift in shifts]
                noise = cv2.merge([grain * np.float32(self.state.noise_sigma) for grain in grains])
                part[:] = cv2.add(part, noise, dtype=cv2.CV_8U)
        return shown


@lru_cache(maxsize=1)
def _noise() -> Floats:
    """(1031, 1031) of independent noise of unit variance: pictures take it from different places."""
    return stream(20260, "noise").standard_normal((1031, 1031)).astype(np.float32)


@lru_cache(maxsize=2)
def _corners(height: int, width: int, vignette: float) -> Image:
    """(height, width, 3): 255 in the middle, less by `vignette` in the corners."""
    x, y = np.linspace(-1, 1, 64, dtype=np.float32), np.linspace(-1, 1, 48, dtype=np.float32)
    fall = 1 - vignette * ((x[None, :] ** 2 + y[:, None] ** 2) / 2) ** 1.5
    wide = cv2.resize(np.asarray(255 * fall, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    grey = np.asarray(np.round(wide), np.uint8)
    return np.asarray(cv2.merge([grey, grey, grey]), np.uint8)


def _inside(roof: Building, thing: Thing) -> bool:
    c, s = np.cos(roof.turn), np.sin(roof.turn)
    local = (thing_corners(thing) - (roof.east_m, roof.north_m)) @ np.array(((c, -s), (s, c)))
    return bool((np.abs(local) <= (roof.length_m / 2, roof.width_m / 2)).all())


def _seen(camera: Camera, things: Sequence[Seen]) -> list[Seen]:
    """Those that may touch the picture."""
    if not things:
        return []
    tops = np.array([(t.east_m, t.north_m, 0.0) for t in things])
    radii = np.array([_radius(t) for t in things])
    heights = np.array([t.top_m if isinstance(t, Building) else t.height_m for t in things])
    depth = camera.pose.up_m - heights
    if (depth <= 1).any():
        raise ValueError(
            f"the camera is {camera.pose.up_m:g} m up, the highest thing {heights.max():g} m; fly higher than that"
        )
    scale = camera.lens.focal_x / depth * 1.3
    foot, head = camera.pixels(tops), camera.pixels(np.concatenate((tops[:, :2], heights[:, None]), axis=1))
    reach = (radii * scale)[:, None] + 4
    low, high = np.minimum(foot, head) - reach, np.maximum(foot, head) + reach
    inside = (high > 0).all(axis=1) & (low[:, 0] < camera.width) & (low[:, 1] < camera.height)
    return [things[n] for n in np.flatnonzero(inside).tolist()]


def _radius(item: Building | Tree | Thing) -> float:
    if isinstance(item, Thing):
        return float(np.hypot(item.length_m, item.width_m)) / 2
    return item.radius_m


def _sorted(items: Sequence[Building | Tree | Thing], houses: int, where: Doubles, distance: Doubles,
            eye: Doubles) -> list[int]:  # fmt: skip
    """Indices, the far before the near. By distance, but for pairs that a house's wall tells apart."""
    after: list[list[int]] = [[] for _ in items]
    waits = np.zeros(len(items), int)
    radii = np.array([_radius(i) for i in items])
    bearing, spread = _sectors(items, where, eye)
    for n in range(houses):
        house = items[n]
        assert isinstance(house, Building)
        # Only what lies in the same direction can hide or be hidden.
        apart = np.abs((bearing - bearing[n] + np.pi) % (2 * np.pi) - np.pi)
        near = (np.hypot(*(where - where[n]).T) < radii[n] + radii + 12) & (apart < spread + spread[n])
        near[n] = False
        # Two houses are looked at once, by the larger.
        near[:houses] &= (radii[:houses] < radii[n]) | ((radii[:houses] == radii[n]) & (np.arange(houses) > n))
        others = np.flatnonzero(near).tolist()
        if not others:
            continue
        c, s = np.cos(house.turn), np.sin(house.turn)
        axes = np.array(((c, -s), (s, c)))
        half = np.array((house.length_m / 2, house.width_m / 2))
        eye_at = (eye - where[n]) @ axes
        for m in others:
            in_front = _in_front((where[m] - where[n]) @ axes, _extent(items[m], axes), half, eye_at)
            if in_front is None:
                continue
            front, back = (m, n) if in_front else (n, m)
            after[back].append(front)
            waits[front] += 1
    return _drained(after, waits, distance)


def _sectors(items: Sequence[Building | Tree | Thing], where: Doubles, eye: Doubles) -> tuple[Doubles, Doubles]:
    """Bearings of things from below the camera, and half the angles that they take up."""
    offset = where - eye
    bearing = np.arctan2(offset[:, 1], offset[:, 0])
    spread = np.empty(len(items))
    for n, item in enumerate(items):
        if isinstance(item, Building):
            corners = item.footprint() - eye
            along = np.array((np.cos(bearing[n]), np.sin(bearing[n])))
            ahead = corners @ along
            sideways = np.abs(corners @ np.array((-along[1], along[0])))
            spread[n] = np.pi if ahead.min() <= 0 else float(np.arctan2(sideways, ahead).max())
        else:
            far = float(np.hypot(*offset[n]))
            radius = _radius(item)
            spread[n] = np.pi if far <= radius else np.arcsin(radius / far)
    return bearing, spread


def _extent(item: Building | Tree | Thing, axes: Doubles) -> Doubles:
    if isinstance(item, Tree):
        return np.zeros(2)
    c, s = np.cos(item.turn), np.sin(item.turn)
    arms = np.array(((c, s), (-s, c))) @ axes
    return np.asarray(np.abs(arms).T @ np.array((item.length_m / 2, item.width_m / 2)))


def _in_front(centre: Doubles, spread: Doubles, half: Doubles, eye: Doubles) -> bool | None:
    """Whether the other thing may hide the house (True) or the house it (False); None if neither can be said.

    A wall's plane that parts the two says it: what is on the camera's side of it is in front.
    """
    verdict = None
    for axis in range(2):
        if abs(centre[axis]) - spread[axis] - half[axis] < -0.15:
            continue
        side = 1.0 if centre[axis] > 0 else -1.0
        if eye[axis] * side > half[axis]:
            return True
        verdict = False
    return verdict


def _drained(after: list[list[int]], waits: Doubles, distance: Doubles) -> list[int]:
    """Farthest first, each after what it must follow. A ring of followers is broken at its farthest member."""
    order: list[int] = []
    done = np.zeros(len(after), bool)
    heap = [(-distance[n], n) for n in range(len(after)) if waits[n] == 0]
    heapq.heapify(heap)
    while len(order) < len(after):
        if not heap:
            left = np.flatnonzero(~done)
            n = int(left[np.argmax(distance[left])])
        else:
            n = heapq.heappop(heap)[1]
        if done[n]:
            continue
        done[n] = True
        order.append(n)
        for m in after[n]:
            waits[m] -= 1
            if waits[m] == 0 and not done[m]:
                heapq.heappush(heap, (-distance[m], m))
    return order
