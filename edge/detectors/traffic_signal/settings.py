"""Settings of `traffic_signal`: the heads of a junction as one camera sees them, and what is allowed there.

Pixels are those of the main stream's pictures. Times are seconds; times of day are local to `timezone`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contract.base import Identifier, Label

Pixel = tuple[float, float]
Polygon = Annotated[tuple[Pixel, ...], Field(min_length=3, max_length=60)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Share = Annotated[float, Field(gt=0, le=1)]
MIN_LAMP_PX = 6.0
"""Lamps smaller than this cannot be judged (detectors.md §3): a compressed picture leaves nothing of them at dusk."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Colour(StrEnum):
    """What a lamp shows when it is lit."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    WHITE = "white"


class Shape(StrEnum):
    """The form of a lamp's light; arrows by where they point."""

    BALL = "ball"
    LEFT = "left"
    STRAIGHT = "straight"
    RIGHT = "right"
    U_TURN = "u_turn"
    PEDESTRIAN = "pedestrian"
    CYCLE = "cycle"


class HeadKind(StrEnum):
    """Whom a head is for."""

    VEHICLE = "vehicle"
    ARROW = "arrow"
    """Its lamps are dark for a part of every cycle, as a green arrow without colours beside it."""
    PEDESTRIAN = "pedestrian"


class LawfulOrder(StrEnum):
    """Which order of colours is lawful."""

    CHINA = "china"
    """Green, perhaps flashing, amber, red, green (GB 14886). Red and amber together: not lawful."""
    RED_AMBER = "red_amber"
    """Green, amber, red, red and amber, green (much of Europe)."""


class LampSettings(_Settings):
    """One lamp of a head."""

    colour: Colour
    shape: Shape = Shape.BALL
    centre: Pixel
    diameter_px: Annotated[float, Field(gt=0, le=500)]


class CountdownSettings(_Settings):
    """The digits beside a head that count seconds."""

    polygon: Polygon


class HeadSettings(_Settings):
    """One signal head."""

    name: Label = ""
    kind: HeadKind = HeadKind.VEHICLE
    polygon: Polygon
    """The outline of its housing: what a bus that stands before it hides."""
    lamps: Annotated[tuple[LampSettings, ...], Field(min_length=1, max_length=6)]
    """In their order from the top, or from the left."""
    group: Identifier
    """Its phase group: heads of one group show the same at the same time."""
    approach: Label = ""
    """The arm of the junction that it is for; heads of one approach that go dark together are one alarm."""
    countdown: CountdownSettings | None = None

    @model_validator(mode="after")
    def _lamps_differ(self) -> HeadSettings:
        faces = [(lamp.colour, lamp.shape) for lamp in self.lamps]
        for face in faces:
            if faces.count(face) > 1:
                raise ValueError(f"found two lamps {face[0]} {face[1]}, expected each colour and shape once in a head")
        return self


class FlashPeriod(_Settings):
    """When heads may flash all the time, as signals do at night."""

    start: time
    """Local, `HH:MM`."""
    end: time
    """Local; earlier than `start` means the next morning."""
    colour: Colour = Colour.AMBER
    groups: Annotated[tuple[Identifier, ...], Field(max_length=32)] = ()
    """Absent: all of them."""
    weekdays: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(max_length=7)] = ()
    """Of the evening it begins on, 1 is Monday. Absent: every day."""

    @model_validator(mode="after")
    def _lasts(self) -> FlashPeriod:
        if self.start == self.end:
            raise ValueError(f"found start and end {self.start:%H:%M}, expected them to differ")
        return self


class ColourDurations(_Settings):
    """How long a colour lasts in normal operation, seconds, as an installer accepted it after learning."""

    shortest: Seconds
    typical: Seconds
    longest: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> ColourDurations:
        if not self.shortest <= self.typical <= self.longest:
            raise ValueError("expected shortest ≤ typical ≤ longest")
        return self


