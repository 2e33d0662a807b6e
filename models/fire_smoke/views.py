"""Training views: a picture moved, scaled, re-exposed and degraded as cameras do, alone or four in one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.fire_smoke.stills import Picture

Rng = np.random.Generator
Rows = NDArray[np.float32]
"""(n, 5): label, left, top, right, bottom."""
Matrix = NDArray[np.float64]

PADDING = 114
"""As the edge pads what is not square."""
MIN_PX = 8.0
"""Of a box's shorter side in the view: what is smaller counts neither way."""
MAX_ENLARGED = 2.5
"""Times: beyond it a flame is only a blur."""
MIN_VISIBLE = 0.25
"""Share of a marked box that must be left inside a view for it to be asked for."""


WIDE = 0.5
"""Share of pictures of which a strip as wide as cameras see is taken: trained on squares alone, the grey above and
below a 16:9 picture was taken for smoke."""


@dataclass(frozen=True, slots=True)
class Example:
    """A picture with what burns in it. `unsure` boxes count neither way: somebody thinks that something burns there."""

    bgr: Picture
    boxes: Rows = field(default_factory=lambda: np.zeros((0, 5), np.float32))
    unsure: Rows = field(default_factory=lambda: np.zeros((0, 5), np.float32))
    padding: NDArray[np.bool_] | None = None
    """(height, width): where there is no picture."""


def view(rng: Rng, example: Example, width: int, height: int, zoom: tuple[float, float]) -> Example:
    """A part of a picture, or the picture made smaller, at a random place of (height, width).

    `zoom`: range of sizes relative to the largest that fits as a whole.
    """
    if rng.random() < WIDE:
        example = strip(rng, example)
    rows, columns = example.bgr.shape[:2]
    scale = min(width / columns, height / rows) * float(np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1]))))
    return _shown(rng, example, (width, height), scale, None)


def strip(rng: Rng, example: Example) -> Example:
    """A part of a picture that is 4:3 to 16:9, all of its width."""
    rows, columns = example.bgr.shape[:2]
    height = min(rows, int(columns / rng.uniform(1.3, 1.8)))
    top = int(rng.integers(0, rows - height + 1))
    matrix = np.array([[1.0, 0, 0], [0, 1, -top]])
    boxes, unsure = (_moved(one, matrix, columns, height) for one in (example.boxes, example.unsure))
    return Example(example.bgr[top : top + height], boxes, unsure)


def near(rng: Rng, example: Example, side: int) -> Example:
    """What burns, from so near that it fills a third of the view or all of it."""
    if not len(example.boxes):
        return view(rng, example, side, side, (0.8, 1.7))
    _, left, top, right, bottom = (float(value) for value in example.boxes[rng.integers(len(example.boxes))])
    scale = side * float(rng.uniform(0.3, 1.1)) / max(right - left, bottom - top)
    rows, columns = example.bgr.shape[:2]
    scale = min(max(scale, 0.55 * side / max(rows, columns)), MAX_ENLARGED)
    return _shown(rng, example, (side, side), scale, ((left + right) / 2, (top + bottom) / 2))


