"""People and vehicles in stills are blurred before the files are made, by a model of the box."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import structlog

from contract.details import FIRE_HAZARDS
from edge.config.evidence import BlurSettings
from edge.detectors.interface import Detections, Frame, Image, InferencePort, Mark, Region
from edge.vision.blurring import blurred, tiles
from edge.vision.regions import Window

log = structlog.get_logger("evidence")

ASK_AGAIN_SECONDS = 2.0
"""A question that was not answered by then is lost: its model broke under way."""
POLL_SECONDS = 0.01
SHED_PAUSE_SECONDS = 0.25
WEIGHT = 10.0
"""Of stills among a model's questions: there are a few an hour, and a person waits for each."""
CONCERNED_IOU = 0.5
"""A thing and a mark that overlap by more are the same: the alarm is about this thing."""
WITHIN, SMALLER = 0.7, 0.5
"""Flames that lie within a vehicle by so much, and take less than so much of it, are shown."""
PERSON = "person"
"""Never shown, whatever burns before them."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class _Thing:
    label: str
    box: Box


@dataclass(frozen=True, slots=True)
class Still:
    """A picture that may leave the box. `redacted`: people and vehicles were looked for everywhere, and blurred."""

    picture: Image
    redacted: bool


class StillBlur:
    """Blurs stills of one source; used by one thread, which it may keep waiting."""

    def __init__(
        self,
        settings: BlurSettings,
        port: InferencePort,
        counts: Counter[str] | None = None,
        *,
        give_back: Callable[[], None] = lambda: None,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`counts`: stills by outcome: `blurred`, `kept` (as they were) and `withheld`."""
        self._settings = settings
        self._port = port
        self._counts = Counter() if counts is None else counts
        self._give_back = give_back
        self._wait, self._clock = wait, clock
        self._asked = 0

    @property
    def keeps_clips(self) -> bool:
        """Whether clips, which nobody can blur, leave the box all the same."""
        return self._settings.clips == "keep"

    def wake(self) -> None:
        """Has the model opened, before the first alarm must wait for it."""
        self._port.ask(self._settings.model, _frame_of(np.zeros((64, 64, 3), np.uint8), 0.0))

    def close(self) -> None:
        """Gives the port back: stills are from now on as they would be without a model."""
        self._give_back()

    def still(self, picture: Image, marks: Sequence[Mark] = (), hazard: str = "") -> Still | None:
        """The (height, width, 3) BGR picture as it may leave the box; None: it may not.

        `marks` and `hazard` say what the alarm is about: flames at a car stay to be seen, though the car is blurred.
        """
        found = self._found_in(picture)
        if found is None:
            kept = self._settings.when_unable == "keep"
            self._counts["kept" if kept else "withheld"] += 1
            log.error(
                "a still could not be blurred, the model did not answer",
                model=self._settings.model,
                seconds=self._settings.patience_seconds,
                still="kept as it is" if kept else "left out",
            )
            return Still(picture, redacted=False) if kept else None
        self._counts["blurred"] += 1
        about = [_sides(mark.box) for mark in marks if mark.box is not None]
        spared = [thing for thing in found if self._settings.spare_concerned and _is_among(thing.box, about)]
        hidden = [thing for thing in found if thing not in spared]
        flames = about if hazard in FIRE_HAZARDS else []
        held = [one for one in hidden if one.label != PERSON and any(_is_at(flame, one.box) for flame in flames)]
        clear = [_window(flame) for flame in flames if any(_is_at(flame, thing.box) for thing in held)]
        shown = blurred(picture, [one.box for one in held], [*clear, *(_window(thing.box) for thing in spared)])
        # After what was cleared: somebody who stands before the flames is hidden all the same.
        shown = blurred(shown, [thing.box for thing in hidden if thing not in held])
        return Still(shown, redacted=not spared)

    def _found_in(self, picture: Image) -> Sequence[_Thing] | None:
        """Every person and vehicle, of the whole picture and of its tiles; None if the model does not answer."""
        until = self._clock() + self._settings.patience_seconds
        found: list[_Thing] = []
        labels = self._port.labels(self._settings.model)
        height, width = picture.shape[:2]
        for window in (None, *tiles(width, height)):
            answer = self._answer(picture, window, until)
            if answer is None:
                return None
            for box, score, kind in zip(answer.boxes, answer.scores, answer.classes, strict=True):
                known = kind < len(labels) and labels[kind] in self._settings.labels
                if known and score >= self._settings.min_score and np.isfinite(box).all():
                    left, top, right, bottom = (float(value) for value in box)
                    found.append(_Thing(labels[kind], (left, top, right, bottom)))
        return found

    def _answer(self, picture: Image, window: Window | None, until: float) -> Detections | None:
        region = None if window is None else Region(window.left, window.top, window.width, window.height)
        while True:
            self._asked += 1
            number = float(self._asked)
            accepted = self._port.ask(self._settings.model, _frame_of(picture, number), region)
            again = min(until, self._clock() + (ASK_AGAIN_SECONDS if accepted else SHED_PAUSE_SECONDS))
            while True:
                for answer in self._port.answers():
                    if answer.media_time == number:
                        return answer
                if self._clock() >= again:
                    break
                self._wait(POLL_SECONDS if accepted else SHED_PAUSE_SECONDS)
            if self._clock() >= until:
                return None


def _frame_of(picture: Image, number: float) -> Frame:
    """The picture as a question; its time is its number, to know its answer by."""

    def read_bgr(region: Region | None = None) -> Image:
        if region is None:
            return picture
        return picture[region.y : region.y + region.height, region.x : region.x + region.width]

    return Frame("", int(number), number, _NO_TIME, picture[:, :, 0], read_bgr)


_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def _sides(box: tuple[float, float, float, float]) -> Box:
    x, y, width, height = box
    return x, y, x + width, y + height


def _window(box: Box) -> Window:
    return Window(int(box[0]), int(box[1]), int(np.ceil(box[2])), int(np.ceil(box[3])))


def _is_among(box: Box, about: Sequence[Box]) -> bool:
    return any(_shared(box, mark) >= CONCERNED_IOU * (_area(box) + _area(mark) - _shared(box, mark)) for mark in about)


def _is_at(mark: Box, thing: Box) -> bool:
    """Whether a mark is of something smaller at a larger thing."""
    return 0 < _area(mark) < SMALLER * _area(thing) and _shared(mark, thing) >= WITHIN * _area(mark)


def _shared(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)
