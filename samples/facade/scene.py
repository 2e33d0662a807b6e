"""The part of a clip that stands still: sky, wall, windows, balconies, rendered once at two or three times the size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.building import Box, Building, Colour, Rectangle
from samples.facade.camera import Camera
from samples.facade.scenario import Light, Scenario
from samples.facade.seeding import stream
from samples.facade.textures import Plane, cloudy_noise, sky, wall_albedo

PX_PER_M = 34.0
SKY_MARGIN_PX = 96
"""How far clouds can drift before the sky runs out."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Linear light, float32. What is in front of the sky is premultiplied by its coverage."""

    solid: Plane
    """(height, width, 3)"""
    sky_share: Plane
    """(height, width, 1): 1 where only sky is seen."""
    sky: Plane
    """(height, width + 2 × SKY_MARGIN_PX, 3)"""
    glass: Plane
    """(height, width): where panes mirror, 0..1."""


def zoom_of(camera: Camera) -> int:
    """How much larger the still scene is rendered; large pictures need less, and the memory for more."""
    return 3 if camera.width * camera.height <= 500_000 else 2


def irradiance(light: Light, normal: tuple[float, float, float], sunlit: float = 1.0) -> Plane:
    """(3,) light that falls on a face: what the sky and the ground give a normal, and the sun if it faces it."""
    open_share = 0.65 + 0.35 * normal[1]  # a face turned to the ground sees only what the ground throws back
    slope = max(0.0, sum(a * b for a, b in zip(normal, light.sun_towards, strict=True)))
    return np.asarray(np.array(light.ambient) * open_share / 0.65 + np.array(light.sun) * slope * sunlit, np.float32)


def lamp_falloff(light: Light, camera: Camera, points: NDArray[np.float64]) -> Plane:
    """(n,) share of the light left at points: the camera's infra-red lamp fades with distance, the sun does not."""
    if not light.monochrome:
        return np.ones(len(points), np.float32)
    metres = np.linalg.norm(points - camera.position, axis=1)
    return np.asarray(np.clip((camera.distance_m / metres) ** 1.5, 0, 1.5), np.float32)


def build_scene(scenario: Scenario) -> Scene:
    """Renders everything that does not move."""
    camera, building, light = scenario.camera, scenario.building, scenario.light
    wall = _wall_radiance(scenario)
    boxes = building.boxes(scenario.seed)
    pane_texture = _glass_texture(building)
    zoom = zoom_of(camera)
    size = (camera.width * zoom, camera.height * zoom)
    place = _zoomed(camera) @ _texture_to_metres(building)
    flags = cv2.INTER_LINEAR
    canvas = np.asarray(cv2.warpPerspective(wall, place, size, flags=flags), np.float32)
    cover = np.asarray(cv2.warpPerspective(np.ones(wall.shape[:2], np.float32), place, size, flags=flags), np.float32)
    glass = np.asarray(cv2.warpPerspective(pane_texture, place, size, flags=flags), np.float32)
    _far_towers(scenario, canvas, cover)
    for box in sorted(boxes, key=lambda item: _paint_order(item, building)):
        _paint_box(box, camera, light, (canvas, cover, glass))
    _cables(scenario, canvas, cover, glass)
    if light.monochrome:
        canvas *= _falloff_picture(light, camera)[..., None]
    small = (camera.width, camera.height)

    def shrink(picture: Plane) -> Plane:
        reduced = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(reduced, (0, 0), scenario.imager.blur_px), np.float32)

    grain = 1 + 0.02 * stream(scenario.seed, "grain").standard_normal((camera.height, camera.width, 1))
    solid = shrink(canvas) * np.asarray(grain, np.float32)
    return Scene(solid, (1 - shrink(cover))[..., None], _sky(scenario), shrink(glass))


def _sky(scenario: Scenario) -> Plane:
    light, camera = scenario.light, scenario.camera
    colours = tuple(np.array(value, np.float32) for value in (light.sky_top, light.sky_low, light.cloud))
    width = camera.width + 2 * SKY_MARGIN_PX
    rng = stream(scenario.seed, "sky")
    return sky(rng, camera.height, width, light.cloud_cover, (colours[0], colours[1], colours[2]))


