"""What several pairs say of one place, put together on the ground.

A thing that stands there is seen from several spots at one place; what leans, drives or only lay in the shade is not.
The top of a thing at height h appears displaced away from the camera by h / (H - h) of its distance to the point below
it: from two spots or more this gives the height, and with it where the thing really stands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import shapely

from edge.vision.arrays import Doubles
from edge.vision.change.candidates import Candidate, ChangeKind
from edge.vision.change.cues import vehicle_like
from edge.vision.change.heights import HeightAbove
from edge.vision.change.squaring import squared

USUAL_HEIGHT_M, USUAL_SIGMA_M = 3.0, 2.0
"""Of what is built without asking: believed until something is measured."""
HIGHEST_M = 40.0
_GATE = 2.45
"""Standard deviations in a plane that hold 95 %."""
_OUTLINE_SIGMA_M = 0.25
"""How well an outline's centre repeats between pairs."""
_LIKE_AREA = 2.2
_LEAST_SIGMA_M = 0.3
_RASTER_M = 0.1
_MOST_RASTER = 4_000_000
_SIGHTING, _AGAIN, _ENOUGH = 0.8, 1.3, 3
"""Logits: of the sightings' own mean, and for each further sighting up to the third."""
_START = -0.5
_MISSED = 2.5
"""Logits taken away if no pair had found it that saw the place."""
_FLAT_M, _PER_METRE, _LOWEST, _HIGHEST, _UNMEASURED = 2.0, 12.0, -9.0, 0.5, -1.5
_VAGUE_M = 0.9
_SQUARE = 0.82
_VEHICLE = 4.0
_EVEN, _ROUGH = 0.6, 5.0
_OUTLINED = 4.0
_LEAST_M2, _SMALL = 9.5, 2.0
_ALONE = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A candidate of one pair on the ground.

    `outline_m` (n, 2): its top as projected onto the ground, east and north. `camera_m` (3,): of the newer picture, in
    the same metres and above the ground. `sigma_m`: standard deviation, along one axis, of this pair's place against
    the others'. `frame` names the newer picture.
    """

    frame: str
    outline_m: Doubles
    camera_m: Doubles
    candidate: Candidate
    sigma_m: float = 0.0
    height: HeightAbove | None = None
    """Above what stood there before, or around it, measured in other pictures, where there were any."""
    top: HeightAbove | None = None
    """Of its top above the ground: a room on a roof leans as its roof does."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What one pair could see: `outline_m` (n, 2) on the ground."""

    frame: str
    outline_m: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """One changed place. `outline_m` (n, 2) where it stands, `centre_sigma_m` of its middle along one axis.

    `chances`: pairs that could have seen it, `sightings` those that did. `height_m` with its standard deviation: the
    usual one (3 ± 2 m) where nothing measured it.
    """

    outline_m: Doubles
    area_m2: float
    kind: ChangeKind
    confidence: float
    sightings: tuple[Sighting, ...] = field(repr=False)
    chances: int
    height_m: float
    height_sigma_m: float
    centre_sigma_m: float

    @property
    def best(self) -> Sighting:
        """The sighting to show."""
        return max(self.sightings, key=lambda each: each.candidate.confidence)


def fuse(sightings: Sequence[Sighting], looked: Sequence[Looked]) -> tuple[Fused, ...]:
    """All places, the most confident first. Places that only `looked` at say nothing.

    Raises:
        ValueError: an outline has fewer than three corners, or a value that is no number.
    """
    for each in sightings:
        _check(each.outline_m, each.frame)
    areas = []
    for look in looked:
        _check(look.outline_m, look.frame)
        areas.append((look.frame, shapely.Polygon(look.outline_m)))
    for _, area in areas:
        shapely.prepare(area)
    fused = [_merged(cluster, areas) for cluster in _clusters(sightings)]
    return tuple(sorted(fused, key=lambda each: -each.confidence))


def _check(outline: Doubles, frame: str) -> None:
    if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3 or not np.isfinite(outline).all():
        raise ValueError(f"{frame}: an outline needs three corners or more, (n, 2) numbers, found {outline.shape}")


def upright(outline_m: Doubles, camera_m: Doubles, height_m: float) -> Doubles:
    """(n, 2): where a thing stands whose top, `height_m` high, is projected to `outline_m` from `camera_m`."""
    share = height_m / float(camera_m[2])
    return np.asarray(outline_m + (camera_m[:2] - outline_m) * share, np.float64)


def _clusters(sightings: Sequence[Sighting]) -> list[list[Sighting]]:
    """Each sighting joins the nearest cluster of its kind and size that has none of its frame yet."""
    clusters: list[list[Sighting]] = []
    middles: list[Doubles] = []
    for sighting in sorted(sightings, key=lambda each: -each.candidate.confidence):
        middle = _middle(sighting)
        best, nearest = -1, math.inf
        for index, cluster in enumerate(clusters):
            gap = float(np.linalg.norm(middles[index] - middle))
            if gap < nearest and gap <= _reach(sighting, cluster) and _alike(sighting, cluster):
                best, nearest = index, gap
        if best < 0:
            clusters.append([sighting])
            middles.append(middle)
        else:
            clusters[best].append(sighting)
            middles[best] = np.mean([_middle(each) for each in clusters[best]], axis=0)
    return clusters


