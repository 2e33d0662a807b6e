"""How a detector asks: live, where answers come with a later frame, and on replay, where they come at once."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from edge.config.inference import InferenceSettings, ModelSettings
from edge.detectors.interface import Detections, Frame, Region
from edge.inference.detecting import DetectionModel, Question, question_about
from edge.inference.errors import ModelError, UnknownModelError
from edge.inference.sessions import REFERENCE, read_model
from edge.inference.slots import Offer

INBOX = 64
"""Answers that wait to be fetched: a detector fetches them with every frame. More than that means that it stands
still, and old answers serve nobody."""


def settings_of(model: str, models: InferenceSettings) -> ModelSettings:
    """The settings of a model.

    Raises:
        UnknownModelError: it is not configured.
    """
    if model not in models.models:
        known = ", ".join(models.models) or "none: inference.models is empty"
        raise UnknownModelError(f"inference.models: found no model {model!r}, expected one of {known}")
    return models.models[model]


class Service(Protocol):
    """What a live port needs of the service."""

    @property
    def settings(self) -> InferenceSettings: ...

    def ask(self, port: LivePort, model: str, question: Question) -> Offer: ...

    def leave(self, port: LivePort) -> None: ...

    def beside(self, port: LivePort) -> LivePort: ...


class LivePort:
    """A port on the service for one opening of a source. `ask` and `answers` belong to the source's thread."""

    def __init__(self, key: str, service: Service, counts: Counter[str]) -> None:
        self.key = key
        """Tells it apart from all other ports of the service."""
        self._service = service
        self._counts = counts
        """Of this source: asked, answered, replaced, shed, failed, unread."""
        self._inbox: deque[Detections | None] = deque()
        self._unread = 0
        self._lock = threading.Lock()

    def ask(self, model: str, frame: Frame, region: Region | None = None) -> bool:
        """See `InferencePort.ask`. False also while the model cannot be run.

        Raises:
            UnknownModelError: no such model is configured.
            ValueError: the region leaves the picture.
        """
        settings_of(model, self._service.settings)
        self._counts["asked"] += 1
        offer = self._service.ask(self, model, question_about(frame, region))
        if offer is not Offer.WAITS:
            self._counts["shed" if offer is Offer.SHED else "replaced"] += 1
        return offer is not Offer.SHED

    def answers(self) -> Sequence[Detections]:
        """See `InferencePort.answers`."""
        with self._lock:
            arrived, self._inbox = self._inbox, deque()
            unread, self._unread = self._unread, 0
        answers = [answer for answer in arrived if answer is not None]
        for outcome, count in (
            ("answered", len(answers)),
            ("failed", len(arrived) - len(answers)),
            ("unread", unread),
        ):
            if count:
                self._counts[outcome] += count
        # Two models answer in their own time.
        answers.sort(key=lambda answer: answer.media_time)
        return answers

    def labels(self, model: str) -> Sequence[str]:
        """See `InferencePort.labels`."""
        return settings_of(model, self._service.settings).labels

    def deliver(self, answer: Detections | None) -> None:
        """Puts an answer into the inbox, from any thread; None: the model failed."""
        with self._lock:
            self._inbox.append(answer)
            if len(self._inbox) > INBOX:
                self._inbox.popleft()
                self._unread += 1

    def close(self) -> None:
        """The stream is closed: its questions are forgotten, and answers that are under way go nowhere."""
        self._service.leave(self)

    def __deepcopy__(self, _memo: dict[int, Any]) -> LivePort:
        """A port of its own for the copy of a detector (a drill's): it must not take answers from the original."""
        return self._service.beside(self)


class SourcePorts:
    """The ports of one opening of a source: one for each detector, or each would take away the others' answers."""

    def __init__(self, new_port: Callable[[], LivePort]) -> None:
        self._new_port = new_port
        self._given: list[LivePort] = []

    def new(self) -> LivePort:
        """One more port."""
        port = self._new_port()
        self._given.append(port)
        return port

    def close(self) -> None:
        """Closes all that were given."""
        for port in self._given:
            port.close()


class ReplayModels:
    """The models of a replay, each opened when it is first asked.

    All run by the reference plan, so that a recording gives the same on every machine with the same libraries, whatever
    was measured there.
    """

    def __init__(self, settings: InferenceSettings) -> None:
        self._settings = settings
        self._open: dict[str, DetectionModel] = {}
        self._faults: dict[str, ModelError] = {}

    def port(self) -> ReplayPort:
        """A port for one detector of one recording."""
        return ReplayPort(self)

    def ports(self) -> ReplayPorts:
        """The ports of one recording."""
        return ReplayPorts(self)

    def settings(self, model: str) -> ModelSettings:
        """Raises UnknownModelError."""
        return settings_of(model, self._settings)

    def answer(self, model: str, question: Question) -> Detections:
        """Answers at once.

        Raises:
            ModelError: the model is not configured, broken, or fails.
        """
        if model in self._faults:
            raise self._faults[model]  # opening a broken model for every frame makes it no better
        try:
            return self._runner(model).answer([question])[0]
        except ModelError as error:
            self._faults[model] = error
            raise

    def _runner(self, model: str) -> DetectionModel:
        if model not in self._open:
            settings = self.settings(model)
            self._open[model] = DetectionModel(model, settings, read_model(settings.path, settings.sha256), REFERENCE)
        return self._open[model]


class ReplayPort:
    """Answers before `ask` returns. A model that fails ends the replay: a result without it would look like one."""

    def __init__(self, models: ReplayModels) -> None:
        self._models = models
        self._answers: list[Detections] = []
        self.fault: ModelError | None = None
        """Why the replay must end: detectors are guarded, and go on without their model's answers."""

    def ask(self, model: str, frame: Frame, region: Region | None = None) -> bool:
        """See `InferencePort.ask`.

        Raises:
            ModelError: the model is not configured, broken, or fails.
            ValueError: the region leaves the picture.
        """
        try:
            self._answers.append(self._models.answer(model, question_about(frame, region)))
        except ModelError as error:
            self.fault = error
            raise
        return True

    def answers(self) -> Sequence[Detections]:
        """See `InferencePort.answers`."""
        answers, self._answers = self._answers, []
        return answers

    def labels(self, model: str) -> Sequence[str]:
        """See `InferencePort.labels`."""
        return self._models.settings(model).labels

    def __deepcopy__(self, _memo: dict[int, Any]) -> ReplayPort:
        """As of `LivePort`."""
        return ReplayPort(self._models)


class ReplayPorts:
    """The ports of one recording: one for each detector."""

    def __init__(self, models: ReplayModels) -> None:
        self._models = models
        self._given: list[ReplayPort] = []

    def new(self) -> ReplayPort:
        """One more port."""
        port = self._models.port()
        self._given.append(port)
        return port

    @property
    def fault(self) -> ModelError | None:
        """Why the replay must end."""
        return next((port.fault for port in self._given if port.fault is not None), None)
