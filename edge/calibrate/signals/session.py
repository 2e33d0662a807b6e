"""One camera's calibration while somebody watches: proposes heads, checks drafts, learns; asked from any thread."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
from pydantic import ValidationError

from edge.calibrate.signals.heads_file import without_unknown_groups
from edge.calibrate.signals.history import LampHistory
from edge.calibrate.signals.learning import LEARN_SECONDS, Learned, Learner
from edge.calibrate.signals.looks import Proposer, boxes_in, load_proposer
from edge.calibrate.signals.proposing import BoxFound, propose
from edge.calibrate.yaml_text import plain
from edge.config.problems import ConfigProblem, problems_of
from edge.config.text import ParsedText
from edge.detectors.interface import Frame, Image
from edge.detectors.registry import PictureSize, SettingProblem
from edge.detectors.traffic_signal.eye import Eye
from edge.detectors.traffic_signal.optics import picture_problems, too_small
from edge.detectors.traffic_signal.placer import Placer
from edge.detectors.traffic_signal.settings import TrafficSignalSettings

HISTORY_SECONDS = 0.9
"""Between two pictures of the history: lamps change every few seconds, and a picture costs 10-75 ms."""
MIN_LEARN_SECONDS = 10.0
STILL_QUALITY = 90
"""Of the JPEG that heads are drawn on: lamps of 6 px must keep their edges."""


class State(StrEnum):
    """How far learning is."""

    IDLE = "idle"
    LEARNING = "learning"
    LEARNED = "learned"
    FAILED = "failed"


class SignalSession:
    """Calibrates the traffic signals of one camera.

    `take` belongs to one thread, `call` to any. Frames that nobody needs cost one comparison.
    """

    def __init__(self, source_id: str, proposer: Proposer | None = None) -> None:
        self.source_id = source_id
        self._lock = threading.Lock()
        self._proposer = proposer
        self._model_lock = threading.Lock()
        self._latest: Frame | None = None
        self._history: LampHistory | None = None
        self._history_size: PictureSize | None = None
        self._history_at = float("-inf")
        self._learning: Learning | None = None
        self._state = State.IDLE
        self._reason = ""
        self._left_out: tuple[str, ...] = ()
        """Why heads of the draft are not learned."""
        self._of_seconds = 0.0
        self._learned: Learned | None = None

    @property
    def learning(self) -> bool:
        """Whether it watches now."""
        return self._state is State.LEARNING

    def take(self, frame: Frame) -> None:
        """The next picture of the camera; its media time may begin anew when the stream was lost."""
        self._latest = frame
        with self._lock:
            self._watch(frame)
            if self._learning is not None and self._state is State.LEARNING:
                self._learn_from(frame, self._learning)

    def call(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answers `{"do": …}` in JSON types.

        Raises:
            ValueError: the arguments make no sense, or there is no picture; with a reason for people.
        """
        do = arguments.get("do")
        known = {
            "propose": self._propose,
            "check": self._check,
            "learn": self._learn,
            "status": self._status,
            "stop": self._stop,
            "still": self._still,
        }
        if not isinstance(do, str) or do not in known:
            raise ValueError(f"found do: {do!r}, expected one of {', '.join(known)}")
        return known[do](arguments)

    # ---- pictures

    def _watch(self, frame: Frame) -> None:
        if 0 <= frame.media_time - self._history_at < HISTORY_SECONDS:
            return
        self._history_at = frame.media_time
        size = PictureSize(frame.width, frame.height)
        if self._history is None or self._history_size != size:
            self._history, self._history_size = LampHistory(), size
        self._history.add(frame.read_bgr())

    def _picture(self) -> tuple[Frame, Image]:
        frame = self._latest
        if frame is None:
            raise ValueError(f"{self.source_id}: there is no picture yet; is the camera online?")
        return frame, frame.read_bgr()

    def _still(self, _arguments: Mapping[str, Any]) -> dict[str, Any]:
        frame, picture = self._picture()
        fine, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, STILL_QUALITY])
        if not fine:
            raise ValueError(f"{self.source_id}: the picture cannot be written as JPEG")
        return {
            "jpeg": base64.b64encode(content.tobytes()).decode("ascii"),
            "width": frame.width,
            "height": frame.height,
            "media_time": frame.media_time,
        }

    # ---- proposals

    def _propose(self, _arguments: Mapping[str, Any]) -> dict[str, Any]:
        frame, picture = self._picture()
        notes: list[str] = []
        boxes = self._boxes(picture, notes)
        size = PictureSize(frame.width, frame.height)
        with self._lock:
            found = [] if self._history is None else self._history.heads()
            displays = [] if self._history is None else self._history.displays()
        proposal = propose(found, boxes, displays, size=size)
        heads = {head_id: plain(head) for head_id, head in proposal.heads.items()}
        for head_id, head in proposal.heads.items():
            notes += [f"{head_id} cannot be judged: {problem.message}" for problem in too_small(head, size)[:1]]
        return {"width": frame.width, "height": frame.height, "heads": heads, "notes": [*notes, *proposal.notes]}

    def _boxes(self, picture: Image, notes: list[str]) -> list[BoxFound]:
        with self._model_lock:
            if self._proposer is None:
                proposer = load_proposer(notes)
                if proposer is None:
                    return []
                self._proposer = proposer
            return boxes_in(self._proposer, picture, self._history)

    # ---- checks

    def _check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        frame = self._latest
        settings, problems = read_settings(arguments.get("settings"))
        lamps: list[dict[str, Any]] = []
        if settings is not None and frame is not None:
            size = PictureSize(frame.width, frame.height)
            problems = [*problems, *picture_problems(settings, size)]
            for head_id, head in settings.heads.items():
                small = {problem.path[1] for problem in too_small(head, size)}
                lamps += [
                    {"head": head_id, "index": index, "px": lamp.diameter_px, "ok": index not in small}
                    for index, lamp in enumerate(head.lamps)
                ]
        said = [{"path": list(problem.path), "message": problem.message} for problem in problems]
        return {"problems": said, "lamps": lamps}

    # ---- learning

    def _learn(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        settings, problems = read_settings(arguments.get("settings"))
        if settings is None:
            said = "; ".join(problem.message for problem in problems)
            raise ValueError(f"{self.source_id}: the heads cannot be learned: {said}")
        seconds = arguments.get("seconds", LEARN_SECONDS)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= MIN_LEARN_SECONDS:
            raise ValueError(f"found seconds: {seconds!r}, expected a number of at least {MIN_LEARN_SECONDS:g}")
        frame = self._latest
        left_out: list[str] = []
        if frame is not None:
            settings, left_out = without_small(settings, PictureSize(frame.width, frame.height))
        with self._lock:
            self._learning, self._left_out = Learning(settings), tuple(left_out)
            self._state, self._reason = State.LEARNING, ""
            self._of_seconds, self._learned = float(seconds), None
        return self._status({})

    def _learn_from(self, frame: Frame, learning: Learning) -> None:
        problem = learning.take(frame)
        if problem:
            self._state, self._reason = State.FAILED, problem
        elif learning.learner.record.seconds >= self._of_seconds:
            self._state = State.LEARNED

    def _stop(self, _arguments: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            if self._state is State.LEARNING:
                enough = self._learning is not None and self._learning.learner.record.samples >= 2
                self._state = State.LEARNED if enough else State.IDLE
                self._reason = "stopped before its time" if enough else ""
        return self._status({})

    def _status(self, _arguments: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            state, reason, of_seconds = self._state, self._reason, self._of_seconds
            learner = None if self._learning is None else self._learning.learner.copied()
            learned = self._learned
        # Outside the lock: it takes a while, and the camera must not wait for it.
        timeline = None if learner is None else learner.record.timeline()
        if state is State.LEARNED and learned is None and learner is not None:
            learned = learner.learned()
            learned = replace(learned, doubts=(*self._left_out, *learned.doubts))
            with self._lock:
                if self._state is State.LEARNED:
                    self._learned = learned
        return {
            "state": state.value,
            "seconds": 0.0 if learner is None else round(min(learner.record.seconds, of_seconds), 1),
            "of_seconds": of_seconds,
            "reason": reason,
            "timeline": None if timeline is None else timeline.model_dump(mode="json"),
            "learned": None if learned is None or state is not State.LEARNED else learned.document(),
        }


class Learning:
    """Place → see → record, for pictures of one size."""

    def __init__(self, settings: TrafficSignalSettings) -> None:
        self.settings = settings
        self.learner = Learner(settings.heads)
        self._size: PictureSize | None = None
        self._placer: Placer | None = None
        self._eye: Eye | None = None
        self._last = float("-inf")

    def take(self, frame: Frame) -> str:
        """The next picture. Returns why learning cannot go on, or nothing."""
        size = PictureSize(frame.width, frame.height)
        if self._size is None:
            problems = picture_problems(self.settings, size)
            if problems:
                return "; ".join(problem.message for problem in problems)
            self._size = size
        if self._size != size:
            return (
                f"the pictures are {size.width} × {size.height} now, they were {self._size.width} × "
                f"{self._size.height}: draw the heads again on the new ones"
            )
        if self._placer is None or self._eye is None or frame.media_time < self._last:
            # A stream that begins anew: what was seen of the lamps' looks is seen again within seconds.
            self._placer, self._eye = Placer(self.settings, size), Eye(self.settings, size)
        elif frame.media_time - self._last < 0.9 / self.settings.max_fps:
            return ""
        self._last = frame.media_time
        self.learner.add(self._eye.look(frame, self._placer.place(frame)))
        return ""


def without_small(settings: TrafficSignalSettings, size: PictureSize) -> tuple[TrafficSignalSettings, list[str]]:
    """The settings without heads whose lamps are too small, so that the others can be learned; and why each was left
    out. As they are if none would be left."""
    said = {
        head_id: problems[0].message for head_id, head in settings.heads.items() if (problems := too_small(head, size))
    }
    if not said or len(said) == len(settings.heads):
        return settings, []
    document = settings.model_dump(mode="json", exclude_defaults=True)
    document["heads"] = {head_id: head for head_id, head in document["heads"].items() if head_id not in said}
    document, more = without_unknown_groups(document)
    return TrafficSignalSettings.model_validate(document), [
        *(f"{head_id} was not learned: {message}" for head_id, message in said.items()),
        *more,
    ]


def read_settings(value: Any) -> tuple[TrafficSignalSettings | None, Sequence[SettingProblem]]:
    """Settings from JSON types, or what is wrong with them; paths start at the detector's settings."""
    try:
        return TrafficSignalSettings.model_validate(value), ()
    except ValidationError as error:
        parsed = ParsedText(value, _lines_of(value))
        found: list[ConfigProblem] = problems_of(error, TrafficSignalSettings, Path("settings"), parsed)
        paths = {line: path for path, line in parsed.lines.items()}
        return None, [SettingProblem(paths.get(problem.line, ()), problem.message) for problem in found]


def _lines_of(value: Any) -> dict[tuple[str | int, ...], int]:
    """A number for every part of a document, so that problems name it."""
    lines: dict[tuple[str | int, ...], int] = {}

    def walk(part: Any, path: tuple[str | int, ...]) -> None:
        lines[path] = len(lines) + 1
        items = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
        for key, item in items:
            walk(item, (*path, key))

    walk(value, ())
    return lines
