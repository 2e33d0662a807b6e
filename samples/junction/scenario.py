"""What a rendered junction looks like and what happens before it: values only. Pixels; seconds of media time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from samples.junction.faults import TrueFault
from samples.junction.plans import JunctionSpec


class Make(StrEnum):
    """How a maker builds heads."""

    PLAIN = "plain"
    BACKBOARD = "backboard"
    """A board with a light border around it."""
    VISORS = "visors"
    """Deep visors, which shade the upper third of each lens."""
    YELLOW = "yellow"
    GREEN = "green"


class Sky(StrEnum):
    """The light at one moment."""

    SUNNY = "sunny"
    DULL = "dull"
    LOW_SUN = "low_sun"
    DUSK = "dusk"
    NIGHT = "night"
    INFRARED = "infrared"


@dataclass(frozen=True, slots=True)
class HeadLook:
    """Where and how a head is seen. (x, y): the centre of the first lamp."""

    x: float
    y: float
    diameter: float
    horizontal: bool = False
    make: Make = Make.PLAIN
    digits_side: int = 1
    """1: its countdown stands on the right or below; -1: on the left or above."""
    flicker: float = 0.0
    """The share of pictures in which its LEDs are caught dim or dark in whole or in part."""
    phantom: float = 0.0
    """How strongly low sun makes its unlit lenses shine, 0-1."""
    power: float = 1.0
    """Light of its lamps against a common one."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The light from a moment on; between two it changes slowly, except from and to infra-red."""

    at: float
    sky: Sky


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A bus or truck that drives up, stops before a head and leaves."""

    head: str
    arrives: float
    leaves: float
    colour: tuple[float, float, float]
    """Albedo, RGB."""
    from_left: bool = True
    speed: float = 140.0
    """Pixels a second."""
    cover: float = 1.0
    """How much of the head's height it hides, from below."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Twigs that swing before a head all the time: now before it, now beside it."""

    head: str
    reach: float
    """How far from the head's middle the twigs hang at rest, in widths of the head; 0: right before it."""
    sway: float
    """Widths of the head."""
    hertz: float = 0.3


@dataclass(frozen=True, slots=True)
class Fog:
    """Fog or dirty glass: between the two times, rising and falling over `ramp` seconds."""

    start: float
    end: float
    density: float
    """Share of light that comes from the fog: 0.5 is haze, 0.95 hides everything."""
    ramp: float = 60.0


@dataclass(frozen=True, slots=True)
class LensRain:
    """Drops on the glass, which run and are blown away."""

    start: float
    end: float
    drops: int = 25


@dataclass(frozen=True, slots=True)
class Away:
    """A PTZ camera is turned elsewhere and comes back not quite to the same place."""

    start: float
    end: float
    back_dx: int = 0
    back_dy: int = 0


@dataclass(frozen=True, slots=True)
class Shake:
    """The pole sways in wind and traffic: pixels, in gusts."""

    amplitude: float
    hertz: float = 1.3


@dataclass(frozen=True, slots=True)
class Billboard:
    """A screen that changes between red, green and other pictures."""

    x: int
    y: int
    width: int
    height: int
    period: float = 8.0


@dataclass(frozen=True, slots=True)
class GainStep:
    """The automatic gain jumps by `factor` between the two times: a white truck, a cloud."""

    start: float
    end: float
    factor: float


class Codec(StrEnum):
    """How pictures lose quality on their way."""

    H264 = "h264"
    """Encoded and decoded by a real codec."""
    BLOCKS = "blocks"
    """JPEG's 8×8 transform in windows around the heads: blocks as of a codec, at a tenth of its cost."""


Event = Vehicle | Branch | Fog | LensRain | Away | Shake | Billboard | GainStep


@dataclass(frozen=True, slots=True)
class Scene:
    """One camera for a while."""

    name: str
    seed: int
    width: int
    height: int
    fps: float
    seconds: float
    spec: JunctionSpec
    looks: dict[str, HeadLook]
    light: tuple[Moment, ...]
    events: tuple[Event, ...] = ()
    faults: tuple[TrueFault, ...] = ()
    begins_at: datetime = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
    """When the first picture is taken. The junction stands in Shanghai, eight hours ahead."""
    wet: bool = False
    traffic: float = 0.3
    """Cars a second."""
    drift_px_per_hour: float = 0.0
    codec: Codec = Codec.BLOCKS
    quality: int = 50
    """Of BLOCKS: JPEG's 1-100; of H264: the constant rate factor, where less is better."""
    photograph: str | None = None
    """Name of a photograph that serves as background, where there is one."""
    tags: tuple[str, ...] = field(default=())
    """By which figures are grouped."""

    @property
    def second_of_day(self) -> float:
        """Local time at the first picture."""
        local_hour = (self.begins_at.hour + 8) % 24
        return local_hour * 3600.0 + self.begins_at.minute * 60.0 + self.begins_at.second
