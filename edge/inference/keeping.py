"""The last model of each name that has served well, as a copy: what a box falls back to when it starts with a bad one.

A changed row stays in the configuration when its model is refused. Without a copy a restart would leave the box without
any model, though it had a good one an hour ago.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

import structlog
from pydantic import ValidationError

from contract.base import Sha256Hex
from edge.config.inference import ModelSettings
from edge.inference.choice import alone
from edge.inference.detecting import DetectionModel
from edge.inference.errors import ModelError
from edge.inference.measuring import Stored
from edge.inference.proving import Parts, open_proven
from edge.inference.sessions import SessionPlan, read_model
from edge.inference.trials import Trials, digest_of

FOLDER_NAME = "good-models"

log = structlog.get_logger("inference")


class _Kept(Stored):
    settings: ModelSettings
    sha256: Sha256Hex
    plan: SessionPlan
    row: str
    """A digest of the row that it served for."""


class KeptModels:
    """Copies in `state_dir/good-models`: one file of weights and one of settings a model. Used by several processes."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FOLDER_NAME
        self._trials = Trials(self._folder)

    def begin(self, name: str, row: ModelSettings) -> None:
        """Before a model is opened: notes its trial, unless it is the one that has served well.

        Raises:
            SelfTestError: it brought its process down before, see `edge.inference.trials`.
        """
        kept = self._read(name)
        if kept is None or kept.row != digest_of(row):
            self._trials.begin(name, row)

    def end(self, name: str, row: ModelSettings, *, well: bool) -> None:
        """After a model's trial, or when it ends before."""
        self._trials.end(name, row, well=well)

    def keep(self, name: str, settings: ModelSettings, model: DetectionModel) -> None:
        """Keeps a model that has served well for the row `settings`, in place of the one kept before.

        Raises:
            ModelError: its file is no longer the one that serves.
            OSError: the folder cannot be written.
        """
        weights = self._folder / f"{name}-{model.sha256[:16]}.onnx"
        kept = _Kept(
            # Whatever the row was, this is one plain file that has proven itself; what it proved it with may be gone.
            settings=settings.model_copy(
                update={"registry": None, "path": weights, "variants": (), "selftest": None, "sha256": None}
            ),
            sha256=model.sha256,
            plan=model.plan,
            row=digest_of(settings),
        )
        with alone(self._folder):
            before = self._read(name)
            if before == kept and weights.exists():
                return
            if model.path != weights:  # else it serves from what was kept
                _write(weights, read_model(model.path, model.sha256).content)
            _write(self._record(name), kept.model_dump_json(indent=1).encode())
            if before is not None and before.settings.path.name != weights.name:
                (self._folder / before.settings.path.name).unlink(missing_ok=True)

    def open(self, name: str, wanted: ModelSettings) -> tuple[DetectionModel, ModelSettings] | None:
        """The kept model, ready to serve; None where there is none for these labels, or it cannot be run any more."""
        kept = self._read(name)
        if kept is None or kept.settings.labels != wanted.labels:
            return None
        try:
            # From here, wherever the folder was when it was written.
            settings = kept.settings.model_copy(update={"path": self._folder / kept.settings.path.name})
            file = read_model(settings.path, kept.sha256)
            parts = Parts(file, {kept.plan.precision: file})
            return open_proven(name, settings, parts, kept.plan), settings
        except ModelError as error:
            log.warning("the model that was kept cannot be run either", model=name, reason=str(error))
            return None

    def forget_others(self, names: Collection[str]) -> None:
        """Removes what is kept of models that are configured no more. What cannot be removed stays."""
        with contextlib.suppress(OSError):
            for record in self._folder.glob("*.json"):
                if record.stem in names:
                    continue
                kept = self._read(record.stem)
                record.unlink(missing_ok=True)
                if kept is not None:
                    (self._folder / kept.settings.path.name).unlink(missing_ok=True)

    def _record(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _read(self, name: str) -> _Kept | None:
        try:
            return _Kept.model_validate_json(self._record(name).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("what was kept of a model cannot be read", model=name, reason=str(error)[:500])
            return None


def _write(path: Path, content: bytes) -> None:
    aside = path.with_suffix(".part")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
