"""How much evidence is made and kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edge.config.base import Settings


class EvidenceSettings(Settings):
    """How much is kept for an episode."""

    clip_before_seconds: Annotated[float, Field(ge=0, le=60)] = 5
    clip_after_seconds: Annotated[float, Field(ge=0, le=60)] = 5
    clip_limit_seconds: Annotated[float, Field(gt=0, le=600)] = 60
    ring_seconds: Annotated[float, Field(gt=0, le=900)] = 75
    """Clip limit + the longest usual key frame interval (10 s) + lag."""
    ring_bytes: Annotated[int, Field(ge=1_000_000)] = 64 * 1024 * 1024
    """75 s at 7 Mbit/s."""
    jpeg_quality: Annotated[int, Field(ge=30, le=100)] = 85
    keep_uploaded_hours: Annotated[float, Field(ge=0, le=24 * 365)] = 0
    """How long a file stays here after the server has it whole."""
