"""Near-duplicates across splits are found, other places are not, and links make groups."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets.duplicates import Twins, across, groups_of, looks_of
from models.datasets.likeness import Look, look_at
from models.datasets.reading import Labelled


def place(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    canvas = np.full((300, 400, 3), 130, np.uint8)
    for _ in range(110):
        corner, size = rng.integers(0, 390, 2), rng.integers(6, 60, 2)
        cv2.rectangle(canvas, corner.tolist(), (corner + size).tolist(), rng.integers(20, 255, 3).tolist(), -1)
    return canvas


def seen_otherwise(bgr: np.ndarray, how: str) -> np.ndarray:
    height, width = bgr.shape[:2]
    if how == "darker":
        return (bgr * 0.6).astype(np.uint8)
    if how == "mirrored":
        return np.ascontiguousarray(bgr[:, ::-1])
    if how == "turned":
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 0.9)
        return cv2.warpAffine(bgr, matrix, (width, height)).astype(np.uint8)
    if how == "a part of it":
        return cv2.resize(bgr[40:260, 60:360], (width, height)).astype(np.uint8)
    packed = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


OTHERS = [(f"other {seed}", look_at(place(seed))) for seed in range(20, 32)]
WAYS = ("darker", "mirrored", "turned", "a part of it", "packed")


@pytest.mark.parametrize("how", WAYS)
def test_the_same_place_seen_otherwise_is_found_and_no_other(how: str) -> None:
    first = [("mine", look_at(place(1)))]
    second = [*OTHERS, ("twin", look_at(seen_otherwise(place(1), how)))]
    assert [(twins.first, twins.second) for twins in across(first, second)] == [("mine", "twin")]
    assert [(twins.first, twins.second) for twins in across(first, second, thorough=True)] == [("mine", "twin")]


def test_nothing_in_common_nothing_found() -> None:
    assert across([("mine", look_at(place(1)))], OTHERS) == []
    assert across([], OTHERS) == []
    empty: list[tuple[str, Look]] = [("black", look_at(np.zeros((60, 80, 3), np.uint8)))]
    assert across(empty, OTHERS) == []


def test_links_make_groups_named_after_their_first() -> None:
    links = [Twins("b", "c", ""), Twins("d", "c", "")]
    assert groups_of("abcde", links) == {"a": "a", "b": "b", "c": "b", "d": "b", "e": "e"}
    assert groups_of("abcde", links, {"a": "s", "e": "s"})["e"] == "a"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15))
def test_groups_are_what_links_connect(links: list[tuple[int, int]]) -> None:
    groups = groups_of((str(i) for i in range(10)), [Twins(str(a), str(b), "") for a, b in links])
    assert all(groups[str(a)] == groups[str(b)] for a, b in links)
    # As many groups as a matrix of links has blocks, by another way of counting.
    reach = np.eye(10, dtype=bool)
    for a, b in links:
        reach[a, b] = reach[b, a] = True
    for _ in range(4):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    assert len(set(groups.values())) == len({tuple(row) for row in reach.tolist()})


def test_the_pair_that_straddled_the_published_split_is_found(shared_data: Path) -> None:
    fire = shared_data / "fire" / "cctv"
    train = sorted((fire / "train" / "images").glob("img_20[4-7]_*"))
    val = sorted((fire / "val" / "images").glob("img_6*"))[:6]
    sides = []
    for files in (train, val):
        pictures = [Labelled(path.name, path, path.name, None, None) for path in files]
        sides.append([(one.name, look) for one, look in zip(pictures, looks_of(pictures), strict=True)])
    found = {(twins.first.split("_jpg")[0], twins.second.split("_jpg")[0]) for twins in across(sides[0], sides[1])}
    assert found == {("img_206", "img_61")}
