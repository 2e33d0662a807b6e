"""How a detector's observations become episodes: the figures that a kind states and a source may override.

All times are seconds of the source's own time (media time), never counts of frames.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpisodePolicy:
    """When an episode opens, stays open and is over, and how many alarms a source may raise."""

    clear_after_seconds: float | None = None
    """How long nothing must be observed before an episode is over; None: only when the detector says so."""
    momentary: bool = False
    """What is found is over by itself, as a fall is: a camera that goes blind afterwards does not hold it open."""
    dwell_seconds: float = 0.0
    """How long something must be observed before an episode opens; 0: the detector has waited long enough itself."""
    dwell_votes: int = 3
    """Observations that count within the dwell, each a fifth of it apart: five frames of one flash are one vote."""
    open_confidence: float = 0.0
    """Less than this opens nothing …"""
    keep_confidence: float = 0.0
    """… and less than this keeps nothing open. Between the two, what is open stays so (hysteresis)."""
    cool_down_seconds: float = 0.0
    """For how long after an episode the same thing, no graver than it was, has no episode of its own."""
    stale_after_seconds: float | None = 24 * 3600.0
    """An episode that lasts longer is said to be stale, once: a fixture, or a hazard that nobody mends."""
    alarms_per_hour: int | None = None
    """Episodes of the tier `alarm` for each hazard; what is more goes to `review`. None: as many as there are."""
    alarms_per_day: int | None = None


CAMERA_EPISODES = EpisodePolicy(
    clear_after_seconds=5,
    # One frame never raises an alarm (detectors.md §0); a kind that votes over seconds itself says 0.
    dwell_seconds=2,
    # As long as somebody needs to walk past a lamp, or a flame to be hidden by a bus.
    cool_down_seconds=60,
    # An operator manages six alerts an hour (mission); one source must not fill that alone, nor all day long.
    alarms_per_hour=6,
    alarms_per_day=20,
)
"""What a camera detector gets that states nothing else."""

SENSOR_EPISODES = EpisodePolicy()
"""A sensor's limits are set by people, with a dwell of their own: nothing is waited for, withheld or demoted."""