def _texture_to_metres(building: Building) -> NDArray[np.float64]:
    scale = 1 / PX_PER_M
    return np.array([[scale, 0, building.left_m], [0, -scale, building.height_m], [0, 0, 1]], np.float64)


def _zoomed(camera: Camera) -> NDArray[np.float64]:
    """Façade metres to pixels of the enlarged canvas: pixel centres stay where they are after shrinking by area."""
    zoom = zoom_of(camera)
    shift = (zoom - 1) / 2
    enlarge = np.array([[zoom, 0, shift], [0, zoom, shift], [0, 0, 1]], np.float64)
    return np.asarray(enlarge @ camera.facade_homography(), np.float64)


def _corners(rect: Rectangle, building: Building, inset: float = 0.0) -> tuple[tuple[int, int], tuple[int, int]]:
    """A rectangle of the façade as two corners of the wall's texture."""
    left, right = (rect.left + inset - building.left_m), (rect.right - inset - building.left_m)
    top, bottom = building.height_m - rect.top + inset, building.height_m - rect.bottom - inset
    return (round(left * PX_PER_M), round(top * PX_PER_M)), (round(right * PX_PER_M) - 1, round(bottom * PX_PER_M) - 1)


def _panes(building: Building) -> list[tuple[int, Rectangle]]:
    return [
        (floor, building.window(floor, bay)) for floor in range(1, building.floors + 1) for bay in range(building.bays)
    ]


def _glass_texture(building: Building) -> Plane:
    shape = (round(building.height_m * PX_PER_M), round((building.right_m - building.left_m) * PX_PER_M))
    glass = np.zeros(shape, np.float32)
    for _, rect in _panes(building):
        cv2.rectangle(glass, *_corners(rect, building, 0.06), 1.0, cv2.FILLED)
    return glass


def _wall_radiance(scenario: Scenario) -> Plane:
    """The façade plane as it shines: albedo × light with the shadows of what sticks out, then windows."""
    building, light = scenario.building, scenario.light
    rng = stream(scenario.seed, "wall")
    albedo = wall_albedo(building, rng, PX_PER_M)
    shadow = np.zeros(albedo.shape[:2], np.float32)
    nearness = np.zeros(albedo.shape[:2], np.float32)
    sun_x, sun_y, sun_z = light.sun_towards
    for box in building.boxes(scenario.seed):
        reach = (box.low, box.high)
        flat = np.array([(reach[i][0], reach[j][1]) for i in (0, 1) for j in (0, 1)])
        _fill_hull(nearness, flat + np.array([0.0, -0.12]), building)
        if sun_z > 0.05:
            thrown = [
                (reach[i][0] - reach[k][2] * sun_x / sun_z, reach[j][1] - reach[k][2] * sun_y / sun_z)
                for i in (0, 1)
                for j in (0, 1)
                for k in (0, 1)
            ]
            _fill_hull(shadow, np.array(thrown), building)
    soft = cv2.GaussianBlur(shadow, (0, 0), 0.05 * PX_PER_M)[..., None]
    crowded = cv2.GaussianBlur(nearness, (0, 0), 0.25 * PX_PER_M)[..., None]
    falling = irradiance(light, (0, 0, 1), 0.0)
    direct = irradiance(light, (0, 0, 1), 1.0) - falling
    wall = albedo * (falling * (1 - 0.35 * crowded) + direct * (1 - soft))
    _windows(scenario, wall, falling, rng)
    return np.asarray(wall, np.float32)


def _fill_hull(mask: Plane, metres: NDArray[np.float64], building: Building) -> None:
    pixels = (metres - (building.left_m, building.height_m)) * (PX_PER_M, -PX_PER_M)
    hull = cv2.convexHull(np.round(pixels).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1.0)


