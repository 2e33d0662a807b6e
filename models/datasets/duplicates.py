"""Near-duplicates: pictures that show one scene, so that none is trained on while its twin is tested with.

Comparing all pairs by local features takes a millisecond each. So every picture is compared by hash with all others,
and by features with those whose small copies are most like its own, plain and mirrored; `thorough` compares all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.likeness import MAX_HASH_DISTANCE, MIN_SHARED, Look, look_at, shared
from models.datasets.reading import Labelled, read_picture

NEAREST = 8
"""Pictures looked at by features for each picture, of those with the most alike small copies. On 573 × 145 pictures of
fire/cctv, 4 find as much as 16."""

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""


@dataclass(frozen=True, slots=True)
class Twins:
    """Two pictures that show one scene. `why` is for people."""

    first: str
    second: str
    why: str


def looks_of(pictures: Sequence[Labelled], progress: Progress | None = None) -> list[Look]:
    """What pictures are compared by, in order.

    Raises:
        DataError: one cannot be read.
    """
    looks = []
    for index, picture in enumerate(pictures):
        looks.append(look_at(read_picture(picture.path)))
        if progress is not None:
            progress(index + 1, len(pictures))
    return looks


def across(
    first: Sequence[tuple[str, Look]], second: Sequence[tuple[str, Look]], *, thorough: bool = False
) -> list[Twins]:
    """Twins of which one is in `first` and the other in `second`, in the order of `first`."""
    if not first or not second:
        return []
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    likeness = _likeness([look for _, look in first], [look for _, look in second])
    hashes = np.array([look.hashed for _, look in second], np.uint64)
    twins = []
    for row, (name, look) in enumerate(first):
        near = _by_hash(look, hashes)
        few = range(len(second)) if thorough else np.argsort(-likeness[row], kind="stable")[:NEAREST].tolist()
        for column in sorted({*near, *few}):
            other_name, other = second[column]
            if name == other_name:
                continue
            why = near.get(column) or _by_features(matcher, look, other)
            if why:
                twins.append(Twins(name, other_name, why))
    return twins


def groups_of(names: Iterable[str], twins: Iterable[Twins], scenes: dict[str, str] | None = None) -> dict[str, str]:
    """The group of each picture: what is linked, over any number of links, is one; named after its first picture.

    Args:
        names: of all pictures.
        twins: the links.
        scenes: scenes known otherwise; pictures of one are linked too.
    """
    parents = {name: name for name in names}

    def root(name: str) -> str:
        while parents[name] != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    def link(first: str, second: str) -> None:
        low, high = sorted((root(first), root(second)))
        parents[high] = low

    seen: dict[str, str] = {}
    for name in sorted(parents):
        scene = (scenes or {}).get(name)
        if scene is not None:
            link(name, seen.setdefault(scene, name))
    for pair in twins:
        link(pair.first, pair.second)
    return {name: root(name) for name in parents}


def _likeness(first: Sequence[Look], second: Sequence[Look]) -> NDArray[np.float32]:
    """(first, second): correlation of the small copies, the better of plain and mirrored."""
    right = np.stack([look.thumb for look in second])
    plain = np.stack([look.thumb for look in first]) @ right.T
    mirrored = np.stack([look.mirrored_thumb for look in first]) @ right.T
    return np.asarray(np.maximum(plain, mirrored), np.float32)


def _by_hash(look: Look, hashes: NDArray[np.uint64]) -> dict[int, str]:
    found: dict[int, str] = {}
    for own, how in ((look.hashed, ""), (look.mirrored_hash, ", mirrored")):
        distances = np.bitwise_count(hashes ^ np.uint64(own))
        for column in np.flatnonzero(distances <= MAX_HASH_DISTANCE).tolist():
            found.setdefault(column, f"hashes differ in {int(distances[column])} of 64 bits{how}")
    return found


def _by_features(matcher: cv2.BFMatcher, look: Look, other: Look) -> str | None:
    for own, how in ((look.features, ""), (look.mirrored, ", mirrored")):
        count = shared(matcher, own, other.features)
        if count >= MIN_SHARED:
            return f"{count} features agree{how}"
    return None
