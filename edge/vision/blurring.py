"""Parts of a picture made unrecognisable, for good: what is averaged away cannot be brought back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from edge.vision.planes import Colour
from edge.vision.regions import Window

CELLS = 6
"""Of a thing's shorter side. A face is a third of a person's width and a number plate an eighth of a car's height: two
cells and less, in which nobody is known and nothing is read; that it is a person, or a red car, can still be seen."""
LEAST_CELL_PX = 6
MARGIN = 0.06
"""Of each side, around a box: a network's boxes cut off a hand or a bumper."""
TILE_PX = 640.0
"""Networks of 320-640 pixels see a picture of this size whole; a larger one is also looked at in tiles."""
SPARE_PX = 100.0
"""So much more needs no further tile."""
OVERLAP = 0.25
"""Of neighbouring tiles: what one cuts in two is whole in the other."""


def blurred(picture: Colour, boxes: Sequence[Sequence[float]], clear: Sequence[Window] = ()) -> Colour:
    """A copy of a (height, width, 3) picture in which boxes (left, top, right, bottom) are averaged into few cells.

    `clear`: windows that stay as they are, whatever box they lie in.
    """
    result = np.ascontiguousarray(picture).copy()
    windows = [window for box in boxes if (window := _around(box, picture.shape[1], picture.shape[0])) is not None]
    # Each from the picture itself, and the largest last: where boxes overlap the coarser one counts, and what is seen
    # twice is not smeared twice.
    for window in sorted(windows, key=lambda window: window.width * window.height):
        area = (slice(window.top, window.bottom), slice(window.left, window.right))
        result[area] = _averaged(picture[area])
    for window in clear:
        area = (slice(max(window.top, 0), window.bottom), slice(max(window.left, 0), window.right))
        result[area] = picture[area]
    return result


def tiles(width: int, height: int) -> Sequence[Window]:
    """Overlapping windows that cover a picture in pieces of about TILE_PX; none where one piece is enough."""
    columns, rows = _pieces(width), _pieces(height)
    if len(columns) * len(rows) == 1:
        return ()
    return [Window(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _pieces(length: int) -> Sequence[tuple[int, int]]:
    count = max(1, math.ceil((length - SPARE_PX) / TILE_PX))
    size = math.ceil(length / (count - (count - 1) * OVERLAP))
    if count == 1:
        return [(0, length)]
    step = (length - size) / (count - 1)
    return [(round(number * step), min(round(number * step) + size, length)) for number in range(count)]


def _around(box: Sequence[float], width: int, height: int) -> Window | None:
    across, down = MARGIN * (box[2] - box[0]), MARGIN * (box[3] - box[1])
    left, top = max(math.floor(box[0] - across), 0), max(math.floor(box[1] - down), 0)
    right, bottom = min(math.ceil(box[2] + across), width), min(math.ceil(box[3] + down), height)
    return Window(left, top, right, bottom) if left < right and top < bottom else None


def _averaged(part: Colour) -> Colour:
    height, width = part.shape[:2]
    cell = max(LEAST_CELL_PX, min(height, width) / CELLS)
    size = (max(1, round(width / cell)), max(1, round(height / cell)))
    few = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    # Linear and not in blocks: squares with hard edges draw the eye away from what matters.
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