def _windows(scenario: Scenario, wall: Plane, falling: Plane, rng: np.random.Generator) -> None:
    """Frames, what is seen inside, and what the glass mirrors: sky above, the dark other side of the street below."""
    building, light = scenario.building, scenario.light
    clouds = cloudy_noise(rng, wall.shape[0], wall.shape[1], 6 * PX_PER_M, octaves=4)
    top, low = np.array(light.sky_top, np.float32), np.array(light.sky_low, np.float32)
    for floor, rect in _panes(building):
        (left, upper), (right, lower) = _corners(rect, building)
        frame = np.asarray(np.array(building.trim_albedo) * falling * 1.05, np.float32)
        wall[upper : lower + 1, left : right + 1] = frame
        height = (rect.bottom + rect.top) / 2 / max(building.height_m, 1.0)
        mirrored = low * (1 - height) + top * height
        mirrored = mirrored * np.float32(0.25 if floor <= 2 else 1.0)
        lit = rng.random() < light.lit_windows
        warm = np.array([1.0, 0.72, 0.42]) * rng.uniform(0.25, 0.75) if lit else np.zeros(3)
        curtain = rng.random() < 0.4
        leaves_of_window = 2 if rect.right - rect.left < 2.2 else 3
        width = (rect.right - rect.left - 0.06) / leaves_of_window
        for leaf in range(leaves_of_window):
            start = rect.left + 0.06 + leaf * width
            pane = Rectangle(start, rect.bottom + 0.06, start + width - 0.06, rect.top - 0.06)
            (x0, y0), (x1, y1) = _corners(pane, building)
            depth = np.linspace(0.6, 1.15, y1 - y0 + 1, dtype=np.float32)[:, None, None]
            inside = falling * rng.uniform(0.03, 0.10)
            if curtain and rng.random() < 0.75:
                inside = falling * rng.uniform(0.18, 0.42) * np.array([1.0, rng.uniform(0.85, 1.0), 0.85])
            tilt = rng.uniform(0.8, 1.2)  # panes never hang quite parallel: each mirrors another bit of sky
            sheen = 1 + 0.25 * clouds[y0 : y1 + 1, x0 : x1 + 1, None]
            wall[y0 : y1 + 1, x0 : x1 + 1] = (inside + warm) * depth + building.reflectance * mirrored * tilt * sheen


def _paint_order(box: Box, building: Building) -> tuple[float, float]:
    """Seen from below, upper storeys are behind lower ones; within a storey what sticks out further is in front."""
    if box.high[1] - box.low[1] > 2 * building.floor_height_m:
        return (-np.inf, box.high[2])
    return (-np.floor((box.low[1] + 0.3) / building.floor_height_m), box.high[2])


def _paint_box(box: Box, camera: Camera, light: Light, canvases: tuple[Plane, Plane, Plane]) -> None:
    low, high = box.low, box.high
    for axis in range(3):
        for end, sign in ((low[axis], -1.0), (high[axis], 1.0)):
            if (camera.position[axis] - end) * sign <= 0 or (axis == 2 and sign < 0):
                continue
            others = [other for other in range(3) if other != axis]
            ring = [(low, low), (high, low), (high, high), (low, high)]
            face = np.zeros((4, 3))
            face[:, axis] = end
            for row, (first, second) in enumerate(ring):
                face[row, others[0]], face[row, others[1]] = first[others[0]], second[others[1]]
            normal = [0.0, 0.0, 0.0]
            normal[axis] = sign
            radiance = np.array(box.albedo) * irradiance(light, (normal[0], normal[1], normal[2]))
            _paint_face(face, camera, (float(radiance[0]), float(radiance[1]), float(radiance[2])), canvases)


def _paint_face(
    face: NDArray[np.float64], camera: Camera, radiance: Colour, canvases: tuple[Plane, Plane, Plane]
) -> None:
    canvas, cover, glass = canvases
    if np.any(camera.depth(face) < 0.5):
        return
    zoom = zoom_of(camera)
    pixels = camera.project(face) * zoom + (zoom - 1) / 2
    corners = np.round(pixels * 16).astype(np.int32)
    cv2.fillConvexPoly(canvas, corners, radiance, shift=4)
    cv2.fillConvexPoly(cover, corners, 1.0, shift=4)
    cv2.fillConvexPoly(glass, corners, 0.0, shift=4)


