"""From a map of evidence to outlines of things that appeared or went."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles, Mask, mask_of
from edge.vision.change.candidates import Candidate, ChangeKind
from edge.vision.change.cues import Pair, confidence_of, cues_of, kind_of
from edge.vision.change.squaring import Squared, along_outline, dominant_turn, squared

_MARGIN_M = 2.5
_OPEN_M = 0.9
_CLOSE_M = 0.6
_MOST_PIECES = 2000
_CLUSTERS, _MOST_CLUSTERS = 5, 12
_MOST_SAMPLES = 20_000
_CHANGED_COLOUR = 5.0


@dataclass(frozen=True, slots=True)
class ShapeSettings:
    """`grow`: levels of the score at which pieces are cut. A piece's mean must lie half-way from there to `seed`."""

    seed: float = 0.45
    grow: tuple[float, ...] = (0.2, 0.4, 0.65)
    least_area_m2: float = 6.0
    least_confidence: float = 0.2


def candidates_of(pair: Pair, settings: ShapeSettings | None = None) -> tuple[Candidate, ...]:
    """All of a pair, the most confident first.

    Pieces are cut at several levels of the score: low ones keep a pale roof whole, high ones part a roof from its
    neighbour's shadow. Of those that overlap the most confident one is kept.
    """
    settings = settings or ShapeSettings()
    found: list[tuple[Candidate, float]] = []
    for level in settings.grow:
        for piece, origin in _pieces(pair, level, settings):
            for part in solid_parts(pair, piece, origin):
                candidate = _candidate(pair, *_cropped(part, origin, pair.gsd_m), settings)
                if candidate is not None:
                    found.append((candidate, _rank(candidate)))
    kept: list[Candidate] = []
    for candidate, _ in sorted(found, key=lambda each: -each[1]):
        if all(_apart(candidate, other) for other in kept):
            kept.append(candidate)
    return tuple(sorted(kept, key=lambda each: -each.confidence))


def _cropped(part: Mask, origin: tuple[int, int], gsd_m: float) -> tuple[Mask, tuple[int, int]]:
    """The same with a window of its own."""
    margin = math.ceil(_MARGIN_M / gsd_m)
    x, y, width, height = cv2.boundingRect(part)
    left, top = max(0, x - margin), max(0, y - margin)
    window = part[top : y + height + margin, left : x + width + margin]
    return np.ascontiguousarray(window), (origin[0] + left, origin[1] + top)


def _rank(candidate: Candidate) -> float:
    """Confidence, and how clean the shape is: of two cuts of one roof the squarer one is meant."""
    return candidate.confidence + 0.5 * candidate.cues.rectangularity + 0.02 * min(math.sqrt(candidate.area_m2), 15)


def _apart(one: Candidate, other: Candidate) -> bool:
    low, high = other.polygon.min(axis=0), other.polygon.max(axis=0)
    if (one.polygon.max(axis=0) < low).any() or (one.polygon.min(axis=0) > high).any():
        return True
    start = np.minimum(low, one.polygon.min(axis=0))
    size = np.ceil(np.maximum(high, one.polygon.max(axis=0)) - start).astype(int) + 2
    drawn = np.zeros((2, size[1], size[0]), np.uint8)
    for mask, polygon in zip(drawn, (one.polygon, other.polygon), strict=True):
        cv2.fillPoly(mask, [np.rint(polygon - start).astype(np.int32)], 1)
    both = int(np.count_nonzero(drawn[0] & drawn[1]))
    return both < 0.25 * min(int(np.count_nonzero(mask)) for mask in drawn)


