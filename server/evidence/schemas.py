"""What the API shows of evidence."""

from __future__ import annotations

from enum import StrEnum


class EvidenceState(StrEnum):
    """How much of a file is here."""

    EXPECTED = "expected"
    """Announced by an event, not a byte yet."""
    PARTIAL = "partial"
    WHOLE = "whole"
    """Here, and its hash is right."""
    DROPPED = "dropped"
    """The device gave it up: it will never come."""
