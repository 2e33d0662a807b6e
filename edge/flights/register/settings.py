"""Settings of the register: which files, and how they are to be read. Nothing that matters is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from contract.datum import Datum
from edge.flights.register.features import Layer

Name = Annotated[str, Field(min_length=1, max_length=128)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AttributeNames(_Settings):
    """Names of a file's columns, where they are none of the usual ones (`columns.USUAL`)."""

    id: Name | None = None
    name: Name | None = None
    valid_from: Name | None = None
    valid_until: Name | None = None
    height_m: Name | None = None
    area_m2: Name | None = None
    width_m: Name | None = None


class RegisterFile(_Settings):
    """One GeoJSON, GeoPackage or Shapefile."""

    path: Annotated[str, Field(min_length=1, max_length=1024)]
    """Relative to the settings' own file."""
    table: Name | None = None
    """Of a GeoPackage with several."""
    crs: Annotated[str, Field(max_length=8192)] | None = None
    """As `EPSG:4549`. Absent: what the file says; a file that says nothing is refused without this."""
    datum: Datum = Datum.WGS84
    """`gcj02` or `bd09` for what was drawn on a public map: files never say so themselves."""
    encoding: Name | None = None
    """Of a Shapefile's texts. Absent: what the file says, else UTF-8, else GB 18030."""
    attributes: AttributeNames = AttributeNames()
    sigma_m: Annotated[float, Field(ge=0, le=20)] = 0.25
    """Standard deviation of its outlines: 0.5 mm on a map of 1:500, which is what such maps are held to. A map of
    1:2,000 has 1.0."""
    width_m: Annotated[float, Field(gt=0, le=200)] | None = None
    """Of roads or water drawn as lines, where no column says it."""
    radius_m: Annotated[float, Field(gt=0, le=200)] | None = None
    """Of demolition orders given as points."""
    without_dates: bool = False
    """Permits without columns of dates are meant to be without end. Else such a file is refused: a column that is only
    named otherwise would make every old permit valid."""

    @field_validator("crs")
    @classmethod
    def _is_known(cls, crs: str | None) -> str | None:
        if crs is not None:
            try:
                CRS.from_user_input(crs)
            except CRSError as error:
                raise ValueError(f"found {crs[:80]!r}, expected a coordinate system such as EPSG:4549") from error
        return crs


Files = Annotated[tuple[RegisterFile, ...], Field(max_length=64)]


class RegisterSettings(_Settings):
    """The register. A layer without files is not known, and nothing is said of it."""

    approved: Files = ()
    permits: Files = ()
    roads: Files = ()
    green: Files = ()
    water: Files = ()
    orders: Files = ()
    timezone: str = "Asia/Shanghai"
    """Of the permits' days, and of what day it is when a drone flies."""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"found {name!r}, expected a time zone such as Asia/Shanghai") from error
        return name

    def files(self) -> Iterator[tuple[Layer, RegisterFile]]:
        """Every file with what it holds."""
        named = (self.approved, self.permits, self.roads, self.green, self.water, self.orders)
        for layer, files in zip(Layer, named, strict=True):
            yield from ((layer, file) for file in files)
