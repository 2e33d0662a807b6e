"""Where in a picture the heads are, and what is there: all lamps and all heads of a picture in a few arrays.

Every point that is ever looked at is known beforehand in the settings' pixels; a picture's placement shifts them all.
One call then reads them from a plane of the picture, as it lies: no head is cut out or converted to colour for itself
(that costs 0.12 ms a head, and this 5 µs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Frame, Image, Region
from edge.vision.arrays import Floats
from edge.vision.lamps import (
    COLOURS,
    PATCH,
    POINTS,
    Channels,
    channels,
    patch_offsets,
    ring_points,
    side_points,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.detectors.traffic_signal.readings import Placement
    from edge.detectors.traffic_signal.settings import HeadSettings, TrafficSignalSettings
    from edge.vision.planes import Planes

GRID = 24
"""Cells across and down a head with its margin, whatever its size: housing edges are then a cell or two wide."""
_FINE = 2
"""Points across and down a cell, averaged: noise and the picture's own blocks count for less."""
MARGIN = 0.35
"""Of a head's shorter side, on every side of it: what stands before a head hides its edges too."""
_SCENE_ROWS, _SCENE_COLUMNS = 27, 48
"""Points of the whole picture, for how bright and how clear it is."""
_LIMITED_GAIN, _LIMITED_BLACK = 255 / 219, 16.0
_TO_RGB = np.array([[0.0, 1.402], [-0.344, -0.714], [1.772, 0.0]], np.float32)
"""R, G, B from U, V of full range (BT.601); of limited range they are wider by 255/224."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the settings name, as arrays: h heads with n lamps in all, in their order.

    `head_of` (n,): each lamp's head. `first` (h + 1,): where each head's lamps begin. `colours` (n,). `rings` (n, k),
    `sides` (n, 2, k): points of a patch. `boxes` (h, 4): left, top, right, bottom of the housing. `windows` (h, 4):
    with the margin, what a grid covers. `centres` (n, 2), `diameters` (n,). `lamp_points` (n, POINTS, 2) and
    `grid_points` (h, points, 2), in the settings' pixels.
    """

    ids: tuple[str, ...]
    head_of: NDArray[np.intp]
    first: NDArray[np.intp]
    colours: NDArray[np.intp]
    rings: NDArray[np.intp]
    sides: NDArray[np.intp]
    boxes: Floats
    windows: Floats
    centres: Floats
    diameters: Floats
    lamp_points: Floats
    grid_points: Floats
    panel_of: NDArray[np.intp]
    """(c,) heads that have a countdown."""
    panel_points: Floats
    """(c, POINTS, 2)."""
    extents: Floats
    """(h, 4) left, top, right, bottom of all points of a head."""


def layout(settings: TrafficSignalSettings) -> Layout:
    """The arrays that the settings stand for."""
    heads = list(settings.heads.values())
    lamps = [(number, lamp) for number, head in enumerate(heads) for lamp in head.lamps]
    centres = np.array([lamp.centre for _, lamp in lamps], np.float32)
    diameters = np.array([lamp.diameter_px for _, lamp in lamps], np.float32)
    head_of = np.array([number for number, _ in lamps], np.intp)
    points = centres[:, None] + patch_offsets()[None] * diameters[:, None, None]
    boxes = np.array([_box(head) for head in heads], np.float32)
    margins = MARGIN * np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])[:, None]
    windows = boxes + np.array([-1, -1, 1, 1], np.float32) * margins
    panel_of = np.array([number for number, head in enumerate(heads) if head.countdown is not None], np.intp)
    panels = np.array([_panel(head) for head in heads if head.countdown], np.float32).reshape(-1, POINTS, 2)
    return Layout(
        ids=tuple(settings.heads),
        head_of=head_of,
        first=np.searchsorted(head_of, np.arange(len(heads) + 1)),
        colours=np.array([COLOURS.index(lamp.colour) for _, lamp in lamps], np.intp),
        rings=np.stack([_ring(heads, head_of, centres, diameters, points, n) for n in range(len(lamps))]),
        sides=np.stack([_sides(head_of, centres, n) for n in range(len(lamps))]),
        boxes=boxes,
        windows=windows,
        centres=centres,
        diameters=diameters,
        lamp_points=points.astype(np.float32),
        grid_points=np.stack([_grid(window, GRID * _FINE) for window in windows]).astype(np.float32),
        panel_of=panel_of,
        panel_points=panels,
        extents=np.stack(
            [
                _extent(windows[n].reshape(2, 2), *points[head_of == n], *panels[panel_of == n])
                for n in range(len(heads))
            ]
        ),
    )


