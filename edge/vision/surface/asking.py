"""What a learned model says of a place that is likely to have changed: a port, and how its answer is read."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats
from edge.vision.surface.patches import Patch, Seen, on_level
from edge.vision.surface.shots import Picture

_FILLED = 0.6
"""Of the square that a model is shown, a place fills at most this much: it was trained on things with surroundings."""


class ChangeModel(Protocol):
    """A model for pairs of pictures."""

    @property
    def gsd_m(self) -> float:
        """Metres a pixel that it wants."""

    @property
    def side_px(self) -> int:
        """Of the square that it is shown."""

    def __call__(self, older: Picture, newer: Picture) -> Floats:
        """Probability of a change, (side, side), 0-1, of two squares that show the same place.

        Raises:
            edge.inference.errors.ModelError: it fails, or answers something else.
        """


def square_around(outline_m: Doubles, gsd_m: float, side_px: int) -> Patch:
    """Around a place (n, 2): at the scale that is wanted, or coarser where the place would fill the square."""
    low, high = outline_m.min(axis=0), outline_m.max(axis=0)
    texel = max(gsd_m, float((high - low).max()) / (_FILLED * side_px))
    middle, half = (low + high) / 2, side_px * texel / 2
    return Patch(float(middle[0] - half), float(middle[1] + half), side_px, side_px, texel)


def changed(model: ChangeModel, older: tuple[Seen, float], newer: tuple[Seen, float], outline_m: Doubles) -> float:
    """Mean probability of a change within an outline (n, 2). Each picture is laid on the level of what stands there."""
    patch = square_around(outline_m, model.gsd_m, model.side_px)
    before, after = (on_level(seen, patch, level) for seen, level in (older, newer))
    answer = model(before, after)
    inside = np.zeros(answer.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(patch.pixels(outline_m)).astype(np.int32)], 1)
    return float(answer[inside > 0].mean())
