"""Two flights compared: what rose and what sank is found, where it stands, and what cannot be compared is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
import shapely.affinity

from contract.geometry import Point
from edge.flights import differing
from edge.flights.differing import Difference, DifferenceKind, Differences, differences
from edge.flights.local import LocalPlane
from edge.flights.uncertainty import PoseErrors
from edge.vision.surface.surfaces import Grid
from samples.town import Plan, TownPair, make_pair
from samples.town.evaluate import placed
from tests.edge.flights.drawn import HOUSES, PLANE, SHED, Given, eyes_over, flown, overlap
from tests.edge.vision.surface.scenes import Scene

BEFORE, AFTER = Scene(HOUSES, seed=1), Scene((*HOUSES, SHED), seed=2)
"""Other paint on the ground, too: another season."""
BIAS = (1.5, -1.0, 0.8)


def flights(**after: object) -> tuple[Given, Given]:
    newer = flown(AFTER, name="after", seed=2, bias=BIAS, **after)  # type: ignore[arg-type]
    return flown(BEFORE, name="before", off=0.3), newer


def likely(found: Differences) -> list[Difference]:
    return [each for each in found.found if each.confidence >= 0.5]


@pytest.fixture(scope="module")
def compared() -> Differences:
    return differences(*flights())


def test_a_new_shed_is_found_where_it_stands_and_nothing_else_is(compared: Differences) -> None:
    assert [each.kind for each in likely(compared)] == [DifferenceKind.ROSE]
    shed = likely(compared)[0]
    assert overlap(shed.outline_m, SHED.outline) > 0.6
    assert shed.area_m2 == pytest.approx(SHED.outline.area, rel=0.2)
    assert shed.gain_m == pytest.approx(3.0, abs=0.3)
    assert 0.2 < shed.sigma_m < 0.6
    assert compared.found[0] is shed, "the likeliest comes first"


def test_what_was_examined_holds_it_and_is_what_both_show(compared: Differences) -> None:
    shed = shapely.Polygon(likely(compared)[0].outline_m)
    assert compared.examined.is_valid
    assert compared.examined.intersection(shed).area > 0.9 * shed.area
    assert compared.examined.area > 0.6 * 70 * 36
    assert shapely.box(-48, -24, 48, 24).contains(compared.examined)


def test_days_are_laid_on_each_other_though_both_are_off(compared: Differences) -> None:
    assert compared.shifts is not None
    east, north, _ = compared.shifts.at(np.zeros((1, 2)))[0]
    # The flights' common errors: bias, and what is left of each frame's own.
    assert (east, north) == (pytest.approx(BIAS[0], abs=0.7), pytest.approx(BIAS[1], abs=0.7))
    assert compared.residual_m < 0.2
    assert compared.pairs == (6, 6)
    for before, after in compared.agreement_px:
        assert after < 0.3
        assert after < before
    assert compared.refused == ()
    assert compared.anchor is None
    assert compared.moved.tolist() == [0, 0]


def test_pictures_of_before_and_after_show_the_place(compared: Differences) -> None:
    shed = likely(compared)[0]
    before, after = (compared.shown(shed, newer=newer, margin_m=3.0) for newer in (False, True))
    assert before is not None and after is not None
    assert before.shape == after.shape
    row, column = after.shape[0] // 2, after.shape[1] // 2
    middle = np.s_[row - 10 : row + 10, column - 10 : column + 10]
    blue = [picture[middle].reshape(-1, 3).mean(axis=0) for picture in (before, after)]
    assert blue[1] == pytest.approx(SHED.colour, abs=15)
    assert abs(blue[0][0] - blue[0][2]) < 30, "ground is grey"
    corner = after[:15, :15].reshape(-1, 3).mean(axis=0)
    assert abs(corner[0] - corner[2]) < 30, "around it is ground"


def test_the_other_way_about_it_sank_where_it_stood() -> None:
    older, newer = flights()
    found = differences(newer, older)
    assert [each.kind for each in likely(found)] == [DifferenceKind.SANK]
    shed = likely(found)[0]
    # The older flight's poses place it: they are off by their bias.
    assert overlap(shed.outline_m, shapely.affinity.translate(SHED.outline, *BIAS[:2])) > 0.6
    assert shed.gain_m == pytest.approx(3.0, abs=0.3)
    before, after = (found.shown(shed, newer=newer_one, margin_m=2.0) for newer_one in (False, True))
    assert before is not None and after is not None
    middle = before.shape[0] // 2, before.shape[1] // 2
    assert int(before[middle][0]) > int(before[middle][2]) + 60, "it was blue"


def test_in_planes_of_their_own_and_moved_onto_known_buildings() -> None:
    # The older flight has another origin; the register has all buildings 1.6 m farther east.
    other = LocalPlane(Point(coordinates=(118.803, 32.062)))
    east, north = (float(value) for value in other.metres(*PLANE.degrees(np.zeros((1, 2))).T)[0])
    older = flown(BEFORE, name="before", off=0.3, bias=(east, north, 0.0), plane=other)
    known = [shapely.affinity.translate(box.outline, 1.6, -0.7) for box in HOUSES]
    found = differences(older, flights()[1], known=known)
    assert found.anchor is not None
    assert found.anchor.buildings == len(HOUSES)
    assert found.moved == pytest.approx((1.6, -0.7), abs=0.5)
    shed = likely(found)[0]
    assert overlap(shed.outline_m, shapely.affinity.translate(SHED.outline, 1.6, -0.7)) > 0.65
    assert found.examined.intersection(shapely.Polygon(shed.outline_m)).area > 0.9 * shed.area_m2
    after = found.shown(shed, newer=True, margin_m=3.0)
    assert after is not None
    assert after[after.shape[0] // 2, after.shape[1] // 2].astype(int) == pytest.approx(SHED.colour, abs=45)


def nothing(found: Differences) -> str:
    """That nothing was compared, and the first reason."""
    assert found.found == ()
    assert found.shifts is None
    assert found.examined.is_empty
    assert found.pairs == (0, 0)
    return found.refused[0].why if found.refused else ""


def test_flights_that_share_no_ground_are_not_compared_and_it_is_said() -> None:
    far = flown(BEFORE, name="far", off=0.3)
    frames = tuple(
        replace(frame, pose=replace(frame.pose, east_m=frame.pose.east_m + 3_000)) for frame in far.flight.frames
    )
    far.flight = replace(far.flight, frames=frames)
    assert "do not share enough ground" in nothing(differences(far, flights(broken=[0])[1]))


@pytest.mark.parametrize("count", [0, 1])
def test_a_flight_of_one_picture_is_said(count: int) -> None:
    one = flown(BEFORE, eyes_over()[:count], name="one")
    for pair in ((one, one), (flown(BEFORE, eyes_over()[:1]), one)):
        why = nothing(differences(*pair))
        assert count == 0 or "no two pictures" in why


def test_pictures_that_are_all_broken_are_each_said_once() -> None:
    older, newer = flown(BEFORE, name="before", broken=range(4)), flown(AFTER, name="after", broken=range(4))
    found = differences(older, newer)
    assert "no two pictures of its flight that can be used" in nothing(found)
    broken = [each.frame for each in found.refused if "cut short" in each.why]
    assert sorted(broken) == sorted(f"{name}-{n}" for name in ("before", "after") for n in range(4))
    assert older.reads == dict.fromkeys(range(4), 1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_errors_that_are_no_numbers_cost_their_flight_and_are_said(value: float) -> None:
    older, newer = flights()
    newer.errors = (PoseErrors(np.eye(6), np.full((6, 6), value)),) * 4
    found = differences(older, newer)
    assert nothing(found) == "pose: how far it may be off is not in finite numbers"
    assert len(found.refused) == 4


def test_poses_that_are_no_places_cost_their_frames() -> None:
    older, newer = flights()
    frames = list(newer.flight.frames)
    odd: list[dict[str, Any]] = [
        {"east_m": np.nan},
        {"up_m": -1e9},
        {"north_m": np.inf},
        {"turn": np.zeros((3, 3))},
    ]
    for index, wrong in enumerate(odd):
        frames[index] = replace(frames[index], pose=replace(frames[index].pose, **wrong))
    newer.flight = replace(newer.flight, frames=tuple(frames))
    found = differences(older, newer)
    nothing(found)
    assert {each.frame for each in found.refused} == {f"after-{n}" for n in range(4)}


def test_flights_on_two_continents_are_not_compared() -> None:
    there = LocalPlane(Point(coordinates=(-118.8, -32.06)))
    far = flown(BEFORE, eyes_over()[:2], name="far", plane=there)
    near = flown(AFTER, eyes_over()[:2], name="near")
    nothing(differences(far, near))


TOWN_FRAMES = 4


def few(pair: TownPair, place: Sequence[float]) -> tuple[object, object]:
    """Of both flights the frames nearest to a place."""
    made = []
    for flight, flown_ in ((pair.before, pair.truth.before), (pair.after, pair.truth.after)):
        away = [np.hypot(shot.true_pose.east_m - place[0], shot.true_pose.north_m - place[1])
                for shot in flown_.survey.shots]  # fmt: skip
        kept = sorted(np.argsort(away)[:TOWN_FRAMES].tolist())
        made.append(placed(replace(flight, frames=tuple(flight.frames[index] for index in kept))))
    return made[0], made[1]


def test_a_shed_of_a_generated_town_is_found() -> None:
    pair = make_pair(6, 100.0, plan=Plan(640, 480, 0.15), changes=2, nuisances=False)
    (change,) = pair.truth.changes
    shed = shapely.Polygon(change.outline)
    older, newer = few(pair, shed.centroid.coords[0])
    found = differences(older, newer)  # type: ignore[arg-type]
    best = max(found.found, key=lambda each: overlap(each.outline_m, shed))
    assert overlap(best.outline_m, shed) > 0.6
    assert best.kind is DifferenceKind.ROSE
    assert best.confidence > 0.5
    assert found.examined.intersection(shed).area > 0.8 * shed.area


def test_the_ground_around_a_roof_is_found_beside_it() -> None:
    """What a storey stands on is told from the ground by it."""
    grid = Grid(0.0, 50.0, 200, 200)
    heights = np.zeros((200, 200), np.float32)
    heights[60:140, 60:140] = 6.0
    heights[0:5] = np.nan
    tile = differing._Tile(grid, heights, heights, (6.0, 6.0))
    roof = np.array(((20.0, 20.0), (30.0, 30.0)))
    assert differing._ground_m(tile, heights, roof) == 0.0
    unknown = np.full_like(heights, np.nan)
    assert differing._ground_m(tile, unknown, roof) == np.inf, "nothing known: nothing is taken for a roof"


def test_a_flight_that_knows_its_place_is_not_moved() -> None:
    older, newer = flights()
    known = [shapely.affinity.translate(box.outline, 1.6, -0.7) for box in HOUSES]
    sure = replace(older, errors=tuple(replace(each, shared=np.eye(6) * 1e-4) for each in older.errors))
    assert differences(sure, newer, known=known).anchor is None
