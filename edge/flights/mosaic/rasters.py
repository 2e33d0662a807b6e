"""A mosaic as a GeoTIFF: written a block at a time, then made into one that is read over a network.

Blocks go into a plain file first, because a cloud-optimised one has its overviews before its pixels. A disk that is
full is noticed in three ways: by room that is missing beforehand, by what GDAL says while writing, and, since GDAL says
nothing when its last bytes are lost, by reading the finished file and counting the pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import rasterio
import rasterio.shutil
from rasterio import Affine
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window

from edge.detectors.interface import Image
from edge.flights.mosaic.errors import MosaicError
from edge.flights.mosaic.grid import BLOCK_PX, Block, Grid
from edge.flights.shots import Progress

CACHE_BYTES = 64 * 1024 * 1024
TILE_PX = 512
_ORDER = (2, 1, 0, 3)
"""Blue, green, red, alpha ↔ red, green, blue, alpha."""


class Canvas:
    """The mosaic while it is made: red, green, blue and alpha, not compressed. A context manager."""

    def __init__(self, path: Path, grid: Grid) -> None:
        self.path, self.grid = path, grid
        self.pixels = 0
        """That show something."""
        with told(path):
            self._file: DatasetWriter = rasterio.open(
                path, "w+", driver="GTiff", width=grid.columns, height=grid.rows, count=4, dtype="uint8",
                crs=f"EPSG:{grid.epsg}", transform=Affine(grid.gsd_m, 0, grid.west_m, 0, -grid.gsd_m, grid.north_m),
                tiled=True, blockxsize=TILE_PX, blockysize=TILE_PX, photometric="RGB", ALPHA="NON-PREMULTIPLIED",
                interleave="pixel", SPARSE_OK=True, BIGTIFF="IF_SAFER",
            )  # fmt: skip
            self._file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)

    def __enter__(self) -> Canvas:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            # Its own complaint would hide the first one.
            try:
                self._file.close()
            except (RasterioError, CPLE_BaseError):
                return
            return
        with told(self.path):
            self._file.close()

    def write(self, block: Block, bgra: Image) -> None:
        """(block.rows, block.columns, 4)."""
        self.pixels += int(np.count_nonzero(bgra[..., 3]))
        with told(self.path):
            self._file.write(np.moveaxis(bgra[..., _ORDER], 2, 0), window=_window(block))

    def read(self, block: Block) -> Image:
        """(block.rows, block.columns, 4) BGRA of a block that may reach beyond the mosaic."""
        return read_bgra(self._file, block)


def read_bgra(file: DatasetReader, block: Block) -> Image:
    """As it lies in a file of four bands. What is beyond the file is empty."""
    found = np.zeros((block.rows, block.columns, 4), np.uint8)
    left, top = max(block.column, 0), max(block.row, 0)
    right, low = min(block.column + block.columns, file.width), min(block.row + block.rows, file.height)
    if left >= right or top >= low:
        return found
    with told(Path(file.name)):
        part = file.read(window=Window(left, top, right - left, low - top))
    found[top - block.row : low - block.row, left - block.column : right - block.column] = np.moveaxis(part, 0, 2)[
        ..., _ORDER
    ]
    return found


def write_geotiff(canvas: Path, pixels: int, path: Path, quality: int, progress: Progress) -> None:
    """A cloud-optimised GeoTIFF: JPEG (YCbCr) with an inner mask and overviews. `pixels`: that must show something.

    Raises:
        MosaicError: it cannot be written whole.
    """
    progress.begins("GeoTIFF", 1)
    with told(path):
        rasterio.shutil.copy(
            canvas, path, driver="COG", COMPRESS="JPEG", QUALITY=quality, BLOCKSIZE=TILE_PX, BIGTIFF="IF_SAFER",
            OVERVIEW_RESAMPLING="AVERAGE", OVERVIEW_QUALITY=quality, NUM_THREADS="1",
        )  # fmt: skip
    with told(path), rasterio.open(path, driver="GTiff") as file:
        shown = sum(_read_whole(file))
    if shown != pixels:
        raise MosaicError(f"{path}: holds {shown} of {pixels} pixels: is the disk full?")
    progress.advances()


def _read_whole(file: DatasetReader) -> Iterator[int]:
    """Pixels shown in each block: decodes all of it, which fails where a part is missing."""
    for top in range(0, file.height, BLOCK_PX):
        for left in range(0, file.width, BLOCK_PX):
            window = Window(left, top, min(BLOCK_PX, file.width - left), min(BLOCK_PX, file.height - top))
            file.read(window=window)
            yield int(np.count_nonzero(file.read_masks(1, window=window)))


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What GDAL and the disk complain of, in words for people."""
    try:
        # One driver's files beside it are none of ours.
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED=False):
            yield
    except (RasterioError, CPLE_BaseError) as error:
        reason = str(error.__cause__ or error)
        raise MosaicError(f"{path}: cannot be written or read ({reason}): is the disk full?") from error
    except OSError as error:
        raise MosaicError(f"{path}: cannot be written or read: {error.strerror or error}") from error


def _window(block: Block) -> Window:
    return Window(block.column, block.row, block.columns, block.rows)
