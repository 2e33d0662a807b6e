"""What the parts of the program tell about themselves: counters and states, without sockets, files or locks.

Each source has one `SourceMeter`, written by the thread that serves the source. A snapshot of it travels from the
worker to the supervisor, and from there to the local page and the metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter


@dataclass(slots=True)
class SourceMeter:
    """Counters of one source since its worker started, and its present state. Counters only grow.

    Each field has one writer; readers take what is there. Nothing here may hold a credential: `address` is redacted.
    """

    source_id: str
    kind: str
    name: str = ""
    address: str = ""
    state: str = ""
    """`online`, or why the source cannot see; empty until the first attempt."""
    reason: str = ""
    since: str = ""
    """RFC 3339: since when the state holds."""
    conditions: Sequence[str] = ()
    """All that is wrong with its sight or its stream now, gravest first."""
    notices: Sequence[str] = ()
    """What is not as it should be though pictures come: a stream that is away."""
    codec: str = ""
    width: int = 0
    height: int = 0
    role: str = ""
    """Which of the camera's streams is decoded: `main` or `sub`."""
    decoding: str = ""
    """`full`, `skip_non_reference` or `key_frames`; with the accelerator behind it, if there is one."""
    turns: int = 0
    """Grows each second or so while the source's thread waits with a reason: it is not stuck."""
    attempts: int = 0
    """How often opening was tried."""
    sessions: int = 0
    """How often the stream was opened."""
    failures: int = 0
    packets_read: int = 0
    packets_broken: int = 0
    bytes_read: int = 0
    frames_decoded: int = 0
    frames_judged: int = 0
    """Frames that at least one detector looked at."""
    frames_dropped: Counter[str] = field(default_factory=Counter)
    """By reason: what should have been looked at and was not."""
    media_time: float = 0.0
    last_frame_at: float = 0.0
    """Monotonic seconds of the latest frame or reading; 0: none yet."""
    lag_seconds: float = 0.0
    """How far judging is behind the camera."""
    fps: float = 0.0
    cpu_seconds: float = 0.0
    """Processor time of the source's own thread: demuxing, decoding and judging."""
    ring_bytes: int = 0
    ring_seconds: float = 0.0
    sight_seconds: float = 0.0
    blind_seconds: float = 0.0
    unknown_seconds: float = 0.0
    """Media time in which no detector could say what it saw."""
    open_episodes: int = 0
    events: Counter[str] = field(default_factory=Counter)
    """Hazard events by hazard, without those of drills."""
    questions: Counter[str] = field(default_factory=Counter)
    """Asked of models: `asked`, `answered`, `replaced`, `shed`."""
    stills: Counter[str] = field(default_factory=Counter)
    """Stills of evidence, with blurring on: `blurred`, `kept` as they were, `withheld`."""
    faults: Counter[str] = field(default_factory=Counter)
    """Bad messages of a sensor, by kind."""
    observations_inhibited: int = 0
    """Observations that were not believed because the source could not see."""
    episodes_folded: int = 0
    """Times that the same thing was seen again within its cool-down."""
    alarms_demoted: int = 0
    """Episodes moved from `alarm` to `review` because the budget was spent."""
    detector_faults: Counter[str] = field(default_factory=Counter)
    """Times that a detector broke, by detector."""
    broken_detectors: Sequence[str] = ()
    """Detectors that are broken now, each with the reason behind a colon."""
    canaries: Counter[str] = field(default_factory=Counter)
    """Drills: `injected`, `found`, `lost`, `refused`."""
    canary_latency_seconds: float = 0.0
    """Of the latest drill that was found: from the first painted picture to the committed event."""
    canary_lost: str = ""
    """Why the latest drill was not found; empty if it was."""

    def snapshot(self) -> Mapping[str, Any]:
        """The meter as JSON types."""
        plain: Mapping[str, Any] = _METER.dump_python(self, mode="json")
        return plain


_METER = TypeAdapter(SourceMeter)


def meter_from(plain: Mapping[str, Any]) -> SourceMeter:
    """The inverse of `SourceMeter.snapshot`.

    Raises:
        pydantic.ValidationError: it is not a meter.
    """
    return _METER.validate_python(plain)