def _far_towers(scenario: Scenario, canvas: Plane, cover: Plane) -> None:
    """Hazy blocks behind, beside the façade: they break the skyline as in any city."""
    camera, light = scenario.camera, scenario.light
    rng = stream(scenario.seed, "towers")
    haze = np.array(light.sky_low) * 0.35
    behind = cover < 0.5
    for side in (-1, 1):
        if rng.random() < 0.25:
            continue
        away = float(rng.uniform(40, 90))
        edge = scenario.building.right_m if side > 0 else scenario.building.left_m
        near = edge * (camera.distance_m + away) / camera.distance_m + side * float(rng.uniform(2, 8))
        wide, high = float(rng.uniform(14, 26)), float(rng.uniform(30, 75))
        tone = np.array(light.ambient) * rng.uniform(0.4, 0.7) + haze * 0.5
        layer, mask = np.zeros_like(canvas), np.zeros_like(cover)
        canvases = (layer, mask, np.zeros_like(cover))
        left, right = sorted((near, near + side * wide))
        block = np.array([(left, 0, -away), (right, 0, -away), (right, high, -away), (left, high, -away)])
        _paint_face(block, camera, (float(tone[0]), float(tone[1]), float(tone[2])), canvases)
        for floor in np.arange(3, high - 2, 3.2):
            for x in np.arange(left + 1, right - 2, 3.0):
                shade = tone * rng.uniform(0.5, 0.8)
                hole = [(x, floor, -away), (x + 1.8, floor, -away), (x + 1.8, floor + 1.5, -away)]
                ring = np.array([*hole, (x, floor + 1.5, -away)])
                _paint_face(ring, camera, (float(shade[0]), float(shade[1]), float(shade[2])), canvases)
        seen = behind & (mask > 0)
        canvas[seen] = layer[seen]
        cover[seen] = 1.0


def _cables(scenario: Scenario, canvas: Plane, cover: Plane, glass: Plane) -> None:
    """One or two cables across the street, sagging."""
    camera = scenario.camera
    rng = stream(scenario.seed, "cables")
    dark = np.array(scenario.light.ambient) * 0.07
    zoom = zoom_of(camera)
    for _ in range(int(rng.integers(0, 3))):
        x = np.linspace(-40, 40, 60)
        height, away = float(rng.uniform(7, 12)), float(rng.uniform(4, 10))
        points = np.column_stack([x, height + 0.0012 * x**2 + rng.uniform(-0.03, 0.03) * x, np.full(60, away)])
        line = np.round((camera.project(points) * zoom + (zoom - 1) / 2) * 16).astype(np.int32)
        ink = (float(dark[0]), float(dark[1]), float(dark[2]))
        cv2.polylines(canvas, [line], False, ink, 2, cv2.LINE_8, 4)
        cv2.polylines(cover, [line], False, 1.0, 2, cv2.LINE_8, 4)
        cv2.polylines(glass, [line], False, 0.0, 2, cv2.LINE_8, 4)


def _falloff_picture(light: Light, camera: Camera) -> Plane:
    """The infra-red lamp's fading over the enlarged canvas, as if all of it were the façade."""
    rows, columns = camera.height // 8 + 1, camera.width // 8 + 1
    x, y = np.meshgrid(np.linspace(0, camera.width - 1, columns), np.linspace(0, camera.height - 1, rows))
    metres = camera.to_facade(np.column_stack([x.ravel(), y.ravel()]))
    metres[metres[:, 1] < 0] = (0.0, 0.0)
    points = np.column_stack([metres, np.zeros(len(metres))])
    coarse = lamp_falloff(light, camera, points).reshape(rows, columns)
    spot = np.exp(-0.5 * (((x - camera.width / 2) / (0.55 * camera.width)) ** 2))
    full = cv2.resize(
        np.asarray(coarse * spot, np.float32), (camera.width * zoom_of(camera), camera.height * zoom_of(camera))
    )
    return np.asarray(full, np.float32)
