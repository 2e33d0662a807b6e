"""The detector interface: what a source gives, what a detector says of it, and nothing else.

A detector is deterministic, owns its state, takes time from what it observes, and touches no socket, file or clock.
Dwell, episodes, evidence and sending are shared machinery that stands behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from contract.base import ContractModel
from contract.events import Model, Severity, Tier
from contract.evidence import EvidenceKind
from contract.geometry import Location
from edge.vision.planes import Planes

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a picture in whole pixels; (x, y) is its upper left corner."""

    x: int
    y: int
    width: int
    height: int


class ReadBgr(Protocol):
    """Converts a picture, or one region of it, to colour."""

    def __call__(self, region: Region | None = None) -> Image:
        """A fresh (height, width, 3) picture in BGR. Costs 1.5-2 ms for 1080p: ask for no more than is needed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    `luma` is a (height, width) view of the decoder's own Y plane: valid until the next frame, never written to.
    `media_time` is in seconds since the source's first frame, from presentation stamps; `wall_time` is aware.
    """

    source_id: str
    index: int
    media_time: float
    wall_time: datetime
    luma: Image
    read_bgr: ReadBgr
    read_planes: Callable[[], Planes] | None = None
    """The decoder's planes as views, which keep the picture alive; None where it gives none. For models, which need
    it scaled down: colour is made after that."""

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one channel of a sensor. `observed_at` is event time, aware; `media_time` seconds on its axis."""

    source_id: str
    channel: str
    value: float
    unit: str
    observed_at: datetime
    media_time: float


class Visibility(StrEnum):
    """Whether a detector could have seen its hazard. Unknown is an answer; "nothing wrong" is not its synonym."""

    CLEAR = "clear"
    UNKNOWN = "unknown"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to draw on a picture: a polyline in pixels with media times, and a box (x, y, width, height)."""

    polyline: tuple[tuple[float, float, float], ...] = ()
    """(t, x, y) of each point."""
    box: tuple[float, float, float, float] | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """Evidence that only the detector can show, because it remembers what the picture of the moment does not.

    `content` is a (height, width, 3) picture in BGR of its own memory, or a document that is written as JSON.
    """

    kind: EvidenceKind
    content: Image | ContractModel
    captured_at: datetime
    label: str = ""
    """What of the scene it shows, where that is not all of it: stills before and after are shown in pairs by it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a detector says about one frame or reading. It never leaves the edge by itself.

    `key` tells apart several things of one hazard at one source (a sensor channel, a signal head, the third object
    of the minute): same key and hazard, same episode. `active=False` says that the hazard is explicitly over.
    """

    hazard: str
    key: str
    media_time: float
    """When it was observed, seconds."""
    started_media_time: float
    """When what was observed began: the first point of a track, the first reading beyond the limit."""
    severity: Severity
    tier: Tier
    confidence: float
    detail: ContractModel
    active: bool = True
    marks: tuple[Mark, ...] = ()
    location: Location | None = None
    """Where, if the detector knows better than the source's own position."""
    exhibits: tuple[Exhibit, ...] = ()
    """Added to the episode's evidence, as soon as it has an episode."""
    ended_media_time: float | None = None
    """With `active=False`: when it was over, if that was known only later (a signal that works again must show it)."""
    model: Model | None = None
    """The trained weights that took part; each event names them with their hash."""
    extent: float | None = None
    """How large it is by now, in a unit of the detector's own: what has doubled or halved since it was last told is
    worth an update."""


@dataclass(frozen=True, slots=True)
class Detections:
    """What a model found in one picture: n boxes in pixels of the whole picture, best first.

    `boxes` (n, 4) float32: left, top, right, bottom; `scores` (n,) float32; `classes` (n,) int32, indices into the
    model's own list.
    """

    media_time: float
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    model: Model


class InferencePort(Protocol):
    """How a detector asks a model. It never waits: live answers come with a later frame, on replay at once."""

    def ask(self, model: str, frame: Frame, region: Region | None = None) -> bool:
        """Asks about a frame. An older question of the same source that has not begun is replaced.

        False: the question was shed because the box is overloaded.
        """

    def answers(self) -> Sequence[Detections]:
        """Answers since the last call, in media time. A question whose model failed is never answered."""

    def labels(self, model: str) -> Sequence[str]:
        """Names of a model's classes, as configured. For detectors that check their settings when they are built.

        Raises:
            edge.inference.errors.UnknownModelError: no such model is configured.
        """


@dataclass(frozen=True, slots=True)
class Witness:
    """What another source near by observes or observed a moment ago: an episode of its own, open or just over."""

    source_id: str
    kind: str
    """`camera` or `sensor`."""
    hazard: str
    confidence: float
    age_seconds: float
    """Since it was last observed."""
    distance_m: float | None
    """From the source that asks; None where either's place is not known."""


class WitnessPort(Protocol):
    """How a detector hears of other sources. It never waits: it answers with what has been told by now."""

    def near(self, frame: Frame, within_m: float, within_seconds: float) -> Sequence[Witness]:
        """What other sources within so many metres observed in the last seconds before this frame, newest first.

        Sources whose place is not known are not near anything.
        """


class GroundPort(Protocol):
    """Where the picture's points are, for cameras whose ground was calibrated, or that tell where they fly.

    `media_time`: of the picture in which the pixel was seen, which matters where the camera moves; None: the latest.
    """

    def at(self, x: float, y: float, media_time: float | None = None) -> Location | None:
        """The place on the ground that pixel (x, y) shows, with its uncertainty; None above the horizon, and where the
        camera's own place is not known."""

    def metres_per_pixel(self, x: float, y: float, media_time: float | None = None) -> float | None:
        """Across the line of sight, of a thing that stands there; None as for `at`."""


class CameraDetector(Protocol):
    """Turns frames into observations."""

    name: str
    version: str

    def observe(self, frame: Frame) -> Sequence[Observation]:
        """What the frame adds. Called once a decoded frame, in order."""

    @property
    def visibility(self) -> Visibility:
        """What the detector could see in its latest frame."""


class SensorDetector(Protocol):
    """Turns readings into observations."""

    name: str
    version: str

    def observe(self, reading: Reading) -> Sequence[Observation]:
        """What the reading adds. Called once a reading, in event time."""

    @property
    def visibility(self) -> Visibility:
        """Whether the latest reading could be judged."""


FindingT_contra = TypeVar("FindingT_contra", contravariant=True)
ContextT_contra = TypeVar("ContextT_contra", contravariant=True)


class SurveyDetector(Protocol[FindingT_contra, ContextT_contra]):
    """Turns what two flights over the same ground differ in into observations."""

    name: str
    version: str

    def survey(self, findings: Sequence[FindingT_contra], context: ContextT_contra) -> Sequence[Observation]:
        """What one flight adds. Called once a flight, in the order in which they were flown."""


@runtime_checkable
class Reporting(Protocol):
    """A detector that can say what it sees at the moment, beside its observations: for the box's own page."""

    def report(self) -> Mapping[str, Any]:
        """JSON types. Called from any thread, while another one is in `observe`."""
