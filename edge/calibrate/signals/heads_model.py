"""Proposes signal heads in a still picture: a small network of ours, looked through in tiles and at several scales.

It proposes and a person decides: it is set to miss few rather than to be right. `models/signal_heads/card.md` says
what it was trained on, and how often it is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import models
from edge.config.inference import PictureSizeSettings
from edge.detectors.traffic_signal.settings import Colour
from edge.inference.errors import ModelError
from edge.inference.sessions import REFERENCE, Session, open_session, read_model
from edge.vision.arrays import Floats
from edge.vision.suppression import iou_matrix, suppress

MODEL = "signal_heads"
STRIDE = 4
"""Pixels a cell of the model's output."""
COLOURS = (None, Colour.RED, Colour.AMBER, Colour.GREEN)
"""In the order of the model's last outputs; first: nothing lit, or it cannot be told."""
TILES = (PictureSizeSettings(width=512, height=320), PictureSizeSettings(width=1024, height=608))
"""What is looked at in one go: the smallest that holds all, else the larger one, of which 2 × 2 cover 1080p."""
OVERLAP_PX = 128
"""Of neighbouring tiles, so that a head cut by one's border lies whole in the other. Larger heads are found in a
smaller copy of the picture."""
LARGEST_PX = 130
"""Long side up to which the model finds heads (it was asked for 10-150): for larger ones the picture is halved."""
MAX_LONG_PX = 4096
"""Longer pictures are reduced to this first: time and memory must have a bound, and heads are then larger as well."""
MIN_HEAT = 0.15
"""Of what the model says, to be looked at together with what it says at other scales."""
SECOND_LOOK = 0.6
"""How much the best agreeing box of another scale counts, against a box's own heat. A head looks like a head at two
sizes, foliage seldom: at one wrong box in four pictures 81 of 129 held-out heads are found, 69 without it. 0.3 did as
well; looking at the mirrored picture too cost twice the time and brought nothing more."""
SAME_IOU = 0.4
"""From which overlap boxes of two scales are of one thing."""
MIN_SCORE = 0.35
"""Of proposals: one to five wrong ones a picture, which cost a person a click each, for heads that would have to be
drawn. The card has the table."""
MAX_IOU = 0.45
"""Two boxes that overlap by more are one head. Heads side by side on one mast do not overlap at all."""
MAX_INSIDE = 0.7
"""Of two boxes, the weaker goes if this share of the smaller lies in the other: a lamp of a head that is no head."""
LIMIT = 60
"""Proposals a picture: no junction shows more, and an installer would draw rather than delete so many."""


@dataclass(frozen=True, slots=True)
class ProposedHead:
    """A head that may be there. `box`: x, y, width, height in the picture's pixels. `score`: 0-1, only for ordering.
    `colour`: what seems to be lit, None if nothing is or it cannot be told."""

    box: tuple[float, float, float, float]
    score: float
    colour: Colour | None


@dataclass(frozen=True, slots=True)
class _Found:
    """Boxes (left, top, right, bottom), scores and indices in COLOURS of n heads."""

    boxes: Floats
    scores: Floats
    colours: NDArray[np.int32]


