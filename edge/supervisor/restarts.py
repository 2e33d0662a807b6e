"""How often a child may be started anew: at once, then slower, then once a window, but never given up for good."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_DELAY_SECONDS = 0.5
"""The second restart in a window waits this long, each further one twice as long: a child that dies of what it meets
at once must not burn a core. The first restart waits for nothing."""


@dataclass(frozen=True, slots=True)
class RestartLimit:
    """At most so many restarts in a sliding window; then one in each window."""

    most: int
    window_seconds: float


@dataclass(frozen=True, slots=True)
class Restarts:
    """The ends of one child that nobody asked for. A value: each end gives a new one. Times are monotonic seconds."""

    ended_at: tuple[float, ...] = ()
    """Within the window before the latest, oldest first."""
    total: int = 0
    exceeded: bool = False
    """The limit was exceeded, and it has not held for a whole window since."""

    def after_end(self, now: float, ran_seconds: float, limit: RestartLimit) -> Restarts:
        """With one more end, of a process that had run for so long."""
        recent = (*(at for at in self.ended_at if now - at < limit.window_seconds), now)
        held = ran_seconds >= limit.window_seconds
        exceeded = len(recent) > limit.most or (self.exceeded and not held)
        return Restarts(recent, self.total + 1, exceeded)

    def next_start(self, limit: RestartLimit) -> float:
        """When the child may be started again; at once if it never ended."""
        if not self.ended_at:
            return float("-inf")
        latest = self.ended_at[-1]
        if self.exceeded:
            return latest + limit.window_seconds
        earlier = len(self.ended_at) - 1
        return latest + (FIRST_DELAY_SECONDS * 2.0 ** (earlier - 1) if earlier else 0.0)
