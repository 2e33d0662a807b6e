"""A background that is a slow mean and a spread per pixel, kept ready as two bounds for one `inRange` a frame.

Every array is allocated once: an `out` that is left out costs ten times the operation in page faults.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Floats, Grey, Mask
from edge.vision.regions import window_of

CELL = 80
"""Side in pixels of the squares that are switched off where something always moves."""
BAND_ROWS = CELL // 2
"""Rows that are searched at a time: a blob costs the search of its bands."""


@dataclass(frozen=True, slots=True)
class BackgroundTuning:
    """How the background is learned; seconds of media time, and grey levels.

    Half-width of the bounds: max(`min_half_width`, `sigmas` × RMS deviation). `tau_seconds`: time constant of both.
    `cycle_seconds`: how long learning takes to come round.
    """

    tau_seconds: float = 2.5
    min_half_width: float = 12.0
    sigmas: float = 5.5
    cycle_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring bands that hold foreground: rows [top, bottom), and how many foreground pixels."""

    top: int
    bottom: int
    pixels: int


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """Rows and columns that can be watched at all, and views of the bounds and the mask there."""

    rows: slice
    columns: slice
    pixels: int
    low: Grey
    high: Grey
    foreground: Mask
    corrected: Grey
    """Work memory, shared by all bands: so is all that follows."""
    low_clipped: Grey
    inside: Mask


@dataclass(slots=True, eq=False)
class _Stripe:
    """Rows and columns that are learned together, and when they were."""

    rows: slice
    columns: slice
    visited: float = 0.0
    visits: int = 0


