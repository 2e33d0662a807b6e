"""What each hazard says of itself in `detail`. A hazard without a model here keeps its fields as they are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from contract.base import ContractModel, Label, Slug


class Box(ContractModel):
    """A rectangle in picture pixels; (x, y) is the upper left corner."""

    x: float
    y: float
    width: Annotated[float, Field(ge=0)]
    height: Annotated[float, Field(ge=0)]


class TrackPoint(ContractModel):
    """Where something was: `t` in seconds of media time, (x, y) in pixels."""

    t: float
    x: float
    y: float


class FallFit(ContractModel):
    """The parabola that a falling object's track fits, in façade metres."""

    acceleration_mps2: float
    acceleration_error_mps2: float
    end_speed_mps: float
    drop_m: float
    residual_m: float
    observations: int
    coverage: Annotated[float, Field(ge=0, le=1)]
    """Share of unique, non-busy frames in which the object was seen."""


class ThrownObjectDetail(ContractModel):
    """A thrown or fallen object. `track` is thinned to a few points; the whole lies in the `track` evidence."""

    box: Box
    track: Annotated[tuple[TrackPoint, ...], Field(max_length=16)]
    fall: FallFit


class SensorDetail(ContractModel):
    """A reading beyond its limit."""

    channel: Label
    value: float
    unit: Label
    comparison: Literal["above", "below"]
    set_limit: float
    clear_limit: float
    rule: Slug


class SourceHealthDetail(ContractModel):
    """Why a source cannot see."""

    reason: Label


SENSOR_HAZARDS = ("water_level", "gas", "smoke_density", "temperature", "tilt", "power", "sensor")

DETAILS: Mapping[str, type[ContractModel]] = MappingProxyType(
    {"thrown_object": ThrownObjectDetail, **dict.fromkeys(SENSOR_HAZARDS, SensorDetail)}
)
"""Hazard slug to the model of its `detail`."""
