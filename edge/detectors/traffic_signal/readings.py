"""What one picture says of the lamps: the values between seeing and judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Lit(StrEnum):
    """Whether a lamp, or a display of digits, is lit."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


class Unseen(StrEnum):
    """Why a head cannot be seen."""

    OCCLUDED = "occluded"
    """Something stands before it."""
    FOG = "fog"
    """Its contrast is gone: fog, rain or dirt on the lens, a picture too dark."""
    GLARE = "glare"
    """The sun or a lamp outshines it, or shines into it so that an unlit lamp looks lit."""
    MOVED = "moved"
    """The camera looks elsewhere."""
    BROKEN_PICTURE = "broken_picture"
    """The picture is frozen, grey or torn."""


@dataclass(frozen=True, slots=True)
class HeadReading:
    """One head in one picture. `lamps` in the order of the settings; all UNKNOWN where `unseen` says why."""

    lamps: tuple[Lit, ...]
    unseen: Unseen | None = None
    countdown: Lit | None = None
    """None: it has none."""
    confidence: float = 1.0
    """0-1: how far from doubt the nearest decision was."""

    @property
    def seen(self) -> bool:
        return self.unseen is None


@dataclass(frozen=True, slots=True)
class SceneReading:
    """All heads in one picture. `media_time` in seconds; `wall_time` aware."""

    media_time: float
    wall_time: datetime
    heads: Mapping[str, HeadReading]
    moved: bool = False
    """The camera looks elsewhere: all heads are unseen, and the detector's answer is INVALID."""


class Registration(StrEnum):
    """Whether the picture shows what the settings were drawn on."""

    STEADY = "steady"
    """It does, shifted by no more than can be corrected."""
    MOVED = "moved"
    """The camera looks elsewhere."""
    UNKNOWN = "unknown"
    """Nothing to compare by can be seen: fog, a lens that is covered, darkness. The last known place is given."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the settings' pixels lie in a picture: see `at`.

    A camera that is held by hand, or whose mast sways, also rolls: 0.9° in dusk_crossings, where a shift alone leaves
    14 px between what was drawn and what is seen, and shift, scale and roll together 0.7.
    """

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    """Scale times the cosine of the roll."""
    turn: float = 0.0
    """Scale times the sine of the roll, clockwise."""
    registration: Registration = Registration.STEADY

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where in the picture a pixel of the settings lies."""
        return self.scale * x - self.turn * y + self.dx, self.turn * x + self.scale * y + self.dy
