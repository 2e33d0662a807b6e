"""Messages of a drone to records. Pure: garbage of any kind ends in one typed exception."""

from __future__ import annotations

import math
from typing import Any

from edge.config.telemetry import FieldSettings, MessageFields, MqttTelemetry
from edge.flights.reading.angles import upright
from edge.flights.telemetry import Attitude, Fix, Positioning
from edge.sources.payload import MISSING, parsed, time_at, value_at


class MessageError(ValueError):
    """A message that is no record of a drone: what was found, what was expected."""


def record_of(settings: MqttTelemetry, payload: bytes) -> tuple[Fix, float | None]:
    """What a message says, without a time of ours; and the drone's own time in Unix seconds, where it is asked for.

    Raises:
        MessageError: it is no record.
        edge.sources.payload.PayloadError: it is no JSON, too large, or has no time.
    """
    document = parsed(payload)
    said = settings.fields
    latitude, longitude = (_required(document, name, said) for name in ("latitude", "longitude"))
    values = {name: _value(document, name, getattr(said, name)) for name in _PLAIN}
    fix = Fix(
        0,
        latitude,
        longitude,
        above_takeoff_m=values["above_takeoff_m"],
        above_sea_m=values["above_sea_m"],
        above_ellipsoid_m=values["above_ellipsoid_m"],
        gimbal=_gimbal(settings, document),
        platform=_platform(document, said),
        focal_mm=values["focal_mm"],
        focal_35mm_mm=values["focal_35mm_mm"],
        digital_zoom=values["zoom"],
        positioning=settings.positioning or Positioning.UNKNOWN,
        horizontal_sigma_m=values["horizontal_sigma_m"],
        vertical_sigma_m=values["vertical_sigma_m"],
    )
    if settings.time_path is None:
        return fix, None
    return fix, time_at(document, settings.time_path).timestamp()


_PLAIN = (
    "above_takeoff_m",
    "above_sea_m",
    "above_ellipsoid_m",
    "zoom",
    "focal_mm",
    "focal_35mm_mm",
    "horizontal_sigma_m",
    "vertical_sigma_m",
)


def _gimbal(settings: MqttTelemetry, document: Any) -> Attitude | None:
    said = settings.fields
    yaw, pitch = _value(document, "gimbal_yaw", said.gimbal_yaw), _value(document, "gimbal_pitch", said.gimbal_pitch)
    if yaw is None or pitch is None:
        return None
    if settings.gimbal_yaw_from == "nose":
        yaw += _required(document, "heading", said)
    roll = _value(document, "gimbal_roll", said.gimbal_roll)
    return upright(
        Attitude(_angle("gimbal_yaw", yaw), _angle("gimbal_pitch", pitch), _angle("gimbal_roll", roll or 0.0))
    )


def _platform(document: Any, said: MessageFields) -> Attitude | None:
    heading = _value(document, "heading", said.heading)
    return None if heading is None else Attitude(_angle("heading", heading), 0.0, 0.0)


def _angle(name: str, degrees: float) -> float:
    if not abs(degrees) <= 720:
        raise MessageError(f"{name}: found {degrees:g}, expected degrees: state a scale, if it counts in parts of them")
    return degrees


def _required(document: Any, name: str, said: MessageFields) -> float:
    field: FieldSettings = getattr(said, name)
    value = _value(document, name, field)
    if value is None:
        raise MessageError(f"{name}: found nothing at {field.path}, expected a number")
    return value


def _value(document: Any, name: str, field: FieldSettings | None) -> float | None:
    """None: it is not asked for, not there, or null."""
    found = MISSING if field is None else value_at(document, field.path)
    if field is None or found is MISSING or found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise MessageError(f"{name}: found {type(found).__name__} at {field.path}, expected a number")
    try:
        value = float(found) * field.scale
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise MessageError(f"{name}: found {value} at {field.path}, expected a finite number")
    return value
