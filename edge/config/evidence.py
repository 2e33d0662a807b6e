"""How much evidence is made and kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from contract.base import Identifier, Label
from edge.config.base import Settings

_MIB = 1024 * 1024
_GIB = 1024 * _MIB


PEOPLE_AND_VEHICLES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
"""As COCO's list, and networks that were trained on it, call them."""


class BlurSettings(Settings):
    """People and vehicles in stills, made unrecognisable before the files are made."""

    model: Identifier
    """One of `inference.models`."""
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=100)] = PEOPLE_AND_VEHICLES
    """Of the model's labels, what is blurred."""
    min_score: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Low: a bush that is blurred costs nothing, a face that is not cannot be called back. The model's own `min_score`
    must not be above it."""
    spare_concerned: bool = False
    """Leaves what the alarm is about as it is: the lorry that blocks a lane, with its plate. Such a still is not said
    to be redacted."""
    when_unable: Literal["keep", "withhold"] = "keep"
    """If the model does not answer: the still as it is, said not to be redacted, or none. An alarm without a picture is
    judged late or wrongly."""
    clips: Literal["keep", "withhold"] = "keep"
    """Clips are the camera's own packets, which nobody can blur: said not to be redacted, or not made."""
    patience_seconds: Annotated[float, Field(gt=0, le=120)] = 20
    """For how long a still waits for the model; the event does not."""


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
    blur: BlurSettings | None = None
    """Absent: stills are as the camera took them, and said not to be redacted."""
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
