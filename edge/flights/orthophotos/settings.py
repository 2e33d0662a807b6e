"""Settings of a survey whose baseline is an orthophoto."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class OrthophotoSettings(BaseModel):
    """What its file does not say. All of it may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    path: Path | None = None
    """The file. What a survey is compared with that is given no other baseline, and the first flight of an area."""
    surface: Path | None = None
    """A GeoTIFF of the heights of ground, roofs and crowns on that day (a DSM): far less is missed and mistaken with
    it."""
    taken_at: AwareDatetime | None = None
    """When it was taken; absent: what the file says, if it does."""
    sigma_m: Annotated[float, Field(gt=0, le=20)] = 0.3
    """How far it may be off along one axis. Of a city's orthophoto of 0.1 to 0.2 m a pixel about so much; a mosaic of a
    drone without corrections is 2 m off."""
