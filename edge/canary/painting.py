"""Frames with a drill in them: what a detector sees, and what evidence shows."""

from __future__ import annotations

from dataclasses import replace

import cv2

from edge.detectors.canary import CameraCanary
from edge.detectors.interface import Frame, Image, ReadBgr, Region

BANNER = "CANARY - DRILL - NOT REAL"
"""ASCII: OpenCV's letters have no others. The console says it in both languages."""
_YELLOW, _BLACK = (0, 215, 255), (0, 0, 0)


def painted(frame: Frame, canary: CameraCanary, seconds: float) -> Frame:
    """A copy of the frame with the made-up hazard in it, `seconds` after its beginning. The frame is left as it is."""
    luma = frame.luma.copy()
    canary.paint_luma(luma, seconds)

    def read_bgr(region: Region | None = None) -> Image:
        picture = frame.read_bgr(region)
        # What is asked for beyond the border is not there.
        x, y = (0, 0) if region is None else (max(region.x, 0), max(region.y, 0))
        canary.paint_bgr(picture, seconds, x, y)
        return picture

    return replace(frame, luma=luma, read_bgr=read_bgr, read_planes=None)


def stamped(frame: Frame) -> Frame:
    """The frame as evidence shows it: whoever meets the picture without its event must see what it is."""
    return replace(frame, read_bgr=_Stamping(frame.read_bgr))


class _Stamping:
    def __init__(self, read_bgr: ReadBgr) -> None:
        self._read_bgr = read_bgr

    def __call__(self, region: Region | None = None) -> Image:
        picture = self._read_bgr(region)
        stamp(picture)
        return picture


def stamp(picture: Image) -> None:
    """Writes what it is across the top and the bottom of a BGR picture, a fifteenth of its height each."""
    height, width = picture.shape[:2]
    bar = max(height // 15, 12)
    face, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, bar // 14)
    (text_width, text_height), _ = cv2.getTextSize(BANNER, face, 1.0, thickness)
    scale = min(0.6 * bar / text_height, 0.9 * width / text_width)
    left = int((width - scale * text_width) / 2)
    for top in (0, height - bar):
        cv2.rectangle(picture, (0, top), (width, top + bar), _YELLOW, -1)
        baseline = top + int((bar + scale * text_height) / 2)
        cv2.putText(picture, BANNER, (left, baseline), face, scale, _BLACK, thickness, cv2.LINE_AA)
