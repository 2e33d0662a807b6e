"""What of an orthophoto and its surface model can be known without a flight: both are opened as a survey opens them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import shapely
from rasterio.warp import transform_bounds

from contract.geometry import Point
from edge.flights.local import LocalPlane
from edge.flights.material import shown
from edge.flights.orthophotos.errors import ElsewhereError, OrthophotoError
from edge.flights.orthophotos.heights import HEIGHTS, SurfaceModel
from edge.flights.orthophotos.orthophoto import Orthophoto, checked
from edge.flights.orthophotos.rasters import Raster, opened, told

_MIDDLE_M = (-20.0, -20.0, 20.0, 20.0)
_ON_EARTH = (-180.0, -90.0, 180.0, 90.0)


def tried(orthophoto: Orthophoto) -> None:
    """Decodes hardly any pixel of them.

    Raises:
        OrthophotoError: no survey can use it, whatever the flight.
    """
    name = shown(orthophoto.path)
    with told(name):
        here = _bounds(orthophoto.path)
        with Raster(orthophoto.path, _plane(here)) as raster:
            checked(raster, np.zeros((1, 2)))
    if orthophoto.surface is None:
        return
    with told(shown(orthophoto.surface), HEIGHTS):
        there = _bounds(orthophoto.surface)
        # There may be a lake in the middle, without heights.
        with suppress(ElsewhereError):
            SurfaceModel(orthophoto.surface, _plane(there), _MIDDLE_M)
    if not shapely.box(*here).intersects(shapely.box(*there)):
        raise OrthophotoError(
            f"{shown(orthophoto.surface)}: lies elsewhere than {name}; expected heights of the same ground: is its "
            "coordinate system right?"
        )


def _bounds(path: Path) -> tuple[float, float, float, float]:
    """West, south, east and north, in degrees. Without a coordinate system the whole earth: who reads it says so."""
    with opened(path) as file:
        if file.crs is None:
            return _ON_EARTH
        west, south, east, north = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
    return west, south, east, north


def _plane(bounds: tuple[float, float, float, float]) -> LocalPlane:
    west, south, east, north = bounds
    return LocalPlane(Point(coordinates=((west + east) / 2, (south + north) / 2)))
