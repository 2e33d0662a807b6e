"""One frame in, blobs out: exposure, background, hot cells, busy frames and repeated ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.thrown_object.cells import HotCells
from edge.detectors.thrown_object.settings import BackgroundSettings
from edge.vision.arrays import Grey, Mask
from edge.vision.background import Background, BackgroundTuning, Run
from edge.vision.blobs import Blob, BlobFinder, Contour, first_points
from edge.vision.regions import window_of
from edge.vision.sampling import SampleGrid, Samples, exposure_ratio, mean_difference

_Box = tuple[int, int, int, int]
EXPOSURE_STEP = 0.004
"""Changes of exposure below this share move no pixel by more than a level: not worth a pass over the picture."""
EXPOSURE_REACH = 0.12
"""Further from the exposure that the model was learned at, the model is rescaled: clipping would blind it."""
REPEATED_DIFFERENCE = 0.1
"""Grey levels between samples of two frames. A camera's own noise alone is > 0.5; a repeated frame has none."""
MAX_GAP_SECONDS = 2.0
"""After a longer gap in media time, background and tracks are of another world."""
EXPOSURE_SECONDS = 0.2
"""How often exposure is measured where nothing speaks of a change: a ramp of 10 % a second moves 2 levels in it."""
EXPOSURE_DOUBT = 0.003
"""Share of foreground at which exposure is measured at once, and the picture judged again if it has changed."""
LEARN_CYCLE_SECONDS = 1.25
"""Each pixel is learned this often: twice in the usual time constant."""
WARM_UP_SECONDS = 1.0
WARM_UP_FACTOR = 4.0
"""In its first second the background is learned so much faster."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame shows. A busy frame (weather, light, shaking) and a repeated one have no say about tracks."""

    blobs: tuple[Blob, ...] = ()
    busy: bool = False
    repeated: bool = False
    restarted: bool = False
    """The background was seeded anew: what was tracked before cannot be continued."""


