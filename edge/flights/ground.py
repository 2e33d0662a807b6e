"""The ground under a flight: a level plane, or elevations from a GeoTIFF.

What counts is the terrain: in a model of the surface (DSM) roofs and crowns are ground too, and what stands beside
them is placed on top.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import rasterio
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from edge.flights.local import LocalPlane
from edge.flights.telemetry import Datum
from edge.vision.arrays import Doubles
from edge.vision.rays import FARTHEST_M, HeightGrid, meet_grid, meet_plane

__all__ = ["Datum", "GridGround", "Ground", "GroundError", "LevelGround", "NoHeightsError", "Pixels", "read_elevation"]

MOST_CELLS = 2_000_000
"""Of a grid in memory: 1.4 × 1.4 km at a metre. With what reading takes beside it, some 150 MB."""
MOST_PIXELS = 400_000_000
"""Of a file under one flight, which are all read once: some seconds."""
MOST_BLOCK_BYTES = 256 * 1024 * 1024
"""Of one block of a file, which is decoded as a whole."""
_CACHE_BYTES = 64 * 1024 * 1024
_LEAST_STEP_M = 0.25
_LOWEST_M, _HIGHEST_M = -1_000.0, 10_000.0
"""Of ground on earth, generously."""
_FEET = {"ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us survey foot": 1200 / 3937, "ussurveyfoot": 1200 / 3937}
_METRES = {"", "m", "metre", "metres", "meter", "meters"}


class Ground(Protocol):
    """What lines of sight meet."""

    @property
    def datum(self) -> Datum:
        """Of its heights, and so of the `up_m` of the poses above it."""

    @property
    def sigma_m(self) -> float:
        """Standard deviation of its heights."""

    def heights(self, places: Doubles) -> Doubles:
        """(n,) of places (n, 2); NaN where unknown."""

    def met(self, centre: Doubles, directions: Doubles, farthest_m: float = FARTHEST_M) -> Doubles:
        """(n, 3): where lines from a centre (3,) along directions (n, 3) meet it; NaN where they do not."""

    def slopes(self, points: Doubles) -> Doubles | None:
        """(n, 2) as `HeightGrid.slopes`; None where it is level everywhere."""


@dataclass(frozen=True, slots=True)
class LevelGround:
    """A plane at one height. `sigma_m` is how far the real ground lies from it, hills included."""

    height_m: float = 0.0
    datum: Datum = Datum.TAKEOFF
    sigma_m: float = 1.0

    def heights(self, places: Doubles) -> Doubles:
        return np.full(len(places), self.height_m)

    def met(self, centre: Doubles, directions: Doubles, farthest_m: float = FARTHEST_M) -> Doubles:
        return meet_plane(centre, directions, self.height_m, farthest_m)

    def slopes(self, points: Doubles) -> Doubles | None:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class GridGround:
    """Elevations in the local plane. `sigma_m` is the model's own error."""

    grid: HeightGrid
    datum: Datum
    sigma_m: float
    notes: tuple[str, ...] = ()
    """How the file was read, for people."""

    def heights(self, places: Doubles) -> Doubles:
        return self.grid.at(np.asarray(places, np.float64)[:, :2])

    def met(self, centre: Doubles, directions: Doubles, farthest_m: float = FARTHEST_M) -> Doubles:
        return meet_grid(centre, directions, self.grid, farthest_m)

    def slopes(self, points: Doubles) -> Doubles | None:
        # Along the border a cell's neighbour is missing: level is the better guess there than no place at all.
        return np.nan_to_num(self.grid.slopes(np.asarray(points, np.float64)[:, :2]), nan=0.0)


class GroundError(Exception):
    """An elevation file that cannot be used: the message names it, what was found, and what to do."""


class NoHeightsError(GroundError):
    """It is whole, but has no height where one is needed."""


