"""What is restless, hazy, flame-coloured or rhythmic in small pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.bursts import spectrum_of
from edge.vision.flames import FlameMask, raggedness
from edge.vision.flicker import Restlessness
from edge.vision.haze import HazeFinder
from edge.vision.planes import Planes
from edge.vision.small_colour import Shrinker, SmallPicture


def picture_of(bgr: tuple[int, int, int], size: tuple[int, int] = (64, 36)) -> SmallPicture:
    return Shrinker(*size).of_bgr(np.full((size[1], size[0], 3), bgr, np.uint8))


# ---- small pictures


@pytest.mark.parametrize("full_range", [True, False], ids=["full range", "limited range"])
@pytest.mark.parametrize("layout", ["planar", "paired"])
def test_planes_and_colour_give_the_same_small_picture(full_range: bool, layout: str) -> None:
    blue, green, red = 40, 130, 230
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = 128 + (blue - y) * 0.564, 128 + (red - y) * 0.713
    if not full_range:
        y, cb, cr = 16 + y * 219 / 255, 128 + (cb - 128) * 224 / 255, 128 + (cr - 128) * 224 / 255
    u, v = (np.full((36, 64), round(value), np.uint8) for value in (cb, cr))
    chroma = (u, v) if layout == "planar" else (np.dstack([u, v]),)
    planes = Planes(np.full((72, 128), round(y), np.uint8), chroma, full_range=full_range)
    made = Shrinker(64, 36).of_planes(planes)
    wanted = picture_of((blue, green, red))
    for plane, other in ((made.luma, wanted.luma), (made.blue, wanted.blue), (made.red, wanted.red)):
        assert plane.shape == (36, 64)
        assert abs(int(plane[5, 5]) - int(other[5, 5])) <= 2
    assert np.abs(made.bgr()[5, 5].astype(int) - (blue, green, red)).max() <= 4


def test_a_grey_camera_has_no_colour() -> None:
    made = Shrinker(64, 36).of_planes(Planes(np.full((72, 128), 90, np.uint8), (), full_range=True))
    assert (made.blue == 128).all() and (made.red == 128).all() and (made.luma == 90).all()


# ---- flames


@pytest.mark.parametrize(
    ("bgr", "is_flame"),
    [
        ((20, 110, 240), True),
        ((60, 180, 255), True),
        ((120, 200, 250), True),
        ((30, 30, 230), False),
        ((40, 45, 200), False),
        ((40, 240, 230), False),
        ((245, 250, 255), False),
        ((60, 120, 110), False),
        ((15, 60, 120), False),
    ],
    ids=["orange", "yellow", "pale yellow", "brake light", "red cloth", "vest", "white", "olive", "brown"],
)
def test_flames_are_between_orange_and_yellow_and_give_light(bgr: tuple[int, int, int], is_flame: bool) -> None:
    mask = FlameMask(36, 64).of(picture_of(bgr))
    assert bool((mask > 0).all()) is is_flame and bool((mask > 0).any()) is is_flame


def test_tongues_are_ragged_and_discs_are_not() -> None:
    disc = np.zeros((60, 60), np.uint8)
    cv2.circle(disc, (30, 30), 20, 255, -1)
    star = np.zeros((60, 60), np.uint8)
    angles = np.linspace(0, 2 * np.pi, 15)[:-1]
    radii = np.where(np.arange(14) % 2, 26, 8)
    points = np.stack([30 + radii * np.cos(angles), 30 + radii * np.sin(angles)], axis=1)
    cv2.fillPoly(star, [points.astype(np.int32)], 255)
    round_, jagged = raggedness(disc), raggedness(star)
    assert round_ is not None and round_ < 1.4
    assert jagged is not None and jagged > 3
    few = np.zeros((60, 60), np.uint8)
    few[10:13, 10:13] = 255
    assert raggedness(few) is None and raggedness(np.zeros((9, 9), np.uint8)) is None


# ---- restlessness


def level_after(fps: float, seconds: float = 8.0, hertz: float = 2.0) -> float:
    restless = Restlessness(2, 2, follow_seconds=0.4, settle_seconds=1.5)
    level = np.zeros((2, 2), np.float32)
    for index in range(int(seconds * fps)):
        t = index / fps
        level = restless.observe(np.full((2, 2), 100 + 40 * np.sin(2 * np.pi * hertz * t), np.float32), t)
    return float(level[0, 0])


def test_restlessness_does_not_depend_on_the_rate_of_pictures() -> None:
    assert level_after(25) == pytest.approx(level_after(9), rel=0.25)
    assert level_after(25, hertz=0.05) < 0.25 * level_after(25), "what is slow is followed"


def test_what_everything_does_together_does_not_count() -> None:
    restless = Restlessness(2, 2, follow_seconds=2, settle_seconds=2)
    for index in range(20):
        level = restless.observe(np.full((2, 2), 100.0 + index, np.float32), index / 10, 0.0)
    assert level.max() > 1
    restless.restart()
    still = restless.observe(np.full((2, 2), 90.0, np.float32), 5.0)
    assert still.max() == 0
    assert restless.observe(np.full((2, 2), 130.0, np.float32), 5.1, 40.0).max() == 0


def test_a_passing_step_counts_no_more_than_its_most() -> None:
    restless = Restlessness(1, 1, follow_seconds=2, settle_seconds=2, most=5)
    for index in range(60):
        level = restless.observe(np.full((1, 1), 250.0 if index % 20 < 10 else 0.0, np.float32), index / 10)
    assert 0 < level.max() <= 5


# ---- haze


def hazy(kind: str, *, seconds: float = 12.0, fps: float = 8.0) -> tuple[float, float]:
    """(share of the left half, of the right half) that is haze; something of a kind is in the left half."""
    random = np.random.default_rng(5)
    width, height = 160, 90
    finder, shrinker = HazeFinder(width, height), Shrinker(width, height)
    wall = cv2.resize(random.uniform(60, 160, (18, 32)).astype(np.float32), (width, height))
    cloud = cv2.GaussianBlur(random.normal(0, 1, (400, 80)).astype(np.float32), (0, 0), 9)
    cloud = cloud / cloud.std()
    found = None
    for index in range(int(seconds * fps)):
        t = index / fps
        picture = wall.copy()
        left = picture[:, :80]
        if kind == "smoke":
            share = np.clip(0.4 + 0.2 * cloud[int(12 * t) : int(12 * t) + height], 0, 0.8)
            left[:] = left * (1 - share) + 175 * share
        elif kind == "leaves":
            left[:] += 40 * np.sign(np.sin(random.uniform(0, 6.3, left.shape)))
        elif kind == "cars" and (t % 4) < 1:
            left[:, int(80 * (t % 1)) : int(80 * (t % 1)) + 20] = 220
        elif kind == "exposure":
            picture += 30 * np.sin(t)
        bgr = np.dstack([picture] * 3)
        if kind == "red smoke":
            bgr[:, :80, 2] += 90 + 20 * np.sin(t)
        found = finder.observe(shrinker.of_bgr(np.clip(bgr, 0, 255).astype(np.uint8)), t) or found
    assert found is not None
    half = found.mask.shape[1] // 2
    return float((found.mask[:, :half] > 0).mean()), float((found.mask[:, half:] > 0).mean())


@pytest.mark.parametrize(
    ("kind", "is_haze"),
    [
        ("smoke", True),
        ("leaves", False),
        ("cars", False),
        ("exposure", False),
        ("nothing", False),
        ("red smoke", False),
    ],
)
def test_haze_is_soft_and_grey_and_goes_on(kind: str, is_haze: bool) -> None:
    left, right = hazy(kind)
    assert (left > 0.5) if is_haze else (left < 0.02)
    assert right < 0.06, "nothing is there"


# ---- spectra


def cells(kind: str, fps: float, seconds: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(9)
    times = np.arange(int(seconds * fps)) / fps + random.uniform(-0.2, 0.2, int(seconds * fps)) / fps
    if kind == "lamp":
        one = 100 + 60 * np.sin(2 * np.pi * 2.5 * times)
        return np.repeat(one[:, None], 16, axis=1), times
    if kind == "flame":
        phases, rates = random.uniform(0, 6.3, (5, 16)), random.uniform(1, 6, (5, 16))
        return 100 + 20 * np.sin(2 * np.pi * rates * times[:, None, None] + phases).sum(axis=1), times
    if kind == "slow":
        return 100 + 40 * np.sin(2 * np.pi * 0.1 * times)[:, None] * np.ones(16), times
    return np.full((len(times), 16), 100.0), times


@pytest.mark.parametrize("fps", [14.0, 25.0])
def test_a_lamp_has_one_line_in_step_and_a_flame_has_many_each_for_itself(fps: float) -> None:
    lamp, flame = spectrum_of(*cells("lamp", fps)), spectrum_of(*cells("flame", fps))
    assert lamp is not None and flame is not None
    assert lamp.line is not None and lamp.line > 0.8 and lamp.together > 0.95
    assert flame.line is not None and flame.line < 0.7 and flame.together < 0.4
    assert flame.in_band > 0.7 and flame.flicker > 10


def test_few_pictures_have_no_lines_and_stillness_no_spectrum() -> None:
    sparse = spectrum_of(*cells("flame", 5.0))
    assert sparse is not None and sparse.line is None
    assert spectrum_of(*cells("flame", 4.0)) is None
    assert spectrum_of(*cells("still", 15.0)) is None