class Background:
    """Bounds [low, high] per pixel of a (height, width) window. Pixels where `watch` is 0 are never foreground."""

    def __init__(self, watch: Mask, tuning: BackgroundTuning) -> None:
        self.height, self.width = watch.shape
        self._tuning = tuning
        self._region = watch.copy()
        self._watch = watch.copy()
        self._ignored = cv2.bitwise_not(watch)
        shape = watch.shape
        self.mean: Floats = np.zeros(shape, np.float32)
        self._spread: Floats = np.zeros(shape, np.float32)
        """Mean square deviation × sigmas²: the half-width's square, before its lower limit."""
        self._low: Grey = np.zeros(shape, np.uint8)
        self._high: Grey = np.zeros(shape, np.uint8)
        self.foreground: Mask = np.zeros(shape, np.uint8)
        """255 where the latest picture was foreground; filled only in the runs that `mark` returned."""
        self._off: dict[int, set[int]] = {}
        self._next = 0
        self._owed = 0.0
        work = (CELL, self.width)
        self._corrected: Grey = np.zeros(work, np.uint8)
        self._low_clipped: Grey = np.zeros(work, np.uint8)
        self._inside: Mask = np.zeros(work, np.uint8)
        self._beyond: Mask = np.zeros(work, np.uint8)
        self._pairs: Mask = np.zeros(work, np.uint8)
        self._held: Grey = np.zeros(work, np.uint8)
        self._deviation: Floats = np.zeros(work, np.float32)
        self._distance: Floats = np.zeros(work, np.float32)
        self._half_width: Floats = np.zeros(work, np.float32)
        self._bands = [self._band(rows, columns) for rows, columns in self._parts(BAND_ROWS)]
        self._stripes = [_Stripe(rows, columns) for rows, columns in self._parts(CELL)]

    def seed(self, picture: Grey, at_seconds: float, *, keep_spread: bool = False) -> None:
        """Starts over from one picture; the spread starts at its lower bound, or stays what was learned."""
        np.copyto(self.mean, picture)
        if not keep_spread:
            self._spread.fill(self._tuning.min_half_width**2)
        for stripe in self._stripes:
            stripe.visited, stripe.visits = at_seconds, 1
            self._set_bounds(stripe.rows, stripe.columns)

    def mark(self, picture: Grey, exposure: float = 1.0) -> list[Run]:
        """Fills `foreground` where the picture leaves its bounds.

        `exposure`: of the picture, against the one that the bounds belong to. A pixel that was too bright to be
        measured is not foreground for being darker than it was after compensation.

        It goes band by band: what one operation leaves is still in the processor's cache for the next one.
        """
        white = 255 / max(exposure, 1.0)
        runs: list[Run] = []
        for band in self._bands:
            part, low = picture[band.rows, band.columns], band.low
            if exposure != 1.0:
                cv2.convertScaleAbs(part, dst=band.corrected, alpha=1 / exposure)
                part = band.corrected
            if white < 250:
                cv2.threshold(low, int(white) - 2, 255, cv2.THRESH_TRUNC, dst=band.low_clipped)
                low = band.low_clipped
            cv2.inRange(part, low, band.high, dst=band.inside)
            pixels = band.pixels - cv2.countNonZero(band.inside)
            if not pixels:
                continue
            cv2.bitwise_not(band.inside, dst=band.foreground)
            if runs and runs[-1].bottom == band.rows.start:
                runs[-1] = Run(runs[-1].top, band.rows.stop, runs[-1].pixels + pixels)
            else:
                runs.append(Run(band.rows.start, band.rows.stop, pixels))
        return runs

    def learn(
        self, picture: Grey, at_seconds: float, elapsed_seconds: float, exposure: float = 1.0
    ) -> list[tuple[int, int, bool]]:
        """Learns the stripes whose turn it is. Returns (cell row, cell column, occupied) of switched-off cells in them.

        `exposure`: as in `mark`.

        A pixel outside its bounds pulls the mean and the spread as if it lay on them: one passing object neither
        leaves a ghost nor blinds its path, while leaves, which are always somewhere else, widen their bounds.
        """
        count = len(self._stripes)
        self._owed = min(self._owed + elapsed_seconds / self._tuning.cycle_seconds * count, float(count))
        seen: list[tuple[int, int, bool]] = []
        while self._owed >= 1:
            self._owed -= 1
            stripe = self._stripes[self._next]
            part = picture[stripe.rows, stripe.columns]
            if exposure != 1.0:
                corrected = self._corrected[: part.shape[0], : part.shape[1]]
                cv2.convertScaleAbs(part, dst=corrected, alpha=1 / exposure)
                part = corrected
            seen += self._learn_stripe(stripe, part, at_seconds)
            self._next = (self._next + 1) % count
        return seen

    def switch(self, cell_row: int, cell_column: int, *, on: bool) -> None:
        """Switches a cell off (folded into the bounds: costs nothing a frame) or on again."""
        in_row = self._off.setdefault(cell_row, set())
        (in_row.discard if on else in_row.add)(cell_column)
        rows = slice(cell_row * CELL, min((cell_row + 1) * CELL, self.height))
        columns = slice(cell_column * CELL, min((cell_column + 1) * CELL, self.width))
        self._watch[rows, columns] = self._region[rows, columns] if on else 0
        self._ignored[rows, columns] = 255 - self._watch[rows, columns]
        self._set_bounds(rows, columns)

    def watched_pixels(self) -> int:
        """How many pixels can be foreground."""
        return int(cv2.countNonZero(self._watch))

    def rescale(self, factor: float) -> None:
        """Multiplies the whole model: the exposure it refers to has changed for good."""
        np.multiply(self.mean, np.float32(factor), out=self.mean)
        np.multiply(self._spread, np.float32(factor * factor), out=self._spread)
        for stripe in self._stripes:
            self._set_bounds(stripe.rows, stripe.columns)

    def _parts(self, height: int) -> Iterator[tuple[slice, slice]]:
        """Rows, so many at a time, with the columns between which anything is watched there."""
        for top in range(0, self.height, height):
            rows = slice(top, min(top + height, self.height))
            if self._region[rows].any():
                window = window_of(self._region[rows])
                yield rows, slice(window.left, window.right)

    def _band(self, rows: slice, columns: slice) -> _Band:
        height, width = rows.stop - rows.start, columns.stop - columns.start
        return _Band(
            rows,
            columns,
            height * width,
            self._low[rows, columns],
            self._high[rows, columns],
            self.foreground[rows, columns],
            self._corrected[:height, :width],
            self._low_clipped[:height, :width],
            self._inside[:height, :width],
        )

    def _learn_stripe(self, stripe: _Stripe, part: Grey, at_seconds: float) -> list[tuple[int, int, bool]]:
        rows, columns = stripe.rows, stripe.columns
        count, width = rows.stop - rows.start, columns.stop - columns.start
        mean, spread = self.mean[rows, columns], self._spread[rows, columns]
        deviation = self._deviation[:count, :width]
        # Held to the bounds while still bytes: a quarter of the work. Switched-off cells have no bounds.
        held = self._held[:count, :width]
        cv2.max(part, self._low[rows, columns], dst=held)
        cv2.min(held, self._high[rows, columns], dst=held)
        cv2.subtract(held, mean, dst=deviation, dtype=cv2.CV_32F)
        seen = self._switched_off_cells(stripe, deviation)
        stripe.visits += 1
        rate = 1 - math.exp(-(at_seconds - stripe.visited) / self._tuning.tau_seconds)
        rate = max(rate, 1 / stripe.visits)  # the first seconds are a plain average
        stripe.visited = at_seconds
        cv2.scaleAdd(deviation, rate, mean, dst=mean)
        cv2.multiply(deviation, deviation, dst=deviation, scale=self._tuning.sigmas**2)
        cv2.addWeighted(spread, 1 - rate, deviation, rate, 0.0, dst=spread)
        self._set_bounds(rows, columns)
        return seen

    def _switched_off_cells(self, stripe: _Stripe, deviation: Floats) -> list[tuple[int, int, bool]]:
        cell_row = stripe.rows.start // CELL
        cells = sorted(self._off.get(cell_row, ()))
        if not cells:
            return []
        shift = stripe.columns.start
        left = max(cells[0] * CELL - shift, 0)
        right = min((cells[-1] + 1) * CELL, stripe.columns.stop) - shift
        columns = slice(shift + left, shift + right)
        height, width = deviation.shape[0], right - left
        if width <= 0:  # nothing is watched there: the corner of a blob's box
            return [(cell_row, cell, False) for cell in cells]
        half_width = self._half_widths(stripe.rows, columns)
        beyond, pairs = self._beyond[:height, :width], self._pairs[:height, :width]
        distance = np.abs(deviation[:, left:right], out=self._distance[:height, :width])
        cv2.compare(distance, half_width, cv2.CMP_GT, dst=beyond)
        cv2.bitwise_and(beyond, self._region[stripe.rows, columns], dst=beyond)
        # A single pixel is noise: occupied is where two neighbours leave their bounds, as for a blob.
        np.bitwise_and(beyond[:, 1:], beyond[:, :-1], out=pairs[:, 1:])
        pairs[:, 0] = 0
        np.bitwise_and(beyond[1:], beyond[:-1], out=beyond[1:])
        beyond[0] = 0
        np.bitwise_or(pairs, beyond, out=pairs)
        return [
            (
                cell_row,
                cell,
                cv2.countNonZero(
                    pairs[:, max(cell * CELL - columns.start, 0) : max((cell + 1) * CELL - columns.start, 0)]
                )
                > 0,
            )
            for cell in cells
        ]

    def _half_widths(self, rows: slice, columns: slice) -> Floats:
        """Of the bounds in at most `CELL` rows, from the spread as it is; in work memory."""
        spread = self._spread[rows, columns]
        half_width = self._half_width[: spread.shape[0], : spread.shape[1]]
        # A pixel's own spread comes from a few samples: some would be far too low without their neighbours'.
        cv2.blur(spread, (3, 3), dst=half_width)
        cv2.max(half_width, spread, dst=half_width)
        np.maximum(half_width, np.float32(self._tuning.min_half_width**2), out=half_width)
        return np.sqrt(half_width, out=half_width)

    def _set_bounds(self, rows: slice, columns: slice) -> None:
        mean, half_width = self.mean[rows, columns], self._half_widths(rows, columns)
        low, high = self._low[rows, columns], self._high[rows, columns]
        # Saturating arithmetic: below black and above white there is nothing to exceed.
        cv2.subtract(mean, half_width, dst=low, dtype=cv2.CV_8U)
        cv2.add(mean, half_width, dst=high, dtype=cv2.CV_8U)
        cv2.bitwise_and(low, self._watch[rows, columns], dst=low)
        cv2.bitwise_or(high, self._ignored[rows, columns], dst=high)
