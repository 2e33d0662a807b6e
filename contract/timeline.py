"""The lamp timeline: which lamps of which traffic signal heads were lit when, with unknown shown as unknown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contract.base import ContractModel, Identifier, Label, Slug, Timestamp
from contract.details import SignalLamp

MAX_SPANS = 4000
"""Of one head: half an hour of flashing once a second."""
MAX_TIMELINE_BYTES = 8 * 1024 * 1024
"""What a console draws. Forty-eight heads that change every two seconds for half an hour are 3 MB."""
OVERLAP_SECONDS = 0.002
"""Of spans that follow each other: what rounding to milliseconds makes of equal times."""


class LampSpan(ContractModel):
    """A time in which a head's state did not change. Seconds from the timeline's `zero_at`; negative before."""

    start: float
    end: float
    lit: Annotated[tuple[Annotated[int, Field(ge=0, lt=6)], ...], Field(max_length=6)] = ()
    """Indices into the head's lamps; empty: dark, unless `unseen` says that nobody knows."""
    unseen: Slug | None = None
    """Why nothing is known: occluded, fog, glare, moved, broken_picture, no_picture."""
    countdown: Literal["on", "off", "unknown"] | None = None

    @model_validator(mode="after")
    def _lasts(self) -> LampSpan:
        if self.end < self.start:
            raise ValueError(f"found end {self.end} before start {self.start}")
        return self


class HeadTimeline(ContractModel):
    """One head."""

    head: Identifier
    name: Label = ""
    approach: Label = ""
    group: Identifier
    concerned: bool
    """Whether the fault is (also) this head's."""
    lamps: Annotated[tuple[SignalLamp, ...], Field(min_length=1, max_length=6)]
    spans: Annotated[tuple[LampSpan, ...], Field(max_length=MAX_SPANS)]
    """In order, without overlap; where there is none, nothing is known."""

    @model_validator(mode="after")
    def _spans_follow_each_other(self) -> HeadTimeline:
        before = None
        for number, span in enumerate(self.spans):
            if before is not None and span.start < before.end - OVERLAP_SECONDS:
                raise ValueError(f"found spans[{number}] from {span.start}, the one before it ends at {before.end}")
            unknown = [index for index in span.lit if index >= len(self.lamps)]
            if unknown:
                raise ValueError(f"found spans[{number}] with lamp {unknown[0]}, the head has {len(self.lamps)}")
            before = span
        return self


class TimelineMoment(ContractModel):
    """Something that happened at one moment."""

    at: float
    """Seconds from `zero_at`."""
    what: Literal["began", "certain", "repaired", "over"]
    """The fault's beginning, the moment it was certain, the return to normal operation, and the proof of that."""


class SignalTimeline(ContractModel):
    """The document of the evidence kind `timeline`."""

    version: Literal[1] = 1
    zero_at: Timestamp
    """The wall time of second 0."""
    start: float
    end: float
    samples_per_second: Annotated[float, Field(gt=0)]
    heads: Annotated[tuple[HeadTimeline, ...], Field(min_length=1, max_length=48)]
    moments: Annotated[tuple[TimelineMoment, ...], Field(max_length=16)] = ()

    @model_validator(mode="after")
    def _lasts(self) -> SignalTimeline:
        if self.end <= self.start:
            raise ValueError(f"found end {self.end}, expected it after start {self.start}")
        return self
