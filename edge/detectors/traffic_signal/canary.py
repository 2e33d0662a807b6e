"""A drill of `traffic_signal`: one head goes dark, its lamps painted over with what surrounds them.

It is painted where the detector's own registration says that the head is, and lasts as long as the detector needs to be
certain: about a minute, so it proves sight, registration, time machine and the way of its event together.
"""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from edge.detectors.canary import NoCanaryError
from edge.detectors.interface import Image, Observation
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.optics import too_small
from edge.detectors.traffic_signal.readings import Placement
from edge.detectors.traffic_signal.settings import Colour, HeadKind, HeadSettings, TrafficSignalSettings
from edge.vision.regions import depth_inside

COVER = 1.25
"""Of a lamp's diameter: its light spills over its rim."""
UNLIT = 0.8
"""Of what surrounds a lamp: an unlit lens is a little darker than its housing."""
SLACK_SECONDS = 65.0
"""Beyond what the settings ask for: a head that goes dark while a colour lasts may have lost that lamp only, and is
told when the colour must be over (`judges.dark`, 105 s at the most); and pictures may be seconds apart."""
EARLY_SECONDS = 20.0
"""A fault may be dated back to when the head was last seen lit, before the drill began."""
AROUND_PX = 2


@runtime_checkable
class Placing(Protocol):
    """What the drill asks of the detector before which it is painted."""

    @property
    def placement(self) -> Placement: ...


class DarkHead:
    """One head, dark; see `edge.detectors.canary.CameraCanary`."""

    def __init__(self, head_id: str, head: HeadSettings, seconds: float) -> None:
        self.head_id = head_id
        self._head = head
        self._seconds = seconds
        self._placing: Placing | None = None

    @property
    def seconds(self) -> float:
        return self._seconds

    @property
    def patience_seconds(self) -> float:
        return self._seconds

    def aim(self, detector: object) -> None:
        """Paints where this detector's registration says that the head is, from now on."""
        if isinstance(detector, Placing):
            self._placing = detector

    def paint_luma(self, luma: Image, seconds: float) -> None:
        if 0 <= seconds <= self._seconds:
            self._paint(luma, 0, 0)

    def paint_bgr(self, picture: Image, seconds: float, x: int, y: int) -> None:
        if 0 <= seconds <= self._seconds:
            self._paint(picture, x, y)

    def recognises(self, observation: Observation, began_media_time: float) -> bool:
        heads = getattr(observation.detail, "heads", ())
        return (
            observation.hazard == Fault.DARK
            and observation.active
            and self.head_id in heads
            and observation.started_media_time >= began_media_time - EARLY_SECONDS
        )

    def _paint(self, picture: Image, left: int, top: int) -> None:
        placement = Placement() if self._placing is None else self._placing.placement
        tone = self._tone(picture, placement, left, top)
        if tone is None:
            return
        scale = math.hypot(placement.scale, placement.turn)
        for lamp in self._head.lamps:
            x, y = placement.at(*lamp.centre)
            radius = COVER * lamp.diameter_px * scale / 2
            cv2.circle(
                picture, (round((x - left) * 16), round((y - top) * 16)), round(radius * 16), tone, -1, cv2.LINE_AA, 4
            )

    def _tone(self, picture: Image, placement: Placement, left: int, top: int) -> tuple[float, ...] | None:
        """The housing's colour in this picture: the median of what is in the head and not on a lamp."""
        polygon = np.array([placement.at(*point) for point in self._head.polygon]) - (left, top)
        height, width = picture.shape[:2]
        x0, y0 = np.maximum(np.floor(polygon.min(axis=0)).astype(int) - AROUND_PX, 0)
        x1, y1 = np.minimum(np.ceil(polygon.max(axis=0)).astype(int) + AROUND_PX, (width, height))
        if x1 - x0 < 2 or y1 - y0 < 2:
            return None  # another part of the picture
        around = picture[y0:y1, x0:x1]
        mask = np.zeros(around.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.rint(polygon - (x0, y0)).astype(np.int32)], 1)
        for lamp in self._head.lamps:
            x, y = placement.at(*lamp.centre)
            cv2.circle(mask, (round(x - left - x0), round(y - top - y0)), round(0.6 * lamp.diameter_px), 0, -1)
        housing = around[mask > 0]
        if not len(housing):
            housing = around.reshape(-1, *around.shape[2:])
        # Of the darker half: a lamp's light lies on its housing.
        middle = np.quantile(housing.astype(np.float32), 0.3, axis=0) * UNLIT
        return tuple(float(value) for value in np.atleast_1d(middle))


def dark_head(settings: TrafficSignalSettings, size: PictureSize, variant: int) -> DarkHead:
    """A head goes dark that always shows something; another one for another `variant`.

    Raises:
        NoCanaryError: there is no such head whose lamps can be judged.
    """
    able = [
        head_id
        for head_id, head in settings.heads.items()
        if head.kind is not HeadKind.ARROW and not too_small(head, size) and not _may_be_dark(head, settings)
    ]
    inside = [head_id for head_id in able if _is_inside(settings.heads[head_id], size)]
    if not inside:
        raise NoCanaryError(
            "found no head that always shows something and lies in the picture: arrows that are dark for a part of "
            "their cycle would take minutes to be certain of"
        )
    head_id = inside[variant % len(inside)]
    judge = settings.judge
    return DarkHead(head_id, settings.heads[head_id], judge.dark_seconds + judge.dark_dwell_seconds + SLACK_SECONDS)


def _may_be_dark(head: HeadSettings, settings: TrafficSignalSettings) -> bool:
    """Whether nothing is lit for a part of its normal cycle, as the time machine takes it."""
    plan = settings.plan.get(head.group)
    without_red = all(lamp.colour is not Colour.RED for lamp in head.lamps)
    return without_red or (plan is not None and plan.dark_seconds > 0)


def _is_inside(head: HeadSettings, size: PictureSize) -> bool:
    picture = ((0.0, 0.0), (float(size.width), 0.0), (float(size.width), float(size.height)), (0.0, float(size.height)))
    return all(depth_inside(picture, *lamp.centre) >= lamp.diameter_px / 2 for lamp in head.lamps)
