"""Recall by kind, and how long detection takes, as a picture drawn with OpenCV: no plotting library for two charts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.traffic_signal.findings import Fault
from edge.evaluate.intervals import wilson
from samples.junction.figures import RECALL_OF_KIND
from samples.junction.judging import Judged

Picture = NDArray[np.uint8]
WIDTH, HEIGHT, LEFT, ROW = 900, 720, 190, 44
INK, FAINT, BLUE, RED = (40, 40, 40), (205, 205, 205), (180, 110, 40), (60, 60, 200)
LONGEST_SECONDS = 900.0


def plot(judged: Judged, path: Path) -> None:
    """Writes a PNG: above, recall with its interval; below, each time to detect as a tick."""
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    _write(picture, "Recall by kind, with 95 % interval", 20, 28, 0.6)
    _axis(picture, 50, [(share, f"{share:.2f}") for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)], lambda v: (v - 0.5) / 0.5)
    for place, kind in enumerate(Fault):
        answered = [answer for answer in judged.answered if answer.fault.kind is kind]
        found = sum(answer.said is not None for answer in answered)
        y = 70 + place * ROW
        _write(picture, f"{kind.value} ({len(answered)})", 10, y + 5)
        interval = wilson(found, len(answered))
        if interval is None:
            continue
        low, high = (_across((value - 0.5) / 0.5) for value in interval)
        cv2.line(picture, (low, y), (high, y), BLUE, 2, cv2.LINE_AA)
        share = found / len(answered)
        cv2.circle(picture, (_across((share - 0.5) / 0.5), y), 5, BLUE if share >= RECALL_OF_KIND else RED, -1)
    top = 70 + len(Fault) * ROW + 20
    _write(picture, "Time to detect, seconds (logarithmic)", 20, top, 0.6)
    marks = [(value, f"{value:g}") for value in (5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)]
    _axis(picture, top + 22, marks, _logarithmic)
    for place, kind in enumerate(Fault):
        y = top + 42 + place * (ROW - 8)
        _write(picture, kind.value, 10, y + 5)
        for answer in judged.answered:
            if answer.fault.kind is kind and answer.delay_seconds is not None:
                x = _across(_logarithmic(max(answer.delay_seconds, 3.0)))
                cv2.line(picture, (x, y - 8), (x, y + 8), BLUE, 1, cv2.LINE_AA)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


def _logarithmic(seconds: float) -> float:
    return float(np.log(seconds / 3.0) / np.log(LONGEST_SECONDS / 3.0))


def _across(share: float) -> int:
    return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - 40))


def _axis(picture: Picture, y: int, marks: list[tuple[float, str]], place: Callable[[float], float]) -> None:
    for value, label in marks:
        x = _across(place(value))
        cv2.line(picture, (x, y + 4), (x, y + len(Fault) * (ROW - 8) + 20), FAINT, 1)
        _write(picture, label, x - 12, y, 0.4)


def _write(picture: Picture, text: str, x: int, y: int, size: float = 0.45) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)
