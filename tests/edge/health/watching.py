"""A camera's health with pictures from anywhere, its commits kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.events import Clock, HazardEvent, HealthEvent, Phase, SourceKind, SourceRef
from contract.geometry import LocationMethod, at_point
from contract.ids import uuid7
from edge.config.health import CameraCondition, CameraHealthSettings
from edge.detectors.interface import Frame, Image, Region
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter
from edge.evidence.store import EvidenceStore
from edge.health.camera import CameraHealth, HealthMemory
from edge.outbox.sink import Commit, linked_event
from edge.status import SourceMeter
from tests.edge.parts import T0

CAMERA = SourceRef(id="cam-1", kind=SourceKind.CAMERA, name="街口1 · Corner 1")
PLACE = at_point(113.62, 34.75, 25, LocationMethod.CAMERA)


@dataclass
class Outbox:
    """What an outbox would remember."""

    commits: list[Commit] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)
    open: dict[str, Episode] = field(default_factory=dict)
    position: Any = None

    def commit(self, commit: Commit) -> None:
        from contract.chain import GENESIS

        for event in commit.events:
            self.position = linked_event(event, self.position or GENESIS).position
        self.commits.append(commit)
        self.state.update(commit.state)
        self.open.update({episode.episode_id: episode for episode in commit.open_episodes})
        for episode_id in commit.closed_episodes:
            del self.open[episode_id]

    @property
    def hazards(self) -> list[HazardEvent]:
        return [event for commit in self.commits for event in commit.events if isinstance(event, HazardEvent)]

    @property
    def health(self) -> list[HealthEvent]:
        return [event for commit in self.commits for event in commit.events if isinstance(event, HealthEvent)]

    def story(self) -> list[tuple[str, str]]:
        """(hazard, phase) of what was opened and cleared."""
        return [
            (event.data.hazard, event.data.phase.value)
            for event in self.hazards
            if event.data.phase is not Phase.UPDATED
        ]


class Steady:
    """A steady clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """One camera's health. `wall` maps seconds of the test's own axis to wall time."""

    def __init__(
        self,
        outbox: Outbox | None = None,
        *,
        store: EvidenceStore | None = None,
        clock: Callable[[], Clock] | None = None,
        **settings: Any,
    ) -> None:
        self.outbox = Outbox() if outbox is None else outbox
        self.steady = Steady()
        self.meter = SourceMeter(CAMERA.id, "camera")
        self.health = CameraHealth(
            EventWriter("box-1", CAMERA, PLACE, {}, clock or (lambda: Clock(synced=True)), uuid7),
            self.outbox,
            CameraHealthSettings(**settings),
            self.meter,
            HealthMemory(self.outbox.state.get, tuple(self.outbox.open.values())),
            store=store,
            monotonic=self.steady,
        )
        self.wall = lambda seconds: T0 + timedelta(seconds=seconds)
        self.found: dict[CameraCondition, float] = {}
        """When each condition was first said, on the test's axis."""
        self._started = False
        self._index = 0

    def see(self, pictures: Iterable[tuple[float, NDArray[np.uint8]]]) -> Watched:
        """Shows (seconds, luma); the first one begins the stream."""
        for seconds, luma in pictures:
            self.show(seconds, luma)
        return self

    def show(self, seconds: float, luma: NDArray[np.uint8]) -> None:
        at = self.wall(seconds)
        if not self._started:
            self._started = True
            self.health.online(at)
        self.health.observe(frame(self._index, seconds, at, luma))
        self._index += 1
        for condition in self.health.conditions:
            self.found.setdefault(condition, seconds)

    def lose(self, seconds: float, reason: str = "no packets for 10 s") -> None:
        """The stream breaks."""
        self._started = False
        self.health.offline(reason, self.wall(seconds))

    def pause(self, start: float, seconds: float, step: float = 1.0) -> None:
        """Time passes without pictures."""
        passed = 0.0
        while passed < seconds:
            passed += step
            self.steady.now += step
            self.health.tick(self.wall(start + passed))
            for condition in self.health.conditions:
                self.found.setdefault(condition, start + passed)


def frame(index: int, seconds: float, at: datetime, luma: NDArray[np.uint8]) -> Frame:
    """A frame of one grey picture."""

    def bgr(region: Region | None = None) -> Image:
        colour = np.asarray(cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR), np.uint8)
        if region is None:
            return colour
        return colour[region.y : region.y + region.height, region.x : region.x + region.width]

    return Frame(CAMERA.id, index, seconds, at, luma, bgr)
