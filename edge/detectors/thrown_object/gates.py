"""What a track must show before it is called a fall, and how much it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from contract.events import Tier
from edge.detectors.thrown_object.settings import GateSettings, TierSettings
from edge.detectors.thrown_object.sightings import Sighting
from edge.vision.arrays import Doubles
from edge.vision.parabola import Fall, fit_fall
from edge.vision.regions import depth_inside

CROWD_SECONDS = (0.12, 0.6)
"""How much earlier or later something else must have been at a place: sooner it is a piece of the thing itself."""


class Refusal(StrEnum):
    """Why a track is no fall."""

    FEW_OBSERVATIONS = "few_observations"
    SHORT = "short"
    SELDOM_SEEN = "seldom_seen"
    LITTLE_DROP = "little_drop"
    ACCELERATION = "acceleration"
    UNSURE_ACCELERATION = "unsure_acceleration"
    START_SPEED = "start_speed"
    END_SPEED = "end_speed"
    SIDEWAYS = "sideways"
    NO_PARABOLA = "no_parabola"
    BORN_AT_BORDER = "born_at_border"
    BORN_OUTSIDE = "born_outside"
    TOO_EARLY = "too_early"
    CROWDED = "crowded"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a track shows: its fitted fall, and how completely it was seen."""

    fall: Fall
    sightings: tuple[Sighting, ...]
    """Those that the fit keeps."""
    coverage: float
    drop_m: float
    start_speed_mps: float
    end_speed_mps: float


@dataclass(frozen=True, slots=True)
class BirthLimits:
    """How near to the border something may be first seen, in pixels, and how long a frame lasts."""

    border_px: float
    frame_seconds: float


class FrameClock:
    """Which frames could have shown something: numbers and times of unique, non-busy frames, and their rate."""

    def __init__(self) -> None:
        self.count = 0
        self._interval: float | None = None
        self._last: float | None = None

    def tick(self, t: float) -> int:
        """The number of the unique, non-busy frame at time `t`."""
        if self._last is not None and 0 < t - self._last < 1:
            step = t - self._last
            self._interval = step if self._interval is None else self._interval + 0.05 * (step - self._interval)
        self._last = t
        self.count += 1
        return self.count

    @property
    def fps(self) -> float:
        """Unique frames a second, averaged over about twenty."""
        return 25.0 if not self._interval else 1 / self._interval


def observations_needed(settings: GateSettings, fps: float) -> int:
    """Between the figures at 10 and 25 fps in proportion, and no further."""
    share = min(max((fps - 10) / 15, 0.0), 1.0)
    low, high = settings.observations_at_10_fps, settings.observations_at_25_fps
    return round(low + share * (high - low))


def weigh(sightings: Sequence[Sighting]) -> Evidence:
    """Fits a fall, leaves out sightings more than three residuals away (once), and measures what is left."""
    kept = list(sightings)
    fall = _fit(kept)
    limit = max(3 * fall.residual_m, 0.1)
    close = [s for s in kept if _off_m(fall, s) <= limit]
    if 4 <= len(close) < len(kept):
        kept = close
        fall = _fit(kept)
    first, last = kept[0], kept[-1]
    return Evidence(
        fall=fall,
        sightings=tuple(kept),
        coverage=len(kept) / (last.frame - first.frame + 1),
        drop_m=fall.position_m(first.t)[1] - fall.position_m(last.t)[1],
        start_speed_mps=fall.speed_mps(first.t),
        end_speed_mps=fall.speed_mps(last.t),
    )


