"""Composites for training: they show what their boxes say, and nothing that has no box."""

from __future__ import annotations

import numpy as np
import pytest

from samples.fire.layers import flame_layer
from samples.fire.lookalikes.shared import Lookalike
from samples.fire.optics import linear_of, picture_of
from samples.fire.preview import backgrounds
from samples.fire.stills import FAIR, Composite, Kind, Label, LabelledBox, composite, lookalike, merged

pytestmark = pytest.mark.usefixtures("one_recipe_of_gas")
WANTED = {Kind.FIRE: {Label.FIRE}, Kind.SMOKE: {Label.SMOKE}, Kind.BOTH: {Label.FIRE, Label.SMOKE}}


@pytest.fixture(scope="module")
def place() -> np.ndarray:
    return backgrounds(np.random.default_rng(4), 1, 256)[0]


@pytest.mark.parametrize("kind", list(Kind))
def test_boxes_are_of_the_kind_and_inside(kind: Kind, place: np.ndarray) -> None:
    for seed in range(3):
        made = composite(np.random.default_rng(seed), place, kind)
        assert made.picture.shape == place.shape
        assert made.picture.dtype == np.uint8
        assert {box.label for box in made.boxes} == WANTED[kind]
        for box in made.boxes:
            assert 0 <= box.left < box.right <= 256
            assert 0 <= box.top < box.bottom <= 256
            assert max(box.right - box.left, box.bottom - box.top) >= 9


def test_same_numbers_same_picture(place: np.ndarray) -> None:
    one, same, other = (composite(np.random.default_rng(seed), place, Kind.FIRE) for seed in (5, 5, 6))
    assert np.array_equal(one.picture, same.picture)
    assert one.boxes == same.boxes
    assert not np.array_equal(one.picture, other.picture)


def test_where_nothing_can_be_seen_the_background_comes_back_without_boxes() -> None:
    tiny = np.full((10, 10, 3), 255, np.uint8)
    made = composite(np.random.default_rng(1), tiny, Kind.FIRE)
    assert isinstance(made, Composite)
    assert made.boxes == ()
    assert np.array_equal(made.picture, tiny)


def test_flames_are_red_before_green_before_blue_and_hotter_ones_yellower() -> None:
    flame = flame_layer(np.random.default_rng(3), 60, 90)
    blue, green, red = (flame.shine[..., channel].sum() for channel in range(3))
    assert red > green > blue > 0
    hot, warm = flame.heat > 0.7, (flame.heat > 0.2) & (flame.heat < 0.4)
    ratio = flame.shine[..., 1] / np.maximum(flame.shine[..., 2], 1e-6)
    assert ratio[hot].mean() > ratio[warm].mean()


def test_light_that_is_too_strong_turns_white_by_channel() -> None:
    orange = np.full((2, 2, 3), (0.1, 0.45, 1.0), np.float32)
    dim, strong = picture_of(orange * np.float32(0.5))[0, 0], picture_of(orange * np.float32(30))[0, 0]
    assert dim[2] > dim[1] > dim[0]
    assert tuple(strong) == (255, 255, 255)


def test_light_and_picture_are_inverse() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert (
        np.abs(picture_of(linear_of(grey)).astype(int) - grey).max() <= 2
    )  # the darkest levels lie closer than steps of light


def test_plumes_that_mingle_are_one_cloud_and_a_fire_is_not_smoke() -> None:
    left, right = LabelledBox(Label.SMOKE, 0, 0, 40, 40), LabelledBox(Label.SMOKE, 10, 0, 50, 40)
    fire = LabelledBox(Label.FIRE, 10, 10, 30, 40)
    assert merged([left, right, fire]) == [LabelledBox(Label.SMOKE, 0, 0, 50, 40), fire]


def test_lookalikes_have_no_boxes_and_change_the_picture(place: np.ndarray) -> None:
    made = lookalike(np.random.default_rng(2), place)
    assert made.boxes == ()
    assert not np.array_equal(made.picture, place)


def test_what_no_still_tells_from_smoke_is_not_trained_against() -> None:
    assert not {Lookalike.STEAM, Lookalike.FOG, Lookalike.EXHAUST, Lookalike.DUST} & set(FAIR)
    assert {Lookalike.TAIL_LIGHTS, Lookalike.RED_CLOTH, Lookalike.COBWEB} <= set(FAIR)
