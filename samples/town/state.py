"""The day of a flight: season, sun, air, and what the camera makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from edge.vision.arrays import Doubles
from samples.facade.seeding import stream


class Season(StrEnum):
    """Decides the colours of what grows, and whether trees bear leaves."""

    SPRING = "spring"
    SUMMER = "summer"
    AUTUMN = "autumn"
    WINTER = "winter"


@dataclass(frozen=True, slots=True)
class FlightState:
    """How a town looks while a drone is over it."""

    seed: int
    """Of what stands and drives about, and of the camera's noise."""
    season: Season = Season.SUMMER
    sun_azimuth: float = 150.0
    """Degrees clockwise from north, where the sun stands."""
    sun_elevation: float = 50.0
    """Degrees above the horizon."""
    overcast: float = 0.0
    """0: hard shadows; 1: none."""
    exposure: float = 1.0
    """Brightness of the picture as it is shown, 1 as painted."""
    warmth: float = 0.0
    """Of the white balance: 0.1 makes red a tenth stronger than blue."""
    haze: float = 0.0
    """Share of white veil."""
    clouds: float = 0.0
    """How much darker it is where a cloud's shadow drifts over the town."""
    wet: float = 0.0
    """0: dry, 1: after rain: hard ground is darker."""
    blur_px: float = 0.4
    """Standard deviation of the lens's and the motion's blur."""
    vignette: float = 0.1
    """How much darker the corners are."""
    noise_sigma: float = 1.5
    """Grey levels."""
    jpeg_quality: int | None = 92
    """None: the picture is not squeezed."""

    def __post_init__(self) -> None:
        if not 5 <= self.sun_elevation <= 90:
            raise ValueError(f"sun_elevation is {self.sun_elevation}; expected 5 to 90 degrees above the horizon")
        for name in ("overcast", "haze", "wet", "vignette", "clouds"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}; expected a share from 0 to 1")
        if not 0.2 <= self.exposure <= 3:
            raise ValueError(f"exposure is {self.exposure}; expected 0.2 to 3")
        for name in ("blur_px", "noise_sigma"):
            if not 0 <= getattr(self, name) <= 20:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 to 20")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ValueError(f"jpeg_quality is {self.jpeg_quality}; expected 1 to 100, or None for no JPEG")

    @property
    def to_sun(self) -> Doubles:
        """(3,) direction to the sun: east, north, up."""
        azimuth, elevation = math.radians(self.sun_azimuth), math.radians(self.sun_elevation)
        level = math.cos(elevation)
        return np.array((math.sin(azimuth) * level, math.cos(azimuth) * level, math.sin(elevation)))

    @property
    def shadow_per_metre(self) -> Doubles:
        """(2,) east and north: where the shadow of a point one metre up falls."""
        sun = self.to_sun
        return np.asarray(-sun[:2] / sun[2])

    @property
    def shade(self) -> float:
        """What is left, as shown, of the brightness of ground that the sun does not reach."""
        return 0.47 + 0.47 * self.overcast


def day(seed: int, *names: str | int, season: Season | None = None) -> FlightState:
    """A day by chance: any season (or `season`), from nine to half past three, mostly clear."""
    rng = stream(seed, "day", *names)
    drawn = season or tuple(Season)[int(rng.integers(4))]
    hour = float(rng.uniform(9.0, 15.5))
    noon = {Season.SPRING: 56.0, Season.SUMMER: 76.0, Season.AUTUMN: 50.0, Season.WINTER: 33.0}[drawn]
    # Good to a few degrees for latitude 30-35 north, which is all that shadows need.
    angle = (hour - 12.2) * 15
    elevation = math.degrees(math.asin(math.sin(math.radians(noon)) * max(0.3, math.cos(math.radians(angle)))))
    return FlightState(
        seed=int(rng.integers(1 << 30)),
        season=drawn,
        sun_azimuth=(180 + angle * (1.9 if drawn is Season.SUMMER else 1.2)) % 360,
        sun_elevation=float(np.clip(elevation, 18, 78)),
        overcast=float(np.clip(rng.normal(0.15, 0.2), 0, 1)) if rng.random() < 0.8 else float(rng.uniform(0.6, 1.0)),
        exposure=float(np.exp(rng.normal(0, 0.08))),
        warmth=float(rng.normal(0, 0.04)),
        haze=float(np.clip(rng.normal(0.05, 0.05), 0, 0.25)),
        clouds=float(rng.uniform(0.1, 0.3)) if rng.random() < 0.25 else 0.0,
        wet=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.12 else 0.0,
        blur_px=float(rng.uniform(0.0, 0.7)),
        vignette=float(rng.uniform(0.0, 0.2)),
        noise_sigma=float(rng.uniform(1.0, 2.6)),
    )
