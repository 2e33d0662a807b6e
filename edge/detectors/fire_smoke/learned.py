"""The learned proposer: when a model is asked, and what its answers say.

Answers come later, in the media time of their question. A model is asked about the whole picture as a heartbeat, and
on suspicion about the whole picture and the suspicious place by turns: a small fire far away is larger there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from contract.events import Model
from edge.detectors.fire_smoke.proposals import PictureBox, Proposal, Proposer
from edge.detectors.fire_smoke.settings import FireSmokeSettings, Hazard
from edge.detectors.interface import Detections, Frame, InferencePort, Region
from edge.detectors.registry import PictureSize

QUESTIONS_KEPT = 64
"""Questions whose answers may still come: at two a second half a minute."""
CLOSE_SIZES = 3.0
"""A place is shown with its surroundings, three times as large: models know fires by what burns."""
CLOSE_LEAST = 0.35
"""Of the picture's height: smaller cuts are blurred when they are enlarged."""
CLOSE_MOST = 0.7
"""Of the picture's width: larger ones show what the whole picture shows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said of one question."""

    media_time: float
    region: PictureBox
    """What was shown."""
    proposals: tuple[Proposal, ...]
    people: tuple[PictureBox, ...]
    about_people: bool
    """Whether it is the people's model that answers."""


class _Line:
    """The port, behind functions: a copy of the detector, for a drill, has no line and asks nobody.

    Both would read the same answers, and a copy of the port cannot be made.
    """

    def __init__(self, port: InferencePort | None) -> None:
        self.ask: Callable[[str, Frame, Region | None], bool] | None = None
        self.answers: Callable[[], Sequence[Detections]] | None = None
        self.labels: Callable[[str], Sequence[str]] | None = None
        if port is None:
            return
        # Functions and not methods: whoever copies a detector's state must not come upon the port through them.

        def ask(model: str, frame: Frame, region: Region | None) -> bool:
            return port.ask(model, frame, region)

        def answers() -> Sequence[Detections]:
            return port.answers()

        def labels(model: str) -> Sequence[str]:
            return port.labels(model)

        self.ask, self.answers, self.labels = ask, answers, labels

    def __deepcopy__(self, _memo: Mapping[int, object]) -> _Line:
        return _Line(None)


