"""A flight ready to be looked at: pictures whose place and turn are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from edge.detectors.interface import Image
from edge.flights.local import LocalPlane
from edge.flights.telemetry import Positioning
from edge.vision.lens import Lens
from edge.vision.pose import Pose


@dataclass(frozen=True, slots=True, eq=False)
class KeyFrame:
    """One picture of a flight. It is read when it is asked for, and not kept: a flight has more than memory holds."""

    name: str
    """The file's, or `0012.400` for seconds of a video."""
    index: int
    taken_at: datetime | None
    media_time: float | None
    lens: Lens
    pose: Pose
    positioning: Positioning
    read_bgr: Callable[[], Image]
    """A fresh (height, width, 3) picture; raises edge.sources.errors.SourceError if it is broken."""


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """The key frames of one flight in the order of their time, in one plane of metres."""

    id: str
    plane: LocalPlane
    frames: tuple[KeyFrame, ...]
