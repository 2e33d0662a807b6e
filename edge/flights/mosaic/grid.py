"""The pixels of a mosaic: squares of a projected coordinate system, and where they lie in a flight's plane."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pyproj import Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info
from shapely.geometry.base import BaseGeometry

from contract.geometry import Point
from edge.flights.local import LocalPlane
from edge.flights.mosaic.errors import MosaicError
from edge.vision.arrays import Doubles

BLOCK_PX = 1024
"""Of one piece of work: 4 MB a picture, and a dozen pictures at 5 cm."""
MOST_PIXELS = 4_000_000_000
"""10 km² at 5 cm: 16 GB of room on the disk while it is made."""
_MOST_SIDE_PX = 400_000


@dataclass(frozen=True, slots=True)
class Block:
    """A window of the mosaic, in its pixels."""

    column: int
    row: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Grid:
    """North is up. (`west_m`, `north_m`) is the outer corner of the first pixel, in metres of `epsg`."""

    epsg: int
    west_m: float
    north_m: float
    gsd_m: float
    columns: int
    rows: int

    def blocks(self) -> Iterator[Block]:
        """All of it, in Morton's order (1966): neighbours are made soon after each other and need the same pictures."""
        across, down = math.ceil(self.columns / BLOCK_PX), math.ceil(self.rows / BLOCK_PX)
        side = 1 << max(across - 1, down - 1, 0).bit_length()
        for number in range(side * side):
            column, row = _even_bits(number), _even_bits(number >> 1)
            if column < across and row < down:
                left, top = column * BLOCK_PX, row * BLOCK_PX
                yield Block(left, top, min(BLOCK_PX, self.columns - left), min(BLOCK_PX, self.rows - top))


class GridPlaces:
    """Between a mosaic's pixels and a flight's plane. Immutable."""

    def __init__(self, grid: Grid, plane: LocalPlane) -> None:
        self.grid, self.plane = grid, plane
        self._there = Transformer.from_crs(f"EPSG:{grid.epsg}", plane.crs, always_xy=True)

    def metres(self, pixels: Doubles) -> Doubles:
        """(n, 2) in the plane of pixels (n, 2): column and row, whole numbers in the middle of a pixel."""
        grid = self.grid
        east = grid.west_m + (pixels[:, 0] + 0.5) * grid.gsd_m
        north = grid.north_m - (pixels[:, 1] + 0.5) * grid.gsd_m
        return np.stack(self._there.transform(east, north), axis=-1)

    def pixels(self, metres: Doubles) -> Doubles:
        """(n, 2): column and row of places (n, 2) of the plane."""
        grid = self.grid
        east, north = self._there.transform(metres[:, 0], metres[:, 1], direction="INVERSE")
        column = (np.asarray(east) - grid.west_m) / grid.gsd_m - 0.5
        return np.stack((column, (grid.north_m - np.asarray(north)) / grid.gsd_m - 0.5), axis=-1)


def utm_of(point: Point) -> int:
    """EPSG's number of the zone of UTM that a place lies in.

    Raises:
        MosaicError: there is none so near to a pole.
    """
    at = AreaOfInterest(point.longitude, point.latitude, point.longitude, point.latitude)
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=at)
    if not found:
        raise MosaicError(f"found a flight at latitude {point.latitude:.1f}, expected one from 80° south to 84° north")
    return int(found[0].code)


def grid_over(outline: BaseGeometry, plane: LocalPlane, gsd_m: float) -> Grid:
    """Around an outline in metres of the plane. Corners of pixels lie on whole multiples of their size.

    Raises:
        MosaicError: it would be too large, or too near to a pole.
    """
    epsg = utm_of(plane.origin)
    west, south, east, north = outline.bounds
    # UTM is turned against the plane by up to 3°: the corners alone would do, its bend is a millimetre.
    corners = np.array([(west, south), (west, north), (east, south), (east, north)])
    there = Transformer.from_crs(plane.crs, f"EPSG:{epsg}", always_xy=True)
    easts, norths = (np.asarray(each) for each in there.transform(corners[:, 0], corners[:, 1]))
    if not (np.isfinite(easts).all() and np.isfinite(norths).all()):
        raise MosaicError("the flight's ground does not lie in one zone of UTM: give a part of it")
    left, top = math.floor(easts.min() / gsd_m), math.ceil(norths.max() / gsd_m)
    columns, rows = math.ceil(easts.max() / gsd_m) - left, top - math.floor(norths.min() / gsd_m)
    if columns * rows > MOST_PIXELS or max(columns, rows) > _MOST_SIDE_PX:
        raise MosaicError(
            f"the mosaic would have {columns} x {rows} pixels of {gsd_m:g} m, expected at most "
            f"{MOST_PIXELS / 1e9:.0f} thousand million: give a larger gsd_m"
        )
    return Grid(epsg, left * gsd_m, top * gsd_m, gsd_m, max(columns, 1), max(rows, 1))


def _even_bits(number: int) -> int:
    """The number made of every second bit."""
    found, at = 0, 0
    while number:
        found |= (number & 1) << at
        number >>= 2
        at += 1
    return found
