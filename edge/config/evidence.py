"""How much evidence is made and kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edge.config.base import Settings

_MIB = 1024 * 1024
_GIB = 1024 * _MIB


class EvidenceSettings(Settings):
    """What is made for an episode, and how much of it this box keeps."""

    clip_before_seconds: Annotated[float, Field(ge=0, le=60)] = 5
    clip_after_seconds: Annotated[float, Field(ge=0, le=60)] = 5
    clip_limit_seconds: Annotated[float, Field(gt=0, le=600)] = 60
    ring_seconds: Annotated[float, Field(gt=0, le=900)] = 75
    """Clip limit + the longest usual key frame interval (10 s) + lag."""
    ring_bytes: Annotated[int, Field(ge=1_000_000)] = 64 * _MIB
    """75 s at 7 Mbit/s. Of one camera."""
    ring_total_bytes: Annotated[int, Field(ge=1_000_000)] = 512 * _MIB
    """Of all cameras of one worker process: eight full rings; with more cameras each gets its share."""
    jpeg_quality: Annotated[int, Field(ge=30, le=100)] = 85
    burn_overlay: bool = False
    """Also make a picture with the track drawn on it; the console draws the track itself."""
    hevc_clips: Literal["keep", "transcode"] = "keep"
    """Clips of H.265 cameras: as they are (browsers play them where the machine's own decoder helps), or encoded again
    as H.264 (every browser plays them; seconds of a core for each clip)."""
    keep_uploaded_hours: Annotated[float, Field(ge=0, le=24 * 365)] = 0
    """How long a file stays here after the server has it whole."""
    quota_bytes: Annotated[int, Field(ge=1_000_000)] = 20 * _GIB
    """Of all files of evidence: some 10,000 clips of 2 MB, a week of a bad camera without a server."""
    min_free_bytes: Annotated[int, Field(ge=0)] = 2 * _GIB
    """What is left free on the disk for everybody else, or `min_free_share` of the disk if that is less."""
    min_free_share: Annotated[float, Field(ge=0, le=0.9)] = 0.05
    """On a 16 GB card 2 GB would be an eighth of it."""
    max_waiting_event_bytes: Annotated[int, Field(ge=1_000_000)] = 512 * _MIB
    """What the outbox may hold before updates below red are withheld: some 200,000 events, days of a storm."""
