"""What a clip is made of, as frozen values. A scenario and nothing else decides every pixel."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from samples.facade.building import Building, Colour
from samples.facade.camera import Camera


class Thing(StrEnum):
    """What falls."""

    BOTTLE = "bottle"
    EMPTY_BOTTLE = "empty_bottle"
    RUBBISH_BAG = "rubbish_bag"
    PLASTIC_BAG = "plastic_bag"
    BOX = "box"
    FLOWERPOT = "flowerpot"
    CIGARETTES = "cigarettes"
    SHOE = "shoe"


@dataclass(frozen=True, slots=True)
class Fall:
    """One thing let go or thrown, from a storey (counted from 1; one above the last is the roof) and a bay (from 0)."""

    thing: Thing
    release_seconds: float
    floor: int
    bay: int
    outward_m_s: float = 0.8
    sideways_m_s: float = 0.0
    upward_m_s: float = 0.0
    spin_hz: float = 1.0


@dataclass(frozen=True, slots=True)
class Light:
    """How the scene is lit. Radiances are linear, 1.0 saturates the picture at gain 1."""

    sun_towards: tuple[float, float, float]
    sun: Colour
    ambient: Colour
    sky_top: Colour
    sky_low: Colour
    cloud: Colour
    cloud_cover: float = 0.4
    cloud_drift_px_s: float = 1.5
    drift: float = 0.02
    """Slow wander of the exposure, share of the light, one standard deviation."""
    lit_windows: float = 0.0
    monochrome: bool = False
    """Infra-red night picture: grey, lit by the camera's own lamp."""


@dataclass(frozen=True, slots=True)
class ExposureStep:
    """The light (or the camera's automatic gain) changes by `share` within `over_seconds`; -0.15: 15 % darker."""

    at_seconds: float
    share: float
    over_seconds: float = 0.4


@dataclass(frozen=True, slots=True)
class Imager:
    """The camera's sensor: variance of a pixel = read_noise² + shot_noise × light, in linear units of full scale."""

    exposure_seconds: float = 1 / 200
    shot_noise: float = 1.2e-4
    read_noise: float = 0.004
    blur_px: float = 0.55


@dataclass(frozen=True, slots=True)
class Birds:
    """`crossing` fly past at a steady height, `swooping` dive along the façade and pull out."""

    crossing: int = 3
    swooping: int = 0


@dataclass(frozen=True, slots=True)
class Rain:
    """Drops in the volume before the camera: 100 is a drizzle, 800 a downpour. `wind_m_s` blows along the façade."""

    drops: int = 250
    wind_m_s: float = 0.6


@dataclass(frozen=True, slots=True)
class Leaves:
    """Leaves that come down somewhere between the camera and the façade."""

    count: int = 6


class Side(StrEnum):
    """Where a branch hangs into the picture."""

    LEFT = "left"
    RIGHT = "right"
    TOP = "top"


@dataclass(frozen=True, slots=True)
class Branch:
    """Foliage in front of the camera that swings in the wind. `masked`: the installer drew an ignore polygon for it."""

    side: Side = Side.LEFT
    reach: float = 0.28
    """How far it comes into the picture, share of the width."""
    swing_px: float = 7.0
    masked: bool = True


@dataclass(frozen=True, slots=True)
class Insects:
    """Blurred flies within a hand's breadth of the lens."""

    count: int = 2


@dataclass(frozen=True, slots=True)
class WindowLights:
    """Lamps that are switched, televisions that flicker, LED strips that blink."""

    switched: int = 2
    televisions: int = 1
    leds: int = 0


@dataclass(frozen=True, slots=True)
class Glints:
    """The sun thrown back by a window or a car: a bright patch that sweeps across the wall."""

    count: int = 1


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Somebody who moves about on a balcony or in a window."""

    floor: int
    bay: int
    shakes_cloth: bool = False


@dataclass(frozen=True, slots=True)
class Shake:
    """Wind on the camera's pole: one standard deviation of the picture's wander."""

    amplitude_px: float = 0.5


Nuisance = Birds | Rain | Leaves | Branch | Insects | WindowLights | Glints | Onlooker | Shake


@dataclass(frozen=True, slots=True)
class Encoding:
    """H.264: constant quality under a cap, a key frame every `gop_seconds`, no B-frames (as cameras send it)."""

    crf: int = 25
    cap_kbit_s: int = 900
    gop_seconds: float = 1.0
    preset: str = "medium"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One clip. `name` is the file's stem and the source's id."""

    name: str
    seed: int
    light: Light
    seconds: float = 10.0
    fps: int = 20
    camera: Camera = field(default_factory=Camera)
    building: Building = field(default_factory=Building)
    imager: Imager = field(default_factory=Imager)
    encoding: Encoding = field(default_factory=Encoding)
    falls: tuple[Fall, ...] = ()
    nuisances: tuple[Nuisance, ...] = ()
    exposure_steps: tuple[ExposureStep, ...] = ()
    wind_m_s: float = 0.5
    """Along the façade; it moves what falls, foliage and leaves."""
    caption: str = ""
    """Burnt into the picture's corner, as cameras do; empty for none."""

    @property
    def frames(self) -> int:
        return round(self.seconds * self.fps)
