"""Lamps as arrays: how far each one shines out of its surroundings, and in what colour.

Every lamp is sampled on the same square patch of PATCH × PATCH points, two diameters wide, whatever its size in the
picture: all lamps of a picture are then one array, and a handful of calls measures them all. Pictures are (…, 3)
floats 0-255 in RGB order.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats

PATCH = 16
"""Points across a patch: eight across the lamp itself, so that the stroke of an arrow is met twice."""
PATCH_DIAMETERS = 2.0
POINTS = PATCH * PATCH
COLOURS = ("red", "amber", "green", "white")

_OWN = np.array([[1.0, 0.0, 0.0], [0.65, 0.35, 0.0], [0.0, 0.8, 0.2], [1 / 3, 1 / 3, 1 / 3]], np.float32)
"""How bright a lamp is, by its colour, from R, G, B: the channels that its light fills. Grey would see a red lamp at
a third of its light."""
_OTHERS = np.array([[0.0, 0.5, 0.5], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]], np.float32)
"""What its light leaves empty: own minus others is its colour. Green leaves only red: signal green is bluish."""


def patch_offsets() -> Floats:
    """(POINTS, 2) offsets (x, y) of a patch's points from the lamp's centre, in diameters."""
    steps = (np.arange(PATCH, dtype=np.float32) + 0.5) / PATCH - 0.5
    x, y = np.meshgrid(steps * PATCH_DIAMETERS, steps * PATCH_DIAMETERS)
    return np.stack((x.ravel(), y.ravel()), axis=1)


_RADIUS = np.hypot(*patch_offsets().T)
DISC = np.flatnonzero(_RADIUS <= 0.47)
"""Points of the lens; a little less than all of it, for placement is never exact."""
GLOW = np.flatnonzero(_RADIUS <= 0.72)
"""Points of the lens and of the halo next to it, which keeps its colour when the lens itself saturates to white."""
_LOW, _HIGH = int(0.3 * POINTS), int(0.97 * POINTS)
"""Of a patch's points in order of their colour: what surrounds a light, and the light."""
_STROKE_POINTS = POINTS // 16
"""A single 1 fills a tenth of a display."""
_EDGE_LINES = (*range(3), *range(PATCH - 3, PATCH))
"""Rows and columns of a display where its frame, or what is behind it, shows if it lies a pixel beside its place."""
_GAPS = 2
"""Points of such a line that may be darker than the rest: more, and it is a stroke."""
_BORDER = np.flatnonzero(np.abs(patch_offsets()).max(axis=1) > 0.85)
_TOP = max(len(DISC) // 5, 1)
"""The brightest fifth of a lens: an arrow fills about a quarter of it, a walking man a fifth."""
_TOP_GLOW = len(GLOW) // 6


def ring_points(clear: NDArray[np.bool_], count: int = 32) -> NDArray[np.intp]:
    """Which of a patch's points show the lamp's surroundings: between its hood's shadow and its neighbour.

    `clear` (POINTS,): points that are of the housing and of no other lamp. Gives `count` indices, evenly taken from
    those that are clear, or from the whole ring if hardly any is.
    """
    ring = (_RADIUS >= 0.62) & (_RADIUS <= 0.95)
    some = np.flatnonzero(ring & clear)
    if len(some) < 6:
        some = np.flatnonzero(ring)
    return np.asarray(some[np.linspace(0, len(some) - 1, count).astype(int)], np.intp)


def side_points(toward: Floats, count: int = 6) -> NDArray[np.intp]:
    """Which of a patch's points lie at the lens' edge on the side of a neighbour, `toward` (x, y) from the centre.

    A lamp that is lit is brighter than that edge; one that is lit by its neighbour's halo is darker.
    """
    x, y = patch_offsets().T
    cosine = (x * toward[0] + y * toward[1]) / np.maximum(_RADIUS * max(float(np.hypot(*toward)), 1e-6), 1e-6)
    some = np.flatnonzero((_RADIUS >= 0.5) & (_RADIUS <= 0.72) & (cosine > 0.8))
    return np.asarray(some[np.linspace(0, len(some) - 1, count).astype(int)], np.intp)


@dataclass(frozen=True, slots=True)
class LampMeasures:
    """n lamps; all arrays (n,) float32.

    `core`: how bright the brightest fifth of the lens is, in the lamp's own channels, 0-255. `around`: the same of its
    surroundings, median. `side`: of the edge towards its brighter neighbour. `colour`: how much of the lamp's own
    colour the lens or its halo has, grey levels.
    """

    core: Floats
    around: Floats
    side: Floats
    colour: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """n lamps' patches as one sees them who looks for their light; both (n, POINTS), grey levels.

    `own`: how bright, in the channels that the lamp's light fills. `excess`: by how much that is more than the others,
    which is its colour.
    """

    own: Floats
    excess: Floats


def channels(patches: Floats, colours: NDArray[np.intp]) -> Channels:
    """From `patches` (n, POINTS, 3) and `colours` (n,) indices into COLOURS."""
    own = _weighted(patches, _OWN[colours])
    return Channels(own, own - _weighted(patches, _OTHERS[colours]))


def _weighted(patches: Floats, weights: Floats) -> Floats:
    """(n, p, 3) and (n, 3) → (n, p). Channel by channel: thousands of small matrix products cost five times as much."""
    total = patches[:, :, 0] * weights[:, :1]
    for channel in (1, 2):
        total += patches[:, :, channel] * weights[:, channel : channel + 1]
    return np.asarray(total, np.float32)


def measure(lamps: Channels, rings: NDArray[np.intp], sides: NDArray[np.intp]) -> LampMeasures:
    """Measures n lamps; `rings` (n, k) and `sides` (n, s, k): the edges towards up to s neighbours."""
    flat = lamps.own.reshape(-1)
    rows = np.arange(0, len(flat), POINTS)
    # Sorting so few numbers costs less than choosing among them: NumPy has vector instructions for the one only.
    core = np.sort(np.take(lamps.own, DISC, axis=1), axis=1)
    glow = np.sort(np.take(lamps.excess, GLOW, axis=1), axis=1)
    around = np.sort(np.take(flat, rings + rows[:, None]), axis=1)
    return LampMeasures(
        core=core[:, -_TOP:].mean(axis=1),
        around=around[:, rings.shape[1] // 2],
        side=np.take(flat, sides + rows[:, None, None]).mean(axis=2).max(axis=1),
        colour=glow[:, -_TOP_GLOW:].mean(axis=1),
    )


def strokes(panels: Floats) -> Floats:
    """(n,) how far the strokes of digits stand out of n panels (n, POINTS, 3), grey levels. Dark panels have less than
    15; a lamp's halo, which brightens one side of a panel, is not counted, nor what runs from end to end of an edge:
    the frame, which is half as bright as digits and always there."""
    if not len(panels):
        return np.zeros(0, np.float32)
    bright = panels.max(axis=2).reshape(-1, PATCH, PATCH)
    middle = np.median(bright, axis=(1, 2))[:, None]
    for lines in (bright, bright.transpose(0, 2, 1)):
        edge = lines[:, _EDGE_LINES]
        frame = np.maximum(np.partition(edge, _GAPS, axis=2)[:, :, _GAPS] - middle, 0)
        lines[:, _EDGE_LINES] = edge - frame[:, :, None]
    bright = np.ascontiguousarray(bright)
    found = [np.sort((one - cv2.blur(one, (7, 7))).ravel())[-_STROKE_POINTS:].mean() for one in bright]
    return np.asarray(found, np.float32)


def off_centre(lamps: Channels) -> tuple[Floats, Floats]:
    """Where the light of n lamps is: (n, 2) offsets (x, y) of its centre in diameters, and (n,) how strong it is.

    Light is told from a bright sky by its colour, which the halo has all around a lens that saturates; without colour,
    by brightness.
    """
    excess = lamps.excess
    ordered = np.sort(excess, axis=1)
    low, high = ordered[:, _LOW], ordered[:, _HIGH]
    light = np.maximum(excess - (0.5 * low + 0.5 * high)[:, None], 0)
    total = np.maximum(light.sum(axis=1), 1e-3)
    # A sign or a window beside the lamp goes on beyond the patch.
    cut = light[:, _BORDER].sum(axis=1) > 0.03 * total
    high = np.where(cut, low, high)
    return np.asarray(light @ patch_offsets() / total[:, None], np.float32), np.asarray(high - low, np.float32)
