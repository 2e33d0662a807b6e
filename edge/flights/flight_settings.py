"""Settings of a survey flight: what its files do not say, and how its pictures are chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.geometry import Point
from edge.flights.telemetry import Datum, Positioning

_Metres = Annotated[float, Field(ge=-1_000, le=10_000)]
_Sigma = Annotated[float, Field(gt=0, le=200)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GroundSettings(_Settings):
    """What the lines of sight meet. Nothing stated: level ground at the height of the takeoff point."""

    elevation: Path | None = None
    """A GeoTIFF of the terrain. Relative to where the program runs."""
    height_m: _Metres | None = None
    """Level ground at this height."""
    datum: Datum | None = None
    """What these heights are above. Absent: as the GeoTIFF says; level ground with a height is above the sea."""
    sigma_m: _Sigma | None = None
    """Standard deviation of the ground's height, hills included. Absent: 1 m for level ground, 3 m for a GeoTIFF."""
    geoid_m: Annotated[float, Field(ge=-120, le=120)] | None = None
    """The sea's level above the ellipsoid, where one kind of height must become the other."""

    @model_validator(mode="after")
    def _one_ground(self) -> GroundSettings:
        if self.elevation is not None and self.height_m is not None:
            raise ValueError("states elevation and height_m: give one of them")
        if self.elevation is not None and self.datum is Datum.TAKEOFF:
            raise ValueError("an elevation model is above sea or ellipsoid, not above a takeoff point")
        return self


class LensSettings(_Settings):
    """Instead of what pictures and log say of the lens: see `edge.flights.lenses.lens_of`."""

    model: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """As EXIF names the camera. For videos, which do not say it."""
    focal_px: Annotated[float, Field(gt=0, le=1e6)] | None = None
    sensor_width_mm: Annotated[float, Field(gt=0, le=100)] | None = None
    """Used with a focal length in millimetres, stated here or by the picture."""
    focal_mm: Annotated[float, Field(gt=0, le=10_000)] | None = None
    focal_35mm_mm: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Of 35 mm film, where nothing better is known."""
    centre_px: tuple[float, float] | None = None
    distortion: Annotated[tuple[float, ...], Field(max_length=5)] | None = None
    """k1, k2, p1, p2, k3, for pictures of this size."""
    calibrated: bool = False
    """`focal_px` is that of this very camera, measured."""


class ChoiceSettings(_Settings):
    """Which pictures of a flight are used."""

    overlap: Annotated[float, Field(ge=0.3, le=0.95)] = 0.7
    """From one used picture to the next, where the flight has that many."""
    least_depression_degrees: Annotated[float, Field(ge=20, le=90)] = 60.0
    """Of the camera's axis below the horizon."""
    least_height_m: Annotated[float, Field(ge=0, le=1_000)] = 10.0
    """Above the ground: below it the drone starts or lands."""
    least_sharpness: Annotated[float, Field(ge=0, le=1)] = 0.25
    """As a share of its neighbours'."""
    seconds_between: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """Of a video's pictures, at least."""


class FlightSettings(_Settings):
    """All that a flight's own files leave open. Every field has a default that is safe, not one that is a guess."""

    ground: GroundSettings = GroundSettings()
    lens: LensSettings = LensSettings()
    choice: ChoiceSettings = ChoiceSettings()
    takeoff_height_m: _Metres | None = None
    """Of the takeoff point, in the ground's datum. Absent: as the ground has it there."""
    takeoff_height_sigma_m: _Sigma | None = None
    """Of heights above takeoff, where it is known to be better or worse than the budget's."""
    sea_height_sigma_m: _Sigma | None = None
    """Of heights above the sea, where the drone's are known to be good."""
    assume_nadir: bool = False
    """Read a log without gimbal angles as that of a camera that looked straight down."""
    near: Point | None = None
    """Where the flight was, within some 100 km: decides between latitude and longitude."""
    zone: str | None = None
    """Of the drone's clock, as `Asia/Shanghai`, for logs that state none."""
    positioning: Positioning | None = None
    """What the drone works with. Taken where the log does not say; where it says otherwise, that is told."""
    longest_pause_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 5.0
    """Between two pictures of one flight."""
    part: Annotated[int, Field(ge=1)] | None = None
    """Which flight of a folder that holds several, counted from 1 in the order of time."""
    log_offset_s: Annotated[float, Field(ge=-86_400, le=86_400)] | None = None
    """Seconds of the log at the video's first picture. Absent: 0, and the log must be about as long as the video."""

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"no time zone {value!r}, expected one as Asia/Shanghai") from None
        return value
