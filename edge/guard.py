"""A detector behind a guard: it sees no more frames than it asked for, and what it breaks is only itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from edge.detectors.interface import CameraDetector, Frame, Observation, Visibility
from edge.detectors.registry import FrameNeeds
from edge.streams.rate import RateLimit

log = structlog.get_logger("detector")

FIRST_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 300.0
"""A detector that breaks on every frame is built anew every five minutes: a log that can still be read."""
FORGIVEN_AFTER_SECONDS = 600.0
"""So long without a fault, the next one is the first."""


class GuardedDetector:
    """One detector of one stream. When it raises it is built anew, later each time; meanwhile it sees nothing.

    `faults` counts, `fault` says what is wrong now. In media time: there is no clock here, and a replay repeats itself.
    """

    def __init__(self, source_id: str, needs: FrameNeeds, build: Callable[[], CameraDetector]) -> None:
        self.faults = 0
        self.fault = ""
        self.looked = False
        """Whether it looked at the latest frame."""
        self._source_id = source_id
        self._needs = needs
        self._build = build
        self.inner = build()
        self.name = self.inner.name
        self.version = self.inner.version
        self._rate = RateLimit(needs.fps)
        self._again_at: float | None = None
        self._failed_at: float | None = None
        self._backoff = FIRST_BACKOFF_SECONDS

    @property
    def broken(self) -> bool:
        """Whether it waits to be built anew."""
        return self._again_at is not None

    @property
    def visibility(self) -> Visibility:
        """What the detector says; INVALID while it is broken."""
        return Visibility.INVALID if self.broken else self.inner.visibility

    def observe(self, frame: Frame) -> Sequence[Observation]:
        """What the frame adds, if it is looked at. Never raises for the detector's faults."""
        t = frame.media_time
        self.looked = False
        if not self._rate.wants(t):
            return ()
        try:
            if self._again_at is not None:
                if 0 < self._again_at - t <= MAX_BACKOFF_SECONDS:
                    return ()
                self.inner = self._build()
                self._again_at, self.fault = None, ""
                log.info("a detector that broke works again", source=self._source_id, detector=self.name)
            observations = self.inner.observe(frame)
        except Exception as error:
            self._broke(error, t)
            return ()
        self.looked = True
        return observations

    def renew(self) -> None:
        """Builds the detector anew: what it was given to remember was too much for it."""
        self.inner = self._build()

    def _broke(self, error: Exception, t: float) -> None:
        """A fault of ours in one detector: the source's others must go on."""
        steady = self._failed_at is None or not 0 <= t - self._failed_at <= FORGIVEN_AFTER_SECONDS
        self._backoff = FIRST_BACKOFF_SECONDS if steady else min(2 * self._backoff, MAX_BACKOFF_SECONDS)
        self._failed_at = t
        self._again_at = t + self._backoff
        self.faults += 1
        self.fault = f"{type(error).__name__}: {error}"[:200]
        log.error(
            "a detector broke, it will be built anew",
            source=self._source_id,
            detector=self.name,
            seconds=self._backoff,
            exc_info=error,
        )
