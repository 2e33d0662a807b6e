"""Evidence descriptors: what supports an event. The bytes travel separately, named by their hash."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from contract.base import ContractModel, Sha256Hex, Slug, Timestamp

MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}$")]


class EvidenceKind(StrEnum):
    """The kinds we make. The set is open: a descriptor may carry another slug."""

    SNAPSHOT = "snapshot"
    OVERLAY = "overlay"
    """A snapshot with what the detector saw drawn on it."""
    CLIP = "clip"
    TRACK = "track"
    TELEMETRY = "telemetry"
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
