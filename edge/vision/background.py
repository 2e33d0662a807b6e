"""A background that is a slow mean and a spread per pixel, kept ready as two bounds for one `inRange` a frame.

Learning touches a few rows a frame; every array is allocated once (an `out` left out costs ten times the operation in
page faults).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.vision.arrays import Floats, Grey, Mask

STRIPE_ROWS = 40
"""Rows learned at a time, and the height of the bands that are searched for blobs: half a cell."""
CELL = 2 * STRIPE_ROWS
"""Side in pixels of the squares that are switched off where something always moves."""


class Background:
    """Bounds [low, high] per pixel of a (height, width) window.

    `tau_seconds`: time constant of mean and variance. Half-width of the bounds: max(`min_half_width`, `sigmas` × RMS
    deviation). `cycle_seconds`: how long learning takes to come round. Pixels where `watch` is 0 are never foreground.
    """

    def __init__(
        self,
        watch: Mask,
        *,
        tau_seconds: float = 2.5,
        min_half_width: float = 12.0,
        sigmas: float = 5.5,
        cycle_seconds: float = 0.6,
    ) -> None:
        self.height, self.width = watch.shape
        self._tau = tau_seconds
        self._min_half_width = min_half_width
        self._sigmas = sigmas
        self._cycle = cycle_seconds
        self._region = watch.copy()
        self._watch = watch.copy()
        self._ignored = cv2.bitwise_not(watch)
        shape = watch.shape
        self.mean: Floats = np.zeros(shape, np.float32)
        self._variance: Floats = np.zeros(shape, np.float32)
        self._low: Grey = np.zeros(shape, np.uint8)
        self._high: Grey = np.zeros(shape, np.uint8)
        self._low_clipped: Grey = np.zeros(shape, np.uint8)
        self._inside: Mask = np.zeros(shape, np.uint8)
        self._off: dict[int, set[int]] = {}
        self._stripes = math.ceil(self.height / STRIPE_ROWS)
        self._visited = [0.0] * self._stripes
        self._visits = [0] * self._stripes
        self._next = 0
        self._owed = 0.0
        work = (STRIPE_ROWS, self.width)
        self._deviation: Floats = np.zeros(work, np.float32)
        self._half_width: Floats = np.zeros(work, np.float32)
        self._scratch: Floats = np.zeros(work, np.float32)
        self._beyond: Mask = np.zeros(work, np.uint8)

    def seed(self, picture: Grey, at_seconds: float, *, keep_spread: bool = False) -> None:
        """Starts over from one picture; the spread starts at its lower bound, or stays what was learned."""
        np.copyto(self.mean, picture)
        if not keep_spread:
            self._variance.fill((self._min_half_width / self._sigmas) ** 2)
        self._visited = [at_seconds] * self._stripes
        self._visits = [1] * self._stripes
        for stripe in range(self._stripes):
            self._set_bounds(self._rows(stripe), slice(None))

    def inside(self, picture: Grey, white: float = 255.0) -> Mask:
        """255 where the picture is background, 0 where it is foreground. Valid until the next call.

        `white`: what a saturated pixel has become by exposure compensation; a pixel that was too bright to be measured
        is not foreground for being darker than it was.
        """
        low = self._low
        if white < 250:
            low = np.minimum(low, np.uint8(int(white) - 2), out=self._low_clipped)
        cv2.inRange(picture, low, self._high, dst=self._inside)
        return self._inside

    def learn(self, picture: Grey, at_seconds: float, elapsed_seconds: float) -> list[tuple[int, int, bool]]:
        """Learns the stripes whose turn it is. Returns (cell row, cell column, occupied) of switched-off cells in them.

        A pixel outside its bounds pulls the mean and the spread as if it lay on them: one passing object neither
        leaves a ghost nor blinds its path, while leaves, which are always somewhere else, widen their bounds.
        """
        self._owed = min(self._owed + elapsed_seconds / self._cycle * self._stripes, float(self._stripes))
        seen: list[tuple[int, int, bool]] = []
        while self._owed >= 1:
            self._owed -= 1
            seen += self._learn_stripe(self._next, picture, at_seconds)
            self._next = (self._next + 1) % self._stripes
        return seen

    def switch(self, cell_row: int, cell_column: int, *, on: bool) -> None:
        """Switches a cell off (folded into the bounds: costs nothing a frame) or on again."""
        in_row = self._off.setdefault(cell_row, set())
        (in_row.discard if on else in_row.add)(cell_column)
        rows = slice(cell_row * CELL, min((cell_row + 1) * CELL, self.height))
        columns = slice(cell_column * CELL, min((cell_column + 1) * CELL, self.width))
        self._watch[rows, columns] = self._region[rows, columns] if on else 0
        self._ignored[rows, columns] = 255 - self._watch[rows, columns]
        for top in range(rows.start, rows.stop, STRIPE_ROWS):
            self._set_bounds(slice(top, min(top + STRIPE_ROWS, rows.stop)), columns)

    def watched_pixels(self) -> int:
        """How many pixels can be foreground."""
        return int(cv2.countNonZero(self._watch))

    def rescale(self, factor: float) -> None:
        """Multiplies the whole model: the exposure it refers to has changed for good."""
        np.multiply(self.mean, np.float32(factor), out=self.mean)
        np.multiply(self._variance, np.float32(factor * factor), out=self._variance)
        for stripe in range(self._stripes):
            self._set_bounds(self._rows(stripe), slice(None))

    def _rows(self, stripe: int) -> slice:
        return slice(stripe * STRIPE_ROWS, min((stripe + 1) * STRIPE_ROWS, self.height))

    def _learn_stripe(self, stripe: int, picture: Grey, at_seconds: float) -> list[tuple[int, int, bool]]:
        rows = self._rows(stripe)
        count = rows.stop - rows.start
        mean, variance = self.mean[rows], self._variance[rows]
        deviation, half_width, scratch = self._deviation[:count], self._half_width[:count], self._scratch[:count]
        cv2.subtract(picture[rows], mean, dst=deviation, dtype=cv2.CV_32F)
        self._fill_half_width(variance, half_width)
        seen = self._switched_off_cells(rows, deviation, half_width, scratch)
        cv2.min(deviation, half_width, dst=deviation)
        np.negative(half_width, out=scratch)
        cv2.max(deviation, scratch, dst=deviation)
        self._visits[stripe] += 1
        rate = 1 - math.exp(-(at_seconds - self._visited[stripe]) / self._tau)
        rate = max(rate, 1 / self._visits[stripe])  # the first seconds are a plain average
        self._visited[stripe] = at_seconds
        cv2.scaleAdd(deviation, rate, mean, dst=mean)
        cv2.multiply(deviation, deviation, dst=deviation)
        cv2.addWeighted(variance, 1 - rate, deviation, rate, 0.0, dst=variance)
        self._set_bounds(rows, slice(None))
        return seen

    def _fill_half_width(self, variance: Floats, half_width: Floats) -> None:
        cv2.sqrt(variance, dst=half_width)
        np.multiply(half_width, np.float32(self._sigmas), out=half_width)
        np.maximum(half_width, np.float32(self._min_half_width), out=half_width)

    def _switched_off_cells(
        self, rows: slice, deviation: Floats, half_width: Floats, scratch: Floats
    ) -> list[tuple[int, int, bool]]:
        cell_row = rows.start // CELL
        columns = self._off.get(cell_row)
        if not columns:
            return []
        beyond = self._beyond[: rows.stop - rows.start]
        np.abs(deviation, out=scratch)
        cv2.compare(scratch, half_width, cv2.CMP_GT, dst=beyond)
        cv2.bitwise_and(beyond, self._region[rows], dst=beyond)
        return [
            (cell_row, column, int(cv2.countNonZero(beyond[:, column * CELL : (column + 1) * CELL])) >= 2)
            for column in sorted(columns)
        ]

    def _set_bounds(self, rows: slice, columns: slice) -> None:
        mean, variance = self.mean[rows, columns], self._variance[rows, columns]
        half_width = self._half_width[: mean.shape[0], : mean.shape[1]]
        self._fill_half_width(variance, half_width)
        low, high = self._low[rows, columns], self._high[rows, columns]
        # Saturating arithmetic: below black and above white there is nothing to exceed.
        cv2.subtract(mean, half_width, dst=low, dtype=cv2.CV_8U)
        cv2.add(mean, half_width, dst=high, dtype=cv2.CV_8U)
        cv2.bitwise_and(low, self._watch[rows, columns], dst=low)
        cv2.bitwise_or(high, self._ignored[rows, columns], dst=high)
