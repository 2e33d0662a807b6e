"""Figures of pairs of satellite pictures, as they are: `python -m tests.edge.vision.change.measure [FOLDER]`.

DSIFN pairs: ten pairs of 256 × 256 pixels of Chinese cities, years apart, with hand-drawn masks of what changed: not
only structures, and not all of them. Far from what the comparison is made for (0.12 m a pixel, months apart); printed
so that nobody has to guess. Per pair and together: the F1 of pixels whose score is at least 0.5, the same for the
candidates' polygons, and the share of labelled pieces of 100 pixels or more of which candidates cover a third.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.vision.arrays import Mask
from edge.vision.change.comparing import CompareSettings, paired
from edge.vision.change.registering import Registered
from edge.vision.change.shapes import candidates_of
from edge.vision.change.views import Picture, View

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "drone" / "change_pairs"
ZOOM = 4
GSD_M = 0.5
"""Of a pixel after zooming: DSIFN states 2 m before."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Pixels found and labelled, found only, labelled only; labelled pieces, and those that were found."""

    both: int = 0
    found: int = 0
    missed: int = 0
    pieces: int = 0
    hit: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def f1(self) -> float:
        """Of pixels."""
        return 2 * self.both / max(1, 2 * self.both + self.found + self.missed)

    @property
    def recall(self) -> float:
        """Of pieces."""
        return self.hit / max(1, self.pieces)


def main(folder: Path = FOLDER) -> dict[str, tuple[Counts, Counts]]:
    """Prints a row a pair, and returns (score, candidates) of each."""
    rows = {}
    for path in sorted((folder / "A").glob("*.png")):
        before, after = (read(folder / side / path.name) for side in ("A", "B"))
        label = cv2.imread(str(folder / "label" / path.name), cv2.IMREAD_GRAYSCALE)
        if label is None:
            raise SystemExit(f"{folder / 'label' / path.name}: no mask; every pair needs one")
        rows[path.name] = figures(before, after, np.asarray(label, np.uint8))
        print(line(path.name, *rows[path.name]))
    total = [sum((row[index] for row in rows.values()), Counts()) for index in (0, 1)]
    print(line("together", total[0], total[1]))
    return rows


def read(path: Path) -> Picture:
    """Zoomed in.

    Raises:
        SystemExit: it cannot be read.
    """
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path}: no picture")
    return np.asarray(cv2.resize(picture, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC), np.uint8)


def figures(before: Picture, after: Picture, label: Mask) -> tuple[Counts, Counts]:
    """Of the score, and of the candidates. The pairs come registered."""
    shape = after.shape[:2]
    views = [View(each, np.diag((GSD_M, -GSD_M, 1.0)), np.array((0.0, 0.0, 1e6))) for each in (before, after)]
    registered = Registered(
        before, np.full(shape, 255, np.uint8), np.eye(3), np.zeros((*shape, 2), np.float32),
        np.zeros(shape, np.float32), 0, 0.0,
    )  # fmt: skip
    pair = paired(registered, views[0], views[1], CompareSettings())
    scored = np.asarray((pair.evidence.score >= 0.5) * np.uint8(255), np.uint8)
    drawn = np.zeros(shape, np.uint8)
    for candidate in candidates_of(pair):
        cv2.fillPoly(drawn, [np.rint(candidate.polygon).astype(np.int32)], 255)
    return counts(scored, label), counts(drawn, label)


def counts(found: Mask, label: Mask) -> Counts:
    """At the label's size."""
    small = cv2.resize(found, (label.shape[1], label.shape[0]), interpolation=cv2.INTER_AREA) >= 128
    truth = label >= 128
    total, pieces, stats, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8), connectivity=8)
    large = [index for index in range(1, total) if stats[index, cv2.CC_STAT_AREA] >= 100]
    hit = sum(float(small[pieces == index].mean()) >= 1 / 3 for index in large)
    return Counts(
        int((small & truth).sum()), int((small & ~truth).sum()), int((~small & truth).sum()), len(large), int(hit)
    )


def line(name: str, score: Counts, candidates: Counts) -> str:
    """For people."""
    parts = [
        f"{what} F1 {each.f1:.2f}, pieces {each.hit}/{each.pieces}"
        for what, each in (("score", score), ("candidates", candidates))
    ]
    return f"{name}: " + "; ".join(parts)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
