"""What was saved may be older than this program, or damaged: what does not fit is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from edge.detectors.fire_smoke.proposals import PictureBox
from edge.detectors.fire_smoke.settings import Hazard

MOST_NUMBER = 2**31
MOST_PLACES = 32


def read_cases(saved: Any) -> tuple[dict[Hazard, int], list[tuple[Hazard, int, PictureBox]]]:
    """The highest number of each hazard, and where something burned when it was saved."""
    numbers: dict[Hazard, int] = {}
    places: list[tuple[Hazard, int, PictureBox]] = []
    if not isinstance(saved, Mapping):
        return numbers, places
    told = saved.get("numbers")
    for name, number in told.items() if isinstance(told, Mapping) else ():
        if name in tuple(Hazard) and _is_count(number):
            numbers[Hazard(name)] = number
    opened = saved.get("open")
    for item in opened[:MOST_PLACES] if isinstance(opened, list) else ():
        if not isinstance(item, list | tuple) or len(item) != 3 or item[0] not in tuple(Hazard):
            continue
        hazard, number, box = item
        if _is_count(number) and isinstance(box, list | tuple) and len(box) == 4 and all(map(_is_length, box)):
            places.append((Hazard(hazard), number, (float(box[0]), float(box[1]), float(box[2]), float(box[3]))))
            numbers[Hazard(hazard)] = max(numbers.get(Hazard(hazard), 0), number)
    return numbers, places


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_NUMBER


def _is_length(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
