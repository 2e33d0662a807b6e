"""Snapshots as JPEG, raw and with what the detector saw drawn on them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from edge.detectors.interface import Image, Mark

_AGES = ((255, 190, 40), (70, 225, 255), (40, 60, 255))
_BOX = (60, 220, 255)
_INK = (20, 20, 20)
_WHITE = (255, 255, 255)
"""Colours in BGR: a track runs from light blue at its beginning through yellow to red at its end."""

_SHIFT = 4
"""OpenCV draws at sixteenths of a pixel, so that a slow track does not look like stairs."""


class PictureError(ValueError):
    """A picture could not be encoded."""


def jpeg(picture: Image, quality: int) -> bytes:
    """A (height, width, 3) BGR picture as JPEG.

    Raises:
        PictureError: the encoder refused.
    """
    try:
        done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise PictureError(_unusable(picture)) from error
    if not done:
        raise PictureError(_unusable(picture))
    return encoded.tobytes()


def _unusable(picture: Image) -> str:
    return f"a picture of shape {picture.shape} could not be encoded as JPEG"


def with_marks(picture: Image, marks: Sequence[Mark], until: float | None = None) -> Image:
    """A copy of a BGR picture with each mark's track, box and label drawn on it.

    `until` (media seconds): as it was at that time, the track as far as it had come and the box once it had ended.
    """
    canvas = np.ascontiguousarray(picture).copy()
    unit = max(1.0, min(canvas.shape[:2]) / 540)
    for mark in marks:
        _draw_track(canvas, mark, unit, until)
        if _has_ended(mark, until):
            _draw_box(canvas, mark, unit)
    for mark in marks:
        if _has_ended(mark, until):
            _draw_label(canvas, mark, unit)
    return canvas


def _has_ended(mark: Mark, until: float | None) -> bool:
    return until is None or not mark.polyline or mark.polyline[-1][0] <= until


def _draw_track(canvas: Image, mark: Mark, unit: float, until: float | None) -> None:
    if not mark.polyline:
        return
    thickness = max(2, round(2 * unit))
    begin, end = mark.polyline[0][0], mark.polyline[-1][0]
    span = max(end - begin, 1e-9)
    points = [point for point in mark.polyline if until is None or point[0] <= until]
    # A dark rim first: the line must show on a bright sky and on a dark wall alike.
    for rim in (True, False):
        for (_, x0, y0), (t1, x1, y1) in pairwise(points):
            colour = _INK if rim else _mixed((t1 - begin) / span)
            cv2.line(canvas, _fixed(x0, y0), _fixed(x1, y1), colour, thickness + 2 * rim, cv2.LINE_AA, _SHIFT)
    for t, x, y in points:
        radius = round(1.2 * thickness * (1 << _SHIFT))
        cv2.circle(canvas, _fixed(x, y), radius, _mixed((t - begin) / span), -1, cv2.LINE_AA, _SHIFT)


def _draw_box(canvas: Image, mark: Mark, unit: float) -> None:
    if mark.box is None:
        return
    x, y, width, height = mark.box
    # A little room around it: the box must not hide the thing.
    pad = 4 * unit
    first, second = _fixed(x - pad, y - pad), _fixed(x + width + pad, y + height + pad)
    thickness = max(1, round(1.5 * unit))
    cv2.rectangle(canvas, first, second, _INK, thickness + 2, cv2.LINE_AA, _SHIFT)
    cv2.rectangle(canvas, first, second, _BOX, thickness, cv2.LINE_AA, _SHIFT)


def _draw_label(canvas: Image, mark: Mark, unit: float) -> None:
    anchor = _label_anchor(mark)
    if not mark.label or anchor is None:
        return
    # OpenCV's built-in letters are ASCII; a question mark would be worse than leaving a sign out.
    text = mark.label.replace("²", "2").replace("–", "-").encode("ascii", "ignore").decode()
    face, scale, thickness = cv2.FONT_HERSHEY_SIMPLEX, 0.5 * unit, max(1, round(unit))
    (width, height), baseline = cv2.getTextSize(text, face, scale, thickness)
    pad = round(4 * unit)
    x = int(min(max(anchor[0] + 10 * unit, pad), max(pad, canvas.shape[1] - width - pad)))
    y = int(min(max(anchor[1] - 10 * unit, height + pad), canvas.shape[0] - baseline - pad))
    top, bottom = max(0, y - height - pad), y + baseline + pad
    left, right = max(0, x - pad), x + width + pad
    plate = canvas[top:bottom, left:right]
    plate[:] = (plate * 0.35).astype(np.uint8)
    cv2.putText(canvas, text, (x, y), face, scale, _WHITE, thickness, cv2.LINE_AA)


def _label_anchor(mark: Mark) -> tuple[float, float] | None:
    if mark.box is not None:
        return mark.box[0] + mark.box[2], mark.box[1]
    return mark.polyline[-1][1:] if mark.polyline else None


def _mixed(share: float) -> tuple[int, int, int]:
    """The colour of a point that is `share` (0 to 1) of the track's time old."""
    place = min(max(share, 0.0), 1.0) * (len(_AGES) - 1)
    index = min(int(place), len(_AGES) - 2)
    early, late, rest = _AGES[index], _AGES[index + 1], place - index
    blue, green, red = (round(a + (b - a) * rest) for a, b in zip(early, late, strict=True))
    return blue, green, red


def _fixed(x: float, y: float) -> tuple[int, int]:
    return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))
