"""Training pictures: crops of photographs with their labelled heads, rendered heads over all kinds of backgrounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.signal_heads.labels import COLOURS, Box, LabelledHead, Picture, Picture8, read_pictures
from models.signal_heads.render import Floats, Rng, camera, draw_head, made_background, put_head
from models.signal_heads.scenes import number_of, twins_of

CROP_PX = 256
"""Side of a training picture."""
STRIDE = 4
"""Pixels a cell of the model's output."""
LONG_PX = (10.0, 150.0)
"""Heads that the model is asked for, by their long side. Larger ones are found in the picture's half and quarter."""
MIN_CONTRAST = 6.0
"""Grey levels by which a drawn head must change the picture to be asked for: nobody finds a dark head at night."""
UNSURE = 0.4
"""Weight of the background of photographs whose makers did not mark every head."""
BLOCK = 20
"""Pictures: about the length of a recording."""
NEGATIVE_AREAS = (("out007", 0, 840, 1920, 1080), ("out022", 0, 880, 1920, 1080), ("out022", 880, 715, 1390, 1080))
"""Parts of two of the four dashcam scenes where there is road, and there are cars with lamps lit, but no head (name's
beginning; x1, y1, x2, y2). The other two scenes are for the test."""


@dataclass(frozen=True, slots=True)
class Bank:
    """What training pictures are made of."""

    photographs: tuple[Picture, ...]
    negatives: tuple[Picture8, ...]


