"""All cameras of a box gone together are one fault, not many."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

SETTLE_SECONDS = 3.0
"""How long all must have been gone before it is said: long enough that the camera which breaks last is listed too."""
OUTAGE_NAME = "health:outage"
"""Where the box remembers which cameras it has lost together; cameras read it before they speak for themselves."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Cameras that were lost together and are not all back. Empty: there is none."""

    sources: Sequence[str] = ()
    spread_seconds: float = 0.0


class OutageWatch:
    """Sees whether all of a box's cameras go offline within a window.

    An outage is over as soon as half of its cameras are back: what is still missing then is missing for itself.
    """

    def __init__(self, least: int, window_seconds: float) -> None:
        self._least = least
        self._window = window_seconds
        self._gone_at: dict[str, float] = {}
        self._outage = Outage()

    def step(self, offline: Collection[str], cameras: Collection[str], now: float) -> Outage:
        """Takes in which of the cameras are offline now."""
        for camera in cameras:
            if camera not in offline:
                self._gone_at.pop(camera, None)
            else:
                self._gone_at.setdefault(camera, now)
        if self._outage.sources:
            still = [camera for camera in self._outage.sources if camera in offline]
            if len(still) * 2 <= len(self._outage.sources):
                self._outage = Outage()
        elif len(cameras) >= self._least and len(self._gone_at) == len(cameras):
            first, last = min(self._gone_at.values()), max(self._gone_at.values())
            if last - first <= self._window and now - last >= SETTLE_SECONDS:
                self._outage = Outage(tuple(sorted(cameras)), last - first)
        return self._outage


def outage_text(sources: Sequence[str]) -> str:
    """What is remembered of an outage: the ids, a line each."""
    return "\n".join(sources)


def outage_sources(text: str | None) -> frozenset[str]:
    """The inverse of `outage_text`."""
    return frozenset((text or "").splitlines())
