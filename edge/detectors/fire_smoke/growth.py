"""How fast what burns grows, and how large it is on the ground."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.detectors.fire_smoke.behaviour import theil_sen
from edge.detectors.fire_smoke.proposals import PictureBox
from edge.detectors.interface import GroundPort

LEAST_SECONDS = 20.0
"""A flame breathes by half of its area within seconds: a trend needs several breaths."""
WINDOW_SECONDS = 60.0
MOST_PER_MINUTE = 50.0
"""More is a box that jumped."""


def growth_per_minute(areas: Sequence[tuple[float, float]]) -> float | None:
    """Relative growth of an area in a minute from (seconds, area), by the median slope of its logarithm.

    1 doubles it in a minute, -0.5 halves it. None: not seen for long enough.
    """
    if not areas:
        return None
    recent = [(t, area) for t, area in areas if areas[-1][0] - t <= WINDOW_SECONDS and area > 0]
    if len(recent) < 5 or recent[-1][0] - recent[0][0] < LEAST_SECONDS:
        return None
    times, logs = np.array([t for t, _ in recent]), np.log([area for _, area in recent])
    return round(min(float(np.expm1(theil_sen(times, logs) * 60)), MOST_PER_MINUTE), 3)


def size_m(box: PictureBox, ground: GroundPort | None, media_time: float) -> tuple[float, float] | None:
    """Width and height in metres of what stands on the ground at the box's lower edge; None: not known."""
    scale = None if ground is None else ground.metres_per_pixel(box[0] + box[2] / 2, box[1] + box[3], media_time)
    return None if scale is None else (round(box[2] * scale, 2), round(box[3] * scale, 2))
