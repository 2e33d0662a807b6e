"""What the detector says of itself at the moment, for the box's own page, from any thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from edge.detectors.interface import Visibility
from edge.detectors.traffic_signal.durations import LearnedCycle, Quantiles
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.proof import Instant, timeline
from edge.detectors.traffic_signal.readings import Placement, SceneReading
from edge.detectors.traffic_signal.settings import TrafficSignalSettings

EVERY_SECONDS = 1.0
"""How often heads are told anew: a page asks about once a second."""
TIMELINE_SECONDS = 600.0
TIMELINE_EVERY_SECONDS = 10.0
"""A timeline of ten minutes costs some milliseconds: every second only while somebody looks."""
WANTED_SECONDS = 15.0
"""For so long after a question somebody looks."""
RATE_SECONDS = 10.0
"""Over which pictures a second are counted."""


class Anchored(Protocol):
    """What the report asks of a placer."""

    @property
    def lights(self) -> int: ...

    @property
    def anchors(self) -> Any: ...


class Reporter:
    """Makes the report in the detector's own thread and hands out the latest one: what is handed out never changes."""

    def __init__(self, settings: TrafficSignalSettings) -> None:
        self._settings = settings
        self._latest: Mapping[str, Any] = {}
        self._timeline: Any = None
        self._said_at: float | None = None
        self._drawn_at: float | None = None
        self._asked = False
        self._wanted_until: float | None = None
        self._pictures: list[float] = []

    def snapshot(self) -> Mapping[str, Any]:
        """The latest report; empty before the first picture."""
        self._asked = True
        return self._latest

    def saw(
        self,
        scene: SceneReading,
        placement: Placement,
        visibility: Visibility,
        machine: TimeMachine,
        placer: Anchored,
    ) -> None:
        """Takes in a picture, and makes the report if it is due."""
        t = scene.media_time
        self._pictures.append(t)
        while self._pictures and not 0 <= t - self._pictures[0] <= RATE_SECONDS:
            del self._pictures[0]
        if self._asked:
            self._asked, self._wanted_until = False, t + WANTED_SECONDS
        if self._said_at is not None and 0 <= t - self._said_at < EVERY_SECONDS:
            return
        self._said_at = t
        wanted = self._wanted_until is not None and t <= self._wanted_until
        self._draw(scene, machine, TIMELINE_EVERY_SECONDS if not wanted else EVERY_SECONDS)
        self._latest = {
            "at": scene.wall_time.isoformat(),
            "visibility": visibility.value,
            "placement": {
                "registration": placement.registration.value,
                "dx": round(placement.dx, 2),
                "dy": round(placement.dy, 2),
                "scale": round(placement.scale, 5),
                "turn": round(placement.turn, 5),
                "anchors": [[round(x), round(y)] for x, y in placer.anchors],
                "lights": placer.lights,
            },
            "samples_per_second": self._rate(),
            "heads": {head_id: _head(head_id, scene, machine) for head_id in scene.heads},
            "groups": {group: _cycle(machine.cycle(group)) for group in self._settings.groups},
            "not_judged": {Fault(fault).value: why for fault, why in machine.not_judged().items()},
            "timeline": self._timeline,
        }

    def _rate(self) -> float | None:
        if len(self._pictures) < 2:
            return None
        return round((len(self._pictures) - 1) / max(self._pictures[-1] - self._pictures[0], 1e-3), 2)

    def _draw(self, scene: SceneReading, machine: TimeMachine, every: float) -> None:
        t = scene.media_time
        if self._drawn_at is not None and 0 <= t - self._drawn_at < every:
            return
        self._drawn_at = t
        now = Instant(t, scene.wall_time)
        made = timeline(self._settings, machine.head_spans, (), (t - TIMELINE_SECONDS, t), now, self._rate() or 1.0)
        self._timeline = made.as_json()


def _head(head_id: str, scene: SceneReading, machine: TimeMachine) -> Mapping[str, Any]:
    """What a head shows, without the flicker of single pictures, and since when."""
    reading, t = scene.heads[head_id], scene.media_time
    spans = machine.head_spans(head_id, t - TIMELINE_SECONDS, t)
    held = spans[-1] if spans else None
    return {
        "lit": [] if held is None else list(held.lit),
        "lamps": [lamp.value for lamp in reading.lamps],
        "unseen": reading.unseen if held is None or held.unseen is None else held.unseen,
        "countdown": None if reading.countdown is None else reading.countdown.value,
        "confidence": reading.confidence,
        "since_seconds": 0.0 if held is None else round(t - held.start, 1),
    }


def _cycle(learned: LearnedCycle) -> Mapping[str, Any]:
    """Durations in seconds: what 1, 50 and 99 % of them do not exceed, and from how many they were learned."""
    return {
        "cycle": None if learned.cycle is None else _quantiles(learned.cycle),
        "states": {state: _quantiles(found) for state, found in learned.states.items()},
    }


def _quantiles(found: Quantiles) -> Mapping[str, float]:
    return {name: round(getattr(found, name), 1) for name in ("p1", "p50", "p99", "n")}
