"""What to decode, from what the detectors need and what the camera sends. Pure: no stream is touched here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.detectors.registry import FrameNeeds
from edge.sources.decoding import DecodeMode
from edge.streams.rhythm import StreamFacts

HEALTH_NEEDS = FrameNeeds(fps=1, min_height=0, key_frames=True)
"""What the camera's own health wants of any stream: a picture a second, single ones will do."""
MAX_KEY_SECONDS = 10.0
"""Longer groups than this do not even serve those who say that single pictures are enough: a covered camera must be
found within 30 s, and that takes three."""
RATE_TOLERANCE = 0.95
"""A camera set to 25 sends 24.x: that is what was asked for."""

_ORDER = (DecodeMode.FULL, DecodeMode.SKIP_NON_REFERENCE, DecodeMode.KEY_FRAMES)


@dataclass(frozen=True, slots=True)
class DecodePlan:
    """Which stream is decoded, and how much of it."""

    role: str
    mode: DecodeMode


def decode_plan(needs: Sequence[FrameNeeds], streams: Sequence[StreamFacts]) -> DecodePlan:
    """The cheapest way to serve all needs: the smallest stream that is high enough, and the fewest of its pictures.

    Where no stream is high enough, the highest. What is not known of a stream's rhythm yet is decoded in full.

    Raises:
        ValueError: there is no stream.
    """
    if not streams:
        raise ValueError("a plan needs at least one stream")
    wanted = max((need.min_height for need in needs), default=0)
    by_height = sorted(streams, key=lambda stream: stream.height)
    chosen = next((stream for stream in by_height if stream.height >= wanted), by_height[-1])
    return DecodePlan(chosen.role, _mode(needs, chosen))


def leaner(one: DecodeMode, other: DecodeMode) -> DecodeMode:
    """The one of two modes that decodes less."""
    return max(one, other, key=_ORDER.index)


def _mode(needs: Sequence[FrameNeeds], stream: StreamFacts) -> DecodeMode:
    if stream.key_seconds is None or stream.fps is None:
        return DecodeMode.FULL
    if all(_single_pictures_do(need, stream.key_seconds) for need in needs):
        return DecodeMode.KEY_FRAMES
    if stream.reference_share is None or stream.reference_share >= 1:
        return DecodeMode.FULL
    left = stream.fps * stream.reference_share
    fastest = max((need.fps for need in needs if not need.key_frames), default=0.0)
    return DecodeMode.SKIP_NON_REFERENCE if left >= RATE_TOLERANCE * fastest else DecodeMode.FULL


def _single_pictures_do(need: FrameNeeds, key_seconds: float) -> bool:
    if need.key_frames:
        return key_seconds <= MAX_KEY_SECONDS
    return need.fps * key_seconds * RATE_TOLERANCE <= 1
