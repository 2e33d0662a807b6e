"""What a sensor log is made of, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class TimeFormat(StrEnum):
    """How a payload says when it was measured."""

    ISO = "iso"
    EPOCH_MS = "epoch_ms"


@dataclass(frozen=True, slots=True)
class Channel:
    """One measured value: a base, a slow daily wave, and noise that is partly carried from one reading to the next."""

    key: str
    """Below `data` in the payload."""
    unit: str
    base: float
    noise: float
    daily: float = 0.0
    """Amplitude of the daily wave."""
    daily_seconds: float = 86_400.0
    """Its period; short logs squeeze a day into seconds."""
    carried: float = 0.6
    """Correlation of the noise between neighbouring readings: sensors have inertia."""
    lowest: float = 0.0
    highest: float = 1e9
    decimals: int = 3


@dataclass(frozen=True, slots=True)
class Rise:
    """A channel goes up by `height`, stays, and comes back: a surge, a leak. `fall_seconds` 0: it never does."""

    channel: str
    at_seconds: float
    rise_seconds: float
    hold_seconds: float
    fall_seconds: float
    height: float


@dataclass(frozen=True, slots=True)
class Limit:
    """When it is a hazard: the undisturbed value above `above`, until it is below `clear`."""

    hazard: str
    channel: str
    above: float
    clear: float
    dwell_seconds: float = 2.0
    clear_dwell_seconds: float = 2.0
    severity: str = "red"


@dataclass(frozen=True, slots=True)
class Faults:
    """What sensors, modems and brokers do to a log; counts over its whole length."""

    spikes: int = 0
    """Single readings far beyond the limit, or at nothing during an episode."""
    gaps: tuple[tuple[float, float], ...] = ()
    """(start, length) in seconds: no reading at all."""
    duplicates: int = 0
    swapped: int = 0
    """Neighbours that arrive in the wrong order."""
    not_a_number: int = 0
    """The value is the text "NaN", null, or an error word."""
    garbage: int = 0
    """Payloads that are no JSON."""


@dataclass(frozen=True, slots=True)
class SensorLog:
    """One sensor's log. `source` is the source's id and the file's stem."""

    source: str
    seed: int
    name: str
    kind: str
    """What it is and what happens, for people."""
    seconds: float
    period_seconds: float
    channels: tuple[Channel, ...]
    limits: tuple[Limit, ...] = ()
    rises: tuple[Rise, ...] = ()
    faults: Faults = field(default_factory=Faults)
    time_format: TimeFormat = TimeFormat.ISO
    battery: float = 3.6

    @property
    def topic(self) -> str:
        return f"sensors/{self.source}/state"
