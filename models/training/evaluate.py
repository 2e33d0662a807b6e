"""Figures of a model on sets of pictures: any file that the edge can run, of ours or not. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.datasets.duplicates import Progress
from models.datasets.reading import Labelled, Selection, read_picture
from models.training.asking import Asker
from models.training.errors import TrainingError
from models.training.metrics import Answer, Point, Truth, average_precision, points_of

SCORES = (0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Operating points: 0.1 proposes to something that judges further, 0.25 is what YOLOs are usually run at."""


@dataclass(frozen=True, slots=True)
class SetFigures:
    """Of one split. `ap50`: average precision by label at an overlap of 0.5, of those that are drawn in it."""

    title: str
    pictures: int
    showing: int
    """Pictures that show something of the labels."""
    empty: int
    """Pictures known to show nothing."""
    ap50: dict[str, float]
    points: tuple[Point, ...]

    @property
    def map50(self) -> float | None:
        """The mean over labels; None without any."""
        return sum(self.ap50.values()) / len(self.ap50) if self.ap50 else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one file. `ms`: processor time a picture, with letterbox and decoding, on one thread of this machine."""

    sha256: str
    bytes: int
    sets: tuple[SetFigures, ...]
    ms: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture with its truth and what the model said."""

    picture: Labelled
    truth: Truth
    answer: Answer


def ask_all(asker: Asker, selection: Selection, labels: Sequence[str], progress: Progress | None = None) -> list[Seen]:
    """Every picture of a split with what the model says of it; only `labels` count, in truth and answers.

    Raises:
        DataError: a picture cannot be read.
        TrainingError: the model fails.
    """
    rows = []
    for index, picture in enumerate(selection.pictures):
        rows.append(Seen(picture, truth_of(picture, labels), _only(asker.ask(read_picture(picture.path)), labels)))
        if progress is not None:
            progress(index + 1, len(selection.pictures))
    return rows


def figures_of(title: str, rows: Sequence[Seen], labels: Sequence[str]) -> SetFigures:
    """Sums up a split."""
    truths, answers = [row.truth for row in rows], [row.answer for row in rows]
    found = {label: average_precision(truths, answers, label) for label in labels}
    points, showing, empty = points_of(truths, answers, SCORES)
    ap50 = {label: value for label, value in found.items() if value is not None}
    return SetFigures(title, len(rows), showing, empty, ap50, tuple(points))


def evaluate(
    asker: Asker,
    selections: Sequence[Selection],
    labels: Sequence[str],
    report: Callable[[str], Progress] | None = None,
    keep: Callable[[Selection, Sequence[Seen]], None] | None = None,
) -> Figures:
    """Figures on each split. `keep` sees the single answers, such as to draw the worst.

    Raises:
        DataError, TrainingError: as `ask_all`.
    """
    sets, before, count = [], asker.spent_seconds, 0
    for selection in selections:
        progress = report(f"asking about {selection.title}") if report else None
        rows = ask_all(asker, selection, labels, progress)
        count += len(rows)
        sets.append(figures_of(selection.title, rows, labels))
        if keep is not None:
            keep(selection, rows)
    spent = asker.spent_seconds - before
    return Figures(asker.sha256, asker.size_bytes, tuple(sets), round(1000 * spent / max(1, count), 2))


def truth_of(picture: Labelled, labels: Sequence[str]) -> Truth:
    """What is known of a picture, of these labels."""
    present = None if picture.present is None else bool(picture.present & set(labels))
    if picture.boxes is None:
        return Truth(None, (), present)
    boxes = [box for box in picture.boxes if box.label in labels]
    sides = np.array([[box.left, box.top, box.right, box.bottom] for box in boxes], np.float32).reshape(-1, 4)
    return Truth(sides, tuple(box.label for box in boxes), present)


def write_figures(path: Path, key: str, figures: Figures) -> None:
    """Keeps figures under a key (such as `f32`, or a round's name) in a JSON file, beside those that are there.

    Raises:
        TrainingError: the file is there and is no JSON of this form.
    """
    there = read_figures(path) if path.is_file() else {}
    there[key] = asdict(figures)
    half = path.with_suffix(".half")
    half.write_text(json.dumps(there, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(path)


def read_figures(path: Path) -> dict[str, Any]:
    """What `write_figures` kept.

    Raises:
        TrainingError: it is no JSON, or not of that form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: cannot be read as figures: {error}; run gridsentry-models eval again") from error
    if not isinstance(content, dict) or not all(
        isinstance(value, dict) and "sets" in value for value in content.values()
    ):
        raise TrainingError(
            f"{path}: found something else than figures; remove it and run gridsentry-models eval again"
        )
    return content


def _only(answer: Answer, labels: Sequence[str]) -> Answer:
    wanted = [index for index, label in enumerate(answer.labels) if label in labels]
    if len(wanted) == len(answer.labels):
        return answer
    return Answer(answer.boxes[wanted], answer.scores[wanted], tuple(answer.labels[index] for index in wanted))
