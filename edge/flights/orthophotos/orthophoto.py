"""An orthophoto that a flight is compared with: which file, when it was taken, how well it knows its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from edge.flights.material import shown
from edge.flights.mosaic.manifest import GEOTIFF, NAME
from edge.flights.orthophotos.errors import ElsewhereError, OrthophotoError
from edge.flights.orthophotos.rasters import MOST_GSD_M, Raster, date_said
from edge.flights.orthophotos.settings import OrthophotoSettings
from edge.vision.arrays import Doubles

SUFFIXES = frozenset({".tif", ".tiff"})
MOST_MANIFEST_BYTES = 64 * 1024 * 1024
BY_FILE = "the file"
_TAG_FORMAT = "%Y:%m:%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Orthophoto:
    """`taken_at`: aware; None: nobody says, and `dated` says who does. `sigma_m`: of its place along one axis."""

    path: Path
    id: str
    taken_at: datetime | None
    dated: str
    sigma_m: float
    surface: Path | None
    """A model of its surface, in metres."""


class _Dated(BaseModel):
    """Of a mosaic's manifest, the day alone: a newer one may have more."""

    model_config = ConfigDict(frozen=True)

    taken_at: AwareDatetime | None = None


def is_orthophoto(path: Path) -> bool:
    """Whether a baseline's path is one: a flight is a folder or a video."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def orthophoto_at(path: Path, settings: OrthophotoSettings | None = None) -> Orthophoto:
    """Reads no pixel. The day is the settings', else that of the mosaic.json beside it, else the file's own.

    Raises:
        OrthophotoError: it cannot be used, or the settings' surface model is not there.
    """
    settings = settings or OrthophotoSettings()
    if settings.surface is not None and not settings.surface.is_file():
        raise OrthophotoError(f"{shown(settings.surface)}: no such file, expected a surface model of the baseline")
    taken_at, dated = settings.taken_at, "the settings"
    if taken_at is None:
        taken_at, dated = _of_manifest(path), f"the {NAME} beside it"
    if taken_at is None:
        taken_at, dated = _of_tag(path), BY_FILE
    name = shown(path.with_suffix("").name)[:100] or "orthophoto"
    return Orthophoto(path, name, taken_at, dated if taken_at else "nobody", settings.sigma_m, settings.surface)


def said_of(path: Path, settings: OrthophotoSettings) -> OrthophotoSettings:
    """What settings say of the orthophoto at `path`: nothing, where they are of another one."""
    other = settings.path is not None and settings.path.resolve() != path.resolve()
    return OrthophotoSettings() if other else settings


def not_older(orthophoto: Orthophoto, flight: str, taken_at: datetime) -> str | None:
    """Why it is no baseline of a flight of that time; None where it may be one."""
    if orthophoto.taken_at is None or orthophoto.taken_at < taken_at:
        return None
    return (
        f"{shown(orthophoto.path)}: was taken at {orthophoto.taken_at:%Y-%m-%d} by {orthophoto.dated}, and the flight "
        f"{flight} at {taken_at:%Y-%m-%d}: expected an older one; if that is the day on which the file was made, state "
        "orthophoto.taken_at in the settings"
    )


def checked(raster: Raster, outlines: Doubles) -> float:
    """Metres a pixel, for a flight that shows `outlines` (n, 2) of the ground.

    Raises:
        ElsewhereError: it lies elsewhere.
        OrthophotoError: it is too coarse.
    """
    inside = raster.covers(outlines)
    if not inside.any():
        low, high = outlines.min(axis=0), outlines.max(axis=0)
        middle = raster.covers(np.mgrid[0:1:21j, 0:1:21j].reshape(2, -1).T * (high - low) + low)
        if not middle.any():
            raise ElsewhereError(
                f"{raster.name}: does not show the ground of the flight, {raster.where(outlines)}; expected an "
                "orthophoto of it: is it another part of the city, or is its coordinate system wrong?"
            )
    gsd = raster.gsd_m(outlines[inside].mean(axis=0) if inside.any() else outlines.mean(axis=0))
    if gsd > MOST_GSD_M:
        raise OrthophotoError(
            f"{raster.name}: found {gsd:.2g} m a pixel, expected {MOST_GSD_M:.1f} m or finer: small structures cannot "
            "be told apart in it"
        )
    return gsd


def _of_manifest(path: Path) -> datetime | None:
    """Of a mosaic of ours. One that is broken says nothing."""
    manifest = path.with_name(NAME)
    try:
        if path.name != GEOTIFF or manifest.stat().st_size > MOST_MANIFEST_BYTES:
            return None
        return TypeAdapter(_Dated).validate_python(json.loads(manifest.read_text(encoding="utf-8"))).taken_at
    except (OSError, UnicodeDecodeError, ValueError, RecursionError, ValidationError):
        return None


def _of_tag(path: Path) -> datetime | None:
    """TIFF has no zone: taken as UTC, half a day off at most."""
    said = date_said(path)
    try:
        return None if said is None else datetime.strptime(said.strip("\x00 "), _TAG_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
