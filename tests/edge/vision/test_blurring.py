"""Blurring: what is averaged away is gone, what lies beside it is untouched, and tiles leave no gap."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.blurring import CELLS, blurred, tiles
from edge.vision.regions import Window


def plate(height: int = 360, width: int = 640) -> np.ndarray:
    """A car of 240 × 160 px with a number plate of 20 px in height."""
    picture = np.full((height, width, 3), 90, np.uint8)
    cv2.rectangle(picture, (200, 120), (440, 280), (40, 40, 160), -1)
    cv2.rectangle(picture, (270, 240), (370, 262), (255, 255, 255), -1)
    cv2.putText(picture, "A 4C71", (273, 258), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    return picture


def detail(picture: np.ndarray) -> float:
    """Energy of what is as fine as letters."""
    return float(np.abs(cv2.Laplacian(picture[240:262, 270:370], cv2.CV_64F)).mean())


def test_a_plate_is_not_to_be_read() -> None:
    picture = plate()
    before = picture.copy()
    hidden = blurred(picture, [(200, 120, 440, 280)])
    assert np.array_equal(picture, before), "a copy"
    assert detail(hidden) < 0.03 * detail(picture)
    outside = np.ones(picture.shape[:2], np.bool_)
    outside[120 - 12 : 280 + 12, 200 - 16 : 440 + 16] = False
    assert np.array_equal(hidden[outside], picture[outside])
    assert hidden[200, 320, 2] > hidden[200, 320, 0] + 30, "that it is a red car is still seen"


def test_two_plates_are_alike_when_hidden() -> None:
    """What is averaged away cannot be brought back: two pictures that differ in letters differ no more."""
    one, other = plate(), plate()
    cv2.rectangle(other, (270, 240), (370, 262), (255, 255, 255), -1)
    cv2.putText(other, "K 9X02", (273, 258), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    box = [(200, 120, 440, 280)]
    shown = np.abs(one.astype(int) - other).max()
    left = np.abs(blurred(one, box).astype(int) - blurred(other, box)).max()
    assert shown > 200
    assert left <= 0.1 * shown, "how much ink there is, and no letter"


def test_what_is_clear_stays() -> None:
    picture = plate()
    hidden = blurred(picture, [(200, 120, 440, 280)], [Window(220, 130, 260, 160)])
    assert np.array_equal(hidden[130:160, 220:260], picture[130:160, 220:260])
    assert detail(hidden) < 0.03 * detail(picture)


def test_a_thing_seen_twice_is_not_smeared_twice() -> None:
    picture = plate()
    once, twice = blurred(picture, [(200, 120, 440, 280)]), blurred(picture, [(200, 120, 440, 280)] * 3)
    assert np.array_equal(once, twice)


@pytest.mark.parametrize(
    "box",
    [(-50, -50, 30, 30), (630, 350, 700, 400), (10, 10, 10, 10), (900, 10, 950, 40), (0, 0, 640, 360), (5, 5, 6, 6)],
)
def test_boxes_at_and_beyond_the_border(box: tuple[float, float, float, float]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (360, 640, 3), np.uint8)
    assert blurred(noise, [box]).shape == noise.shape


def test_cells_follow_the_size_of_a_thing() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (360, 640, 3), np.uint8)
    hidden = blurred(noise, [(0, 0, 360, 360)])[:360, :360]
    few = cv2.resize(hidden, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    again = cv2.resize(few, (360, 360), interpolation=cv2.INTER_LINEAR)
    assert np.abs(hidden.astype(int) - again).mean() < 6, "nothing finer than its cells is left"


@pytest.mark.parametrize(
    "size", [(640, 360), (704, 576), (1280, 720), (1920, 1080), (2592, 1520), (3840, 2160), (720, 2000)]
)
def test_tiles_cover_the_picture_and_each_other(size: tuple[int, int]) -> None:
    width, height = size
    made = tiles(width, height)
    seen = np.zeros((height, width), np.uint8)
    for tile in made:
        assert 0 <= tile.left < tile.right <= width
        assert 0 <= tile.top < tile.bottom <= height
        assert tile.width <= 900
        assert tile.height <= 900
        seen[tile.top : tile.bottom, tile.left : tile.right] += 1
    if made:
        assert seen.min() == 1
    else:
        assert max(size) <= 740
