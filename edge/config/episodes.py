"""When a source's observations become episodes, and how many alarms it may raise."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, model_validator

from contract.base import Slug
from edge.config.base import Settings
from edge.detectors.policy import EpisodePolicy

DaySeconds = Annotated[float, Field(ge=0, le=7 * 86_400)]
Confidence = Annotated[float, Field(ge=0, le=1)]


class BudgetSettings(Settings):
    """How many episodes of a hazard may be of the tier `alarm`; what is more goes to `review`, never to nothing.

    Absent: what the kind of detector states, for cameras 6 an hour and 20 a day. null: as many as there are.
    """

    alarms_per_hour: Annotated[int, Field(ge=0, le=10_000)] | None = None
    alarms_per_day: Annotated[int, Field(ge=0, le=100_000)] | None = None


class DetectorEpisodes(Settings):
    """What differs from the detector's own figures. What is absent stays as its kind states."""

    dwell_seconds: DaySeconds | None = None
    """How long something must be observed before an episode opens."""
    dwell_votes: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Observations that count within the dwell, each a fifth of it apart."""
    open_confidence: Confidence | None = None
    keep_confidence: Confidence | None = None
    clear_after_seconds: Annotated[float, Field(gt=0, le=7 * 86_400)] | None = None
    """How long nothing must be observed before an episode is over. Only where the kind clears by time."""
    cool_down_seconds: DaySeconds | None = None
    """For how long after an episode the same thing, no graver than it was, has no episode of its own."""
    stale_after_seconds: Annotated[float, Field(ge=60, le=366 * 86_400)] | None = None
    """An episode that lasts longer is said to be stale."""
    budget: BudgetSettings = BudgetSettings()

    @model_validator(mode="after")
    def _hysteresis_is_one(self) -> DetectorEpisodes:
        opens, keeps = self.open_confidence, self.keep_confidence
        if opens is not None and keeps is not None and keeps > opens:
            raise ValueError(f"found keep_confidence {keeps:g} over open_confidence {opens:g}, expected at most that")
        return self

    def applied_to(self, policy: EpisodePolicy) -> EpisodePolicy:
        """The policy with what is said here in place of its own."""
        said: dict[str, Any] = {
            name: value
            for name in DetectorEpisodes.model_fields
            if name != "budget" and (value := getattr(self, name)) is not None
        }
        if policy.clear_after_seconds is None:
            # Its detector alone knows when it is over: silence would end what is still there.
            said.pop("clear_after_seconds", None)
        said |= {name: getattr(self.budget, name) for name in self.budget.model_fields_set}
        changed = replace(policy, **said)
        return replace(changed, keep_confidence=min(changed.keep_confidence, changed.open_confidence))


class EpisodeSettings(DetectorEpisodes):
    """For all detectors of a source, and below `detectors` for one of them."""

    detectors: dict[Slug, DetectorEpisodes] = Field(default_factory=dict)

    def policy_for(self, detector: str, stated: EpisodePolicy) -> EpisodePolicy:
        """What holds for a detector whose kind states `stated`."""
        common = self.applied_to(stated)
        own = self.detectors.get(detector)
        return common if own is None else own.applied_to(common)
