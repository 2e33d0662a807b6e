"""How a stream comes: pictures a second, key frames, and how many of its pictures no other needs. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.streams.nal import is_disposable

GROUPS = 4
"""Of pictures that are remembered: cameras change their rhythm with the scene (variable rate, "smart" codecs)."""
LOOKED_AT = 250
"""Packets whose kind is read: an encoder does not change its pattern without a new session, and looking costs 2 µs."""
GROUP_PACKETS = 3000
"""Two minutes at 25 a second: a stream without a second key frame must not be counted for ever."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What is known of a stream. None: not yet."""

    role: str
    width: int
    height: int
    fps: float | None = None
    key_seconds: float | None = None
    """Between two key frames, the longest of the last few."""
    reference_share: float | None = None
    """Of pictures that others need; 1: every one."""


class Rhythm:
    """Follows the packets of one stream, in decode order."""

    def __init__(self, role: str, codec: str, width: int, height: int) -> None:
        self._role, self._codec = role, codec
        self._width, self._height = width, height
        self._groups: deque[tuple[float, int]] = deque(maxlen=GROUPS)
        """Length in seconds, packets."""
        self._key_at: float | None = None
        self._packets = 0
        self._looked = 0
        self._disposable = 0
        self._unknown = False

    def saw(self, media_time: float, data: bytes, *, is_key: bool) -> None:
        """Takes in a packet; `media_time` in seconds."""
        if is_key or self._packets >= GROUP_PACKETS:
            if self._key_at is not None and media_time > self._key_at:
                self._groups.append((media_time - self._key_at, self._packets))
            self._key_at, self._packets = media_time, 0
        self._packets += 1
        if self._looked < LOOKED_AT and not self._unknown:
            found = is_disposable(self._codec, data)
            self._unknown = found is None
            self._looked += 1
            self._disposable += bool(found)

    @property
    def facts(self) -> StreamFacts:
        """What is known so far: rates need two key frames."""
        seconds = sum(length for length, _ in self._groups)
        packets = sum(count for _, count in self._groups)
        known = seconds > 0
        share = None if self._unknown or not known or not self._looked else 1 - self._disposable / self._looked
        return StreamFacts(
            role=self._role,
            width=self._width,
            height=self._height,
            fps=packets / seconds if known else None,
            key_seconds=max(length for length, _ in self._groups) if known else None,
            reference_share=share,
        )
