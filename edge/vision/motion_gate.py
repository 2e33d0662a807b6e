"""Does anything move, and where? Asked of every frame, so that dearer questions are asked of few.

The picture is thinned to about 100 rows before anything is computed: every k-th row is read where it lies, and only
those are averaged across. So the cost hardly depends on the size of the picture (`make bench ARGS=vision`), and a thing
must be about two of the thinned rows high to be seen: 2 % of the picture's height.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Grey, Mask
from edge.vision.regions import Window

ROWS = 100
"""Rows of the thinned picture: below, a person at 50 m is lost; above, time goes up without finding more."""


@dataclass(frozen=True, slots=True)
class GateValues:
    """How the gate judges. Levels are grey levels of 255, times seconds of media time."""

    settle_seconds: float = 4.0
    """Time constant of the background's mean. What stands longer than a few of these becomes background."""
    still_seconds: float = 0.5
    """No motion is told in the first half second: the background is one frame old."""
    min_level: float = 10.0
    """A difference below this is noise or compression, whatever the scatter."""
    sigmas: float = 5.0
    """… and below so many mean deviations: leaves and flickering lamps raise their own threshold."""
    flooded_share: float = 0.5
    """If more of the picture differs, the light or the camera changed, not things in it: the background starts anew."""
    min_cells: int = 3
    """Thinned pixels that a region needs: one or two are noise."""
    margin: float = 0.01
    """Added around each region, in picture heights: the thinning may have missed up to a row of it."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What moved. `regions` in pixels of the picture, largest first; `share` of the picture that differs, 0-1.

    `flooded`: so much differs that nothing can be said of single things; the background was started anew.
    """

    regions: Sequence[Window]
    share: float
    flooded: bool = False

    @property
    def moving(self) -> bool:
        """Whether anything moves; a flood counts, for anything may be in it."""
        return self.flooded or bool(self.regions)


STILL = Motion((), 0.0)


class MotionGate:
    """Compares thinned frames with their own slow mean. One a stream; every buffer is made once."""

    def __init__(self, width: int, height: int, values: GateValues | None = None) -> None:
        self.width = width
        self.height = height
        self._values = values or GateValues()
        self._step = max(1, height // ROWS)
        self._first = self._step // 2
        rows = len(range(self._first, height, self._step))
        columns = max(1, round(width / self._step))
        shape = (rows, columns)
        self._thin = np.empty(shape, np.uint8)
        self._smooth = np.empty(shape, np.uint8)
        self._now = np.empty(shape, np.float32)
        self._mean = np.empty(shape, np.float32)
        self._difference = np.empty(shape, np.float32)
        self._deviation = np.empty(shape, np.float32)
        self._threshold = np.empty(shape, np.float32)
        self._mask: Mask = np.empty(shape, np.uint8)
        self._kernel = np.ones((3, 3), np.uint8)
        self._last: float | None = None
        self._began = 0.0

    def observe(self, luma: Grey, media_time: float) -> Motion:
        """Takes in the next frame, (height, width) of 0-255, and says what moved in it. Seconds.

        Raises:
            ValueError: the frame has another size than the gate was made for.
        """
        if luma.shape != (self.height, self.width):
            raise ValueError(f"found a frame of {luma.shape}, expected ({self.height}, {self.width})")
        self._take(luma)
        if self._last is None or media_time <= self._last:
            self._start(media_time)
            return STILL
        passed, self._last = media_time - self._last, media_time
        np.subtract(self._now, self._mean, out=self._difference)
        np.abs(self._difference, out=self._difference)
        # In place of `np.maximum(min_level, sigmas × deviation)`, and without a new array.
        np.multiply(self._deviation, np.float32(self._values.sigmas), out=self._threshold)
        np.maximum(self._threshold, np.float32(self._values.min_level), out=self._threshold)
        cv2.compare(self._difference, self._threshold, cv2.CMP_GT, dst=self._mask)
        share = cv2.countNonZero(self._mask) / self._mask.size
        if share > self._values.flooded_share:
            self._start(media_time)
            return Motion((), share, flooded=True)
        self._learn(passed)
        if not share or media_time - self._began < self._values.still_seconds:
            return STILL if not share else Motion((), share)
        return Motion(self._regions(), share)

    def _take(self, luma: Grey) -> None:
        rows, columns = self._thin.shape
        every = luma[self._first :: self._step]
        # AREA over single rows averages across only: half the noise, and no row in between is ever fetched.
        cv2.resize(every, (columns, rows), dst=self._thin, interpolation=cv2.INTER_AREA)
        cv2.blur(self._thin, (3, 3), dst=self._smooth)
        np.copyto(self._now, self._smooth)

    def _start(self, media_time: float) -> None:
        np.copyto(self._mean, self._now)
        self._deviation.fill(0)
        self._last = self._began = media_time

    def _learn(self, passed_seconds: float) -> None:
        share = 1 - math.exp(-passed_seconds / self._values.settle_seconds)
        # What moves now must not raise its own threshold at once: a passing thing adds at most one threshold.
        np.minimum(self._difference, self._threshold, out=self._difference)
        cv2.accumulateWeighted(self._difference, self._deviation, share)
        cv2.accumulateWeighted(self._smooth, self._mean, share)

    def _regions(self) -> Sequence[Window]:
        # Neighbours across one thinned pixel belong together.
        joined = cv2.dilate(self._mask, self._kernel)
        count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8, ltype=cv2.CV_16U)
        if count <= 1:
            return ()
        sizes = self._cells_in(np.asarray(stats[1:], np.int32))
        chosen = [index for index in np.argsort(-sizes, kind="stable") if sizes[index] >= self._values.min_cells]
        return tuple(self._window(stats[1 + index]) for index in chosen)

    def _cells_in(self, stats: NDArray[np.int32]) -> NDArray[np.int64]:
        """How many cells of the mask itself each dilated region's box holds."""
        sums = cv2.integral(self._mask)
        left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
        right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
        inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return np.asarray(inside, np.int64) // 255

    def _window(self, stats: NDArray[np.int32]) -> Window:
        rows, columns = self._mask.shape
        margin = self._values.margin * self.height
        across, down = self.width / columns, self.height / rows
        # The dilation added a cell on every side.
        left = (int(stats[cv2.CC_STAT_LEFT]) + 1) * across - margin
        top = (int(stats[cv2.CC_STAT_TOP]) + 1) * down - margin
        right = (int(stats[cv2.CC_STAT_LEFT] + stats[cv2.CC_STAT_WIDTH]) - 1) * across + margin
        bottom = (int(stats[cv2.CC_STAT_TOP] + stats[cv2.CC_STAT_HEIGHT]) - 1) * down + margin
        return Window(
            max(0, math.floor(left)),
            max(0, math.floor(top)),
            min(self.width, math.ceil(right)),
            min(self.height, math.ceil(bottom)),
        )
