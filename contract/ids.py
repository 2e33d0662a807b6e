"""UUIDv7 (RFC 9562 §5.7): ids that sort by time, so that indexes stay dense."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

IdFactory = Callable[[datetime], str]
"""Makes an id for something that happened at the given time."""

_RANDOM_BITS = 74


def uuid7(at: datetime) -> str:
    """A new random UUIDv7 for an aware time `at` (millisecond resolution)."""
    return _assemble(at, int.from_bytes(os.urandom(10)))


class DeterministicIds:
    """UUIDv7s from a seed and a counter: the same replay gives the same ids."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def __call__(self, at: datetime) -> str:
        digest = hashlib.sha256(f"{self._seed}\x00{self._count}".encode()).digest()
        self._count += 1
        return _assemble(at, int.from_bytes(digest[:10]))


def uuid7_time(value: str) -> datetime:
    """The time inside a UUIDv7.

    Raises:
        ValueError: `value` is not a UUIDv7.
    """
    parsed = uuid.UUID(value)
    if parsed.version != 7:
        raise ValueError(f"{value!r} is a UUIDv{parsed.version}, expected version 7")
    return datetime.fromtimestamp((parsed.int >> 80) / 1000, tz=UTC)


def _assemble(at: datetime, noise: int) -> str:
    if at.tzinfo is None:
        raise ValueError("an id needs an aware time")
    # Whole numbers only: float seconds would round some milliseconds down.
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    delta = at - epoch
    milliseconds = (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
    noise &= (1 << _RANDOM_BITS) - 1
    rand_a, rand_b = noise >> 62, noise & ((1 << 62) - 1)
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b))
