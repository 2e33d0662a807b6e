"""Settings of `illegal_structure`. Defaults are the design's starting values; the reason stands beside each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


class IllegalStructureSettings(BaseModel):
    """How what has changed is judged. All of it may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    eaves_m: Annotated[float, Field(ge=0, le=5)] = 0.8
    """Registers hold walls, drones see roofs: eaves of town houses stand out by 0.5-0.8 m. Taken of what mostly
    lies within only."""
    sigmas: Annotated[float, Field(ge=0, le=5)] = 2.0
    """Of place and register together: what lies within them may be no exceedance at all (5 % would be by chance)."""
    min_area_m2: Annotated[float, Field(ge=1, le=1000)] = 7.0
    """Of what exceeds. What must be found has 10 m²; drawn 15 % short in both directions it has 7."""
    min_width_m: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Of what exceeds: the strip that a crooked outline leaves along a wall is narrower, what is built is not."""
    touch_m: Annotated[float, Field(ge=0, le=5)] = 0.3
    """Nearer to a building than this, and the sigmas, it is an extension: nobody walks through such a gap."""
    permit_share: Share = 0.5
    """Of the outline: a permit for less of it is one for something else."""
    min_frames: Annotated[int, Field(ge=1, le=20)] = 2
    """Pairs of pictures that must show it, or two flights: a tarpaulin in the wind is a roof for one picture."""
    review_confidence: Share = 0.60
    """From here it is told, to be looked at …"""
    alarm_confidence: Share = 0.70
    """… and from here it may be an alarm, once it was seen by enough flights."""
    alarm_flights: Annotated[int, Field(ge=2, le=10)] = 2
    """Two at least: what stands there a day may be a market stall. One more where it may drive: a van often has its
    bay. A person decides in any case."""
    apart_hours: Annotated[float, Field(ge=0, le=24 * 366)] = 12.0
    """Flights nearer in time are one sighting: batteries are changed, strips overlap, and a stall stands all day."""
    gone_flights: Annotated[int, Field(ge=1, le=10)] = 2
    """Flights in a row that look at the place and find it as it was before. One is enough where a demolition order
    says that it was to go, and where the pictures show that something was taken away."""
    examined_share: Share = 0.9
    """Of an outline that a flight must have seen to say that nothing is there: a corner may stand under a tree."""
    same_share: Share = 0.5
    """Of the smaller of two outlines inside of the other: the same structure, seen twice."""
    steady_share: Share = 0.6
    """Of two outlines of what may drive, of both together: other vans stand a little beside …"""
    steady_height_m: Annotated[float, Field(gt=0, le=5)] = 0.6
    """… and others are higher or lower. Heights are measured to some 0.2 m."""
    grown_share: Annotated[float, Field(ge=0.05, le=5)] = 0.25
    """Growth that is no drawing error: it has been extended."""
    large_m2: Annotated[float, Field(ge=10, le=100_000)] = 100.0
    """From here it is yellow: a workshop or a storey of a house, not a shed."""
    changed_roofs: Literal["count", "review"] = "count"
    """What becomes of a building within its approved outline that has grown higher or has another roof. Registers hold
    outlines, so whether it may be so high cannot be told: counted. `review` tells each."""

    @model_validator(mode="after")
    def _in_order(self) -> IllegalStructureSettings:
        if self.alarm_confidence < self.review_confidence:
            raise ValueError(
                f"found alarm_confidence {self.alarm_confidence:g}, expected at least review_confidence "
                f"{self.review_confidence:g}"
            )
        return self
