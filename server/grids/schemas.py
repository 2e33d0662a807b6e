"""What the API shows of grids."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from server.grids.model import Grid, Layer


class GridView(BaseModel):
    """A grid without its area."""

    code: str
    name_zh: str
    name_en: str
    level: int
    layer: Layer
    parent: str | None

    @classmethod
    def of(cls, grid: Grid) -> GridView:
        return cls(
            code=grid.code,
            name_zh=grid.name_zh,
            name_en=grid.name_en,
            level=grid.level,
            layer=grid.layer,
            parent=grid.parent,
        )


class GridFeature(BaseModel):
    """A grid as a GeoJSON Feature; its geometry is a Polygon or MultiPolygon in WGS-84."""

    type: Literal["Feature"]
    properties: GridView
    geometry: dict[str, Any]


class GridCollection(BaseModel):
    """The grids in scope as a GeoJSON FeatureCollection."""

    type: Literal["FeatureCollection"]
    grid_version: int | None
    levels: list[dict[str, Any]]
    features: list[GridFeature]


class GridShare(BaseModel):
    """A grid and the part of the uncertainty disc that lies in it."""

    grid: GridView
    special: str | None
    share: float


class GridPlace(BaseModel):
    """Where a position lies, as far as the account's scope shows it.

    `chain` goes from the lowest grid that holds the point up to the root; empty outside every grid in scope, where
    `nearest` says which is closest. `shares` divide the disc; empty where it lies in one grid alone, or in too many.
    """

    grid_version: int | None
    chain: list[GridView]
    specials: list[GridView]
    shares: list[GridShare]
    nearest: GridView | None
    nearest_distance_m: float | None
