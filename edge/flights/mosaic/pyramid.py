"""A mosaic as PMTiles: square tiles of the web's Mercator projection (EPSG:3857) in one file, for maps in browsers.

The finest zoom is cut from the mosaic; every coarser tile is the mean of its four children (depth first, so that only
a few tiles are in memory). Format: github.com/protomaps/PMTiles, version 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
from pyproj import Transformer

from edge.detectors.interface import Image
from edge.flights.mosaic.errors import MosaicError
from edge.flights.mosaic.grid import Block, Grid
from edge.flights.shots import Progress
from edge.vision.arrays import Doubles, Floats

TILE_PX = 256
_STEP_PX = 16
_WORLD_M = 2 * math.pi * 6_378_137.0
"""Around the equator of the projection's sphere."""
FARTHEST_NORTH = 85.05
"""Degrees that the projection reaches."""
_COARSEST_PX = 64
"""A mosaic that is smaller than this on a map is not worth a zoom."""
MOST_ZOOM = 24
_WRITER: Any = Writer
"""It has no types."""

Read = Callable[[Block], Image]


@dataclass(frozen=True, slots=True)
class Pyramid:
    """What was written."""

    least_zoom: int
    most_zoom: int
    bounds: tuple[float, float, float, float]
    """West, south, east, north in degrees."""
    tiles: int


@dataclass(frozen=True, slots=True)
class Words:
    """What the file says of itself."""

    name: str
    description: str
    attribution: str


def zooms_of(grid: Grid, latitude: float) -> tuple[int, int]:
    """Coarsest and finest: the finest is the one whose pixels are nearest to the mosaic's."""
    metres = _WORLD_M / TILE_PX * math.cos(math.radians(latitude))
    finest = min(max(round(math.log2(metres / grid.gsd_m)), 0), MOST_ZOOM)
    coarser = math.floor(math.log2(max(grid.columns, grid.rows, _COARSEST_PX) / _COARSEST_PX))
    return max(finest - coarser, 0), finest


def write_pmtiles(path: Path, grid: Grid, read: Read, words: Words, quality: int, progress: Progress) -> Pyramid:
    """`read` gives BGRA of a block of the mosaic, empty where there is none.

    Raises:
        MosaicError: too near to a pole, or it cannot be written.
    """
    made = _Tiles(grid, read, quality, progress)
    west, south, east, north = made.bounds
    if max(abs(south), abs(north)) > FARTHEST_NORTH:
        raise MosaicError(f"found a mosaic at latitude {north:.1f}, expected one that the web's maps reach")
    header: dict[str, Any] = {
        "tile_type": TileType.WEBP,
        "tile_compression": Compression.NONE,
        "min_lon_e7": round(west * 1e7), "min_lat_e7": round(south * 1e7),
        "max_lon_e7": round(east * 1e7), "max_lat_e7": round(north * 1e7),
        "center_zoom": made.zooms[0],
        "center_lon_e7": round((west + east) / 2 * 1e7), "center_lat_e7": round((south + north) / 2 * 1e7),
    }  # fmt: skip
    metadata = {
        "name": words.name, "description": words.description, "attribution": words.attribution, "type": "overlay",
        "format": "webp",
    }  # fmt: skip
    spool = path.with_name(f"{path.name}.tiles")
    try:
        with spool.open("w+b") as kept:
            made.write(kept.write)
            if not made.places:
                raise MosaicError("the mosaic shows nothing: no tile can be made of it")
            with path.open("wb") as file:
                writer = _WRITER(file)
                # In the order of their numbers neighbours lie beside each other in the file too.
                for number in sorted(made.places):
                    at, length = made.places[number]
                    kept.seek(at)
                    writer.write_tile(number, kept.read(length))
                writer.finalize(header, metadata)
    except OSError as error:
        raise MosaicError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        spool.unlink(missing_ok=True)
    return Pyramid(*made.zooms, made.bounds, len(made.places))