def refusal(evidence: Evidence, settings: GateSettings, fps: float) -> Refusal | None:
    """The first gate that the evidence does not pass; None: it is a fall. Where it was born is judged apart."""
    fall, sightings = evidence.fall, evidence.sightings
    end_speed = evidence.end_speed_mps
    mean_scale = sum(s.per_pixel_m for s in sightings) / len(sightings)
    residual_limit = max(settings.residual_m, settings.residual_px * mean_scale)
    residual_limit += end_speed * settings.timing_error_seconds
    checks = (
        (len(sightings) >= observations_needed(settings, fps), Refusal.FEW_OBSERVATIONS),
        (sightings[-1].t - sightings[0].t >= settings.duration_seconds, Refusal.SHORT),
        (evidence.coverage >= settings.coverage, Refusal.SELDOM_SEEN),
        (evidence.drop_m >= settings.drop_m, Refusal.LITTLE_DROP),
        (_within(fall.acceleration_mps2, settings.acceleration_mps2), Refusal.ACCELERATION),
        (
            fall.acceleration_mps2 >= settings.acceleration_errors * fall.acceleration_error_mps2,
            Refusal.UNSURE_ACCELERATION,
        ),
        (evidence.start_speed_mps <= settings.start_speed_mps, Refusal.START_SPEED),
        (_within(end_speed, settings.end_speed_mps), Refusal.END_SPEED),
        (abs(fall.sideways_mps) <= settings.sideways * end_speed, Refusal.SIDEWAYS),
        (fall.residual_m <= residual_limit, Refusal.NO_PARABOLA),
        (sightings[0].t >= settings.ignore_first_seconds, Refusal.TOO_EARLY),
    )
    return next((reason for passed, reason in checks if not passed), None)


def birth_refusal(
    birth: Sighting, evidence: Evidence, facade: Sequence[tuple[float, float]], limits: BirthLimits
) -> Refusal | None:
    """Whether it came from the façade (a polygon in pixels), or from beyond its border as rain does.

    Something fast is well inside when it is first seen: where it was one frame before counts, too.
    """
    if depth_inside(facade, birth.x, birth.y) <= 0:
        return Refusal.BORN_OUTSIDE
    back = limits.frame_seconds / birth.per_pixel_m
    before = (birth.x - evidence.fall.sideways_mps * back, birth.y - max(evidence.start_speed_mps, 0) * back)
    depth = min(depth_inside(facade, birth.x, birth.y), depth_inside(facade, *before))
    return Refusal.BORN_AT_BORDER if depth < limits.border_px else None


def crowd_refusal(evidence: Evidence, others: Doubles, settings: GateSettings) -> Refusal | None:
    """Whether its way leads through places that are occupied anyway: leaves, flames and flicker offer any parabola.

    `others` are (n, 3 or more) rows of other sightings: t, x in metres, y in metres.
    """
    own = np.array([(s.t, s.x_m, s.y_m, s.slack_m) for s in evidence.sightings])[:, None, :]
    apart = np.abs(others[None, :, 0] - own[..., 0])
    off = np.hypot(others[None, :, 1] - own[..., 1], others[None, :, 2] - own[..., 2])
    nearest, furthest = CROWD_SECONDS
    crowded = ((apart > nearest) & (apart <= furthest) & (off <= own[..., 3])).any(axis=1)
    return Refusal.CROWDED if crowded.mean() > settings.crowded else None


def tier_of(evidence: Evidence, settings: TierSettings, fps: float) -> Tier:
    """By how much was seen, not by the acceleration itself: scale and view bend that."""
    needed = max(5, round(settings.observations * min(fps / 25, 1)))
    error = evidence.fall.acceleration_error_mps2
    strong = (
        len(evidence.sightings) >= needed
        and evidence.coverage >= settings.coverage
        and evidence.drop_m >= settings.drop_m
        and evidence.fall.acceleration_mps2 >= settings.acceleration_errors * error
    )
    return Tier.ALARM if strong else Tier.REVIEW


def confidence_of(evidence: Evidence, tier: Tier) -> float:
    """0.4-0.9. Not yet calibrated against verdicts: monotone in what was seen, and never certain.

    Review begins below one in two, as makers of such cameras report of theirs; an alarm needs twice the evidence.
    """
    seen = min(len(evidence.sightings) / 30, 1.0)
    whole = min(max((evidence.coverage - 0.5) / 0.4, 0.0), 1.0)
    far = min(evidence.drop_m / 15, 1.0)
    strength = (seen + whole + far) / 3
    return round((0.55 if tier is Tier.ALARM else 0.4) + 0.35 * strength, 3)


def _fit(sightings: Sequence[Sighting]) -> Fall:
    table = np.array([(s.t, s.x_m, s.y_m) for s in sightings])
    return fit_fall(table[:, 0], table[:, 1], table[:, 2])


def _off_m(fall: Fall, sighting: Sighting) -> float:
    x_m, y_m = fall.position_m(sighting.t)
    return float(np.hypot(sighting.x_m - x_m, sighting.y_m - y_m))


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
