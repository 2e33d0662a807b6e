"""What each condition is called as a hazard, how grave it is, and what is said of it to people."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType

from contract.events import Severity
from edge.config.health import CameraCondition

HEALTH = "health"
"""The name under which episodes of health stand beside those of detectors."""
HEALTH_VERSION = "1.0"

CAMERA_HAZARDS: Mapping[CameraCondition, str] = MappingProxyType(
    {
        CameraCondition.OFFLINE: "camera_offline",
        CameraCondition.FROZEN: "camera_frozen",
        CameraCondition.COVERED: "camera_covered",
        CameraCondition.MOVED: "camera_moved",
        CameraCondition.DEFOCUSED: "camera_blurred",
        CameraCondition.OVEREXPOSED: "camera_overexposed",
        CameraCondition.UNDEREXPOSED: "camera_underexposed",
    }
)
"""`blind` is no hazard: fog is nobody's to mend."""

SEVERITIES: Mapping[CameraCondition, Severity] = MappingProxyType(
    {
        # Nobody's life is at risk by it, but somebody may have done it for a reason, and nothing is seen any more.
        CameraCondition.COVERED: Severity.YELLOW,
        CameraCondition.MOVED: Severity.YELLOW,
    }
)
"""Others are blue. All are for review: a blind camera must be seen by an operator, and wakes nobody."""

SAID: Mapping[CameraCondition, str] = MappingProxyType(
    {
        CameraCondition.OFFLINE: "no pictures come",
        CameraCondition.FROZEN: "the picture stands still",
        CameraCondition.COVERED: "the lens is covered, or there is nothing to be seen in the picture",
        CameraCondition.MOVED: "the camera looks elsewhere than it was set up for",
        CameraCondition.DEFOCUSED: "the picture is out of focus",
        CameraCondition.OVEREXPOSED: "the picture is overexposed",
        CameraCondition.UNDEREXPOSED: "the picture is too dark",
        CameraCondition.BLIND: "pictures come, but no detector can judge them",
    }
)

SIGHTLESS = frozenset(
    {
        CameraCondition.OFFLINE,
        CameraCondition.FROZEN,
        CameraCondition.COVERED,
        CameraCondition.MOVED,
    }
)
"""What makes everything that a detector says meaningless. The others leave it to the detectors to say `unknown`."""

HIDES: Mapping[CameraCondition, frozenset[CameraCondition]] = MappingProxyType(
    {
        CameraCondition.OFFLINE: frozenset(CameraCondition),
        # A picture that stands still says nothing new of anything.
        CameraCondition.FROZEN: frozenset(CameraCondition) - {CameraCondition.OFFLINE},
        CameraCondition.COVERED: frozenset(
            {
                CameraCondition.MOVED,
                CameraCondition.DEFOCUSED,
                CameraCondition.OVEREXPOSED,
                CameraCondition.UNDEREXPOSED,
                CameraCondition.BLIND,
            }
        ),
        CameraCondition.MOVED: frozenset({CameraCondition.DEFOCUSED, CameraCondition.BLIND}),
    }
)
"""What cannot be judged while a condition holds or is suspected: it stays as it was."""


class Everything(Container[str]):
    """Contains every name."""

    def __contains__(self, _name: object) -> bool:
        return True


class AllBut(Container[str]):
    """Contains every name but a few."""

    def __init__(self, spared: Iterable[str]) -> None:
        self._spared = frozenset(spared)

    def __contains__(self, name: object) -> bool:
        return name not in self._spared


EVERYTHING: Container[str] = Everything()
NOTHING: Container[str] = frozenset[str]()
