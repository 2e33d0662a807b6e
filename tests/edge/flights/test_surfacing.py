"""From pictures of a flight to its surface: poses agree, heights are right, what cannot be used costs itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.flights.pictured import Pictured
from edge.flights.shots import NoProgress
from edge.flights.surfacing import STEREO_OVERLAP, Surfaced, _needed, _shared, surfaced
from edge.vision.arrays import Doubles
from edge.vision.surface.bundling import MOST_STEPS
from edge.vision.surface.tying import overlapping
from tests.edge.flights.drawn import HOUSES, PLANE, Given, flown
from tests.edge.vision.surface.scenes import Scene, eye_at, line_of_eyes

SCENE = Scene(HOUSES)


class Told:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.steps: list[list[object]] = []

    def begins(self, what: str, total: int) -> None:
        self.steps.append([what, total, 0])

    def advances(self) -> None:
        self.steps[-1][2] = int(str(self.steps[-1][2])) + 1


def made(given: Given, folder: Path) -> Surfaced | None:
    return surfaced(Pictured(given, PLANE), folder, "flight", NoProgress())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Surfaced, Told, Path]:
    folder, told = tmp_path_factory.mktemp("surface"), Told()
    found = surfaced(Pictured(flown(SCENE), PLANE), folder, "flight", told)
    assert found is not None
    return found, told, folder


def gaps_of(found: Surfaced, scene: Scene = SCENE) -> tuple[Doubles, Doubles]:
    """Heights less those of the ground around, where no wall is near, and what they should be. The poses' common error
    moves and stretches everything by a few percent: what counts is a roof over its ground."""
    grid = found.surface.grid
    heights, _ = found.surface.read(grid.whole)
    places = np.stack(np.meshgrid(*grid.places(grid.whole)), axis=-1).reshape(-1, 2)
    kept = np.isfinite(heights.ravel()) & ~scene.near_wall(places, 1.5)
    true = scene.height(places)[kept]
    level = heights.ravel()[kept].astype(np.float64)
    return level - np.median(level[true == 0]), true


def test_roofs_stand_over_the_ground_as_high_as_they_do(good: tuple[Surfaced, Told, Path]) -> None:
    level, true = gaps_of(good[0])
    assert np.quantile(np.abs(level[true == 0]), 0.9) < 0.3
    for box in HOUSES:
        roof = level[true == box.up_m]
        assert len(roof) > 50
        assert np.median(roof) == pytest.approx(box.up_m, rel=0.05, abs=0.15)


def test_poses_agree_and_most_of_the_ground_is_measured(good: tuple[Surfaced, Told, Path]) -> None:
    found = good[0]
    before, after = found.agreement_px
    assert before > 0.5
    assert after < 0.2
    assert found.refused == ()
    assert found.pairs == 6
    heights, agreeing = found.surface.read(found.surface.grid.whole)
    assert np.isfinite(heights).sum() * 0.0625 > 0.7 * 66 * 36
    assert np.median(agreeing[agreeing > 0]) >= 2


def test_progress_is_told_to_its_end(good: tuple[Surfaced, Told, Path]) -> None:
    steps = good[1].steps
    assert [step[:2] for step in steps] == [
        ["flight: tied", 6],
        ["flight: adjusted", MOST_STEPS],
        ["flight: measured", 5],
        ["flight, again: measured", 1],
    ]
    assert 0 < int(str(steps[1][2])) <= MOST_STEPS, "poses may agree earlier"
    assert all(step[1] == step[2] for step in steps[:1] + steps[2:])


def test_pairs_that_show_nothing_new_are_left_out() -> None:
    """A line of pictures that overlap by nine tenths: neighbours show all ground three times, and more often."""
    pictured = Pictured(flown(SCENE, line_of_eyes(13, 4.8), off=0.0), PLANE)
    pairs = overlapping(pictured.eyes, 0.0)
    kept = _needed(pairs, pictured, 0.0)
    assert {abs(first - second) for first, second, _ in kept} == {1}
    assert len(kept) <= 12 < len([pair for pair in pairs if pair[2] >= STEREO_OVERLAP])
    shown = [_shared(pictured, pair, 0.0) for pair in kept]
    for place in np.linspace(-20, 20, 9):
        inside = [corners[:, 0].min() < place < corners[:, 0].max() for corners in shown]
        assert sum(inside) >= 3


def test_a_pair_that_overlaps_little_is_kept_for_what_it_alone_shows() -> None:
    pictured = Pictured(flown(SCENE, [eye_at(-15, 0), eye_at(-11, 0), eye_at(22, 0)], off=0.0), PLANE)
    kept = _needed(overlapping(pictured.eyes, 0.0), pictured, 0.0)
    assert [pair[:2] for pair in kept] == [(0, 1), (1, 2)]
    assert kept[1][2] < STEREO_OVERLAP


def test_heights_are_in_the_folder_that_was_given(good: tuple[Surfaced, Told, Path]) -> None:
    assert sorted(each.name for each in good[2].iterdir()) == ["flight.heights", "flight.worth"]


def test_lines_flown_to_and_fro_agree_about_heights(tmp_path: Path) -> None:
    eyes = [eye_at(-6, -5), eye_at(6, -5), eye_at(6, 7, yaw=180.0), eye_at(-6, 7, yaw=180.0)]
    found = made(flown(SCENE, eyes, off=0.3), tmp_path)
    assert found is not None
    assert found.agreement_px[1] < 0.15
    level, true = gaps_of(found)
    # Points a quarter of a pixel off would make 0.13 to 0.19 m of it.
    assert np.quantile(np.abs(level - true), 0.8) < 0.1


def test_pictures_that_share_nothing_are_no_surface(tmp_path: Path) -> None:
    assert made(flown(SCENE, [eye_at(-80, 0), eye_at(80, 0)]), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_is_no_surface(count: int, tmp_path: Path) -> None:
    assert made(flown(SCENE, line_of_eyes(count, 10.0)), tmp_path) is None


def test_pictures_from_one_spot_are_no_surface(tmp_path: Path) -> None:
    assert made(flown(SCENE, [eye_at(0, 0), eye_at(0.3, 0), eye_at(0, 0.3)], off=0.1), tmp_path) is None


@pytest.mark.parametrize("kind", ["broken", "black"])
def test_a_bad_picture_costs_itself(kind: str, tmp_path: Path) -> None:
    given = flown(SCENE, broken=[1] if kind == "broken" else [], black=[1] if kind == "black" else [])
    pictured = Pictured(given, PLANE)
    said = pictured.eyes[1]
    found = surfaced(pictured, tmp_path, "flight", NoProgress())
    assert found is not None
    assert found.pairs == 3, "those of the three that are left"
    reasons = [*pictured.unusable, *found.refused]
    assert [each.frame for each in reasons] == ["flight-1"], "one reason each"
    assert ("cut short" if kind == "broken" else "shares 0 points") in reasons[0].why
    assert pictured.eyes[1].centre == pytest.approx(said.centre)
    level, true = gaps_of(found)
    assert np.quantile(np.abs(level[true == 0]), 0.9) < 0.3


def test_pictures_that_are_all_broken_are_no_surface_and_each_is_said(tmp_path: Path) -> None:
    given = flown(SCENE, broken=range(4))
    pictured = Pictured(given, PLANE)
    assert surfaced(pictured, tmp_path, "flight", NoProgress()) is None
    assert [each.frame for each in pictured.unusable] == [f"flight-{n}" for n in range(4)]
    assert given.reads == dict.fromkeys(range(4), 1)


def test_pictures_of_somewhere_else_among_them_cost_themselves(tmp_path: Path) -> None:
    given, other = flown(SCENE), flown(Scene(seed=50))
    frames = list(given.flight.frames)
    frames[3] = replace(frames[3], read_bgr=other.flight.frames[3].read_bgr)
    given.flight = replace(given.flight, frames=tuple(frames))
    found = made(given, tmp_path)
    assert found is not None
    assert [each.frame for each in found.refused] == ["flight-3"]
    assert found.pairs == 3