class _Tiles:
    """Makes tiles, and remembers where each was put."""

    def __init__(self, grid: Grid, read: Read, quality: int, progress: Progress) -> None:
        self._grid, self._read, self._quality, self._progress = grid, read, quality, progress
        self._there = Transformer.from_crs("EPSG:3857", f"EPSG:{grid.epsg}", always_xy=True)
        corners = self._corners()
        to_degrees = Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
        longitudes, latitudes = (np.asarray(each) for each in to_degrees.transform(corners[:, 0], corners[:, 1]))
        self.bounds = (
            float(longitudes.min()), float(latitudes.min()), float(longitudes.max()), float(latitudes.max()),
        )  # fmt: skip
        self.zooms = zooms_of(grid, float(latitudes.mean()))
        self._range = {zoom: _tiles_over(corners, zoom) for zoom in range(self.zooms[0], self.zooms[1] + 1)}
        self.places: dict[int, tuple[int, int]] = {}
        self._at = 0

    def _corners(self) -> Doubles:
        """(n, 2) of the mosaic's border in the web's Mercator projection: its sides are bent there."""
        grid, along = self._grid, np.linspace(0, 1, 9)
        across, down = grid.columns * grid.gsd_m, grid.rows * grid.gsd_m
        edges = [(x, y) for x in along for y in (0, 1)] + [(x, y) for y in along for x in (0, 1)]
        east = np.array([grid.west_m + x * across for x, _ in edges])
        north = np.array([grid.north_m - y * down for _, y in edges])
        return np.stack(self._there.transform(east, north, direction="INVERSE"), axis=-1)

    def write(self, put: Callable[[bytes], int]) -> None:
        left, top, right, low = self._range[self.zooms[1]]
        self._progress.begins("tiles", (right - left + 1) * (low - top + 1))
        left, top, right, low = self._range[self.zooms[0]]
        for row in range(top, low + 1):
            for column in range(left, right + 1):
                self._tile(self.zooms[0], column, row, put)

    def _tile(self, zoom: int, column: int, row: int, put: Callable[[bytes], int]) -> Image | None:
        """BGRA, colours multiplied with alpha; None where it is empty."""
        left, top, right, low = self._range[zoom]
        if not (left <= column <= right and top <= row <= low):
            return None
        if zoom == self.zooms[1]:
            self._progress.advances()
            tile = self._cut(zoom, column, row)
        else:
            tile = self._from_children(zoom, column, row, put)
        if tile is None or not tile[..., 3].any():
            return None
        data = _encoded(tile, self._quality)
        put(data)
        self.places[zxy_to_tileid(zoom, column, row)] = self._at, len(data)
        self._at += len(data)
        return tile

    def _from_children(self, zoom: int, column: int, row: int, put: Callable[[bytes], int]) -> Image | None:
        whole = np.zeros((2 * TILE_PX, 2 * TILE_PX, 4), np.uint8)
        empty = True
        for down in (0, 1):
            for across in (0, 1):
                child = self._tile(zoom + 1, 2 * column + across, 2 * row + down, put)
                if child is not None:
                    empty = False
                    part = slice(down * TILE_PX, (down + 1) * TILE_PX), slice(across * TILE_PX, (across + 1) * TILE_PX)
                    whole[part] = child
        if empty:
            return None
        return np.asarray(cv2.resize(whole, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA), np.uint8)

    def _cut(self, zoom: int, column: int, row: int) -> Image | None:
        size = _WORLD_M / 2**zoom
        lattice = np.arange(0, TILE_PX + 1, _STEP_PX, dtype=np.float64)
        x, y = np.meshgrid(lattice / TILE_PX + column, lattice / TILE_PX + row)
        east, north = self._there.transform(x * size - _WORLD_M / 2, _WORLD_M / 2 - y * size)
        grid = self._grid
        across = (np.asarray(east) - grid.west_m) / grid.gsd_m - 0.5
        down = (grid.north_m - np.asarray(north)) / grid.gsd_m - 0.5
        if not (np.isfinite(across).all() and np.isfinite(down).all()):
            return None
        left, top = math.floor(across.min()) - 1, math.floor(down.min()) - 1
        block = Block(left, top, math.ceil(across.max()) + 2 - left, math.ceil(down.max()) + 2 - top)
        part = self._read(block)
        if not part[..., 3].any():
            return None
        at = _spread(across - left), _spread(down - top)
        # Where alpha is 0 so are the colours: they can be interpolated together.
        return np.asarray(cv2.remap(part, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8)


def _spread(lattice: Doubles) -> Floats:
    """Bilinear from the corners of squares to the middles of a tile's pixels."""
    at = (np.arange(TILE_PX) + 0.5) / _STEP_PX
    across, down = np.meshgrid(at, at)
    maps = across.astype(np.float32), down.astype(np.float32)
    # OpenCV interpolates in 1/32 of a pixel: here that would be half a pixel of the mosaic. So by hand.
    left, top = np.floor(maps[0]).astype(np.int64), np.floor(maps[1]).astype(np.int64)
    right, low = maps[0] - left, maps[1] - top
    upper = lattice[top, left] * (1 - right) + lattice[top, left + 1] * right
    lower = lattice[top + 1, left] * (1 - right) + lattice[top + 1, left + 1] * right
    return np.asarray(upper * (1 - low) + lower * low, np.float32)


def _tiles_over(corners: Doubles, zoom: int) -> tuple[int, int, int, int]:
    """First column and row, last column and row."""
    size, most = _WORLD_M / 2**zoom, 2**zoom - 1
    columns = (corners[:, 0] + _WORLD_M / 2) / size
    rows = (_WORLD_M / 2 - corners[:, 1]) / size
    first = min(max(int(columns.min()), 0), most), min(max(int(rows.min()), 0), most)
    return *first, min(max(int(columns.max()), 0), most), min(max(int(rows.max()), 0), most)


def _encoded(tile: Image, quality: int) -> bytes:
    if (tile[..., 3] == 255).all():
        tile = np.ascontiguousarray(tile[..., :3])
    else:
        alpha = np.maximum(tile[..., 3:], 1).astype(np.float32)
        colours = np.minimum(tile[..., :3] * (255 / alpha), 255)
        tile = np.concatenate((np.rint(colours).astype(np.uint8), tile[..., 3:]), axis=2)
    done, data = cv2.imencode(".webp", tile, [cv2.IMWRITE_WEBP_QUALITY, quality])
    assert done, "a tile can be encoded"
    return bytes(data.tobytes())
