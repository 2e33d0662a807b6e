"""How an area is watched, for whoever looks at sources: whether its flights are surveyed, and if not, why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from contract.events import HealthData, SourceRef, event_of
from contract.ids import IdFactory
from edge.health import OFFLINE, ONLINE, health_name
from edge.outbox.sink import Commit
from edge.outbox.store import Outbox

REFUSED = "flight_refused"
"""Flights lie aside, and wait for somebody."""
UNABLE = "survey_unable"
"""Settings, register, terrain or disk are such that nothing can be surveyed."""
MOST_REASON = 256


class AreaHealth:
    """Says how an area is, at each change."""

    def __init__(
        self,
        area: SourceRef,
        device_id: str,
        outbox: Outbox,
        new_id: IdFactory,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._area, self._device_id, self._outbox = area, device_id, outbox
        self._new_id, self._now = new_id, now
        self._said = outbox.state(health_name(area.id))

    def say(self, state: str, reason: str) -> bool:
        """Whether it was news.

        Raises:
            OSError, sqlite3.Error: the disk refused; it is said the next time.
        """
        reason = " ".join(reason.split())[:MOST_REASON]
        known = state if state == ONLINE else f"{state}: {reason}"
        if known == self._said:
            return False
        at = self._now()
        # No location: where its structures are, their own events say.
        data = HealthData(source=self._area, state=state, reason=reason, since=at)
        event = event_of(data, event_id=self._new_id(at), device_id=self._device_id, time=at)
        self._outbox.commit(Commit((event,), state={health_name(self._area.id): known}))
        self._said = known
        return True


def state_of(folder: Path, aside: Path, trouble: str) -> tuple[str, str]:
    """State and reason; `trouble`: why nothing can be surveyed now."""
    if not folder.is_dir():
        return OFFLINE, f"{folder}: no such folder, expected the one in which flights appear"
    if trouble:
        return UNABLE, trouble
    try:
        reasons = sorted(aside.rglob("*.txt"))
        first = reasons[0].read_text(encoding="utf-8", errors="replace") if reasons else ""
    except OSError as error:
        return REFUSED, f"{aside}: {error}"
    if reasons:
        return REFUSED, f"{len(reasons)} put aside: {first}"
    return ONLINE, "flights are watched for"
