"""Settings of a mosaic."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from edge.flights.flight_settings import FlightSettings


class MosaicSettings(BaseModel):
    """What `gridsentry-edge mosaic --settings` holds. All of it may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    flight: FlightSettings = FlightSettings()
    gsd_m: Annotated[float, Field(ge=0.01, le=10)] | None = None
    """Metres of ground a pixel. Absent: as the pictures have it, but not finer than 5 cm."""
    feather_m: Annotated[float, Field(ge=0, le=50)] = 1.5
    """Width of the strip in which one picture passes into the next."""
    jpeg_quality: Annotated[int, Field(ge=30, le=100)] = 85
    """Of the GeoTIFF."""
    webp_quality: Annotated[int, Field(ge=30, le=100)] = 80
    """Of the map's tiles."""
    attribution: Annotated[str, Field(max_length=300)] | None = None
    """Shown on maps. Absent: the flight's name and day."""
    agree: bool = True
    """Make the poses agree before pictures are placed: costs about as much time as all the rest."""
    memory_mb: Annotated[int, Field(ge=64, le=65_536)] = 384
    """For decoded pictures."""
