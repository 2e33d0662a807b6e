"""The eye before real lamps: rows for `make eval-signals`. `python -m tests.evaluate.signals_real` by itself.

- *dusk crossings*: 128 labelled heads of one scene filmed by hand. Settings are drawn once, on its first labelled
  picture; then once the labelled boxes say where each head is, and once the detector's own placer.
- *cinTA v2*: one picture a head, nothing known of it but its box; read by `edge.vision.lamp_guesses.read_state`, which
  says when nothing stands out. Many of its pictures are mirrored upside down or dimmed until nothing can be seen.

Both were looked at while this was written: results of development, not of acceptance.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Frame
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.eye import Eye
from edge.detectors.traffic_signal.placer import Placer
from edge.detectors.traffic_signal.readings import HeadReading, Lit, Placement
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.evaluate.intervals import wilson
from edge.streams.colour import bgr_reader, luma_view
from edge.streams.planes import planes_reader
from edge.vision.lamp_guesses import StateGuess, find_lamps, read_state
from tests.bench.rows import ROOT, Row, show, skipped

SHARED = ROOT.parent / "shared" / "data" / "signals"
TARGET = 0.97
LEFT = (("red", "left", 0.18), ("amber", "left", 0.395), ("amber", "u_turn", 0.61), ("green", "left", 0.815))
"""Lamps of the head 'left', with how far down they are. Both amber ones are left arrows, the lower one flashes; a head
cannot hold the same lamp twice, so that one is called another shape, which seeing does not mind."""
OTHERS = (("red", "ball", 0.235), ("amber", "ball", 0.51), ("green", "ball", 0.775))
DIAMETERS = {"left": 22.0}
COLOURS = {"red": {"red"}, "yellow": {"amber"}, "green": {"green"}, "dark": set[str]()}
CINTA = ("green", "red", "amber")
"""Its classes 0, 1, 2."""

Box = tuple[float, float, float, float]
Labels = dict[int, dict[str, tuple[Box, str]]]


def labels() -> Labels:
    """Of dusk crossings: picture number to head to (left, top, right, bottom) and what it shows."""
    found: Labels = defaultdict(dict)
    with (SHARED / "dusk_crossings.heads.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            x0, y0, x1, y1 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
            found[int(row["frame"][6:12])][row["head"]] = (x0, y0, x1, y1), row["state"]
    return found


def drawn(boxes: dict[str, tuple[Box, str]]) -> TrafficSignalSettings:
    """Settings as an installer draws them on one picture."""
    heads = {}
    for name, ((x0, y0, x1, y1), _) in boxes.items():
        lamps = [
            {
                "colour": colour,
                "shape": shape,
                "centre": ((x0 + x1) / 2, y0 + down * (y1 - y0)),
                "diameter_px": DIAMETERS.get(name, 24.0),
            }
            for colour, shape, down in (LEFT if name == "left" else OTHERS)
        ]
        heads[name] = {"polygon": ((x0, y0), (x1, y0), (x1, y1), (x0, y1)), "lamps": lamps, "group": name}
    return TrafficSignalSettings.model_validate({"heads": heads})


def pictures() -> Iterator[Frame]:
    """Of dusk crossings, one a second."""
    with av.open(str(SHARED / "dusk_crossings.mp4"), metadata_errors="replace") as clip:
        for index, picture in enumerate(clip.decode(video=0)):
            wall = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=index)
            luma = luma_view(picture)
            yield Frame("dusk", index, float(index), wall, luma, bgr_reader(picture), planes_reader(picture))


@dataclass(frozen=True)
class Answer:
    """One labelled head in one picture."""

    picture: int
    head: str
    state: str
    reading: HeadReading
    shown: set[str]

    @property
    def right(self) -> bool:
        return self.reading.seen and Lit.UNKNOWN not in self.reading.lamps and self.shown == COLOURS[self.state]


def dusk(placed: bool) -> list[Answer]:
    """Every labelled head as the eye reads it; `placed` by the detector's placer, else by the labelled boxes."""
    truth = labels()
    first = truth[min(truth)]
    settings, size = drawn(first), PictureSize(1920, 1080)
    placer, whole = Placer(settings, size), Eye(settings, size)
    eyes = {name: Eye(TrafficSignalSettings(heads={name: head}), size) for name, head in settings.heads.items()}
    answers = []
    for frame in pictures():
        if frame.index not in truth:
            continue
        scene = whole.look(frame, placer.place(frame)).heads if placed else {}
        for name, (box, state) in truth[frame.index].items():
            if not placed:
                there = Placement(box[0] - first[name][0][0], box[1] - first[name][0][1])
                scene = eyes[name].look(frame, there).heads
            lit = {
                str(lamp.colour)
                for lamp, said in zip(settings.heads[name].lamps, scene[name].lamps, strict=True)
                if said is Lit.ON
            }
            answers.append(Answer(frame.index, name, state, scene[name], lit))
    return answers


def guessed() -> list[bool]:
    """Whether the proposal of lamps (`find_lamps`), knowing nothing, names what each labelled head shows."""
    truth, found = labels(), []
    for frame in pictures():
        for (x0, y0, x1, y1), state in truth.get(frame.index, {}).values():
            bgr = frame.read_bgr(None)[int(y0) : int(y1), int(x0) : int(x1)]
            found.append({guess.colour for guess in find_lamps(bgr) if guess.colour} == COLOURS[state])
    return found


