"""Fire from a camera that flies: told as from one that stands, and what only moves with the picture is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from edge.detectors.fire_smoke import FireSmokeDetector
from edge.detectors.fire_smoke.settings import FireSmokeSettings
from edge.detectors.interface import Frame, Image, Observation
from edge.detectors.registry import CameraContext, PictureSize
from edge.vision.pose import Pose
from tests.edge.flights.live.filming import HEIGHT, LENS, WIDTH, Film, Fire, circling, hovering, passing

FIRE = Fire(2.0, 3.0, begins=0.2)
SIZE = PictureSize(WIDTH, HEIGHT)


def frames(film: Film, seconds: float) -> Iterator[Frame]:
    for index, (t, picture) in enumerate(film.pictures(seconds)):
        at = datetime(2026, 5, 12, tzinfo=UTC) + timedelta(seconds=t)
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)

        def read(region: object = None, picture: Image = picture) -> Image:
            return picture.copy()

        yield Frame("drone", index, t, at, grey, read)


def seen(film: Film, seconds: float, *, moves: bool = True) -> list[Observation]:
    detector = FireSmokeDetector(FireSmokeSettings(), CameraContext("drone", SIZE, moves=moves))
    return [observation for frame in frames(film, seconds) for observation in detector.observe(frame)]


@pytest.mark.parametrize("path", [hovering(1.0, 0.6), circling(6.0), passing(6.0)], ids=["hovers", "circles", "passes"])
def test_a_fire_is_told_as_from_a_camera_that_stands(path: Callable[[float], Pose]) -> None:
    found = seen(Film(path, (FIRE,)), 7.5)
    assert {one.key for one in found} == {"fire:1"}
    assert found[0].media_time <= 7.5
    for one in found:
        box = one.marks[0].box
        assert box is not None
        foot = LENS.pixels(path(one.media_time).to_camera(np.array([(FIRE.east_m, FIRE.north_m, 0.0)])))[0]
        assert (box[0] + box[2] / 2, box[1] + box[3]) == pytest.approx(tuple(foot), abs=9), "in the picture of its time"


def test_without_knowing_that_it_flies_a_passing_drone_misses_it() -> None:
    """What laying pictures onto each other is worth."""
    assert seen(Film(passing(6.0), (FIRE,)), 7.5, moves=False) == []


class Orange(Film):
    """Things of a flame's colour that stand upright, and so do not lie on the ground that pictures are laid by."""

    def _picture(self, t: float) -> np.ndarray:
        picture, pose = super()._picture(t), self.path(t)
        for east, north, width, height in ((-12, 8, 6, 6), (10, 20, 3, 8), (18, -10, 8, 3), (-20, -20, 2, 5)):
            left, right = east - width / 2, east + width / 2
            corners = np.array([(left, north, 0), (right, north, 0), (right, north, height), (left, north, height)])
            pixels = LENS.pixels(pose.to_camera(corners.astype(np.float64)))
            if np.isfinite(pixels).all() and np.abs(pixels).max() < 2000:
                _fill(picture, pixels)
        return picture


def _fill(picture: np.ndarray, pixels: np.ndarray, times: int = 8) -> None:
    """With soft edges, as a lens draws them."""
    first = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 2, 0)
    last = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 2, (WIDTH, HEIGHT))
    if (last <= first).any():
        return
    width, height = last - first
    mask = np.zeros((height * times, width * times), np.float32)
    cv2.fillConvexPoly(mask, np.round((pixels - first + 0.5) * times).astype(np.int32), 1.0)
    share = cv2.resize(mask, (int(width), int(height)), interpolation=cv2.INTER_AREA)[..., None]
    part = picture[first[1] : last[1], first[0] : last[0]]
    part[:] = part * (1 - share) + np.array((30, 120, 240)) * share


@pytest.mark.parametrize("path", [circling(6.0), passing(6.0)], ids=["circles", "passes"])
def test_what_only_moves_with_the_picture_is_not_told(path: Callable[[float], Pose]) -> None:
    assert seen(Orange(path), 9.0) == []
