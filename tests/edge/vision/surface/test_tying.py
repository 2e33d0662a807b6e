"""Points that several pictures of one flight show: which pictures, which points, and what is joined."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.arrays import Doubles
from edge.vision.change.features import Features, find_features
from edge.vision.surface.shots import Eye
from edge.vision.surface.tying import LEAST_MATCHES, Match, Tracks, matched, moved_alike, overlapping, tracks_of
from tests.edge.vision.surface.scenes import Box, Scene, eye_at, line_of_eyes


def pairs(*rows: tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(rows, np.int64).reshape(-1, 2)


def seen(tracks: Tracks) -> dict[int, set[tuple[int, float]]]:
    """Of each point: picture, and the column that names the pixel."""
    found: dict[int, set[tuple[int, float]]] = {}
    for eye, point, pixel in zip(tracks.eyes, tracks.points, tracks.pixels, strict=True):
        found.setdefault(int(point), set()).add((int(eye), float(pixel[0])))
    return found


def numbered(count: int) -> Doubles:
    """Points whose column is their number."""
    return np.column_stack((np.arange(count), np.zeros(count)))


def test_points_are_joined_over_three_pictures() -> None:
    matches = [Match(0, 1, pairs((0, 5), (1, 6))), Match(1, 2, pairs((5, 9), (7, 8)))]
    tracks = tracks_of(matches, [numbered(3), numbered(8), numbered(10)])
    assert tracks.count == 3
    assert sorted(sorted(each) for each in seen(tracks).values()) == [
        [(0, 0.0), (1, 5.0), (2, 9.0)],
        [(0, 1.0), (1, 6.0)],
        [(1, 7.0), (2, 8.0)],
    ]
    assert set(tracks.points.tolist()) == {0, 1, 2}


def test_what_would_be_at_two_places_of_one_picture_is_left_out() -> None:
    # 0:0 - 1:0 - 2:0 - 0:1: one point twice in the first picture. 0:2 - 1:3 is another one and stays.
    matches = [Match(0, 1, pairs((0, 0), (2, 3))), Match(1, 2, pairs((0, 0))), Match(0, 2, pairs((1, 0)))]
    tracks = tracks_of(matches, [numbered(3), numbered(4), numbered(1)])
    assert list(seen(tracks).values()) == [{(0, 2.0), (1, 3.0)}]


def test_a_loop_that_closes_is_one_point() -> None:
    matches = [Match(0, 1, pairs((0, 0))), Match(1, 2, pairs((0, 0))), Match(0, 2, pairs((0, 0)))]
    tracks = tracks_of(matches, [numbered(1)] * 3)
    assert (tracks.count, len(tracks.eyes)) == (1, 3)


@pytest.mark.parametrize("matches", [[], [Match(0, 1, pairs())]])
def test_nothing_matched_is_nothing_tracked(matches: list[Match]) -> None:
    tracks = tracks_of(matches, [numbered(3), numbered(3)])
    assert (tracks.count, len(tracks.eyes), tracks.pixels.shape) == (0, 0, (0, 2))


def test_pictures_without_points_do_not_shift_the_others() -> None:
    tracks = tracks_of([Match(1, 3, pairs((0, 1)))], [numbered(0), numbered(2), numbered(0), numbered(2)])
    assert list(seen(tracks).values()) == [{(1, 0.0), (3, 1.0)}]


def test_overlapping_pictures_are_paired_with_the_share_they_share() -> None:
    eyes = [eye_at(0, 0), eye_at(24, 0), eye_at(47, 0), eye_at(0, 500)]
    found = {(one, other): share for one, other, share in overlapping(eyes, 0.0)}
    assert set(found) == {(0, 1), (1, 2)}, "0 and 2 share 2 % only"
    assert found[0, 1] == pytest.approx(1 - 24 / (399 * 0.12), rel=1e-6)
    assert overlapping(eyes, 0.0, least=0.0)[1][:2] == (0, 2)


def test_pictures_share_less_of_a_level_that_is_higher() -> None:
    eyes = [eye_at(0, 0), eye_at(24, 0)]
    low, high = (overlapping(eyes, up)[0][2] for up in (0.0, 10.0))
    assert high < low - 0.05


def test_a_single_picture_has_nobody() -> None:
    assert overlapping([eye_at(0, 0)], 0.0) == []
    assert overlapping([], 0.0) == []


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene((Box(-6, -5, 3, 4, 6.0), Box(8, 2, 14, 9, 4.0)))


KNOWN: dict[tuple[Scene, float, float], Features] = {}


def features(scene: Scene, eye: Eye) -> Features:
    key = scene, float(eye.centre[0]), float(eye.centre[1])
    if key not in KNOWN:
        KNOWN[key] = find_features(scene.seen_by(eye))
    return KNOWN[key]


def test_points_that_match_are_the_same_places(scene: Scene) -> None:
    one, other = eye_at(-6, 0), eye_at(6, 2, yaw=180.0)
    here, there = features(scene, one), features(scene, other)
    found = matched(one, other, here, there, 0.0, 10.0)
    assert found is not None
    assert len(found) > 150
    assert len(np.unique(found, axis=0)) == len(found)
    ground = [eye.on_level(each.points[found[:, side]], 0.0) for side, (eye, each) in
              enumerate(((one, here), (other, there)))]  # fmt: skip
    flat = scene.height(ground[0]) + scene.height(ground[1]) == 0
    gaps = np.linalg.norm(ground[0] - ground[1], axis=1)[flat]
    assert np.median(gaps) < 0.06
    assert np.quantile(gaps, 0.9) < 0.3


def test_poses_that_are_metres_off_still_match(scene: Scene) -> None:
    one, other = eye_at(-6, 0), eye_at(6, 0)
    here, there = features(scene, one), features(scene, other)
    said = eye_at(6 + 3.0, -2.5, 61.5, yaw=1.5)
    found = matched(one, said, here, there, 0.0, 10.0)
    assert found is not None
    gaps = one.on_level(here.points[found[:, 0]], 0.0) - other.on_level(there.points[found[:, 1]], 0.0)
    assert np.median(np.linalg.norm(gaps, axis=1)) < 0.06


def test_pictures_of_other_places_do_not_match(scene: Scene) -> None:
    one, other = eye_at(-6, 0), eye_at(6, 0)
    elsewhere = Scene(seed=77)
    assert matched(one, other, features(scene, one), features(elsewhere, other), 0.0, 10.0) is None


def test_what_lies_beyond_the_reach_is_not_matched(scene: Scene) -> None:
    one, other = eye_at(-6, 0), eye_at(6, 0)
    here, there = features(scene, one), features(scene, other)
    found = matched(one, eye_at(16, 0), here, there, 0.0, 4.0)
    # A few dozen of 1500 points may look alike by chance.
    if found is not None:
        gaps = one.on_level(here.points[found[:, 0]], 0.0) - other.on_level(there.points[found[:, 1]], 0.0)
        assert len(found) < 60
        assert np.linalg.norm(gaps, axis=1).min() > 3.0


def test_pictures_without_anything_do_not_match() -> None:
    blank = find_features(np.full((300, 400, 3), 128, np.uint8))
    assert matched(eye_at(-6, 0), eye_at(6, 0), blank, blank, 0.0, 10.0) is None


def test_too_few_points_and_points_on_one_spot_are_no_match() -> None:
    few = Features(
        np.random.default_rng(1).uniform(0, 300, (LEAST_MATCHES - 1, 2)), _histograms(LEAST_MATCHES - 1), 1.0
    )
    assert matched(eye_at(0, 0), eye_at(0.1, 0), few, few, 0.0, 50.0) is None
    spot = Features(np.full((40, 2), 100.0), _histograms(40), 1.0)
    assert matched(eye_at(0, 0), eye_at(0.1, 0), spot, spot, 0.0, 50.0) is None


def test_the_same_pictures_match_alike_each_time(scene: Scene) -> None:
    one, other = eye_at(-6, 0), eye_at(6, 0)
    here, there = features(scene, one), features(scene, other)
    first, second = (matched(one, other, here, there, 0.0, 10.0) for _ in range(2))
    assert first is not None and second is not None
    assert first.tolist() == second.tolist()


def test_tracks_of_a_line_are_seen_by_three_pictures_and_more(scene: Scene) -> None:
    eyes = line_of_eyes(4, 8.0)
    found = [features(scene, eye) for eye in eyes]
    matches = []
    for one, other, _ in overlapping(eyes, 0.0):
        joined = matched(eyes[one], eyes[other], found[one], found[other], 0.0, 5.0)
        if joined is not None:
            matches.append(Match(one, other, joined))
    tracks = tracks_of(matches, [each.points for each in found])
    seen_by = np.bincount(tracks.points)
    assert seen_by.min() >= 2
    assert (seen_by >= 3).sum() > 100
    assert len(np.unique(tracks.eyes * 1_000_000 + tracks.points)) == len(tracks.eyes), "no picture shows a point twice"


def _histograms(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 200, (count, 128), np.uint8)


@pytest.mark.parametrize("count", [24, 120, 600])
def test_what_is_strewn_within_the_reach_is_not_moved_alike(count: int) -> None:
    for seed in range(20):
        assert not moved_alike(np.random.default_rng(seed).uniform(-90, 90, (count, 2)), 90.0)


@pytest.mark.parametrize(("count", "together"), [(24, 12), (120, 21), (600, 40)])
def test_a_fifth_that_lies_together_is_moved_alike(count: int, together: int) -> None:
    """As among the photographs of a park: 21 of 125, where chance would put one."""
    for seed in range(20):
        draw = np.random.default_rng(seed)
        shifts = draw.uniform(-90, 90, (count, 2))
        shifts[:together] = draw.uniform((-18, 22), (-2, 38), (together, 2))
        assert moved_alike(shifts, 90.0)