def _middle(sighting: Sighting) -> Doubles:
    """Of the outline, where it stands by its own height."""
    centre = shapely.Polygon(sighting.outline_m).centroid
    return upright(np.array((centre.x, centre.y)), sighting.camera_m, _believed(sighting)[0])


def _believed(sighting: Sighting) -> tuple[float, float]:
    """Height of its top above the ground, and its standard deviation, before sightings are put together."""
    said = sighting.top or sighting.height
    if said is None:
        return USUAL_HEIGHT_M, USUAL_SIGMA_M
    return min(max(said.metres, 0.0), HIGHEST_M), max(said.sigma_m, _LEAST_SIGMA_M)


def _reach(sighting: Sighting, cluster: list[Sighting]) -> float:
    """How far from a cluster's middle it may lie: by its place, and by a height other than the usual one."""
    place = math.hypot(sighting.sigma_m, max(each.sigma_m for each in cluster))
    off = max(float(np.linalg.norm(sighting.camera_m[:2] - each.camera_m[:2])) for each in cluster)
    vague = max(_believed(each)[1] for each in (sighting, *cluster))
    lean = vague * off / float(sighting.camera_m[2])
    size = 0.35 * math.sqrt(_area(sighting))
    return _GATE * math.hypot(place, lean) + max(size, 2 * _OUTLINE_SIGMA_M)


def _area(sighting: Sighting) -> float:
    return max(float(shapely.Polygon(sighting.outline_m).area), 0.01)


def _alike(sighting: Sighting, cluster: list[Sighting]) -> bool:
    if any(each.frame == sighting.frame for each in cluster):
        return False
    gone = ChangeKind.REMOVED
    if (sighting.candidate.kind is gone) != (cluster[0].candidate.kind is gone):
        return False
    ratio = _area(sighting) / float(np.median([_area(each) for each in cluster]))
    return 1 / _LIKE_AREA <= ratio <= _LIKE_AREA


def measured_height(cluster: Sequence[Sighting]) -> HeightAbove | None:
    """The upper quartile of what the sightings' own pictures say; half of their spread stays in the deviation.

    What goes wrong is nearly always that the ground beside a thing is taken for the thing: it is rather too low.
    """
    found = [each.height for each in cluster if each.height is not None]
    if not found:
        return None
    metres = np.array([each.metres for each in found])
    spread = 1.4826 * float(np.median(np.abs(metres - np.median(metres))))
    sigma = math.hypot(float(np.median([each.sigma_m for each in found])), spread / 2)
    return HeightAbove(float(np.quantile(metres, 0.75)), sigma, float(np.median([each.likeness for each in found])))


def fitted_height(cluster: Sequence[Sighting]) -> tuple[float, float]:
    """Metres and their standard deviation, from where the outlines' middles lie as seen from each camera.

    With k = h / (H - h): middle = (1 + k) · place - k · camera, a line in k, held by the measured height, else by the
    usual one.
    """
    above = float(np.mean([each.camera_m[2] for each in cluster]))
    said = [_believed(each) for each in cluster if each.top is not None or each.height is not None]
    believed, sigma = USUAL_HEIGHT_M, USUAL_SIGMA_M
    if said:
        believed, sigma = (float(np.median(values)) for values in zip(*said, strict=True))
    usual, usual_sigma = believed / (above - believed), sigma / (above - believed)
    middles = [shapely.Polygon(each.outline_m).centroid for each in cluster]
    places = np.array([(middle.x, middle.y) for middle in middles])
    cameras = np.array([each.camera_m[:2] for each in cluster])
    weights = np.array([1 / (each.sigma_m**2 + _OUTLINE_SIGMA_M**2) for each in cluster])
    share = (weights / weights.sum())[:, None]
    places, cameras = places - (places * share).sum(axis=0), cameras - (cameras * share).sum(axis=0)
    known = float((weights[:, None] * cameras**2).sum()) + 1 / usual_sigma**2
    k = (-float((weights[:, None] * places * cameras).sum()) + usual / usual_sigma**2) / known
    k = min(max(k, 0.0), HIGHEST_M / above)
    return k * above / (1 + k), math.sqrt(1 / known) * above / (1 + k) ** 2


def _merged(cluster: list[Sighting], looked: list[tuple[str, shapely.Polygon]]) -> Fused:
    height, sigma = fitted_height(cluster)
    standing = [upright(each.outline_m, each.camera_m, height) for each in cluster]
    outline = _voted(standing, cluster)
    shape = shapely.Polygon(outline)
    frames = {each.frame for each in cluster}
    centre = shape.centroid
    could = {frame for frame, area in looked if area.contains(centre)} | frames
    kind = _kind(cluster)
    confidence = _confidence(cluster, len(could) - len(frames), _above(cluster, height, sigma), _sides(outline))
    off = min(
        float(np.hypot(*(each.camera_m[:2] - (centre.x, centre.y)))) / float(each.camera_m[2]) for each in cluster
    )
    repeat = math.sqrt(1 / sum(1 / (each.sigma_m**2 + _OUTLINE_SIGMA_M**2) for each in cluster))
    return Fused(
        outline,
        float(shape.area),
        kind,
        confidence,
        tuple(sorted(cluster, key=lambda each: each.frame)),
        len(could),
        height,
        sigma,
        math.hypot(repeat, sigma * off),
    )