def _shown(
    rng: Rng, example: Example, size: tuple[int, int], scale: float, focus: tuple[float, float] | None
) -> Example:
    rows, columns = example.bgr.shape[:2]
    width, height = size
    stretch = float(np.exp(rng.normal(0, 0.12)))
    across, down = scale * stretch, scale / stretch
    if rng.random() < 0.5:
        across = -across
    turn = np.deg2rad(rng.normal(0, 3.0)) if rng.random() < 0.5 else 0.0
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag((across, down))
    shown = (abs(across) * columns, down * rows)
    if focus is None:
        middle = np.array(
            [rng.uniform(*sorted((0.5 * long, side - 0.5 * long))) for long, side in zip(shown, size, strict=True)]
        )
        shift = middle - turned @ (columns / 2, rows / 2)
    else:
        middle = np.array([rng.uniform(0.3, 0.7) * side for side in size])
        shift = middle - turned @ focus
    matrix: Matrix = np.concatenate((turned, shift[:, None]), axis=1)
    source, moved = example.bgr, matrix
    if scale < 0.45:  # linear sampling of every third pixel would flicker as no camera does
        half = 0.5 if scale > 0.22 else 0.25
        source = cv2.resize(source, None, fx=half, fy=half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        moved = matrix @ np.diag((columns / source.shape[1], rows / source.shape[0], 1.0))
    bgr = cv2.warpAffine(source, moved, size, flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3)
    there = cv2.warpAffine(np.ones(source.shape[:2], np.uint8), moved, size, flags=cv2.INTER_NEAREST)
    boxes = _moved(example.boxes, matrix, width, height)
    small = np.minimum(boxes[:, 3] - boxes[:, 1], boxes[:, 4] - boxes[:, 2]) < MIN_PX
    unsure = np.concatenate((_moved(example.unsure, matrix, width, height), boxes[small]))
    return Example(bgr.astype(np.uint8, copy=False), boxes[~small], unsure, there == 0)


def _moved(boxes: Rows, matrix: Matrix, width: int, height: int) -> Rows:
    if not len(boxes):
        return boxes
    corners = boxes[:, (1, 2, 3, 2, 3, 4, 1, 4)].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
    low, high = corners.min(axis=1), corners.max(axis=1)
    kept_low, kept_high = np.clip(low, 0, (width, height)), np.clip(high, 0, (width, height))
    area = np.prod(high - low, axis=1)
    left = np.prod(kept_high - kept_low, axis=1)
    good = (left >= MIN_VISIBLE * area) & ((kept_high - kept_low).min(axis=1) >= 1)
    moved: Rows = np.concatenate((boxes[:, :1], kept_low, kept_high), axis=1)[good].astype(np.float32)
    return moved


def mosaic(rng: Rng, examples: list[Example], side: int) -> Example:
    """Four pictures around a random middle."""
    x, y = (int(rng.uniform(0.3, 0.7) * side) for _ in range(2))
    canvas = np.empty((side, side, 3), np.uint8)
    places = ((0, 0, x, y), (x, 0, side, y), (0, y, x, side), (x, y, side, side))
    boxes, unsure = [], []
    padding = np.zeros((side, side), np.bool_)
    for example, (left, top, right, bottom) in zip(examples, places, strict=True):
        part = view(rng, example, right - left, bottom - top, (0.8, 2.2))
        canvas[top:bottom, left:right] = part.bgr
        assert part.padding is not None, "views have it"
        padding[top:bottom, left:right] = part.padding
        shift = np.array((0, left, top, left, top), np.float32)
        boxes.append(part.boxes + shift)
        unsure.append(part.unsure + shift)
    return Example(canvas, np.concatenate(boxes), np.concatenate(unsure), padding)


def exposed(rng: Rng, shown: Example) -> Example:
    """A view as another camera would show it; what is no picture stays the grey that the edge gives it."""
    bgr = recorded(rng, shown.bgr)
    if shown.padding is not None:
        bgr = np.where(shown.padding[..., None], np.uint8(PADDING), bgr)
    return Example(bgr, shown.boxes, shown.unsure, shown.padding)


def recorded(rng: Rng, bgr: Picture) -> Picture:
    """Exposure, white balance, colour, infra-red, blur, noise and compression."""
    if rng.random() < 0.85:
        gamma = float(np.exp(rng.normal(0, 0.25)))
        gains = np.exp(rng.normal(0, 0.06, 3)) * np.exp(rng.normal(0, 0.15))
        ramp = (np.arange(256) / 255.0) ** gamma
        table = np.clip(255 * ramp[:, None] * gains, 0, 255).astype(np.uint8)
        bgr = _eight(cv2.LUT(bgr, table[None]))
    if rng.random() < 0.6:
        grey = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        colour = 0.0 if rng.random() < 0.12 else float(rng.uniform(0.5, 1.35))
        bgr = _eight(cv2.addWeighted(bgr, colour, grey, 1 - colour, 0))
    if rng.random() < 0.15:
        bgr = _eight(cv2.GaussianBlur(bgr, (0, 0), float(rng.uniform(0.4, 1.6))))
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(2, 10), (bgr.shape[0], bgr.shape[1], 1)).astype(np.float32)
        bgr = np.clip(bgr + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        packed = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))))[1]
        again = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        assert again is not None, "what was just packed can be read"
        bgr = _eight(again)
    return bgr


def _eight(bgr: NDArray[Any]) -> Picture:
    """OpenCV's types say less than is known."""
    return bgr.astype(np.uint8, copy=False)
