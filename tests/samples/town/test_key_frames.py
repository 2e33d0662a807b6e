"""A survey in lines as a video of which only key frames are drawn."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.flights.pictures import VideoPictures
from edge.flights.reading.sniff import read_telemetry
from samples.town import NO_NOISE, Plan, TownPair, make_pair
from samples.town.key_frames import FPS, SPEED_M_S, to_and_fro, write_key_frames

SECONDS = 6
PLAN = Plan(320, 240, 0.25, wander_m=0.0, sway_deg=0.0, side_overlap=0.5)


@pytest.fixture(scope="module")
def pair() -> TownPair:
    return make_pair(3, 120.0, plan=PLAN, noise=NO_NOISE, changes=2)


@pytest.fixture(scope="module")
def video(pair: TownPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key-frames") / "flight.mp4"
    write_key_frames(path, pair.truth.after, SECONDS)
    return path


def test_each_second_has_a_picture_of_where_the_drone_is(pair: TownPair, video: Path) -> None:
    flown = pair.truth.after
    poses = write_key_frames(video.with_name("again.mp4"), flown, SECONDS)
    assert video.with_name("again.mp4").read_bytes() == video.read_bytes()
    pictures = VideoPictures(video)
    moments = pictures.key_moments()
    assert [moment.seconds for moment in moments] == pytest.approx(range(SECONDS))
    for second, moment in enumerate(moments):
        read = cv2.cvtColor(pictures.read_bgr(moment), cv2.COLOR_BGR2GRAY).astype(np.int16)
        drawn = cv2.cvtColor(flown.view(poses[second * FPS][0], second), cv2.COLOR_BGR2GRAY)
        assert np.abs(read - drawn).mean() < 4


def test_the_file_has_as_many_pictures_and_records_as_a_drone_s(video: Path) -> None:
    with av.open(str(video)) as container:
        # Entries are views of what the open file holds.
        keys = [entry.is_keyframe for entry in container.streams.video[0].index_entries]
    assert len(keys) == SECONDS * FPS
    assert sum(keys) == SECONDS
    assert len(read_telemetry(video.with_suffix(".SRT")).fixes) == SECONDS * FPS


def test_a_flight_is_flown_again_over_a_town_beside_it(pair: TownPair, video: Path) -> None:
    path = video.with_name("thrice.mp4")
    poses = write_key_frames(path, pair.truth.after, SECONDS, times=3)
    once = poses[: SECONDS * FPS]
    lap = len(once) + FPS * 18
    # From the end of the line a town further than back to its beginning: so many seconds.
    way = once[-1][0].centre - once[0][0].centre - np.array((0.0, 120.0, 0.0))
    assert 17 < np.linalg.norm(way) / SPEED_M_S < 18
    assert len(poses) == 2 * lap + len(once)
    for one, other in zip(once, poses[2 * lap :], strict=True):
        for here, there in zip(one, other, strict=True):
            assert there.centre - here.centre == pytest.approx((0.0, 240.0, 0.0))
    steps = np.linalg.norm(np.diff([true.centre for true, _ in poses], axis=0), axis=1)
    assert steps.max() < 1.1 * SPEED_M_S / FPS, "it goes there as fast as it flies"
    pictures, drawn = VideoPictures(path), VideoPictures(video)
    moments = pictures.key_moments()
    assert [moment.seconds for moment in moments] == pytest.approx(
        [start / FPS + second for start in (0, lap, 2 * lap) for second in range(SECONDS)]
    )
    shown = [drawn.read_bgr(moment) for moment in drawn.key_moments()]
    for number, moment in enumerate(moments):
        assert np.array_equal(pictures.read_bgr(moment), shown[number % SECONDS])
    log = read_telemetry(path.with_suffix(".SRT"))
    assert (len(log.fixes), log.unread) == (len(poses), ())


def test_lines_lie_side_by_side_and_are_flown_to_and_fro(pair: TownPair) -> None:
    course = to_and_fro(pair.truth.after)
    places = np.array([course(seconds) for seconds in np.arange(0, 40, 0.5)])
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() <= SPEED_M_S * 0.5 + 1e-6
    assert places[0] == pytest.approx((-20, -60))
    assert course(12.0) == pytest.approx((-20, 60))
    assert course(16.0) == pytest.approx((20, 60))
    assert course(28.0) == pytest.approx((20, -60))
    assert course(1_000.0) == pytest.approx((20, -60)), "it hovers"


def test_a_town_that_one_line_shows_has_one(pair: TownPair) -> None:
    narrow = make_pair(3, 70.0, plan=PLAN, changes=1).truth.after
    course = to_and_fro(narrow)
    assert course(0.0) == pytest.approx((0, -35))
    assert course(7.0) == pytest.approx((0, 35))


@pytest.mark.parametrize("seconds", [0, -1, 1001])
def test_videos_that_cannot_be_are_refused(pair: TownPair, tmp_path: Path, seconds: int) -> None:
    with pytest.raises(ValueError, match="frames"):
        write_key_frames(tmp_path / "v.mp4", pair.truth.after, seconds)
    with pytest.raises(ValueError, match="0 times"):
        write_key_frames(tmp_path / "v.mp4", pair.truth.after, 1, times=0)
    assert not list(tmp_path.iterdir())
