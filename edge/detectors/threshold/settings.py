"""Settings of the threshold detector."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.base import Label, Slug
from contract.details import DETAILS, SENSOR_HAZARDS, SensorDetail
from contract.events import Severity, Tier

CLEAR_SHARE = 0.9
"""Where a rule clears if it does not say: nine tenths of its limit (detectors.md §5)."""


class ThresholdRule(BaseModel):
    """One limit on one channel. Exactly one of `above` and `below` is given, in the channel's unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    hazard: Slug
    channel: Label
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    """Where the reading must return to before the episode ends. Absent: 10 % of the limit back from it."""
    dwell_seconds: Annotated[float, Field(ge=0, le=86_400)] = 3
    """How long the limit must be exceeded without a break before the episode opens."""
    clear_dwell_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    """How long the reading must stay beyond `clear` before the episode ends."""
    severity: Severity = Severity.YELLOW
    tier: Tier = Tier.ALARM
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.95
    """What a calibrated sensor's limit is worth; lower it for a sensor that is known to be wrong at times."""

    @field_validator("hazard")
    @classmethod
    def _is_a_sensors(cls, hazard: str) -> str:
        if DETAILS.get(hazard, SensorDetail) is not SensorDetail:
            told = ", ".join(SENSOR_HAZARDS)
            raise ValueError(f"found {hazard!r}, which cameras see; expected what sensors measure: {told}, or another")
        return hazard

    @model_validator(mode="after")
    def _limits_fit(self) -> ThresholdRule:
        if (self.above is None) == (self.below is None):
            found = "neither" if self.above is None else "both"
            raise ValueError(f"found {found} of above and below, expected exactly one of them")
        if self.above is not None and self.clear_limit > self.above:
            raise ValueError(f"found clear {self.clear_limit:g} over above {self.above:g}, expected at most that")
        if self.below is not None and self.clear_limit < self.below:
            raise ValueError(
                f"found clear {self.clear_limit:g} under below {self.below:g}, expected at least the limit"
            )
        return self

    @property
    def set_limit(self) -> float:
        """The limit, whichever way it works."""
        limit = self.above if self.above is not None else self.below
        assert limit is not None
        return limit

    @property
    def clear_limit(self) -> float:
        """Where the rule clears."""
        if self.clear is not None:
            return self.clear
        # "10 % back" must lead away from the limit on either side of zero.
        step = (1 - CLEAR_SHARE) * abs(self.set_limit)
        return self.set_limit - step if self.above is not None else self.set_limit + step

    @property
    def slug(self) -> str:
        """A short name that tells the rules of one source apart: `level_above_1_2`."""
        side = "above" if self.above is not None else "below"
        text = re.sub(r"[^a-z0-9]+", "_", f"{self.channel}_{side}_{self.set_limit:g}".lower()).strip("_")
        return text[:64] if text[:1].isalpha() else f"rule_{text}"[:64]


class ThresholdSettings(BaseModel):
    """The limits of one sensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: Annotated[tuple[ThresholdRule, ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _rules_are_distinct(self) -> ThresholdSettings:
        seen: set[tuple[str, str]] = set()
        for rule in self.rules:
            key = (rule.hazard, rule.slug)
            if key in seen:
                raise ValueError(f"found two rules for {rule.hazard} with the limit {rule.slug}, expected one")
            seen.add(key)
        return self
