"""The picture of a source as the local page shows it: small, with what is watched and what was seen drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from edge.detectors.interface import Frame, Image, Mark
from edge.detectors.registry import Outline
from edge.evidence.pictures import jpeg, with_marks

MAX_WIDTH_PX = 1280
MIN_WIDTH_PX = 160
QUALITY = 70
"""A look at a camera, not evidence: half the bytes of the snapshot's 85, twice a second, often through a tunnel."""

_WATCHED = (193, 211, 86)
_IGNORED = (150, 150, 150)
_RIM = (20, 20, 20)
_SHADE = 0.55
"""How bright what nobody watches stays: visibly out of play, still recognisable."""


def still(frame: Frame, marks: Sequence[Mark], outlines: Sequence[Outline], max_width: int) -> bytes:
    """The frame as JPEG, at most `max_width` (160 to 1280) pixels wide. Marks and outlines are in the frame's pixels.

    Call it while the frame is valid, or with one that keeps its picture alive.

    Raises:
        PictureError: the encoder refused.
    """
    picture = frame.read_bgr()
    height, width = picture.shape[:2]
    wanted = min(max(max_width, MIN_WIDTH_PX), MAX_WIDTH_PX)
    scale = min(1.0, wanted / width)
    if scale < 1:
        # INTER_AREA: windows and railings of a façade turn into moiré with anything cheaper.
        size = (wanted, max(1, round(height * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    canvas = _with_outlines(picture, outlines, scale)
    return jpeg(with_marks(canvas, [_scaled(mark, scale) for mark in marks]), QUALITY)


def _with_outlines(picture: Image, outlines: Sequence[Outline], scale: float) -> Image:
    canvas = np.ascontiguousarray(picture)
    if canvas is picture:
        canvas = canvas.copy()
    polygons = [(outline, _pixels(outline, scale)) for outline in outlines]
    thickness = max(1, round(min(canvas.shape[:2]) / 400))
    for outline, points in polygons:
        if outline.ignored:
            _shade(canvas, points)
    for outline, points in polygons:
        colour = _IGNORED if outline.ignored else _WATCHED
        cv2.polylines(canvas, [points], True, _RIM, thickness + 2, cv2.LINE_AA)
        cv2.polylines(canvas, [points], True, colour, thickness, cv2.LINE_AA)
    return canvas


def _shade(canvas: Image, points: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> None:
    left, top, width, height = cv2.boundingRect(points)
    left, top = max(0, left), max(0, top)
    part = canvas[top : top + height, left : left + width]
    if not part.size:
        return
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(mask, [points - np.array([left, top], np.int32)], 1)
    part[mask == 1] = (part[mask == 1] * _SHADE).astype(np.uint8)


def _pixels(outline: Outline, scale: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.asarray(np.rint(np.asarray(outline.points, dtype=np.float64) * scale), dtype=np.int32)


def _scaled(mark: Mark, scale: float) -> Mark:
    box = None
    if mark.box is not None:
        x, y, width, height = mark.box
        box = (x * scale, y * scale, width * scale, height * scale)
    return replace(mark, polyline=tuple((t, x * scale, y * scale) for t, x, y in mark.polyline), box=box)