def _box(head: HeadSettings) -> tuple[float, float, float, float]:
    """Of the housing, and of the lamps if somebody drew it too small for them; at least a few pixels."""
    x = [p[0] for p in head.polygon] + [
        lamp.centre[0] + s * lamp.diameter_px / 2 for lamp in head.lamps for s in (-1, 1)
    ]
    y = [p[1] for p in head.polygon] + [
        lamp.centre[1] + s * lamp.diameter_px / 2 for lamp in head.lamps for s in (-1, 1)
    ]
    return min(x), min(y), max(*x, min(x) + 2), max(*y, min(y) + 2)


def _ring(
    heads: Sequence[HeadSettings],
    head_of: NDArray[np.intp],
    centres: Floats,
    diameters: Floats,
    points: Floats,
    number: int,
) -> NDArray[np.intp]:
    polygon = np.array(heads[head_of[number]].polygon, np.float32)
    mine = points[number]
    clear = np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in mine])
    for other in np.flatnonzero(head_of == head_of[number]):
        if other != number:
            clear &= np.hypot(*(mine - centres[other]).T) > 0.58 * diameters[other]
    return ring_points(clear)


def _sides(head_of: NDArray[np.intp], centres: Floats, number: int) -> NDArray[np.intp]:
    """The edges towards the two nearest lamps of the head. A lamp that is alone has edges too: above and below."""
    others = centres[(head_of == head_of[number]) & (np.arange(len(centres)) != number)] - centres[number]
    nearest = others[np.argsort(np.hypot(*others.T))][:2]
    both = [*nearest, *(np.array([[0, -1], [0, 1]], np.float32) if not len(nearest) else nearest)][:2]
    return np.stack([side_points(np.asarray(toward, np.float32)) for toward in both])


def _extent(*parts: Floats) -> Floats:
    every = np.concatenate(parts)
    return np.concatenate((every.min(axis=0), every.max(axis=0))).astype(np.float32)


def _panel(head: HeadSettings) -> Floats:
    """Points of a countdown, a little inside: its frame is no digit."""
    assert head.countdown is not None
    corners = np.array(head.countdown.polygon, np.float32)
    first, last = corners.min(axis=0), corners.max(axis=0)
    inset = np.float32(0.06) * (last - first)
    return _grid(np.concatenate((first + inset, last - inset)), PATCH)