class HeadProposer:
    """The model, ready. Used by one thread at a time; a 1080p picture takes about a second of one core."""

    def __init__(self, path: Path | None = None, *, min_score: float = MIN_SCORE) -> None:
        """`path`: another ONNX file than the one installed, with the same inputs and outputs.

        Raises:
            ModelError: the file is missing or cannot be run; it says which and what to do.
        """
        try:
            file = read_model(path or models.weights(MODEL))
        except FileNotFoundError as error:
            raise ModelError(str(error)) from error
        self._path = file.path
        self._min_score = min_score
        self._sessions = tuple(open_session(file, REFERENCE, size) for size in TILES)

    def propose(self, bgr: NDArray[np.uint8]) -> Sequence[ProposedHead]:
        """Heads in a picture (height, width, 3), best first. A picture without colour (infra-red) is taken as well,
        as three equal channels.

        Raises:
            ValueError: it is no such picture.
            ModelError: the model fails, or is not of this kind.
        """
        if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8 or 0 in bgr.shape:
            raise ValueError(f"found an array {bgr.shape} of {bgr.dtype}, expected (height, width, 3) of uint8")
        scale = min(1.0, MAX_LONG_PX / max(bgr.shape))
        found: list[_Found] = []
        while True:
            found.append(self._look(bgr, scale))
            if max(bgr.shape) * scale <= LARGEST_PX:
                break
            scale /= 2
        return _proposals(found, self._min_score, bgr.shape[1], bgr.shape[0])

    def _look(self, bgr: NDArray[np.uint8], scale: float) -> _Found:
        """Heads at one scale, in pixels of the whole picture."""
        height, width = (max(1, round(extent * scale)) for extent in bgr.shape[:2])
        copy = bgr if scale == 1 else cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        session = next(
            (one for one in self._sessions if one.shape.width >= width and one.shape.height >= height),
            self._sessions[-1],
        )
        parts = [
            self._look_at(session, copy, left, top)
            for top in _starts(height, session.shape.height)
            for left in _starts(width, session.shape.width)
        ]
        factor = np.array([bgr.shape[1] / width, bgr.shape[0] / height] * 2, np.float32)
        return _Found(
            np.concatenate([part.boxes for part in parts]) * factor,
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.colours for part in parts]),
        )

    def _look_at(self, session: Session, bgr: NDArray[np.uint8], left: int, top: int) -> _Found:
        """Heads in one tile, in pixels of the scaled picture."""
        shape = session.shape
        part = bgr[top : top + shape.height, left : left + shape.width]
        batch = np.full((1, 3, shape.height, shape.width), 114, np.float32)
        batch[0, :, : part.shape[0], : part.shape[1]] = part.transpose(2, 0, 1)
        cells = session.run(batch)
        expected = (1, 5 + len(COLOURS), shape.height // STRIDE, shape.width // STRIDE)
        if cells.shape != expected:
            raise ModelError(f"{self._path}: found an output {cells.shape}, expected {expected}: it proposes no heads")
        found = _decoded(cells[0])
        # What a border inside the picture cuts lies whole in the neighbouring tile.
        inner = np.array([left > 0, top > 0, left + shape.width < bgr.shape[1], top + shape.height < bgr.shape[0]])
        gaps = np.abs(found.boxes - np.array([0, 0, part.shape[1], part.shape[0]], np.float32))
        whole = ~((gaps < 2) & inner).any(axis=1)
        offset = np.array([left, top, left, top], np.float32)
        return _Found(found.boxes[whole] + offset, found.scores[whole], found.colours[whole])


def _starts(extent: int, tile: int) -> Iterator[int]:
    """Where tiles begin that cover `extent`, evenly, each overlapping the next by at least OVERLAP_PX."""
    count = max(1, -(-(extent - OVERLAP_PX) // (tile - OVERLAP_PX)))
    for index in range(count):
        yield 0 if count == 1 else round(index * (extent - tile) / (count - 1))


def _decoded(cells: Floats) -> _Found:
    """Peaks of the heat map with the boxes and colours said there: (9, h, w) → n heads in the tile's pixels."""
    heat = cells[0]
    peaks = (heat >= MIN_HEAT) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
    rows, columns = np.nonzero(peaks)
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    left, up, right, down = cells[1:5, rows, columns]
    boxes = np.stack([x - left, y - up, x + right, y + down], axis=1).astype(np.float32)
    return _Found(boxes, heat[rows, columns], cells[5:, rows, columns].argmax(axis=0).astype(np.int32))


def _agreed(found: Sequence[_Found]) -> Floats:
    """Scores of all boxes: their own heat, and that of the best box of another scale that says the same."""
    scores: list[Floats] = []
    for index, own in enumerate(found):
        seconds = np.zeros(len(own.scores), np.float32)
        for other in (*found[:index], *found[index + 1 :]):
            if len(other.scores):
                agrees = iou_matrix(own.boxes, other.boxes) > SAME_IOU
                np.maximum(seconds, (agrees * other.scores[None, :]).max(axis=1), out=seconds)
        scores.append(((own.scores + SECOND_LOOK * seconds) / (1 + SECOND_LOOK)).astype(np.float32))
    return np.concatenate(scores)


def _proposals(found: Sequence[_Found], min_score: float, width: int, height: int) -> Sequence[ProposedHead]:
    scores = _agreed(found)
    good = scores >= min_score
    scores = scores[good]
    boxes = np.concatenate([one.boxes for one in found])[good]
    np.clip(boxes, 0, np.array([width, height, width, height], np.float32), out=boxes)
    colours = np.concatenate([one.colours for one in found])[good]
    kept = suppress(boxes, scores, np.zeros(len(scores), np.int32), max_iou=MAX_IOU)
    kept = kept[_not_inside(boxes[kept])][:LIMIT]
    return tuple(
        ProposedHead(
            box=(float(left), float(top), float(right - left), float(bottom - top)),
            score=float(score),
            colour=COLOURS[int(colour)],
        )
        for (left, top, right, bottom), score, colour in zip(boxes[kept], scores[kept], colours[kept], strict=True)
        if right > left and bottom > top
    )


def _not_inside(boxes: Floats) -> NDArray[np.bool_]:
    """Which boxes, best first, share at most MAX_INSIDE of the smaller one's area with every better one that stays."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    iou = iou_matrix(boxes, boxes)
    shared = iou * (areas[:, None] + areas[None, :]) / (1 + iou)
    rivals = shared > MAX_INSIDE * np.minimum(areas[:, None], areas[None, :])
    stays = np.ones(len(boxes), np.bool_)
    for index in range(len(boxes)):
        stays[index] = not (rivals[index, :index] & stays[:index]).any()
    return stays
