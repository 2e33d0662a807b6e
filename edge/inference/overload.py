"""When there is more to look at than the box can: what is given up, in which order, and when it is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from edge.config.inference import OverloadSettings

SETTLE_SHARE = 0.5
"""A step is taken back when the wait is under this share of the limit: taking it back makes the wait longer."""


class Shedding(IntEnum):
    """What is given up, each step with all before it. The heartbeat of a source never is."""

    NOTHING = 0
    RATE = 1
    """Sources are heard less often."""
    RESOLUTION = 2
    """Models are stood in for by their smaller ones."""
    OPTIONAL = 3
    """Optional models are not run."""


class Overload:
    """Follows how long questions wait, and takes a step up or down when that has lasted. Monotonic seconds."""

    def __init__(self, settings: OverloadSettings, steps: Sequence[Shedding], now: float) -> None:
        """`steps`: those that would change anything, ascending from NOTHING."""
        self._settings = settings
        self._steps = steps
        self._step = 0
        self._late_since: float | None = None
        self._fine_since = now
        self.raised = 0
        """How often a step up was taken."""

    @property
    def shedding(self) -> Shedding:
        """What is given up now."""
        return self._steps[self._step]

    def waited(self, seconds: float, now: float) -> None:
        """The longest that any source waits, or has just waited, for an answer to begin; 0 where nobody waits."""
        limit = self._settings.wait_seconds
        if seconds >= limit * SETTLE_SHARE:
            self._fine_since = now
        if seconds <= limit:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now
        if self._late_since is not None and now - self._late_since >= self._settings.rise_seconds:
            if self._step < len(self._steps) - 1:
                self._step += 1
                self.raised += 1
            # Every step gets its time to show what it brings.
            self._late_since = now
        elif now - self._fine_since >= self._settings.relax_seconds:
            self._step = max(0, self._step - 1)
            self._fine_since = now
