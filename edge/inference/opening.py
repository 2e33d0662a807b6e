"""How a lane gets its model: as measured for this machine, and proven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from edge.config.inference import InferenceSettings, ModelSettings
from edge.inference.choice import choose
from edge.inference.detecting import DetectionModel
from edge.inference.errors import ModelError
from edge.inference.proving import open_proven, read_parts

OpenModel = Callable[[str, ModelSettings], DetectionModel]


def opener(settings: InferenceSettings, state_dir: Path) -> OpenModel:
    """Opens models as measured for this machine; measures those that were not yet."""

    def open_model(name: str, model: ModelSettings) -> DetectionModel:
        parts = read_parts(model)
        try:
            choice = choose(name, model, parts, settings, state_dir)
        except OSError as error:
            raise ModelError(f"{error.filename or state_dir}: the choice cannot be stored: {error.strerror}") from error
        return open_proven(name, model, parts, choice.plan)

    return open_model


class Keeper(Protocol):
    """Where models that serve well are kept, see `edge.inference.keeping.KeptModels`."""

    def begin(self, name: str, row: ModelSettings) -> None: ...

    def end(self, name: str, row: ModelSettings, *, well: bool) -> None: ...

    def keep(self, name: str, settings: ModelSettings, model: DetectionModel) -> None: ...

    def open(self, name: str, wanted: ModelSettings) -> tuple[DetectionModel, ModelSettings] | None: ...