def _pieces(pair: Pair, level: float, settings: ShapeSettings) -> Iterator[tuple[Mask, tuple[int, int]]]:
    """Masks of connected pieces, each in a window of its own with a margin, and where the window starts."""
    score = pair.evidence.score
    spread = mask_of(score >= level)
    light = (pair.evidence.into_shade | pair.evidence.out_of_shade) & (score < max(level, settings.seed)).view(
        np.uint8
    ) * 255
    spread &= ~light
    spread = np.asarray(cv2.morphologyEx(spread, cv2.MORPH_CLOSE, _disc(_CLOSE_M, pair.gsd_m)), np.uint8)
    spread = np.asarray(cv2.morphologyEx(_filled(spread), cv2.MORPH_OPEN, _disc(_OPEN_M, pair.gsd_m)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(spread, connectivity=4)
    margin = math.ceil(_MARGIN_M / pair.gsd_m)
    least = 0.7 * settings.least_area_m2 / pair.gsd_m**2
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST_PIECES] + 1
    for label in order[: count - 1]:
        left, top, width, height, area = (int(value) for value in stats[label])
        if area < least:
            break
        rows = slice(max(0, top - margin), top + height + margin)
        columns = slice(max(0, left - margin), left + width + margin)
        piece = mask_of(labels[rows, columns] == label)
        if float(score[rows, columns][piece > 0].mean()) >= 0.5 * (settings.seed + level):
            yield piece, (columns.start, rows.start)


def solid_parts(pair: Pair, piece: Mask, origin: tuple[int, int]) -> Iterator[Mask]:
    """What of a piece may be one thing: roofs without the shadow beside them and the ground around.

    Pixels are clustered by the colours of both days: ground that became roof is one cluster, ground that came into the
    shade another.
    """
    left, top = origin
    area = slice(top, top + piece.shape[0]), slice(left, left + piece.shape[1])
    around = cv2.dilate(piece, np.ones((5, 5), np.uint8)) > 0
    both = np.concatenate((pair.after[area], pair.before[area]), axis=2)
    colours = (
        np.asarray(cv2.blur(both[..., :3], (3, 3)), np.float32),
        np.asarray(cv2.blur(both[..., 3:], (3, 3)), np.float32),
    )
    samples = np.concatenate((colours[0][around], colours[1][around] * np.float32(0.7)), axis=1)
    count = min(_CLUSTERS + len(samples) // 3000, _MOST_CLUSTERS, max(1, len(samples) // 60))
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
    cv2.setRNGSeed(7)
    some = np.ascontiguousarray(samples[:: max(1, len(samples) // _MOST_SAMPLES)])
    _, _, centres = cv2.kmeans(some, count, None, criteria, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    placed = np.full(piece.shape, -1, np.int32)
    gaps = (samples**2).sum(axis=1)[:, None] - 2 * samples @ centres.T + (centres**2).sum(axis=1)
    placed[around] = gaps.argmin(axis=1)
    kept = np.zeros_like(piece)
    for label in range(count):
        here = placed == label
        if _is_solid(pair, area, here):
            single = mask_of(here)
            kept |= np.asarray(cv2.morphologyEx(single, cv2.MORPH_OPEN, _disc(_OPEN_M / 2, pair.gsd_m)), np.uint8)
    whole = cv2.morphologyEx(_filled(kept), cv2.MORPH_CLOSE, _disc(_CLOSE_M, pair.gsd_m))
    whole = cv2.morphologyEx(_filled(np.asarray(whole, np.uint8)), cv2.MORPH_OPEN, _disc(_OPEN_M, pair.gsd_m))
    total, pieces = cv2.connectedComponents(whole, connectivity=4)
    for label in range(1, total):
        yield mask_of(pieces == label)


def _is_solid(pair: Pair, area: tuple[slice, slice], here: NDArray[np.bool_]) -> bool:
    """Whether a cluster changed, by more than light."""
    size = int(np.count_nonzero(here))
    evidence = pair.evidence
    if size < 9 or float(evidence.colour[area][here].mean()) < _CHANGED_COLOUR * (
        1 - float(evidence.structure[area][here].mean())
    ):
        return False
    light = (evidence.into_shade | evidence.out_of_shade)[area]
    return int(np.count_nonzero(light[here])) < 0.6 * size


def _disc(metres: float, gsd_m: float) -> Mask:
    side = max(3, round(metres / gsd_m) | 1)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _filled(mask: Mask) -> Mask:
    """Without holes: a skylight or a solar panel that looks like the ground before is still roof."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    full = np.zeros_like(mask)
    cv2.drawContours(full, contours, -1, 255, -1)
    return full


def _candidate(pair: Pair, piece: Mask, origin: tuple[int, int], settings: ShapeSettings) -> Candidate | None:
    if np.count_nonzero(piece) * pair.gsd_m**2 < 0.7 * settings.least_area_m2:
        return None
    left, top = origin
    area = slice(top, top + piece.shape[0]), slice(left, left + piece.shape[1])
    turn = dominant_turn(np.ascontiguousarray(pair.after[area][..., 0]), piece)
    shape = squared(piece, turn)
    area_m2 = float(cv2.contourArea(shape.corners.astype(np.float32))) * pair.gsd_m**2
    if area_m2 < settings.least_area_m2:
        return None
    cues = cues_of(pair, shape, piece, origin)
    kind = kind_of(cues)
    if pair.sun is not None:
        cues = replace(cues, shadow_beside=_shadow_beside(pair, shape, origin, kind))
    confidence = confidence_of(kind, cues, float(pair.evidence.score[area][piece > 0].mean()))
    if confidence < settings.least_confidence:
        return None
    return Candidate(shape.corners + np.array(origin), area_m2, kind, confidence, cues)


def _shadow_beside(pair: Pair, shape: Squared, origin: tuple[int, int], kind: ChangeKind) -> float:
    """Share of the outline away from the sun beside which light went (came back, where something was removed)."""
    points, normals = along_outline(shape.corners)
    sun = np.asarray(pair.sun, np.float64)
    away = normals @ sun > 0.4 if len(points) else np.zeros(0, bool)
    if not away.any():
        return 0.0
    mask = pair.evidence.out_of_shade if kind is ChangeKind.REMOVED else pair.evidence.into_shade
    hits = np.zeros(int(away.sum()), bool)
    for reach_m in (0.4, 0.7, 1.0):
        at = np.rint(points[away] + sun * (reach_m / pair.gsd_m) + np.array(origin)).astype(int)
        rows, columns = np.clip(at[:, 1], 0, mask.shape[0] - 1), np.clip(at[:, 0], 0, mask.shape[1] - 1)
        hits |= mask[rows, columns] > 0
    return float(hits.mean())


def polygon_area_m2(polygon: Doubles, gsd_m: float) -> float:
    """Of (n, 2) pixels."""
    return float(cv2.contourArea(np.asarray(polygon, np.float32))) * gsd_m**2