@dataclass(slots=True)
class Sample:
    """A training picture. `sure` (cells): how much the absence of a head counts; 0 where it is not known."""

    canvas: Floats
    heads: list[LabelledHead] = field(default_factory=list)
    sure: Floats = field(default_factory=lambda: np.ones((CROP_PX // STRIDE, CROP_PX // STRIDE), np.float32))

    def weigh(self, box: Box, weight: float) -> None:
        """Sets how sure the background of a box is."""
        x, y, width, height = (value / STRIDE for value in box)
        self.sure[max(0, int(y)) : max(0, int(y + height) + 1), max(0, int(x)) : max(0, int(x + width) + 1)] = weight


def read_held_out(folder: Path) -> list[Picture]:
    """Numbers in the names run with the recordings: of their blocks of BLOCK every fifth is held out as a whole."""
    pictures = sorted(read_pictures(folder), key=lambda picture: number_of(picture.name))
    return [picture for index, picture in enumerate(pictures) if (index // BLOCK) % 5 == 2]


def read_split(folder: Path) -> tuple[list[Picture], list[Picture]]:
    """The pictures of `signals/cinta` for training, and those held out.

    What else shows a held-out scene, by features or as a neighbour in number, is left out of training.
    """
    held_out = read_held_out(folder)
    names = {picture.name for picture in held_out}
    pictures = sorted(read_pictures(folder), key=lambda picture: number_of(picture.name))
    others = [picture for picture in pictures if picture.name not in names]
    twins = twins_of(others, held_out)
    return [picture for picture, twin in zip(others, twins, strict=True) if not twin], held_out


def read_negatives(folder: Path) -> list[Picture8]:
    """Areas without heads of the dashcam stills."""
    areas: list[Picture8] = []
    for path in sorted(folder.glob("*.jpeg")):
        for beginning, x1, y1, x2, y2 in NEGATIVE_AREAS:
            if path.name.startswith(beginning):
                bgr = cv2.imread(str(path))
                if bgr is not None:
                    areas.append(bgr[y1:y2, x1:x2].astype(np.uint8))
    return areas


def make(bank: Bank, seed: Iterable[int]) -> tuple[Picture8, Sample]:
    """One training picture; the same for the same seed."""
    rng = np.random.default_rng(list(seed))
    draw = rng.random()
    night = False
    if draw < 0.5:
        sample = _photograph(rng, bank)
        if rng.random() < 0.25:
            _add_rendered(rng, sample, night=False)
    else:
        night = rng.random() < 0.4
        sample = _background(rng, bank, night=night)
        if draw < 0.93:
            _add_rendered(rng, sample, night=night)
    picture = camera(rng, sample.canvas)
    if rng.random() < 0.07:  # infra-red: no colours
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        picture = np.repeat(grey[..., None], 3, axis=2)
        sample.heads = [LabelledHead(head.box, None) for head in sample.heads]
    return picture, sample


def _background(rng: Rng, bank: Bank, *, night: bool) -> Sample:
    draw = rng.random()
    if bank.negatives and draw < 0.2:
        area = bank.negatives[int(rng.integers(len(bank.negatives)))]
        canvas = _window(rng, area, rng.uniform(0.5, 1.6))
        return Sample(canvas * (np.float32(rng.uniform(0.15, 0.6)) if night else np.float32(1)))
    return Sample(made_background(rng, CROP_PX, night=night))


def _window(rng: Rng, picture: Picture8, scale: float) -> Floats:
    scale = max(scale, CROP_PX / min(picture.shape[:2]))
    side = min(int(CROP_PX / scale), *picture.shape[:2])
    y, x = (int(rng.integers(0, extent - side + 1)) for extent in picture.shape[:2])
    part = picture[y : y + side, x : x + side]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return cv2.resize(part, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA).astype(np.float32)


def _photograph(rng: Rng, bank: Bank, *, nested: bool = True) -> Sample:
    """A labelled photograph, scaled so that one of its heads gets a size drawn evenly over the logarithm."""
    picture = bank.photographs[int(rng.integers(len(bank.photographs)))]
    head = picture.heads[int(rng.integers(len(picture.heads)))]
    long_px = float(np.exp(rng.uniform(*np.log((14.0, 130.0)))))
    scale = min(long_px / max(head.box[2:]), 3.0)
    if not nested:
        scale = max(scale, 0.7)
    turn = rng.uniform(-6, 6) * np.pi / 180
    flip = -1.0 if rng.random() < 0.5 else 1.0
    aim = (CROP_PX / 2 + rng.uniform(-0.4, 0.4) * CROP_PX, CROP_PX / 2 + rng.uniform(-0.4, 0.4) * CROP_PX)
    middle = (head.box[0] + head.box[2] / 2, head.box[1] + head.box[3] / 2)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    matrix = np.array([[flip * cos, -sin, 0], [flip * sin, cos, 0]], np.float64)
    matrix[:, 2] = np.array(aim) - matrix[:, :2] @ np.array(middle)
    # Shrunk by warping alone, a photograph would shimmer: it is averaged first.
    source = cv2.GaussianBlur(picture.bgr, (0, 0), 0.4 / scale) if scale < 0.6 else picture.bgr
    height, width = picture.bgr.shape[:2]
    warped = cv2.warpAffine(source, matrix, (CROP_PX, CROP_PX), flags=cv2.INTER_LINEAR).astype(np.float32)
    corners = matrix @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    inside = np.zeros((CROP_PX, CROP_PX), np.uint8)
    cv2.fillConvexPoly(inside, corners.T.astype(np.int32), 1)
    covered = inside.astype(bool)
    if covered.all():
        sample = Sample(warped)
    else:
        # On drawn backgrounds alone, the model would learn that heads live in pasted squares.
        again = nested and rng.random() < 0.7
        night = bool(picture.bgr.mean() < 60)
        sample = _photograph(rng, bank, nested=False) if again else _background(rng, bank, night=night)
        _cover(sample, inside)
        sample.canvas[covered] = warped[covered]
    sample.sure[covered[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]] = UNSURE
    for one in picture.heads:
        _add_labelled(sample, one, matrix, turn)
    return sample


def _cover(sample: Sample, inside: NDArray[np.uint8]) -> None:
    """Forgets the heads that another picture is about to hide; of those half hidden nothing is known."""
    seen = []
    for head in sample.heads:
        x, y, width, height = (int(value) for value in head.box)
        hidden = float(inside[y : y + height + 1, x : x + width + 1].mean())
        if hidden < 0.1:
            seen.append(head)
        elif hidden < 0.9:
            sample.weigh(head.box, 0.0)
    sample.heads = seen


def _add_labelled(sample: Sample, head: LabelledHead, matrix: NDArray[np.float64], turn: float) -> None:
    x, y, width, height = head.box
    centre = matrix @ np.array([x + width / 2, y + height / 2, 1.0])
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    # The box of a turned box grows; the head in it does not fill its corners, so that half of the growth is right.
    grown = 0.5 * abs(np.sin(turn)) * np.array([height, width])
    size = scale * (np.array([width, height]) + grown)
    _admit(sample, (*(centre - size / 2).tolist(), *size.tolist()), head.colour)


def _admit(sample: Sample, box: Box, colour: str | None) -> None:
    """A head counts if it is of a size that is asked for and most of it is in the picture; else nothing is known."""
    x, y, width, height = box
    x1, y1, x2, y2 = max(0.0, x), max(0.0, y), min(float(CROP_PX), x + width), min(float(CROP_PX), y + height)
    if x2 <= x1 or y2 <= y1:
        return
    seen = (x2 - x1) * (y2 - y1) / (width * height)
    if seen < 0.65 or not LONG_PX[0] <= max(width, height) <= LONG_PX[1]:
        sample.weigh(box, 0.0)
        return
    sample.heads.append(LabelledHead((x1, y1, x2 - x1, y2 - y1), colour))


def _add_rendered(rng: Rng, sample: Sample, *, night: bool) -> None:
    taken = [head.box for head in sample.heads]
    for _ in range(int(rng.integers(1, 6))):
        long_px = float(np.exp(rng.uniform(*np.log((11.0, 120.0)))))
        head = draw_head(rng, night=night, long_px=long_px)
        height, width = head.alpha.shape
        x, y = (
            int(rng.integers(-width // 6, CROP_PX - width // 2)),
            int(rng.integers(-height // 6, CROP_PX - height // 2)),
        )
        box = (float(x), float(y), float(width), float(height))
        if any(_touch(box, other) for other in taken):
            continue
        part = np.s_[max(0, y) : y + height, max(0, x) : x + width]
        before = sample.canvas[part].copy()
        put_head(rng, sample.canvas, head, x, y, night=night)
        if np.abs(sample.canvas[part] - before).mean() < MIN_CONTRAST:
            sample.weigh(box, 0.0)
        else:
            _admit(sample, box, head.colour)
        taken.append(box)


def _touch(first: Box, second: Box) -> bool:
    return (
        first[0] < second[0] + second[2] + 2
        and second[0] < first[0] + first[2] + 2
        and first[1] < second[1] + second[3] + 2
        and second[1] < first[1] + first[3] + 2
    )


def targets(sample: Sample) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """What the model shall say, on cells (height, width).

    Heat: (2, h, w), how much a cell is a head's middle (1 at it, a bell around), and how much absence counts there.
    Sides: (5, h, w), a weight (0: no head) and the distances left, up, right, down to the box's sides, pixels.
    Colours: (h, w), index in COLOURS, -1 where it is not known.
    """
    cells = CROP_PX // STRIDE
    heat = np.zeros((2, cells, cells), np.float32)
    heat[1] = sample.sure
    sides = np.zeros((5, cells, cells), np.float32)
    colours = np.full((cells, cells), -1, np.int64)
    at = (np.arange(cells, dtype=np.float32) + 0.5) * STRIDE
    for head in sorted(sample.heads, key=lambda one: -one.box[2] * one.box[3]):
        x, y, width, height = head.box
        column = min(cells - 1, max(0, int((x + width / 2) / STRIDE)))
        row = min(cells - 1, max(0, int((y + height / 2) / STRIDE)))
        # Bells in proportion to the box: a miss by a tenth of its size still makes a box that overlaps well.
        spread_x, spread_y = max(0.6, 0.1 * width / STRIDE), max(0.6, 0.1 * height / STRIDE)
        bell = np.exp(
            -0.5 * ((np.arange(cells) - row) / spread_y)[:, None] ** 2
            - 0.5 * ((np.arange(cells) - column) / spread_x)[None, :] ** 2
        ).astype(np.float32)
        np.maximum(heat[0], bell, out=heat[0])
        near = bell > 0.5
        heat[1][bell > 0.05] = 1
        sides[0][near] = bell[near] / max(1.0, np.sqrt(near.sum()))
        for index, distance in enumerate((at - x, at - y, x + width - at, y + height - at)):
            line = distance[None, :] if index % 2 == 0 else distance[:, None]
            sides[index + 1][near] = np.broadcast_to(np.maximum(line, 0.5), (cells, cells))[near]
        colours[near] = -1 if head.colour is None else COLOURS.index(head.colour)
    return heat, sides, colours
