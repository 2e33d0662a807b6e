"""A drill of `fire_smoke`: a flame of tongues that leap and flicker, painted into the pictures before the lens.

The copy of the detector before which it is painted has no model and no witnesses: what is proven is the classical way,
sight, votes, behaviour, score, and the way of its event. That the model works is proven by its own self-test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from edge.detectors.canary import NoCanaryError
from edge.detectors.fire_smoke.proposals import PictureBox, inside, iou
from edge.detectors.fire_smoke.settings import FireSmokeSettings, Hazard
from edge.detectors.interface import Image, Observation
from edge.detectors.registry import PictureSize
from edge.vision.regions import polygon_mask, without

HEIGHT_SHARE = 0.16
"""Of the picture's height: 29 rows of the working picture. What is near its limit proves the limit and not the way."""
TONGUES = 7
LAYERS: Sequence[tuple[float, tuple[int, int, int]]] = (
    (1.0, (20, 90, 235)),
    (0.7, (40, 160, 252)),
    (0.4, (130, 235, 255)),
)
"""(size, BGR): red-orange outside, yellow inside, as a camera sees a wood fire."""
SLACK_SECONDS = 9.0
"""Beyond the warning's seconds: restlessness settles, votes fill their slots, and behaviour is measured twice."""
_SHIFT = 4
_PLACES = 200


class PaintedFlame:
    """One flame; see `edge.detectors.canary.CameraCanary`."""

    def __init__(self, box: PictureBox, seconds: float, seed: int) -> None:
        """`box` is where it burns; it leaps to its upper border."""
        self.box = box
        self._seconds = seconds
        random = np.random.default_rng(seed)
        # Three waves a tongue, of 1 to 7 Hz: no two are in step, and none repeats within the drill.
        self._rates = random.uniform(1.0, 7.0, (TONGUES, 3))
        self._phases = random.uniform(0, 2 * math.pi, (TONGUES, 3))

    @property
    def seconds(self) -> float:
        return self._seconds

    @property
    def patience_seconds(self) -> float:
        return self._seconds

    def paint_luma(self, luma: Image, seconds: float) -> None:
        if 0 <= seconds <= self._seconds:
            for size, (blue, green, red) in LAYERS:
                self._draw(luma, seconds, size, (0.114 * blue + 0.587 * green + 0.299 * red,), 0, 0)

    def paint_bgr(self, picture: Image, seconds: float, x: int, y: int) -> None:
        if 0 <= seconds <= self._seconds:
            for size, colour in LAYERS:
                self._draw(picture, seconds, size, tuple(float(value) for value in colour), x, y)

    def recognises(self, observation: Observation, began_media_time: float) -> bool:
        box = getattr(observation.detail, "box", None)
        if observation.hazard != Hazard.FIRE or box is None or observation.media_time < began_media_time:
            return False
        found = (box.x, box.y, box.width, box.height)
        return iou(found, self.box) >= 0.1 or inside(self.box, found) >= 0.5

    def _draw(
        self, picture: Image, seconds: float, size: float, colour: tuple[float, ...], left: int, top: int
    ) -> None:
        x, y, width, height = self.box
        base = y + height
        waves = np.sin(2 * math.pi * self._rates * seconds + self._phases).mean(axis=1)
        for index, wave in enumerate(waves.tolist()):
            across = (index + 0.5) / TONGUES
            # Highest in the middle; each tongue leaps between a quarter and all of its height.
            reach = height * (1 - 1.2 * abs(across - 0.5)) * (0.62 + 0.55 * wave) * size
            reach = min(max(reach, 0.15 * height * size), height)
            sway = 0.06 * width * wave
            half = 0.9 * width / TONGUES * (0.6 + 0.4 * size)
            foot = x + across * width
            points = np.array(
                [
                    (foot - half, base),
                    (foot - 0.8 * half + sway / 2, base - 0.45 * reach),
                    (foot + sway, base - reach),
                    (foot + 0.8 * half + sway / 2, base - 0.45 * reach),
                    (foot + half, base),
                ]
            )
            fixed = np.rint((points - (left, top)) * (1 << _SHIFT)).astype(np.int32)
            cv2.fillPoly(picture, [fixed], colour, cv2.LINE_AA, _SHIFT)


def painted_flame(settings: FireSmokeSettings, size: PictureSize, variant: int) -> PaintedFlame:
    """A flame somewhere in what is watched and where it may not burn; another place for another `variant`.

    Raises:
        NoCanaryError: fires are not looked for, not without a model, or masks and allowed regions leave no room.
    """
    if Hazard.FIRE not in settings.hazards or not settings.classical:
        raise NoCanaryError("found hazards without fire or classical: false: what is painted is found by neither")
    height = HEIGHT_SHARE * size.height
    width = 0.9 * height
    free = _free(settings, size)
    random = np.random.default_rng(variant)
    for _ in range(_PLACES):
        x = float(random.uniform(0.02, 0.98) * (size.width - width))
        y = float(random.uniform(0.2, 0.95) * (size.height - height))
        if free[round(y) : round(y + height), round(x) : round(x + width)].all():
            return PaintedFlame((x, y, width, height), settings.timing.fire_warning_seconds + SLACK_SECONDS, variant)
    raise NoCanaryError(
        f"found no place of {width:.0f} x {height:.0f} pixels that is watched and where it may not burn"
    )


def _free(settings: FireSmokeSettings, size: PictureSize) -> Image:
    if settings.watch is None:
        mask = np.full((size.height, size.width), 255, np.uint8)
    else:
        mask = polygon_mask(settings.watch, size.width, size.height)
    return without(mask, [*settings.ignore, *(region.polygon for region in settings.allowed)])
