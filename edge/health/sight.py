"""How long a source could see, could not, and could not be judged: counted for ever, told once a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel

from contract.events import Sight

REPORT_EVERY = timedelta(days=1)


class _Saved(BaseModel):
    counted_from: AwareDatetime | None = None
    told_at: AwareDatetime | None = None
    since: AwareDatetime | None = None
    sight: float = 0.0
    blind: float = 0.0
    unknown: float = 0.0


class SightMeter:
    """Three counters in seconds that only grow and outlive the program."""

    def __init__(self, remembered: str | None) -> None:
        self._kept = _Saved() if remembered is None else _Saved.model_validate_json(remembered)

    @property
    def sight(self) -> float:
        return self._kept.sight

    @property
    def blind(self) -> float:
        return self._kept.blind

    @property
    def unknown(self) -> float:
        return self._kept.unknown

    @property
    def since_text(self) -> str:
        """RFC 3339: since when the present state holds; empty until it is known."""
        return "" if self._kept.since is None else self._kept.since.isoformat()

    def add(self, at: datetime | None, *, sight: float = 0.0, blind: float = 0.0, unknown: float = 0.0) -> None:
        """Adds seconds. `at`: the wall time, where it is known."""
        kept = self._kept
        if at is not None and kept.counted_from is None:
            kept.counted_from = at
        kept.sight += sight
        kept.blind += blind
        kept.unknown += unknown

    def state_began(self, at: datetime) -> None:
        """The source's state is another one from now on."""
        self._kept.since = at

    def state_since(self, at: datetime) -> datetime:
        """Since when the state holds; `at` if that is not known or lies ahead, because the clock was set back."""
        return at if self._kept.since is None else min(self._kept.since, at)

    def day_is_over(self, at: datetime) -> bool:
        """Whether it is time to tell. A clock that jumps back restarts the day and loses no second of the counters."""
        if self._kept.told_at is None or at < self._kept.told_at - REPORT_EVERY:
            self._kept.told_at = at
        return at - self._kept.told_at >= REPORT_EVERY

    def day_was_said(self, at: datetime) -> None:
        """The counters were told."""
        self._kept.told_at = at

    def total(self, at: datetime) -> Sight:
        """The counters as the contract has them."""
        kept = self._kept
        return Sight(
            counted_from=kept.counted_from or at,
            sight_seconds=round(kept.sight, 1),
            blind_seconds=round(kept.blind, 1),
            unknown_seconds=round(kept.unknown, 1),
        )

    def saved(self) -> str:
        """JSON, for the outbox."""
        return self._kept.model_dump_json()
