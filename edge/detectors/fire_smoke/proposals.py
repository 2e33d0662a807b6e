"""What a proposer says: something at a place at a time may be fire or smoke."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contract.events import Model
from edge.detectors.fire_smoke.settings import Hazard

PictureBox = tuple[float, float, float, float]
"""Left, top, width, height in pixels of the picture."""


class Proposer(StrEnum):
    """Who proposes."""

    MODEL = "model"
    FLAME = "flame"
    SMOKE = "smoke"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One box. `confidence` is the proposer's own: a model's score, or how clear a classical cue is; 0 to 1."""

    hazard: Hazard
    proposer: Proposer
    box: PictureBox
    confidence: float
    media_time: float
    model: Model | None = None


def iou(first: PictureBox, second: PictureBox) -> float:
    """Intersection over union."""
    shared = _shared(first, second)
    union = first[2] * first[3] + second[2] * second[3] - shared
    return shared / union if union > 0 else 0.0


def inside(inner: PictureBox, outer: PictureBox) -> float:
    """Share of the inner box that lies in the outer one."""
    area = inner[2] * inner[3]
    return _shared(inner, outer) / area if area > 0 else 0.0


def around(first: PictureBox, second: PictureBox) -> PictureBox:
    """The smallest box that holds both."""
    left, top = min(first[0], second[0]), min(first[1], second[1])
    right = max(first[0] + first[2], second[0] + second[2])
    bottom = max(first[1] + first[3], second[1] + second[3])
    return left, top, right - left, bottom - top


def gap(first: PictureBox, second: PictureBox) -> float:
    """Pixels between two boxes, the wider of across and down; 0 where they touch or overlap."""
    across = max(first[0], second[0]) - min(first[0] + first[2], second[0] + second[2])
    down = max(first[1], second[1]) - min(first[1] + first[3], second[1] + second[3])
    return max(across, down, 0.0)


def _shared(first: PictureBox, second: PictureBox) -> float:
    across = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    down = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    return max(across, 0.0) * max(down, 0.0)
