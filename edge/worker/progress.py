"""Whether a source's thread still gets on."""

from __future__ import annotations

from edge.status import SourceMeter


class Progress:
    """Watches one source's counters: as long as any of them moves, its thread is alive."""

    def __init__(self) -> None:
        self._seen: tuple[float, ...] = ()
        self._moved_at: float | None = None

    def forget(self, now: float) -> None:
        """The source has a reason to stand still: its time begins anew."""
        self._moved_at = now

    def stuck_seconds(self, meter: SourceMeter, patience_seconds: float, now: float) -> float:
        """For how long nothing has moved, beyond `patience_seconds`; 0 while it gets on."""
        counters = (
            meter.turns,
            meter.attempts,
            meter.turns,
            meter.attempts,
            meter.sessions,
            meter.failures,
            meter.packets_read,
            meter.packets_broken,
            meter.frames_decoded,
            meter.frames_judged,
            meter.media_time,
        )
        if self._moved_at is None or counters != self._seen:
            self._seen = counters
            self._moved_at = now
        return max(0.0, now - self._moved_at - patience_seconds)
