"""Training views keep boxes on what they mark."""

from __future__ import annotations

import numpy as np
import pytest

from models.fire_smoke.views import MIN_PX, PADDING, Example, exposed, mosaic, near, recorded, strip, view

RED = (0, 0, 255)


def example(left: int, top: int, right: int, bottom: int, size: tuple[int, int] = (300, 400)) -> Example:
    """A black picture (height, width) with a red box, marked."""
    bgr = np.zeros((*size, 3), np.uint8)
    bgr[top:bottom, left:right] = RED
    return Example(bgr, np.array([[1, left, top, right, bottom]], np.float32))


def red_of(shown: Example) -> np.ndarray:
    return (shown.bgr[..., 2] > 128) & (shown.bgr[..., 1] < 100)


def encloses(shown: Example, box: np.ndarray) -> None:
    """The box holds all that is red, and is not much larger (it stands upright around what was turned)."""
    rows, columns = np.nonzero(red_of(shown))
    found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(found - box[1:]).max() <= 2


@pytest.mark.parametrize("seed", range(12))
def test_a_box_stays_where_its_thing_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown = view(rng, example(100, 80, 220, 200), 256, 192, (0.55, 1.7))
    assert shown.bgr.shape == (192, 256, 3)
    assert (shown.boxes[:, 0] == 1).all()
    for box in shown.boxes:
        encloses(shown, box)


@pytest.mark.parametrize("seed", range(6))
def test_from_near_the_thing_is_large(seed: int) -> None:
    shown = near(np.random.default_rng(seed), example(100, 80, 220, 200), 256)
    assert len(shown.boxes) == 1
    encloses(shown, shown.boxes[0])
    assert max(shown.boxes[0, 3] - shown.boxes[0, 1], shown.boxes[0, 4] - shown.boxes[0, 2]) > 0.2 * 256


def test_what_is_too_small_counts_neither_way() -> None:
    shown = view(np.random.default_rng(1), example(100, 80, 106, 86), 128, 128, (0.6, 0.7))
    assert len(shown.boxes) == 0
    assert len(shown.unsure) == 1
    assert (shown.unsure[0, 3:] - shown.unsure[0, 1:3]).min() < MIN_PX


def test_what_hardly_reaches_into_the_view_is_no_longer_marked() -> None:
    rng = np.random.default_rng(4)
    lost = 0
    for _ in range(40):
        shown = view(rng, example(0, 0, 40, 40), 128, 128, (2.5, 3.0))
        lost += len(shown.boxes) == 0
        for box in shown.boxes:
            assert 0 <= box[1] < box[3] <= 128
            assert 0 <= box[2] < box[4] <= 128
    assert lost > 10


def test_four_in_one_keep_their_boxes_in_their_quarters() -> None:
    rng = np.random.default_rng(2)
    quiet = Example(np.zeros((100, 100, 3), np.uint8))
    shown = mosaic(rng, [quiet, quiet, quiet, example(50, 40, 350, 260)], 200)
    assert shown.bgr.shape == (200, 200, 3)
    rows, columns = np.nonzero(red_of(shown))
    assert len(shown.boxes) == 1
    assert shown.boxes[0, 1] >= 0.3 * 200
    assert shown.boxes[0, 2] >= 0.3 * 200
    assert columns.min() >= shown.boxes[0, 1] - 2
    assert rows.max() <= shown.boxes[0, 4] + 2


def test_recording_leaves_shape_and_is_repeatable() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 80, 3)).astype(np.uint8)
    once = [recorded(np.random.default_rng(seed), picture) for seed in range(20)]
    again = [recorded(np.random.default_rng(seed), picture) for seed in range(20)]
    assert all(one.shape == picture.shape and one.dtype == np.uint8 for one in once)
    assert all(np.array_equal(one, other) for one, other in zip(once, again, strict=True))
    assert any(not np.array_equal(one, picture) for one in once)


def test_what_is_no_picture_stays_grey() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        shown = exposed(rng, view(rng, example(100, 80, 220, 200), 192, 192, (0.5, 0.6)))
        assert shown.padding is not None
        assert shown.padding.any()
        assert (shown.bgr[shown.padding] == PADDING).all()


def test_a_strip_keeps_the_width_and_its_boxes() -> None:
    rng = np.random.default_rng(6)
    for _ in range(10):
        part = strip(rng, example(100, 100, 300, 200, (400, 400)))
        height, width = part.bgr.shape[:2]
        assert width == 400
        assert 1.29 < width / height < 1.82
        for box in part.boxes:
            encloses(part, box)
