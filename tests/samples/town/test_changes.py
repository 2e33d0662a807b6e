"""What changed between the flights: truth and pictures agree, and the truth is of the kind that it says."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest
from shapely.geometry import Polygon

from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from samples.town.changes import Change, ChangeKind, Later, later
from samples.town.flying import NO_NOISE, Plan
from samples.town.layout import lay_out
from samples.town.pairs import Flown, make_pair
from samples.town.preview import outline_in
from samples.town.render import Renderer
from samples.town.state import FlightState
from samples.town.world import Town

DAY = FlightState(seed=5, overcast=1.0, noise_sigma=0.0, jpeg_quality=None)


@pytest.fixture(scope="module")
def town() -> Town:
    return lay_out(17, 220.0)


@pytest.fixture(scope="module")
def changed(town: Town) -> Later:
    return later(town, 1, 16, nuisances=False)


def test_every_kind_of_change_happens(changed: Later) -> None:
    assert {change.kind for change in changed.changes} == set(ChangeKind)


def test_new_structures_are_large_enough_and_apart(town: Town, changed: Later) -> None:
    new = [change for change in changed.changes if change.is_new_structure]
    assert len(new) >= 8
    old = [Polygon(b.footprint()) for b in town.buildings if b.parent is None]
    for change in new:
        outline = Polygon(change.outline)
        assert change.area_m2 == pytest.approx(outline.area) and change.area_m2 >= 10
        assert change.top_m - change.base_m > 2
        if change.kind is not ChangeKind.ROOF_ROOM:
            assert max(outline.intersection(house).area for house in old) < 0.6, change.kind
    for one, other in combinations([c for c in new if c.kind is not ChangeKind.ROOF_ROOM], 2):
        assert Polygon(one.outline).distance(Polygon(other.outline)) > 0.5


def test_rooms_on_roofs_stand_on_their_roof(town: Town, changed: Later) -> None:
    roofs = {b.key: b for b in town.buildings}
    rooms = [b for b in changed.town.buildings if b.parent is not None and b.key > 50_000_000]
    assert rooms
    for room in rooms:
        host = roofs[room.parent or 0]
        assert room.base_m == host.eaves_m
        assert Polygon(host.footprint()).buffer(1e-6).contains(Polygon(room.corners()))


def test_a_storey_changes_the_height_and_nothing_else(town: Town, changed: Later) -> None:
    (change,) = [c for c in changed.changes if c.kind is ChangeKind.STOREY][:1]
    before, after = ({b.key: b for b in t.buildings}[change.key] for t in (town, changed.town))
    assert after.eaves_m == before.eaves_m + 3.2
    assert replace(after, eaves_m=before.eaves_m, look=before.look) == before


def test_what_was_removed_is_gone(town: Town, changed: Later) -> None:
    gone = {b.key for b in town.buildings} - {b.key for b in changed.town.buildings}
    assert gone == {c.key for c in changed.changes if c.kind is ChangeKind.REMOVED}


def test_pixels_change_where_the_truth_says_and_nowhere_else(town: Town) -> None:
    """Under one sky without shadows, without what stands about: differences are the structures and their walls."""
    bare = replace(town, stands=(), trees=())
    done = later(bare, 1, 16, nuisances=False)
    plan = Plan(760, 760, 0.29, distortion=(0.0,) * 5)
    pose = Pose(0.0, 0.0, 146.0, turned(10, -90, 0))
    lens = plan.lens
    first, second = (Renderer(t, DAY, 0.29).clean(lens, pose).astype(int) for t in (bare, done.town))
    different = np.abs(first - second).max(axis=2) > 12
    explained = np.zeros(different.shape, np.uint8)
    changed_shares = []
    for change in done.changes:
        rings = [_seen_at(lens, pose, change, height) for height in (change.top_m + 2.5, 0.0)]
        hull = cv2.convexHull(np.concatenate(rings).astype(np.float32)).reshape(-1, 2)
        cv2.fillPoly(explained, [np.round(hull).astype(np.int32)], 255)
        top = _seen_at(lens, pose, change, change.top_m)
        if change.is_new_structure and (top > 5).all() and (top < 754).all():
            roof = np.zeros(different.shape, np.uint8)
            cv2.fillPoly(roof, [np.round(top).astype(np.int32)], 255)
            changed_shares.append(float(different[roof > 0].mean()))
    explained = cv2.dilate(explained, np.ones((7, 7), np.uint8))
    assert different[explained == 0].mean() < 2e-4
    # From one place some are hidden by what is higher, and concrete looks like concrete.
    assert len(changed_shares) >= 6 and np.mean(np.array(changed_shares) > 0.5) >= 0.75


def _seen_at(lens: Lens, pose: Pose, change: Change, height: float) -> Doubles:
    points = np.concatenate((change.outline, np.full((len(change.outline), 1), height)), axis=1)
    return lens.pixels(pose.to_camera(points))


def test_outlines_agree_with_the_flights_own_lens_and_pose() -> None:
    pair = make_pair(4, 120.0, plan=Plan(400, 300, 0.3), noise=NO_NOISE, changes=4)
    frame, flown = pair.after.frames[0], pair.truth.after
    change = pair.truth.changes[0]
    points = np.concatenate((change.outline, np.full((4, 1), change.top_m)), axis=1)
    by_frame = frame.lens.pixels(frame.pose.to_camera(points))
    assert np.abs(by_frame - outline_in(flown, 0, change)).max() < 1e-6


def test_nuisances_are_told_and_leave_structures_alone(town: Town) -> None:
    with_them, without = later(town, 1, 6), later(town, 1, 6, nuisances=False)
    assert len({n.kind for n in with_them.nuisances}) >= 4 and not without.nuisances
    plain = {b.key: (b.footprint().tolist(), b.eaves_m, b.roof) for b in without.town.buildings}
    assert {b.key: (b.footprint().tolist(), b.eaves_m, b.roof) for b in with_them.town.buildings} == plain


def test_a_negative_number_of_changes_is_refused(town: Town) -> None:
    with pytest.raises(ValueError, match="changes is -1"):
        later(town, 1, -1)


def test_more_changes_than_there_is_room_for_are_not_forced() -> None:
    found = later(lay_out(2, 60.0, "farmland"), 1, 500, nuisances=False)
    assert len(found.changes) < 500


def test_a_flight_names_its_pictures_and_reads_them_again() -> None:
    pair = make_pair(4, 120.0, plan=Plan(400, 300, 0.3), changes=2)
    assert isinstance(pair.truth.before, Flown)
    frame = pair.before.frames[1]
    assert (frame.name, frame.index) == ("before-0001", 1)
    first = frame.read_bgr()
    assert first.shape == (300, 400, 3)
    pair.forget()
    assert np.array_equal(frame.read_bgr(), first)
