"""How hot the machine is, where it says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

PLAUSIBLE_CELSIUS = (-30.0, 150.0)
"""Sensors that are not connected read -128, 0 or 255 on many boards."""
PLAUSIBLE_LIMIT_CELSIUS = (50.0, 125.0)
"""Disks and boards report limits such as 0 or 65261."""


@dataclass(frozen=True, slots=True)
class Heat:
    """One thermometer. `limit_celsius` is where the machine itself begins to throttle, if it says so."""

    name: str
    celsius: float
    limit_celsius: float | None = None


def read_heat() -> Sequence[Heat]:
    """Every plausible thermometer of the machine; none on most virtual ones."""
    found: list[Heat] = []
    read = getattr(psutil, "sensors_temperatures", None)  # not on every system
    if read is None:
        return found
    low, high = PLAUSIBLE_CELSIUS
    for chip, sensors in read().items():
        for sensor in sensors:
            if sensor.current is None or not low < sensor.current < high or sensor.current == 0:
                continue
            limits = [limit for limit in (sensor.high, sensor.critical) if _plausible_limit(limit)]
            name = f"{chip} {sensor.label}".strip()
            found.append(Heat(name, float(sensor.current), float(limits[0]) if limits else None))
    return found


def _plausible_limit(limit: float | None) -> bool:
    return limit is not None and PLAUSIBLE_LIMIT_CELSIUS[0] <= limit <= PLAUSIBLE_LIMIT_CELSIUS[1]