def _grid(window: Floats, count: int) -> Floats:
    steps = (np.arange(count) + 0.5) / count
    x, y = np.meshgrid(window[0] + steps * (window[2] - window[0]), window[1] + steps * (window[3] - window[1]))
    return np.stack((x.ravel(), y.ravel()), axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What one picture shows at the layout's points.

    `lamps`: their patches. `panels` (c, POINTS, 3) RGB 0-255. `grids` (h, GRID, GRID) luma 0-255. `inside` (h,):
    whether the head's lamps lie in the picture. `grey`: the picture has no colours, as cameras' have in infra-red.
    `scene` (points,) luma of the whole picture, thinly, from the darkest to the brightest; `level`: its median.
    """

    lamps: Channels
    panels: Floats
    grids: Floats
    inside: NDArray[np.bool_]
    grey: bool
    scene: Floats
    level: float


class Sampler:
    """Reads a layout's points from pictures; keeps its buffers."""

    def __init__(self, points: Layout) -> None:
        self._layout = points
        heads, lamps = len(points.ids), len(points.colours)
        # The rows of lamps, and after them those of displays.
        self._lamp_maps = _Maps(np.concatenate((points.lamp_points, points.panel_points)))
        self._lamps = lamps
        self._grid_maps = _Maps(points.grid_points.reshape(heads * GRID * _FINE, GRID * _FINE, 2))
        self._placed: tuple[Placement, int, int] | None = None
        self._nudged: bytes = b""
        self._inside = np.zeros(heads, bool)

    def sample(self, frame: Frame, placement: Placement, nudges: Floats) -> Samples:
        """Reads a picture. `nudges` (h, 2): by how many pixels of it each head's lamps are off their place."""
        self._place(frame, placement, nudges)
        luma = frame.luma
        planes = frame.read_planes() if frame.read_planes is not None else None
        scene = np.sort(_thinned(luma)).astype(np.float32)
        if planes is not None and luma.shape == planes.luma.shape:
            rgb, fine, grey = self._from_planes(planes)
        else:
            rgb, fine, grey = self._from_bgr(frame, placement, self._inside)
        heads = len(self._layout.ids)
        grids = cv2.resize(fine.astype(np.float32), (GRID, heads * GRID), interpolation=cv2.INTER_AREA)
        if planes is not None and not planes.full_range and luma.shape == planes.luma.shape:
            grids = (grids - _LIMITED_BLACK) * _LIMITED_GAIN
            scene = (scene - _LIMITED_BLACK) * _LIMITED_GAIN
        return Samples(
            lamps=channels(rgb[: self._lamps], self._layout.colours),
            panels=rgb[self._lamps :],
            grids=np.asarray(grids, np.float32).reshape(heads, GRID, GRID),
            inside=self._inside,
            grey=grey,
            scene=scene,
            level=float(scene[(len(scene) - 1) // 2] + scene[len(scene) // 2]) / 2,
        )

    def _place(self, frame: Frame, placement: Placement, nudges: Floats) -> None:
        """Puts the points where they lie, if they lie elsewhere than in the picture before: mostly they do not."""
        placed, nudged = (placement, frame.width, frame.height), nudges.tobytes()
        if placed == self._placed and nudged == self._nudged:
            return
        self._lamp_maps.place(placement, nudges[np.concatenate((self._layout.head_of, self._layout.panel_of))])
        if placed != self._placed:
            self._grid_maps.place(placement)
            self._inside = self._heads_inside(*placed)
        self._placed, self._nudged = placed, nudged

    def _heads_inside(self, placement: Placement, width: int, height: int) -> NDArray[np.bool_]:
        points = self._layout
        x, y = points.centres.T
        centres = np.stack(
            (
                placement.scale * x - placement.turn * y + placement.dx,
                placement.turn * x + placement.scale * y + placement.dy,
            ),
            axis=1,
        )
        # Half a radius may be cut off: the brightest part of the lens is still there.
        reach = 0.25 * points.diameters[:, None] * placement.scale
        good = ((centres - reach >= 0) & (centres + reach <= (width - 1, height - 1))).all(axis=1)
        return np.asarray(np.logical_and.reduceat(good, points.first[:-1]))

    def _from_planes(self, planes: Planes) -> tuple[Floats, Image, bool]:
        """Lamps and displays (n + c, POINTS, 3) RGB 0-255, each channel for itself in memory; the grids' points, luma
        as the plane has it; whether there is no colour."""
        luma, chroma = planes.luma, planes.chroma
        points, fine = self._lamp_maps.points, self._grid_maps.read(luma)
        light = self._lamp_maps.read(luma).astype(np.float32)
        if not planes.full_range:
            light -= _LIMITED_BLACK
            light *= _LIMITED_GAIN
        rgb = np.empty((3, *points.shape[:2]), np.float32)
        rgb[:] = light
        grey = True
        if chroma:
            scale = (chroma[0].shape[1] / luma.shape[1], chroma[0].shape[0] / luma.shape[0])
            parts = [self._lamp_maps.read(plane, scale) for plane in chroma]
            blue, red = parts if len(parts) == 2 else (parts[0][:, :, 0], parts[0][:, :, 1])
            step = max(chroma[0].shape[1] // _SCENE_COLUMNS, 1)
            spread = max(int(np.ptp(plane[::step, ::step])) for plane in chroma)
            most = max(abs(int(edge) - 128) for part in (blue, red) for edge in (part.min(), part.max()))
            grey = spread <= _GREY_SPREAD and most <= _GREY_SPREAD
            _add_colour(rgb, blue, red, 1.0 if planes.full_range else 255 / 224)
        np.maximum(rgb, 0, out=rgb)
        np.minimum(rgb, 255, out=rgb)
        return rgb.transpose(1, 2, 0), fine, grey

    def _from_bgr(self, frame: Frame, placement: Placement, inside: NDArray[np.bool_]) -> tuple[Floats, Image, bool]:
        """The same from a reader of colour: one read a head."""
        points = self._layout
        lamps = np.zeros((len(self._lamp_maps.points), POINTS, 3), np.float32)
        grids = np.zeros((len(points.ids), GRID * _FINE, GRID * _FINE), np.uint8)
        coloured = False
        for number in np.flatnonzero(inside):
            region = _region(points, int(number), placement)
            bgr = frame.read_bgr(region)
            if not bgr.size:
                continue
            coloured = coloured or bool(np.ptp(bgr.astype(np.int16), axis=2).max() > 2 * _GREY_SPREAD)
            shift = (max(region.x, 0), max(region.y, 0))
            some = slice(points.first[number], points.first[number + 1])
            lamps[some] = self._lamp_maps.read(bgr, shift=shift, rows=some)[:, :, ::-1]
            for panel in self._lamps + np.flatnonzero(points.panel_of == number):
                row = slice(panel, panel + 1)
                lamps[row] = self._lamp_maps.read(bgr, shift=shift, rows=row)[:, :, ::-1]
            rows = slice(number * GRID * _FINE, (number + 1) * GRID * _FINE)
            grey = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
            grids[number] = self._grid_maps.read(grey, shift=shift, rows=rows)
        return lamps, grids.reshape(-1, GRID * _FINE), not coloured


_GREY_SPREAD = 10
"""Grey levels of chroma that noise and compression make of a grey picture."""


class _Maps:
    """Points (rows, columns, 2) as OpenCV wants them for reading; `place` before `read`."""

    def __init__(self, points: Floats) -> None:
        self.points = points
        self._x = np.ascontiguousarray(points[:, :, 0])
        self._y = np.ascontiguousarray(points[:, :, 1])
        self._placed = self._x, self._y
        self._scaled: dict[tuple[float, float], tuple[Floats, Floats]] = {}

    def place(self, placement: Placement, nudges: Floats | None = None) -> None:
        """Puts the points where they lie in a picture; `nudges` (rows, 2) pixels beside it."""
        scale, turn = np.float32(placement.scale), np.float32(placement.turn)
        x, y = self._x * scale, self._y * scale
        if placement.turn:
            x -= self._y * turn
            y += self._x * turn
        x += np.float32(placement.dx)
        y += np.float32(placement.dy)
        if nudges is not None:
            x += nudges[:, :1]
            y += nudges[:, 1:]
        self._placed = x, y
        self._scaled.clear()

    def read(
        self,
        plane: Image,
        scale: tuple[float, float] = (1.0, 1.0),
        shift: tuple[float, float] = (0.0, 0.0),
        rows: slice = slice(None),
    ) -> Image:
        """(rows, columns[, channels]) of a plane that is `scale` as large as the picture, or of a part of the picture
        with its corner at `shift`, and then only `rows`.

        What lies outside the plane is taken from its border.
        """
        x, y = self._placed if scale == (1.0, 1.0) else self._on_smaller(scale)
        if shift != (0.0, 0.0) or rows != slice(None):
            x, y = x[rows] - np.float32(shift[0]), y[rows] - np.float32(shift[1])
        return np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)

    def _on_smaller(self, scale: tuple[float, float]) -> tuple[Floats, Floats]:
        """Where the points lie on a plane that is `scale` as large; until they are placed anew it is the same."""
        found = self._scaled.get(scale)
        if found is None:
            # A sample of a smaller plane lies in the middle of the pixels that share it.
            x, y = (
                part * np.float32(by) + np.float32(0.5 * by - 0.5) for part, by in zip(self._placed, scale, strict=True)
            )
            found = self._scaled[scale] = x, y
        return found


def _region(points: Layout, number: int, placement: Placement) -> Region:
    """Around a head, its display and its lamps' patches. One size for all heads: a converter is kept a size."""
    extents = points.extents
    half = np.ceil((extents[:, 2:] - extents[:, :2]).max(axis=0) / 2 * placement.scale).astype(int) + 3
    middle = (extents[number, :2] + extents[number, 2:]) / 2
    centre = np.rint(placement.at(float(middle[0]), float(middle[1]))).astype(int)
    return Region(int(centre[0] - half[0]), int(centre[1] - half[1]), int(2 * half[0]), int(2 * half[1]))


def _thinned(luma: Image) -> Image:
    rows, columns = max(luma.shape[0] // _SCENE_ROWS, 1), max(luma.shape[1] // _SCENE_COLUMNS, 1)
    return luma[rows // 2 :: rows, columns // 2 :: columns].ravel()


def _add_colour(rgb: Floats, blue: Image, red: Image, wider: float) -> None:
    """Adds what U and V (n, POINTS), around 128, stand for to `rgb` (3, n, POINTS)."""
    u, v = (part.astype(np.float32) - np.float32(128) for part in (blue, red))
    weights = _TO_RGB * np.float32(wider)
    rgb[0] += weights[0, 1] * v
    rgb[1] += weights[1, 0] * u
    rgb[1] += weights[1, 1] * v
    rgb[2] += weights[2, 0] * u
