"""The worst mistakes, drawn: what to look at before the next round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.reading import Selection, read_picture
from models.training.evaluate import Seen
from models.training.metrics import MIN_IOU, overlaps

SHOWN_SCORE = 0.25
"""Answers below are not drawn: they alarm nobody."""
SIDE_PX = 416
"""Of a drawn picture: enough to see what it is about."""
EACH = 12
"""Mistakes of a kind and a set: two rows of a contact sheet."""
ACROSS = 4
GREEN, RED = (80, 220, 80), (60, 60, 255)


@dataclass(frozen=True, slots=True)
class Mistake:
    """`false`: the highest score of an answer where nothing is. `missed`: the lowest score at which all things are
    found, counted from 1: a thing that no answer is near to counts fully."""

    kind: str
    worth: float
    row: Seen


@dataclass(slots=True)
class Gallery:
    """Draws the worst mistakes of each set into a folder: green is what is there, red what the model says."""

    folder: Path
    each: int = EACH
    drawn: list[Path] = field(default_factory=list)

    def __call__(self, selection: Selection, rows: Sequence[Seen]) -> None:
        """Draws a sheet a kind."""
        found = [mistake for row in rows for mistake in mistakes_of(row)]
        self.folder.mkdir(parents=True, exist_ok=True)
        for kind in ("false", "missed"):
            worst = sorted((one for one in found if one.kind == kind), key=lambda one: -one.worth)[: self.each]
            if worst:
                path = self.folder / f"{selection.manifest.name}-{selection.split}-{kind}.jpg"
                cv2.imwrite(str(path), sheet([draw(one) for one in worst]))
                self.drawn.append(path)


def mistakes_of(row: Seen) -> list[Mistake]:
    """What is wrong in a picture: at most one of each kind. Where nobody drew boxes, the whole picture counts."""
    truth, answer = row.truth, row.answer
    best = float(answer.scores.max(initial=0.0))
    if truth.boxes is None:
        if truth.present is None:
            return []
        if truth.present:
            return [Mistake("missed", 1 - best, row)] if best < SHOWN_SCORE else []
        return [Mistake("false", best, row)] if best >= SHOWN_SCORE else []
    overlap = overlaps(answer.boxes, truth.boxes) if len(truth.boxes) else np.zeros((len(answer.boxes), 0), np.float32)
    for index, name in enumerate(answer.labels):
        overlap[index, [other != name for other in truth.labels]] = 0
    found = []
    wrong = answer.scores[overlap.max(axis=1, initial=0.0) < MIN_IOU]
    if wrong.max(initial=0.0) >= SHOWN_SCORE:
        found.append(Mistake("false", float(wrong.max()), row))
    near = np.where(overlap >= MIN_IOU, answer.scores[:, None], 0.0)
    if len(truth.boxes) and (weakest := float(near.max(axis=0, initial=0.0).min())) < SHOWN_SCORE:
        found.append(Mistake("missed", 1 - weakest, row))
    return found


def draw(mistake: Mistake) -> NDArray[np.uint8]:
    """A picture of SIDE_PX square with boxes on it."""
    bgr = read_picture(mistake.row.picture.path)
    scale = SIDE_PX / max(bgr.shape[:2])
    small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((SIDE_PX, SIDE_PX, 3), 40, np.uint8)
    height, width = small.shape[:2]
    canvas[:height, :width] = small[:SIDE_PX, :SIDE_PX]
    truth, answer = mistake.row.truth, mistake.row.answer
    for box, label in zip(truth.boxes if truth.boxes is not None else (), truth.labels, strict=False):
        _box(canvas, box, (width, height), GREEN, label, above=True)
    for box, score, label in zip(answer.boxes, answer.scores, answer.labels, strict=True):
        if score >= SHOWN_SCORE:
            _box(canvas, box, (width, height), RED, f"{label} {score:.2f}", above=False)
    return canvas


def sheet(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of one size, ACROSS in a row."""
    blank = np.zeros_like(pictures[0])
    rows = [list(pictures[index : index + ACROSS]) for index in range(0, len(pictures), ACROSS)]
    across = min(ACROSS, len(pictures))
    return np.vstack([np.hstack(row + [blank] * (across - len(row))) for row in rows])


def _box(
    canvas: NDArray[np.uint8],
    box: NDArray[np.float32],
    size: tuple[int, int],
    colour: tuple[int, int, int],
    text: str,
    *,
    above: bool,
) -> None:
    left, top, right, bottom = (round(float(side) * size[index % 2]) for index, side in enumerate(box))
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, 2)
    place = (left + 2, max(10, top - 3) if above else min(SIDE_PX - 3, bottom - 4))
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
