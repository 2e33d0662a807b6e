"""One block of a mosaic: of every place the picture that looks at it most steeply, softly joined to the next.

What stands on the ground leans away from the camera, and least where the camera is above it; so pictures are parted
half way between the places they were taken from. What leans over a seam is cut there: it needs the surface to be
known, and this mosaic is for looking at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from edge.detectors.interface import Image
from edge.flights.mosaic.framing import Framed, Heights
from edge.flights.mosaic.grid import Block, GridPlaces
from edge.flights.mosaic.pictures import Pictures
from edge.vision.arrays import Doubles, Floats

STEP_PX = 16
"""Between places that are computed exactly; between them places in the picture are bilinear: to a hundredth of a
pixel, for a lens of a drone."""
_RIM = 0.04
"""Share of a picture along its border that is left to others, where others show it: lenses are darkest and bent most
there."""
_RIM_COST = 1.0
"""What the outermost pixel costs, as a tangent of the angle it is looked at."""
_TRACE = np.float32(1e-6)
_MOST_FRAMES = 48
"""That are looked at for one block: a drone that hovers takes hundreds from one place."""


@dataclass(frozen=True, slots=True, eq=False)
class Blended:
    """`bgra` (rows, columns, 4): alpha 255 where there is a picture, and all 0 where there is none."""

    bgra: Image
    used: tuple[int, ...]
    """Frames, by `index`."""


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """One frame over a lattice (rows, columns) of places."""

    number: int
    pixels: Floats
    """(rows, columns, 2) in the shrunk picture; NaN where it does not look."""
    cost: Doubles
    """(rows, columns); infinite where the frame shows nothing."""


class Blender:
    """Makes blocks in any order. Not for use by two threads."""

    def __init__(
        self, frames: Sequence[Framed], factors: Doubles, places: GridPlaces, ground: Heights, feather_m: float
    ) -> None:
        """`factors` (n, 3) for blue, green, red of each frame."""
        self._frames, self._factors, self._places, self._ground = list(frames), factors, places, ground
        height_m = float(np.median([each.height_m for each in frames])) if frames else 1.0
        self._feather = max(feather_m, 2 * places.grid.gsd_m) / height_m
        self._tree = shapely.STRtree([each.footprint for each in frames])

    def frames_over(self, block: Block) -> list[int]:
        """That may show a part of it."""
        corners = np.array([
            (column, row)
            for column in (block.column - 1, block.column + block.columns)
            for row in (block.row - 1, block.row + block.rows)
        ], np.float64)  # fmt: skip
        shape = shapely.MultiPoint(self._places.metres(corners)).convex_hull
        found = sorted(int(number) for number in self._tree.query(shape, predicate="intersects"))
        if len(found) <= _MOST_FRAMES:
            return found
        middle = shape.centroid
        return sorted(sorted(found, key=lambda each: self._frames[each].level_m(middle.x, middle.y))[:_MOST_FRAMES])

    def block(self, block: Block, pictures: Pictures) -> Blended | None:
        """None where no picture is left that shows it. One that turns out to be broken leaves its place to others."""
        lattice = self._lattice(block)
        looks = [
            self._look(number, lattice, pictures)
            for number in self.frames_over(block)
            if self._index(number) not in pictures.broken
        ]
        while looks:
            made = self._joined(block, looks, pictures)
            if made is not None:
                return made
            looks = [look for look in looks if self._index(look.number) not in pictures.broken]
        return None

    def _index(self, number: int) -> int:
        return self._frames[number].frame.index

    def _lattice(self, block: Block) -> Doubles:
        """(rows, columns, 3) places of the plane, `STEP_PX` apart, over the block and a little more."""
        columns = block.column + np.arange(0, block.columns + STEP_PX, STEP_PX, dtype=np.float64)
        rows = block.row + np.arange(0, block.rows + STEP_PX, STEP_PX, dtype=np.float64)
        pixels = np.stack(np.meshgrid(columns, rows), axis=-1)
        level = self._places.metres(pixels.reshape(-1, 2))
        points = np.column_stack((level, self._ground.heights(level)))
        return points.reshape(*pixels.shape[:2], 3)

    def _look(self, number: int, lattice: Doubles, pictures: Pictures) -> _Look:
        framed = self._frames[number]
        lens = pictures.lens(framed)
        points = lattice.reshape(-1, 3)
        pixels = framed.seen(points, lens)
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels <= (lens.width - 1, lens.height - 1))).all(axis=1)
            gap = np.minimum(pixels, (lens.width - 1, lens.height - 1) - pixels).min(axis=1)
        rim = _RIM * min(lens.width, lens.height)
        cost = framed.slant(points) + _RIM_COST * np.clip(1 - gap / rim, 0, 1)
        shape = lattice.shape[:2]
        return _Look(
            number,
            pixels.reshape(*shape, 2).astype(np.float32),
            np.where(inside & np.isfinite(cost), cost, np.inf).reshape(shape),
        )

    def _shares(self, costs: Sequence[Doubles]) -> list[Floats]:
        """How much of each place (rows, columns) is each frame's."""
        cheapest = np.min(costs, axis=0)
        found = []
        with np.errstate(invalid="ignore"):
            for cost in costs:
                share = np.where(np.isfinite(cost), 1 - (cost - cheapest) / self._feather, 0.0)
                found.append(np.clip(share, 0, 1).astype(np.float32))
        return found

    def _joined(self, block: Block, looks: Sequence[_Look], pictures: Pictures) -> Blended | None:
        """None where a picture could not be read: the others' shares are then other ones."""
        size = block.rows, block.columns
        colours, weights = np.zeros((*size, 3), np.float32), np.zeros(size, np.float32)
        used = []
        for look, share in zip(looks, self._shares([look.cost for look in looks]), strict=True):
            if not share.any():
                continue
            picture = pictures.of(self._frames[look.number])
            if picture is None:
                return None
            rows, columns = _reach(share)
            part = np.s_[rows.start * STEP_PX : (rows.stop - 1) * STEP_PX,
                         columns.start * STEP_PX : (columns.stop - 1) * STEP_PX]  # fmt: skip
            here = weights[part]
            taken, weight = _warped(picture, look.pixels[rows, columns], share[rows, columns], *here.shape)
            if weight.any():
                colours[part] += taken * (weight[..., None] * self._factors[look.number].astype(np.float32))
                here += weight
                used.append(self._index(look.number))
        shown = weights > 0
        bgra = np.zeros((*size, 4), np.uint8)
        colours /= np.where(shown, weights, 1)[..., None]
        bgra[..., :3] = np.clip(np.rint(colours), 0, 255)
        bgra[..., 3] = np.where(shown, 255, 0)
        return Blended(bgra, tuple(used))


