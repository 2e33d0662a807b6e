"""Which sample episodes have reached a queue, and how long after the last frame or reading they rest on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from samples.demo.operator import Operator

CLIPS_TRUTH = Path(__file__).parents[1] / "clips" / "truth.yaml"
SENSORS_TRUTH = Path(__file__).parents[1] / "sensors" / "truth.yaml"


@dataclass(frozen=True, slots=True)
class Kind:
    """What tells sample episodes apart: which source, which hazard."""

    source: str
    hazard: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """An episode in its queue. `seconds` runs from its latest frame or reading to its arrival in this process."""

    kind: Kind
    queue: str
    queue_name: str
    seconds: float
    alert_id: str


def expected_episodes(sources: Mapping[str, Any]) -> Counter[Kind]:
    """How many episodes of each kind the samples of these sources hold, by their truth files."""
    expected: Counter[Kind] = Counter()
    for clip in yaml.safe_load(CLIPS_TRUTH.read_text(encoding="utf-8"))["clips"]:
        for episode in clip.get("episodes") or []:
            expected[Kind(Path(clip["file"]).stem, episode["hazard"])] += 1
    for log in yaml.safe_load(SENSORS_TRUTH.read_text(encoding="utf-8"))["logs"]:
        for episode in log.get("episodes") or []:
            expected[Kind(log["source"], episode["hazard"])] += 1
    return Counter({kind: count for kind, count in expected.items() if kind.source in sources})


class Watch(threading.Thread):
    """Follows the live stream and notes each episode's first appearance in a queue."""

    def __init__(self, operator: Operator) -> None:
        super().__init__(name="watch", daemon=True)
        self._operator = operator
        self._changed = threading.Condition()
        self._arrivals: list[Arrival] = []
        self._counted: Counter[str] = Counter()
        self._stopped = False

    def run(self) -> None:
        alerts, cursor = self._operator.alerts()
        now = datetime.now(UTC)
        for alert in alerts:
            self._note(alert, now)
        while not self._stopped:
            try:
                for arrived_at, change in self._operator.follow(cursor):
                    cursor = change["seq"]
                    self._note(change["alert"], arrived_at)
            except httpx.TransportError:
                # The server was restarted or is stopping: what comes later is found behind `cursor`.
                threading.Event().wait(0.2)

    def stop(self) -> None:
        self._stopped = True

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        with self._changed:
            return tuple(self._arrivals)

    def wait_for(self, expected: Counter[Kind], seconds: float) -> bool:
        """Waits until all of `expected` have arrived; False when time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: not missing(expected, self._arrivals), timeout=seconds)

    def _note(self, alert: Mapping[str, Any], arrived_at: datetime) -> None:
        with self._changed:
            new = alert["episodes"] - self._counted[alert["id"]]
            if new <= 0:
                return
            self._counted[alert["id"]] = alert["episodes"]
            observed_at = datetime.fromisoformat(alert["observed_at"])
            arrival = Arrival(
                kind=Kind(alert["source_id"], alert["hazard"]),
                queue=alert["queue"],
                queue_name=alert["queue_name_en"],
                seconds=(arrived_at - observed_at).total_seconds(),
                alert_id=alert["id"],
            )
            self._arrivals += [arrival] * new
            self._changed.notify_all()


def missing(expected: Counter[Kind], arrivals: list[Arrival] | tuple[Arrival, ...]) -> Counter[Kind]:
    """What has not arrived yet."""
    return expected - Counter(arrival.kind for arrival in arrivals)


def unexpected(expected: Counter[Kind], arrivals: list[Arrival] | tuple[Arrival, ...]) -> Counter[Kind]:
    """What arrived and is not in the truth: false alarms."""
    return Counter(arrival.kind for arrival in arrivals) - expected
