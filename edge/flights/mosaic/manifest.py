"""What is known of a finished mosaic, beside it as `mosaic.json`: for the baseline library and for people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

NAME = "mosaic.json"
GEOTIFF, PMTILES = "mosaic.tif", "mosaic.pmtiles"
_CHUNK = 1 << 20

Share = Annotated[float, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FileFacts(_Part):
    """One file: its name below the manifest's folder, and what it must hold."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256


class TileFacts(_Part):
    """Of the PMTiles."""

    least_zoom: Annotated[int, Field(ge=0, le=30)]
    most_zoom: Annotated[int, Field(ge=0, le=30)]
    bounds: tuple[float, float, float, float]
    """West, south, east, north in degrees."""
    tiles: Annotated[int, Field(ge=0)]


class LeftOut(_Part):
    """A picture that is not in the mosaic."""

    frame: str
    why: str


class MosaicManifest(_Part):
    """`mosaic.json`."""

    format: Literal["gridsentry-mosaic/1"] = "gridsentry-mosaic/1"
    flight: Annotated[str, Field(min_length=1, max_length=200)]
    began_at: AwareDatetime | None
    taken_at: AwareDatetime | None
    """When the last picture was taken."""
    epsg: int
    gsd_m: Annotated[float, Field(gt=0)]
    columns: Annotated[int, Field(ge=1)]
    rows: Annotated[int, Field(ge=1)]
    outline: dict[str, Any]
    """GeoJSON (WGS-84) of the ground that is shown."""
    area_m2: Annotated[float, Field(ge=0)]
    pictures: Annotated[int, Field(ge=0)]
    """That can be seen in it."""
    left_out: tuple[LeftOut, ...]
    disagreement_m: tuple[float, float]
    """Median by which the same points disagreed between pictures, before and after poses were made to agree."""
    ties: Annotated[int, Field(ge=0)]
    colour_steps: tuple[Share, Share]
    """Mean share by which one picture is brighter than its neighbour, before and after."""
    geotiff: FileFacts
    pmtiles: FileFacts
    tiles: TileFacts
    attribution: str
    software: str


def software() -> str:
    """Who made it."""
    try:
        return f"gridsentry {version('gridsentry')}"
    except PackageNotFoundError:
        return "gridsentry"


def facts_of(path: Path, name: str | None = None, told: Callable[[int], None] | None = None) -> FileFacts:
    """Reads the whole file; `told` is given how many bytes were read since it was last told.

    Raises:
        OSError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if told is not None:
                told(len(chunk))
    return FileFacts(path=name or path.name, bytes=size, sha256=digest.hexdigest())
