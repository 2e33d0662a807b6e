"""How a model is, and what is counted of it."""

from __future__ import annotations

from enum import StrEnum


class LaneState(StrEnum):
    """How a model is."""

    IDLE = "idle"
    """Nobody has asked yet: it is not loaded."""
    OPENING = "opening"
    """Loading, or being measured at first boot; questions are shed until it is over."""
    READY = "ready"
    FAILED = "failed"
    """It cannot be run for now, and is tried again."""
    HANGING = "hanging"
    """Its library did not come back, more often than threads may be left behind."""
    CLOSED = "closed"


COUNTS = (
    *("asked", "answered", "replaced", "shed", "failed", "heartbeats", "reduced", "runs", "failures"),
    "replaced_sessions",
)
"""What a lane counts: questions; of the answered, those that were overdue and those by the reduced model; runs of the
session; times that the model broke, and that its session hung and was replaced."""
CHANGES = ("taken_over", "refused", "taken_back")
"""What became of changed models: one that broke on its trial counts as taken over, taken back and refused."""
