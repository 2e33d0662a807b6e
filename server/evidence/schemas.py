"""What the API shows of evidence."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from contract.base import Sha256Hex


class EvidenceState(StrEnum):
    """How much of a file is here."""

    EXPECTED = "expected"
    """Announced by an event, not a byte yet."""
    PARTIAL = "partial"
    WHOLE = "whole"
    """Here, and its hash is right."""


class EvidenceView(BaseModel):
    """One file that supports an episode."""

    sha256: Sha256Hex
    kind: str
    media_type: str
    bytes: int
    captured_at: datetime
    redacted: bool
    state: EvidenceState
