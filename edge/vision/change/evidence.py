"""How much each pixel of a registered pair speaks for a change, and what else could explain it.

Three witnesses: colour (Lab, against what the unchanged part of this pair shows by itself), structure (the local
correlation of brightness, as in SSIM by Wang et al. 2004, without its brightness term), and outlines (strong gradients
that only one of the pictures has). Explained away are: lean (the older picture is tried on the ground and at other
heights), a pixel of misregistration, what grows on both days, water, and light that only came or went.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Floats, Mask
from edge.vision.change.cover import Cover
from edge.vision.change.radiometry import Matched, shade_change

_LIGHT = 0.75
"""Weight of L against a and b: light changes with the day, paint does not."""
_NOISE_TILE_PX = 160
_LEAST_NOISE = 2.5
"""Levels of Lab: what JPEG and a fraction of a pixel leave of any edge."""
_BLUR_PX = 1.8
"""Averages the ground's grain away; the outline is found again from the picture itself."""
_WINDOW = 9
"""Pixels: a metre."""
_STABLE = 6.0
"""Of the correlation, in grey levels squared: below this contrast it says nothing."""
COLOUR_FULL = 14.0
"""Levels of Lab above the noise that leave no doubt by themselves."""
_EDGE_FULL = 14.0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Maps (height, width) in the geometry of the newer picture.

    `colour`: levels of Lab above the pair's own noise. `structure`: 0 the same to 1 nothing in common, 0 where neither
    has any. `edges_new`, `edges_old`: gradients in grey levels a pixel that the other picture lacks. `into_shade`,
    `out_of_shade`: light alone explains it. `ignored`: nothing can be said here. `score`: 0-1.
    """

    colour: Floats
    structure: Floats
    edges_new: Floats
    edges_old: Floats
    into_shade: Mask
    out_of_shade: Mask
    ignored: Mask
    score: Floats


def colour_distance(before: Floats, after: Floats) -> Floats:
    """(height, width): distance in Lab that no shift by a pixel explains.

    Each value is held against the range that the other picture has in the 3 × 3 pixels around, both ways.
    """
    soft = [cv2.GaussianBlur(each, (0, 0), _BLUR_PX) for each in (before, after)]
    square = np.ones((3, 3), np.uint8)
    most = [cv2.dilate(each, square) for each in soft]
    least = [cv2.erode(each, square) for each in soft]
    there = np.maximum(np.maximum(soft[1] - most[0], least[0] - soft[1]), 0)
    here = np.maximum(np.maximum(soft[0] - most[1], least[1] - soft[0]), 0)
    gap = np.minimum(there, here)
    return np.asarray(np.sqrt((_LIGHT * gap[..., 0]) ** 2 + gap[..., 1] ** 2 + gap[..., 2] ** 2), np.float32)


def structure_loss(before: Floats, after: Floats) -> Floats:
    """(height, width): 1 minus the local correlation of two brightnesses, scaled down where there is nothing to see."""
    size = (_WINDOW, _WINDOW)
    means = cv2.boxFilter(before, -1, size), cv2.boxFilter(after, -1, size)
    variance = [
        cv2.sqrBoxFilter(each, cv2.CV_32F, size) - mean**2 for each, mean in zip((before, after), means, strict=True)
    ]
    both = cv2.boxFilter(before * after, -1, size) - means[0] * means[1]
    top = np.maximum(np.maximum(variance[0], variance[1]), 0)
    spread = np.sqrt(np.maximum(variance[0], 0) * np.maximum(variance[1], 0))
    likeness = (2 * both + _STABLE) / (spread + top + _STABLE)
    return np.asarray(np.clip(1 - likeness, 0, 1) * top / (top + 2 * _STABLE), np.float32)


def edges_only(here: Floats, there: Floats) -> Floats:
    """(height, width): gradient of `here` beyond what `there` has within two pixels."""
    lengths = []
    for light in (here, there):
        right = cv2.Sobel(light, cv2.CV_32F, 1, 0, ksize=3, scale=0.25)
        down = cv2.Sobel(light, cv2.CV_32F, 0, 1, ksize=3, scale=0.25)
        lengths.append(cv2.magnitude(right, down))
    return np.asarray(np.maximum(lengths[0] - cv2.dilate(lengths[1], np.ones((5, 5), np.uint8)), 0), np.float32)


def evidence_of(matched: tuple[Matched, ...], valid: Mask, before_cover: Cover, after_cover: Cover) -> Evidence:
    """`matched`: the older picture laid in different ways (on the ground, leaning); what fits best counts."""
    colours, structures, news, olds = [], [], [], []
    for each in matched:
        light = np.ascontiguousarray(each.before[..., 0]), np.ascontiguousarray(each.after[..., 0])
        colours.append(colour_distance(each.before, each.after))
        structures.append(structure_loss(*light))
        news.append(edges_only(light[1], light[0]))
        olds.append(edges_only(light[0], light[1]))
    # One way of laying is chosen for a neighbourhood, not for a pixel: else noise finds its own excuse.
    blurred = [np.asarray(cv2.boxFilter(colour, -1, (5, 5)), np.float32) for colour in colours]
    colour = _least(colours, blurred)
    noise = local_noise(colour, valid)
    colour = np.asarray(np.maximum(colour - 1.5 * noise, 0), np.float32)
    structure, new, old = _least(structures, blurred), _least(news, blurred), _least(olds, blurred)
    usual = tile_median(structure, valid)
    structure = np.asarray(np.maximum(structure - usual, 0) / np.maximum(1 - usual, 0.2), np.float32)
    into, out = shade_change(matched[0].before, matched[0].after, valid)
    ignored = _ignored(valid, before_cover, after_cover)
    score = _score(colour, structure, np.maximum(new, old), into | out)
    score[ignored > 0] = 0
    return Evidence(colour, structure, new, old, into, out, ignored, score)


def _least(values: list[Floats], by: list[Floats]) -> Floats:
    chosen, best = values[0], by[0]
    for value, measure in zip(values[1:], by[1:], strict=True):
        better = measure < best
        chosen, best = np.where(better, value, chosen), np.where(better, measure, best)
    return np.asarray(chosen, np.float32)


def local_noise(colour: Floats, valid: Mask) -> Floats:
    """(height, width): what the calmer half of each neighbourhood shows, in levels of Lab; smooth."""
    return np.asarray(np.maximum(tile_median(colour, valid), _LEAST_NOISE), np.float32)


def tile_median(values: Floats, valid: Mask) -> Floats:
    """(height, width): the median of each neighbourhood of 20 m; smooth.

    At most two and a half times the picture's own: a tile that changed as a whole must not excuse itself.
    """
    rows, columns = values.shape
    step = _NOISE_TILE_PX // 2
    down, across = max(1, rows // step), max(1, columns // step)
    tiles = np.full((down, across), np.nan, np.float32)
    for row in range(down):
        for column in range(across):
            high = slice(row * rows // down, (row + 1) * rows // down, 3)
            wide = slice(column * columns // across, (column + 1) * columns // across, 3)
            known = values[high, wide][valid[high, wide] > 0]
            if len(known) >= 30:
                tiles[row, column] = np.median(known)
    measured = np.isfinite(tiles)
    middle = float(np.median(tiles[measured])) if measured.any() else 0.0
    tiles = np.where(measured, np.minimum(tiles, 2.5 * middle), middle).astype(np.float32)
    smooth = cv2.GaussianBlur(tiles, (0, 0), 1.0)
    return np.asarray(cv2.resize(smooth, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)


def _ignored(valid: Mask, before: Cover, after: Cover) -> Mask:
    found = np.where(valid > 0, np.uint8(0), np.uint8(255))
    found |= before.growing & after.growing
    found |= before.water & after.water
    return np.asarray(found, np.uint8)


def _score(colour: Floats, structure: Floats, edges: Floats, shade: Mask) -> Floats:
    certain = np.minimum(colour / COLOUR_FULL, 1)
    # Light that came or went keeps what it falls on: where the structure stayed, its colour proves nothing.
    lit = np.where(shade > 0, certain * np.clip(structure * 1.6 - 0.3, 0.0, 1), certain)
    outline = np.minimum(cv2.boxFilter(edges, -1, (5, 5)) * 2 / _EDGE_FULL, 1)
    total = 1 - (1 - 0.9 * lit) * (1 - 0.5 * structure) * (1 - 0.15 * outline)
    return np.asarray(total, np.float32)
