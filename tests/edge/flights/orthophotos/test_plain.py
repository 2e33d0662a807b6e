"""A flight against an orthophoto without heights: what stands today and stood not in it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely

from edge.flights.differing import Difference, DifferenceKind, Differences
from edge.flights.orthophotos.comparing import differences_from
from edge.flights.orthophotos.errors import OrthophotoError
from edge.flights.orthophotos.orthophoto import orthophoto_at
from edge.flights.orthophotos.roofs import Lean, Roof, lean_at, lean_of, lean_steps, roof_cues
from edge.flights.orthophotos.standing import under
from edge.flights.orthophotos.weighing import MOST, newness
from edge.vision.arrays import Doubles
from edge.vision.surface.shots import Picture
from tests.edge.flights.drawn import HOUSES, SHED, eyes_over, flown, overlap
from tests.edge.flights.orthophotos.drawn import picture_of, write
from tests.edge.vision.surface.scenes import Scene, texture

BEFORE, AFTER = Scene(HOUSES, seed=1), Scene((*HOUSES, SHED), seed=1)
BIAS = (1.5, -1.0, 0.8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    for name, scene in (("before", BEFORE), ("after", AFTER), ("elsewhere", Scene((), seed=77))):
        write(folder / f"{name}.tif", picture_of(scene), 0.12, epsg=32650, tiled=True)
    return folder


def compared(path: Path, pictures: int = 4) -> Differences:
    newer = flown(AFTER, eyes_over()[:pictures], name="after", seed=2, bias=BIAS)
    return differences_from(orthophoto_at(path), newer)


def likely(found: Differences) -> list[Difference]:
    return [each for each in found.found if each.confidence >= 0.5]


@pytest.fixture(scope="module")
def plain(files: Path) -> Differences:
    return compared(files / "before.tif")


def test_a_new_shed_is_found_where_the_orthophoto_has_its_place(plain: Differences) -> None:
    assert [each.kind for each in likely(plain)] == [DifferenceKind.ROSE]
    shed = likely(plain)[0]
    assert overlap(shed.outline_m, SHED.outline) > 0.6
    assert shed.gain_m == pytest.approx(3.0, abs=0.3)
    assert shed.confidence <= MOST
    assert plain.anchor is None


def test_the_flight_is_laid_onto_it_by_edges(plain: Differences) -> None:
    assert plain.shifts is not None
    east, north, up = plain.shifts.at(np.zeros((1, 2)))[0]
    assert (east, north) == (pytest.approx(BIAS[0], abs=0.7), pytest.approx(BIAS[1], abs=0.7))
    assert up == 0.0, "nothing is known of its heights"


def test_houses_that_stood_are_asked_and_not_told(plain: Differences) -> None:
    rest = [each for each in plain.found if each not in likely(plain)]
    assert len(rest) >= 4
    assert max(each.confidence for each in rest) < 0.3


def test_where_it_stood_already_nothing_is_told(files: Path) -> None:
    assert likely(compared(files / "after.tif")) == []


def test_a_flight_that_fits_nowhere_is_refused(files: Path) -> None:
    with pytest.raises(OrthophotoError, match=r"elsewhere\.tif: the flight fits nowhere.*--baseline-surface"):
        compared(files / "elsewhere.tif", 2)


# ---- what a roof is asked


def patch(ground: int, roof: int | None, shift: tuple[int, int] = (0, 0), size: int = 200) -> Picture:
    """Grey ground with a roof in the middle of it, moved right and down by pixels."""
    made = texture(ground, size, size, (120, 125, 120), 20.0).copy()
    if roof is not None:
        top, left = 75 + shift[1], 60 + shift[0]
        made[top : top + 50, left : left + 80] = texture(roof, 50, 80, (160, 100, 60), 20.0)
    return made


CORNERS: Doubles = np.array(((60, 75), (140, 75), (140, 125), (60, 125)), np.float64)


def roof(before: Picture, after: Picture, height_m: float = 5.0, middle: tuple[float, float] = (0.0, 0.0)) -> Roof:
    return Roof(before, after, CORNERS, 0.1, height_m, np.array(middle))


def test_the_same_roof_is_known_again_and_bare_ground_is_not_one() -> None:
    same = roof_cues(roof(patch(1, 9), patch(2, 9)), np.zeros(2))
    bare = roof_cues(roof(patch(1, None), patch(2, 9)), np.zeros(2))
    assert same.alike > 0.5 > 0.15 > bare.alike
    assert same.edged > 0.9
    assert same.contrast < 5 < 20 < bare.contrast
    assert newness(same) < 0.1
    assert newness(bare) > 0.6


@pytest.mark.parametrize("lean", [(0.0, 0.0), (0.3, -0.15), (-0.21, 0.3)])
def test_roofs_say_together_how_far_they_lean(lean: tuple[float, float]) -> None:
    leans = []
    for number, height in enumerate((3.0, 6.0, 9.0)):
        moved = round(lean[0] * height / 0.1), -round(lean[1] * height / 0.1)
        said = lean_of(roof(patch(number, 9, moved), patch(20 + number, 9), height, (10.0 * number, 0.0)))
        assert said is not None
        leans.append(said)
    assert lean_at(leans, np.zeros(2)) == pytest.approx(lean, abs=0.04)
    moved = round(lean[0] * 60), -round(lean[1] * 60)
    leaning = roof(patch(1, 9, moved), patch(2, 9), 6.0)
    assert roof_cues(leaning, lean_at(leans, np.zeros(2))).alike > 0.5


def test_roofs_far_away_lean_otherwise() -> None:
    scores = np.zeros((2, len(lean_steps()), len(lean_steps())), np.float32)
    scores[0, 3, 4] = scores[1, 20, 25] = 1.0
    leans = [Lean(np.array((at, 0.0)), each) for at, each in zip((0.0, 1000.0), scores, strict=True)]
    steps = lean_steps()
    assert lean_at(leans, np.zeros(2)).tolist() == [steps[4], steps[3]]
    assert lean_at(leans, np.array((1000.0, 0.0))).tolist() == [steps[25], steps[20]]
    assert lean_at([], np.zeros(2)).tolist() == [0, 0]


def test_what_is_low_or_out_of_reach_says_nothing_of_leaning() -> None:
    assert lean_of(roof(patch(1, 9), patch(2, 9), 1.0)) is None
    high = lean_of(roof(patch(1, 9), patch(2, 9), 60.0))
    assert high is not None
    assert (high.scores[:, np.abs(lean_steps()) > 0.26] == 0).all()


@pytest.mark.parametrize("shade", [0, 255])
def test_even_pictures_say_nothing_and_break_nothing(shade: int) -> None:
    even = np.full((200, 200, 3), shade, np.uint8)
    cues = roof_cues(roof(even, even), np.zeros(2))
    assert (cues.alike, cues.edged, cues.contrast) == (0.0, 0.0, 0.0)
    line = Roof(even, even, np.zeros((4, 2)), 0.1, 5.0, np.zeros(2))
    assert roof_cues(line, np.zeros(2)).edged == 0.0


def test_the_ground_runs_under_what_stands_on_it() -> None:
    heights = np.zeros((400, 400), np.float32) + np.linspace(0, 4, 400, dtype=np.float32)[None]
    box = shapely.box(100, 100, 180, 160)
    cv2.fillPoly(heights, [np.asarray(box.exterior.coords).astype(np.int32)], 9.0)
    heights[200:205, 200:300] = np.nan
    heights[300, 300] = -30.0
    ground = under(heights, 0.25)
    assert np.isfinite(ground).all()
    assert ground[130, 140] == pytest.approx(1.4, abs=1.1)
    assert ground.min() > -1.0, "one cell that was measured too low is no ground"
    assert np.isnan(under(np.full((50, 50), np.nan, np.float32), 0.25)).all()
