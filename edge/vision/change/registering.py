"""Lays the older picture of a pair over the newer one.

A homography for the ground by MAGSAC (Barath et al. 2020) from points that agree with the poses, then a smooth local
correction: the ground is no plane, and what the lens bends is never taken out altogether.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles, Floats, Grey, Mask
from edge.vision.change.features import Features, find_features, matches
from edge.vision.change.local_shifts import TileShifts, as_field, smoothed, tile_shifts
from edge.vision.change.views import Picture, checked_homography, checked_picture, corners_of, through

LEAST_INLIERS = 40
MOST_RESIDUAL_PX = 3.0
LEAST_OVERLAP = 0.1
_LEAST_SPREAD = 0.15
"""Share of the overlap that the agreeing points must span: a homography from one corner says nothing of the others."""
_MAGSAC_PX = 3.0
"""In pixels of the shrunk pictures that points were found in."""
_MOST_STRAY = 0.35
"""A registration that changes a length by more than this against the poses is another place that looks alike."""


@dataclass(frozen=True, slots=True)
class RegisterSettings:
    """`reach_px`: how far the poses may be wrong, in pixels of the newer picture."""

    reach_px: float = 120.0
    least_inliers: int = LEAST_INLIERS
    most_residual_px: float = MOST_RESIDUAL_PX


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a pair was not registered, in words for people."""

    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """The older picture in the geometry of the newer one.

    `homography` (3, 3): pixels of the older picture to those of the newer. `field` (height, width, 2): where, against
    that, each pixel's content was found. `valid`: where both pictures show something and lie on each other.
    `residual_px`: (height, width), what is left after the correction; NaN where nothing could be measured.
    """

    before: Picture
    valid: Mask
    homography: Doubles
    field: Floats
    residual_px: Floats
    inliers: int
    inlier_rms_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The homography (3, 3) of the ground, from the older picture to the newer, and what agreed on it."""

    homography: Doubles
    inliers: int
    inlier_rms_px: float


def register(
    before: Picture,
    after: Picture,
    prior: Doubles,
    settings: RegisterSettings | None = None,
    before_features: Features | None = None,
    after_features: Features | None = None,
) -> Registered | Refused:
    """`prior` (3, 3): pixels of `before` to pixels of `after`, as the poses say. Features are taken where given.

    Raises:
        ValueError: a picture or the prior is not what it should be.
    """
    settings = settings or RegisterSettings()
    found = find_ground(before, after, prior, settings, before_features, after_features)
    return found if isinstance(found, Refused) else _refined(before, after, found, settings)


def find_ground(
    before: Picture,
    after: Picture,
    prior: Doubles,
    settings: RegisterSettings | None = None,
    before_features: Features | None = None,
    after_features: Features | None = None,
) -> Found | Refused:
    """The first half of `register`: the homography alone, at a tenth of the price where features are given.

    Raises:
        ValueError: a picture or the prior is not what it should be.
    """
    checked_picture(before, "before")
    checked_picture(after, "after")
    prior = checked_homography(prior, "prior")
    settings = settings or RegisterSettings()
    overlap = _overlap(before, after, prior)
    if overlap < LEAST_OVERLAP:
        return Refused(f"the pictures share {overlap:.0%} of the newer one; {LEAST_OVERLAP:.0%} are needed")
    old, new = before_features or find_features(before), after_features or find_features(after)
    here, there = matches(old, new, prior, settings.reach_px)
    if len(here) < settings.least_inliers:
        return Refused(f"{len(here)} points were found in both pictures; {settings.least_inliers} are needed")
    fitted, agreeing = cv2.findHomography(
        here, there, cv2.USAC_MAGSAC, _MAGSAC_PX / new.scale, maxIters=2000, confidence=0.999
    )
    if fitted is None:
        return Refused("no homography fits the points that were found in both pictures")
    homography = np.asarray(fitted, np.float64)
    inside = agreeing.ravel() > 0
    why = _doubtful(homography, prior, here[inside], there[inside], before, overlap * _area(after), settings)
    if why:
        return Refused(why)
    errors = np.linalg.norm(through(homography, here[inside]) - there[inside], axis=1)
    return Found(homography, int(inside.sum()), float(np.sqrt(np.mean(errors**2))))


def _area(picture: Picture) -> float:
    return float(picture.shape[0] * picture.shape[1])


def _overlap(before: Picture, after: Picture, prior: Doubles) -> float:
    """The share of `after` that `before` covers."""
    outline = corners_of(before)
    depths = np.concatenate((outline, np.ones((4, 1))), axis=1) @ prior[2]
    if not ((depths > 0).all() or (depths < 0).all()):
        return 0.0
    there = np.clip(through(prior, outline), -1e6, 1e6).astype(np.float32)
    area, _ = cv2.intersectConvexConvex(there, corners_of(after).astype(np.float32))
    return float(area) / _area(after)


def _doubtful(
    homography: Doubles,
    prior: Doubles,
    here: Doubles,
    there: Doubles,
    before: Picture,
    overlap_px: float,
    settings: RegisterSettings,
) -> str:
    if len(here) < settings.least_inliers:
        return f"{len(here)} points agree on one homography; {settings.least_inliers} are needed"
    hull = cv2.contourArea(cv2.convexHull(there.astype(np.float32)))
    if hull < _LEAST_SPREAD * overlap_px:
        return f"the {len(here)} agreeing points span {hull / overlap_px:.0%} of the overlap, not {_LEAST_SPREAD:.0%}"
    outline = corners_of(before)
    sides = [np.diff(through(each, outline), axis=0) for each in (homography, prior)]
    lengths = [np.linalg.norm(side, axis=1) for side in sides]
    if np.abs(lengths[0] / np.maximum(lengths[1], 1e-9) - 1).max() > _MOST_STRAY:
        return "the points that agree contradict the poses: the ground would be stretched by a third or more"
    return ""


def _refined(before: Picture, after: Picture, found: Found, settings: RegisterSettings) -> Registered | Refused:
    homography = found.homography
    height, width = after.shape[:2]
    flat = cv2.warpPerspective(before, homography, (width, height), flags=cv2.INTER_LINEAR)
    whole = cv2.warpPerspective(np.full(before.shape[:2], 255, np.uint8), homography, (width, height))
    shown = np.asarray(cv2.erode(whole, np.ones((5, 5), np.uint8)), np.uint8)
    shown = np.where(shown == 255, np.uint8(255), np.uint8(0))
    target = _grey(after)
    grey = _grey(before)
    field = as_field(smoothed(tile_shifts(target, _grey(np.asarray(flat, np.uint8)), shown)), width, height)
    # Once more: the first answer of a tile far off is drawn towards zero by its window.
    left = tile_shifts(target, _shifted(grey, homography, field), shown)
    again = smoothed(left)
    field = field + as_field(again, width, height)
    sizes = as_field(TileShifts(left.columns, left.rows, left.shifts - again.shifts), width, height)
    residual = np.asarray(np.hypot(sizes[..., 0], sizes[..., 1]), np.float32)
    laid = _shifted(before, homography, field)
    valid = np.where(residual > settings.most_residual_px, np.uint8(0), shown)
    if not valid.any():
        return Refused(f"no tile lies within {settings.most_residual_px:g} pixels after registration")
    return Registered(laid, valid, homography, field, residual, found.inliers, found.inlier_rms_px)


def _grey(bgr: Picture) -> Grey:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)


def _shifted(before: NDArray[np.uint8], homography: Doubles, field: Floats) -> NDArray[np.uint8]:
    """The picture through the homography and the field at once: it is interpolated only one time."""
    height, width = field.shape[:2]
    back = np.linalg.inv(homography)
    x = field[..., 0] + np.arange(width, dtype=np.float32)
    y = field[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    map_x = ((back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth).astype(np.float32)
    map_y = ((back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth).astype(np.float32)
    return np.asarray(cv2.remap(before, map_x, map_y, cv2.INTER_LINEAR), np.uint8)
