"""Settings of `fire_smoke`. Defaults are the design's starting values, with what was measured since beside them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.base import Identifier, Label

Pixel = tuple[float, float]
Polygon = Annotated[tuple[Pixel, ...], Field(min_length=3, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Share = Annotated[float, Field(ge=0, le=1)]


class Hazard(StrEnum):
    """What burns can be seen by."""

    FIRE = "fire"
    SMOKE = "smoke"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LearnedSettings(_Settings):
    """How a model is asked and what of its answer counts."""

    min_confidence: Annotated[float, Field(ge=0.01, lt=1)] = 0.10
    """Low: a box is only a reason to look for seconds. Votes, behaviour and score decide."""
    smoke_min_confidence: Annotated[float, Field(ge=0.01, lt=1)] = 0.04
    """Of smoke, which the default model scores lower than fire on purpose."""
    fire_labels: tuple[Label, ...] = ("fire", "flame", "flames")
    smoke_labels: tuple[Label, ...] = ("smoke",)
    """Names of the model's classes, without regard to case."""
    heartbeat_seconds: Seconds = 10.0
    """The whole picture is shown to the model this often, whatever moves: slow smoke needs a look every 10-15 s."""
    ask_seconds: Seconds = 0.5
    """How often it is asked on suspicion: the fast path wants 10 looks in 5 s."""
    person_label: Label = "person"
    """Class of `people_model` that makes a fire graver."""

    def least(self, hazard: Hazard) -> float:
        """The confidence from which a box counts."""
        return self.smoke_min_confidence if hazard is Hazard.SMOKE else self.min_confidence


class GateSettings(_Settings):
    """What draws attention, and when the picture shows nothing that can be judged."""

    start_seconds: Seconds = 2.0
    """A stream begins with broken pictures; restlessness needs a time constant to settle."""
    flooded_share: Share = 0.6
    """Of the picture: more that changes at once is fog, rain, a moving camera or a switched-on light."""
    reseed_seconds: Seconds = 3.0
    """Flooded for so long, what was learned is forgotten: "busy, so do not learn" would never end."""
    flame_restless: Annotated[float, Field(ge=1, le=100)] = 6.0
    """Levels of grey by which flame-coloured pixels must stray. Flames of three real clips: 8-40; still lamps: < 2."""
    flame_presence: Share = 0.20
    """Share of the last seconds in which a pixel had a flame's colour: tongues come and go, tail lights pass once."""
    flame_px: Annotated[int, Field(ge=4, le=10_000)] = 12
    """Smallest flame in pixels of the 320-column working picture: 14 × 14 px of a 1280-column one."""
    smoke_cells: Annotated[int, Field(ge=4, le=3600)] = 14
    """Smallest haze in cells of the 80-column grid. Below, noise and the fronts of cars make such patches."""


class TubeSettings(_Settings):
    """How looks become a tube: the same thing at the same place over time."""

    min_iou: Annotated[float, Field(gt=0, lt=1)] = 0.2
    contained: Annotated[float, Field(gt=0, le=1)] = 0.6
    """… or so much of the smaller box inside of the larger one: flames split and join."""
    window_seconds: Seconds = 20.0
    votes: Annotated[int, Field(ge=2, le=20)] = 10
    """Of the window's seconds, each counting once …"""
    spread_votes: Annotated[int, Field(ge=1, le=20)] = 5
    """… and of those so many at least 2 s apart: five correlated frames are one vote."""
    fast_seconds: Seconds = 5.0
    fast_votes: Annotated[int, Field(ge=2, le=10)] = 8
    """Flames only: of ten half-second slots, with all of the behaviour."""
    lost_seconds: Seconds = 10.0
    """A tube that is not seen for so long is over: a bus may stand before a fire."""
    area_variation: Share = 0.05
    """Coefficient of variation of the area: flames breathe, lamps do not."""


class BehaviourSettings(_Settings):
    """What contradicts fire so clearly that no confidence outweighs it."""

    burst_seconds: Seconds = 2.0
    min_in_band: Share = 0.25
    """Share of power at 1-12 Hz. Flames of three real clips: 0.5-0.8; slow lights and clouds: below 0.2."""
    min_flicker: Annotated[float, Field(ge=0, le=255)] = 12.0
    """Levels at 1-12 Hz that are enough whatever is slow beside them: a camera that pans sees everything change.
    Flames of a real one: 13-18; screens that show films: 9-13."""
    max_line: Share = 0.85
    """Share in a single line: a beacon or a pulsed sign. Flames: 0.3-0.6."""
    max_together: Share = 0.85
    """All cells in step: one lamp. Flames: 0.1-0.6."""
    min_churn: Share = 0.08
    """How much of the flame-coloured outline is another one 0.2 s later. Lamps: 0-0.03; flames: 0.15-0.6."""
    min_constancy: Share = 0.35
    """Median change over mean change. Flames and smoke of real clips: 0.8-1; what blinks or cuts: 0-0.3."""
    min_change: Annotated[float, Field(ge=0, le=255)] = 1.5
    """Levels within 0.2 s: a photograph of a fire, a sunset and a sign stand still but for noise (0.3-1)."""
    min_restless: Annotated[float, Field(ge=0, le=255)] = 0.5
    """Of haze: less is a cloud, a wall or a stain on the glass."""
    max_drift: Annotated[float, Field(gt=0, le=10)] = 0.5
    """Box lengths a second: vehicles move, fires do not."""
    max_base_drift: Annotated[float, Field(gt=0, le=10)] = 0.35
    """Standard deviation of the base in box heights, over the tube's window: fires stand on something."""


