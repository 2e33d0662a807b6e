"""A drawn street that is larger than the picture, so that a camera can sway, roll and look elsewhere in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Frame, Image, Region
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.placer import Placer
from edge.detectors.traffic_signal.readings import Placement
from edge.detectors.traffic_signal.settings import TrafficSignalSettings

SIZE = PictureSize(640, 360)
MARGIN = 120
T0 = datetime(2026, 3, 2, tzinfo=UTC)
HEAD = [(300.0, 100.0), (320.0, 100.0), (320.0, 150.0), (300.0, 150.0)]


def settings(**more: object) -> TrafficSignalSettings:
    """One head in the middle."""
    lamps = [
        {"colour": colour, "centre": [310, 110 + 15 * row], "diameter_px": 12}
        for row, colour in enumerate(("red", "amber", "green"))
    ]
    heads = {"N1": {"polygon": HEAD, "lamps": lamps, "group": "ns"}}
    return TrafficSignalSettings.model_validate({"heads": heads, **more})


def street(seed: int = 7) -> NDArray[np.float32]:
    """Linear light of windows, kerbs and signs, with a margin around the picture."""
    rng = np.random.default_rng(seed)
    scene = np.full((SIZE.height + 2 * MARGIN, SIZE.width + 2 * MARGIN), 0.35, np.float32)
    for _ in range(260):
        x, y = (int(rng.integers(0, side)) for side in scene.shape[::-1])
        width, height = (int(value) for value in rng.integers(6, 40, 2))
        cv2.rectangle(scene, (x, y), (x + width, y + height), float(rng.uniform(0.05, 0.9)), -1)
    return cv2.GaussianBlur(scene, (3, 3), 0.7)


STREET = street()
ELSEWHERE = street(8)


def shown(
    scene: NDArray[np.float32],
    dx: float = 0.0,
    dy: float = 0.0,
    roll_degrees: float = 0.0,
    *,
    gain: float = 1.0,
    noise: float = 2.0,
    seed: int = 0,
) -> Image:
    """What a camera shows whose picture has moved by (dx, dy) and rolled around its middle."""
    middle = (SIZE.width / 2 + MARGIN, SIZE.height / 2 + MARGIN)
    matrix = cv2.getRotationMatrix2D(middle, -roll_degrees, 1.0)
    matrix[:, 2] += (dx - MARGIN, dy - MARGIN)
    moved = cv2.warpAffine(scene, matrix, (SIZE.width, SIZE.height), flags=cv2.INTER_LINEAR)
    grain = noise * np.random.default_rng(seed).standard_normal(moved.shape, np.float32)
    return np.clip(255 * moved * gain + grain, 0, 255).astype(np.uint8)


def frame(luma: Image, t: float) -> Frame:
    """The picture at a media time; its colour is its luma."""

    def read_bgr(region: Region | None = None) -> Image:
        where = region or Region(0, 0, luma.shape[1], luma.shape[0])
        part = luma[max(where.y, 0) : where.y + where.height, max(where.x, 0) : where.x + where.width]
        return cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_GRAY2BGR)

    return Frame("street", round(t * 10), t, T0 + timedelta(seconds=t), luma, read_bgr)


@cache
def _settling(number: int) -> Image:
    return shown(STREET, seed=number)


class Camera:
    """Shows pictures to a placer one after the other, each `step` seconds later."""

    def __init__(self, placer: Placer, step: float = 1.0) -> None:
        self.placer = placer
        self.t = 0.0
        self.step = step

    def show(self, luma: Image, times: int = 1) -> Placement:
        """The same picture so many times; the placement of the last one."""
        for _ in range(times):
            found = self.placer.place(frame(luma, self.t))
            self.t += self.step
        return found

    def settle(self) -> None:
        """Twenty seconds of the street as it was set up, each with its own noise."""
        for number in range(round(20 / self.step)):
            self.show(_settling(number))
