"""Which pictures of a set show one scene, so that none of a scene's near-duplicates is trained on and tested on.

`python -m models.signal_heads.scenes TRAINING TEST` names the pictures of one folder that show a scene of another.

A perceptual hash alone does not do here: the set's makers turned, flipped and re-exposed pictures. So local features
of everything but the heads (the same head was carried to many places) are matched, turned and mirrored too, and
pictures that share a plausible number of them under one similarity transform are linked; names count frames of one
recording, so neighbours in number with alike small pictures are linked as well.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.likeness import FEATURES, MAX_HASH_DISTANCE, MIN_SHARED, Features, perceptual_hash, shared
from models.signal_heads.labels import LabelledHead, Picture, read_pictures

NEIGHBOURS = 2
"""Pictures this near in number are of one recording, whatever they show."""


def twins_of(pictures: Sequence[Picture], others: Sequence[Picture]) -> list[bool]:
    """Which of the pictures show a scene that one of the others shows too.

    Links are not followed further: dark and foggy pictures would chain all scenes into one.
    """
    sides = [
        (_features(one, mirrored=False), _features(one, mirrored=True), perceptual_hash(one.bgr)) for one in others
    ]
    numbers = [number_of(one.name) for one in others]
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    twins = []
    for picture in pictures:
        own, own_hash, number = (
            _features(picture, mirrored=False),
            perceptual_hash(picture.bgr),
            number_of(picture.name),
        )
        twins.append(
            any(abs(number - other) <= NEIGHBOURS for other in numbers)
            or any(
                (own_hash ^ other_hash).bit_count() <= MAX_HASH_DISTANCE
                or shared(matcher, own, plain) >= MIN_SHARED
                or shared(matcher, own, mirrored) >= MIN_SHARED
                for plain, mirrored, other_hash in sides
            )
        )
    return twins


def _features(picture: Picture, *, mirrored: bool) -> Features:
    grey = cv2.cvtColor(picture.bgr, cv2.COLOR_BGR2GRAY)
    grey = cv2.createCLAHE(3.0, (8, 8)).apply(grey)
    # Where the makers' turning left black corners, their straight edges would match everywhere.
    lit = (picture.bgr.max(axis=2) > 12).astype(np.uint8)
    mask = cv2.erode(lit * 255, np.ones((15, 15), np.uint8)).astype(np.uint8)
    for head in picture.heads:
        _blank(mask, head)
    if mirrored:
        grey, mask = np.ascontiguousarray(grey[::-1]), np.ascontiguousarray(mask[::-1])
    points, descriptors = cv2.ORB.create(FEATURES, fastThreshold=10).detectAndCompute(grey, mask)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8)
    return np.array([point.pt for point in points], np.float32), descriptors.astype(np.uint8)


def _blank(mask: NDArray[np.uint8], head: LabelledHead) -> None:
    x, y, width, height = head.box
    margin = 0.15 * max(width, height)
    mask[max(0, int(y - margin)) : int(y + height + margin), max(0, int(x - margin)) : int(x + width + margin)] = 0


def number_of(name: str) -> int:
    """The number in a picture's name; 0 if there is none."""
    found = re.search(r"\d+", name)
    return int(found.group()) if found else 0


if __name__ == "__main__":
    given = [read_pictures(Path(argument)) for argument in sys.argv[1:3]]
    twins = [picture.name for picture, twin in zip(given[0], twins_of(given[0], given[1]), strict=True) if twin]
    sys.stdout.write(f"{len(twins)} of {len(given[0])} pictures show a scene of the second folder\n")
    sys.stdout.writelines(f"{name}\n" for name in twins)