def read_elevation(
    path: Path,
    plane: LocalPlane,
    bounds_m: tuple[float, float, float, float],
    *,
    datum: Datum | None = None,
    sigma_m: float = 3.0,
    step_m: float | None = None,
) -> GridGround:
    """The part of a GeoTIFF that a flight needs, in its plane. Memory stays bounded whatever the file's size.

    `bounds_m` is (west, south, east, north) of the plane. `datum`: what the heights are above; None takes what the
    file says, and sea level if it says nothing. `step_m`: None takes the file's own. Both are noted, and a step that
    would need more than 2 million points grows.

    Raises:
        GroundError: no GeoTIFF, no coordinate system, broken, elsewhere, of another unit, or of no heights.
    """
    west, south, east, north = bounds_m
    if not (west < east and south < north):
        raise ValueError(f"bounds {bounds_m} are not (west, south, east, north)")
    try:
        # One driver only: others open what a file names, over the network too.
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES), _opened(path) as file:
            factor = _checked(path, file)
            datum, told = _datum_of(file, datum)
            grid = _resampled(file, plane, bounds_m, step_m)
    except (RasterioError, CPLE_BaseError, OSError, ProjError, ValueError, MemoryError) as error:
        raise GroundError(f"{path}: cannot be read as a GeoTIFF of elevations ({error}): is it whole?") from error
    heights = grid.heights_m * factor
    heights[(heights < _LOWEST_M) | (heights > _HIGHEST_M)] = np.nan
    grid = HeightGrid(heights, grid.west_m, grid.north_m, grid.step_m)
    if math.isnan(grid.lowest_m):
        raise NoHeightsError(
            f"{path}: found no height under the flight, which spans {_described(plane, bounds_m)}; expected a file "
            "that covers it, with heights in metres"
        )
    missing = float(np.isnan(heights).mean())
    notes = [told, f"{heights.shape[1]} x {heights.shape[0]} points, {grid.step_m:g} m apart"]
    if factor != 1.0:
        notes.append(f"heights in feet were multiplied by {factor:.6f}")
    if missing:
        notes.append(f"unknown for {missing:.1%} of the area: nothing is placed there")
    return GridGround(grid, datum, sigma_m, tuple(notes))


def _opened(path: Path) -> DatasetReader:
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotGeoreferencedWarning)
        try:
            return rasterio.open(path, driver="GTiff")
        except NotGeoreferencedWarning:
            raise GroundError(
                f"{path}: does not say where it lies, expected a GeoTIFF with its place and coordinate system"
            ) from None


def _checked(path: Path, file: DatasetReader) -> float:
    """Metres per unit of height."""
    if file.crs is None:
        raise GroundError(f"{path}: has no coordinate system, expected one: assign it, as with `gdal_edit -a_srs`")
    if file.count != 1:
        raise GroundError(f"{path}: found {file.count} bands, expected one of heights: is it a picture?")
    kind = np.dtype(file.dtypes[0])
    if kind.kind not in "iuf":
        raise GroundError(f"{path}: found values of type {kind}, expected heights as integers or floats")
    rows, columns = file.block_shapes[0]
    if rows * columns * kind.itemsize > MOST_BLOCK_BYTES:
        raise GroundError(
            f"{path}: found blocks of {columns} x {rows}, expected at most {MOST_BLOCK_BYTES // 2**20} MB each: tile "
            "it, as with `gdal_translate -co TILED=YES`"
        )
    unit = (file.units[0] or "").strip().lower()
    if unit in _METRES:
        return 1.0
    if unit in _FEET:
        return _FEET[unit]
    raise GroundError(f"{path}: found heights in {unit!r}, expected metres or feet")


def _datum_of(file: DatasetReader, given: Datum | None) -> tuple[Datum, str]:
    """And how it was found."""
    crs = CRS.from_wkt(file.crs.to_wkt())
    stated: Datum | None = None
    name = ""
    if crs.is_compound:
        stated, name = Datum.SEA, crs.sub_crs_list[-1].name
        if "ellips" in name.lower():
            stated = Datum.ELLIPSOID
    elif crs.is_geographic and len(crs.axis_info) == 3:
        stated, name = Datum.ELLIPSOID, crs.name
    if given is not None:
        against = f"; the file says {name}" if stated not in (None, given) else ""
        return given, f"heights above {given}, as configured{against}"
    if stated is not None:
        return stated, f"heights above {stated}, as the file says ({name})"
    return Datum.SEA, "heights taken as above sea level, as most models are: the file does not say"


