"""A town as the city's survey aeroplane sees it: an orthophoto and a model of its surface, as GeoTIFF.

The orthophoto is laid on the ground alone, as most are: from a camera that was not above the town, so that roofs lean
all to one side. Streets and roofs of the surface are true; edges are soft, and heights have noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rasterio
from pyproj import Transformer
from rasterio import Affine
from rasterio.enums import Resampling
from rasterio.warp import reproject
from scipy.ndimage import gaussian_filter

from edge.detectors.interface import Image
from edge.flights.local import LocalPlane
from edge.vision.arrays import Doubles, Floats
from edge.vision.lens import Lens
from edge.vision.pose import Pose
from samples.facade.seeding import stream
from samples.town.pairs import Flown
from samples.town.world import Building, Roof, Town

UP_M = 2000.0
_BEYOND_M = 30.0
_PIECE_M = 150.0


@dataclass(frozen=True, slots=True)
class Aerial:
    """How it was made. `lean`: metres by which a roof lies beside its place, a metre of height; `off_m` (east, north)
    of the whole picture; `up_m` of all heights: another vertical datum."""

    gsd_m: float = 0.1
    epsg: int = 4547
    lean: tuple[float, float] = (0.12, -0.08)
    off_m: tuple[float, float] = (0.2, 0.15)
    surface_gsd_m: float = 0.5
    up_m: float = 31.7
    noise_m: float = 0.08


def write_orthophoto(path: Path, flown: Flown, aerial: Aerial | None = None, date: str | None = None) -> None:
    """The town of a flight, as it is on that day, with 30 m around it. `date`: as TIFF has it."""
    aerial = aerial or Aerial()
    picture = orthophoto_of(flown, aerial)
    tags = {} if date is None else {"TIFFTAG_DATETIME": date}
    _write(path, np.moveaxis(picture[..., ::-1], 2, 0), aerial.gsd_m, aerial, flown.town, tags)


def write_surface(path: Path, town: Town, aerial: Aerial | None = None) -> None:
    """Ground, roofs and crowns; metres."""
    aerial = aerial or Aerial()
    heights = surface_of(town, aerial)
    _write(path, heights[None], aerial.surface_gsd_m, aerial, town, {})


def orthophoto_of(flown: Flown, aerial: Aerial) -> Image:
    """(rows, columns, 3) BGR of the plane's square, north up, not moved by `off_m`."""
    side = _side_px(flown.town, aerial.gsd_m)
    found = np.zeros((side, side, 3), np.uint8)
    step = round(_PIECE_M / aerial.gsd_m)
    half = side * aerial.gsd_m / 2
    for number, (top, left) in enumerate((t, s) for t in range(0, side, step) for s in range(0, side, step)):
        rows, columns = min(step, side - top), min(step, side - left)
        middle = np.array((left + columns / 2, -(top + rows / 2))) * aerial.gsd_m + (-half, half)
        lens, pose = _camera(middle, max(rows, columns), aerial)
        seen = flown.renderer.picture(lens, pose, 10_000 + number, squeezed=False)
        corners = np.array(((0, 0), (columns, 0), (columns, rows), (0, rows)), np.float64)
        places = (corners + np.array((left, top))) * (aerial.gsd_m, -aerial.gsd_m) + (-half, half)
        pixels = lens.pixels(pose.to_camera(np.column_stack((places, np.zeros(4)))))
        across = cv2.getPerspectiveTransform((corners - 0.5).astype(np.float32), pixels.astype(np.float32))
        found[top : top + rows, left : left + columns] = cv2.warpPerspective(
            seen, across, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
    return found


def surface_of(town: Town, aerial: Aerial) -> Floats:
    """(rows, columns): metres of the plane's square."""
    side, gsd = _side_px(town, aerial.surface_gsd_m), aerial.surface_gsd_m
    heights = np.zeros((side, side), np.float32)
    half = side * gsd / 2
    for building in sorted(town.buildings, key=lambda each: each.base_m):
        _raise(heights, building, gsd, half)
    for tree in town.trees:
        window, east, north = _around((tree.east_m, tree.north_m), tree.radius_m, side, gsd)
        away = np.hypot(east - tree.east_m, north - tree.north_m) / tree.radius_m
        crown = tree.height_m * (0.5 + 0.38 * np.sqrt(np.clip(1 - away**2, 0, 1)))
        heights[window] = np.where(away < 1, np.maximum(heights[window], crown), heights[window])
    soft = gaussian_filter(heights, 0.35) + stream(town.seed, "surface").normal(0, aerial.noise_m, heights.shape)
    return np.asarray(soft + aerial.up_m, np.float32)


def _raise(heights: Floats, building: Building, gsd: float, half: float) -> None:
    grown = building.overhang_m
    window, east, north = _around((building.east_m, building.north_m), building.radius_m, len(heights), gsd)
    c, s = np.cos(building.turn), np.sin(building.turn)
    along = c * (east - building.east_m) + s * (north - building.north_m)
    across = c * (north - building.north_m) - s * (east - building.east_m)
    inside = (np.abs(along) <= building.length_m / 2 + grown) & (np.abs(across) <= building.width_m / 2 + grown)
    top = np.full(east.shape, building.eaves_m)
    if building.roof is not Roof.FLAT:
        up = 1 - np.abs(across) / (building.width_m / 2 + grown)
        if building.roof is Roof.HIP:
            up = np.minimum(up, (building.length_m / 2 + grown - np.abs(along)) / (building.width_m / 2 + grown))
        top = building.eaves_m + building.rise_m * np.clip(up, 0, 1)
    heights[window] = np.where(inside, np.maximum(heights[window], top), heights[window])


def _around(place: tuple[float, float], radius: float, side: int, gsd: float) -> tuple[tuple[slice, slice], Doubles,
                                                                                      Doubles]:  # fmt: skip
    """A window of the square, and the places of its cells."""
    half = side * gsd / 2
    left, right = (int(np.clip((place[0] + sign * (radius + 1) + half) / gsd, 0, side)) for sign in (-1, 1))
    top, low = (int(np.clip((half - place[1] - sign * (radius + 1)) / gsd, 0, side)) for sign in (1, -1))
    east = (np.arange(left, right) + 0.5) * gsd - half
    north = half - (np.arange(top, low) + 0.5) * gsd
    return (slice(top, low), slice(left, right)), *np.meshgrid(east, north)


def _camera(middle: Doubles, side_px: int, aerial: Aerial) -> tuple[Lens, Pose]:
    """Looks at a place from where roofs lean as they should."""
    away = np.array((-aerial.lean[0], -aerial.lean[1], 1.0)) * UP_M
    ahead = -away / np.linalg.norm(away)
    right = np.cross(ahead, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    turn = np.stack((right, np.cross(ahead, right), ahead), axis=1)
    size = round(side_px * 1.15) + 20
    focal = float(np.linalg.norm(away)) / aerial.gsd_m
    lens = Lens(size, size, focal, focal, (size - 1) / 2, (size - 1) / 2)
    return lens, Pose(float(middle[0] + away[0]), float(middle[1] + away[1]), float(away[2]), turn)


def _side_px(town: Town, gsd_m: float) -> int:
    return int(np.ceil((town.size_m + 2 * _BEYOND_M) / gsd_m))


def _write(path: Path, bands: np.ndarray, gsd_m: float, aerial: Aerial, town: Town, tags: dict[str, str]) -> None:
    """Turned from the plane into the file's coordinate system."""
    plane, side = LocalPlane(town.origin), bands.shape[1]
    half = side * gsd_m / 2
    here = Affine(gsd_m, 0, -half + aerial.off_m[0], 0, -gsd_m, half + aerial.off_m[1])
    there = f"EPSG:{aerial.epsg}"
    edges = -half, -half, half, half
    west, south, east, north = Transformer.from_crs(plane.crs, there, always_xy=True).transform_bounds(*edges)
    place = Affine(gsd_m, 0, west, 0, -gsd_m, north)
    columns, rows = round((east - west) / gsd_m), round((north - south) / gsd_m)
    heights = bands.dtype == np.float32
    profile = {"nodata": -9999.0} if heights else {"photometric": "RGB"}
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=len(bands), dtype=bands.dtype, crs=there,
        transform=place, tiled=True, compress="deflate", **profile,
    ) as file:  # fmt: skip
        for number, band in enumerate(bands, 1):
            found = np.full((rows, columns), -9999.0 if heights else 0, bands.dtype)
            reproject(
                band, found, src_transform=here, src_crs=plane.crs, dst_transform=place, dst_crs=there,
                resampling=Resampling.bilinear, init_dest_nodata=False,
            )  # fmt: skip
            file.write(found, number)
        file.update_tags(**tags)
