"""JSON payloads of sensors to readings. Pure: garbage of any kind ends in one typed exception."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from edge.config.inputs import ChannelSettings, MqttInput
from edge.detectors.interface import Reading

MAX_PAYLOAD_BYTES = 256 * 1024
"""A sensor's message has a few hundred bytes; a thousand channels fit."""

_MILLISECONDS_FROM = 1e11
"""Unix seconds reach this in the year 5138, Unix milliseconds passed it in 1973."""
MISSING = object()
"""What `value_at` finds where there is nothing."""


class Fault(StrEnum):
    """What can be wrong with a message."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NO_CHANNEL = "no_channel"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"
    CLOCK_SKEW = "clock_skew"
    OUT_OF_ORDER = "out_of_order"


class PayloadError(ValueError):
    """A message, or one value of it, that is no reading."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


def readings_of(
    source_id: str, settings: MqttInput, payload: bytes, arrived_at: datetime
) -> tuple[list[Reading], list[PayloadError]]:
    """The readings in a message and what is wrong with its other values.

    A message need not hold every channel: sensors often have a topic for each. One without any is a fault.
    """
    try:
        document = parsed(payload)
        observed_at = arrived_at if settings.time_path is None else time_at(document, settings.time_path)
        _check_age(settings, observed_at, arrived_at)
    except PayloadError as error:
        return [], [error]
    readings: list[Reading] = []
    faults: list[PayloadError] = []
    for name, channel in settings.channels.items():
        found = value_at(document, channel.path)
        if found is MISSING:
            continue
        try:
            value = _value(name, channel, found)
        except PayloadError as error:
            faults.append(error)
            continue
        readings.append(Reading(source_id, name, value, channel.unit, observed_at, observed_at.timestamp()))
    if not readings and not faults:
        paths = ", ".join(channel.path for channel in settings.channels.values())
        faults.append(PayloadError(Fault.NO_CHANNEL, f"found none of the channels' paths, expected one of {paths}"))
    return readings, faults


def parsed(payload: bytes) -> Any:
    """JSON of a message.

    Raises:
        PayloadError: it is too large, or none.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        message = f"found {len(payload)} bytes, expected at most {MAX_PAYLOAD_BYTES}"
        raise PayloadError(Fault.TOO_LARGE, message)
    try:
        return json.loads(payload)
    except RecursionError:
        raise PayloadError(Fault.NOT_JSON, "found JSON nested too deeply") from None
    except ValueError as error:
        raise PayloadError(Fault.NOT_JSON, f"found no JSON: {error}") from None


def value_at(document: Any, path: str) -> Any:
    """What lies in JSON at keys and list positions joined by dots; MISSING where nothing does."""
    for part in path.split("."):
        if isinstance(document, Mapping) and part in document:
            document = document[part]
        elif _is_list(document) and part.isascii() and part.isdigit() and len(part) < 7 and int(part) < len(document):
            document = document[int(part)]
        else:
            return MISSING
    return document


def _is_list(document: Any) -> bool:
    return isinstance(document, Sequence) and not isinstance(document, str | bytes)


def _value(name: str, channel: ChannelSettings, found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float):
        message = f"{name}: found {_shown(found)} at {channel.path}, expected a number"
        raise PayloadError(Fault.NOT_A_NUMBER, message)
    try:
        value = float(found)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise PayloadError(Fault.NOT_A_NUMBER, f"{name}: found {value} at {channel.path}, expected a finite number")
    if channel.valid_range is not None and not channel.valid_range[0] <= value <= channel.valid_range[1]:
        low, high = channel.valid_range
        message = f"{name}: found {value:g} {channel.unit}, expected {low:g} to {high:g}: is the sensor broken?"
        raise PayloadError(Fault.OUT_OF_RANGE, message)
    return value


def time_at(document: Any, path: str) -> datetime:
    """The time that lies in JSON at a path, in UTC.

    Raises:
        PayloadError: there is none, or it is no time with its zone.
    """
    found = value_at(document, path)
    expected = f"expected RFC 3339 text or Unix time at {path}"
    if found is MISSING:
        raise PayloadError(Fault.BAD_TIME, f"found no time, {expected}")
    time = None
    try:
        if isinstance(found, str):
            time = datetime.fromisoformat(found)
        elif isinstance(found, int | float) and not isinstance(found, bool):
            seconds = found / 1000 if abs(found) >= _MILLISECONDS_FROM else found
            time = datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        time = None
    if time is None or time.tzinfo is None or not 1970 <= time.year < 2200:
        raise PayloadError(Fault.BAD_TIME, f"found {_shown(found)}, {expected}, with its zone")
    return time.astimezone(UTC)


def _check_age(settings: MqttInput, observed_at: datetime, arrived_at: datetime) -> None:
    age_seconds = (arrived_at - observed_at).total_seconds()
    if age_seconds < -settings.max_skew_seconds:
        message = (
            f"found a time {-age_seconds:.0f} s ahead of now, expected at most {settings.max_skew_seconds:g} s: "
            "set the sensor's clock, or this box's"
        )
        raise PayloadError(Fault.CLOCK_SKEW, message)
    if age_seconds > settings.max_late_seconds:
        message = (
            f"found a time {age_seconds:.0f} s ago, expected at most {settings.max_late_seconds:g} s: "
            "set the sensor's clock, or raise max_late_seconds if the broker kept it that long"
        )
        raise PayloadError(Fault.CLOCK_SKEW, message)


def _shown(found: Any) -> str:
    text = repr(found) if isinstance(found, str | int | float | bool) or found is None else type(found).__name__
    return text if len(text) <= 60 else text[:57] + "…"
