"""Training pictures: the same for the same seed, heads where they are said to be, scenes kept apart."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.signal_heads.baseline import overlap, proposals
from models.signal_heads.data import CROP_PX, LONG_PX, STRIDE, Bank, make, targets
from models.signal_heads.labels import COLOURS, LabelledHead, Picture, read_picture, read_pictures
from models.signal_heads.render import draw_head
from models.signal_heads.scenes import number_of, twins_of


def street(seed: int, *, turned: bool = False, darker: float = 1.0) -> Picture:
    """A made picture full of detail; another seed is another street."""
    rng = np.random.default_rng(seed)
    canvas = np.full((416, 416, 3), 150, np.uint8)
    for _ in range(120):
        corner, size = rng.integers(0, 400, 2), rng.integers(6, 60, 2)
        cv2.rectangle(canvas, corner.tolist(), (corner + size).tolist(), rng.integers(0, 255, 3).tolist(), -1)
    if turned:
        matrix = cv2.getRotationMatrix2D((208, 208), 10, 1.0)
        canvas = cv2.warpAffine(canvas, matrix, (416, 416)).astype(np.uint8)
    canvas = (canvas * darker).astype(np.uint8)
    head = LabelledHead((100.0, 100.0, 30.0, 70.0), "red")
    return Picture(f"street-{seed * 50}", canvas, (head,))


BANK = Bank(tuple(street(seed) for seed in range(4)), (street(9).bgr,))


def test_same_seed_same_picture() -> None:
    first, again, other = make(BANK, (1, 2)), make(BANK, (1, 2)), make(BANK, (1, 3))
    assert np.array_equal(first[0], again[0])
    assert first[1].heads == again[1].heads
    assert not np.array_equal(first[0], other[0])


def test_targets_say_where_heads_are() -> None:
    checked = 0
    for seed in range(60):
        picture, sample = make(BANK, (7, seed))
        heat, sides, colours = targets(sample)
        assert picture.shape == (CROP_PX, CROP_PX, 3)
        assert heat[0].max() <= 1
        for head in sample.heads:
            x, y, width, height = head.box
            assert x >= 0
            assert x + width <= CROP_PX
            assert max(width, height) <= LONG_PX[1]
            row, column = int((y + height / 2) / STRIDE), int((x + width / 2) / STRIDE)
            if heat[0, row, column] < 1 or any(overlap(head.box, other.box) for other in sample.heads if other != head):
                continue
            left, up, right, down = sides[1:, row, column]
            assert (left + right, up + down) == pytest.approx((width, height), abs=1.0)
            assert colours[row, column] == (-1 if head.colour is None else COLOURS.index(head.colour))
            checked += 1
    assert checked > 60


def test_rendered_heads_show_the_colour_they_are_said_to_show() -> None:
    rng = np.random.default_rng(3)
    channel = {"red": 2, "green": 1}
    right = 0
    drawn = [draw_head(rng, night=False, long_px=60.0) for _ in range(80)]
    for head in drawn:
        if head.colour in channel and head.lit:
            x, y = head.lit[0]
            patch = head.bgr[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5].mean(axis=(0, 1))
            right += int(patch.argmax()) == channel[head.colour]
    told = sum(head.colour in channel for head in drawn)
    assert right >= 0.9 * told > 20  # the others are nearly white in the middle, as lamps are


def test_a_turned_and_darkened_copy_is_a_twin_and_another_street_is_not() -> None:
    # Numbers far apart: only what they show links them.
    copy = street(2, turned=True, darker=0.6)
    renamed = Picture("street-9000", copy.bgr, copy.heads)
    assert twins_of([renamed], [street(2)]) == [True]
    mirrored = Picture("street-9100", np.ascontiguousarray(street(2).bgr[::-1]), ())
    assert twins_of([mirrored], [street(2)]) == [True]
    assert twins_of([Picture("street-9200", street(3).bgr, ())], [street(2)]) == [False]


def test_neighbours_in_number_are_twins() -> None:
    assert twins_of([Picture("street-101", street(5).bgr, ())], [street(2)]) == [True]


@pytest.mark.parametrize("lying", [False, True], ids=["upright", "lying"])
def test_baseline_finds_a_plain_head(lying: bool) -> None:
    canvas = np.full((300, 300, 3), 190, np.uint8)
    cv2.rectangle(canvas, (120, 100), (150, 190), (25, 25, 25), -1)
    cv2.circle(canvas, (135, 115), 11, (30, 30, 250), -1)
    cv2.circle(canvas, (135, 115), 5, (230, 230, 255), -1)  # washed out in the middle, as cameras show it
    box = (120.0, 100.0, 30.0, 90.0)
    if lying:
        canvas, box = np.ascontiguousarray(canvas.transpose(1, 0, 2)), (100.0, 120.0, 90.0, 30.0)
    found = proposals(canvas)
    assert len(found) == 1
    assert overlap(found[0][0], box) > 0.5
    assert found[0][2] == "red"


def test_labels_that_are_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"images/\*\.jpg"):
        read_pictures(tmp_path)


def test_a_place_seen_again_under_another_number_is_a_twin(shared_data: Path) -> None:
    folder = shared_data / "signals" / "cinta"
    if not folder.is_dir():
        pytest.skip("shared/data has no signals/cinta")
    by_number = {number_of(path.name): path for path in (folder / "images").glob("*.jpg")}
    first, again, elsewhere = (read_picture(by_number[number], folder / "labels") for number in (298, 900, 483))
    assert twins_of([again], [first]) == [True]
    assert twins_of([elsewhere], [first]) == [False]