def _reach(share: Floats) -> tuple[slice, slice]:
    """Rows and columns of the lattice that a share needs: more of a picture need not be looked at."""
    rows, columns = np.flatnonzero(share.any(axis=1)), np.flatnonzero(share.any(axis=0))
    most_row, most_column = share.shape[0] - 1, share.shape[1] - 1
    top, left = max(int(rows[0]) - 1, 0), max(int(columns[0]) - 1, 0)
    low, right = min(int(rows[-1]) + 1, most_row), min(int(columns[-1]) + 1, most_column)
    return slice(top, low + 1), slice(left, right + 1)


def _warped(picture: Image, pixels: Floats, share: Floats, rows: int, columns: int) -> tuple[Image, Floats]:
    """(rows, columns, 3) of the picture under a lattice, and how much each pixel counts."""
    known = np.asarray(np.isfinite(pixels).all(axis=2), np.bool_)
    pixels = np.where(known[..., None], pixels, np.float32(-1e4))
    across, down = (_spread(np.ascontiguousarray(pixels[..., axis]), rows, columns) for axis in (0, 1))
    # Between a known and an unknown place a position means nothing.
    sure = known.all() or _spread(np.asarray(known, np.float32), rows, columns) > 1 - 1e-6
    height, width = picture.shape[:2]
    inside: NDArray[np.bool_] = sure & (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)
    # What the lattice just missed at a picture's border still counts a little, where nobody else shows it.
    beside = np.asarray(cv2.dilate((share > 0).astype(np.float32), np.ones((3, 3), np.uint8)), np.float32)
    count = np.maximum(_spread(share, rows, columns), _TRACE * _spread(beside, rows, columns))
    weight = np.where(inside, count, np.float32(0))
    taken = cv2.remap(picture, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(taken, np.uint8), np.asarray(weight, np.float32)


def _spread(lattice: Floats, rows: int, columns: int) -> Floats:
    """Bilinear from a lattice to every pixel of a window: (rows, columns)."""
    along = np.arange(columns, dtype=np.float32) / STEP_PX
    downward = np.arange(rows, dtype=np.float32) / STEP_PX
    left, top = np.floor(along).astype(np.int64), np.floor(downward).astype(np.int64)
    right, low = along - left, (downward - top)[:, None]
    # Along rows first: the lattice is small.
    wide = lattice[:, left] * (1 - right) + lattice[:, left + 1] * right
    steps = np.diff(wide, axis=0)
    return np.asarray(wide[top] + steps[top] * low, np.float32)
