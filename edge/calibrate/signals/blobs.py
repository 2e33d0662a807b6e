"""Coloured lights of one picture: where something red, amber or green shines, how large it is, and in what form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Image
from edge.detectors.traffic_signal.settings import Colour, Shape

MIN_DIAMETER_PX = 4.0
"""Below the detector's 6 px: what is too small is to be told, not overlooked."""
MAX_DIAMETER_SHARE = 0.08
"""Of the picture's width: a lamp that large would fill a façade camera's view with one head."""
WARM_EXCESS, WARM_RED = 60, 120
"""Red above blue, and red itself, 0-255: of red and amber lamps in day, dusk and night pictures. Unlit lenses in the
sun reach 40."""
COOL_EXCESS, COOL_GREEN = 35, 105
"""Green above red, and green itself: signal green is bluish, leaves are yellowish (excess at most 25)."""
STRICTNESS = (1, 2)
"""Times the excess: where a lamp's halo touches an evening sky or a red wall, the stricter look parts them."""
AMBER_FROM = 0.36
"""(g - b) / (r - b): red LEDs 0-0.25, amber 0.45-0.9."""
LIKE_SIZE = 1.6
ASPECT = 2.6
MAX_BLOBS = 250
"""A picture with more coloured spots than this is a city at night: the largest are looked at."""
SOLID = 0.84
"""Area over that of the convex hull: discs 0.93 and more, arrows 0.55-0.8."""
LENS_OF_ARROW = 1.38
"""A lens' diameter over its arrow's length: 1.4 on the real clip, 1.35-1.45 on drawn ones."""
ARROW_MIN_PX = 12.0
"""Smaller arrows are blobs."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A light. Pixels of the picture."""

    x: float
    y: float
    diameter: float
    """Of the lens that would show it: an arrow does not fill its own."""
    colour: Colour
    shape: Shape | None
    """BALL or an arrow's direction; None where it is too small to say."""


def lights(bgr: Image, floor: Image | None = None) -> list[Blob]:
    """All coloured lights of a (height, width, 3) picture.

    Outer contours of what is red, amber or green enough; a core that saturates to white lies inside. Then the disc at
    half of its height over its surroundings, so that a halo at night does not make it larger. With a `floor`, (height,
    width), the brightest channel of the same view's darkest state, also lights that are coloured only above that: in a
    yellow housing. One number a pixel, not three: what a red bus leaves in a darkest picture of three would turn the
    grey wall behind it green.
    """
    blue, green, red = (np.asarray(plane, np.uint8) for plane in cv2.split(bgr))
    brightest = brightest_channel(bgr)
    found: list[Blob] = []
    looked_at: set[tuple[bool, Sequence[int]]] = set()
    for low in (None,) if floor is None else (floor, None):
        for mask, is_warm in _masks(blue, green, red, low):
            for box in _boxes(mask):
                if (is_warm, box) in looked_at:
                    continue  # the other look parts nothing here
                looked_at.add((is_warm, box))
                blob = _blob(bgr, brightest, mask, box, warm=is_warm)
                if blob is not None and not any(_same(blob, other) for other in found):
                    found.append(blob)
    return found


def brightest_channel(bgr: Image) -> Image:
    """(height, width): the largest of a pixel's three values."""
    blue, green, red = cv2.split(bgr)
    return np.asarray(cv2.max(cv2.max(blue, green), red), np.uint8)


def _masks(blue: Image, green: Image, red: Image, floor: Image | None) -> Iterator[tuple[Image, bool]]:
    """Where the picture is coloured above the floor and bright, and whether that is red or amber; the stricter after
    the wider."""
    warm = cv2.subtract(red, blue if floor is None else cv2.max(blue, floor))
    cool = cv2.subtract(green, red if floor is None else cv2.max(red, floor))
    bright_red, bright_green = cv2.inRange(red, WARM_RED, 255), cv2.inRange(green, COOL_GREEN, 255)
    for factor in STRICTNESS:
        yield np.asarray(cv2.bitwise_and(cv2.inRange(warm, WARM_EXCESS * factor, 255), bright_red), np.uint8), True
        yield np.asarray(cv2.bitwise_and(cv2.inRange(cool, COOL_EXCESS * factor, 255), bright_green), np.uint8), False


