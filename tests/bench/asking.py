"""A detector that only asks a model, at its own pace: what running one costs, without what is made of the answers.

It is installed as a plug-in is: `plugin_path()` goes onto the import path, and the entry point is found there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from edge.detectors.interface import Frame, InferencePort, Observation, Visibility
from edge.detectors.registry import CameraContext, CameraDetectorKind
from tests.bench.rows import FOLDER

NAME = "bench_asking"
VERSION = "1"


class AskingSettings(BaseModel):
    """Which model, and how often."""

    model: str
    every_seconds: float


class AskingDetector:
    """Asks about the first frame of every `every_seconds`, and takes the answers."""

    name = NAME
    version = VERSION

    def __init__(self, settings: AskingSettings, port: InferencePort) -> None:
        self._settings = settings
        self._port = port
        self._next = 0.0
        self.visibility = Visibility.CLEAR

    def observe(self, frame: Frame) -> Sequence[Observation]:
        """Never observes anything."""
        if frame.media_time >= self._next:
            self._next += self._settings.every_seconds
            self._port.ask(self._settings.model, frame)
        for answer in self._port.answers():
            ANSWERS.append(len(answer.scores))
        return ()


ANSWERS: list[int] = []
"""Boxes of each answer of this process."""


def _build(settings: AskingSettings, context: CameraContext) -> AskingDetector:
    assert context.inference is not None, "the bench configures a model"
    return AskingDetector(settings, context.inference)


KIND = CameraDetectorKind(name=NAME, version=VERSION, settings=AskingSettings, build=_build)


def plugin_path() -> Path:
    """A folder for the import path that installs this detector."""
    folder = FOLDER / "plugin"
    facts = folder / "gridsentry_bench-0.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: gridsentry-bench\nVersion: 0\n", encoding="utf-8")
    entry = f"[gridsentry.detectors]\n{NAME} = tests.bench.asking:KIND\n"
    (facts / "entry_points.txt").write_text(entry, encoding="utf-8")
    return folder
