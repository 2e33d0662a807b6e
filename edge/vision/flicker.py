"""How restless each place of a picture is: how far it strays from its own short mean, over seconds and not frames."""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats, Grey


def share_after(passed_seconds: float, tau_seconds: float) -> float:
    """What of an exponential mean is new after so long."""
    return 1.0 - math.exp(-max(passed_seconds, 0.0) / tau_seconds)


class Restlessness:
    """The mean distance of each pixel from its own recent mean. Seconds throughout.

    `follow_seconds` is the recent mean's time constant: what changes more slowly is not restless. `settle_seconds` is
    the time constant over which distances are averaged. A distance counts for `most` levels at the most: a thing that
    drives past is a large step, and must not pass for something that keeps on moving.
    """

    def __init__(
        self, rows: int, columns: int, *, follow_seconds: float, settle_seconds: float, most: float = 255.0
    ) -> None:
        self._follow, self._settle, self._most = follow_seconds, settle_seconds, most
        shape = (rows, columns)
        self.mean: Floats = np.zeros(shape, np.float32)
        """The recent mean."""
        self.level: Floats = np.zeros(shape, np.float32)
        """Levels of grey."""
        self._now: Floats = np.empty(shape, np.float32)
        self._distance: Floats = np.empty(shape, np.float32)
        self._last: float | None = None

    def restart(self) -> None:
        """Forgets everything: the picture is another one."""
        self._last = None

    def carry(self, by: Doubles, picture: Grey | Floats) -> None:
        """Everything is seen from elsewhere now: what was learned is moved by `by` (3, 3). What `picture` shows and
        was not in view before is new."""
        size = (self.mean.shape[1], self.mean.shape[0])
        mean, level = np.asarray(picture, np.float32).copy(), np.zeros_like(self.level)
        for kept, moved in ((self.mean, mean), (self.level, level)):
            cv2.warpPerspective(kept, by, size, dst=moved, borderMode=cv2.BORDER_TRANSPARENT)
        np.copyto(self.mean, mean)
        np.copyto(self.level, level)

    def observe(self, picture: Grey | Floats, media_time: float, offset: float = 0.0) -> Floats:
        """Takes in a picture (rows, columns) and returns `level`. `offset` is what all pixels changed by together."""
        np.copyto(self._now, picture)
        if self._last is None or media_time <= self._last:
            self._last = media_time
            np.copyto(self.mean, self._now)
            self.level.fill(0)
            return self.level
        passed, self._last = media_time - self._last, media_time
        np.subtract(self._now, self.mean, out=self._distance)
        if offset:
            np.subtract(self._distance, np.float32(offset), out=self._distance)
        np.abs(self._distance, out=self._distance)
        if self._most < 255:
            np.minimum(self._distance, np.float32(self._most), out=self._distance)
        cv2.accumulateWeighted(self._now, self.mean, share_after(passed, self._follow))
        cv2.accumulateWeighted(self._distance, self.level, share_after(passed, self._settle))
        return self.level
