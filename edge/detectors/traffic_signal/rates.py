"""What cannot be judged at a rate of pictures, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.judges import flashing, sequence
from edge.detectors.traffic_signal.settings import TrafficSignalSettings

LEAST_RATE = 0.2
"""Pictures a second below which a head may change twice unseen."""
SLACK = 1.2
"""A camera set to one picture in five seconds may take six."""
KEY_FRAME_SECONDS = 2.0
"""Between key frames, as cameras are usually set; some leave ten."""


def not_judged_at(rate: float) -> Mapping[Fault, str]:
    """The faults that so many pictures a second do not show, each with the reason."""
    if rate < LEAST_RATE / SLACK:
        said = f"{rate:.2f} pictures a second arrive, {LEAST_RATE:g} are needed"
        return dict.fromkeys(Fault, said)
    found = {}
    if rate < flashing.MIN_RATE / 1.1:
        found[Fault.FLASHING] = f"{rate:.2g} pictures a second arrive, {flashing.MIN_RATE:g} are needed"
    if rate < 1 / sequence.MAX_INTERVAL_SECONDS:
        for fault in (Fault.CONFLICT, Fault.SEQUENCE, Fault.COUNTDOWN):
            found[fault] = f"{rate:.2g} pictures a second arrive, 1 is needed"
    return found


def unjudged(settings: TrafficSignalSettings, fps: float | None) -> Sequence[str]:
    """For people, before anything runs: what these settings leave out on a stream of `fps` (None: not known)."""
    wanted = 1 / KEY_FRAME_SECONDS if settings.key_frames else settings.max_fps
    rate = wanted if fps is None else min(wanted, fps)
    by_reason: dict[str, list[str]] = {}
    for fault, reason in not_judged_at(rate).items():
        by_reason.setdefault(reason, []).append(fault.value)
    return [f"{', '.join(faults)} cannot be judged: {reason}" for reason, faults in by_reason.items()]
