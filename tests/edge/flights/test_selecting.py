"""Which pictures of a flight are used."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon, box

from edge.flights.footprints import overlap
from edge.flights.selecting import blurred, by_overlap, sharp_ones, sharpness_of


def line(step_m: float, count: int) -> list[Polygon]:
    """Footprints of 100 by 80 m, one after another."""
    return [box(0, index * step_m, 80, index * step_m + 100) for index in range(count)]


def test_pictures_that_overlap_more_than_is_needed_are_left_out() -> None:
    # 10 m apart: 90, 80, 70 % and then 60 %.
    assert by_overlap(line(10, 10), 0.7) == [0, 3, 6, 9]


def test_pictures_that_overlap_less_are_all_used() -> None:
    assert by_overlap(line(40, 5), 0.7) == [0, 1, 2, 3, 4]


def test_a_drone_that_hovers_gives_its_first_and_last_picture() -> None:
    assert by_overlap(line(0, 50), 0.7) == [0, 49]
    assert by_overlap(line(0, 1), 0.7) == [0]
    assert by_overlap([], 0.7) == []


def test_pictures_without_ground_stop_nothing() -> None:
    shapes = line(10, 4)
    shapes[1] = Polygon()
    assert by_overlap(shapes, 0.7) == [0, 1, 3] or by_overlap(shapes, 0.7) == [0, 1, 2, 3]


@given(st.lists(st.floats(0, 60), min_size=1, max_size=30), st.floats(0.3, 0.95))
def test_the_chosen_overlap_wherever_the_flight_does(steps: list[float], target: float) -> None:
    shapes = [box(0, start, 80, start + 100) for start in np.cumsum(steps)]
    chosen = by_overlap(shapes, target)
    assert chosen[0] == 0 and chosen[-1] == len(shapes) - 1
    for here, there in pairwise(chosen):
        assert there > here
        # Either they overlap enough, or nothing lies between them.
        assert there == here + 1 or overlap(shapes[here], shapes[there]) >= target - 1e-9


def test_blur_lowers_sharpness_and_size_hardly_does() -> None:
    rng = np.random.default_rng(1)
    sharp = rng.integers(0, 255, (300, 400, 3), np.uint8)
    assert sharpness_of(cv2.GaussianBlur(sharp, (0, 0), 2)) < 0.05 * sharpness_of(sharp)
    assert sharpness_of(np.full((40, 40, 3), 128, np.uint8)) == 0.0
    assert sharpness_of(np.zeros((1, 5_000, 3), np.uint8)) == 0.0


def test_what_is_blurred_beside_its_neighbours() -> None:
    assert blurred([100, 90, 8, 95, 110], 0.25) == [False, False, True, False, False]
    # A lake is less sharp than a town, but so are its neighbours.
    assert blurred([100, 90, 30, 12, 10, 11], 0.25) == [False] * 6
    assert blurred([5.0], 0.25) == [False]
    assert blurred([0.0, 0.0], 0.25) == [False, False]


def test_the_nearest_sharp_picture_stands_in_for_a_blurred_one() -> None:
    asked = []
    values = {0: 100.0, 2: 90.0, 4: 5.0, 5: 6.0, 3: 95.0, 6: 100.0, 8: 80.0}

    def measure(index: int) -> float | None:
        asked.append(index)
        return values[index]

    used, left = sharp_ones([0, 2, 4, 6, 8], 9, measure, 0.25)
    assert list(used) == [0, 2, 3, 6, 8]
    assert left == {4: 5.0}
    assert len(asked) == len(set(asked)), "a picture was decoded twice"


def test_one_that_cannot_be_read_is_replaced_too() -> None:
    used, left = sharp_ones([0, 2, 4], 5, lambda index: None if index == 2 else 50.0, 0.25)
    assert list(used) == [0, 1, 4] and not left


def test_none_can_be_read() -> None:
    assert sharp_ones([0, 1, 2], 3, lambda index: None, 0.25) == ({}, {})


@pytest.mark.parametrize("count", [2, 3])
def test_of_few_pictures_one_may_be_blurred(count: int) -> None:
    used, left = sharp_ones(range(count), count, lambda index: 1.0 if index == 0 else 100.0, 0.25)
    assert list(left) == [0] and len(used) == count - 1
