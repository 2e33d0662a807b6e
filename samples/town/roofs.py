"""What roofs look like from above: tiles, coloured steel, concrete with its stains, solar heaters."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.interface import Image
from edge.vision.arrays import Doubles, Floats
from samples.town.grain import crop_of, loose_grain
from samples.town.state import FlightState
from samples.town.world import Building, Cover

COLOURS: dict[Cover, tuple[tuple[int, int, int], ...]] = {
    Cover.CONCRETE: ((150, 158, 163), (134, 142, 148), (164, 170, 173), (120, 130, 138), (150, 163, 172)),
    Cover.TILE_RED: ((66, 78, 142), (58, 72, 128), (72, 92, 158), (70, 84, 120)),
    Cover.TILE_GREY: ((96, 98, 98), (84, 86, 86), (108, 106, 102)),
    Cover.STEEL_BLUE: ((176, 112, 62), (188, 128, 80), (164, 96, 48), (196, 146, 108)),
    Cover.STEEL_RED: ((62, 62, 156), (70, 76, 170), (58, 56, 134)),
    Cover.STEEL_GREY: ((158, 158, 152), (140, 142, 138), (172, 172, 168)),
    Cover.STEEL_WHITE: ((206, 206, 202), (196, 198, 198)),
    Cover.FELT: ((74, 76, 78), (86, 86, 88), (96, 98, 100)),
    Cover.FELT_GREEN: ((88, 122, 92), (98, 128, 98)),
    Cover.PLASTIC: ((196, 200, 200), (182, 190, 192)),
}
"""Blue, green, red as painted, in full sun."""
STEEL = (Cover.STEEL_BLUE, Cover.STEEL_RED, Cover.STEEL_GREY, Cover.STEEL_WHITE)


def roof_colour(building: Building) -> Floats:
    """(3,) blue, green, red."""
    kinds = COLOURS[building.cover]
    mixed = _mix(building.key, building.look)
    base = np.array(kinds[mixed % len(kinds)], np.float32)
    return base * np.float32(1 + ((mixed >> 8) % 100 / 100 - 0.5) * 0.18)


def _mix(key: int, look: int) -> int:
    value = (key * 2654435761 + look * 97_531_357 + 12345) & 0xFFFFFFFF
    return (value ^ (value >> 15)) * 2246822519 & 0x7FFFFFFF


def roof_plan(building: Building, state: FlightState, texel_m: float) -> Image:
    """(rows, columns, 3): the roof in full light, seen straight from above, columns along its length from its
    beginning, rows across from its left side. A texel is `texel_m`."""
    width = max(2, int(np.ceil((building.length_m + 2 * building.overhang_m) / texel_m)) + 1)
    height = max(2, int(np.ceil((building.width_m + 2 * building.overhang_m) / texel_m)) + 1)
    key = _mix(building.key, building.look)
    field = crop_of(loose_grain(texel_m), key, height, width)
    along = (np.arange(width, dtype=np.float32) + 0.5) * np.float32(texel_m)
    across = (np.arange(height, dtype=np.float32) + 0.5) * np.float32(texel_m)
    if building.cover in STEEL:
        gain = _steel(building, field, along, texel_m, key)
    elif building.cover in (Cover.TILE_RED, Cover.TILE_GREY):
        gain = _tiles(field, along, across, texel_m)
    elif building.cover is Cover.PLASTIC:
        gain = 1 + 0.03 * field + 0.05 * _stripes(along, 1.2, texel_m)[None, :]
    else:
        gain = _flat(building, field, along, across, texel_m, key)
    if building.cover in (Cover.CONCRETE, Cover.FELT):
        gain = gain * np.float32(1 - 0.2 * state.wet)
    plan = np.asarray(np.clip(roof_colour(building) * np.clip(gain, 0.3, 1.5)[..., None], 0, 255), np.uint8)
    _marks(plan, building, texel_m, key)
    return plan


def _stripes(at: Floats, period_m: float, texel_m: float) -> Floats:
    if period_m < 2.2 * texel_m:
        return np.zeros_like(at)
    return np.asarray(np.sin(at * (2 * np.pi / period_m)), np.float32)


def _steel(building: Building, field: Floats, along: Floats, texel_m: float, key: int) -> Floats:
    ribs = 0.05 * _stripes(along, 0.8, texel_m) + 0.03 * _stripes(along, 0.2, texel_m)
    sheets = np.floor(along / 0.8).astype(np.int64)
    faded = ((sheets * 7919 + key) % 97 / 97 - 0.5).astype(np.float32) * np.float32(0.06)
    age = (key % 100) / 100
    gain = 1 + ribs[None, :] + faded[None, :] + np.float32(0.015 + 0.03 * age) * field
    if building.length_m > 25:
        lights = (along % 8.0 < 0.9).astype(np.float32) * np.float32(0.16)
        rows = np.ones((field.shape[0], 1), np.float32)
        rows[: max(1, int(1.2 / texel_m))] = 0
        gain = gain + rows * lights[None, :]
    return np.asarray(gain, np.float32)


def _tiles(field: Floats, along: Floats, across: Floats, texel_m: float) -> Floats:
    courses = 0.09 * _stripes(across, 0.34, texel_m)
    columns = 0.05 * _stripes(along, 0.24, texel_m)
    return np.asarray(1 + courses[:, None] + columns[None, :] + 0.09 * field, np.float32)


def _flat(building: Building, field: Floats, along: Floats, across: Floats, texel_m: float, key: int) -> Floats:
    """Concrete or felt: mould where water stands, slabs or strips, a dark rim."""
    age = 0.3 + (key % 71) / 100
    blurred = cv2.GaussianBlur(field, (0, 0), max(0.6, 0.5 / texel_m))
    broad = blurred / max(0.15, float(blurred.std()))
    stains = np.clip(broad - 0.3, 0, 2) * np.float32(-0.11 * age)
    gain = 1 + 0.035 * field + stains
    period = 1.0 if building.cover in (Cover.FELT, Cover.FELT_GREEN) else 3.1
    if texel_m < 0.25:
        joints = (along % period < max(0.05, texel_m)).astype(np.float32)[None, :]
        if period > 2:
            joints = np.maximum(joints, (across % period < max(0.05, texel_m)).astype(np.float32)[:, None])
        gain = gain - joints * np.float32(0.09 * min(1.0, 0.06 / texel_m))
    edge = np.minimum(np.minimum(along, along[-1] - along)[None, :], np.minimum(across, across[-1] - across)[:, None])
    return np.asarray(gain - np.float32(0.10 * age) * np.clip(1 - edge / 0.9, 0, 1), np.float32)


def _marks(plan: Image, building: Building, texel_m: float, key: int) -> None:
    """Ridges, and on large flat roofs a repair in another felt."""
    rows, columns = plan.shape[:2]
    if building.rise_m and building.cover in (Cover.TILE_RED, Cover.TILE_GREY):
        middle = rows // 2
        thick = max(1, round(0.16 / texel_m))
        ridge = plan[middle - thick // 2 : middle - thick // 2 + thick]
        ridge[:] = np.clip(ridge * 1.18, 0, 255).astype(np.uint8)
    if building.roof.value == "flat" and key % 5 == 0 and min(rows, columns) * texel_m > 6:
        left, top = int(columns * (key >> 4) % 50 / 100), int(rows * ((key >> 9) % 50) / 100)
        part = plan[top : top + rows // 3, left : left + columns // 3]
        part[:] = np.clip(part * (0.86 if key % 2 else 1.1), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Wall:
    """What a wall looks like. Many walls look alike: one picture does for all of them."""

    colour: int
    length_m: int
    half_metres_high: int
    pitch: int
    """0: no windows; else how far apart they are."""


WALLS = ((168, 182, 190), (150, 158, 164), (196, 202, 204), (140, 158, 178), (120, 130, 156), (176, 176, 172))


def wall_colour(building: Building) -> Doubles:
    """(3,) blue, green, red."""
    return np.array(WALLS[_wall_number(building)], np.float64)


def _wall_number(building: Building) -> int:
    return 5 if _is_hall(building) else (building.key * 40503 >> 4) % len(WALLS)


def _is_hall(building: Building) -> bool:
    return building.cover in STEEL and building.length_m > 15 and building.eaves_m < 12


def wall_of(building: Building, length_m: float, side: int) -> Wall:
    """Which of the walls a building has on its `side`, 0 to 3."""
    height_m = building.eaves_m - building.base_m + building.parapet_m
    windows = not _is_hall(building) and height_m > 2.4 and length_m > 3 and side % 2 == 0
    pitch = 1 + building.key % 5 if windows else 0
    length = max(1, round(length_m)) if length_m < 8 else round(length_m / 2) * 2
    return Wall(_wall_number(building), length, max(1, round(2 * height_m)), pitch)


def wall_plan(wall: Wall, texel_m: float) -> Image:
    """(rows, columns, 3): a wall in full light from the ground up, windows in rows; the first row is the ground."""
    height_m = wall.half_metres_high / 2
    width, height = max(2, int(np.ceil(wall.length_m / texel_m))), max(2, int(np.ceil(height_m / texel_m)))
    field = crop_of(loose_grain(texel_m), wall.colour * 77 + wall.length_m * 13 + wall.pitch, height, width)
    up = (np.arange(height, dtype=np.float32) + 0.5) * np.float32(texel_m)
    along = (np.arange(width, dtype=np.float32) + 0.5) * np.float32(texel_m)
    soiled = (0.86 + 0.14 * np.clip(up / 2.5, 0, 1))[:, None]
    plan = np.array(WALLS[wall.colour], np.float32) * (soiled * (1 + 0.04 * field))[..., None]
    if wall.pitch:
        storey = (up % 3.1 > 1.0) & (up % 3.1 < 2.4) & (up < height_m - 0.5)
        pitch = 2.1 + 0.3 * wall.pitch
        window = (along % pitch > 0.7) & (along % pitch < 0.7 + 0.5 * pitch) & (along < wall.length_m - 0.5)
        plan[storey[:, None] & window[None, :]] = (88, 80, 70)
    return np.asarray(np.clip(plan, 0, 255), np.uint8)
