"""The gate: what of the picture is restless, in which light, and the last seconds of it for a closer look."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from edge.detectors.fire_smoke.proposals import PictureBox
from edge.detectors.fire_smoke.settings import FireSmokeSettings
from edge.detectors.fire_smoke.steady import Carry, Steadying
from edge.detectors.interface import Frame
from edge.detectors.registry import PictureSize
from edge.vision.arrays import Doubles, Floats, Grey, Mask
from edge.vision.bursts import MIN_SAMPLES
from edge.vision.flames import FlameMask
from edge.vision.flicker import Restlessness, share_after
from edge.vision.haze import Haze, HazeFinder
from edge.vision.planes import NEUTRAL_CHROMA
from edge.vision.regions import polygon_mask, without
from edge.vision.small_colour import Shrinker, SmallPicture

WORKING_COLUMNS = 320
"""Of the working picture. A flame of 14 px in 1280 is 12 pixels there; eight times as much would cost 64 times more."""
RING_SECONDS = 2.6
"""A burst of 2 s, and what a late frame costs."""
RING_LEAST = 12
RING_MOST_SECONDS = 15.0
"""At a picture a second a burst is ten of them: flicker has no rate there, but stillness can be told."""
RING_SPACING_SECONDS = 0.038
"""Pictures that lie closer together show nothing more: 25 a second are kept, 30 are thinned."""
FLAME_FOLLOW_SECONDS = 0.4
FLAME_SETTLE_SECONDS = 1.5
"""High-pass at 0.4 Hz over the last two seconds: what a flame does, and a lamp that is switched on does once."""
PRESENCE_SECONDS = 2.0
LIGHT_SECONDS = 10.0
NIGHT_LEVEL = 60.0
"""Mean luma below which it is night: street scenes by day 90-150, lit streets by night 20-55."""
GREY_COLOUR = 1.2
"""Mean distance of both colours from grey below which a camera sees infra-red: colour cameras have 3 and more, even in
fog (noise alone is 1.5)."""


class Light(StrEnum):
    """By what the camera sees."""

    DAY = "day"
    NIGHT = "night"
    INFRARED = "infrared"


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame showed."""

    media_time: float
    flooded: bool
    """More changes than smoke can: fog, rain, a moving camera. Flames can still be told by their colour."""
    settled: bool
    """The stream is old enough for restlessness to mean something."""