class Learned:
    """Asks and hears one stream's models."""

    def __init__(self, settings: FireSmokeSettings, size: PictureSize, port: InferencePort | None) -> None:
        """Raises ValueError: a model is named that knows no fire, smoke or people, or none can be asked."""
        self._settings = settings
        self._size = size
        self._line = _Line(port)
        self._classes: dict[str, Mapping[int, Hazard]] = {}
        self._asked: dict[tuple[float, bool], PictureBox] = {}
        self._due = 0.0
        self._heartbeat_due: float | None = None
        self._people_due = 0.0
        self._close_next = False
        self.model: Model | None = None
        """Which weights answered last."""
        self.answered_at: float | None = None
        self.shed = 0
        """Questions that were not taken."""
        if port is None and (settings.model is not None or settings.people_model is not None):
            raise ValueError(
                f"fire_smoke: found model {settings.model or settings.people_model!r} and no model that can be asked, "
                "expected inference.models with it; without weights leave fire_smoke.model out"
            )
        if settings.model is not None and not self._classes_of(settings.model):
            raise ValueError(
                self._no_class(settings.model, settings.learned.fire_labels + settings.learned.smoke_labels)
            )
        if settings.people_model is not None and self._person_class(settings.people_model) is None:
            raise ValueError(self._no_class(settings.people_model, (settings.learned.person_label,)))

    @property
    def is_there(self) -> bool:
        """Whether a model can be asked about fire."""
        return self._settings.model is not None and self._line.ask is not None

    def ask(self, frame: Frame, suspicion: PictureBox | None, *, people: bool) -> None:
        """Puts what is due: `suspicion` is the most suspicious place, `people` whether it matters who stands there."""
        if self._line.ask is None:
            return
        t, learned = frame.media_time, self._settings.learned
        if self._settings.model is not None:
            heartbeat = self._heartbeat_due is None or not 0 < self._heartbeat_due - t <= learned.heartbeat_seconds
            suspected = suspicion is not None and not 0 < self._due - t <= learned.ask_seconds
            if heartbeat or suspected:
                close = None if heartbeat or suspicion is None or not self._close_next else self._close(suspicion)
                self._put(self._settings.model, frame, close, about_people=False)
                self._close_next = not self._close_next if suspected else self._close_next
                self._due = t + learned.ask_seconds * 0.9
                if close is None:
                    self._heartbeat_due = t + learned.heartbeat_seconds
        if people and self._settings.people_model is not None and not 0 < self._people_due - t <= 2.0:
            self._put(self._settings.people_model, frame, None, about_people=True)
            self._people_due = t + 1.0

    def answers(self) -> Sequence[Answer]:
        """What came since the last call, oldest first."""
        if self._line.answers is None:
            return ()
        heard = sorted(self._line.answers(), key=lambda found: found.media_time)
        return [self._answer(found) for found in heard]

    # ---- parts

    def _put(self, model: str, frame: Frame, region: Region | None, *, about_people: bool) -> None:
        assert self._line.ask is not None, "asked by the caller"
        if not self._line.ask(model, frame, region):
            self.shed += 1
            return
        shown = region or Region(0, 0, self._size.width, self._size.height)
        self._asked[frame.media_time, about_people] = (shown.x, shown.y, shown.width, shown.height)
        while len(self._asked) > QUESTIONS_KEPT:
            del self._asked[next(iter(self._asked))]

    def _answer(self, found: Detections) -> Answer:
        whole: PictureBox = (0.0, 0.0, float(self._size.width), float(self._size.height))
        classes = self._classes_of(found.model.name)
        person = self._person_class(found.model.name)
        about_people = self._settings.people_model is not None and not classes
        region = self._asked.pop((found.media_time, about_people), whole)
        proposals, people = [], []
        for corners, score, index in zip(
            found.boxes.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True
        ):
            box = _clipped(corners, self._size)
            if box is None:
                continue
            if index == person and score >= self._settings.learned.min_confidence:
                people.append(box)
            hazard = classes.get(index)
            if (
                hazard is not None
                and hazard in self._settings.hazards
                and score >= self._settings.learned.least(hazard)
            ):
                proposals.append(Proposal(hazard, Proposer.MODEL, box, float(score), found.media_time, found.model))
        if not about_people:
            self.model, self.answered_at = found.model, found.media_time
        return Answer(found.media_time, region, tuple(proposals), tuple(people), about_people)

    def _classes_of(self, model: str) -> Mapping[int, Hazard]:
        """Which of a model's classes mean what. Kept: a stand-in of an overloaded box answers by its own name."""
        if model not in self._classes:
            learned = self._settings.learned
            names = {name.casefold(): Hazard.FIRE for name in learned.fire_labels}
            names |= {name.casefold(): Hazard.SMOKE for name in learned.smoke_labels}
            labels = self._labels(model)
            self._classes[model] = {
                index: names[label.casefold()] for index, label in enumerate(labels) if label.casefold() in names
            }
        return self._classes[model]

    def _person_class(self, model: str) -> int | None:
        wanted = self._settings.learned.person_label.casefold()
        labels = [label.casefold() for label in self._labels(model)]
        return labels.index(wanted) if wanted in labels else None

    def _labels(self, model: str) -> Sequence[str]:
        return () if self._line.labels is None else self._line.labels(model)

    def _no_class(self, model: str, expected: Sequence[str]) -> str:
        found = ", ".join(self._labels(model)) or "none"
        return f"fire_smoke: model {model!r} has the classes {found}, expected one of {', '.join(expected)}"

    def _close(self, box: PictureBox) -> Region | None:
        """The place with its surroundings, as wide as the picture is by its height; None: the whole picture will do."""
        size = self._size
        height = max(CLOSE_SIZES * box[3], CLOSE_SIZES * box[2] * size.height / size.width, CLOSE_LEAST * size.height)
        width = height * size.width / size.height
        if width > CLOSE_MOST * size.width:
            return None
        x = min(max(box[0] + box[2] / 2 - width / 2, 0), size.width - width)
        y = min(max(box[1] + box[3] / 2 - height / 2, 0), size.height - height)
        return Region(int(x), int(y), int(width), int(height))


def _clipped(corners: Sequence[float], size: PictureSize) -> PictureBox | None:
    """Left, top, right, bottom → left, top, width, height inside the picture."""
    left, top = max(corners[0], 0.0), max(corners[1], 0.0)
    right, bottom = min(corners[2], float(size.width)), min(corners[3], float(size.height))
    return None if right <= left or bottom <= top else (left, top, right - left, bottom - top)
