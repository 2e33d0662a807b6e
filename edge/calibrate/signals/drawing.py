"""Pictures for the installer: the heads on the camera's picture, and the timeline of what they showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from contract.timeline import HeadTimeline, LampSpan, SignalTimeline
from edge.detectors.interface import Image
from edge.detectors.traffic_signal.settings import Colour, HeadSettings

Bgr = tuple[int, int, int]

LAMP: Mapping[str, Bgr] = {
    Colour.RED: (60, 60, 230),
    Colour.AMBER: (30, 170, 250),
    Colour.GREEN: (90, 190, 60),
    Colour.WHITE: (235, 235, 235),
}
"""Red, amber and green that differ in lightness too, for those who do not tell red from green."""
DARK: Bgr = (50, 46, 44)
UNKNOWN_LIGHT: Bgr = (225, 222, 220)
UNKNOWN_STRIPE: Bgr = (190, 186, 184)
INK: Bgr = (60, 52, 46)
FAINT: Bgr = (214, 210, 206)
PAPER: Bgr = (252, 252, 252)
OUTLINE: Bgr = (240, 190, 40)
FONT = cv2.FONT_HERSHEY_SIMPLEX
BEST_WIDTH = 1280
"""Pixels: small pictures are enlarged to about this, so that rings of small lamps can be seen."""

ROW, BAR, LEFT, RIGHT, TOP, BOTTOM = 30, 18, 190, 24, 46, 34
WIDTH = 1280
STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds between two marks of the axis."""


def draw_heads(bgr: Image, heads: Mapping[str, HeadSettings]) -> Image:
    """A copy of the picture with outlines, ids and lamps ringed in their colours; small pictures enlarged."""
    factor = max(1, round(BEST_WIDTH / bgr.shape[1]))
    picture = np.asarray(cv2.resize(bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8).copy()
    for head_id, head in heads.items():
        points = _scaled(head.polygon, factor)
        cv2.polylines(picture, [points], isClosed=True, color=OUTLINE, thickness=2, lineType=cv2.LINE_AA)
        for lamp in head.lamps:
            centre = _scaled([lamp.centre], factor)[0]
            radius = max(round(lamp.diameter_px * factor / 2), 2)
            cv2.circle(picture, (int(centre[0]), int(centre[1])), radius, LAMP[lamp.colour], 2, cv2.LINE_AA)
        if head.countdown is not None:
            digits = _scaled(head.countdown.polygon, factor)
            cv2.polylines(picture, [digits], isClosed=True, color=LAMP[Colour.WHITE], thickness=1, lineType=cv2.LINE_AA)
        _label(picture, head_id, int(points[:, 0].min()), int(points[:, 1].min()) - 6)
    return picture


def draw_timeline(timeline: SignalTimeline, title: str = "") -> Image:
    """The timeline, one row a head, sorted by phase group; unknown is hatched, dark is nearly black."""
    heads = sorted(timeline.heads, key=lambda head: _first_of_group(timeline.heads, head.group))
    height = TOP + ROW * len(heads) + BOTTOM
    picture = np.full((height, WIDTH, 3), PAPER, np.uint8)
    seconds = max(timeline.end - timeline.start, 1e-3)
    scale = (WIDTH - LEFT - RIGHT) / seconds

    def x_of(at: float) -> int:
        return LEFT + round((at - timeline.start) * scale)

    cv2.putText(picture, title, (12, 26), FONT, 0.52, INK, 1, cv2.LINE_AA)
    step = next((step for step in STEPS if step * scale >= 70), STEPS[-1])
    for number in range(int(seconds // step) + 1):
        x = x_of(timeline.start + number * step)
        cv2.line(picture, (x, TOP - 6), (x, height - BOTTOM + 4), FAINT, 1)
        cv2.putText(picture, _clock(number * step), (x - 14, height - 12), FONT, 0.4, INK, 1, cv2.LINE_AA)
    previous = ""
    for row, head in enumerate(heads):
        top = TOP + row * ROW
        if head.group != previous:
            cv2.line(picture, (8, top - 3), (WIDTH - RIGHT, top - 3), FAINT, 1)
            cv2.putText(picture, _short(head.group, 11), (8, top + 14), FONT, 0.42, INK, 1, cv2.LINE_AA)
        previous = head.group
        cv2.putText(picture, _short(head.head, 11), (100, top + 14), FONT, 0.42, INK, 1, cv2.LINE_AA)
        for span in head.spans:
            _bar(picture, head, span, (x_of(span.start), top, max(x_of(span.end), x_of(span.start) + 1), top + BAR))
    return picture


def colour_of(head: HeadTimeline, span: LampSpan) -> str | None:
    """The colour that leads in a span: red before amber before green; None: dark, or unknown."""
    colours = [head.lamps[index].colour for index in span.lit if index < len(head.lamps)]
    return next((colour.value for colour in Colour if colour.value in colours), None)


def _bar(picture: Image, head: HeadTimeline, span: LampSpan, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    if span.unseen is not None:
        cv2.rectangle(picture, (left, top), (right, bottom), UNKNOWN_LIGHT, cv2.FILLED)
        window = picture[top : bottom + 1, left : right + 1]
        rows, columns = np.indices(window.shape[:2])
        window[(rows + columns + left) % 8 < 2] = UNKNOWN_STRIPE
        return
    colour = colour_of(head, span)
    cv2.rectangle(picture, (left, top), (right, bottom), DARK if colour is None else LAMP[colour], cv2.FILLED)
    others = [head.lamps[index].colour for index in span.lit if index < len(head.lamps)]
    second = next((other for other in others if other != colour), None)
    if second is not None:  # red and amber: both are shown
        cv2.rectangle(picture, (left, (top + bottom) // 2), (right, bottom), LAMP[second], cv2.FILLED)


def _first_of_group(heads: Sequence[HeadTimeline], group: str) -> int:
    return next(number for number, head in enumerate(heads) if head.group == group)


def _scaled(points: Sequence[tuple[float, float]], factor: int) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    # Pixel centres are whole numbers before and after.
    return np.round((np.asarray(points, np.float64) + 0.5) * factor - 0.5).astype(np.int32).reshape(-1, 2)


def _label(picture: Image, text: str, x: int, y: int) -> None:
    (width, height), base = cv2.getTextSize(text, FONT, 0.55, 1)
    x = min(max(x, 0), max(picture.shape[1] - width - 6, 0))
    y = max(y, height + 6)
    cv2.rectangle(picture, (x, y - height - 4), (x + width + 6, y + base), DARK, cv2.FILLED)
    cv2.putText(picture, text, (x + 3, y - 1), FONT, 0.55, PAPER, 1, cv2.LINE_AA)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _short(text: str, letters: int) -> str:
    # The drawing font has ASCII only: ids of other letters are shortened by what it can show.
    shown = text.encode("ascii", "replace").decode("ascii")
    return shown if len(shown) <= letters else f"{shown[: letters - 2]}.."
