"""Fires that have burned for long: large, marked, and made again alike."""

from __future__ import annotations

import numpy as np
import pytest

from samples.fire.blazes import blaze
from samples.fire.preview import backgrounds
from samples.fire.stills import Label

pytestmark = pytest.mark.usefixtures("one_recipe_of_gas")


@pytest.fixture(scope="module")
def place() -> np.ndarray:
    return backgrounds(np.random.default_rng(4), 1, 192)[0]


def test_flames_are_marked_inside_the_picture_and_many_are_large(place: np.ndarray) -> None:
    shares = []
    for seed in range(8):
        made = blaze(np.random.default_rng(seed), place)
        assert made.picture.shape == place.shape and made.picture.dtype == np.uint8
        flames = [box for box in made.boxes if box.label is Label.FIRE]
        assert flames, "a blaze without flames is none"
        for box in made.boxes:
            assert 0 <= box.left < box.right <= place.shape[1]
            assert 0 <= box.top < box.bottom <= place.shape[0]
        shares.append(max((b.right - b.left) * (b.bottom - b.top) for b in flames) / (place.shape[0] * place.shape[1]))
    assert max(shares) > 0.3
    assert float(np.median(shares)) > 0.05


def test_what_is_marked_shines_more_than_the_place_did(place: np.ndarray) -> None:
    brighter = []
    for seed in range(8):
        made = blaze(np.random.default_rng(seed), place)
        for box in made.boxes:
            if box.label is Label.FIRE:
                part = made.picture[box.top : box.bottom, box.left : box.right]
                brighter.append(float(np.percentile(part.max(axis=2), 95)) - float(np.median(made.picture)))
    assert float(np.median(brighter)) > 50


def test_same_numbers_same_picture(place: np.ndarray) -> None:
    one, same = (blaze(np.random.default_rng(5), place) for _ in range(2))
    assert np.array_equal(one.picture, same.picture) and one.boxes == same.boxes


def test_where_nothing_can_be_seen_the_background_comes_back_without_boxes() -> None:
    tiny = np.full((6, 6, 3), 255, np.uint8)
    made = blaze(np.random.default_rng(1), tiny)
    assert made.boxes == () and np.array_equal(made.picture, tiny)
