"""Background, blobs and samples on pictures made here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.background import CELL, Background, BackgroundTuning
from edge.vision.blobs import BlobFinder, first_points
from edge.vision.regions import depth_inside, polygon_mask, window_of, without
from edge.vision.sampling import SampleGrid, exposure_ratio, mean_difference

HEIGHT, WIDTH = 200, 240


def wall(sigma: float = 0, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, (HEIGHT, WIDTH))
    return np.clip(100 + noise, 0, 255).astype(np.uint8)


def watched() -> np.ndarray:
    return np.full((HEIGHT, WIDTH), 255, np.uint8)


def taught(sigma: float, seconds: float = 5, watch: np.ndarray | None = None) -> Background:
    background = Background(watched() if watch is None else watch, BackgroundTuning())
    background.seed(wall(sigma), 0)
    for number in range(1, int(seconds * 25)):
        background.learn(wall(sigma, number), number / 25, 1 / 25)
    return background


def marked(background: Background, picture: np.ndarray) -> np.ndarray:
    """The whole mask of foreground."""
    mask = np.zeros_like(background.foreground)
    for run in background.mark(picture):
        mask[run.top : run.bottom] = background.foreground[run.top : run.bottom]
        assert run.pixels == cv2.countNonZero(mask[run.top : run.bottom])
    return mask


def test_what_differs_by_more_than_twelve_levels_is_foreground() -> None:
    background = taught(0)
    picture = wall()
    picture[50:60, 70:80] = 113
    picture[150:160, 70:80] = 87
    picture[50:60, 170:180] = 111
    mask = marked(background, picture)
    assert mask[50:60, 70:80].all()
    assert mask[150:160, 70:80].all()
    assert cv2.countNonZero(mask) == 200


def test_a_noisy_camera_widens_its_bounds() -> None:
    background = taught(6, seconds=8)
    picture = wall(6, 9999)
    assert cv2.countNonZero(marked(background, picture)) < 0.0005 * picture.size
    picture[50:60, 70:80] = 160
    assert marked(background, picture)[52:58, 72:78].mean() > 0.9 * 255


def test_nothing_outside_the_watched_region_is_foreground() -> None:
    watch = watched()
    watch[:, :120] = 0
    background = taught(0, watch=watch)
    mask = marked(background, np.full((HEIGHT, WIDTH), 200, np.uint8))
    assert not mask[:, :120].any()
    assert mask[:, 120:].all()


def test_a_passing_object_leaves_neither_ghost_nor_blindness() -> None:
    background = taught(0)
    passing = wall()
    passing[:, 100:120] = 250
    for number in range(3):
        background.learn(passing, 5 + number / 25, 1 / 25)
    for number in range(3, 40):
        background.learn(wall(), 5 + number / 25, 1 / 25)
    assert not marked(background, wall()).any()
    assert marked(background, passing)[:, 100:120].all()


def test_what_stays_becomes_background() -> None:
    background = taught(0)
    parked = wall()
    parked[50:90, 100:140] = 130
    assert marked(background, parked).any()
    for number in range(25 * 20):
        background.learn(parked, 5 + number / 25, 1 / 25)
    assert not marked(background, parked).any()


def test_seeding_anew_ends_a_step_of_light_at_once() -> None:
    background = taught(0)
    bright = np.full((HEIGHT, WIDTH), 180, np.uint8)
    assert cv2.countNonZero(marked(background, bright)) == bright.size
    background.seed(bright, 6, keep_spread=True)
    assert not marked(background, bright).any()


def test_a_cell_is_switched_off_and_says_when_it_is_quiet() -> None:
    background = taught(0)
    picture = wall()
    picture[10:20, 10:20] = 200
    background.switch(0, 0, on=False)
    assert not marked(background, picture).any()
    seen = [item for n in range(60) for item in background.learn(picture, 5 + n / 25, 1 / 25)]
    assert seen[0] == (0, 0, True)
    quiet = [item for n in range(60, 600) for item in background.learn(wall(), 5 + n / 25, 1 / 25)]
    assert quiet[-1] == (0, 0, False)
    background.switch(0, 0, on=True)
    assert marked(background, picture)[12:18, 12:18].all()
    assert CELL == 80


def test_clipped_white_is_not_foreground() -> None:
    background = Background(watched(), BackgroundTuning())
    background.seed(np.full((HEIGHT, WIDTH), 250, np.uint8), 0)
    assert background.mark(np.full((HEIGHT, WIDTH), 222, np.uint8))
    saturated = np.full((HEIGHT, WIDTH), 255, np.uint8)  # 222 once an exposure 15 % higher is compensated
    assert not background.mark(saturated, 1.15)


def test_bounds_move_with_the_exposure() -> None:
    background = taught(0)
    brighter = np.full((HEIGHT, WIDTH), 120, np.uint8)
    assert background.mark(brighter)
    assert not background.mark(brighter, 1.2)
    background.learn(brighter, 5.1, 2.0, 1.2)
    assert not background.mark(wall())
    assert background.mean == pytest.approx(wall(), abs=0.5)


def test_a_lasting_exposure_rescales_the_model() -> None:
    background = taught(0)
    background.rescale(1.2)
    assert not background.mark(np.full((HEIGHT, WIDTH), 120, np.uint8))


def test_blobs_are_measured() -> None:
    background = taught(0)
    picture = wall()
    picture[50:60, 70:90] = 250
    picture[120:123, 30:32] = 250
    runs = background.mark(picture)
    finder = BlobFinder(background.foreground, 1000, 500)
    contours = finder.contours(runs)
    blobs = sorted((finder.measure(contour) for contour in contours), key=lambda blob: blob.area)
    assert [blob.area for blob in blobs] == [6, 200]
    assert (blobs[1].x, blobs[1].y) == (pytest.approx(1079.5, abs=0.6), pytest.approx(554.5, abs=0.6))
    assert (blobs[0].x, blobs[0].y) == (pytest.approx(1030.5, abs=0.6), pytest.approx(621, abs=0.6))
    assert len(first_points(contours)) == 2
    assert finder.contours([]) == []


def test_pieces_two_pixels_apart_are_one_blob() -> None:
    background = taught(0)
    picture = wall()
    picture[50:60, 70:76] = 250
    picture[50:60, 78:84] = 250
    picture[50:60, 95:99] = 250
    finder = BlobFinder(background.foreground, 0, 0)
    assert sorted(finder.measure(c).area for c in finder.contours(background.mark(picture))) == [40, 120]


def test_many_single_pixels_are_no_blobs() -> None:
    background = taught(0)
    picture = wall()
    picture[10:190:6, 10:230:6] = 250
    picture[100:104, 100:104] = 250
    finder = BlobFinder(background.foreground, 0, 0)
    contours = finder.contours(background.mark(picture))
    assert len(contours) == 1


def test_exposure_is_the_median_ratio_and_says_one_where_it_cannot_know() -> None:
    reference = np.linspace(30, 200, 256, dtype=np.float32)
    brighter = np.clip(reference * 1.15, 0, 255).astype(np.uint8)
    brighter[:60] = 255  # a lamp
    assert exposure_ratio(brighter, reference) == pytest.approx(1.15, abs=0.01)
    assert exposure_ratio(np.zeros(256, np.uint8), reference) == 1.0


def test_samples_lie_inside_the_mask_where_there_is_room() -> None:
    mask = watched()
    mask[:100] = 0
    grid = SampleGrid(mask, 16, 16)
    assert (grid.rows >= 100).all()
    assert len(grid.take(wall())) == len(grid.rows)
    nearly_empty = np.zeros_like(mask)
    nearly_empty[0, 0] = 255
    assert len(SampleGrid(nearly_empty, 16, 16).rows) == 256
    assert mean_difference(np.full(10, 3, np.uint8), np.full(10, 5, np.uint8)) == 2


def test_regions() -> None:
    square = [(20, 20), (100, 20), (100, 100), (20, 100)]
    mask = polygon_mask(square, WIDTH, HEIGHT)
    assert mask[60, 60] == 255
    assert mask[10, 10] == 0
    window = window_of(mask)
    assert (window.left, window.top, window.width, window.height) == (20, 20, 81, 81)
    holed = without(mask, [[(50, 50), (70, 50), (70, 70), (50, 70)]])
    assert holed[60, 60] == 0
    assert mask[60, 60] == 255
    assert depth_inside(square, 60, 25) == pytest.approx(5)
    assert depth_inside(square, 10, 60) == pytest.approx(-10)
    with pytest.raises(ValueError, match="no pixel"):
        window_of(np.zeros((5, 5), np.uint8))
