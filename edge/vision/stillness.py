"""Whether a picture is the previous one again.

A sensor's noise changes every pixel of every picture, but an encoder may throw it away: of a still scene at night it
repeats the last picture bit by bit until the next key frame, which is never the same. So what counts is how long
nothing has changed at all, against how long that is usual for this camera.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Grey
from edge.vision.structure import ACROSS, DOWN

SAMPLES_ACROSS, SAMPLES_DOWN = 10 * ACROSS, 10 * DOWN
"""Single pixels, not means: a mean hides the last bit of noise. 160 × 90 of them."""
CLOCK_BLOCKS = 8
"""A clock that the camera writes into its picture goes on when the picture stands still: it fills at most this many
blocks, in the two uppermost and the two lowest rows of them."""
LEAST_RUN_SECONDS = 3.0
REMEMBERED_RUNS = 12
USUAL_TIMES = 3
"""A fault that mends itself happens once or twice; an encoder does it every time."""
_RING = np.zeros((DOWN, ACROSS), bool)
_RING[:2] = _RING[-2:] = True


class StillWatch:
    """Compares each picture with the previous one; `now` in seconds."""

    def __init__(self) -> None:
        self._previous: Grey | None = None
        self._since: float | None = None
        self._changed = np.zeros((DOWN, ACROSS), bool)
        self._ended: deque[float] = deque(maxlen=REMEMBERED_RUNS)

    @property
    def usual(self) -> float:
        """How long nothing changes now and then, until something does, in seconds: as often as `USUAL_TIMES` lately."""
        return sorted(self._ended, reverse=True)[USUAL_TIMES - 1] if len(self._ended) >= USUAL_TIMES else 0.0

    def saw(self, picture: Grey, now: float) -> float:
        """For how long nothing has changed, up to this picture; 0 if it is another one."""
        height, width = picture.shape
        step_down, step_across = max(1, height // SAMPLES_DOWN), max(1, width // SAMPLES_ACROSS)
        samples = np.ascontiguousarray(picture[step_down // 2 :: step_down, step_across // 2 :: step_across])
        previous, self._previous = self._previous, samples
        if previous is None or previous.shape != samples.shape or self._since is None:
            self._restart(now)
            return 0.0
        changed = self._changed | _changed_blocks(samples, previous)
        if changed.sum() > CLOCK_BLOCKS or bool((changed & ~_RING).any()):
            if now - self._since >= LEAST_RUN_SECONDS:
                self._ended.append(now - self._since)
            self._restart(now)
            return 0.0
        self._changed = changed
        return now - self._since

    def forget(self) -> None:
        """The next picture is the first one of another stream."""
        self._previous = None

    def _restart(self, now: float) -> None:
        self._since = now
        self._changed = np.zeros((DOWN, ACROSS), bool)


def _changed_blocks(a: Grey, b: Grey) -> NDArray[np.bool_]:
    difference = cv2.absdiff(a, b)
    changed = cv2.countNonZero(difference)
    if not changed:
        return np.zeros((DOWN, ACROSS), bool)
    if changed * DOWN * ACROSS > 2 * CLOCK_BLOCKS * difference.size:
        # More than so many blocks can hold: the usual case, and no need to see where.
        return np.ones((DOWN, ACROSS), bool)
    where = np.asarray(difference > 0, np.float32)
    return np.asarray(cv2.resize(where, (ACROSS, DOWN), interpolation=cv2.INTER_AREA)) > 0