class Foreground:
    """Blobs of a masked part of the picture, in picture pixels."""

    def __init__(self, watch: Mask, settings: BackgroundSettings) -> None:
        self.window = window_of(watch)
        window = self.window
        self._settings = settings
        watched = np.ascontiguousarray(watch[window.top : window.bottom, window.left : window.right])
        tuning = BackgroundTuning(
            tau_seconds=settings.tau_seconds,
            min_half_width=settings.min_half_width_levels,
            sigmas=settings.sigmas,
            cycle_seconds=LEARN_CYCLE_SECONDS,
        )
        self._background = Background(watched, tuning)
        self._cells = HotCells(
            window.height,
            window.width,
            tau_seconds=settings.hot_tau_seconds,
            hot_above=settings.hot_above,
            hot_until=settings.hot_until,
        )
        self._finder = BlobFinder(self._background.foreground, window.left, window.top)
        self._grid = SampleGrid(watched, 16, 16)
        self._watched_pixels = self._background.watched_pixels()
        self._previous_samples: Samples | None = None
        self._previous_blobs: tuple[Blob, ...] = ()
        self._exposure = 1.0
        self._exposed_at = 0.0
        self._last: float | None = None
        self._first = 0.0
        self._busy_since: float | None = None

    def look(self, luma: Grey, t: float) -> Look:
        """Judges the picture (height, width) at media time `t` and learns from it."""
        window = self.window
        picture = luma[window.top : window.bottom, window.left : window.right]
        if self._last is None or not 0 < t - self._last <= MAX_GAP_SECONDS:
            self._seed(picture, t)
            self._first = t
            self._previous_samples = self._grid.take(picture)
            return Look(restarted=True)
        elapsed = t - self._last
        runs, samples = self._mark(picture, t)
        contours = self._finder.contours(runs)
        foreground = sum(run.pixels for run in runs)
        busy = (
            foreground > self._settings.busy_share * self._watched_pixels
            or len(contours) > self._settings.busy_contours
        )
        blobs = () if busy else tuple(self._finder.measure(contour) for contour in contours)
        if self._is_repeated(blobs, samples):
            return Look(repeated=True)
        self._last = t
        self._previous_samples = samples
        self._previous_blobs = blobs
        self._learn(picture, t, elapsed, self._boxes(blobs) if not busy else _places(contours))
        return self._busy(picture, t) if busy else self._calm(blobs)

    def _calm(self, blobs: tuple[Blob, ...]) -> Look:
        self._busy_since = None
        smallest, largest = self._settings.blob_px
        return Look(blobs=tuple(blob for blob in blobs if smallest <= blob.area <= largest))

    def _busy(self, picture: Grey, t: float) -> Look:
        self._busy_since = t if self._busy_since is None else self._busy_since
        if t - self._busy_since < self._settings.reseed_seconds:
            return Look(busy=True)
        self._seed(self._at_model_exposure(picture), t, keep_spread=True)
        return Look(busy=True, restarted=True)

    def _seed(self, picture: Grey, t: float, *, keep_spread: bool = False) -> None:
        self._background.seed(picture, t, keep_spread=keep_spread)
        if not keep_spread:
            self._exposure = 1.0
            self._exposed_at = t
        self._busy_since = None
        self._last = t
        self._previous_blobs = ()

    def _mark(self, picture: Grey, t: float) -> tuple[list[Run], Samples]:
        """The picture's foreground and its samples."""
        runs = self._background.mark(picture, self._correction)
        samples = self._grid.take(picture)  # after the pass over the picture, which has brought it near
        doubtful = sum(run.pixels for run in runs) > EXPOSURE_DOUBT * self._watched_pixels
        due = doubtful or t - self._exposed_at >= EXPOSURE_SECONDS
        if due and self._measure_exposure(samples, t) and doubtful:
            runs = self._background.mark(picture, self._correction)
        return runs, samples

    def _measure_exposure(self, samples: Samples, t: float) -> bool:
        """Whether it has changed."""
        self._exposed_at = t
        ratio = exposure_ratio(samples, self._grid.take_floats(self._background.mean))
        if abs(ratio / self._exposure - 1) <= EXPOSURE_STEP:
            return False
        self._exposure = ratio
        if abs(ratio - 1) > EXPOSURE_REACH:
            self._background.rescale(ratio)
            self._exposure = 1.0
        return True

    @property
    def _correction(self) -> float:
        """The exposure that pictures are corrected for."""
        return self._exposure if abs(self._exposure - 1) > EXPOSURE_STEP else 1.0

    def _at_model_exposure(self, picture: Grey) -> Grey:
        """The picture as it would be at the model's exposure."""
        if self._correction == 1.0:
            return picture
        return np.asarray(cv2.convertScaleAbs(picture, alpha=1 / self._correction), np.uint8)

    def _is_repeated(self, blobs: tuple[Blob, ...], samples: Samples) -> bool:
        """Whether this is the previous frame again: its samples are, and nothing in it has moved."""
        return (
            bool(blobs)
            and self._previous_samples is not None
            and _same(blobs, self._previous_blobs)
            and mean_difference(samples, self._previous_samples) <= REPEATED_DIFFERENCE
        )

    def _learn(self, picture: Grey, t: float, elapsed: float, boxes: Iterable[_Box]) -> None:
        for row, column in self._cells.step(boxes, elapsed):
            self._switch(row, column, on=False)
        hurry = WARM_UP_FACTOR if t - self._first < WARM_UP_SECONDS else 1.0
        for row, column, occupied in self._background.learn(picture, t, elapsed * hurry, self._correction):
            if self._cells.look_again(row, column, occupied, LEARN_CYCLE_SECONDS):
                self._switch(row, column, on=True)

    def _switch(self, row: int, column: int, *, on: bool) -> None:
        self._background.switch(row, column, on=on)
        self._watched_pixels = self._background.watched_pixels()

    def _boxes(self, blobs: tuple[Blob, ...]) -> Iterator[_Box]:
        left, top, smallest = self.window.left, self.window.top, self._settings.blob_px[0]
        return ((blob.left - left, blob.top - top, blob.width, blob.height) for blob in blobs if blob.area >= smallest)


def _places(contours: Sequence[Contour]) -> Iterator[_Box]:
    """Where contours are, without measuring hundreds of them."""
    return ((x, y, 1, 1) for x, y in first_points(contours))


def _same(blobs: tuple[Blob, ...], previous: tuple[Blob, ...]) -> bool:
    """Whether nothing has moved: a fall between the samples must not be taken for a repeated frame."""
    return len(blobs) == len(previous) and all(
        math.hypot(a.x - b.x, a.y - b.y) <= 0.25 and abs(a.area - b.area) <= 0.1 * b.area + 1
        for a, b in zip(blobs, previous, strict=True)
    )
