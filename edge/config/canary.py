"""When a source's drills come by themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from edge.config.base import Settings

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""HH:MM, UTC."""


class CanarySettings(Settings):
    """A drill is a made-up hazard that goes the real way and is marked as one; one that does not come out is said."""

    every_seconds: Annotated[float, Field(ge=60, le=30 * 86_400)] | None = None
    """The first comes within ten minutes of a start: a box that is restarted daily must not go without."""
    at: Annotated[tuple[TimeOfDay, ...], Field(max_length=48)] = ()
    """Times of day, UTC, each put off by up to five minutes so that a city's cameras do not all drill in one second."""

    @model_validator(mode="after")
    def _one_of_both(self) -> CanarySettings:
        if (self.every_seconds is None) == (not self.at):
            found = "neither" if self.every_seconds is None else "both"
            raise ValueError(
                f"found {found} of every_seconds and at, expected one: every_seconds: 86400, or at: ['19:30']"
            )
        return self
