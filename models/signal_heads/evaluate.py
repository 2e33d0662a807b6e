"""How many heads the model proposes, and what else: `python -m models.signal_heads.evaluate --shared …/shared/data`.

It asks through the edge's own `HeadProposer`, as an installer does, so that tiles, scales and suppression count, and
asks a classical baseline in the same run. Needs no torch.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from edge.calibrate.signals.heads_model import HeadProposer
from models.signal_heads import baseline
from models.signal_heads.data import read_held_out
from models.signal_heads.labels import Box, LabelledHead, Picture, Picture8
from models.signal_heads.scenes import number_of

MIN_IOU = 0.5
SIZES = (0, 20, 40, 80, 160, 2000)
"""Borders of the rows by long side, pixels."""
STREETS = frozenset((*range(297, 302), *range(482, 512), *range(670, 684), *range(857, 869), *range(870, 895)))
"""Numbers of held-out pictures taken in streets; the others show a head carried into rooms and gardens, some of them
so dark that nobody could find it."""
MAKERS_SIGN = (0, 880, 200, 200)
"""Where the dusk clip has its maker's sign, a painted signal head: proposals there count neither way."""
Proposal = tuple[Box, float, str]
Propose = Callable[[Picture8], Sequence[Proposal]]


@dataclass(slots=True)
class Score:
    """Counts over a set."""

    heads: int = 0
    found: int = 0
    colours: int = 0
    proposals: int = 0
    right: int = 0
    pictures: int = 0
    by_size: dict[int, list[int]] = field(default_factory=dict)
    missed: list[tuple[str, Box]] = field(default_factory=list)
    wrong: list[tuple[str, Box, float]] = field(default_factory=list)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), as if all were independent, which frames of one scene are not."""
    if not count:
        return 0.0, 1.0
    share, z = hits / count, 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * ((share * (1 - share) + z * z / (4 * count)) / count) ** 0.5 / (1 + z * z / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def ask(pictures: Iterable[Picture], propose: Propose) -> tuple[list[Sequence[Proposal]], float]:
    """Proposals for each picture, and the processor's seconds for all of them."""
    begun = time.process_time()
    return [propose(picture.bgr) for picture in pictures], time.process_time() - begun


def judge(pictures: Iterable[Picture], answers: Iterable[Sequence[Proposal]], min_score: float = 0.0) -> Score:
    """Matches proposals of at least `min_score`, best first, with heads at an overlap of MIN_IOU or more.

    A proposal with its middle in an ignored area counts neither way, unless it matches a head.
    """
    score = Score()
    for picture, proposals in zip(pictures, answers, strict=True):
        score.pictures += 1
        left = list(picture.heads)
        for box, certainty, colour in proposals:
            if certainty < min_score:
                continue
            best = max(left, key=lambda head: baseline.overlap(head.box, box), default=None)
            if best is None or baseline.overlap(best.box, box) < MIN_IOU:
                if not any(_inside(box, area) for area in picture.ignored):
                    score.wrong.append((picture.name, box, certainty))
                    score.proposals += 1
                continue
            left.remove(best)
            score.proposals += 1
            score.right += 1
            score.found += 1
            score.colours += colour == (best.colour or colour)
            _count(score, best, hit=True)
        for head in left:
            score.missed.append((picture.name, head.box))
            _count(score, head, hit=False)
        score.heads += len(picture.heads)
    return score


def _count(score: Score, head: LabelledHead, *, hit: bool) -> None:
    size = max(border for border in SIZES if border <= max(head.box[2:]))
    row = score.by_size.setdefault(size, [0, 0])
    row[0] += hit
    row[1] += 1


def _inside(box: Box, area: Box) -> bool:
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return area[0] <= x < area[0] + area[2] and area[1] <= y < area[1] + area[3]


def read_marked(table: Path, frames: Callable[[str], Picture8 | None], ignored: Sequence[Box] = ()) -> list[Picture]:
    """Pictures of a table `frame,scene,head,x1,y1,x2,y2,state`.

    `frames` gives a picture by its name, or None to leave it out. The state `ignore` makes an area where proposals do
    not count; `ignored` are such areas of all pictures.
    """
    heads: dict[str, list[LabelledHead]] = {}
    areas: dict[str, list[Box]] = {}
    with table.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            x1, y1, x2, y2 = (float(row[key]) for key in ("x1", "y1", "x2", "y2"))
            colour = {"yellow": "amber"}.get(row["state"], row["state"]) or None
            box = (x1, y1, x2 - x1, y2 - y1)
            if colour == "ignore":
                areas.setdefault(row["frame"], []).append(box)
            else:
                heads.setdefault(row["frame"], []).append(LabelledHead(box, colour))
    pictures = ((name, frames(name)) for name in heads)
    return [
        Picture(name, bgr, tuple(heads[name]), (*areas.get(name, ()), *ignored))
        for name, bgr in pictures
        if bgr is not None
    ]


