"""How a detector's hazard is made up for a drill: painted into pictures, or as readings. Pure, without clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from edge.detectors.interface import Image, Observation


class NoCanaryError(Exception):
    """With these settings no drill is possible; says why."""


class CameraCanary(Protocol):
    """One made-up hazard in front of one camera. Times are seconds since it began."""

    @property
    def seconds(self) -> float:
        """For how long it is painted."""

    @property
    def patience_seconds(self) -> float:
        """How long after its beginning the detector must have found it at the latest."""

    def paint_luma(self, luma: Image, seconds: float) -> None:
        """Paints it into a (height, width) picture."""

    def paint_bgr(self, picture: Image, seconds: float, x: int, y: int) -> None:
        """Paints it into the part of a BGR picture whose upper left corner lies at (x, y) of the whole."""

    def recognises(self, observation: Observation, began_media_time: float) -> bool:
        """Whether an observation is of what was painted, by its place and time."""


@runtime_checkable
class AimedCanary(Protocol):
    """A canary that must be painted where its detector finds things in a picture that sways or has drifted."""

    def aim(self, detector: object) -> None:
        """The copy of the detector before which it will be painted."""


@dataclass(frozen=True, slots=True)
class SyntheticReading:
    """A reading of a drill, in its channel's unit: `at_seconds` after its beginning, negative for before.

    The one at 0 must open an episode: a dwell of hours lies before it, so that nobody waits for it.
    """

    channel: str
    value: float
    at_seconds: float