@dataclass(frozen=True)
class Still:
    """One box of cinTA v2."""

    name: str
    label: str
    chip: NDArray[np.uint8]
    guess: StateGuess

    @property
    def right(self) -> bool:
        return self.guess.colour == self.label


def cinta(every: int = 1) -> list[Still]:
    """All its boxes of at least 3 × 3 pixels, with what the reader says; of each `every`th picture by name."""
    found = []
    for path in sorted((SHARED / "cinta" / "labels").glob("*.txt"))[::every]:
        picture = np.asarray(cv2.imread(str(SHARED / "cinta" / "images" / f"{path.stem}.jpg")), np.uint8)
        height, width = picture.shape[:2]
        for line in path.read_text(encoding="utf-8").splitlines():
            number, *box = line.split()
            if len(box) != 4:
                continue
            x, y, w, h = (float(value) for value in box)
            left, top = max(round((x - w / 2) * width), 0), max(round((y - h / 2) * height), 0)
            chip = picture[top : round((y + h / 2) * height), left : round((x + w / 2) * width)]
            guess = read_state(chip)
            if guess is not None:
                found.append(Still(path.stem, CINTA[int(number)], chip, guess))
    return found


def upside_down(still: Still) -> bool:
    """Whether a head hangs the wrong way round, told without the reader: the hue *of its label* is clearly stronger
    where it does not belong (red in the last third, green in the first) than where it does. Amber is in the middle
    either way. Strength is the mean of the strongest fifth of a third in red minus green, or the reverse."""
    if still.label == "amber":
        return False
    chip = still.chip if still.chip.shape[1] <= 1.25 * still.chip.shape[0] else still.chip.transpose(1, 0, 2)
    small = cv2.GaussianBlur(cv2.resize(np.ascontiguousarray(chip), (24, 48)), (0, 0), 1.5).astype(np.float32)
    hue = small[..., 2] - small[..., 1] if still.label == "red" else small[..., 1] - small[..., 2]
    hue -= np.median(hue)
    ends = [float(np.sort(part, axis=None)[-len(part) * 24 // 5 :].mean()) for part in (hue[:16], hue[-16:])]
    belongs, wrong = ends if still.label == "red" else ends[::-1]
    return wrong > 1.3 * belongs and wrong - belongs > 8


def rotated(still: Still) -> bool:
    """Whether the head is turned by much more than a lens does: a lying box, or one nearly as wide as high."""
    height, width = still.chip.shape[:2]
    return width > 0.75 * height


def _share(name: str, right: int, n: int, note: str, target: float | None = TARGET) -> Row:
    value = right / n if n else None
    ok = None if target is None or value is None else value >= target
    interval = wilson(right, n)
    return Row(f"traffic_signal.{name}", value, "share", target, ok, n, interval, note)


def dusk_rows() -> list[Row]:
    """Agreement on dusk crossings."""
    rows = []
    for placed, name in ((False, "labelled_boxes"), (True, "placer")):
        answers = dusk(placed)
        seen = [answer for answer in answers if answer.reading.seen]
        wrong = "; ".join(f"{a.picture} {a.head}: {a.state}, read {sorted(a.shown)}" for a in seen if not a.right)
        right = sum(answer.right for answer in seen)
        unseen = len(answers) - len(seen)
        rows.append(
            _share(f"dusk_{name}", right, len(seen), f"{unseen} of {len(answers)} unseen; wrong: {wrong or 'none'}")
        )
    found = guessed()
    rows.append(_share("dusk_proposed_lamps", sum(found), len(found), "find_lamps on the labelled boxes", None))
    return rows


def cinta_rows() -> list[Row]:
    """Accuracy on single pictures."""
    stills = cinta()
    upright = [still for still in stills if not upside_down(still) and not rotated(still)]
    answered = [still for still in upright if still.guess.sure]
    every = [still for still in stills if still.guess.sure]
    left_out = f"{len(stills) - len(upright)} of {len(stills)} boxes left out as upside down or rotated"
    return [
        _share(
            "cinta_answered", sum(s.right for s in answered), len(answered),
            f"{left_out}; answered {len(answered)} of {len(upright)}, in the rest nothing stands out",
        ),
        _share("cinta_upright", sum(s.right for s in upright), len(upright), f"{left_out}; forced answers", None),
        _share("cinta_answered_all", sum(s.right for s in every), len(every), "nothing left out", None),
        _share("cinta_all", sum(s.right for s in stills), len(stills), "nothing left out, forced answers", None),
    ]  # fmt: skip


def rows() -> list[Row]:
    """All rows; skipped ones where the data is absent."""
    if not (SHARED / "dusk_crossings.mp4").exists():
        return [skipped("traffic_signal.real", "share", TARGET, f"no {SHARED}")]
    return dusk_rows() + cinta_rows()


def main() -> int:
    """Measures, prints and writes var/eval-signals-real.json. Exit code 1: a target is missed."""
    found = rows()
    path = ROOT / "var" / "eval-signals-real.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in found], indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    show("eval-signals-real", found)
    return 1 if any(row.ok is False for row in found) else 0


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.exit(main())
