"""How many alarms a source may raise: two token buckets for each hazard, one an hour wide and one a day.

A bucket begins full and fills evenly with the source's own time. Times for which the program was not there do not fill
it: no clock that could be trusted has measured them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.detectors.policy import EpisodePolicy

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86_400.0


@dataclass(slots=True)
class _Bucket:
    spent: float = 0.0
    """What was taken and has not come back."""
    at: float | None = None

    def refill(self, most: int, seconds: float, now: float) -> None:
        if self.at is not None and now > self.at:
            self.spent = max(0.0, self.spent - (now - self.at) * most / seconds)
        self.at = now if self.at is None else max(self.at, now)


@dataclass(slots=True)
class _Account:
    hour: _Bucket = field(default_factory=_Bucket)
    day: _Bucket = field(default_factory=_Bucket)


class AlarmBudget:
    """The buckets of one source, by hazard."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def take(self, hazard: str, policy: EpisodePolicy, now: float) -> bool:
        """Takes one alarm at `now` (seconds). False: there is none left, and nothing was taken."""
        account = self._accounts.setdefault(hazard, _Account())
        limits = (
            (account.hour, policy.alarms_per_hour, HOUR_SECONDS),
            (account.day, policy.alarms_per_day, DAY_SECONDS),
        )
        limited = [(bucket, most) for bucket, most, _ in limits if most is not None]
        for bucket, most, seconds in limits:
            if most is not None:
                bucket.refill(most, seconds, now)
        # A billionth: six steps of a sixth must make one.
        if any(bucket.spent + 1 > most + 1e-9 for bucket, most in limited):
            return False
        for bucket, _ in limited:
            bucket.spent += 1
        return True

    def begin(self, now: float) -> None:
        """The first moment after a restart: what was spent before begins to come back."""
        for account in self._accounts.values():
            account.hour.at = account.day.at = now

    def saved(self) -> dict[str, list[float]]:
        """What must outlive a restart, as JSON: for each hazard what is spent of the hour and of the day."""
        return {
            hazard: [round(account.hour.spent, 6), round(account.day.spent, 6)]
            for hazard, account in sorted(self._accounts.items())
            if account.hour.spent or account.day.spent
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up what `saved` gave."""
        for hazard, (hour, day) in saved.items():
            self._accounts[hazard] = _Account(_Bucket(float(hour)), _Bucket(float(day)))
