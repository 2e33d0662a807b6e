"""Orthophotos and surface models of the drawn scenes: small, and as wrong as a test wants them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio import Affine
from rasterio.enums import Resampling
from rasterio.warp import reproject

from edge.flights.local import LocalPlane
from edge.flights.orthophotos.views import UP_M
from edge.vision.surface.shots import Eye
from tests.edge.flights.drawn import PLANE
from tests.edge.vision.surface.scenes import Scene

EDGES = (-64.0, -48.0, 64.0, 48.0)


def write(path: Path, bands: np.ndarray, gsd_m: float, *, epsg: int | None = None, plane: LocalPlane = PLANE,
          edges: Sequence[float] = EDGES, **profile: Any) -> Path:  # fmt: skip
    """`bands` (n, rows, columns), north up, of the plane's box; `epsg`: turned into it."""
    place = Affine(gsd_m, 0, edges[0], 0, -gsd_m, edges[3])
    crs: str = plane.crs
    if epsg is not None:
        crs = f"EPSG:{epsg}"
        to, columns, rows = around(edges, plane.crs, crs, gsd_m)
        turned = np.zeros((len(bands), rows, columns), bands.dtype)
        reproject(bands, turned, src_transform=place, src_crs=plane.crs, dst_transform=to, dst_crs=crs,
                  resampling=Resampling.bilinear)  # fmt: skip
        bands, place = turned, to
    options = {"driver": "GTiff", "crs": crs, "transform": place, "dtype": bands.dtype, **profile}
    with rasterio.open(path, "w", width=bands.shape[2], height=bands.shape[1], count=len(bands), **options) as file:
        file.write(bands)
    return path


def around(edges: Sequence[float], here: str, there: str, gsd_m: float) -> tuple[Affine, int, int]:
    """Where a box of one coordinate system lies in another: its place, columns and rows."""
    west, south, east, north = Transformer.from_crs(here, there, always_xy=True).transform_bounds(*edges)
    step = gsd_m / 111_000 if abs(east) <= 180 else gsd_m
    return Affine(step, 0, west, 0, -step, north), round((east - west) / step), round((north - south) / step)


def picture_of(scene: Scene, gsd_m: float = 0.12) -> np.ndarray:
    """(3, rows, columns) red, green, blue: the scene from straight above, without any lean."""
    columns, rows = (round((EDGES[axis + 2] - EDGES[axis]) / gsd_m) for axis in (0, 1))
    focal = UP_M / gsd_m
    matrix = np.array(((focal, 0, (columns - 1) / 2), (0, focal, (rows - 1) / 2), (0, 0, 1)), np.float64)
    centre = np.array((0.0, 0.0, scene.ground_m + UP_M))
    eye = Eye(matrix, np.diag((1.0, -1.0, -1.0)), centre, columns, rows)
    return np.moveaxis(scene.seen_by(eye)[..., ::-1], 2, 0)


def heights_of(scene: Scene, gsd_m: float = 0.5, up_m: float = 0.0) -> np.ndarray:
    """(1, rows, columns) metres."""
    east = np.arange(EDGES[0] + gsd_m / 2, EDGES[2], gsd_m)
    north = np.arange(EDGES[3] - gsd_m / 2, EDGES[1], -gsd_m)
    places = np.stack([each.ravel() for each in np.meshgrid(east, north)], axis=1)
    return (scene.height(places).reshape(1, len(north), len(east)) + up_m).astype(np.float32)