def _resampled(
    file: DatasetReader, plane: LocalPlane, bounds_m: tuple[float, float, float, float], step: float | None
) -> HeightGrid:
    """In the plane, as the file counts heights, NaN where unknown.

    Bilinear between the file's own pixels, whose places are computed one by one: GDAL's warper errs by a part of a
    cell as soon as its output is a little coarser.
    """
    west, south, east, north = bounds_m
    pixels_of = Pixels(file, plane)
    native = pixels_of.step_m((west + east) / 2, (south + north) / 2)
    step = max(step or native, math.sqrt((east - west) * (north - south) / MOST_CELLS), _LEAST_STEP_M)
    easts = np.arange(west, east + step, step)
    norths = np.arange(north, south - step, -step)
    corners = pixels_of(*np.meshgrid(easts[:: max(len(easts) - 1, 1)], np.linspace(norths[0], norths[-1], 9)))
    read, left, top, coarser = _window(file, corners, max(int(step / native), 1))
    heights = np.full((len(norths), len(easts)), np.nan)
    if read is None:
        return HeightGrid(heights, west, north, step)
    source = HeightGrid(read, 0.0, 0.0, 1.0)
    for row, at_north in enumerate(norths):
        across, down = pixels_of(easts, np.full(len(easts), at_north))
        # The grid's own interpolation, on the file's pixels: rows count downward there too.
        places = np.stack(((across - left) / coarser - 0.5, 0.5 - (down - top) / coarser), axis=1)
        heights[row] = source.at(places)
    return HeightGrid(heights, west, north, step)


class Pixels:
    """From the plane to pixels of a file, counted from the upper left corner of the first."""

    def __init__(self, file: DatasetReader, plane: LocalPlane) -> None:
        crs = CRS.from_wkt(file.crs.to_wkt())
        level = crs.sub_crs_list[0] if crs.is_compound else crs.to_2d()
        self._there = Transformer.from_crs(plane.crs, level, always_xy=True)
        place = file.transform
        matrix = np.array(((place.a, place.b), (place.d, place.e)))
        if not abs(float(np.linalg.det(matrix))) > 0:
            raise ValueError("its pixels have no size")
        self._inverse, self._corner = np.linalg.inv(matrix), (place.c, place.f)

    def __call__(self, easts: Doubles, norths: Doubles) -> tuple[Doubles, Doubles]:
        x, y = self._there.transform(easts, norths)
        x, y = np.asarray(x) - self._corner[0], np.asarray(y) - self._corner[1]
        (a, b), (c, d) = self._inverse
        return a * x + b * y, c * x + d * y

    def step_m(self, east_m: float, north_m: float) -> float:
        """The shorter side of a pixel there, in metres of the plane."""
        across, down = self(np.array((east_m - 1, east_m + 1, east_m, east_m)), north_m + np.array((0.0, 0, -1, 1)))
        change = np.array(((across[1] - across[0], across[3] - across[2]), (down[1] - down[0], down[3] - down[2]))) / 2
        if not np.isfinite(change).all():
            raise ValueError("the flight lies outside of what its coordinate system is made for")
        return float(1 / np.linalg.norm(change, 2))


def _window(
    file: DatasetReader, corners: tuple[Doubles, Doubles], coarser: int
) -> tuple[Doubles | None, int, int, int]:
    """The pixels around the corners, `coarser` times fewer each way, where the first of them begins, and how coarse.

    Means of whole pixels: by another factor than a whole one GDAL shifts them.
    """
    across, down = corners
    if not (np.isfinite(across).all() and np.isfinite(down).all()):
        return None, 0, 0, 1
    margin = 2 * coarser
    left, right = max(int(across.min()) - margin, 0), min(int(across.max()) + margin + 1, file.width)
    top, bottom = max(int(down.min()) - margin, 0), min(int(down.max()) + margin + 1, file.height)
    if left >= right or top >= bottom:
        return None, 0, 0, 1
    if (right - left) * (bottom - top) > MOST_PIXELS:
        raise ValueError(f"it has more than {MOST_PIXELS / 1e6:.0f} million pixels under the flight: make it coarser")
    rows, columns = (bottom - top) // coarser, (right - left) // coarser
    if not (rows and columns):
        rows, columns, coarser = bottom - top, right - left, 1
    window = Window(left, top, columns * coarser, rows * coarser)
    read = file.read(1, window=window, out_shape=(rows, columns), masked=True, resampling=Resampling.average)
    return np.asarray(read.astype(np.float64).filled(np.nan)), left, top, coarser


def _described(plane: LocalPlane, bounds_m: tuple[float, float, float, float]) -> str:
    west, south, east, north = bounds_m
    (left, low), (right, high) = plane.degrees(np.array([(west, south), (east, north)]))
    return f"longitude {left:.4f} to {right:.4f}, latitude {low:.4f} to {high:.4f}"
