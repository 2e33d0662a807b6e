"""Hits against false alarms of several models, drawn with OpenCV: no plotting library for four charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from models.fire_smoke.comparing import Answer, at_score, curve
from models.fire_smoke.stills import BURNING, QUIET, Picture

SIDE, LEFT, TOP, GAP = 360, 70, 90, 70
INK, FAINT = (40, 40, 40), (215, 215, 215)
COLOURS = ((180, 110, 40), (60, 60, 200), (80, 140, 60))
"""Of the models, in the order given: blue, red, green."""
WIDEST = 0.6
"""Share of false alarms at the right end: nobody works beyond it."""
MARKS = (0.25, 0.4)
"""Scores whose points are marked with a dot, small and large."""


def plot(models: Mapping[str, Sequence[Answer]], path: Path) -> None:
    """Writes a PNG: a chart for each quiet set, a line for each model and burning set (thin: CCTV)."""
    width = LEFT + len(QUIET) * (SIDE + GAP)
    picture = np.full((TOP + SIDE + 70, width, 3), 255, np.uint8)
    _write(picture, "Burning pictures found (up) against quiet pictures called burning (right)", LEFT, 28, 0.65)
    for place, (name, colour) in enumerate(zip(models, COLOURS, strict=False)):
        _write(picture, name, LEFT + 220 * place, 56, 0.55, colour)
    _write(picture, "thick: outdoor stills, thin: CCTV; dots: score 0.25 (small) and 0.4", LEFT + 480, 56, 0.5)
    for column, quiet in enumerate(QUIET):
        left = LEFT + column * (SIDE + GAP)
        _axes(picture, left, quiet)
        for answers, colour in zip(models.values(), COLOURS, strict=False):
            for burning in BURNING:
                thick = 2 if burning == BURNING[-1] else 1
                _line(picture, left, curve(answers, burning, quiet), colour, thick)
                for radius, score in zip((3, 6), MARKS, strict=True):
                    point = at_score(answers, score)
                    at = _at(left, point[quiet].share, point[burning].share)
                    cv2.circle(picture, at, radius, colour, -1, cv2.LINE_AA)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


def _line(picture: Picture, left: int, points: Sequence[tuple[float, float]], colour: tuple[int, ...], px: int) -> None:
    before = _at(left, *points[0])
    for false, hits in points[1:]:
        at = _at(left, false, hits)
        cv2.line(picture, before, (at[0], before[1]), colour, px, cv2.LINE_AA)
        cv2.line(picture, (at[0], before[1]), at, colour, px, cv2.LINE_AA)
        before = at
        if false >= WIDEST:
            break


def _axes(picture: Picture, left: int, title: str) -> None:
    for step in range(0, 11, 2):
        y = _at(left, 0, step / 10)[1]
        cv2.line(picture, (left, y), (left + SIDE, y), FAINT, 1)
        _write(picture, f"{step * 10} %", left - 48, y + 5, 0.42)
    for share in (0.0, 0.1, 0.2, 0.4, 0.6):
        x = _at(left, share, 0)[0]
        cv2.line(picture, (x, TOP), (x, TOP + SIDE), FAINT, 1)
        _write(picture, f"{share:.0%}", x - 12, TOP + SIDE + 20, 0.42)
    _write(picture, title, left, TOP + SIDE + 46, 0.55)


def _at(left: int, false: float, hits: float) -> tuple[int, int]:
    # The root: what matters happens below 10 %.
    across = (min(false, WIDEST) / WIDEST) ** 0.5
    return left + round(across * SIDE), TOP + SIDE - round(hits * SIDE)


def _write(picture: Picture, text: str, x: int, y: int, size: float = 0.5, colour: tuple[int, int, int] = INK) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