class Eye:
    """Follows one stream's pictures. Boxes are in pixels of the picture, arrays in those of the working picture."""

    def __init__(self, settings: FireSmokeSettings, size: PictureSize, *, moves: bool = False) -> None:
        """`moves`: the camera flies; its pictures are laid onto one that is held, and all boxes are of that one."""
        scale = max(size.width / WORKING_COLUMNS, 1.0)
        self.width = max(round(size.width / scale / 2) * 2, 2)
        self.height = max(round(size.height / scale / 2) * 2, 2)
        self.across, self.down = size.width / self.width, size.height / self.height
        self._settings = settings
        self._shrinker = Shrinker(self.width, self.height)
        self._flames = FlameMask(self.height, self.width)
        self._restless = Restlessness(
            self.height, self.width, follow_seconds=FLAME_FOLLOW_SECONDS, settle_seconds=FLAME_SETTLE_SECONDS
        )
        self._haze_finder = HazeFinder(self.width, self.height)
        self._presence: Floats = np.zeros((self.height, self.width), np.float32)
        self._ring: deque[tuple[float, Grey, Mask]] = deque()
        self._watched = self._watched_mask(settings)
        self._began: float | None = None
        self._last: float | None = None
        self._flooded_since: float | None = None
        self._brightness: float | None = None
        self._colour = 0.0
        self._steady = Steadying(self.width, self.height, self.across, self.down) if moves else None
        self.haze: Haze | None = None
        """The latest; None before the first picture."""
        self.changed_share = 0.0
        self.fps = 0.0
        """Frames a second, of the last seconds."""

    # ---- looking

    def look(self, frame: Frame) -> Look:
        """Takes in a frame."""
        t = frame.media_time
        if self._last is not None and not 0 < t - self._last <= 10:
            self._restart()
            if self._steady is not None:
                self._steady.restart()
        picture = self._small(frame)
        if self._steady is not None:
            picture = self._steady.laid(picture, t)
            if self._steady.begins:
                self._carry(self._steady.carried_small, picture)
        self._measure_light(picture, t)
        if self._began is None:
            self._began = t
        flames = self._flames.of(picture)
        self._flame_history(picture, flames, t)
        self.haze = self._haze_finder.observe(picture, t) or self.haze
        self._keep(picture.luma, flames, t)
        self._last = t
        settled = t - self._began >= self._settings.gate.start_seconds
        return Look(t, self._flooded(t, settled), settled)

    def burst(self, seconds: float) -> tuple[Doubles, list[Grey], list[Mask]]:
        """Times, luma and flame colour of the last seconds, or of ten pictures if they come slowly; oldest first."""
        if not self._ring:
            return np.empty(0), [], []
        since = self._ring[-1][0] - seconds
        kept = [entry for entry in self._ring if entry[0] >= since]
        if len(kept) < MIN_SAMPLES:
            kept = list(self._ring)[-MIN_SAMPLES:]
        return np.array([t for t, _, _ in kept]), [luma for _, luma, _ in kept], [mask for _, _, mask in kept]

    @property
    def restless(self) -> Floats:
        """(rows, columns): how much each pixel strays from its own mean of the last half second, levels of grey."""
        return self._restless.level

    @property
    def presence(self) -> Floats:
        """(rows, columns): share of the last seconds in which a pixel had a flame's colour."""
        return self._presence

    @property
    def brightness(self) -> Floats:
        """(rows, columns): mean luma of the last half second."""
        return self._restless.mean

    @property
    def watched(self) -> Mask | None:
        """(rows, columns): what is looked at; None: everything."""
        if self._steady is None or self._watched is None:
            return self._watched
        return self._steady.mask(self._watched)

    @property
    def carried(self) -> Carry | None:
        """With the latest picture another one is held: what that means for boxes. None: it is the same."""
        return None if self._steady is None else self._steady.carried

    @property
    def light(self) -> Light:
        """By what the camera sees at the moment."""
        if self._colour < GREY_COLOUR:
            return Light.INFRARED
        return Light.NIGHT if (self._brightness or 0.0) < NIGHT_LEVEL else Light.DAY

    # ---- places

    def shown(self, box: PictureBox) -> PictureBox:
        """Where a box of the held picture is in the latest one."""
        return box if self._steady is None else self._steady.shown(box)

    def held(self, box: PictureBox, media_time: float) -> PictureBox:
        """Where a box of the picture of a time is in the held one."""
        return box if self._steady is None else self._steady.held(box, media_time)

    def box_of(self, left: float, top: float, width: float, height: float) -> PictureBox:
        """A box of the working picture, in the picture."""
        return left * self.across, top * self.down, width * self.across, height * self.down

    def window_of(self, box: PictureBox, margin: float = 0.0) -> tuple[slice, slice]:
        """Rows and columns of the working picture that a box covers, with a margin in box sizes; never empty."""
        left = (box[0] - margin * box[2]) / self.across
        right = (box[0] + (1 + margin) * box[2]) / self.across
        top = (box[1] - margin * box[3]) / self.down
        bottom = (box[1] + (1 + margin) * box[3]) / self.down
        first_column = min(max(int(left), 0), self.width - 1)
        first_row = min(max(int(top), 0), self.height - 1)
        columns = slice(first_column, min(max(int(np.ceil(right)), first_column + 1), self.width))
        return slice(first_row, min(max(int(np.ceil(bottom)), first_row + 1), self.height)), columns

    # ---- parts

    def _small(self, frame: Frame) -> SmallPicture:
        if frame.read_planes is not None:
            return self._shrinker.of_planes(frame.read_planes())
        return self._shrinker.of_bgr(frame.read_bgr())

    def _measure_light(self, picture: SmallPicture, t: float) -> None:
        if self._brightness is not None and self._last is not None and int(t * 2) == int(self._last * 2):
            return  # twice a second will do
        neutral = float(NEUTRAL_CHROMA)
        colour = float(sum(np.abs(plane[::2, ::2] - neutral).mean() for plane in (picture.blue, picture.red)))
        level = float(cv2.mean(picture.luma)[0])
        if self._brightness is None:
            self._brightness, self._colour = level, colour
            return
        share = share_after(0.5, LIGHT_SECONDS)
        self._brightness += share * (level - self._brightness)
        self._colour += share * (colour - self._colour)

    def _flame_history(self, picture: SmallPicture, flames: Mask, t: float) -> None:
        self._restless.observe(picture.luma, t)
        if self._last is None:
            self._presence.fill(0)
            return
        cv2.accumulateWeighted(flames, self._presence, share_after(t - self._last, PRESENCE_SECONDS))

    def _keep(self, luma: Grey, flames: Mask, t: float) -> None:
        if self._ring and t - self._ring[-1][0] < RING_SPACING_SECONDS:
            return
        old = None
        while self._ring and self._is_old(t - self._ring[0][0]):
            old = self._ring.popleft()
        if old is None:
            self._ring.append((t, luma.copy(), flames.copy()))
        else:
            np.copyto(old[1], luma)
            np.copyto(old[2], flames)
            self._ring.append((t, old[1], old[2]))
        span = t - self._ring[0][0]
        self.fps = (len(self._ring) - 1) / span if span > 0 else 0.0

    def _is_old(self, seconds: float) -> bool:
        return seconds > (RING_SECONDS if len(self._ring) > RING_LEAST else RING_MOST_SECONDS)

    def _flooded(self, t: float, settled: bool) -> bool:
        haze, gate = self.haze, self._settings.gate
        if haze is None:
            return False
        self.changed_share = max(haze.changed_share, haze.shifted_share)
        if self.changed_share <= gate.flooded_share:
            self._flooded_since = None
            return False
        if not settled:
            return True
        if self._flooded_since is None:
            self._flooded_since = t
        elif t - self._flooded_since >= gate.reseed_seconds:
            self._flooded_since = None
            self._haze_finder.restart()
        return True

    def _carry(self, by: Doubles | None, picture: SmallPicture) -> None:
        """Another picture is held: what was learned of flames is moved there. Of haze it is learned anew."""
        if by is None:
            self._restart()
            return
        size = (self.width, self.height)
        self._restless.carry(by, picture.luma)
        self._presence[:] = cv2.warpPerspective(self._presence, by, size)
        for _, luma, flames in self._ring:
            unseen = picture.luma.copy()
            luma[:] = cv2.warpPerspective(luma, by, size, dst=unseen, borderMode=cv2.BORDER_TRANSPARENT)
            flames[:] = cv2.warpPerspective(flames, by, size, flags=cv2.INTER_NEAREST)
        self._flooded_since = None
        self._haze_finder.restart()

    def _restart(self) -> None:
        self._began = self._flooded_since = self._last = None
        self._ring.clear()
        self._restless.restart()
        self._haze_finder.restart()
        self._presence.fill(0)

    def _watched_mask(self, settings: FireSmokeSettings) -> Mask | None:
        if settings.watch is None and not settings.ignore:
            return None

        def moved(polygon: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
            return [(x / self.across, y / self.down) for x, y in polygon]

        if settings.watch is None:
            mask = np.full((self.height, self.width), 255, np.uint8)
        else:
            mask = polygon_mask(moved(settings.watch), self.width, self.height)
        return without(mask, [moved(polygon) for polygon in settings.ignore])
