"""A GeoTIFF of colours, looked into piece by piece: whatever it claims to be, only what is asked for is decoded."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from edge.flights.ground import MOST_BLOCK_BYTES, Pixels
from edge.flights.local import LocalPlane
from edge.flights.material import shown
from edge.flights.orthophotos.errors import OrthophotoError
from edge.vision.arrays import Doubles, Mask
from edge.vision.surface.patches import Patch
from edge.vision.surface.shots import Picture

MOST_GSD_M = 0.525
"""A shed of 10 m² has six pixels of 0.5 m across; coarser ones show a spot. A grid's metres are not the ground's: at a
zone's middle a pixel of 0.5 m is 0.5002."""
MOST_SURFACE_M = 1.05
"""Of a surface model: three heights across a shed."""
MOST_PIXELS = 40_000_000
"""Read of the file for one piece, after what is too fine was averaged."""
_KNOTS_PX = 16
"""Between them coordinates are interpolated: projections bend by less than a hundredth of a pixel there."""
_CACHE_BYTES = 64 * 1024 * 1024
_MARGIN_PX = 3
_TAG_DATE = "TIFFTAG_DATETIME"


class Raster:
    """An open orthophoto, in the plane of a flight. A context manager; not for use by two threads."""

    def __init__(self, path: Path, plane: LocalPlane) -> None:
        """
        Raises:
            OrthophotoError: no GeoTIFF of colours with a place, or its blocks are too large to be decoded.
        """
        self.path, self._plane = path, plane
        self.name = shown(path)
        with told(self.name):
            self._file = opened(path)
            try:
                self._bands = self._checked()
                self._pixels = Pixels(self._file, plane)
            except BaseException:
                self._file.close()
                raise

    def __enter__(self) -> Raster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def gsd_m(self, place: Doubles) -> float:
        """Metres a pixel, the coarser side, at a place (2,).

        Raises:
            OrthophotoError: the place lies outside of what its coordinate system is made for.
        """
        with told(self.name):
            east, north = (float(value) for value in place)
            return coarser_side_m(self._pixels, east, north)

    def covers(self, places: Doubles) -> NDArray[np.bool]:
        """(n,): which of places (n, 2) lie within it, shown or not."""
        across, down = self._pixels(places[:, 0], places[:, 1])
        inside = np.isfinite(across) & np.isfinite(down)
        with np.errstate(invalid="ignore"):
            inside &= (across >= 0) & (down >= 0) & (across < self._file.width) & (down < self._file.height)
        return np.asarray(inside, np.bool)

    def where(self, places: Doubles) -> str:
        """Around places (n, 2), for people."""
        (west, south), (east, north) = self._plane.degrees(np.stack((places.min(axis=0), places.max(axis=0))))
        return f"longitude {west:.4f} to {east:.4f}, latitude {south:.4f} to {north:.4f}"

    def read(self, patch: Patch) -> tuple[Picture, Mask]:
        """(rows, columns, 3) BGR of a patch, and 255 where the file shows something. North is up.

        Raises:
            OrthophotoError: the file is broken there, or far finer than it is needed.
        """
        with told(self.name):
            across, down = self._places(patch)
            picture = np.zeros((patch.rows, patch.columns, 3), np.uint8)
            mask = np.zeros((patch.rows, patch.columns), np.uint8)
            part = self._part(across, down, patch)
            if part is not None:
                bgr, known, left, top, step = part
                maps = ((across - left) / step - 0.5).astype(np.float32), ((down - top) / step - 0.5).astype(np.float32)
                cv2.remap(bgr, *maps, cv2.INTER_LINEAR, dst=picture, borderMode=cv2.BORDER_REPLICATE)
                cv2.remap(known, *maps, cv2.INTER_NEAREST, dst=mask, borderMode=cv2.BORDER_CONSTANT)
                picture[mask == 0] = 0
            return picture, mask

    def _places(self, patch: Patch) -> tuple[Doubles, Doubles]:
        """Columns and rows in the file of the middles of a patch's pixels."""
        knots = [np.arange(0, math.ceil(count / _KNOTS_PX) + 1) * _KNOTS_PX for count in (patch.columns, patch.rows)]
        grid = np.stack([each.ravel() for each in np.meshgrid(*knots)], axis=1).astype(np.float64)
        places = patch.metres(grid)
        shape = len(knots[1]), len(knots[0])
        found = [each.reshape(shape) for each in self._pixels(places[:, 0], places[:, 1])]
        if not all(np.isfinite(each).all() for each in found):
            raise ValueError("the flight lies outside of what its coordinate system is made for")
        at = np.arange(patch.columns) / _KNOTS_PX, np.arange(patch.rows) / _KNOTS_PX
        return _between(found[0], *at), _between(found[1], *at)

    def _part(self, across: Doubles, down: Doubles, patch: Patch) -> tuple[Picture, Mask, int, int, int] | None:
        """The pixels around, what of them is shown, where the first of them begins, and how many were averaged."""
        file = self._file
        east, north = patch.metres(np.array(((patch.columns / 2, patch.rows / 2),)))[0]
        step = max(1, int(patch.texel_m / coarser_side_m(self._pixels, float(east), float(north)) + 1e-6))
        margin = _MARGIN_PX * step
        left, right = max(int(across.min()) - margin, 0), min(int(across.max()) + margin + 1, file.width)
        top, low = max(int(down.min()) - margin, 0), min(int(down.max()) + margin + 1, file.height)
        if left >= right or top >= low:
            return None
        columns, rows = max(1, (right - left) // step), max(1, (low - top) // step)
        if columns * rows > MOST_PIXELS:
            raise ValueError(f"{columns} x {rows} of its pixels lie within {patch.columns * patch.texel_m:.0f} m")
        window = Window(left, top, min(columns * step, right - left), min(rows * step, low - top))
        read = file.read(self._bands, window=window, out_shape=(3, rows, columns), resampling=Resampling.average)
        known = file.dataset_mask(window=window, out_shape=(rows, columns))
        return np.ascontiguousarray(np.moveaxis(read[::-1], 0, 2)), np.asarray(known, np.uint8), left, top, step

    def _checked(self) -> list[int]:
        """Numbers of its red, green and blue bands."""
        file = self._file
        if file.crs is None:
            raise OrthophotoError(
                f"{self.name}: has no coordinate system, expected one: assign it, as with `gdal_edit -a_srs`"
            )
        if file.count == 1 and file.colorinterp[0] is ColorInterp.palette:
            raise OrthophotoError(
                f"{self.name}: found colours by a palette, expected three bands: `gdal_translate -expand rgb`"
            )
        if file.count not in (3, 4, 5):
            raise OrthophotoError(
                f"{self.name}: found {file.count} bands, expected red, green and blue, and at most two more: is it a "
                "model of heights? Those are --baseline-surface"
            )
        bands = _colours(file)
        kinds = {file.dtypes[band - 1] for band in bands}
        if kinds != {"uint8"}:
            raise OrthophotoError(
                f"{self.name}: found values of type {', '.join(sorted(kinds))}, expected bytes (uint8): "
                "`gdal_translate -ot Byte -scale`"
            )
        rows, columns = file.block_shapes[0]
        if rows * columns * file.count > MOST_BLOCK_BYTES:
            raise OrthophotoError(
                f"{self.name}: found blocks of {columns} x {rows}, expected at most {MOST_BLOCK_BYTES // 2**20} MB "
                "each: tile it, as with `gdal_translate -co TILED=YES`"
            )
        return bands


@contextmanager
def told(name: str, kind: str = "an orthophoto") -> Iterator[None]:
    """What GDAL and PROJ complain of, in words for people. `kind`: what the file is to be."""
    try:
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED=False):
            yield
    except OrthophotoError:
        raise
    except (RasterioError, CPLE_BaseError, OSError, ProjError, ValueError, MemoryError, cv2.error) as error:
        reason = str(error.__cause__ or error)
        raise OrthophotoError(
            f"{name}: cannot be read as {kind} ({reason}); expected a whole GeoTIFF: copy it again"
        ) from error


