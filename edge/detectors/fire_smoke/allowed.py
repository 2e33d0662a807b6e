"""Regions where it may burn, and what is usual there at each hour of the week.

A chimney smokes on winter mornings, a kitchen's steam comes at noon. What is learned: in how many of the hours like
this one something burned, and how large it was at the most. What is usual is not told; what is unusual goes to review.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import numpy as np

from edge.detectors.fire_smoke.proposals import PictureBox
from edge.detectors.fire_smoke.settings import AllowedRegion, Hazard

HOURS = 168
HALF_LIFE_WEEKS = 8.0
"""Seasons change what is usual."""
NEIGHBOUR = 0.5
"""What an hour before or after counts: kitchens are not punctual."""
PRIOR_HOURS = 0.25
"""A quarter of an hour of burning, spread over all that was never seen: no rate is 0 for ever."""
LEARNS_UNUSUAL = 0.1
"""What was told as unusual is learned ten times more slowly: a chimney fire must not make the next one usual, and a
new habit of a kitchen must not be told for ever."""
LARGEST_FADES = 0.98
"""A week, of the largest area that is usual."""


@dataclass(slots=True)
class _Learned:
    """Of one region and hazard. Arrays of 168 hours of the week, from Monday 0 h, local."""

    watched: np.ndarray[Any, np.dtype[np.float64]] = field(default_factory=lambda: np.zeros(HOURS))
    """Hours that were watched, older ones fading."""
    burned: np.ndarray[Any, np.dtype[np.float64]] = field(default_factory=lambda: np.zeros(HOURS))
    """… in which something burned, as shares of the hour."""
    largest: float = 0.0
    """Area in shares of the picture."""
    days: float = 0.0
    """For how long it was watched in all."""
    last: float | None = None
    """POSIX seconds."""


class Allowed:
    """The allowed regions of one camera."""

    def __init__(self, regions: tuple[AllowedRegion, ...], zone: ZoneInfo, picture_area: float) -> None:
        self._regions = {region.name: region for region in regions}
        self._zone = zone
        self._picture_area = picture_area
        self._learned: dict[tuple[str, Hazard], _Learned] = {
            (region.name, hazard): _Learned() for region in regions for hazard in region.hazards
        }

    def region_of(self, hazard: Hazard, box: PictureBox) -> AllowedRegion | None:
        """The region that holds more than half of a box."""
        return next(
            (region for region in self._regions.values() if hazard in region.hazards and _share_in(region, box) > 0.5),
            None,
        )

    def observe(
        self,
        burning: Mapping[tuple[str, Hazard], float],
        at: datetime,
        unusual: Collection[tuple[str, Hazard]] = frozenset(),
    ) -> None:
        """Learns from a second or so: which regions burn, with the area of it in px². Call it about once a second.

        `unusual`: those of them that are being told.
        """
        hour = self._hour(at)
        for key, learned in self._learned.items():
            now = at.timestamp()
            passed = 0.0 if learned.last is None else min(max(now - learned.last, 0.0), 10.0) / 3600
            learned.last = now
            learned.days += passed / 24
            fading = 0.5 ** (passed / (HALF_LIFE_WEEKS * HOURS))
            learned.watched *= fading
            learned.burned *= fading
            learned.watched[hour] += passed
            learned.largest *= LARGEST_FADES ** (passed / HOURS)
            if key in burning:
                share = LEARNS_UNUSUAL if key in unusual else 1.0
                learned.burned[hour] += passed * share
                beyond = max(burning[key] / self._picture_area - learned.largest, 0.0)
                learned.largest += beyond * (1.0 if key not in unusual else min(LEARNS_UNUSUAL * passed, 1.0))

    def verdict(self, region: AllowedRegion, hazard: Hazard, area_px: float, at: datetime) -> str | None:
        """Why what burns there is unusual; None: it is usual, or not known yet."""
        learned = self._learned[region.name, hazard]
        if learned.days < region.learn_days:
            return None
        if learned.largest > 0 and area_px / self._picture_area > region.unusual_area * learned.largest:
            return "larger than usual"
        return "unusual hour" if self._rate(learned, self._hour(at)) < region.unusual_share else None

    def rates(self, at: datetime) -> Mapping[str, Any]:
        """For the box's own page: by region and hazard, how usual burning is at this hour, and for how long learned."""
        hour = self._hour(at)
        return {
            f"{name}/{hazard.value}": {
                "rate": round(self._rate(learned, hour), 4),
                "days": round(learned.days, 2),
                "largest": round(learned.largest, 6),
            }
            for (name, hazard), learned in self._learned.items()
        }

    def save(self) -> Mapping[str, Any]:
        """JSON types."""
        return {
            f"{name}/{hazard.value}": {
                "watched": [round(value, 4) for value in learned.watched.tolist()],
                "burned": [round(value, 4) for value in learned.burned.tolist()],
                "largest": learned.largest,
                "days": learned.days,
            }
            for (name, hazard), learned in self._learned.items()
        }

    def load(self, saved: object) -> None:
        """Takes up what was saved; what no longer fits is left out."""
        if not isinstance(saved, Mapping):
            return
        for (name, hazard), learned in self._learned.items():
            part = saved.get(f"{name}/{hazard.value}")
            if not isinstance(part, Mapping):
                continue
            watched, burned = _hours(part.get("watched")), _hours(part.get("burned"))
            largest, days = _number(part.get("largest")), _number(part.get("days"))
            if watched is None or burned is None or largest is None or days is None:
                continue
            learned.watched, learned.burned = watched, burned
            learned.largest, learned.days = largest, days

    def _hour(self, at: datetime) -> int:
        local = at.astimezone(self._zone)
        return local.weekday() * 24 + local.hour

    @staticmethod
    def _rate(learned: _Learned, hour: int) -> float:
        burned = watched = 0.0
        for offset, weight in ((-1, NEIGHBOUR), (0, 1.0), (1, NEIGHBOUR)):
            burned += weight * float(learned.burned[(hour + offset) % HOURS])
            watched += weight * float(learned.watched[(hour + offset) % HOURS])
        everywhere = float(learned.burned.sum()) / max(float(learned.watched.sum()), 1e-9)
        return (burned + PRIOR_HOURS * everywhere) / (watched + PRIOR_HOURS)


def _share_in(region: AllowedRegion, box: PictureBox) -> float:
    """Share of a box that lies in the region's polygon, taken without its dents."""
    corners = np.array(
        [
            (box[0], box[1]),
            (box[0] + box[2], box[1]),
            (box[0] + box[2], box[1] + box[3]),
            (box[0], box[1] + box[3]),
        ],
        np.float32,
    )
    hull = cv2.convexHull(np.array(region.polygon, np.float32))
    shared, _ = cv2.intersectConvexConvex(corners, hull)
    area = box[2] * box[3]
    return float(shared) / area if area > 0 else 0.0


def _hours(value: object) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    if not isinstance(value, list) or len(value) != HOURS:
        return None
    numbers = [_number(item) for item in value]
    return None if None in numbers else np.array(numbers, np.float64)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
