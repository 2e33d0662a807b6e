"""The lamp timeline: which lamps of which traffic signal heads were lit when, with unknown shown as unknown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from contract.base import ContractModel, Identifier, Label, Slug, Timestamp
from contract.details import SignalLamp

MAX_SPANS = 4000
"""Of one head: half an hour of flashing once a second."""


class LampSpan(ContractModel):
    """A time in which a head's state did not change. Seconds from the timeline's `zero_at`; negative before."""

    start: float
    end: float
    lit: Annotated[tuple[Annotated[int, Field(ge=0, lt=6)], ...], Field(max_length=6)] = ()
    """Indices into the head's lamps; empty: dark, unless `unseen` says that nobody knows."""
    unseen: Slug | None = None
    """Why nothing is known: occluded, fog, glare, moved, broken_picture, no_picture."""
    countdown: Literal["on", "off", "unknown"] | None = None


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
    """In order, without overlap."""


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