def read_dusk(signals: Path, limit: int | None = None) -> list[Picture]:
    """Scene C of `dusk_crossings.mp4` with our labels; the first `limit` of its pictures."""
    with (signals / "dusk_crossings.heads.csv").open(encoding="utf-8") as lines:
        names = list(dict.fromkeys(row["frame"] for row in csv.DictReader(lines)))[:limit]
    wanted = {int(name[6:12]): name for name in names}
    capture = cv2.VideoCapture(str(signals / "dusk_crossings.mp4"))
    frames: dict[str, Picture8] = {}
    for index in range(max(wanted) + 1):
        there = capture.grab()
        if there and index in wanted:
            frames[wanted[index]] = np.asarray(capture.retrieve()[1], np.uint8)
    capture.release()
    return read_marked(signals / "dusk_crossings.heads.csv", frames.get, (MAKERS_SIGN,))


def read_stills(folder: Path) -> list[Picture]:
    """Dashcam stills of the two scenes that training saw nothing of, with our labels of the heads that face us."""
    table = Path(__file__).parent / "dashcam_heads.csv"
    return read_marked(table, lambda name: _still(folder / name))


def _still(path: Path) -> Picture8:
    bgr = cv2.imread(str(path))
    if bgr is None:
        raise FileNotFoundError(f"{path}: found no picture that can be read")
    return bgr.astype(np.uint8)


def report(name: str, score: Score, seconds: float) -> str:
    """A few lines for people."""
    recall, precision = wilson(score.found, score.heads), wilson(score.right, score.proposals)
    lines = [
        f"{name}: recall {score.found}/{score.heads} = {score.found / max(1, score.heads):.3f} "
        f"[{recall[0]:.3f}, {recall[1]:.3f}], precision {score.right}/{score.proposals} = "
        f"{score.right / max(1, score.proposals):.3f} [{precision[0]:.3f}, {precision[1]:.3f}], "
        f"wrong a picture {(score.proposals - score.right) / max(1, score.pictures):.2f}, "
        f"colour {score.colours}/{score.found}, {1000 * seconds / max(1, score.pictures):.0f} ms a picture"
    ]
    sizes = [f"≥ {size} px {hit}/{count}" for size, (hit, count) in sorted(score.by_size.items())]
    return "\n".join([*lines, "    by long side: " + ", ".join(sizes)])


def model(proposer: HeadProposer) -> Propose:
    """The model as this module asks it."""
    return lambda bgr: [(one.box, one.score, one.colour or "dark") for one in proposer.propose(bgr)]


def main() -> None:
    """Reads the command line, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="the folder with signals/ and streets/")
    parser.add_argument("--model", type=Path, help="another ONNX file than the installed one")
    parser.add_argument("--scores", type=float, nargs="*", default=[0.25, 0.3, 0.35, 0.4, 0.5])
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    held_out = read_held_out(asked.shared / "signals" / "cinta")
    streets = [picture for picture in held_out if number_of(picture.name) in STREETS]
    sets: list[tuple[str, list[Picture]]] = [
        ("cinta, held out", held_out),
        ("cinta, held out, streets", streets),
        ("dusk crossings, scene C", read_dusk(asked.shared / "signals")),
        ("dashcam, unseen scenes", read_stills(asked.shared / "streets" / "dashcam")),
    ]
    for name, pictures in sets:
        answers, seconds = ask(pictures, baseline.proposals)
        sys.stdout.write(report(f"baseline | {name}", judge(pictures, answers), seconds) + "\n")
        # A weaker proposal never hides a better one: what a higher limit leaves is what it would have given.
        answers, seconds = ask(pictures, model(HeadProposer(asked.model, min_score=min(asked.scores))))
        for least in asked.scores:
            sys.stdout.write(report(f"model ≥ {least} | {name}", judge(pictures, answers, least), seconds) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
