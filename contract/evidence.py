"""Evidence descriptors: what supports an event. The bytes travel separately, named by their hash."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from contract.base import ContractModel, Label, Sha256Hex, Slug, Timestamp, Uuid7

MediaType = Annotated[
    str,
    StringConstraints(
        pattern=r'^[a-z]+/[a-z0-9.+-]{1,100}(; codecs="[A-Za-z0-9.]{1,64}(, ?[A-Za-z0-9.]{1,64}){0,3}")?$'
    ),
]
"""A media type; of video with its codecs (RFC 6381), so that a browser can be asked whether it plays it."""


class EvidenceKind(StrEnum):
    """The kinds we make. The set is open: a descriptor may carry another slug."""

    SNAPSHOT = "snapshot"
    OVERLAY = "overlay"
    """A snapshot with what the detector saw drawn on it."""
    CLIP = "clip"
    TRACK = "track"
    TELEMETRY = "telemetry"
    TIMELINE = "timeline"
    """Which lamp of a traffic signal was lit when: `contract.timeline`."""
    BEFORE = "before"
    AFTER = "after"


class Evidence(ContractModel):
    """One file. `bytes` is its length; `captured_at` the time of its first content."""

    sha256: Sha256Hex
    kind: Slug
    media_type: MediaType
    bytes: Annotated[int, Field(gt=0, le=2**40)]
    captured_at: Timestamp
    redacted: bool
    short_seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """A clip: how much of what was asked for is missing, because the box had not kept it."""
    label: Label | None = None
    """What of the scene it shows, where that is not all of it: a signal head's id."""


class DropReason(StrEnum):
    """Why a box gave up a file that the server has not got."""

    QUOTA = "quota"
    """The box's share for evidence was used up."""
    DISK_SHORT = "disk_short"
    """The disk ran short of free space."""
    LOST = "lost"
    """The file could not be written, or is damaged or gone."""


class DroppedFile(ContractModel):
    """A file that will never come."""

    sha256: Sha256Hex
    kind: Slug
    bytes: Annotated[int, Field(gt=0, le=2**40)]
    episode_id: Uuid7 | None = None
    """The first episode that listed it; None where the box no longer knows."""