def _boxes(mask: Image) -> list[Sequence[int]]:
    """(x, y, width, height) of parts that may be lamps, the largest first."""
    # Outlines of all parts, also of those that lie within the hole of another: a lamp before a red evening sky.
    contours, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer = [contour for contour, node in zip(contours, () if tree is None else tree[0], strict=False) if node[3] < 0]
    boxes = [box for box in map(cv2.boundingRect, outer) if _fits(box, mask.shape[1])]
    return sorted(boxes, key=lambda box: -box[2] * box[3])[:MAX_BLOBS]


def _same(one: Blob, other: Blob) -> bool:
    # Of like size: a lamp may lie on something larger that has its colour.
    near = max(abs(one.x - other.x), abs(one.y - other.y)) < min(one.diameter, other.diameter) / 2
    return near and max(one.diameter, other.diameter) < LIKE_SIZE * min(one.diameter, other.diameter)


def _fits(box: Sequence[int], width: int) -> bool:
    longer, shorter = max(box[2:]), min(box[2:])
    return MIN_DIAMETER_PX <= longer <= 2 * MAX_DIAMETER_SHARE * width and longer <= ASPECT * max(shorter, 1)


def _blob(bgr: Image, brightest: Image, mask: Image, box: Sequence[int], *, warm: bool) -> Blob | None:
    x, y, width, height = box
    margin = max(2, max(width, height) // 4)
    left, top = max(x - margin, 0), max(y - margin, 0)
    window = np.s_[top : y + height + margin, left : x + width + margin]
    level = brightest[window]
    inner = mask[window] > 0
    outer = ~cv2.dilate(inner.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if not outer.any() or not inner.any():
        return None
    high, low = float(np.percentile(level[inner], 85)), float(np.median(level[outer]))
    half = ((level >= (high + low) / 2) & (level > low)).astype(np.uint8) if high > low + 20 else inner.astype(np.uint8)
    contour = _middle(half, x - left + width / 2, y - top + height / 2)
    if contour is None:
        return None
    area = max(cv2.contourArea(contour) + len(contour) / 2, 1.0)  # the contour runs through pixels' centres
    moments = cv2.moments(contour)
    if moments["m00"] <= 0:
        return None
    cx, cy = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    bx, by, bw, bh = cv2.boundingRect(contour)
    hull = cv2.convexHull(contour)
    solid = area / max(cv2.contourArea(hull) + len(hull) / 2, 1.0)
    extent = float(max(bw, bh))
    shape: Shape | None = Shape.BALL
    diameter = float(2 * np.sqrt(area / np.pi))
    if extent < ARROW_MIN_PX:
        shape = None
        diameter = max(diameter, MIN_DIAMETER_PX)
    elif solid < SOLID:
        shape = _direction(cx - (bx + (bw - 1) / 2), cy - (by + (bh - 1) / 2), extent)
        diameter, cx, cy = LENS_OF_ARROW * extent, bx + (bw - 1) / 2, by + (bh - 1) / 2
    if not MIN_DIAMETER_PX <= diameter <= MAX_DIAMETER_SHARE * bgr.shape[1]:
        return None
    colour = _warm_colour(bgr[window][inner]) if warm else Colour.GREEN
    return Blob(left + cx, top + cy, diameter, colour, shape)


def _middle(half: NDArray[np.uint8], x: float, y: float) -> NDArray[np.int32] | None:
    """The contour of the part that lies in the middle."""
    contours, _ = cv2.findContours(half, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    inside = [found for found in contours if cv2.pointPolygonTest(found, (x, y), measureDist=False) >= 0]
    chosen = max(inside or contours, key=cv2.contourArea, default=None)
    return None if chosen is None or len(chosen) < 3 else np.asarray(chosen, np.int32)


def _direction(x: float, y: float, extent: float) -> Shape:
    """An arrow's mass lies towards its head."""
    if max(abs(x), abs(y)) < 0.03 * extent:
        return Shape.BALL  # something ragged, a walking man: not an arrow
    if abs(x) > abs(y):
        return Shape.LEFT if x < 0 else Shape.RIGHT
    return Shape.STRAIGHT if y < 0 else Shape.BALL


def _warm_colour(pixels: NDArray[np.uint8]) -> Colour:
    values = pixels.astype(np.float32)
    excess = np.maximum(values[:, 2] - values[:, 0], 1.0)
    share = float(np.median((values[:, 1] - values[:, 0]) / excess))
    return Colour.AMBER if share >= AMBER_FROM else Colour.RED
