"""What a rendered clip shows: values only. Places are shares of the picture, times seconds of media time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from samples.fire.lookalikes.shared import Lookalike


class Setting(StrEnum):
    """Where the camera hangs."""

    STREET = "street"
    YARD = "yard"
    ROOM = "room"
    PHOTOGRAPH = "photograph"


class Light(StrEnum):
    """How the place is lit."""

    DAY = "day"
    DULL = "dull"
    LOW_SUN = "low_sun"
    NIGHT = "night"
    INFRARED = "infrared"


@dataclass(frozen=True, slots=True)
class FireSpec:
    """Something that burns or smoulders from `start` to `end`."""

    start: float
    end: float
    x: float
    y: float
    """Its foot."""
    flame_px: float = 0.0
    """Width of the burning thing when it is grown; 0: it smoulders, without flames."""
    smoke_px: float = 0.0
    """Width that its smoke comes to; 0: none to be seen."""
    grow_seconds: float = 30.0
    """From a quarter of its size to all of it."""
    black: bool = False
    density: float = 3.0
    strength: float = 4.0
    """Light of its flames against the camera's white."""
    wind: float = 0.0
    """Cells a step; see `fluid.Gas`."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip."""

    name: str
    seed: int
    fps: float
    seconds: float
    setting: Setting = Setting.STREET
    light: Light = Light.DAY
    width: int = 640
    height: int = 360
    photograph: str | None = None
    fires: tuple[FireSpec, ...] = ()
    lookalikes: tuple[Lookalike, ...] = ()
    traffic: float = 0.0
    """Cars a second."""
    shake_px: float = 0.0
    noise: float = 2.0
    quality: int = 28
    """Of H.264: its constant rate factor."""
    begins_at: datetime = field(default_factory=lambda: datetime(2026, 6, 10, 4, 0, tzinfo=UTC))
