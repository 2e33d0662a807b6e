"""By how much each tile of a picture is shifted against another picture of the same place.

Correlation of orientation, as `edge.vision.registration` has it for whole pictures, tile by tile: an edge counts the
same whether it goes from dark to light or back, as edges do between seasons.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft2, ifft2

from edge.vision.arrays import Doubles, Floats, Grey, Mask

TILE_PX = 128
"""Fifteen metres at the working scale: a house and its garden."""
MOST_SHIFT_PX = 16.0
CLEAR_PEAK = 5.5
"""In standard deviations of all answers within reach. Of noise alone the best of ~300 answers stands near 3."""
_FLATTENING = 0.6
_FAINT = 0.5
_HALF = TILE_PX // 2
_REACH = int(MOST_SHIFT_PX // 2)
_LEAST_VALID = 0.6

_Complex = NDArray[np.complex64]


@dataclass(frozen=True, slots=True, eq=False)
class TileShifts:
    """`columns`, `rows`: the tiles' middles in pixels. `shifts` (rows, columns, 2): where the second picture's content
    lies as seen from the first one's, to the right and down; NaN where a tile gives no clear answer."""

    columns: Doubles
    rows: Doubles
    shifts: Doubles


def tile_shifts(first: Grey, second: Grey, valid: Mask) -> TileShifts:
    """Of two (height, width) pictures, tile by tile with half of each overlapping the next."""
    height, width = first.shape
    fields = _orientations(first), _orientations(second)
    covered = cv2.resize(valid, (width // 2, height // 2), interpolation=cv2.INTER_NEAREST)
    tops = _starts(height // 2)
    lefts = _starts(width // 2)
    shifts = np.full((len(tops), len(lefts), 2), np.nan)
    if min(fields[0].shape) >= _HALF:
        window = np.outer(np.hanning(_HALF + 2)[1:-1], np.hanning(_HALF + 2)[1:-1]).astype(np.float32)
        for row, top in enumerate(tops):
            strips = [field[top : top + _HALF] for field in (*fields, covered)]
            one, two, shown = (np.stack([strip[:, left : left + _HALF] for left in lefts]) for strip in strips)
            enough = np.count_nonzero(shown, axis=(1, 2)) >= _LEAST_VALID * _HALF**2
            shifts[row] = _shifts(one * window, two * window)
            shifts[row, ~enough] = np.nan
    middles = [np.asarray(starts * 2.0 + _HALF - 0.5, np.float64) for starts in (lefts, tops)]
    return TileShifts(middles[0], middles[1], 2 * shifts)


def _starts(length: int) -> NDArray[np.int64]:
    if length <= _HALF:
        return np.zeros(1, np.int64)
    count = max(2, round((length - _HALF) / (_HALF / 2)) + 1)
    return np.rint(np.linspace(0, length - _HALF, count)).astype(np.int64)


def _orientations(picture: Grey) -> _Complex:
    """Root of the gradient's length, at twice its angle, of the halved picture."""
    height, width = picture.shape
    half = np.asarray(cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32)
    right = cv2.Sobel(half, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    down = cv2.Sobel(half, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    gradient = right + 1j * down
    length = np.abs(gradient) + 1e-3
    return np.asarray(gradient * gradient / (length * np.sqrt(length + _FAINT)), np.complex64)


def _shifts(first: _Complex, second: _Complex) -> Doubles:
    """(n, 2): of the content of `second` (n, side, side) against `first`; NaN where no answer stands out."""
    cross = fft2(second) * np.conj(fft2(first))
    power = cross.real**2 + cross.imag**2
    answers = ifft2(cross * (power + 1e-12) ** np.float32(-_FLATTENING / 2)).real
    near = np.roll(answers, (_REACH, _REACH), (1, 2))[:, : 2 * _REACH + 1, : 2 * _REACH + 1]
    means, deviations = answers.mean(axis=(1, 2)), answers.std(axis=(1, 2))
    found = np.full((len(answers), 2), np.nan)
    for index, (surface, mean, deviation) in enumerate(zip(near, means, deviations, strict=True)):
        row, column = divmod(int(surface.argmax()), 2 * _REACH + 1)
        inside = 0 < row < 2 * _REACH and 0 < column < 2 * _REACH
        if inside and deviation > 0 and surface[row, column] - mean >= CLEAR_PEAK * deviation:
            x = column + _vertex(surface[row, column - 1 : column + 2])
            y = row + _vertex(surface[row - 1 : row + 2, column])
            found[index] = x - _REACH, y - _REACH
    return found


def _vertex(values: Floats) -> float:
    before, at, after = (float(value) for value in values)
    bend = before - 2 * at + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


def smoothed(found: TileShifts, most_px: float = MOST_SHIFT_PX) -> TileShifts:
    """Each tile's shift as the median of its neighbourhood has it, gaps filled from the nearest tiles.

    A tile that says something else than its neighbours shows a tall roof or a car, not the ground.
    """
    shifts = found.shifts
    rows, columns = shifts.shape[:2]
    calm = np.full_like(shifts, np.nan)
    for row in range(rows):
        for column in range(columns):
            around = shifts[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].reshape(-1, 2)
            around = around[np.isfinite(around[:, 0])]
            if len(around) >= 3:
                calm[row, column] = np.median(around, axis=0)
    known = np.isfinite(calm[..., 0])
    if not known.any():
        return TileShifts(found.columns, found.rows, np.zeros_like(shifts))
    weight = cv2.GaussianBlur(known.astype(np.float64), (0, 0), 2.0, borderType=cv2.BORDER_REPLICATE)
    mean = np.median(calm[known], axis=0)
    spread = np.where(known[..., None], calm - mean, 0.0)
    filled = cv2.GaussianBlur(spread, (0, 0), 2.0, borderType=cv2.BORDER_REPLICATE)
    far = filled / np.maximum(weight, 0.05)[..., None]
    calm = np.where(known[..., None], calm, mean + far)
    return TileShifts(found.columns, found.rows, np.clip(calm, -most_px, most_px))


def as_field(found: TileShifts, width: int, height: int) -> Floats:
    """(height, width, 2): the tiles' shifts, bilinear between their middles."""
    across = np.interp(np.arange(width), found.columns, np.arange(len(found.columns))).astype(np.float32)
    down = np.interp(np.arange(height), found.rows, np.arange(len(found.rows))).astype(np.float32)
    values = np.ascontiguousarray(found.shifts, np.float32)
    maps = np.broadcast_to(across, (height, width)), np.broadcast_to(down[:, None], (height, width))
    field = cv2.remap(
        values,
        np.ascontiguousarray(maps[0]),
        np.ascontiguousarray(maps[1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(field, np.float32)
