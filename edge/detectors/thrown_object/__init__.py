"""Objects thrown or fallen from height, seen by a fixed camera that looks up at a façade.

background → blobs → tracks in façade metres → gates → one fall per object and its mirror image in the glass.
"""

from __future__ import annotations

from edge.detectors.registry import CameraDetectorKind
from edge.detectors.thrown_object.detector import NAME, VERSION, ThrownObjectDetector
from edge.detectors.thrown_object.settings import ThrownObjectSettings, picture_problems

KIND = CameraDetectorKind(
    name=NAME,
    version=VERSION,
    settings=ThrownObjectSettings,
    build=ThrownObjectDetector,
    picture_problems=picture_problems,
)

__all__ = ["KIND", "ThrownObjectDetector", "ThrownObjectSettings"]