def date_said(path: Path) -> str | None:
    """What a GeoTIFF says of its day, as it says it.

    Raises:
        OrthophotoError: it is no GeoTIFF.
    """
    with told(shown(path)), opened(path) as file:
        value = file.tags().get(_TAG_DATE)
    return None if value is None else str(value)[:40]


def opened(path: Path) -> DatasetReader:
    """By one driver only: others open what a file names, over the network too.

    Raises:
        OrthophotoError: it does not say where it lies.
        rasterio.errors.RasterioError: it is no GeoTIFF.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotGeoreferencedWarning)
        try:
            return rasterio.open(path, driver="GTiff")
        except NotGeoreferencedWarning:
            raise OrthophotoError(
                f"{shown(path)}: does not say where it lies, expected a GeoTIFF with its place and coordinate system: "
                "a world file beside it is made a part of it by `gdal_translate`"
            ) from None


def coarser_side_m(pixels: Pixels, east_m: float, north_m: float) -> float:
    """Of a pixel at a place, in metres of the plane.

    Raises:
        ValueError: it has none there.
    """
    across, down = pixels(np.array((east_m - 1, east_m + 1, east_m, east_m)), north_m + np.array((0.0, 0, -1, 1)))
    change = np.array(((across[1] - across[0], across[3] - across[2]), (down[1] - down[0], down[3] - down[2]))) / 2
    if not np.isfinite(change).all():
        raise ValueError("the flight lies outside of what its coordinate system is made for")
    least = float(np.linalg.svd(change, compute_uv=False)[-1])
    return 1 / max(least, 1e-9)


def _colours(file: DatasetReader) -> list[int]:
    named = {kind: band for band, kind in enumerate(file.colorinterp, 1)}
    wanted = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    return [named[kind] for kind in wanted] if all(kind in named for kind in wanted) else [1, 2, 3]


def _between(knots: Doubles, columns: Doubles, rows: Doubles) -> Doubles:
    """(rows, columns): bilinear. In doubles: a file a million pixels wide is asked to a hundredth of one."""
    left, top = columns.astype(np.int64), rows.astype(np.int64)
    right, low = np.minimum(left + 1, knots.shape[1] - 1), np.minimum(top + 1, knots.shape[0] - 1)
    x, y = columns - left, (rows - top)[:, None]
    above = knots[top][:, left] * (1 - x) + knots[top][:, right] * x
    below = knots[low][:, left] * (1 - x) + knots[low][:, right] * x
    return np.asarray(above * (1 - y) + below * y, np.float64)
