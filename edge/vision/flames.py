"""Which pixels have a flame's colour, and the outline of what has it.

The rule is the usual one of classical flame detection (Çelik and Demirel 2009, "Fire detection in video sequences using
a generic color model": Y > Cb, Cr > Cb, |Cb - Cr| large), with a hue band in addition: flames are between red-orange
and yellow, brake lights and red cloth are redder, high-visibility vests greener.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Mask, over
from edge.vision.regions import window_of
from edge.vision.small_colour import SmallPicture

WARM_SHARE = 1 / 1.772
"""Red - blue is 1.402 × the red difference - 1.772 × the blue one (BT.601): it is at most 1.772 × their distance where
the first is positive and the second negative, as they are of everything between red and yellow."""


@dataclass(frozen=True, slots=True)
class FlameColour:
    """Levels of 0-255. Fitted on three clips of real fire and on stills of flames in camera pictures."""

    red: int = 140
    """Flames give light; a camera exposes for the rest of the scene."""
    red_over_blue: int = 55
    green_over_blue: int = 5
    green_of_red: float = 0.30
    """Less is a brake light (0.1-0.25) or red cloth (0.15-0.3) …"""
    green_most_of_red: float = 1.0
    """… and more than all of it a yellow-green vest."""


class FlameMask:
    """Finds flame-coloured pixels; keeps its buffers."""

    def __init__(self, rows: int, columns: int, values: FlameColour | None = None) -> None:
        self._values = values or FlameColour()
        self._mask: Mask = np.zeros((rows, columns), np.uint8)

    def of(self, picture: SmallPicture) -> Mask:
        """(rows, columns), 255 where a pixel has a flame's colour. A view that the next call overwrites."""
        self._mask.fill(0)
        # Colours first, where they lie: a picture without anything warm in it is done with.
        warm = over(cv2.subtract(picture.red, picture.blue), self._values.red_over_blue * WARM_SHARE)
        if not cv2.countNonZero(warm):
            return self._mask
        window = window_of(warm)
        here = (slice(window.top, window.bottom), slice(window.left, window.right))
        part = SmallPicture(picture.luma[here], picture.blue[here], picture.red[here])
        np.copyto(self._mask[here], self._of_part(part))
        return self._mask

    def _of_part(self, picture: SmallPicture) -> Mask:
        values = self._values
        blue, green, red = (np.asarray(plane, np.uint8) for plane in cv2.split(picture.bgr()))
        mask = over(red, values.red)
        mask &= over(cv2.subtract(red, blue), values.red_over_blue)
        mask &= over(cv2.subtract(green, blue), values.green_over_blue)
        mask &= over(green, cv2.convertScaleAbs(red, alpha=values.green_of_red))
        mask &= over(cv2.convertScaleAbs(red, alpha=values.green_most_of_red), green)
        return mask


def raggedness(mask: Mask) -> float | None:
    """How much longer the outline of a mask's largest part is than a circle's of its area: 1 a disc, flames 2-10.

    None where it has fewer than 24 pixels: the outline of few pixels says nothing.
    """
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    largest = max(outlines, key=cv2.contourArea)
    area = float(cv2.contourArea(largest))
    if area < 24:
        return None
    length = float(cv2.arcLength(largest, closed=True))
    return length * length / (4 * np.pi * area)
