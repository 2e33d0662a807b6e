"""A picture made small on its planes: luma and both colour differences of one size, in full range.

For looking at what spreads over many pixels, such as flames and smoke, at a hundredth of a 1080p picture's cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Grey
from edge.vision.planes import NEUTRAL_CHROMA, Colour, Planes

_LEVELS = np.arange(256, dtype=np.float64)
_LUMA_FROM_LIMITED: NDArray[np.uint8] = np.clip(np.rint((_LEVELS - 16) * 255 / 219), 0, 255).astype(np.uint8)
_CHROMA_FROM_LIMITED: NDArray[np.uint8] = np.clip(
    np.rint((_LEVELS - NEUTRAL_CHROMA) * 255 / 224 + NEUTRAL_CHROMA), 0, 255
).astype(np.uint8)
"""Cameras send 16-235 and 16-240 (BT.601), stills and drawn pictures 0-255: thresholds must mean one thing."""


@dataclass(frozen=True, slots=True, eq=False)
class SmallPicture:
    """(rows, columns) each, uint8: luma, and blue and red difference (128 is grey). Views of reused buffers."""

    luma: Grey
    blue: Grey
    red: Grey

    def bgr(self) -> Colour:
        """(rows, columns, 3)."""
        return np.asarray(cv2.cvtColor(cv2.merge((self.luma, self.red, self.blue)), cv2.COLOR_YCrCb2BGR), np.uint8)


class Shrinker:
    """Makes small pictures of one size; keeps its buffers."""

    def __init__(self, width: int, height: int) -> None:
        """Of the small picture, pixels."""
        self.width, self.height = width, height
        shape = (height, width)
        self._luma, self._blue, self._red = (np.empty(shape, np.uint8) for _ in range(3))
        self._bgr = np.empty((*shape, 3), np.uint8)

    def of_planes(self, planes: Planes) -> SmallPicture:
        """From a decoder's planes; a grey picture has neutral colours."""
        self._area(planes.luma, self._luma)
        if not planes.chroma:
            self._blue.fill(NEUTRAL_CHROMA)
            self._red.fill(NEUTRAL_CHROMA)
        elif len(planes.chroma) == 1:
            both = cv2.resize(planes.chroma[0], (self.width, self.height), interpolation=cv2.INTER_AREA)
            self._blue[:], self._red[:] = both[:, :, 0], both[:, :, 1]
        else:
            self._area(planes.chroma[0], self._blue)
            self._area(planes.chroma[1], self._red)
        if not planes.full_range:
            cv2.LUT(self._luma, _LUMA_FROM_LIMITED, dst=self._luma)
            cv2.LUT(self._blue, _CHROMA_FROM_LIMITED, dst=self._blue)
            cv2.LUT(self._red, _CHROMA_FROM_LIMITED, dst=self._red)
        return SmallPicture(self._luma, self._blue, self._red)

    def of_bgr(self, picture: Colour) -> SmallPicture:
        """From a colour picture (height, width, 3)."""
        cv2.resize(picture, (self.width, self.height), dst=self._bgr, interpolation=cv2.INTER_AREA)
        cv2.split(cv2.cvtColor(self._bgr, cv2.COLOR_BGR2YCrCb), (self._luma, self._red, self._blue))
        return SmallPicture(self._luma, self._blue, self._red)

    def _area(self, plane: Grey, out: Grey) -> None:
        cv2.resize(plane, (self.width, self.height), dst=out, interpolation=cv2.INTER_AREA)