class TimingSettings(_Settings):
    """When a fire is told, and when it is critical. Seconds since it was first seen."""

    fire_warning_seconds: Seconds = 5.0
    smoke_warning_seconds: Seconds = 15.0
    fire_critical_seconds: Seconds = 10.0
    smoke_critical_seconds: Seconds = 30.0
    witness_seconds: Seconds = 60.0
    witness_m: Annotated[float, Field(gt=0, le=10_000)] = 50.0
    """A temperature, carbon monoxide or another camera so near and so recent makes a warning critical at once."""


class ScoreSettings(_Settings):
    """What the calibrated score must be, and the site's own calibration."""

    review: Share = 0.35
    """From here a tube is told, to be looked at …"""
    alarm: Share = 0.60
    """… and from here it may wake somebody, and become critical."""
    slope: Annotated[float, Field(gt=0, le=10)] = 1.0
    offset: Annotated[float, Field(ge=-10, le=10)] = 0.0
    """Of the site: logit' = slope × logit + offset. From 200 labels on (`score.fit_site`)."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Replaces single weights of `score.FIRE` and `score.SMOKE`, as `fire.model` or `smoke.softness`."""


class AllowedRegion(_Settings):
    """Where it may burn: a chimney, a kitchen, a welding bay. What is usual is learned by the hour of the week."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    polygon: Polygon
    """Picture pixels. A tube belongs to it whose box lies in it by more than half."""
    hazards: Annotated[tuple[Hazard, ...], Field(min_length=1)] = (Hazard.FIRE, Hazard.SMOKE)
    learn_days: Annotated[float, Field(ge=1, le=60)] = 14.0
    """Until then nothing of it is told. Two weeks hold each hour of the week twice."""
    unusual_area: Annotated[float, Field(ge=1, le=100)] = 3.0
    """Times the largest area that is usual there: a chimney fire is larger than a chimney's smoke."""
    unusual_share: Share = 0.02
    """Of the hours like this one in which it burned before: less is unusual, and goes to review."""


class StageSettings(_Settings):
    """Switches stages off, to measure what each is worth. Never in service."""

    tube: bool = True
    behaviour: bool = True
    calibration: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> StageSettings:
        if (self.behaviour and not self.tube) or (self.calibration and not self.behaviour):
            raise ValueError(
                "found a stage without the one before it, expected them in order: tube, behaviour, calibration"
            )
        return self


class FireSmokeSettings(_Settings):
    """What `detectors.fire_smoke` of a camera may hold. All of it may be left out."""

    model: Identifier | None = None
    """Name of a model in `inference.models`. Absent: the classical proposers alone, which see less."""
    people_model: Identifier | None = None
    """Name of a model that knows people: a fire with somebody beside it is red at once."""
    hazards: Annotated[tuple[Hazard, ...], Field(min_length=1)] = (Hazard.FIRE, Hazard.SMOKE)
    classical: bool = True
    """Whether the classical proposers take part beside a model."""
    watch: Polygon | None = None
    """Picture pixels; absent: all of it."""
    ignore: Annotated[tuple[Polygon, ...], Field(max_length=50)] = ()
    """Never looked at: a television, a road full of brake lights. Better `allowed` where it may really burn."""
    allowed: Annotated[tuple[AllowedRegion, ...], Field(max_length=20)] = ()
    timezone: str = "Asia/Shanghai"
    """Of the hours of the week that allowed regions are learned by."""
    max_fps: Annotated[float, Field(ge=1, le=30)] = 15.0
    """Frames looked at a second. Flames flicker at 1-12 Hz, most of it below 7; 5 a second do, with less proof."""
    learned: LearnedSettings = LearnedSettings()
    gate: GateSettings = GateSettings()
    tubes: TubeSettings = TubeSettings()
    behaviour: BehaviourSettings = BehaviourSettings()
    timing: TimingSettings = TimingSettings()
    score: ScoreSettings = ScoreSettings()
    stages: StageSettings = StageSettings()

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"found {name!r}, expected a time zone such as Asia/Shanghai") from error
        return name

    @model_validator(mode="after")
    def _check(self) -> FireSmokeSettings:
        if self.model is None and not self.classical:
            raise ValueError("found classical: false without a model, expected one of both to look for fire")
        names = [region.name for region in self.allowed]
        if len(set(names)) < len(names):
            raise ValueError(
                "found two allowed regions of one name, expected each name once: what is learned goes by it"
            )
        if self.score.alarm < self.score.review:
            raise ValueError(f"found score.alarm {self.score.alarm:g}, expected at least score.review")
        return self