class GroupPlan(_Settings):
    """The accepted cycle of a phase group: what is normal before weeks have been seen."""

    durations: Annotated[dict[Colour, ColourDurations], Field(max_length=4)]
    dark_seconds: Annotated[float, Field(ge=0, le=3600)] = 0
    """The longest time for which nothing is lit in normal operation; 0 for heads that always show something."""


class JudgeSettings(_Settings):
    """When what is seen is a fault. Defaults are the figures of detectors.md §3 and of its evaluation."""

    dark_seconds: Seconds = 20
    """Nothing lit for this long, or for twice the longest dark time that is normal, if that is more …"""
    dark_dwell_seconds: Annotated[float, Field(ge=0, le=600)] = 25
    """… and for this long beyond it."""
    visible_share: Share = 0.8
    """Of that time the head must have been seen."""
    stuck_seconds: Seconds = 180
    """No change for this long although others change, or for three times what is normal, if that is more."""
    flash_hz: tuple[float, float] = (0.7, 1.3)
    flash_duty: tuple[float, float] = (0.35, 0.70)
    flash_periods: Annotated[int, Field(ge=3, le=100)] = 8
    conflict_seconds: Annotated[float, Field(ge=0.2, le=60)] = 1.0
    conflict_cycles: Annotated[int, Field(ge=1, le=20)] = 2
    sequence_cycles: Annotated[int, Field(ge=1, le=20)] = 3
    lamp_cycles: Annotated[int, Field(ge=2, le=20)] = 3
    countdown_cycles: Annotated[int, Field(ge=2, le=20)] = 3
    clear_cycles: Annotated[int, Field(ge=1, le=20)] = 2
    """Normal cycles after which a fault is over."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"found {name!r}, expected an IANA time zone such as Asia/Shanghai") from None
    return name


class TrafficSignalSettings(_Settings):
    """What `detectors.traffic_signal` of a camera may hold."""

    heads: Annotated[dict[Identifier, HeadSettings], Field(min_length=1, max_length=48)]
    conflicts: Annotated[tuple[tuple[Identifier, Identifier], ...], Field(max_length=200)] = ()
    """Pairs of phase groups that are never green together."""
    order: LawfulOrder = LawfulOrder.CHINA
    night_flash: Annotated[tuple[FlashPeriod, ...], Field(max_length=16)] = ()
    timezone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Shanghai"
    plan: Annotated[dict[Identifier, GroupPlan], Field(max_length=48)] = Field(default_factory=dict)
    """By phase group: the cycle that was learned at set-up and accepted."""
    anchors: Annotated[tuple[Pixel, ...], Field(max_length=12)] = ()
    """Centres of things that stand still (kerbs, poles, signs), to find a shaken or moved camera by. Absent: chosen
    from the first pictures."""
    max_fps: Annotated[float, Field(ge=1, le=30)] = 8
    """Pictures looked at a second; flashing needs 4, LED flicker a few more. Single pictures seconds apart are enough
    for dark, stuck and failed lamps: see `key_frames`."""
    key_frames: bool = False
    """Look at single pictures only: many cameras a core, but no flashing, conflict, sequence or countdown."""
    judge: JudgeSettings = JudgeSettings()

    @model_validator(mode="after")
    def _groups_are_known(self) -> TrafficSignalSettings:
        groups = self.groups
        expected = f"expected one of the heads' groups: {', '.join(groups)}"
        for number, pair in enumerate(self.conflicts):
            for group in pair:
                if group not in groups:
                    raise ValueError(f"found conflicts[{number}] with {group!r}, {expected}")
            if pair[0] == pair[1]:
                raise ValueError(f"found conflicts[{number}] of {pair[0]!r} with itself, expected two groups")
        for group in self.plan:
            if group not in groups:
                raise ValueError(f"found plan.{group}, {expected}")
        for number, period in enumerate(self.night_flash):
            for group in period.groups:
                if group not in groups:
                    raise ValueError(f"found night_flash[{number}] with group {group!r}, {expected}")
        return self

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Phase groups with the ids of their heads, in the order of the heads."""
        found: dict[str, tuple[str, ...]] = {}
        for head_id, head in self.heads.items():
            found[head.group] = (*found.get(head.group, ()), head_id)
        return found
