"""Judging that falls behind the camera: how far, and what is left out until it has caught up. Pure: clocks come in."""

from __future__ import annotations

from enum import IntEnum

DRIFT = 200e-6
"""Two crystal clocks differ by up to 100 ppm each. The smallest delay ever seen may grow by so much a second, or a
camera whose clock runs slow would seem late after an hour."""
LATE_SECONDS = 1.0
"""What an operator would notice; three times the jitter of cameras behind radio links."""
PATIENCE_SECONDS = 2.0
"""For so long it must have been late, without catching up: a burst after a network pause is judged several times
faster than it was filmed."""
CATCHING_UP = 0.9
"""A delay that has fallen to this share within the patience is on its way down."""
ON_TIME_SECONDS = 0.3
CALM_SECONDS = 5.0
"""On time for so long: a step less is left out. Longer than the patience, or it would swing."""
KEEP_EVERY_SECONDS = 1.0
"""However late: a picture a second is judged, for what is never starved (health, pipelines that wait for time)."""


class Shedding(IntEnum):
    """What is left out, in the order in which it is given up."""

    NOTHING = 0
    FRAMES = 1
    """Decoded pictures do not reach the detectors."""
    NON_REFERENCE = 2
    KEY_FRAMES_ONLY = 3


class Baseline:
    """When media time 0 was, by the monotonic clock: the least delay seen. `lag` is what has been added to it."""

    def __init__(self) -> None:
        self._origin: float | None = None
        self._at = 0.0

    @property
    def origin(self) -> float | None:
        """Monotonic seconds of media time 0, or None before the first packet."""
        return self._origin

    def saw(self, media_time: float, now: float) -> float:
        """Takes in a packet that is looked at `now` (monotonic seconds); how late it is, in seconds."""
        delay = now - media_time
        if self._origin is None:
            self._origin = delay
        else:
            self._origin = min(self._origin + DRIFT * max(now - self._at, 0.0), delay)
        self._at = now
        return delay - self._origin


class LateGuard:
    """Decides what to leave out. Every step waits: up for proof of being late, down for lasting calm."""

    def __init__(self) -> None:
        self.shedding = Shedding.NOTHING
        self._late_since: float | None = None
        self._lag_then = 0.0
        self._calm_since: float | None = None
        self._kept_at = float("-inf")
        self._lag_seconds = 0.0

    def saw(self, lag_seconds: float, now: float) -> Shedding:
        """Takes in how late the stream is `now` (monotonic seconds); what is to be left out."""
        self._lag_seconds = lag_seconds
        if lag_seconds > LATE_SECONDS:
            self._calm_since = None
            self._rise(lag_seconds, now)
        elif lag_seconds <= ON_TIME_SECONDS:
            self._late_since = None
            self._fall(now)
        else:
            self._late_since = self._calm_since = None
        return self.shedding

    def drops(self, media_time: float) -> bool:
        """Whether a decoded picture is kept from the detectors: only while behind, so that they see what they can."""
        if self.shedding is Shedding.NOTHING or self._lag_seconds <= ON_TIME_SECONDS:
            self._kept_at = media_time
            return False
        if media_time - self._kept_at < KEEP_EVERY_SECONDS:
            return True
        self._kept_at = media_time
        return False

    def _rise(self, lag_seconds: float, now: float) -> None:
        if self._late_since is None:
            self._late_since, self._lag_then = now, lag_seconds
        elif now - self._late_since >= PATIENCE_SECONDS:
            if lag_seconds > CATCHING_UP * self._lag_then:
                self.shedding = Shedding(min(self.shedding + 1, Shedding.KEY_FRAMES_ONLY))
            self._late_since, self._lag_then = now, lag_seconds

    def _fall(self, now: float) -> None:
        if self.shedding is Shedding.NOTHING:
            return
        if self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= CALM_SECONDS:
            self.shedding = Shedding(self.shedding - 1)
            self._calm_since = now