def _voted(outlines: list[Doubles], cluster: list[Sighting]) -> Doubles:
    """The outline of what half of the sightings' weight covers, squared; the sightings' mean place."""
    if len(outlines) == 1:
        return outlines[0]
    weights = np.array([each.candidate.confidence / (each.sigma_m**2 + _OUTLINE_SIGMA_M**2) for each in cluster])
    weights = weights / weights.sum()
    middles = np.array([shapely.Polygon(each).centroid.coords[0] for each in outlines])
    mean = (middles * weights[:, None]).sum(axis=0)
    # Laid on one another first: where they stand differs more between pairs than how large they are.
    moved = [each - middle for each, middle in zip(outlines, middles, strict=True)]
    low = np.min([each.min(axis=0) for each in moved], axis=0) - 0.5
    size = np.max([each.max(axis=0) for each in moved], axis=0) + 0.5 - low
    texel = max(_RASTER_M, math.sqrt(float(size[0] * size[1]) / _MOST_RASTER))
    votes = np.zeros((math.ceil(size[1] / texel) + 1, math.ceil(size[0] / texel) + 1), np.float32)
    for outline, weight in zip(moved, weights, strict=True):
        drawn = np.zeros(votes.shape, np.uint8)
        cv2.fillPoly(drawn, [np.rint((outline - low) / texel).astype(np.int32)], 1)
        votes += drawn * np.float32(weight)
    mask = (votes >= 0.5).view(np.uint8) * np.uint8(255)
    if not mask.any():
        return outlines[int(weights.argmax())]
    shape = squared(mask, _turn(moved[int(weights.argmax())]))
    return np.asarray(shape.corners * texel + low + mean, np.float64)


def _turn(outline: Doubles) -> float:
    """Of its longest side."""
    sides = np.roll(outline, -1, axis=0) - outline
    longest = sides[int(np.hypot(sides[:, 0], sides[:, 1]).argmax())]
    return math.atan2(longest[1], longest[0]) % (math.pi / 2)


def _above(cluster: list[Sighting], height: float, sigma: float) -> tuple[float, float]:
    """By how much it stands out, and the standard deviation: measured, else as the lean over the ground says."""
    measured = measured_height(cluster)
    return (height, sigma) if measured is None else (measured.metres, 0.0)


def _sides(outline: Doubles) -> tuple[float, float]:
    """Metres of the smallest rectangle around, the longer side first."""
    _, (one, other), _ = cv2.minAreaRect(outline.astype(np.float32))
    return max(one, other), min(one, other)


def _kind(cluster: list[Sighting]) -> ChangeKind:
    weights: dict[ChangeKind, float] = {}
    for each in cluster:
        kind = each.candidate.kind
        weights[kind] = weights.get(kind, 0.0) + each.candidate.confidence
    return max(weights, key=lambda kind: weights[kind])


def _confidence(cluster: list[Sighting], missed: int, height: tuple[float, float], sides: tuple[float, float]) -> float:
    """Of the sightings' mean, how often it was seen where it could be, its height and its shape."""
    shares = [min(max(each.candidate.confidence, 0.01), 0.99) for each in cluster]
    total = _START + _SIGHTING * sum(math.log(share / (1 - share)) for share in shares) / len(shares)
    seen = len(cluster)
    total += _AGAIN * (min(seen, _ENOUGH) - 1) - _MISSED * missed / (seen + missed) - (_ALONE if seen == 1 else 0.0)
    if cluster[0].candidate.kind is not ChangeKind.REMOVED:
        # Cars, heaps and what lies on them are lower than anything people stand in.
        metres, sigma = height
        known = _UNMEASURED if sigma > _VAGUE_M else (metres - _FLAT_M) * _PER_METRE
        total += min(max(known, _LOWEST), _HIGHEST)
    cues = [each.candidate.cues for each in cluster]
    fit = sum(each.rectangularity for each in cues) / seen
    total += min(max((fit - _SQUARE) * 12, -2.5), 0.8)
    if vehicle_like(*sides, fit):
        total -= _VEHICLE
    gone = cluster[0].candidate.kind is ChangeKind.REMOVED
    even = sum(each.evenness_before if gone else each.evenness_after for each in cues) / seen
    there = sum(each.outline_after if gone else each.outline_before for each in cues) / seen
    # A crown that turned yellow is rough, and its outline was there before.
    total -= _ROUGH * max(0.0, _EVEN - even) + _OUTLINED * max(0.0, there - 0.3)
    total -= _SMALL * min(max(_LEAST_M2 - sides[0] * sides[1], 0.0) / 3, 1.0)
    return 1 / (1 + math.exp(-total))
