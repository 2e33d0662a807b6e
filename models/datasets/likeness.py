"""How alike two pictures are: a perceptual hash for copies, local features for the same place seen otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_HASH_DISTANCE = 6
"""Of 64 bits: frames of one recording, re-exposed, differ by less; different places by 20 and more."""
MIN_SHARED = 14
"""Features that agree under one similarity transform before two pictures count as one scene: pictures of different
places share up to nine by chance (foliage, louvres), turned copies of one picture 40 and more."""
FEATURES = 250
"""A picture. Pictures of 416 pixels square give no more that are stable under JPEG."""
LONG_PX = 480
"""Of the copy that features are taken from: larger ones find more of the same, slower."""
RATIO = 0.75
"""Lowe's: a match counts if it is this much nearer than the second best (Lowe 2004, section 7.1)."""
MIN_LIT = 12
"""Grey value of what shows anything: turning leaves black corners whose straight edges would match everywhere."""
THUMB_PX = 16

Features = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""Places (n, 2) and ORB descriptors (n, 32)."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is compared by. `thumb`, `mirrored_thumb`: 256 grey values each, without mean, of length one."""

    hashed: int
    mirrored_hash: int
    thumb: NDArray[np.float32]
    mirrored_thumb: NDArray[np.float32]
    features: Features
    mirrored: Features


def perceptual_hash(bgr: NDArray[np.uint8]) -> int:
    """64 bits: the signs of the lowest frequencies of a small grey copy, against their median (pHash)."""
    small = cv2.resize(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small.astype(np.float32))[:8, :8].ravel()
    bits = low > np.median(low)
    return int("".join("1" if bit else "0" for bit in bits), 2)


def look_at(bgr: NDArray[np.uint8]) -> Look:
    """What `alike` needs of a picture (height, width, 3)."""
    scale = LONG_PX / max(bgr.shape[:2])
    if scale < 1:
        bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    flipped = np.ascontiguousarray(bgr[:, ::-1])
    return Look(
        perceptual_hash(bgr),
        perceptual_hash(flipped),
        _thumb(bgr),
        _thumb(flipped),
        features_of(bgr),
        features_of(flipped),
    )


def features_of(bgr: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None) -> Features:
    """Up to FEATURES corners with descriptors, of what is lit. `mask`: 255 where features may lie (default all)."""
    grey = cv2.createCLAHE(3.0, (8, 8)).apply(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY))
    lit = (bgr.max(axis=2) > MIN_LIT).astype(np.uint8) * 255
    allowed = cv2.erode(lit, np.ones((15, 15), np.uint8)).astype(np.uint8)
    if mask is not None:
        allowed = np.minimum(allowed, mask)
    points, descriptors = cv2.ORB.create(FEATURES, fastThreshold=10).detectAndCompute(grey, allowed)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
    return np.array([point.pt for point in points], np.float32), descriptors.astype(np.uint8)


def shared(matcher: cv2.BFMatcher, first: Features, second: Features) -> int:
    """How many features of two pictures agree under one similarity transform."""
    if len(first[0]) < 8 or len(second[0]) < 8:
        return 0
    pairs = matcher.knnMatch(first[1], second[1], k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance]
    if len(good) < MIN_SHARED:
        return 0
    cv2.setRNGSeed(1)
    source = np.array([first[0][match.queryIdx] for match in good])
    target = np.array([second[0][match.trainIdx] for match in good])
    _, inliers = cv2.estimateAffinePartial2D(source, target, ransacReprojThreshold=5.0, maxIters=300)
    return 0 if inliers is None else int(inliers.sum())


def _thumb(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return (small / max(float(np.linalg.norm(small)), 1e-6)).astype(np.float32)
