"""What is read of a library's entries, and what the API shows of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Zoom = Annotated[int, Field(ge=0, le=30)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]


class _Read(BaseModel):
    """Of an `entry.json`: what the map needs. The rest is the library's own."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class TilesFile(_Read):
    """The PMTiles, in the entry's folder `mosaic`."""

    path: Annotated[str, Field(pattern=r"^[\w][\w.-]{0,99}$")]
    bytes: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class TilesFacts(_Read):
    """What the tiles show."""

    least_zoom: Zoom
    most_zoom: Zoom
    bounds: tuple[Longitude, Latitude, Longitude, Latitude]


class EntryMosaic(_Read):
    """Of an entry that has a mosaic."""

    gsd_m: Annotated[float, Field(gt=0)]
    pmtiles: TilesFile
    tiles: TilesFacts
    attribution: Annotated[str, Field(max_length=300)] = ""


class LibraryEntry(_Read):
    """`LIBRARY/AREA/DATE/entry.json`."""

    format: Literal["gridsentry-baseline/1"]
    area: Annotated[str, Field(min_length=1, max_length=64)]
    taken_at: AwareDatetime
    outline: dict[str, Any]
    mosaic: EntryMosaic | None = None


class MosaicView(BaseModel):
    """A mosaic that the map can show."""

    sha256: Annotated[str, Field(description="Of its PMTiles: its id, which changes with its contents")]
    area: str
    name: Annotated[str, Field(description="`AREA@DATE`, as the library has it")]
    taken_at: AwareDatetime
    bounds: Annotated[
        tuple[float, float, float, float], Field(description="West, south, east, north in degrees, WGS-84")
    ]
    least_zoom: int
    most_zoom: int
    gsd_m: Annotated[float, Field(description="Metres of ground a pixel")]
    attribution: str


class MosaicList(BaseModel):
    """The newest first."""

    mosaics: list[MosaicView]
