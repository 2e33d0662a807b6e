"""What each stage is worth, and how long detection takes, drawn with OpenCV: no plotting library for two charts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.evaluate.rows import Row
from samples.fire.judging import FLAME_SECONDS, SMOKE_SECONDS, Judged
from samples.fire.running import Variant

Picture = NDArray[np.uint8]
WIDTH, HEIGHT = 900, 640
LEFT, RIGHT, TOP, BOTTOM = 90, 860, 50, 380
INK, FAINT, BLUE, RED = (40, 40, 40), (215, 215, 215), (180, 110, 40), (60, 60, 200)
LEAST_FALSE, MOST_FALSE = 1.0, 10_000.0
LEAST_RECALL = 0.5
NAMES_Y = 190
"""Below all points as long as recall is above a half; each name a line lower than the one before, or they overlap."""


def plot(judged: Judged, rows: Sequence[Row], path: Path) -> None:
    """Writes a PNG: above, recall against false alarms by stage; below, each time to detect as a tick."""
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    _stages(picture, {row.name: row for row in rows})
    _delays(picture, judged)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


def _stages(picture: Picture, rows: dict[str, Row]) -> None:
    _write(picture, "Recall in time against false alarms and reviews per camera-day of look-alikes (log), 95 %", 20, 26)
    for value in (1, 10, 100, 1000, 10_000):
        x = _x(value)
        cv2.line(picture, (x, TOP), (x, BOTTOM), FAINT, 1)
        _write(picture, f"{value:g}", x - 10, BOTTOM + 18, 0.4)
    for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        cv2.line(picture, (LEFT, _y(share)), (RIGHT, _y(share)), FAINT, 1)
        _write(picture, f"{share:.2f}", LEFT - 45, _y(share) + 4, 0.4)
    last: tuple[int, int] | None = None
    for number, variant in enumerate(Variant):
        recall = rows.get(f"ablation.recall_in_time.{variant.value}")
        false = rows.get(f"ablation.false_per_camera_day.{variant.value}")
        if recall is None or false is None or recall.value is None or false.value is None:
            continue
        at = _x(false.value), _y(recall.value)
        ink = RED if variant is Variant.CLASSICAL else BLUE
        name_y = NAMES_Y + 22 * number
        cv2.line(picture, (at[0], at[1] + 6), (at[0], name_y), FAINT, 1)
        if false.interval is not None:
            cv2.line(picture, (_x(false.interval[0]), at[1]), (_x(false.interval[1]), at[1]), ink, 1, cv2.LINE_AA)
        if recall.interval is not None:
            cv2.line(picture, (at[0], _y(recall.interval[0])), (at[0], _y(recall.interval[1])), ink, 1, cv2.LINE_AA)
        if last is not None and variant is not Variant.CLASSICAL:
            cv2.line(picture, last, at, FAINT, 1, cv2.LINE_AA)
        cv2.circle(picture, at, 5, ink, -1, cv2.LINE_AA)
        _write(picture, f"{variant.value}: {recall.value:.2f}, {false.value:.0f}", at[0] + 5, name_y)
        last = at


def _delays(picture: Picture, judged: Judged) -> None:
    _write(picture, "Time to detect, seconds after it can be seen; the red line is the limit", 20, 440)
    for row, (name, flames, limit) in enumerate((("flames", True, FLAME_SECONDS), ("smoke", False, SMOKE_SECONDS))):
        y = 480 + 60 * row
        _write(picture, name, 20, y + 5)
        cv2.line(picture, (LEFT, y), (RIGHT, y), FAINT, 1)
        cv2.line(picture, (_seconds(limit), y - 16), (_seconds(limit), y + 16), RED, 2)
        for one in judged.answered:
            if one.flames is flames and one.delay_seconds is not None:
                x = _seconds(one.delay_seconds)
                cv2.line(picture, (x, y - 9), (x, y + 9), BLUE, 1, cv2.LINE_AA)
    for value in (0, 15, 30, 45, 60, 90):
        _write(picture, f"{value}", _seconds(value) - 8, 590, 0.4)


def _seconds(value: float) -> int:
    return round(LEFT + min(value / 90, 1) * (RIGHT - LEFT))


def _x(per_day: float) -> int:
    share = np.log10(max(per_day, LEAST_FALSE) / LEAST_FALSE) / np.log10(MOST_FALSE / LEAST_FALSE)
    return round(LEFT + min(max(float(share), 0), 1) * (RIGHT - LEFT))


def _y(share: float) -> int:
    return round(BOTTOM - max(share - LEAST_RECALL, 0.0) / (1 - LEAST_RECALL) * (BOTTOM - TOP))


def _write(picture: Picture, text: str, x: int, y: int, size: float = 0.45) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)
