"""A changed model: opened beside the one that serves, put in its place only if it proves itself, taken back if not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any

from edge.config.inference import ModelSettings
from edge.inference.detecting import DetectionModel
from edge.inference.errors import ModelError
from edge.inference.proving import SelfTestError

RETRY_SECONDS = 600.0
"""A refused model is tried again after this, or at once when its file changes: memory may have been short."""

Signature = tuple[tuple[int, int, int] | None, ...]


class ChangeState(StrEnum):
    """How far a changed row has come."""

    OPENING = "opening"
    """It is read, measured and tested beside the one that serves."""
    REFUSED = "refused"
    """It must not serve; the one before does."""


@dataclass(slots=True)
class Change:
    """A row that is configured and does not serve."""

    wanted: ModelSettings
    state: ChangeState = ChangeState.OPENING
    reason: str = ""
    opened: DetectionModel | None = None
    """Ready to take over between two questions."""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    signature: Signature = ()
    """Of the files that were refused."""
    retry_at: float = inf
    """Monotonic seconds."""

    def refuse(self, error: Exception, now: float) -> None:
        """Marks it as refused. One that fails its self-test is the same in ten minutes: only another file helps."""
        self.state = ChangeState.REFUSED
        self.reason = str(error) if isinstance(error, ModelError) else "internal error, see the log"
        self.signature = signature_of(self.wanted)
        self.retry_at = inf if isinstance(error, SelfTestError) else now + RETRY_SECONDS

    def is_due(self, now: float) -> bool:
        """Whether a refused one is worth another try."""
        return self.state is ChangeState.REFUSED and (
            now >= self.retry_at or signature_of(self.wanted) != self.signature
        )

    def status(self) -> Mapping[str, Any]:
        """The change as JSON types."""
        return {
            "state": self.state.value,
            "version": self.wanted.version,
            "sha256": self.wanted.sha256,
            "reason": self.reason,
            "since": self.since.isoformat(timespec="seconds"),
        }


class TrialError(SelfTestError):
    """A model that had passed its self-test broke or hung soon after it had taken over."""


def signature_of(settings: ModelSettings) -> Signature:
    """What tells that a model's files were replaced, without reading them."""
    paths = [settings.path, *(variant.path for variant in settings.variants)]
    if settings.selftest is not None:
        paths.append(settings.selftest)
    return tuple(_stat(path) for path in paths)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - follows links
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
