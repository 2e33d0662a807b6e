"""Where on the earth a camera's picture lies: points of it whose places are known."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.geometry import Latitude, Longitude
from edge.config.base import Settings

MOST_APART_DEGREES = 0.1
"""Ten kilometres: no camera's ground is larger, but longitude and latitude that were exchanged are."""


class GroundPointSettings(Settings):
    """A pixel of the main stream that shows the ground, and where that is. WGS-84."""

    pixel: tuple[float, float]
    lon: Longitude
    lat: Latitude


class GroundSettings(Settings):
    """The ground by points that can be seen in the picture and on a map or by GNSS: kerbs, manholes, lane markings."""

    points: Annotated[tuple[GroundPointSettings, ...], Field(min_length=4, max_length=100)]
    """Four fit always, right or wrong; from five on `check` tells whether they agree. Spread over the ground that
    matters: outside of them the uncertainty grows quickly."""
    accuracy_m: Annotated[float, Field(gt=0, le=1000)] = 2.0
    """Radius that holds 95 % of a point's place: usual aerial pictures are right to 1-3 m, RTK to 0.05."""
    pixel_error_px: Annotated[float, Field(gt=0, le=100)] = 3.0
    """How exactly a point was found in the picture, one standard deviation: a careful click in 1080p. Also how exactly
    the foot of a detected thing is known."""
    max_accuracy_m: Annotated[float, Field(gt=0, le=10_000)] = 100.0
    """Places that are known worse are not given, near the horizon: the camera's own place then says as much."""

    @model_validator(mode="after")
    def _near_each_other(self) -> Self:
        for name in ("lon", "lat"):
            values = [getattr(point, name) for point in self.points]
            if max(values) - min(values) > MOST_APART_DEGREES:
                raise ValueError(
                    f"found points whose {name} reaches from {min(values):g} to {max(values):g}, expected one place: "
                    "are lon and lat exchanged in one of them?"
                )
        return self

    @model_validator(mode="after")
    def _is_a_plane(self) -> Self:
        from edge.ground import CalibratedGround  # not above: it reads these settings

        CalibratedGround(self)
        return self
