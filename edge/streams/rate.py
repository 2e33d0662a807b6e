"""Which frames are looked at, where a camera sends more than are needed."""

from __future__ import annotations

JITTER = 0.25
"""Share of an interval by which a frame may be early: a camera of exactly the wanted rate loses none."""


class RateLimit:
    """Lets at most so many frames a second pass, as evenly as they come: of 30, five in six."""

    def __init__(self, max_fps: float) -> None:
        self._interval = 1 / max_fps
        self._due: float | None = None

    def wants(self, t: float) -> bool:
        """Whether the frame at media time `t` is looked at. Times in order; after a gap it starts anew."""
        if self._due is not None and self._due - 1 <= t < self._due - JITTER * self._interval:
            return False
        late = self._due is None or t < self._due - 1 or t > self._due + self._interval
        self._due = (t if late or self._due is None else self._due) + self._interval
        return True
