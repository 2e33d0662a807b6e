"""Several pairs make one place: its height, its outline, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.arrays import Doubles
from edge.vision.change.candidates import Candidate, ChangeKind, Cues, RoofCue
from edge.vision.change.fusing import Fused, Looked, Sighting, fitted_height, fuse, upright
from edge.vision.change.heights import HeightAbove

ABOVE = 100.0
CUES = Cues(20, 0.9, 1.0, 0.1, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, None, False, 5.0, 4.0, RoofCue.OTHER)
WIDE = np.array(((-80, -80), (80, -80), (80, 80), (-80, 80)), np.float64)


def rectangle(east: float, north: float, length: float, width: float, turn: float = 0.0) -> Doubles:
    c, s = math.cos(turn), math.sin(turn)
    local = np.array(((-length, -width), (length, -width), (length, width), (-length, width))) / 2
    return local @ np.array(((c, s), (-s, c))) + (east, north)


def sighting(
    frame: str,
    camera: tuple[float, float],
    outline: Doubles,
    height: float,
    *,
    kind: ChangeKind = ChangeKind.NEW,
    confidence: float = 0.8,
    sigma: float = 0.1,
) -> Sighting:
    above = np.array((*camera, ABOVE))
    cast = outline + (outline - above[:2]) * (height / (ABOVE - height))
    area = float(shapely.Polygon(cast).area)
    return Sighting(frame, cast, above, Candidate(cast, area, kind, confidence, CUES), sigma)


def look(frame: str) -> Looked:
    return Looked(frame, WIDE)


def agreement(one: Doubles, two: Doubles) -> float:
    a, b = shapely.Polygon(one), shapely.Polygon(two)
    return float(a.intersection(b).area / a.union(b).area)


SPOTS = ((-30.0, 0.0), (0.0, 20.0), (30.0, 0.0), (5.0, -35.0))


@pytest.mark.parametrize("height", [2.2, 3.0, 6.0])
def test_height_and_outline_are_found_from_several_spots(height: float) -> None:
    truth = rectangle(6, -3, 5, 3.5, 0.4)
    sightings = [sighting(str(index), spot, truth, height) for index, spot in enumerate(SPOTS)]
    (found,) = fuse(sightings, [look(str(index)) for index in range(4)])
    assert found.height_m == pytest.approx(height, abs=0.6)
    assert abs(found.height_m - height) < 3 * found.height_sigma_m
    assert agreement(found.outline_m, truth) > 0.85
    assert found.area_m2 == pytest.approx(17.5, rel=0.12)
    assert len(found.sightings) == found.chances == 4
    assert found.confidence > 0.9


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0, 20),
    st.tuples(st.floats(-40, 40), st.floats(-40, 40)),
    st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=1, max_size=6),
)
def test_standing_upright_undoes_the_lean(
    height: float, place: tuple[float, float], spots: list[tuple[float, float]]
) -> None:
    truth = rectangle(*place, 6, 4)
    seen = [sighting(str(index), spot, truth, height) for index, spot in enumerate(spots)]
    for each in seen:
        assert upright(each.outline_m, each.camera_m, height) == pytest.approx(truth, abs=1e-6)
    found, sigma = fitted_height(seen)
    assert 0 <= found <= 40
    assert 0 < sigma <= 2.5


def test_a_room_on_a_roof_stands_where_its_own_top_says() -> None:
    room = rectangle(4, 2, 5, 4)
    grown, top = HeightAbove(2.8, 0.4, 0.9), HeightAbove(16.0, 0.4, 0.9)
    seen = [replace(sighting(str(index), spot, room, 16.0), height=grown, top=top) for index, spot in enumerate(SPOTS)]
    (found,) = fuse(seen, [look(str(index)) for index in range(4)])
    assert found.height_m == pytest.approx(16, abs=0.5)
    assert agreement(found.outline_m, room) > 0.9
    flat = [replace(each, height=HeightAbove(0.3, 0.4, 0.9)) for each in seen]
    assert fuse(flat, [])[0].confidence < found.confidence - 0.3


def test_one_sighting_has_the_usual_height_and_says_so() -> None:
    (found,) = fuse([sighting("a", (10, 0), rectangle(0, 0, 5, 4), 3)], [look("a")])
    assert (found.height_m, found.height_sigma_m) == (pytest.approx(3), pytest.approx(2, rel=0.1))
    assert agreement(found.outline_m, rectangle(0, 0, 5, 4)) > 0.99


def test_what_was_not_seen_again_is_doubted() -> None:
    shed = rectangle(0, 0, 5, 4)
    frames = [look(str(index)) for index in range(4)]
    once = fuse([sighting("0", (0, 0), shed, 3)], frames)[0]
    always = fuse([sighting(str(index), spot, shed, 3) for index, spot in enumerate(SPOTS)], frames)[0]
    alone = fuse([sighting("0", (0, 0), shed, 3)], frames[:1])[0]
    assert once.confidence < alone.confidence < always.confidence
    assert (once.chances, always.chances) == (4, 4)


def test_a_flat_thing_is_doubted_once_its_height_is_measured() -> None:
    shed = rectangle(0, 0, 5, 4)
    frames = [look(str(index)) for index in range(4)]
    flat = fuse([sighting(str(index), spot, shed, 0.3) for index, spot in enumerate(SPOTS)], frames)[0]
    tall = fuse([sighting(str(index), spot, shed, 3.0) for index, spot in enumerate(SPOTS)], frames)[0]
    assert flat.height_m < 1.2
    assert flat.confidence < tall.confidence - 0.02


def test_two_of_one_picture_are_two_and_kinds_are_kept_apart() -> None:
    near = [sighting("a", (0, 0), rectangle(0, 0, 4, 4), 3), sighting("a", (0, 0), rectangle(5, 0, 4, 4), 3)]
    again = [sighting("b", (9, 0), rectangle(0, 0, 4, 4), 3), sighting("b", (9, 0), rectangle(5, 0, 4, 4), 3)]
    found = fuse([*near, *again], [look("a"), look("b")])
    assert sorted(len(each.sightings) for each in found) == [2, 2]
    gone = sighting("b", (9, 0), rectangle(0, 0, 4, 4), 3, kind=ChangeKind.REMOVED)
    assert len(fuse([near[0], gone], [])) == 2


def test_places_that_are_not_well_known_are_joined_farther_apart() -> None:
    def pair(sigma: float) -> tuple[Fused, ...]:
        return fuse(
            [
                sighting("a", (0, 0), rectangle(0, 0, 4, 4), 3, sigma=sigma),
                sighting("b", (0, 5), rectangle(4.0, 0, 4, 4), 3, sigma=sigma),
            ],
            [],
        )

    assert len(pair(0.1)) == 2
    (joined,) = pair(1.5)
    assert joined.centre_sigma_m > 1


def test_order_does_not_matter_and_nothing_gives_nothing() -> None:
    shed = rectangle(0, 0, 5, 4)
    sightings = [sighting(str(index), spot, shed, 3) for index, spot in enumerate(SPOTS)]
    one, two = fuse(sightings, [])[0], fuse(sightings[::-1], [])[0]
    assert one.outline_m == pytest.approx(two.outline_m, abs=0.15)
    assert one.confidence == pytest.approx(two.confidence)
    assert fuse([], [look("a")]) == ()


@pytest.mark.parametrize("outline", [np.zeros((2, 2)), np.full((4, 2), np.nan), np.zeros(8)])
def test_an_outline_that_is_none_is_named(outline: Doubles) -> None:
    broken = Sighting("0012", outline, np.array((0, 0, ABOVE)), Candidate(outline, 1, ChangeKind.NEW, 0.5, CUES))
    with pytest.raises(ValueError, match="0012: an outline needs three corners"):
        fuse([broken], [])
    with pytest.raises(ValueError, match="b: an outline"):
        fuse([], [Looked("b", outline)])


def test_outlines_of_no_area_cost_nothing_but_themselves() -> None:
    line = np.array(((0, 0), (1, 0), (2, 0)), np.float64)
    flat = Sighting("a", line, np.array((0, 0, ABOVE)), Candidate(line, 0, ChangeKind.NEW, 0.5, CUES))
    found = fuse([flat, sighting("b", (0, 0), rectangle(20, 0, 4, 4), 3)], [])
    assert len(found) == 2
