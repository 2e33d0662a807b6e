"""A service with real sessions for tests, and waiting for what it does."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.config.inference import InferenceSettings, ModelSettings
from edge.detectors.interface import Detections
from edge.inference.detecting import DetectionModel, Question
from edge.inference.opening import OpenModel
from edge.inference.port import LivePort
from edge.inference.proving import open_proven, read_parts
from edge.inference.service import InferenceService
from edge.inference.sessions import REFERENCE, SessionPlan
from tests.edge.inference.conftest import frame

PATIENCE_SECONDS = 30.0
UNVERSIONED = ModelSettings.model_fields["version"].default


@contextmanager
def serving(
    settings: InferenceSettings, folder: Path, open_model: OpenModel | None = None
) -> Iterator[InferenceService]:
    service = InferenceService(settings, folder / "state", open_model=open_model)
    try:
        yield service
    finally:
        service.close()


def until(condition: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < limit, f"{what}: not within {PATIENCE_SECONDS} s"
        time.sleep(0.01)


def answer_to(port: LivePort, model: str, seconds: float, *cells: tuple[int, int, str]) -> Detections:
    """Asks until it is answered: until a model is ready its questions are shed."""
    answers: list[Detections] = []

    def asked() -> bool:
        port.ask(model, frame(seconds, *cells))
        time.sleep(0.02)
        answers.extend(port.answers())
        return bool(answers)

    until(asked, f"an answer of {model}")
    return answers[-1]


def opener(plan: SessionPlan = REFERENCE, before_run: Callable[[str], None] = lambda _name: None) -> OpenModel:
    """Opens models by one plan without measuring; `before_run` is called with the row's version or, where it has none,
    the model's name, in the session's thread before each run."""

    class Watched(DetectionModel):
        def answer(self, questions: Sequence[Question]) -> list[Detections]:
            before_run(self.identity.name if self.identity.version == UNVERSIONED else self.identity.version)
            return super().answer(questions)

    def open_model(name: str, model: ModelSettings) -> DetectionModel:
        parts = read_parts(model)
        open_proven(name, model, parts, plan)
        return Watched(name, model, parts.file_for(plan), plan)

    return open_model


def state(service: InferenceService, model: str = "tiny") -> str:
    return str(next(one["state"] for one in service.status() if one["model"] == model))


def status(service: InferenceService, model: str = "tiny") -> Mapping[str, Any]:
    return next(one for one in service.status() if one["model"] == model)


def counts(service: InferenceService, model: str = "tiny") -> Counter[str]:
    return Counter(next(one["counts"] for one in service.status() if one["model"] == model))
