"""Pictures that show what happened to a camera: the latest good one, and the one of now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np

from contract.evidence import EvidenceKind
from edge.detectors.interface import Frame, Image
from edge.evidence.pictures import jpeg

KEEP_SECONDS = 30.0
"""One good picture in this time is kept: conversion and encoding cost ~10 ms at 1080p."""
KEPT = 3
"""The latest may already show the hand that reaches for the lens; the one before it does not."""
MARGIN_SECONDS = 5.0
WIDTH = 960
QUALITY = 80


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, its place on the camera's time axis, and its wall time."""

    content: bytes
    at_seconds: float
    taken_at: datetime


class Album:
    """A few good pictures of one camera, as JPEG of ~100 KB each."""

    def __init__(self) -> None:
        self._kept: deque[Picture] = deque(maxlen=KEPT)

    def keep(self, frame: Frame, at_seconds: float) -> None:
        """Keeps the picture if the latest one is old."""
        if not self._kept or at_seconds - self._kept[-1].at_seconds >= KEEP_SECONDS:
            self._kept.append(_picture(frame, at_seconds))

    def evidence(self, frame: Frame | None, began_seconds: float) -> Iterator[tuple[EvidenceKind, Picture]]:
        """What there is to show: the latest picture of before something began, and that of now."""
        good = [picture for picture in self._kept if picture.at_seconds <= began_seconds - MARGIN_SECONDS]
        if frame is None:
            if self._kept:
                yield EvidenceKind.SNAPSHOT, self._kept[-1]
            return
        yield EvidenceKind.SNAPSHOT, _picture(frame, began_seconds)
        if good:
            yield EvidenceKind.BEFORE, good[-1]


def _picture(frame: Frame, at_seconds: float) -> Picture:
    return Picture(jpeg(_small(frame.read_bgr()), QUALITY), at_seconds, frame.wall_time)


def _small(picture: Image) -> Image:
    height, width = picture.shape[:2]
    if width <= WIDTH:
        return picture
    size = (WIDTH, max(1, round(height * WIDTH / width)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
